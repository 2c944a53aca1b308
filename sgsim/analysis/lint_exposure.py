"""Administration ports that the Internet reaches, and open rules whose flows are tracked all the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from netaddr import IPNetwork

from sgsim.analysis.finding import Finding, Severity, finding
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.protocol import ANY_PROTOCOL, PORT_PROTOCOLS, Protocol
from sgsim.model.states import Direction
from sgsim.rules import ranges
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import RuleMatcher
from sgsim.rules.ranges import Ranges
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Rule
from sgsim.rules.service import protocol_services, rule_services

ADMIN_PORTS: Final = {
    22: "SSH", 23: "Telnet", 135: "RPC", 139: "NetBIOS", 445: "SMB", 1433: "SQL Server", 1521: "Oracle", 2375: "Docker",
    2376: "Docker", 2379: "etcd", 3306: "MySQL", 3389: "RDP", 5432: "PostgreSQL", 5601: "Kibana", 5900: "VNC",
    5985: "WinRM", 5986: "WinRM", 6379: "Redis", 6443: "Kubernetes", 9200: "Elasticsearch", 10250: "kubelet",
    11211: "memcached", 27017: "MongoDB",
}  # fmt: skip
"""TCP ports that are for administrators and databases, and what they are for."""

_SPECIAL: Final = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
)  # fmt: skip
_NOT_PUBLIC: Final = AddressSet.of(map(IPNetwork, _SPECIAL))
_GLOBAL_UNICAST: Final = AddressSet.of([IPNetwork("2000::/3")])
PUBLIC: Final = AddressSet(ipv4=ranges.difference(((0, (1 << 32) - 1),), _NOT_PUBLIC.ipv4), ipv6=_GLOBAL_UNICAST.ipv6)
"""Addresses that are reached over the Internet: all of IPv4 but special-purpose blocks (RFC 6890), IPv6's 2000::/3."""

MOSTLY_OPEN: Final = 0.5
"""From this share of the public addresses on a port counts as open to the Internet."""

WIDE_BITS: Final = {Family.IPV4: 24, Family.IPV6: 104}
"""From this many addresses on, as a power of two, it counts as open to a larger part of it: a /8, and a /24 of IPv6."""


def exposure(
    inventory: Inventory,
    admin_ports: Iterable[int],
    *,
    bypasses: bool = True,
    peak_by_rule: Mapping[str, int] | None = None,
) -> Iterator[Finding]:
    """Find exposed ports and flows that are tracked in vain.

    Args:
        inventory: Rules and interfaces.
        admin_ports: TCP ports that the Internet should not reach.
        bypasses: Whether the profile leaves flows untracked at all.
        peak_by_rule: Places of the tables at their peaks by rule, of a replay; None without traffic.
    """
    yield from _admin_ports(inventory, sorted(admin_ports))
    if bypasses:
        yield from _tracking(inventory, peak_by_rule)


def _carriers(inventory: Inventory) -> dict[tuple[str, ...], list[Interface]]:
    """Interfaces by what they carry; groups that none carries stand alone, with nobody."""
    found: dict[tuple[str, ...], list[Interface]] = {}
    for interface in inventory.interfaces.values():
        found.setdefault(interface.group_ids, []).append(interface)
    carried = {group_id for group_ids in found for group_id in group_ids}
    alone = () if inventory.has_interface_document else (key for key in inventory.groups if key not in carried)
    return {**found, **{(group_id,): [] for group_id in alone}}


def _admin_ports(inventory: Inventory, ports: Sequence[int]) -> Iterator[Finding]:
    resolver = Resolver(inventory)
    found: dict[Rule, dict[int, tuple[float, list[Interface]]]] = {}
    parts: dict[AddressSet, AddressSet] = {}
    shares: dict[tuple[int, ...], float] = {}
    deciding: dict[tuple[int, ...], frozenset[int]] = {}
    for group_ids, interfaces in _carriers(inventory).items():
        public = list(_public_rules(group_ids, resolver, parts))
        for port in ports:
            service = protocol_services(Protocol.TCP, port, port)[0]
            here = [(rule, part) for rule, part in public if _asks(rule, service)]
            key = tuple(dict.fromkeys(id(part) for _, part in here))
            if key not in shares:
                shares[key] = _share([part for _, part in here])
                deciding[key] = _deciding([part for _, part in here]) if shares[key] else frozenset()
            if shares[key]:
                for rule in (rule for rule, part in here if id(part) in deciding[key]):
                    known = found.setdefault(rule, {}).get(port, (0.0, []))
                    found[rule][port] = (max(shares[key], known[0]), [*known[1], *interfaces])
    for rule, by_port in found.items():
        yield _exposed(rule, by_port, inventory)


def _public_rules(
    group_ids: Sequence[str], resolver: Resolver, parts: dict[AddressSet, AddressSet]
) -> Iterator[tuple[Rule, AddressSet]]:
    """Inbound rules for TCP that some public address may use, with these addresses."""
    groups = resolver.inventory.groups
    for group_id in group_ids:
        for rule in groups[group_id].rules_of(Direction.INGRESS) if group_id in groups else ():
            addresses = resolver.addresses(rule)
            if not addresses or rule.protocol not in {ANY_PROTOCOL, Protocol.TCP}:
                continue
            if addresses not in parts:
                parts[addresses] = _public(addresses)
            if parts[addresses]:
                yield rule, parts[addresses]


