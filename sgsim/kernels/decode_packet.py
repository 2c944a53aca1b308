"""Compiled twin of `sgsim.sources.frames`, `ip_headers`, `transport` and `quotes`: one frame becomes its `fields`.

Where a twin raises, these give what stops them: 0 or a `Reason`. Places are those in the buffer; `cut` is where the
captured bytes end, and `base` where in `fields` the packet stands: 0, or `QUOTED`, where it is only the beginning of one.
"""

from sgsim.kernels.decode_bytes import get, load8, load16, load32, load64, put
from sgsim.kernels.decode_layout import (
    ANSWER,
    BY_FOURS,
    DIRECTION,
    DST_HI,
    DST_LO,
    DST_PORT,
    ERROR,
    EXTENSIONS,
    FAMILY,
    FIELD_WORDS,
    FRAGMENT,
    FRAGMENT_ID,
    FRAGMENT_OFFSET,
    ICMP_CODE,
    ICMP_KINDS,
    ICMP_TYPE,
    MORE_FRAGMENTS,
    PROTOCOL,
    QUERY,
    QUOTED,
    SRC_HI,
    SRC_LO,
    SRC_PORT,
    TCP_FLAGS,
    VLAN,
    Address,
)
from sgsim.kernels.decode_links import BY_NIBBLE, CARRIED, read_link, require
from sgsim.kernels.jit import kernel
from sgsim.model.decision import Reason
from sgsim.model.protocol import Protocol

ASK = 255
"""In place of a `Reason`: the readable decoder must read this frame."""

_MALFORMED = int(Reason.MALFORMED)
_TRUNCATED = int(Reason.TRUNCATED)
_TCP, _UDP = int(Protocol.TCP), int(Protocol.UDP)
_ICMP, _ICMPV6 = int(Protocol.ICMP), int(Protocol.ICMPV6)
_NO_KIND = 0
_WHOLE = 0
"""Where in `fields` the packet itself stands. `int` around a constant keeps kernels from being compiled for each."""
_QUOTE_AT = 8

HeaderFields = tuple[int, int, int]
"""What stops it, where the protocol's header begins, where the packet ends."""


@kernel(is_entry=False)
def decode_frame(data: Address, at: int, cut: int, wire_end: int, link: int, facts: Address, fields: Address) -> int:
    """Read one frame into `fields`, of which nothing but 0 is left if something stops it."""
    for place in range(FIELD_WORDS):
        put(fields, place, 0)
    stop, version, start, vlan, direction = read_link(data, at, cut, wire_end, link, facts)
    if stop:
        return stop
    if version == CARRIED:
        return ASK
    stop = decode_packet(data, start, cut, wire_end, version, facts, fields)
    if stop:
        for place in range(FIELD_WORDS):
            put(fields, place, 0)
        return stop
    put(fields, VLAN, vlan)
    put(fields, DIRECTION, direction)
    return 0


@kernel(is_entry=False)
def decode_packet(
    data: Address, start: int, cut: int, wire_end: int, version: int, facts: Address, fields: Address
) -> int:
    """Read an IP packet."""
    if version == BY_NIBBLE:
        stop = require(start + 1, wire_end, cut)
        if stop:
            return stop
        version = load8(data + start) >> 4
    if version not in (4, 6):
        return _MALFORMED
    stop, position, end = read_ip(data, start, wire_end, cut, version, facts, fields, int(_WHOLE))
    if stop or get(fields, FRAGMENT_OFFSET):
        return stop
    protocol = get(fields, PROTOCOL)
    stop = read_transport(data, position, end, cut, facts, fields)
    if stop:
        return stop
    if icmp_kind(protocol, get(fields, ICMP_TYPE), facts) == ERROR:
        return read_quote(data, position + _QUOTE_AT, end, cut, protocol, facts, fields)
    return 0


