"""Compiled twin of `sgsim.sources.pcap_file` and of the packet blocks in `pcapng_file`: where each frame is, and when.

A record that breaks the format, and a block that describes no packet, are left to the readable twin: it has the words
for what is wrong. So nothing here explains; it stops.
"""

from sgsim.kernels.decode_bytes import (
    get,
    load16,
    load16_little,
    load32,
    load32_little,
    prefetch,
    put,
    store8,
    store32,
    store64,
)
from sgsim.kernels.decode_layout import (
    CAPTURED_AT,
    END,
    FORMAT,
    FOUND,
    FRAME_AT,
    INTERFACE_DIVISOR,
    INTERFACE_FACTOR,
    INTERFACE_IS_USED,
    INTERFACE_LINK,
    INTERFACE_MAX_UNITS,
    INTERFACE_OFFSET_NS,
    INTERFACE_SHIFT,
    INTERFACE_SNAP_BYTES,
    INTERFACE_WORDS,
    INTERFACES,
    IS_FULL,
    IS_SWAPPED,
    LAST_TIME_NS,
    LENGTH_BYTES_AT,
    LINK,
    LINK_AT,
    MAX_RECORD_BYTES,
    MEETS_ODD_RECORD,
    NEEDS_BYTES,
    NUMBER,
    NUMBER_AT,
    NUMBERED_BLOCKS,
    PCAPNG,
    POSITION,
    TIME_NS_AT,
    UNIT_NS,
    WAY_AT,
    Address,
)
from sgsim.kernels.jit import kernel

_RECORD_BYTES = 16
_PREFETCH_BYTES = 512
"""How far ahead of a record memory is asked for: each record waits for the length of the one before, and the second cache
answers too late (80 million packets a second without, 95 with 256 to 2048 bytes)."""
_NONE = 0
_NS_PER_S = 1_000_000_000
_MAX_LENGTH_BYTES = (1 << 31) - 1

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE_BLOCK = 1
_OBSOLETE_PACKET_BLOCK = 2
_SIMPLE_PACKET_BLOCK = 3
_ENHANCED_PACKET_BLOCK = 6
_PACKET_FLAGS = 2
_INGRESS, _EGRESS = 1, 2  # as the flags say it; `Direction` has the same numbers


@kernel(is_entry=False)
def find_frames(data: Address, state: Address, rows: Address, interfaces: Address, last: int) -> int:
    """Find frames until the batch has so many rows, and fill the columns that records tell."""
    if get(state, FORMAT) == PCAPNG:
        return find_in_pcapng(data, state, rows, interfaces, last)
    return find_in_pcap(data, state, rows, last)


@kernel(is_entry=False)
def find_in_pcap(data: Address, state: Address, rows: Address, last: int) -> int:
    """Follow the records of a classic capture."""
    position, end = get(state, POSITION), get(state, END)
    number, row = get(state, NUMBER), get(state, FOUND)
    link = get(state, LINK)
    is_swapped, unit_ns, most = get(state, IS_SWAPPED) != 0, get(state, UNIT_NS), get(state, MAX_RECORD_BYTES)
    status = IS_FULL
    while row < last:
        start = position + _RECORD_BYTES
        prefetch(data + position + _PREFETCH_BYTES)
        if start > end:
            status = NEEDS_BYTES
            break
        if is_swapped:
            seconds, fraction = load32(data + position), load32(data + position + 4)
            captured, wire_bytes = load32(data + position + 8), load32(data + position + 12)
        else:
            seconds, fraction = load32_little(data + position), load32_little(data + position + 4)
            captured, wire_bytes = load32_little(data + position + 8), load32_little(data + position + 12)
        if captured > most:
            status = MEETS_ODD_RECORD
            break
        if start + captured > end:
            status = NEEDS_BYTES
            break
        store64(rows + TIME_NS_AT + row * 8, seconds * _NS_PER_S + fraction * unit_ns)
        store64(rows + NUMBER_AT + row * 8, number)
        store32(rows + LENGTH_BYTES_AT + row * 4, min(wire_bytes, _MAX_LENGTH_BYTES))
        store32(rows + FRAME_AT + row * 4, start)
        store32(rows + CAPTURED_AT + row * 4, captured)
        store8(rows + LINK_AT + row, link)
        store8(rows + WAY_AT + row, 0)
        position = start + captured
        number += 1
        row += 1
    put(state, POSITION, position)
    put(state, NUMBER, number)
    put(state, FOUND, row)
    return status


@kernel(is_entry=False)
def find_in_pcapng(data: Address, state: Address, rows: Address, interfaces: Address, last: int) -> int:
    """Follow the blocks of a section."""
    while get(state, FOUND) < last:
        position = get(state, POSITION)
        left = get(state, END) - position
        prefetch(data + position + _PREFETCH_BYTES)
        if left < 8:
            return NEEDS_BYTES
        kind, length = number32(data, position, state), number32(data, position + 4, state)
        if kind in (_SECTION_HEADER, _INTERFACE_BLOCK):
            return MEETS_ODD_RECORD
        if length < 12 or length % 4 or length > get(state, MAX_RECORD_BYTES):
            return MEETS_ODD_RECORD
        if left < length:
            return NEEDS_BYTES
        if number32(data, position + length - 4, state) != length:
            return MEETS_ODD_RECORD
        body, body_end = position + 8, position + length - 4
        if kind in (_ENHANCED_PACKET_BLOCK, _OBSOLETE_PACKET_BLOCK):
            if not find_packet(data, state, rows, interfaces, kind, body, body_end):
                return MEETS_ODD_RECORD
        elif kind == _SIMPLE_PACKET_BLOCK:
            if not find_simple_packet(data, state, rows, interfaces, body, body_end):
                return MEETS_ODD_RECORD
        else:
            for place in range(NUMBERED_BLOCKS, NUMBERED_BLOCKS + 8):
                put(state, NUMBER, get(state, NUMBER) + (kind == get(state, place)))
        put(state, POSITION, position + length)
    return IS_FULL


