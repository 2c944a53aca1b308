"""The rules that come nearest to admitting a packet, and the smallest rule that would.

A rule is compared field by field: protocol, port or ICMP type and code, peer. The fewer fields fail, the nearer it is
(of another kind of protocol, such as ICMP for TCP, the ports count as failing too); among equals a wrong peer is nearer than a wrong port, and that than a wrong protocol, then the smaller distance counts.
Rules of the other direction come last, and only those that fail in nothing but the direction.
"""

import enum
from collections.abc import Iterator
from typing import Final

from attrs import field, frozen
from netaddr import IPNetwork

from sgsim.model.address import Family, format_address
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol, protocol_name
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, Rule

_NAMES: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}

MOST_MEMBERS: Final = 3
"""How many blocks of a group or list are named."""


class Field(enum.IntEnum):
    """What a rule looks at in a packet; of equal numbers of failing fields the earlier are nearer."""

    PEER = 1
    """Source of what comes in, destination of what goes out."""
    PORT = 2
    ICMP_CODE = 3
    ICMP_TYPE = 4
    PROTOCOL = 5
    DIRECTION = 6

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


@frozen
class FieldMiss:
    """A field in which a packet does not fit a rule."""

    field: Field
    packet: str
    """What the packet has; empty for a later fragment's port."""
    rule: str
    """What the rule asks for."""
    note: str = ""
    """What a reader may stumble over."""


@frozen
class NearMiss:
    """A rule that does not admit a packet, and why."""

    rule: RuleRef
    misses: tuple[FieldMiss, ...]
    distance: float = field(default=0.0, repr=False)
    """How far the failing fields are off; 0..1 for each."""

    is_other_service: bool = field(default=False, repr=False)
    """Whether the rule is of a protocol with which ports, or type and code, cannot be compared; they fail too, then."""

    @property
    def rank(self) -> tuple[bool, int, tuple[int, ...], float]:
        """Sorts the nearest first."""
        fields = sorted((miss.field for miss in self.misses), reverse=True)
        return Field.DIRECTION in fields, len(fields) + self.is_other_service, tuple(fields), self.distance


def near_misses(matcher: RuleMatcher, header: Header) -> tuple[NearMiss, ...]:
    """Every rule that comes near to admitting a packet which none admits, the nearest first."""
    found = [_compared(rule, header, matcher) for rule in matcher.rules[header.direction]]
    reversed_header = header._replace(direction=header.direction.opposite)
    found += [
        NearMiss(rule.ref, (FieldMiss(Field.DIRECTION, str(header.direction), str(rule.rule.direction)),))
        for rule in matcher.rules[reversed_header.direction]
        if rule.admits(reversed_header) and _says_something(rule.rule, header.family)
    ]
    return tuple(sorted(found, key=lambda miss: miss.rank))


def _says_something(rule: Rule, family: Family) -> bool:
    """Whether a rule is more than open to all traffic; that one fits everything and so tells nothing."""
    return rule.protocol != ANY_PROTOCOL or not rule.is_open_to(family)


def smallest_rule(header: Header, group_id: str) -> Rule | None:
    """The narrowest rule that admits a packet; None for a later fragment, whose port nobody knows."""
    protocol = header.protocol
    if protocol in PORT_PROTOCOLS and header.port is None:
        return None
    if protocol in ICMP_PROTOCOLS and header.icmp_type is None:
        return None
    is_icmp = protocol in ICMP_PROTOCOLS
    if is_icmp and not _is_of_family(protocol, header.family):
        is_icmp, protocol = False, ANY_PROTOCOL  # nothing narrower admits it
    return Rule(
        group_id=group_id,
        direction=header.direction,
        protocol=protocol,
        peer=Cidr(IPNetwork((header.peer, header.family.bits), version=int(header.family))),
        ports=None if header.port is None else PortRange(header.port, header.port),
        icmp=IcmpMatch(header.icmp_type, header.icmp_code) if is_icmp else None,
    )


def _compared(rule: ResolvedRule, header: Header, matcher: RuleMatcher) -> NearMiss:
    pairs = [*_service_misses(rule.rule, header), *_peer_misses(rule, header, matcher.resolver.inventory)]
    return NearMiss(
        rule.ref,
        tuple(miss for miss, _ in pairs),
        sum(distance for _, distance in pairs),
        _is_other_service(rule.rule.protocol, header.protocol),
    )


def _is_other_service(of_rule: int, of_packet: int) -> bool:
    kinds = (PORT_PROTOCOLS, ICMP_PROTOCOLS)
    return of_rule not in {ANY_PROTOCOL, of_packet} and not any({of_rule, of_packet} <= kind for kind in kinds)


