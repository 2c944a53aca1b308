"""One rule of a security group: a direction, a service and a peer.

A rule only ever allows. Source: `[aws-api]` IpPermission and SecurityGroupRule.
"""

from typing import Final

from attrs import Attribute, field, frozen
from netaddr import IPNetwork

from sgsim.errors import RuleError
from sgsim.model.address import Family
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS, Protocol, protocol_name
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.port_range import PortRange

_ICMP_FAMILY: Final[dict[int, Family]] = {Protocol.ICMP: Family.IPV4, Protocol.ICMPV6: Family.IPV6}
"""An `icmp` rule admits ICMP over IPv4 alone, an `icmpv6` rule over IPv6 (inferred)."""


def _without_host_bits(network: IPNetwork) -> IPNetwork:
    return network.cidr


@frozen
class Cidr:
    """A peer given as a block of addresses, host bits cleared."""

    network: IPNetwork = field(converter=_without_host_bits)

    def __str__(self) -> str:
        """The block in canonical form."""
        return str(self.network)


@frozen
class PrefixListReference:
    """A peer given as the entries of a prefix list, in its version of the moment."""

    prefix_list_id: str

    def __str__(self) -> str:
        """The list's id."""
        return self.prefix_list_id


@frozen
class GroupReference:
    """A peer given as the private addresses of the interfaces that carry a group."""

    group_id: str
    owner_id: str | None = None
    """The account of the referenced group; None if the document does not say."""
    peering_id: str | None = None
    """The VPC peering connection that it is reached through, None within the VPC."""
    is_stale: bool = False
    """Whether the group or the peering is gone: EC2 keeps the rule, and it resolves to nothing (`[aws-peer]`)."""

    def __str__(self) -> str:
        """The group's id."""
        return self.group_id


Peer = Cidr | PrefixListReference | GroupReference


@frozen
class IcmpMatch:
    """A type and a code of ICMP; None means any. Never a range (`[aws-api]`: FromPort is the type, ToPort the code)."""

    icmp_type: int | None = field(default=None)
    icmp_code: int | None = field(default=None)

    @icmp_type.validator
    @icmp_code.validator
    def _check(self, attribute: "Attribute[int | None]", value: object) -> None:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 255):
            raise RuleError(f"{attribute.name.replace('_', ' ')} must be 0..255 or -1 for any, got {value!r}")

    def __attrs_post_init__(self) -> None:
        """Refuse a code of any type, as EC2 does."""
        if self.icmp_type is None and self.icmp_code is not None:
            raise RuleError(f"icmp code must be -1 where the type is -1, got {self.icmp_code!r}")

    def admits(self, icmp_type: int | None, icmp_code: int | None) -> bool:
        """Whether a message has this type and code."""
        return self.icmp_type in {None, icmp_type} and self.icmp_code in {None, icmp_code}

    def __str__(self) -> str:
        """`8/0`, `8/any` or `all`."""
        if self.icmp_type is None:
            return "all"
        return f"{self.icmp_type}/{'any' if self.icmp_code is None else self.icmp_code}"


@frozen(kw_only=True)
class Rule:
    """What one entry of a security group allows.

    For TCP and UDP `ports` must be given, for ICMP and ICMPv6 `icmp`; all other protocols have neither, as EC2 ignores
    ports there.
    """

    group_id: str = field()
    direction: Direction
    protocol: int = field()
    """IANA number, or -1 for all traffic."""
    peer: Peer
    ports: PortRange | None = None
    icmp: IcmpMatch | None = None
    rule_id: str | None = None
    """The `sgr-` id, None if the document has none."""
    description: str = ""
    place: str = field(default="", eq=False)
    """Where it stands in its document, for messages; no part of what it says."""

    @group_id.validator
    def _check_group_id(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or not value:
            raise RuleError(f"group_id must be a non-empty text, got {value!r}")

    @protocol.validator
    def _check_protocol(self, _attribute: object, value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not ANY_PROTOCOL <= value <= 255:
            raise RuleError(f"protocol must be -1..255, got {value!r}")

    def __attrs_post_init__(self) -> None:
        """Check that the service is complete and of the protocol's kind."""
        if (self.ports is not None) != (self.protocol in PORT_PROTOCOLS):
            raise RuleError(f"ports must be given for tcp and udp alone, got {self.ports} for {self._service_name}")
        if (self.icmp is not None) != (self.protocol in ICMP_PROTOCOLS):
            raise RuleError(f"icmp must be given for icmp and icmpv6 alone, got {self.icmp} for {self._service_name}")

    @property
    def _service_name(self) -> str:
        return protocol_name(self.protocol)

    def admits_service(self, header: Header) -> bool:
        """Whether protocol, port, type and code fit; the peer is another question."""
        if self.protocol not in {ANY_PROTOCOL, header.protocol}:
            return False
        if self.ports is not None:
            return self.ports.is_all if header.port is None else header.port in self.ports
        if self.icmp is not None:
            return header.family is _ICMP_FAMILY[self.protocol] and self.icmp.admits(header.icmp_type, header.icmp_code)
        return True

    def is_open_to(self, family: Family) -> bool:
        """Whether the peer is literally 0.0.0.0/0, or ::/0."""
        return isinstance(self.peer, Cidr) and self.peer.network.version == family and self.peer.network.prefixlen == 0

    def covers_protocol(self, protocol: int) -> bool:
        """Whether everything of a protocol is admitted by the service: all its ports, all types and codes."""
        if self.protocol not in {ANY_PROTOCOL, protocol}:
            return False
        return (self.ports is None or self.ports.is_all) and (self.icmp is None or self.icmp.icmp_type is None)

    @property
    def service(self) -> str:
        """The service in words: `tcp 443`, `icmp 8/0`, `all traffic`."""
        if self.protocol == ANY_PROTOCOL:
            return "all traffic"
        parts = (self._service_name, self.ports, self.icmp)
        return " ".join(str(part) for part in parts if part is not None)

    @property
    def text(self) -> str:
        """The rule in words: `tcp 443 from 0.0.0.0/0`."""
        return f"{self.service} {'from' if self.direction is Direction.INGRESS else 'to'} {self.peer}"

    @property
    def name(self) -> str:
        """Its `sgr-` id, else what it says, `sg-1:ingress:tcp:443:0.0.0.0/0`."""
        detail = self.ports if self.ports is not None else self.icmp if self.icmp is not None else "all"
        return self.rule_id or f"{self.group_id}:{self.direction}:{self._service_name}:{detail}:{self.peer}"

    def ref(self) -> RuleRef:
        """How decisions name it."""
        return RuleRef(self.name, self.group_id, self.direction, self.text, self.description)
