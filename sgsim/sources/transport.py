"""The transport layer: ports, TCP flags, ICMP type, code and identifier.

Only the bytes that a filter looks at must have been captured; the lengths that a header states must fit its packet.
All other protocols have no fields here, tunnels among them: what a tunnel carries is not judged.

Source: RFC 9293, RFC 768, RFC 792, RFC 4443.
"""

import struct
from typing import Final

from sgsim.model.decision import Reason
from sgsim.model.protocol import ICMP_ANSWERS, ICMP_ERRORS, ICMP_QUERIES, Protocol
from sgsim.sources.skips import SkipPacket, require

TransportFields = tuple[int, int, int, int, int]
"""`src_port`, `dst_port`, `tcp_flags`, `icmp_type`, `icmp_code`."""

NO_TRANSPORT: Final[TransportFields] = (0, 0, 0, 0, 0)
"""Of protocols without ports and of later fragments."""

# Plain integers: a look-up in an enum costs as much as the rest of a decision in this loop.
_TCP: Final = int(Protocol.TCP)
_UDP: Final = int(Protocol.UDP)
_ICMP: Final = int(Protocol.ICMP)
_ICMPV6: Final = int(Protocol.ICMPV6)

_TCP_HEADER: Final = struct.Struct(">HH8xBB")  # ports, data offset, flags
_UDP_HEADER: Final = struct.Struct(">HHH")  # ports, length

ICMP_ERROR_TYPES: Final = frozenset((int(protocol), kind) for protocol, kinds in ICMP_ERRORS.items() for kind in kinds)
"""Protocol and type of the errors, which quote a packet from their ninth byte on."""
_ICMP_QUERY_TYPES: Final = frozenset(
    (int(protocol), kind) for protocol, kinds in ICMP_QUERIES.items() for kind in kinds
)
_ICMP_ANSWER_TYPES: Final = frozenset(
    (int(protocol), kind) for protocol, kinds in ICMP_ANSWERS.items() for kind in kinds
)


def read_transport(frame: bytes, start: int, end: int, protocol: int, *, is_whole: bool) -> TransportFields:
    """Read what follows the IP headers of a packet that is whole or a first fragment.

    Args:
        frame: The captured bytes.
        start: Where the transport header begins.
        end: Where the packet ends by its total length.
        protocol: IANA number.
        is_whole: Whether no fragments follow; if they do, its lengths may reach beyond `end`.
    """
    if protocol == _TCP:
        return _read_tcp(frame, start, end, is_whole=is_whole)
    if protocol == _UDP:
        return _read_udp(frame, start, end, is_whole=is_whole)
    if protocol in (_ICMP, _ICMPV6):
        return read_icmp(frame, start, end, protocol)
    return NO_TRANSPORT


def _read_tcp(frame: bytes, start: int, end: int, *, is_whole: bool) -> TransportFields:
    require(frame, start + 14, end)
    src_port, dst_port, offset, flags = _TCP_HEADER.unpack_from(frame, start)
    header_bytes = offset >> 4 << 2
    if header_bytes < 20 or (is_whole and start + header_bytes > end):
        raise SkipPacket(Reason.MALFORMED)
    return src_port, dst_port, flags, 0, 0


def _read_udp(frame: bytes, start: int, end: int, *, is_whole: bool) -> TransportFields:
    if is_whole and start + 8 > end:
        raise SkipPacket(Reason.MALFORMED)
    require(frame, start + 4, end)
    src_port, dst_port = frame[start] << 8 | frame[start + 1], frame[start + 2] << 8 | frame[start + 3]
    if start + 6 <= min(end, len(frame)):
        length = frame[start + 4] << 8 | frame[start + 5]
        # 0 stands for 'to the end': a jumbogram, or a datagram too long for the field.
        if 0 < length < 8 or (is_whole and start + length > end):
            raise SkipPacket(Reason.MALFORMED)
    return src_port, dst_port, 0, 0, 0


def read_icmp(frame: bytes, start: int, end: int, protocol: int) -> TransportFields:
    """Read an ICMP or ICMPv6 header, whole or quoted.

    The identifier of a query stands in `src_port`, that of an answer in `dst_port`. ICMPv6 node information (RFC 4620)
    has its query type in that place, which an answer repeats, so it serves as well.
    """
    require(frame, start + 2, end)
    kind = (protocol, frame[start])
    is_query = kind in _ICMP_QUERY_TYPES
    if not is_query and kind not in _ICMP_ANSWER_TYPES:
        return 0, 0, 0, frame[start], frame[start + 1]
    require(frame, start + 6, end)
    identifier = frame[start + 4] << 8 | frame[start + 5]
    ports = (identifier, 0) if is_query else (0, identifier)
    return *ports, 0, frame[start], frame[start + 1]


def read_quoted_transport(frame: bytes, start: int, end: int, protocol: int) -> TransportFields:
    """Read what an ICMP error quotes after the IP headers: at least 8 bytes, so ports, but perhaps no TCP flags."""
    if protocol in (_TCP, _UDP):
        require(frame, start + 4, end)
        return frame[start] << 8 | frame[start + 1], frame[start + 2] << 8 | frame[start + 3], 0, 0, 0
    if protocol in (_ICMP, _ICMPV6):
        return read_icmp(frame, start, end, protocol)
    return NO_TRANSPORT
