"""IP headers: IPv4 with options, IPv6 with its extension headers, fragments of both.

A total length of 0 (IPv4) or a payload length of 0 (IPv6) reaches to the end of the frame: captures of segments that
the network card has yet to cut, or has joined, hold it (TSO, GRO, BIG TCP), and so do jumbograms (RFC 2675).

Source: RFC 791, RFC 8200, RFC 4302 (AH), RFC 6946 (atomic fragments).
"""

import struct
from typing import Final

from sgsim.model.decision import Reason
from sgsim.sources.skips import SkipPacket, require

Addresses = tuple[int, int, int, int]
"""`src_hi`, `src_lo`, `dst_hi`, `dst_lo`."""
FragmentFields = tuple[int, int, int]
"""`fragment_id`, `fragment_offset` in bytes, `more_fragments`."""
HeaderFields = tuple[Addresses, int, int, int, FragmentFields]
"""Addresses, protocol, where its header begins, where the packet ends, fragment."""

NO_FRAGMENT: Final[FragmentFields] = (0, 0, 0)
"""A whole packet; atomic fragments are whole."""

_IPV4: Final = struct.Struct(">BxHHHxBxxII")  # version and length, total length, id, fragment, protocol, addresses
_IPV6: Final = struct.Struct(">B3xHBxQQQQ")  # version, payload length, next header, addresses

FRAGMENT_HEADER: Final = 44
AUTHENTICATION_HEADER: Final = 51
EXTENSION_HEADERS: Final = frozenset({0, 43, FRAGMENT_HEADER, AUTHENTICATION_HEADER, 60, 135, 139, 140})
"""Hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, shim6: a header follows them.

ESP (50) hides what follows and 'no next header' (59) says that nothing does; these end the walk as a protocol does.
"""


def read_ipv4(frame: bytes, start: int, limit: int, *, is_quoted: bool = False) -> HeaderFields:
    """Read an IPv4 header.

    Args:
        frame: The captured bytes.
        start: Where the header begins.
        limit: Where the frame ended on the wire, or the ICMP error that quotes the packet.
        is_quoted: Whether only the beginning of the packet is there: its end is then `limit` whatever it says.
    """
    require(frame, start + 20, limit)
    version_and_words, total_bytes, identification, fragment_word, protocol, src, dst = _IPV4.unpack_from(frame, start)
    header_bytes = (version_and_words & 0x0F) << 2
    if version_and_words >> 4 != 4 or header_bytes < 20 or 0 < total_bytes < header_bytes:
        raise SkipPacket(Reason.MALFORMED)
    end = start + total_bytes if total_bytes and not is_quoted else limit
    if end > limit or start + header_bytes > end:
        raise SkipPacket(Reason.MALFORMED)
    fragment = NO_FRAGMENT
    if fragment_word & 0x3FFF:  # an offset, or more fragments to come
        fragment = (identification, (fragment_word & 0x1FFF) << 3, fragment_word >> 13 & 1)
    return (0, src, 0, dst), protocol, start + header_bytes, end, fragment


def read_ipv6(frame: bytes, start: int, limit: int, *, is_quoted: bool = False) -> HeaderFields:
    """Read an IPv6 header and the extension headers after it; arguments as for `read_ipv4`."""
    require(frame, start + 40, limit)
    version, payload_bytes, next_header, src_hi, src_lo, dst_hi, dst_lo = _IPV6.unpack_from(frame, start)
    if version >> 4 != 6:
        raise SkipPacket(Reason.MALFORMED)
    end = start + 40 + payload_bytes if payload_bytes and not is_quoted else limit
    if end > limit:
        raise SkipPacket(Reason.MALFORMED)
    position = start + 40
    fragment = NO_FRAGMENT
    if next_header in EXTENSION_HEADERS:
        next_header, position, fragment = _walk_extensions(frame, position, end, next_header)
    return (src_hi, src_lo, dst_hi, dst_lo), next_header, position, end, fragment


def _walk_extensions(frame: bytes, position: int, end: int, next_header: int) -> tuple[int, int, FragmentFields]:
    """Follow extension headers to the protocol, or to the payload of a later fragment, which has none."""
    fragment = NO_FRAGMENT
    while next_header in EXTENSION_HEADERS:
        require(frame, position + 8, end)
        header = next_header
        next_header = frame[position]
        if header == FRAGMENT_HEADER:
            offset_word = frame[position + 2] << 8 | frame[position + 3]
            if offset_word & 0xFFF9:  # else an atomic fragment
                identification = int.from_bytes(frame[position + 4 : position + 8], "big")
                fragment = (identification, offset_word & 0xFFF8, offset_word & 1)
            position += 8
            if offset_word & 0xFFF8:
                break
        elif header == AUTHENTICATION_HEADER:
            position += (frame[position + 1] + 2) << 2
        else:
            position += (frame[position + 1] + 1) << 3
        if position > end:
            raise SkipPacket(Reason.MALFORMED)
    return next_header, position, fragment