@kernel(is_entry=False)
def read_ip(
    data: Address,
    start: int,
    limit: int,
    cut: int,
    version: int,
    facts: Address,
    fields: Address,
    base: int,
) -> HeaderFields:
    """Read the headers of either version."""
    put(fields, base + FAMILY, version)
    if version == 4:
        return read_ipv4(data, start, limit, cut, fields, base)
    return read_ipv6(data, start, limit, cut, facts, fields, base)


@kernel(is_entry=False)
def read_ipv4(
    data: Address,
    start: int,
    limit: int,
    cut: int,
    fields: Address,
    base: int,
) -> HeaderFields:
    """Read an IPv4 header."""
    stop = require(start + 20, limit, cut)
    if stop:
        return stop, 0, 0
    version_and_words = load8(data + start)
    total_bytes = load16(data + start + 2)
    header_bytes = (version_and_words & 0x0F) << 2
    if version_and_words >> 4 != 4 or header_bytes < 20 or 0 < total_bytes < header_bytes:
        return _MALFORMED, 0, 0
    end = start + total_bytes if total_bytes and base == 0 else limit
    if end > limit or start + header_bytes > end:
        return _MALFORMED, 0, 0
    fragment_word = load16(data + start + 6)
    if fragment_word & 0x3FFF:
        put(fields, base + FRAGMENT_ID, load16(data + start + 4))
        put(fields, base + FRAGMENT_OFFSET, (fragment_word & 0x1FFF) << 3)
        put(fields, base + MORE_FRAGMENTS, fragment_word >> 13 & 1)
    put(fields, base + PROTOCOL, load8(data + start + 9))
    put(fields, base + SRC_LO, load32(data + start + 12))
    put(fields, base + DST_LO, load32(data + start + 16))
    return 0, start + header_bytes, end


@kernel(is_entry=False)
def read_ipv6(
    data: Address,
    start: int,
    limit: int,
    cut: int,
    facts: Address,
    fields: Address,
    base: int,
) -> HeaderFields:
    """Read an IPv6 header and the extension headers after it."""
    stop = require(start + 40, limit, cut)
    if stop:
        return stop, 0, 0
    if load8(data + start) >> 4 != 6:
        return _MALFORMED, 0, 0
    payload_bytes = load16(data + start + 4)
    end = start + 40 + payload_bytes if payload_bytes and base == 0 else limit
    if end > limit:
        return _MALFORMED, 0, 0
    put(fields, base + SRC_HI, load64(data + start + 8))
    put(fields, base + SRC_LO, load64(data + start + 16))
    put(fields, base + DST_HI, load64(data + start + 24))
    put(fields, base + DST_LO, load64(data + start + 32))
    stop, position, protocol = walk_extensions(data, start + 40, end, cut, load8(data + start + 6), facts, fields, base)
    put(fields, base + PROTOCOL, protocol)
    return stop, position, end


@kernel(is_entry=False)
def walk_extensions(
    data: Address,
    position: int,
    end: int,
    cut: int,
    next_header: int,
    facts: Address,
    fields: Address,
    base: int,
) -> HeaderFields:
    """Follow extension headers to the protocol, or to the payload of a later fragment, which has none.

    Returns:
        What stops it, where the protocol's header begins, the protocol.
    """
    while load8(facts + EXTENSIONS + next_header):
        stop = require(position + 8, end, cut)
        if stop:
            return stop, 0, 0
        form = load8(facts + EXTENSIONS + next_header)
        next_header = load8(data + position)
        if form == FRAGMENT:
            offset_word = load16(data + position + 2)
            if offset_word & 0xFFF9:
                put(fields, base + FRAGMENT_ID, load32(data + position + 4))
                put(fields, base + FRAGMENT_OFFSET, offset_word & 0xFFF8)
                put(fields, base + MORE_FRAGMENTS, offset_word & 1)
            position += 8
            if offset_word & 0xFFF8:
                break
        elif form == BY_FOURS:
            position += (load8(data + position + 1) + 2) << 2
        else:
            position += (load8(data + position + 1) + 1) << 3
        if position > end:
            return _MALFORMED, 0, 0
    return 0, position, next_header