def _service_misses(rule: Rule, header: Header) -> Iterator[tuple[FieldMiss, float]]:
    if rule.protocol not in {ANY_PROTOCOL, header.protocol}:
        yield FieldMiss(Field.PROTOCOL, protocol_name(header.protocol), protocol_name(rule.protocol)), 1
    if rule.ports is not None and header.protocol in PORT_PROTOCOLS:
        yield from _port_misses(rule.ports, header.port)
    if rule.icmp is not None and header.protocol in ICMP_PROTOCOLS:
        if rule.protocol == header.protocol and not _is_of_family(rule.protocol, header.family):
            name = protocol_name(rule.protocol)
            yield FieldMiss(Field.PROTOCOL, f"{name} over {_NAMES[header.family]}", name), 1
        yield from _icmp_misses(rule.icmp, header)


def _is_of_family(protocol: int, family: Family) -> bool:
    """Whether a kind of ICMP is that of a family; rules know no other."""
    return (protocol == Protocol.ICMP) is (family is Family.IPV4)


def _port_misses(ports: PortRange, port: int | None) -> Iterator[tuple[FieldMiss, float]]:
    if port is None:
        if not ports.is_all:
            yield FieldMiss(Field.PORT, "", str(ports)), 1
    elif port not in ports:
        gap = max(ports.first - port, port - ports.last)
        yield FieldMiss(Field.PORT, str(port), str(ports)), gap / PortRange.all().last


def _icmp_misses(icmp: IcmpMatch, header: Header) -> Iterator[tuple[FieldMiss, float]]:
    if icmp.icmp_type is None:
        return
    if icmp.icmp_type != header.icmp_type:
        yield FieldMiss(Field.ICMP_TYPE, str(header.icmp_type), str(icmp.icmp_type)), 1
    elif icmp.icmp_code not in {None, header.icmp_code}:
        yield FieldMiss(Field.ICMP_CODE, str(header.icmp_code), str(icmp.icmp_code)), 1


def _peer_misses(rule: ResolvedRule, header: Header, inventory: Inventory) -> Iterator[tuple[FieldMiss, float]]:
    if rule.addresses is not None and rule.addresses.contains(header.peer, header.family):
        return
    peer = format_address(header.peer, header.family)
    note = _peer_note(rule, header, inventory)
    yield FieldMiss(Field.PEER, peer, str(rule.rule.peer), note), _distance(rule, header)


def _distance(rule: ResolvedRule, header: Header) -> float:
    """The share of the address that differs from the nearest one of the rule, counted from its first different bit."""
    ranges = rule.addresses.ranges(header.family) if rule.addresses is not None else ()
    differing = [(header.peer ^ edge).bit_length() for edges in ranges for edge in edges]
    return min(differing, default=header.family.bits) / header.family.bits


def _peer_note(rule: ResolvedRule, header: Header, inventory: Inventory) -> str:
    peer = rule.rule.peer
    if isinstance(peer, Cidr):
        family = Family(peer.network.version)
        return "" if family is header.family else f"which is {_NAMES[family]} alone"
    if rule.addresses is None:
        return "whose addresses nobody gave, so that it counts as empty"
    if isinstance(peer, GroupReference):
        through = _public_owner(peer.group_id, header, inventory)
        if through:
            return f"which means private addresses; this is the public one of {through}"
        if peer.is_stale:
            return "which is stale: the group or its peering is gone"
    blocks = [str(block.ip if block.size == 1 else block) for block in _blocks(rule, header.family)]
    if not blocks:
        return f"which has no {_NAMES[header.family]} address here"
    return _listed(blocks)


def _blocks(rule: ResolvedRule, family: Family) -> list[IPNetwork]:
    networks = () if rule.addresses is None else rule.addresses.networks()
    return [network for network in networks if network.version == family]


def _listed(blocks: list[str]) -> str:
    more = f" and {len(blocks) - MOST_MEMBERS} more" if len(blocks) > MOST_MEMBERS else ""
    return ", ".join(blocks[:MOST_MEMBERS]) + more


def _public_owner(group_id: str, header: Header, inventory: Inventory) -> str:
    """The member of a group that others see by this address; groups never match it (`[aws-sgr]`)."""
    for interface in inventory.interfaces.values():
        if group_id in interface.group_ids:
            for network in interface.public_addresses:
                if network.version == header.family and network.first <= header.peer <= network.last:
                    return interface.interface_id
    return ""


def peer_word(direction: Direction) -> str:
    """What the peer is to a packet that passes in this direction."""
    return "source" if direction is Direction.INGRESS else "destination"