def _deciding(parts: Sequence[AddressSet]) -> frozenset[int]:
    """Those parts, by identity, that make a port open: without those for few addresses that parts for many hold anyhow."""
    wide = [part for part in parts if _share([part])]
    together = AddressSet(*(ranges.merged(each for part in wide for each in part.ranges(family)) for family in Family))
    beside = (part for part in parts if any(_beyond(part, together, family) for family in Family))
    return frozenset(map(id, (*wide, *beside)))


def _beyond(part: AddressSet, together: AddressSet, family: Family) -> Ranges:
    return ranges.difference(part.ranges(family), together.ranges(family))


def _asks(rule: Rule, service: int) -> bool:
    first, last = rule_services(rule)
    return first <= service <= last


def _public(addresses: AddressSet) -> AddressSet:
    return AddressSet(*(ranges.intersection(addresses.ranges(family), PUBLIC.ranges(family)) for family in Family))


def _share(parts: Sequence[AddressSet]) -> float:
    """The largest share of a family's public addresses that some sets hold together; 0 if they are no larger part."""
    largest = 0.0
    for family in Family:
        together: Ranges = ranges.merged(each for part in parts for each in part.ranges(family))
        count = ranges.size(together)
        if count >= 1 << WIDE_BITS[family]:
            largest = max(largest, count / ranges.size(PUBLIC.ranges(family)))
    return largest


def _exposed(rule: Rule, by_port: Mapping[int, tuple[float, list[Interface]]], inventory: Inventory) -> Finding:
    share = max(share for share, _ in by_port.values())
    interfaces = {each.interface_id: each for _, found in by_port.values() for each in found}
    names = ", ".join(
        f"{port} ({ADMIN_PORTS[port]})" if port in ADMIN_PORTS else str(port) for port in list(by_port)[:6]
    )
    more = f" and {len(by_port) - 6} more" if len(by_port) > 6 else ""
    who = "the Internet" if share >= MOSTLY_OPEN else f"{share:.1%} of the public addresses"
    is_reachable = any(
        each.public_addresses or any(net.version == Family.IPV6 for net in each.addresses)
        for each in interfaces.values()
    )
    is_bad = share >= MOSTLY_OPEN and (is_reachable or not interfaces)
    plural = "ports" if len(by_port) > 1 else "port"
    where = f" of {', '.join(list(interfaces)[:4])}{' and others' if len(interfaces) > 4 else ''}" if interfaces else ""
    whose = "it" if len(interfaces) == 1 else "them"
    unreachable = "" if is_reachable or not interfaces else f"; no public or IPv6 address of {whose} is known"
    return finding(
        "open-admin-port",
        f"{who} may reach {plural} {names}{more}{where}{unreachable}",
        inventory,
        rule=rule,
        severity=None if is_bad else Severity.WARNING,
        interfaces=tuple(interfaces),
    )


def _tracking(inventory: Inventory, peak_by_rule: Mapping[str, int] | None) -> Iterator[Finding]:
    """Open rules of interfaces whose other direction is not open; outbound ones only where traffic shows their price."""
    resolver = Resolver(inventory)
    found: dict[Rule, list[str]] = {}
    for group_ids, interfaces in _carriers(inventory).items():
        known = [group_id for group_id in group_ids if group_id in inventory.groups]
        matcher = RuleMatcher(Interface(interface_id="an interface", addresses=(), group_ids=known), resolver)
        for group_id in known:
            for rule in inventory.groups[group_id].rules:
                if _forces(rule, matcher):
                    found.setdefault(rule, []).extend(each.interface_id for each in interfaces)
    for rule, interface_ids in found.items():
        saved = None if peak_by_rule is None else peak_by_rule.get(rule.name, 0)
        if not saved and (rule.direction is Direction.EGRESS or saved is not None):
            continue
        way = "outbound" if rule.direction is Direction.INGRESS else "inbound"
        price = "" if saved is None else f": {saved:,} place{'' if saved == 1 else 's'} at the peak of this traffic"
        message = f"every flow that it admits is tracked, because {way} is not open to everyone on all ports{price}"
        yield finding(
            "forces-tracking",
            message,
            inventory,
            rule=rule,
            fix=_untracking(rule),
            interfaces=tuple(dict.fromkeys(interface_ids)),
            saved_entries=saved,
        )


def _forces(rule: Rule, matcher: RuleMatcher) -> bool:
    for family in Family:
        if rule.is_open_to(family):
            protocols = PORT_PROTOCOLS if rule.protocol == ANY_PROTOCOL else {rule.protocol} & PORT_PROTOCOLS
            probes = (Header(rule.direction, family, 0, protocol, 0) for protocol in sorted(protocols))
            return any(not matcher.is_open_back(probe) for probe in probes)
    return False


def _untracking(rule: Rule) -> str:
    name = rule.service.partition(" ")[0] if rule.ports is not None else "tcp and udp"
    if rule.direction is Direction.INGRESS:
        return f"If the table is short, open outbound {name} 0-65535 to {rule.peer}; then these flows are not tracked."
    return (
        f"If the table is short and the interface may be reached by everyone, open inbound {name} 0-65535 from {rule.peer}; "
        "else narrow what goes out."
    )