@kernel(is_entry=False)
def icmp_kind(protocol: int, kind: int, facts: Address) -> int:
    """Say whether an ICMP type is that of a query, an answer or an error; neither for other protocols."""
    if protocol == _ICMP:
        return load8(facts + ICMP_KINDS + kind)
    if protocol == _ICMPV6:
        return load8(facts + ICMP_KINDS + 256 + kind)
    return _NO_KIND


@kernel(is_entry=False)
def read_transport(data: Address, start: int, end: int, cut: int, facts: Address, fields: Address) -> int:
    """Read what follows the IP headers of a packet that is whole or a first fragment."""
    protocol = get(fields, PROTOCOL)
    is_whole = get(fields, MORE_FRAGMENTS) == 0
    if protocol == _TCP:
        stop = require(start + 14, end, cut)
        if stop:
            return stop
        header_bytes = load8(data + start + 12) >> 4 << 2
        if header_bytes < 20 or (is_whole and start + header_bytes > end):
            return _MALFORMED
        put(fields, SRC_PORT, load16(data + start))
        put(fields, DST_PORT, load16(data + start + 2))
        put(fields, TCP_FLAGS, load8(data + start + 13))
        return 0
    if protocol == _UDP:
        if is_whole and start + 8 > end:
            return _MALFORMED
        stop = require(start + 4, end, cut)
        if stop:
            return stop
        if start + 6 <= min(end, cut):
            length = load16(data + start + 4)
            if 0 < length < 8 or (is_whole and start + length > end):
                return _MALFORMED
        put(fields, SRC_PORT, load16(data + start))
        put(fields, DST_PORT, load16(data + start + 2))
        return 0
    if protocol in (_ICMP, _ICMPV6):
        return read_icmp(data, start, end, cut, protocol, facts, fields, int(_WHOLE))
    return 0


@kernel(is_entry=False)
def read_icmp(
    data: Address,
    start: int,
    end: int,
    cut: int,
    protocol: int,
    facts: Address,
    fields: Address,
    base: int,
) -> int:
    """Read an ICMP or ICMPv6 header, whole or quoted."""
    stop = require(start + 2, end, cut)
    if stop:
        return stop
    kind = icmp_kind(protocol, load8(data + start), facts)
    if kind in (QUERY, ANSWER):
        stop = require(start + 6, end, cut)
        if stop:
            return stop
        put(fields, base + (SRC_PORT if kind == QUERY else DST_PORT), load16(data + start + 4))
    put(fields, base + ICMP_TYPE, load8(data + start))
    put(fields, base + ICMP_CODE, load8(data + start + 1))
    return 0


@kernel(is_entry=False)
def read_quote(data: Address, start: int, end: int, cut: int, error: int, facts: Address, fields: Address) -> int:
    """Read the packet that an ICMP error is about; its family stays 0 if it names no flow."""
    version = 4 if error == _ICMP else 6
    stop, position, _ = read_ip(data, start, end, cut, version, facts, fields, int(QUOTED))
    if stop == 0 and get(fields, QUOTED + FRAGMENT_OFFSET) == 0:
        stop = read_quoted_transport(data, position, end, cut, facts, fields)
        if stop == 0:
            return 0
    put(fields, QUOTED + FAMILY, 0)
    return _TRUNCATED if stop == _TRUNCATED else 0


@kernel(is_entry=False)
def read_quoted_transport(data: Address, start: int, end: int, cut: int, facts: Address, fields: Address) -> int:
    """Read what an ICMP error quotes after the IP headers."""
    protocol = get(fields, QUOTED + PROTOCOL)
    if protocol in (_TCP, _UDP):
        stop = require(start + 4, end, cut)
        if stop == 0:
            put(fields, QUOTED + SRC_PORT, load16(data + start))
            put(fields, QUOTED + DST_PORT, load16(data + start + 2))
        return stop
    if protocol in (_ICMP, _ICMPV6):
        return read_icmp(data, start, end, cut, protocol, facts, fields, int(QUOTED))
    return 0