@kernel(is_entry=False)
def number32(data: Address, at: int, state: Address) -> int:
    """Read a number in the byte order of the section."""
    return load32(data + at) if get(state, IS_SWAPPED) else load32_little(data + at)


@kernel(is_entry=False)
def number16(data: Address, at: int, state: Address) -> int:
    """Read a number in the byte order of the section."""
    return load16(data + at) if get(state, IS_SWAPPED) else load16_little(data + at)


@kernel(is_entry=False)
def find_packet(
    data: Address, state: Address, rows: Address, interfaces: Address, kind: int, body: int, body_end: int
) -> bool:
    """Take an enhanced or obsolete packet block; False to leave it to the readable twin."""
    if body_end - body < 20:
        return False
    interface = number32(data, body, state) if kind == _ENHANCED_PACKET_BLOCK else number16(data, body, state)
    if interface >= get(state, INTERFACES):
        return False
    base = interface * INTERFACE_WORDS
    units = number32(data, body + 4, state) << 32 | number32(data, body + 8, state)
    if units < 0 or units > get(interfaces, base + INTERFACE_MAX_UNITS):
        return False
    captured = number32(data, body + 12, state)
    data_end = body + 20 + captured
    if data_end > body_end:
        return False
    way = read_way(data, state, data_end + (-captured & 3), body_end)
    if way < 0:
        return False
    time_ns = time_of(units, interfaces, base)
    put_frame(state, rows, interfaces, base, time_ns, number32(data, body + 16, state), body + 20, captured, way)
    return True


@kernel(is_entry=False)
def find_simple_packet(
    data: Address, state: Address, rows: Address, interfaces: Address, body: int, body_end: int
) -> bool:
    """Take a simple packet block; False to leave it to the readable twin."""
    if body_end - body < 4 or get(state, INTERFACES) == 0:
        return False
    wire_bytes = number32(data, body, state)
    captured = wire_bytes
    no = int(_NONE)  # a literal would have `put_frame` compiled once more
    if get(interfaces, INTERFACE_SNAP_BYTES):
        captured = min(captured, get(interfaces, INTERFACE_SNAP_BYTES))
    if body + 4 + captured > body_end:
        return False
    put_frame(state, rows, interfaces, no, get(state, LAST_TIME_NS), wire_bytes, body + 4, captured, no)
    return True


@kernel(is_entry=False)
def put_frame(
    state: Address,
    rows: Address,
    interfaces: Address,
    base: int,
    time_ns: int,
    wire_bytes: int,
    at: int,
    captured: int,
    way: int,
) -> None:
    """Write down the next frame."""
    row = get(state, FOUND)
    store64(rows + TIME_NS_AT + row * 8, time_ns)
    store64(rows + NUMBER_AT + row * 8, get(state, NUMBER))
    store32(rows + LENGTH_BYTES_AT + row * 4, min(wire_bytes, _MAX_LENGTH_BYTES))
    store32(rows + FRAME_AT + row * 4, at)
    store32(rows + CAPTURED_AT + row * 4, captured)
    store8(rows + LINK_AT + row, get(interfaces, base + INTERFACE_LINK))
    store8(rows + WAY_AT + row, way)
    put(interfaces, base + INTERFACE_IS_USED, 1)
    put(state, LAST_TIME_NS, time_ns)
    put(state, NUMBER, get(state, NUMBER) + 1)
    put(state, FOUND, row + 1)


@kernel(is_entry=False)
def read_way(data: Address, state: Address, position: int, body_end: int) -> int:
    """Read the direction in the options of a packet block, 0 if they tell none; -1 if they break the format."""
    way = 0
    is_found = False
    while position + 4 <= body_end:
        code, length = number16(data, position, state), number16(data, position + 2, state)
        if code == 0:
            break
        position += 4
        if position + length > body_end:
            return -1
        if code == _PACKET_FLAGS and not is_found:
            is_found = True
            if length == 4:
                way = number32(data, position, state) & 3
        position += length + (-length & 3)
    return way if way in (_INGRESS, _EGRESS) else 0


@kernel(is_entry=False)
def time_of(units: int, interfaces: Address, base: int) -> int:
    """Turn units of an interface into nanoseconds since the epoch, rounded down."""
    if get(interfaces, base + INTERFACE_FACTOR):
        time_ns = units * get(interfaces, base + INTERFACE_FACTOR)
    elif get(interfaces, base + INTERFACE_DIVISOR):
        time_ns = units // get(interfaces, base + INTERFACE_DIVISOR)
    else:
        time_ns = binary_time(units, get(interfaces, base + INTERFACE_SHIFT))
    return time_ns + get(interfaces, base + INTERFACE_OFFSET_NS)


@kernel(is_entry=False)
def binary_time(units: int, shift: int) -> int:
    """Turn units of 2 ** -shift seconds into nanoseconds, in 64 bits: whole seconds apart, of the rest 32 bits at a time."""
    fraction = units - (units >> shift << shift)
    if shift <= 32:
        part_ns = fraction * _NS_PER_S >> shift
    else:
        part_ns = (fraction >> 32) * _NS_PER_S + ((fraction & 0xFFFFFFFF) * _NS_PER_S >> 32) >> shift - 32
    return (units >> shift) * _NS_PER_S + part_ns
