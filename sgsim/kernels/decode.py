"""Compiled twin of `sgsim.sources.base.batches_of`: bytes of a capture become rows of `PacketColumns`.

Read `decode_layout` first, then `decode_records` (where the frames are) and `decode_packet` (what is in them).

Most packets of most captures are whole TCP or UDP packets in IPv4 without options in Ethernet without tags. They are read
here in one go: a few loads, one test for all that could be special, and as many stores. Whatever fails the test is read
by `decode_frame`, which mirrors the readable decoder line by line. Both fill the same rows: the test only says that
`decode_frame` would come to these values.

Columns that such packets leave 0 (-1 in `quote`) are not written for them. They are 0 from the start in a new set of
columns, and in a used one after `clear_rows` has reset the rows that were otherwise.
"""

from sgsim.kernels.decode_bytes import (
    get,
    load8,
    load16,
    load32,
    load32_little,
    load64,
    put,
    store8,
    store16,
    store32,
    store64,
)
from sgsim.kernels.decode_layout import (
    CAPTURED_AT,
    DECODED,
    DIRECTION,
    DIRECTION_AT,
    DST_HI,
    DST_HI_AT,
    DST_LO,
    DST_LO_AT,
    DST_PORT,
    DST_PORT_AT,
    FAMILY,
    FAMILY_AT,
    FOUND,
    FRAGMENT_ID,
    FRAGMENT_ID_AT,
    FRAGMENT_OFFSET,
    FRAGMENT_OFFSET_AT,
    FRAME_AT,
    ICMP_CODE,
    ICMP_CODE_AT,
    ICMP_TYPE,
    ICMP_TYPE_AT,
    IS_FULL,
    LENGTH_BYTES_AT,
    LINK_AT,
    LINK_ETHERNET,
    MEETS_ODD_FRAME,
    MORE_FRAGMENTS,
    MORE_FRAGMENTS_AT,
    ODD_ROW_AT,
    ODD_ROWS,
    PROTOCOL,
    PROTOCOL_AT,
    QUOTE_AT,
    QUOTED,
    QUOTED_DST_HI_AT,
    QUOTED_DST_LO_AT,
    QUOTED_DST_PORT_AT,
    QUOTED_FAMILY_AT,
    QUOTED_ICMP_CODE_AT,
    QUOTED_ICMP_TYPE_AT,
    QUOTED_PROTOCOL_AT,
    QUOTED_SRC_HI_AT,
    QUOTED_SRC_LO_AT,
    QUOTED_SRC_PORT_AT,
    QUOTES,
    ROWS,
    SKIP_AT,
    SRC_HI,
    SRC_HI_AT,
    SRC_LO,
    SRC_LO_AT,
    SRC_PORT,
    SRC_PORT_AT,
    TCP_FLAGS,
    TCP_FLAGS_AT,
    VLAN,
    VLAN_AT,
    WAY_AT,
    Address,
)
from sgsim.kernels.decode_packet import ASK, decode_frame
from sgsim.kernels.decode_records import find_frames
from sgsim.kernels.jit import kernel
from sgsim.model.protocol import Protocol

_TCP, _UDP = int(Protocol.TCP), int(Protocol.UDP)
_ETHERNET_IPV4 = 0x080045  # EtherType, version 4, a header of 20 bytes
_ANY_FRAGMENT = 0x3FFF0000  # an offset, or more fragments to come
_ROWS_AT_ONCE = 256
"""How many frames are found before they are read: few enough that their bytes are still in the nearest cache."""


