"""What rules look at in a packet."""

from typing import NamedTuple

from sgsim.model.address import Family
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.protocol import PORT_PROTOCOLS
from sgsim.model.states import Direction


class Header(NamedTuple):
    """A packet from a rule's point of view: who the peer is, and which service is asked for."""

    direction: Direction
    family: Family
    peer: int
    """Address of the other side: the source of what comes in, the destination of what goes out."""
    protocol: int
    port: int | None
    """Destination port; None without ports, and in a later fragment."""
    icmp_type: int | None = None
    icmp_code: int | None = None

    @classmethod
    def of(
        cls,
        five_tuple: FiveTuple,
        direction: Direction,
        icmp_type: int | None = None,
        icmp_code: int | None = None,
    ) -> "Header":
        """The header of a packet that passes an interface in `direction`."""
        return cls(
            direction,
            five_tuple.family,
            five_tuple.src_addr if direction is Direction.INGRESS else five_tuple.dst_addr,
            five_tuple.protocol,
            five_tuple.dst_port if five_tuple.protocol in PORT_PROTOCOLS else None,
            icmp_type,
            icmp_code,
        )
