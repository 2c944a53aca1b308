"""One packet as a filter sees it."""

from attrs import frozen

from sgsim.model.five_tuple import FiveTuple
from sgsim.model.protocol import ICMP_PROTOCOLS, Protocol, format_tcp_flags
from sgsim.model.states import Direction


@frozen
class Fragment:
    """What an IP header says of a packet that is part of a larger one."""

    identification: int
    """Common to the fragments of one packet."""
    offset_bytes: int
    """Where this part begins; 0 is the first fragment, which alone has ports."""
    more: bool
    """Whether parts follow."""

    @property
    def is_later(self) -> bool:
        """Whether this part lacks the ports."""
        return self.offset_bytes > 0


@frozen
class Quote:
    """The packet that an ICMP error is about, as the error quotes it."""

    five_tuple: FiveTuple
    icmp_type: int | None = None
    """Of a quoted ICMP packet, else None."""
    icmp_code: int | None = None
    """Of a quoted ICMP packet, else None."""


@frozen
class Packet:
    """One packet, seen at one time.

    Ports are 0 where the protocol has none. `icmp_type` and `icmp_code` are None but for ICMP and ICMPv6.
    """

    five_tuple: FiveTuple
    time_ns: int = 0
    """When it was seen, nanoseconds since the epoch."""
    length_bytes: int = 0
    """Its length on the wire."""
    tcp_flags: int = 0
    """`TcpFlags` of a TCP segment, else 0."""
    icmp_type: int | None = None
    icmp_code: int | None = None
    direction: Direction | None = None
    """What the capture says of its way, None if it says nothing."""
    number: int = 0
    """Its place in its file, from 1, as Wireshark counts frames; 0 where there is no file."""
    file: int = 0
    """Which of the input files it comes from, from 0."""
    taken_at: str | None = None
    """The interface that the file is bound to, None if it is bound to none."""
    fragment: Fragment | None = None
    """None if the packet is whole."""
    quote: Quote | None = None
    """Of an ICMP error, else None."""

    @property
    def is_later_fragment(self) -> bool:
        """Whether its ports are in an earlier fragment."""
        return self.fragment is not None and self.fragment.is_later

    def __str__(self) -> str:
        """Write it as the command line takes it."""
        text = str(self.five_tuple)
        if self.is_later_fragment:
            return text
        if self.five_tuple.protocol == Protocol.TCP:
            return f"{text} {format_tcp_flags(self.tcp_flags)}"
        if self.five_tuple.protocol in ICMP_PROTOCOLS:
            return f"{text} type {self.icmp_type} code {self.icmp_code}"
        return text