@kernel(is_entry=False)
def put_quote(state: Address, rows: Address, fields: Address) -> None:
    """Write down the packet that an ICMP error quotes."""
    row = get(state, QUOTES)
    store64(rows + QUOTED_SRC_HI_AT + row * 8, get(fields, QUOTED + SRC_HI))
    store64(rows + QUOTED_SRC_LO_AT + row * 8, get(fields, QUOTED + SRC_LO))
    store64(rows + QUOTED_DST_HI_AT + row * 8, get(fields, QUOTED + DST_HI))
    store64(rows + QUOTED_DST_LO_AT + row * 8, get(fields, QUOTED + DST_LO))
    store8(rows + QUOTED_FAMILY_AT + row, get(fields, QUOTED + FAMILY))
    store8(rows + QUOTED_PROTOCOL_AT + row, get(fields, QUOTED + PROTOCOL))
    store16(rows + QUOTED_SRC_PORT_AT + row * 2, get(fields, QUOTED + SRC_PORT))
    store16(rows + QUOTED_DST_PORT_AT + row * 2, get(fields, QUOTED + DST_PORT))
    store8(rows + QUOTED_ICMP_TYPE_AT + row, get(fields, QUOTED + ICMP_TYPE))
    store8(rows + QUOTED_ICMP_CODE_AT + row, get(fields, QUOTED + ICMP_CODE))
    put(state, QUOTES, row + 1)


@kernel(is_entry=False)
def put_row(state: Address, rows: Address, fields: Address, row: int, stop: int) -> None:
    """Write down a packet, or why it cannot be read."""
    store8(rows + SKIP_AT + row, stop)
    store64(rows + SRC_HI_AT + row * 8, get(fields, SRC_HI))
    store64(rows + SRC_LO_AT + row * 8, get(fields, SRC_LO))
    store64(rows + DST_HI_AT + row * 8, get(fields, DST_HI))
    store64(rows + DST_LO_AT + row * 8, get(fields, DST_LO))
    store8(rows + FAMILY_AT + row, get(fields, FAMILY))
    store8(rows + PROTOCOL_AT + row, get(fields, PROTOCOL))
    store16(rows + SRC_PORT_AT + row * 2, get(fields, SRC_PORT))
    store16(rows + DST_PORT_AT + row * 2, get(fields, DST_PORT))
    store8(rows + TCP_FLAGS_AT + row, get(fields, TCP_FLAGS))
    store8(rows + ICMP_TYPE_AT + row, get(fields, ICMP_TYPE))
    store8(rows + ICMP_CODE_AT + row, get(fields, ICMP_CODE))
    store16(rows + VLAN_AT + row * 2, get(fields, VLAN))
    store32(rows + FRAGMENT_ID_AT + row * 4, get(fields, FRAGMENT_ID))
    store16(rows + FRAGMENT_OFFSET_AT + row * 2, get(fields, FRAGMENT_OFFSET))
    store8(rows + MORE_FRAGMENTS_AT + row, get(fields, MORE_FRAGMENTS))
    way = load8(rows + WAY_AT + row)
    store8(rows + DIRECTION_AT + row, way if way and not stop else get(fields, DIRECTION))
    if get(fields, QUOTED + FAMILY):
        store32(rows + QUOTE_AT + row * 4, get(state, QUOTES))
        put_quote(state, rows, fields)


@kernel(is_entry=False)
def read_other(data: Address, state: Address, rows: Address, facts: Address, fields: Address, row: int) -> bool:
    """Read a frame of any form; False if the readable decoder must read it."""
    store32(rows + ODD_ROW_AT + get(state, ODD_ROWS) * 4, row)
    put(state, ODD_ROWS, get(state, ODD_ROWS) + 1)
    at = load32_little(rows + FRAME_AT + row * 4)
    captured = load32_little(rows + CAPTURED_AT + row * 4)
    wire_end = at + max(load32_little(rows + LENGTH_BYTES_AT + row * 4), captured)
    link = load8(rows + LINK_AT + row)
    stop = decode_frame(data, at, at + captured, wire_end, link, facts, fields)
    if stop == ASK:
        return False
    put_row(state, rows, fields, row, stop)
    return True


