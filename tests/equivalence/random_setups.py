"""Seeded random networks and options: every policy, few rules that meet, all that a change can do to an interface."""

import random
from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve
from netaddr import IPNetwork

from sgsim.conntrack.policies import (
    BypassProtocols,
    ExemptList,
    Fragments,
    InvalidSegment,
    Midstream,
    RelatedIcmp,
    TimeoutChange,
    UdpStream,
    Unanswered,
)
from sgsim.conntrack.profile import LINUX, PROFILES, Profile
from sgsim.engine.options import EngineOptions
from sgsim.model.decision import Verdict
from sgsim.model.interface import Interface, TimeoutOverrides
from sgsim.model.path import PathLabel
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Instance, Inventory, Subnet, Vpc
from sgsim.rules.network_acl import AclEntry, NetworkAcl
from sgsim.rules.openness import OpenRules
from sgsim.rules.paths import PathRule
from sgsim.rules.port_range import PortRange
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, Peer, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

POLICIES: Final = {
    "midstream": Midstream, "midstream_after_cut": Midstream, "invalid": InvalidSegment, "unanswered": Unanswered, "related_icmp": RelatedIcmp,
    "fragments": Fragments, "udp_stream": UdpStream, "bypass": BypassProtocols, "exempt_list": ExemptList, "timeout_change": TimeoutChange, "open_rules": OpenRules,
}  # fmt: skip
SWITCHES: Final = (
    "open_own_protocol", "open_across_groups", "open_beside_narrow",
    "syn_reopens", "group_prefixes", "midstream_untracked", "full_untracked", "related_refresh", "exempt_traffic", "untrack_when_opened", "late_refresh", "ignored_refresh", "icmp_code_in_key", "linux_tcp_rules",
)  # fmt: skip

_BLOCKS: Final = (
    "0.0.0.0/0", "0.0.0.0/0", "::/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/24", "10.0.0.6/32",
    "198.51.100.7/32", "203.0.112.0/22", "2001:db8::/48", "::/1", "8000::/1",
)  # fmt: skip
_REFERENCES: Final[tuple[Peer, ...]] = (
    GroupReference("sg-1"), GroupReference("sg-2"), GroupReference("sg-x"), PrefixListReference("pl-1"),
    PrefixListReference("pl-x"),
)  # fmt: skip
_PORTS: Final = ((0, 65535), (0, 65535), (80, 80), (22, 443), (32768, 65535), (0, 32767))
_SOME_PORTS: Final = ((1, 65535), (1, 32767), (32768, 65535), (53, 443))
_MESSAGES: Final = (IcmpMatch(), IcmpMatch(8, 0), IcmpMatch(8), IcmpMatch(3), IcmpMatch(128), IcmpMatch(3, 4))
_PATHS: Final = (
    PathRule(PathLabel.DYNAMODB, IPNetwork("198.51.100.0/24")),
    PathRule(PathLabel.NAT_GATEWAY, IPNetwork("203.0.113.1/32"), scope="eni-a"),
    PathRule(PathLabel.DIRECT, IPNetwork("198.51.100.7/32")),
    PathRule(PathLabel.LAMBDA, IPNetwork("2001:db8:2::/48")),
)


def random_rule(rng: random.Random, group_id: str) -> Rule:
    """One rule."""
    protocol = rng.choice([-1, 6, 6, 6, 17, 17, 1, 58, 47])
    is_reference = rng.random() < 0.25
    peer: Peer = rng.choice(_REFERENCES) if is_reference else Cidr(IPNetwork(rng.choice(_BLOCKS)))
    return Rule(
        group_id=group_id,
        direction=rng.choice(list(Direction)),
        protocol=protocol,
        peer=peer,
        ports=PortRange(*rng.choice(_PORTS)) if protocol in {6, 17} else None,
        icmp=rng.choice(_MESSAGES) if protocol in {1, 58} else None,
    )


def random_inventory(rng: random.Random, *, allow_unresolved: bool = True) -> Inventory:
    """Two or three interfaces on up to two instances; each may lack groups, or in a change be gone or elsewhere."""
    groups = {
        name: SecurityGroup(group_id=name, rules=[random_rule(rng, name) for _ in range(rng.randint(1, 8))])
        for name in ("sg-1", "sg-2", "sg-3")
    }
    if rng.random() < 0.25:
        groups["sg-2"] = evolve(groups["sg-2"], rules=[*groups["sg-2"].rules, *_open_rules("sg-2")])
    return Inventory(
        groups=groups,
        interfaces=_interfaces(rng),
        prefix_lists={"pl-1": _prefix_list(rng)},
        has_interface_document=rng.random() < 0.7,
        allow_unresolved=allow_unresolved,
        paths=tuple(rng.sample(_PATHS, rng.randint(0, 3))),
        vpcs={"v": Vpc(vpc_id="v", networks=[IPNetwork("10.0.0.0/16")])} if rng.random() < 0.5 else {},
        subnets={"s": Subnet(subnet_id="s", networks=[IPNetwork("10.0.1.0/24")])} if rng.random() < 0.3 else {},
        network_acls=_network_acls(rng),
        instances={
            "i-1": Instance(
                instance_id="i-1", instance_type=rng.choice([None, "m8i.large"]), capacity=rng.choice([None, 3])
            )
        },
        members={"sg-x": AddressSet.of(IPNetwork("192.0.2.80/32"))} if rng.random() < 0.2 else {},
    )


