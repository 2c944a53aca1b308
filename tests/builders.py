"""Whole objects for tests, short enough that a test shows only what matters.

Rules, packets and networks are written as people say them::

    rule("tcp 22-30 from 10.0.0.0/8")          rule("icmp 8/0 to ::/0")        rule("all from sg-2")
    group("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0", group_id="sg-web")
    interface("192.0.2.10", "2001:db8::10", groups=("sg-web",))
    inventory(group(...), interface(...), prefix_list("pl-1", "203.0.113.0/24"))
    packet("tcp 198.51.100.7:40000 -> 192.0.2.10:443 SA", time_ns=5)

Every other field can be set by its own name.
"""

from collections.abc import Iterable
from typing import Any

from attrs import evolve
from netaddr import IPNetwork

from sgsim.conntrack.entry import ConntrackEntry, FlowKey, TrackingCause
from sgsim.conntrack.tcp import TcpFlow
from sgsim.model.decision import Verdict
from sgsim.model.interface import Interface
from sgsim.model.packet import Packet
from sgsim.model.protocol import ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol, parse_tcp_flags, protocol_number
from sgsim.model.rule_ref import RuleRef
from sgsim.model.shorthand import parse_packet
from sgsim.model.states import Direction, TcpState, Tracking
from sgsim.rules.address_set import parse_cidr
from sgsim.rules.header import Header
from sgsim.rules.inventory import Instance, Inventory, Subnet, Vpc
from sgsim.rules.match import RuleMatcher
from sgsim.rules.network_acl import AclEntry, NetworkAcl
from sgsim.rules.port_range import PortRange
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, Peer, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup

SECOND_NS = 1_000_000_000


def rule(text: str, *, group_id: str = "sg-web", **fields: Any) -> Rule:
    """A rule as its text says it: `SERVICE from|to PEER`.

    SERVICE is `tcp 443`, `udp 22-30`, `tcp all`, `icmp 8/0`, `icmp 8` (any code), `icmp all`, `all` or a protocol
    number; PEER is a CIDR block, `pl-...` or a group's id.
    """
    before, word, peer_text = text.rpartition(" from ") if " from " in text else text.rpartition(" to ")
    name, _, detail = before.removesuffix(" traffic").partition(" ")
    protocol = protocol_number(name)
    return Rule(
        **{
            "group_id": group_id,
            "direction": Direction.INGRESS if word == " from " else Direction.EGRESS,
            "protocol": protocol,
            "peer": _peer(peer_text),
            "ports": _ports(detail) if protocol in PORT_PROTOCOLS else None,
            "icmp": _icmp(detail) if protocol in ICMP_PROTOCOLS else None,
            **fields,
        }
    )


def _peer(text: str) -> Peer:
    if "/" in text:
        return Cidr(parse_cidr(text))
    return PrefixListReference(text) if text.startswith("pl-") else GroupReference(text)


def _ports(text: str) -> PortRange:
    if text in {"", "all"}:
        return PortRange.all()
    first, _, last = text.partition("-")
    return PortRange(int(first), int(last or first))


def _icmp(text: str) -> IcmpMatch:
    if text in {"", "all"}:
        return IcmpMatch()
    icmp_type, _, code = text.partition("/")
    return IcmpMatch(int(icmp_type), None if code in {"", "any"} else int(code))


def group(*rules: str | Rule, group_id: str = "sg-web", **fields: Any) -> SecurityGroup:
    """A group of rules, each given as its text or whole."""
    made = (
        rule(item, group_id=group_id) if isinstance(item, str) else evolve(item, group_id=group_id) for item in rules
    )
    return SecurityGroup(**{"group_id": group_id, "rules": made, **fields})


def interface(*addresses: str, groups: Iterable[str] = ("sg-web",), **fields: Any) -> Interface:
    """An interface `eni-a` with the address 192.0.2.10, unless told otherwise."""
    own = addresses or ("192.0.2.10",)
    return Interface(**{"interface_id": "eni-a", "addresses": own, "group_ids": groups, **fields})


def network_acl(*entries: str, network_acl_id: str = "acl-1", subnets: Iterable[str] = ("subnet-1",)) -> NetworkAcl:
    """A network ACL; each entry is `NUMBER allow|deny` and a rule: `100 deny tcp 22 from 0.0.0.0/0`."""
    made = []
    for text in entries:
        number, verdict, about = text.split(" ", 2)
        said = Verdict[verdict.upper()]
        made.append(AclEntry(number=int(number), verdict=said, rule=rule(about, group_id=network_acl_id)))
    return NetworkAcl(network_acl_id=network_acl_id, entries=made, subnet_ids=subnets)


