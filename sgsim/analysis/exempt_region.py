"""What groups never filter, as a region.

Rules do not look at source ports, exempt traffic does here and there: the region is that of packets which come from one
given source port.
"""

from collections.abc import Iterator

from sgsim.conntrack.exempt import DHCP_PORTS, ExemptService, ExemptTraffic
from sgsim.model.address import Family
from sgsim.model.protocol import NEIGHBOUR_DISCOVERY_TYPES, PORT_PROTOCOLS, Protocol
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.ranges import Ranges, merged
from sgsim.rules.rule_region import EVERYONE, Part
from sgsim.rules.service import ALL_SERVICES, protocol_services

_NEIGHBOURS = merged(
    protocol_services(Protocol.ICMPV6, kind * 256, kind * 256 + 255) for kind in NEIGHBOUR_DISCOVERY_TYPES
)


def exempt_parts(exempt: ExemptTraffic, direction: Direction, src_port: int) -> Iterator[Part]:
    """Every exempt packet that comes from one source port, as products that may overlap."""
    if exempt.neighbours:
        yield EVERYONE, _NEIGHBOURS
    for family, ports in DHCP_PORTS.items():
        if src_port in ports:
            services = merged(protocol_services(Protocol.UDP, port, port) for port in ports)
            yield AddressSet(**{_FIELDS[family]: ((0, (1 << family.bits) - 1),)}), services
    for (address, family), service in exempt.services().items():
        yield AddressSet(**{_FIELDS[family]: ((address, address),)}), _services(service, direction, src_port)


_FIELDS = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}


def _services(service: ExemptService, direction: Direction, src_port: int) -> Ranges:
    """What one service takes; its port is the peer's, so the destination of what goes out, the source of what comes."""
    if service.port is None:
        return ALL_SERVICES if service.protocol is None else (protocol_services(service.protocol),)
    if direction is Direction.INGRESS and src_port != service.port:
        return ()
    protocols = PORT_PROTOCOLS if service.protocol is None else {service.protocol}
    ports = (service.port, service.port) if direction is Direction.EGRESS else (0, 65535)
    return merged(protocol_services(protocol, *ports) for protocol in protocols)
