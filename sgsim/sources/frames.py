"""One frame's bytes become one row: the specification of what sgsim reads from a packet.

Plain Python on bytes, so that a compiled decoder can mirror it line by line; scapy is asked only where a link type or
a carrier is not known here (`odd_links`). Read in the order of the layers: `links`, `ip_headers`, `transport`,
`quotes`.

Laws:
- Any bytes give one `Decoded`, never an exception.
- TRUNCATED: bytes that are needed were on the wire but not captured. Needed are the five-tuple, TCP flags, ICMP type,
  code and identifier, and the header that an ICMP error quotes. A payload cut by the snapshot length is normal.
- MALFORMED: version, header length and total length contradict each other or the length on the wire, or needed bytes
  lie beyond the end of the packet.
- A row that is skipped has 0 in every column that decoding fills.
- Checksums are never checked: captures taken at the sender with offloading hold wrong ones.
"""

from typing import Final

from sgsim.model.decision import Reason
from sgsim.sources.ip_headers import NO_FRAGMENT, FragmentFields, read_ipv4, read_ipv6
from sgsim.sources.links import BY_NIBBLE, CARRIED, LINK_READERS
from sgsim.sources.odd_links import find_packet, is_readable_by_scapy
from sgsim.sources.quotes import QuoteFields, read_quote
from sgsim.sources.skips import SkipPacket, require
from sgsim.sources.transport import ICMP_ERROR_TYPES, NO_TRANSPORT, read_transport

Fields = tuple[int, int, int, int, int, int, int, int, int, int, int]
"""The columns `src_hi` to `icmp_code`, in their order."""
PacketFields = tuple[Fields, FragmentFields, QuoteFields | None]
Decoded = tuple[Fields, int, int, int, FragmentFields, QuoteFields | None]
"""Fields, `Direction` or 0, skip reason or 0, VLAN, fragment, quoted packet."""

_NO_FIELDS: Final[Fields] = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def is_known_link_type(link_type: int) -> bool:
    """Whether packets of this link type can be read at all."""
    return link_type in LINK_READERS or is_readable_by_scapy(link_type)


def decode_frame(link_type: int, frame: bytes, wire_bytes: int) -> Decoded:
    """Read one frame.

    Args:
        link_type: LINKTYPE number of the capture.
        frame: The captured bytes.
        wire_bytes: How long the frame was on the wire.
    """
    wire_end = max(wire_bytes, len(frame))  # some writers leave the length on the wire 0
    try:
        reader = LINK_READERS.get(link_type)
        if reader is None:
            return _decode_by_scapy(link_type, frame, wire_end)
        version, start, vlan, direction = reader(frame, wire_end)
        if version == CARRIED:
            return _decode_by_scapy(link_type, frame, wire_end, vlan, direction)
        fields, fragment, quote = decode_packet(frame, start, wire_end, version)
    except SkipPacket as skip:
        return _NO_FIELDS, 0, int(skip.reason), 0, NO_FRAGMENT, None
    return fields, direction, 0, vlan, fragment, quote


def decode_packet(frame: bytes, start: int, wire_end: int, version: int) -> PacketFields:
    """Read an IP packet.

    Args:
        frame: The captured bytes.
        start: Where the packet begins in them.
        wire_end: Where the frame ended on the wire.
        version: What the link header promises, `BY_NIBBLE` if nothing.

    Raises:
        SkipPacket: If it cannot be judged.
    """
    if version == BY_NIBBLE:
        require(frame, start + 1, wire_end)
        version = frame[start] >> 4
    if version == 4:
        addresses, protocol, position, end, fragment = read_ipv4(frame, start, wire_end)
    elif version == 6:
        addresses, protocol, position, end, fragment = read_ipv6(frame, start, wire_end)
    else:
        raise SkipPacket(Reason.MALFORMED)
    if fragment[1]:
        return (*addresses, version, protocol, *NO_TRANSPORT), fragment, None
    transport = read_transport(frame, position, end, protocol, is_whole=not fragment[2])
    quote = None
    if (protocol, transport[3]) in ICMP_ERROR_TYPES:
        quote = read_quote(frame, position, end, protocol)
    return (*addresses, version, protocol, *transport), fragment, quote


def _decode_by_scapy(link_type: int, frame: bytes, wire_end: int, vlan: int = 0, direction: int = 0) -> Decoded:
    packet = find_packet(link_type, frame)
    fields, fragment, quote = decode_packet(packet, 0, len(packet) + wire_end - len(frame), BY_NIBBLE)
    return fields, direction, 0, vlan, fragment, quote
