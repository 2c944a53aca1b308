"""Traffic that security groups never filter, in either direction.

Source: `[aws-sg]`, `[aws-nacl]` for the classes, `[aws-ntp]`, `[aws-win]`, `[aws-api]` for the addresses.
"""

from collections.abc import Iterable
from typing import Final

from attrs import frozen
from netaddr import IPNetwork

from sgsim.conntrack.policies import ExemptList
from sgsim.model.address import Family, parse_address
from sgsim.model.packet import Packet
from sgsim.model.protocol import NEIGHBOUR_DISCOVERY_TYPES, PORT_PROTOCOLS, Protocol
from sgsim.model.standing import Standing
from sgsim.model.states import Direction


@frozen
class ExemptService:
    """A service of the network itself."""

    name: str
    standing: Standing
    source: str
    protocol: int | None = None
    """Limited to this protocol, None if to none."""
    port: int | None = None
    """Limited to this port of the service, None if to none."""
    since: ExemptList = ExemptList.NAMED
    """The shortest list that has it."""


_SERVICES: Final[dict[str, ExemptService]] = {
    "169.254.169.253": ExemptService("Amazon DNS", Standing.DOCUMENTED, "aws-sg"),
    "fd00:ec2::253": ExemptService("Amazon DNS", Standing.ASSUMED, "aws-sg", since=ExemptList.IMPLIED),
    "169.254.169.254": ExemptService("instance metadata", Standing.DOCUMENTED, "aws-sg"),
    "fd00:ec2::254": ExemptService("instance metadata", Standing.DOCUMENTED, "aws-sg"),
    "169.254.170.2": ExemptService("ECS task metadata", Standing.DOCUMENTED, "aws-sg"),
    "169.254.169.123": ExemptService("Amazon Time Sync", Standing.DOCUMENTED, "aws-ntp"),
    "fd00:ec2::123": ExemptService("Amazon Time Sync", Standing.DOCUMENTED, "aws-ntp"),
    "169.254.169.250": ExemptService("Windows activation", Standing.DOCUMENTED, "aws-win", Protocol.TCP, 1688),
    "169.254.169.251": ExemptService("Windows activation", Standing.DOCUMENTED, "aws-win", Protocol.TCP, 1688),
    "169.254.170.23": ExemptService("EKS Pod Identity", Standing.ASSUMED, "aws-sg", since=ExemptList.WIDE),
    "169.254.169.249": ExemptService("GRID licences", Standing.ASSUMED, "aws-sg", since=ExemptList.WIDE),
}

_VPC_DNS: Final = ExemptService("Amazon DNS (VPC+2)", Standing.DOCUMENTED, "aws-sg", port=53)
_ROUTER: Final = ExemptService("VPC router", Standing.DOCUMENTED, "aws-sg")
_DHCP: Final = ExemptService("DHCP", Standing.DOCUMENTED, "aws-sg", Protocol.UDP)
_NEIGHBOURS: Final = ExemptService(
    "neighbour discovery", Standing.ASSUMED, "rfc4861", Protocol.ICMPV6, since=ExemptList.IMPLIED
)
_LISTS: Final = tuple(ExemptList)
"""Each has what those before it have."""

DHCP_PORTS: Final = {Family.IPV4: {67, 68}, Family.IPV6: {546, 547}}
"""Server and client, RFC 2131 and RFC 8415."""

EXEMPT_SERVICES: Final = (*dict.fromkeys(_SERVICES.values()), _VPC_DNS, _ROUTER, _DHCP, _NEIGHBOURS)
"""All of them, for the docs."""


@frozen
class ExemptTraffic:
    """The services of one network, by address."""

    _services: dict[tuple[int, Family], ExemptService]
    neighbours: bool = True
    """Whether neighbour and multicast listener discovery are among them."""

    @classmethod
    def of(
        cls,
        vpcs: Iterable[Iterable[IPNetwork]],
        subnets: Iterable[IPNetwork],
        exempt_list: ExemptList = ExemptList.IMPLIED,
    ) -> "ExemptTraffic":
        """Services at their well-known addresses and at those that a network reserves.

        They count at every interface, whichever VPC it is in; `docs/limits.md` says where that matters.

        Args:
            vpcs: The blocks of each VPC, the primary IPv4 block first; its third address is the DNS server.
            subnets: The blocks of the subnets; the second address of an IPv4 block is the router.
            exempt_list: Which services they are.
        """
        listed = _LISTS[: _LISTS.index(exempt_list) + 1]
        services = {parse_address(text): service for text, service in _SERVICES.items() if service.since in listed}
        for networks in vpcs:
            ipv4 = [network for network in networks if network.version == Family.IPV4]
            services |= {(network.first + 2, Family.IPV4): _VPC_DNS for network in ipv4[:1]}
        services |= {(net.first + 1, Family.IPV4): _ROUTER for net in subnets if net.version == Family.IPV4}
        return cls(services, neighbours=_NEIGHBOURS.since in listed)

    def service(self, packet: Packet, direction: Direction) -> ExemptService | None:
        """The service that a packet goes to or comes from; None if it is filtered."""
        five_tuple = packet.five_tuple
        is_icmpv6 = five_tuple.protocol == Protocol.ICMPV6
        if self.neighbours and is_icmpv6 and packet.icmp_type in NEIGHBOUR_DISCOVERY_TYPES:
            return _NEIGHBOURS
        if (
            five_tuple.protocol == Protocol.UDP
            and {five_tuple.src_port, five_tuple.dst_port} <= DHCP_PORTS[five_tuple.family]
        ):
            return _DHCP
        peer = five_tuple if direction is Direction.EGRESS else five_tuple.reply()
        service = self._services.get((peer.dst_addr, peer.family))
        if service is None or service.protocol not in {None, peer.protocol}:
            return None
        if service.port is None:
            return service
        return service if peer.protocol in PORT_PROTOCOLS and peer.dst_port == service.port else None

    def services(self) -> dict[tuple[int, Family], ExemptService]:
        """The services by address; DHCP and neighbour discovery, which have none, are not among them."""
        return dict(self._services)