def tracking_groups() -> dict[str, SecurityGroup]:
    """Groups that admit everything from and to everyone, by rules of which none is open to everyone."""
    halves = [Cidr(IPNetwork(block)) for block in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")]
    return {
        name: SecurityGroup(
            group_id=name,
            rules=[Rule(group_id=name, direction=way, protocol=-1, peer=half) for way in Direction for half in halves],
        )
        for name in ("sg-1", "sg-2", "sg-3")
    }


def open_groups() -> dict[str, SecurityGroup]:
    """Groups that are open to everyone, so that no flow is tracked."""
    return {name: SecurityGroup(group_id=name, rules=_open_rules(name)) for name in ("sg-1", "sg-2", "sg-3")}


def _open_rules(group_id: str) -> list[Rule]:
    """All traffic both ways, from and to everyone."""
    peers = [Cidr(IPNetwork(block)) for block in ("0.0.0.0/0", "::/0")]
    return [Rule(group_id=group_id, direction=way, protocol=-1, peer=peer) for way in Direction for peer in peers]


def _network_acls(rng: random.Random) -> dict[str, NetworkAcl]:
    """None, or one before each of some subnets: mostly open, with a few entries that deny."""
    if rng.random() < 0.5:
        return {}
    subnet_ids = rng.sample(["s", "subnet-1", "subnet-2"], 3)
    return {name: random_acl(rng, name, subnet_ids[at::2]) for at, name in enumerate(("acl-1", "acl-2"))}


def random_acl(rng: random.Random, network_acl_id: str, subnet_ids: Sequence[str]) -> NetworkAcl:
    """One network ACL."""
    entries = []
    for way in Direction:
        rules = [_acl_rule(rng, network_acl_id, way) for _ in range(rng.randint(0, 4))]
        entries += [
            AclEntry(number=number + 1, verdict=rng.choice([Verdict.DENY, Verdict.ALLOW]), rule=rule)
            for number, rule in enumerate(rules)
        ]
        for number, block in enumerate(("0.0.0.0/0", "::/0")):
            if rng.random() < 0.8:
                rule = Rule(group_id=network_acl_id, direction=way, protocol=-1, peer=Cidr(IPNetwork(block)))
                entries.append(AclEntry(number=100 + number, verdict=Verdict.ALLOW, rule=rule))
    return NetworkAcl(network_acl_id=network_acl_id, entries=entries, subnet_ids=subnet_ids)


def port_acls(rng: random.Random) -> dict[str, NetworkAcl]:
    """One network ACL before each subnet that allows ranges of ports, of TCP and UDP, and nothing without ports."""
    made = {}
    for subnet_id in ("s", "subnet-1", "subnet-2"):
        name = f"acl-{subnet_id}"
        rules = [
            Rule(
                group_id=name,
                direction=way,
                protocol=protocol,
                peer=Cidr(IPNetwork(block)),
                ports=PortRange(*rng.choice(_SOME_PORTS)),
            )
            for way in Direction
            for protocol in (6, 17)
            for block in ("0.0.0.0/0", "::/0")
        ]
        entries = [AclEntry(number=at + 1, verdict=Verdict.ALLOW, rule=rule) for at, rule in enumerate(rules)]
        made[name] = NetworkAcl(network_acl_id=name, entries=entries, subnet_ids=[subnet_id])
    return made


def _acl_rule(rng: random.Random, network_acl_id: str, direction: Direction) -> Rule:
    """What an entry is about: a rule without references."""
    rule = random_rule(rng, network_acl_id)
    peer = rule.peer if isinstance(rule.peer, Cidr) else Cidr(IPNetwork(rng.choice(_BLOCKS)))
    return evolve(rule, direction=direction, peer=peer)


def _prefix_list(rng: random.Random) -> PrefixList:
    entries = rng.sample(["192.0.2.0/24", "10.0.0.0/30", "10.0.0.4/30", "2001:db8::/64", "198.51.100.0/25"], 2)
    return PrefixList(prefix_list_id="pl-1", entries=map(IPNetwork, entries))


def _interfaces(rng: random.Random) -> dict[str, Interface]:
    made = [
        Interface(
            interface_id="eni-a",
            addresses=["10.0.0.5", "2001:db8::5"],
            group_ids=rng.choice([("sg-1",), ("sg-1", "sg-2"), ("sg-2", "sg-1"), ()] + 4 * [("sg-1", "sg-2")]),
            instance_id=rng.choice([None, "i-1"]),
            subnet_id="subnet-1",
        ),
        Interface(
            interface_id="eni-b",
            addresses=["10.0.0.6", "2001:db8:1::/64", "2001:db8:1::9"],
            group_ids=rng.choice([("sg-2", "sg-3")] * 9 + [("sg-2", "sg-unknown")]),
            instance_id=rng.choice([None, "i-1", "i-2"]),
            subnet_id=rng.choice([None, "subnet-1", "subnet-2", "subnet-2"]),
        ),
        Interface(
            interface_id="eni-c",
            addresses=["10.0.1.0/24"],
            group_ids=("sg-3",),
            instance_id="i-2",
            timeouts=TimeoutOverrides(tcp_established_s=rng.choice([60, 350])),
        ),
    ]
    kept = [each for each in made if rng.random() < (0.5 if each.interface_id == "eni-c" else 0.95)]
    return {each.interface_id: each for each in kept or made}


def random_options(rng: random.Random) -> EngineOptions:
    """A profile with some settings changed, a small capacity, a short memory, live or recorded."""
    return EngineOptions(
        profile=random_profile(rng, PROFILES[rng.choice(list(PROFILES))]),
        capacity=rng.choice([None, None, 1, 3, 10, 100]),
        remember=rng.choice([1, 2, 3, 10, 100, 10**6]),
        recorded=rng.random() < 0.7,
        cold_start=rng.random() < 0.2,
        as_recorded=rng.random() < 0.2,
        client_port=rng.choice([32768, 32768, 1024, 40001]),
    )


def random_profile(rng: random.Random, profile: Profile) -> Profile:
    """A profile with about three policies set by hand."""
    for name, kind in POLICIES.items():
        if rng.random() < 0.25:
            profile = profile.given(name, rng.choice([member.value for member in kind]))
    for name in SWITCHES:
        if rng.random() < 0.25:
            profile = profile.given(name, rng.random() < 0.5)
    return profile


def timed_profile(rng: random.Random, seconds: Sequence[float]) -> Profile:
    """The profile without bounds, with each timeout one of these, and some policies of others."""
    profile = random_profile(rng, LINUX)
    for name, setting in LINUX.settings():
        if name.endswith("_s") and isinstance(setting.value, float):
            profile = profile.given(name, rng.choice(seconds))
    return profile


def other_settings(rng: random.Random, options: EngineOptions) -> EngineOptions | None:
    """A capacity and timeouts for a change, or None for none."""
    if rng.random() < 0.5:
        return None
    timeouts = TimeoutOverrides(
        tcp_established_s=rng.choice([None, 60, 350]), udp_s=rng.choice([None, 30, 60]),
        udp_stream_s=rng.choice([None, 60, 180]),
    )  # fmt: skip
    return evolve(options, capacity=rng.choice([None, 0, 1, 3, 10]), timeouts=timeouts)


def with_options(options: EngineOptions, **fields: Any) -> EngineOptions:
    """The options with some others."""
    return evolve(options, **fields)


def large_inventory(rng: random.Random, interfaces: int, instances: int) -> Inventory:
    """Many interfaces 10.1.x.y and 2001:db8:1::n, several on each instance, with a few groups each of thirty."""
    names = [f"sg-{number}" for number in range(1, 31)]
    return Inventory(
        groups={
            name: SecurityGroup(group_id=name, rules=[random_rule(rng, name) for _ in range(rng.randint(1, 12))])
            for name in names
        },
        interfaces={
            f"eni-{number}": Interface(
                interface_id=f"eni-{number}",
                addresses=[ipv4_of(number), ipv6_of(number)],
                group_ids=tuple(rng.sample(names, rng.randint(0, 4))),
                instance_id=f"i-{rng.randrange(instances)}",
                subnet_id=f"subnet-{number % 7}",
            )
            for number in range(interfaces)
        },
        prefix_lists={"pl-1": _prefix_list(rng)},
        instances={
            f"i-{number}": Instance(instance_id=f"i-{number}", capacity=rng.choice([None, 5, 50]))
            for number in range(0, instances, 2)
        },
        has_interface_document=True,
        allow_unresolved=True,
        network_acls={
            f"acl-{number}": random_acl(rng, f"acl-{number}", [f"subnet-{number}", f"subnet-{number + 3}"])
            for number in range(3)
        },
        paths=_PATHS,
        vpcs={"v": Vpc(vpc_id="v", networks=[IPNetwork("10.1.0.0/16")])},
    )


def ipv4_of(number: int) -> str:
    """The IPv4 address of an interface of a large network."""
    return f"10.1.{number // 200}.{number % 200 + 4}"


def ipv6_of(number: int) -> str:
    """The IPv6 address of an interface of a large network."""
    return f"2001:db8:1::{number + 1:x}"
