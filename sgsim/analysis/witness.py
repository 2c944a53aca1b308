"""One packet that stands for many: a witness that people know at first sight, and that `sgsim check` can judge."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sgsim.model.address import Family
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.packet import Packet
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol, TcpFlags
from sgsim.model.states import Direction
from sgsim.rules.ranges import Ranges, within
from sgsim.rules.region import Point, Region
from sgsim.rules.region_cover import Product
from sgsim.rules.service import DETAILS, by_protocol

STAND_INS: Final = {Family.IPV4: (0xC6336407, 0xCB007107, 0xC0000207), Family.IPV6: ((0x20010DB8 << 96) + 7,)}
"""198.51.100.7, 203.0.113.7, 192.0.2.7 and 2001:db8::7: addresses for documentation, the first that will do is taken."""

_USUAL: Final = {
    Protocol.TCP: (443, 80, 22),
    Protocol.UDP: (53,),
    Protocol.ICMP: (8 * 256,),
    Protocol.ICMPV6: (128 * 256,),
}
"""The details that are taken where they will do, the first that does."""

_OF_FAMILY: Final = {Protocol.ICMP: Family.IPV4, Protocol.ICMPV6: Family.IPV6}


def witness_packet(
    product: Product, region: Region, direction: Direction, local: Mapping[Family, Sequence[int]], src_port: int
) -> Packet | None:
    """A packet of a product that is in a region too; None if nobody local has an address of its family.

    Args:
        product: Whose peers and services it is to have; of the usual ones if they are in the region.
        region: Where it must be; it has packets of the product.
        direction: Whether the peer sends it, or receives it.
        local: The addresses of this side, by family; the first that is not the peer's is taken.
        src_port: Its source port, where its protocol has ports.
    """
    for family, address in ((family, address) for family, addresses in local.items() for address in addresses):
        point = _point(product, region, family, address)
        if point is not None and point.address != address:
            ends = (point.address, address) if direction is Direction.INGRESS else (address, point.address)
            return opening_packet(*ends, family, point.service, src_port)
    return None


def _point(product: Product, region: Region, family: Family, other: int) -> Point | None:
    addresses = product.addresses.ranges(family)
    if not addresses:
        return None
    point = Point(family, nice_address(addresses, family, other), nice_service(product.services, family))
    if region.contains(point):
        return point
    slabs = (product.region() & region).slabs(family)
    if not slabs:
        return None
    first, last, services = slabs[0]
    return Point(family, nice_address(((first, last),), family, other), nice_service(services, family))


def opening_packet(source: int, destination: int, family: Family, service: int, src_port: int) -> Packet:
    """The first packet of a flow that asks for a service."""
    protocol, detail = divmod(service, DETAILS)
    has_ports = protocol in PORT_PROTOCOLS
    five_tuple = FiveTuple(
        source, src_port if has_ports else 0, destination, detail if has_ports else 0, protocol, family
    )
    if protocol not in ICMP_PROTOCOLS:
        return Packet(five_tuple, tcp_flags=TcpFlags.SYN if protocol == Protocol.TCP else TcpFlags(0))
    return Packet(five_tuple, icmp_type=detail // 256, icmp_code=detail % 256)


def nice_address(ranges: Ranges, family: Family, other: int) -> int:
    """An address of some ranges, if they have one that is not `other`: one for documentation, else one at their beginning."""
    for address in STAND_INS[family]:
        if address != other and within(ranges, address, address):
            return address
    candidates = (
        address
        for first, last in ranges
        for address in ((first + 1, first, first + 2) if last - first >= 3 else range(first, last + 1))
    )
    return next((address for address in candidates if address != other), ranges[0][0])


def nice_service(services: Ranges, family: Family) -> int:
    """TCP, then UDP, then ICMP of the family, then what there is; the first of them, or a usual one if all are in it."""
    return min(_choices(services, family))[1]


def _choices(services: Ranges, family: Family) -> Iterator[tuple[int, int]]:
    for protocol, first, last in by_protocol(services):
        if protocol == ANY_PROTOCOL:
            yield 0, Protocol.TCP * DETAILS + _USUAL[Protocol.TCP][0]
        elif protocol in {*PORT_PROTOCOLS, *ICMP_PROTOCOLS}:
            known = Protocol(protocol)
            is_odd = _OF_FAMILY.get(known, family) is not family
            rank = 4 if is_odd else 2 if known in ICMP_PROTOCOLS else int(known is Protocol.UDP)
            detail = next((usual for usual in _USUAL[known] if first <= usual <= last), first)
            yield rank, protocol * DETAILS + detail
        else:
            yield 3, protocol * DETAILS
