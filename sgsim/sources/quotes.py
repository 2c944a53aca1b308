"""The packet that an ICMP error quotes, as far as it tells the flow that the error is about.

Law: the quote decides whether an error is related to a flow, so bytes of it that were cut from the capture make the
whole packet TRUNCATED. A quote that is no beginning of a packet, or of a later fragment, names no flow: the error is
then judged as any packet.

Source: RFC 792 and RFC 4443 (what errors quote), RFC 1812 section 4.3.2.3.
"""

from typing import Final

from sgsim.model.decision import Reason
from sgsim.model.protocol import Protocol
from sgsim.sources.ip_headers import read_ipv4, read_ipv6
from sgsim.sources.skips import SkipPacket
from sgsim.sources.transport import read_quoted_transport

QuoteFields = tuple[int, int, int, int, int, int, int, int, int, int]
"""A row of `QuotedColumns`."""

_ICMP: Final = int(Protocol.ICMP)
_QUOTE_AT: Final = 8


def read_quote(frame: bytes, icmp_start: int, end: int, protocol: int) -> QuoteFields | None:
    """Read the packet that an ICMP error is about, None if it names no flow.

    Args:
        frame: The captured bytes.
        icmp_start: Where the error's own ICMP header begins.
        end: Where the packet that carries the error ends.
        protocol: ICMP, which quotes IPv4, or ICMPv6, which quotes IPv6.
    """
    try:
        return _read_quote(frame, icmp_start + _QUOTE_AT, end, protocol)
    except SkipPacket as skip:
        if skip.reason is Reason.TRUNCATED:
            raise
        return None


def _read_quote(frame: bytes, start: int, end: int, protocol: int) -> QuoteFields | None:
    family, read_header = (4, read_ipv4) if protocol == _ICMP else (6, read_ipv6)
    addresses, quoted_protocol, position, _, fragment = read_header(frame, start, end, is_quoted=True)
    if fragment[1]:
        return None
    src_port, dst_port, _, icmp_type, icmp_code = read_quoted_transport(frame, position, end, quoted_protocol)
    return *addresses, family, quoted_protocol, src_port, dst_port, icmp_type, icmp_code