@kernel(is_entry=False)
def read_frames(data: Address, state: Address, rows: Address, facts: Address, fields: Address) -> bool:
    """Read the frames that were found; False if the readable decoder must read the next."""
    row, end = get(state, DECODED), get(state, FOUND)
    is_ours = True
    while row < end:
        at = load32_little(rows + FRAME_AT + row * 4)
        captured = load32_little(rows + CAPTURED_AT + row * 4)
        wire_bytes = max(load32_little(rows + LENGTH_BYTES_AT + row * 4), captured)
        link = load8(rows + LINK_AT + row)

        start = load64(data + at + 12)  # EtherType, version and length, type of service, total length, identification
        middle = load32(data + at + 20)  # fragment, time to live, protocol
        ports = load32(data + at + 34)
        last = load16(data + at + 46)  # of TCP: the length of its header, flags
        protocol = middle & 0xFF
        is_tcp = int(protocol == _TCP)
        packet_end = 14 + (start >> 16 & 0xFFFF)
        # What depends on the protocol is computed, not chosen: which of the two comes next is anyone's guess.
        stated_bytes = load16(data + at + 38) * (1 - is_tcp) + (last >> 12 << 2) * is_tcp
        is_plain = (
            (start >> 40 == _ETHERNET_IPV4)
            & (middle & _ANY_FRAGMENT == 0)
            & ((protocol == _TCP) | (protocol == _UDP))
            & (stated_bytes >= 8 + 12 * is_tcp)
            & (34 + stated_bytes <= packet_end)
            & (packet_end <= wire_bytes)
            & (captured >= 40 + 8 * is_tcp)
            & (link == LINK_ETHERNET)
        )
        if is_plain:
            store64(rows + SRC_LO_AT + row * 8, load32(data + at + 26))
            store64(rows + DST_LO_AT + row * 8, load32(data + at + 30))
            store8(rows + FAMILY_AT + row, 4)
            store8(rows + PROTOCOL_AT + row, protocol)
            store16(rows + SRC_PORT_AT + row * 2, ports >> 16)
            store16(rows + DST_PORT_AT + row * 2, ports)
            store8(rows + TCP_FLAGS_AT + row, last * is_tcp)
            store8(rows + DIRECTION_AT + row, load8(rows + WAY_AT + row))
        elif not read_other(data, state, rows, facts, fields, row):
            is_ours = False
            break
        row += 1
    put(state, DECODED, row)
    return is_ours


@kernel(signature="int64(int64, int64, int64, int64, int64, int64)")
def decode_batch(
    data: Address, state: Address, rows: Address, interfaces: Address, facts: Address, fields: Address
) -> int:
    """Fill rows from where `state` stands, as far as the buffer or the batch reaches.

    Args:
        data: The buffer; 64 bytes behind `END` may be read, whatever they are.
        state: How far decoding has come. Changed in place.
        rows: The batch. Changed in place.
        interfaces: The interfaces of a pcapng section. Changed in place.
        facts: Tables.
        fields: Room for one packet. Changed in place.

    Returns:
        Why it has come back: `IS_FULL`, `NEEDS_BYTES`, `MEETS_ODD_FRAME` or `MEETS_ODD_RECORD`.
    """
    status = IS_FULL
    while True:
        if not read_frames(data, state, rows, facts, fields):
            return MEETS_ODD_FRAME
        if status != IS_FULL or get(state, FOUND) == get(state, ROWS):
            return status
        last = min(get(state, FOUND) + _ROWS_AT_ONCE, get(state, ROWS))
        status = find_frames(data, state, rows, interfaces, last)


@kernel(signature="void(int64, int64)")
def clear_rows(state: Address, rows: Address) -> None:
    """Reset what `put_row` has written beside the columns that every packet fills."""
    for odd in range(get(state, ODD_ROWS)):
        row = load32_little(rows + ODD_ROW_AT + odd * 4)
        store64(rows + SRC_HI_AT + row * 8, 0)
        store64(rows + DST_HI_AT + row * 8, 0)
        store8(rows + ICMP_TYPE_AT + row, 0)
        store8(rows + ICMP_CODE_AT + row, 0)
        store8(rows + SKIP_AT + row, 0)
        store16(rows + VLAN_AT + row * 2, 0)
        store32(rows + FRAGMENT_ID_AT + row * 4, 0)
        store16(rows + FRAGMENT_OFFSET_AT + row * 2, 0)
        store8(rows + MORE_FRAGMENTS_AT + row, 0)
        store32(rows + QUOTE_AT + row * 4, -1)
    put(state, ODD_ROWS, 0)