def prefix_list(prefix_list_id: str, *cidrs: str, **fields: Any) -> PrefixList:
    """A prefix list with its blocks."""
    return PrefixList(**{"prefix_list_id": prefix_list_id, "entries": map(parse_cidr, cidrs), **fields})


def vpc(*cidrs: str, vpc_id: str = "vpc-1") -> Vpc:
    """A VPC with its blocks."""
    return Vpc(vpc_id=vpc_id, networks=networks(*cidrs))


def networks(*cidrs: str) -> tuple[IPNetwork, ...]:
    """Blocks of addresses."""
    return tuple(parse_cidr(cidr) for cidr in cidrs)


def inventory(
    *parts: SecurityGroup | Interface | PrefixList | Vpc | Subnet | Instance | NetworkAcl, **fields: Any
) -> Inventory:
    """Everything that is known of a network; an interface among the parts counts as an interface document."""

    def by_id(kind: type, name: str) -> dict[str, Any]:
        return {getattr(part, name): part for part in parts if isinstance(part, kind)}

    return Inventory(
        **{
            "groups": by_id(SecurityGroup, "group_id"),
            "prefix_lists": by_id(PrefixList, "prefix_list_id"),
            "interfaces": by_id(Interface, "interface_id"),
            "vpcs": by_id(Vpc, "vpc_id"),
            "subnets": by_id(Subnet, "subnet_id"),
            "instances": by_id(Instance, "instance_id"),
            "network_acls": by_id(NetworkAcl, "network_acl_id"),
            "has_interface_document": any(isinstance(part, Interface) for part in parts),
            **fields,
        }
    )


def packet(text: str, *, flags: str | None = None, **fields: Any) -> Packet:
    """A packet as the command line takes it; `flags` are TCP flags as letters, in place of those in the text."""
    if flags is not None:
        fields["tcp_flags"] = parse_tcp_flags(flags)
    return evolve(parse_packet(text).packet, **fields)


def header(text: str, direction: Direction = Direction.INGRESS) -> Header:
    """What rules look at in a packet given as text."""
    parsed = packet(text)
    return Header.of(parsed.five_tuple, direction, parsed.icmp_type, parsed.icmp_code)


def matcher(known: Inventory, interface_id: str = "eni-a", **fields: Any) -> RuleMatcher:
    """The rules of one interface of an inventory."""
    return RuleMatcher(known.interfaces[interface_id], Resolver(known), **fields)


def rule_ref(rule_id: str = "sgr-1", **fields: Any) -> RuleRef:
    """The name of a rule."""
    return RuleRef(
        **{
            "rule_id": rule_id,
            "group_id": "sg-web",
            "direction": Direction.INGRESS,
            "text": "tcp 443 from 0.0.0.0/0",
            **fields,
        }
    )


def entry(
    text: str = "tcp 198.51.100.7:40000 -> 192.0.2.10:443",
    *,
    flow: int = 1,
    interface_id: str = "eni-a",
    direction: Direction = Direction.INGRESS,
    expires_at_ns: int = SECOND_NS,
    tracking: Tracking = Tracking.TRACKED,
    **fields: Any,
) -> ConntrackEntry:
    """A flow that the packet in `text` opened at time 0, passing the interface in `direction`."""
    opening = packet(text)
    key = FlowKey.of(interface_id, opening.five_tuple, direction, opening.icmp_type, opening.icmp_code, with_code=False)
    assert key is not None, "the packet must make a flow"
    is_tracked = tracking is Tracking.TRACKED
    return ConntrackEntry(
        **{
            "flow": flow,
            "key": key,
            "opener": direction,
            "tracking": tracking,
            "cause": TrackingCause.OPENING_RULE if is_tracked else TrackingCause.OPEN_RULES,
            "rule": rule_ref(),
            "opened_at_ns": 0,
            "last_seen_ns": 0,
            "expires_at_ns": expires_at_ns,
            "judged_at_version": 0,
            "places": int(is_tracked),
            "tcp": TcpFlow(TcpState.SYN_SENT) if opening.five_tuple.protocol == Protocol.TCP else None,
            **fields,
        }
    )
