"""Lines of flow logs to columns.

Compiled twin of `sgsim.sources.flow_log_lines`. What is usual is read here; at a line that holds anything else it comes
back, and the readable reader does that one line: so every word of an error exists once.
"""

import numpy as np
from numba import types

from sgsim.kernels.decode_bytes import get, load8, put, store8, store16, store32, store64
from sgsim.kernels.flow_log_layout import (
    ACTION,
    ACTION_AT,
    BYTES,
    BYTES_AT,
    DIRECTION,
    DIRECTION_AT,
    DST,
    DST_HI_AT,
    DST_LO_AT,
    DST_PORT,
    DST_PORT_AT,
    END,
    END_AT,
    FAMILY_AT,
    FLAGS,
    FLAGS_AT,
    IGNORED,
    INTERFACE,
    INTERFACE_AT,
    IS_FULL,
    LIMIT,
    LINE_AT,
    MEETS_ODD_LINE,
    MOST_ROWS,
    NEEDS_BYTES,
    NUMBER,
    PACKETS,
    PACKETS_AT,
    PKT_DST,
    PKT_DST_HI_AT,
    PKT_DST_LO_AT,
    PKT_FAMILY_AT,
    PKT_SRC,
    PKT_SRC_HI_AT,
    PKT_SRC_LO_AT,
    POSITION,
    PROTOCOL,
    PROTOCOL_AT,
    REFUSED_BY_AT,
    ROW,
    SCRATCH,
    SKIP_AT,
    SRC,
    SRC_HI_AT,
    SRC_LO_AT,
    SRC_PORT,
    SRC_PORT_AT,
    START,
    START_AT,
    STATUS,
)
from sgsim.kernels.flow_log_names import name_at
from sgsim.kernels.flow_log_values import (
    ABSENT,
    DASH,
    NEWLINE,
    ODD,
    ends_value,
    ipv4_at,
    ipv6_at,
    is_blank,
    is_word,
    number_at,
    value_end,
)
from sgsim.kernels.jit import kernel
from sgsim.model.decision import Reason, Verdict
from sgsim.model.line_columns import MOST_SECONDS, MOST_TIME, NO_FLAGS, NO_NAME, RefusedBy
from sgsim.model.states import Direction

_NO_DATA, _SKIP_DATA = int(Reason.NO_DATA), int(Reason.SKIP_DATA)
_ALLOW, _DENY = int(Verdict.ALLOW), int(Verdict.DENY)
_INGRESS, _EGRESS = int(Direction.INGRESS), int(Direction.EGRESS)
_BPA, _EC = int(RefusedBy.BPA), int(RefusedBy.EC)
_SECOND_NS, _MILLISECOND_NS = 1_000_000_000, 1_000_000
_WORD = types.int64


@kernel(is_entry=False, inline=True)
def _time(value: int) -> int:
    """Nanoseconds; `ODD` for a time that is none."""
    if value < 0 or value > MOST_TIME:
        return ODD
    return value * _MILLISECOND_NS if value > MOST_SECONDS else value * _SECOND_NS


@kernel(is_entry=False)
def _no_traffic(rows: int, row: int) -> None:
    """Fill what a row without traffic has."""
    store64(rows + SRC_HI_AT + row * 8, 0)
    store64(rows + SRC_LO_AT + row * 8, 0)
    store64(rows + DST_HI_AT + row * 8, 0)
    store64(rows + DST_LO_AT + row * 8, 0)
    store64(rows + PKT_SRC_HI_AT + row * 8, 0)
    store64(rows + PKT_SRC_LO_AT + row * 8, 0)
    store64(rows + PKT_DST_HI_AT + row * 8, 0)
    store64(rows + PKT_DST_LO_AT + row * 8, 0)
    store64(rows + PACKETS_AT + row * 8, 0)
    store64(rows + BYTES_AT + row * 8, 0)
    store16(rows + SRC_PORT_AT + row * 2, 0)
    store16(rows + DST_PORT_AT + row * 2, 0)
    store8(rows + FAMILY_AT + row, 0)
    store8(rows + PKT_FAMILY_AT + row, 0)
    store8(rows + PROTOCOL_AT + row, 0)
    store8(rows + FLAGS_AT + row, NO_FLAGS)
    store8(rows + DIRECTION_AT + row, 0)
    store8(rows + ACTION_AT + row, 0)
    store8(rows + REFUSED_BY_AT + row, 0)


_ACCEPT = int.from_bytes(b"ACCEPT", "little")
_REJECT = int.from_bytes(b"REJECT", "little")
_OK = int.from_bytes(b"OK", "little")
_NODATA = int.from_bytes(b"NODATA", "little")
_SKIPDATA = int.from_bytes(b"SKIPDATA", "little")
_INGRESS_WORD = int.from_bytes(b"ingress", "little")
_EGRESS_WORD = int.from_bytes(b"egress", "little")
_DASH = int.from_bytes(b"-", "little")
_BPA_WORD = int.from_bytes(b"BPA", "little")
_EC_WORD = int.from_bytes(b"EC", "little")


@kernel(signature=_WORD(*(_WORD,) * 6))
def read_lines(state: int, rows: int, kinds: int, fields: int, names: int, names_mask: int) -> int:
    """Read whole lines into rows, until all are read, rows are full, or a line is odd.

    Args:
        state: Address of `STATE_WORDS` words, see `flow_log_layout`. Changed: position, number and row.
        rows: Address of a batch of columns. Of columns whose field the format has not, nothing is written.
        kinds: Address of one word for each field of the format.
        fields: How many these are.
        names: Address of a table of known interface ids.
        names_mask: Its places less 1.

    Returns:
        `IS_FULL`, `NEEDS_BYTES` at the end of whole lines, or `MEETS_ODD_LINE`, at whose begin the position is.
    """
    position, limit, row, most = get(state, POSITION), get(state, LIMIT), get(state, ROW), get(state, MOST_ROWS)
    number = get(state, NUMBER)
    status = NEEDS_BYTES
    while position < limit:
        at = position
        while is_blank(load8(at)):
            at += 1
        if load8(at) == NEWLINE:  # an empty line
            position = at + 1
            number += 1
            continue
        if row == most:
            status = IS_FULL
            break
        is_odd = False
        start = end = protocol = np.int64(ABSENT)
        src_family = dst_family = pkt_src_family = pkt_dst_family = 0
        interface = NO_NAME
        skip = 0
        field = 0
        while field < fields:
            while is_blank(load8(at)):
                at += 1
            if load8(at) == NEWLINE:
                is_odd = True
                break
            kind = get(kinds, field)
            field += 1
            if kind == IGNORED:
                at = value_end(at)
            elif kind <= PKT_DST and kind != INTERFACE:
                family = 4
                high = low = np.int64(0)
                address = ipv4_at(at, state)
                if address >= 0:
                    low = np.int64(address)
                elif load8(at) == DASH and ends_value(load8(at + 1)):
                    family = 0
                    put(state, SCRATCH, at + 1)
                else:
                    family = 6
                    if ipv6_at(at, state) < 0:
                        is_odd = True
                        break
                    high, low = get(state, SCRATCH + 1), get(state, SCRATCH + 2)
                at = get(state, SCRATCH)
                if kind == SRC:
                    src_family = family
                    store64(rows + SRC_HI_AT + row * 8, high)
                    store64(rows + SRC_LO_AT + row * 8, low)
                elif kind == DST:
                    dst_family = family
                    store64(rows + DST_HI_AT + row * 8, high)
                    store64(rows + DST_LO_AT + row * 8, low)
                elif kind == PKT_SRC:
                    pkt_src_family = family
                    store64(rows + PKT_SRC_HI_AT + row * 8, high)
                    store64(rows + PKT_SRC_LO_AT + row * 8, low)
                else:
                    pkt_dst_family = family
                    store64(rows + PKT_DST_HI_AT + row * 8, high)
                    store64(rows + PKT_DST_LO_AT + row * 8, low)
            elif SRC_PORT <= kind <= FLAGS:
                value = number_at(at, state)
                if value == ODD:
                    is_odd = True
                    break
                at = get(state, SCRATCH)
                if kind == SRC_PORT or kind == DST_PORT:
                    if value > 65_535:
                        is_odd = True
                        break
                    place = SRC_PORT_AT if kind == SRC_PORT else DST_PORT_AT
                    store16(rows + place + row * 2, max(value, 0))
                elif kind == PROTOCOL:
                    protocol = value
                    if value > 255:
                        is_odd = True
                        break
                    store8(rows + PROTOCOL_AT + row, max(value, 0))
                elif kind == PACKETS:
                    store64(rows + PACKETS_AT + row * 8, value if value >= 0 else 1)
                elif kind == BYTES:
                    store64(rows + BYTES_AT + row * 8, max(value, 0))
                elif kind == START:
                    start = _time(value)
                elif kind == END:
                    end = _time(value)
                else:
                    if value >= NO_FLAGS:
                        is_odd = True
                        break
                    store8(rows + FLAGS_AT + row, value if value >= 0 else NO_FLAGS)
            else:
                begin = at
                at = value_end(at)
                length = at - begin
                is_dash = is_word(begin, length, 1, _DASH)
                if kind == INTERFACE:
                    if not is_dash:
                        interface = name_at(begin, length, names, names_mask) if length <= 24 else ODD
                        if interface == ODD:
                            is_odd = True
                            break
                elif kind == ACTION:
                    action = 0
                    if is_word(begin, length, 6, _ACCEPT):
                        action = _ALLOW
                    elif is_word(begin, length, 6, _REJECT):
                        action = _DENY
                    elif not is_dash:
                        is_odd = True
                        break
                    store8(rows + ACTION_AT + row, action)
                elif kind == STATUS:
                    if is_word(begin, length, 6, _NODATA):
                        skip = _NO_DATA
                    elif is_word(begin, length, 8, _SKIPDATA):
                        skip = _SKIP_DATA
                    elif not is_dash and not is_word(begin, length, 2, _OK):
                        is_odd = True
                        break
                elif kind == DIRECTION:
                    way = 0
                    if is_word(begin, length, 7, _INGRESS_WORD):
                        way = _INGRESS
                    elif is_word(begin, length, 6, _EGRESS_WORD):
                        way = _EGRESS
                    elif not is_dash:
                        is_odd = True
                        break
                    store8(rows + DIRECTION_AT + row, way)
                else:
                    refused_by = 0
                    if is_word(begin, length, 3, _BPA_WORD):
                        refused_by = _BPA
                    elif is_word(begin, length, 2, _EC_WORD):
                        refused_by = _EC
                    store8(rows + REFUSED_BY_AT + row, refused_by)
        while is_blank(load8(at)):
            at += 1
        has_pair, has_pkt_pair = src_family and dst_family, pkt_src_family and pkt_dst_family
        is_whole = skip or (protocol >= 0 and (has_pair or has_pkt_pair))
        is_mixed = (has_pair and src_family != dst_family) or (has_pkt_pair and pkt_src_family != pkt_dst_family)
        is_half = (src_family != 0) != (dst_family != 0) or (pkt_src_family != 0) != (pkt_dst_family != 0)
        if is_odd or load8(at) != NEWLINE or not is_whole or (not skip and (is_mixed or is_half)):
            status = MEETS_ODD_LINE
            break
        if start < 0 or end < start:
            status = MEETS_ODD_LINE
            break
        if skip:
            _no_traffic(rows, row)
        else:
            store8(rows + FAMILY_AT + row, src_family)
            store8(rows + PKT_FAMILY_AT + row, pkt_src_family)
        store64(rows + LINE_AT + row * 8, number)
        store64(rows + START_AT + row * 8, start)
        store64(rows + END_AT + row * 8, end)
        store32(rows + INTERFACE_AT + row * 4, interface)
        store8(rows + SKIP_AT + row, skip)
        row += 1
        number += 1
        position = at + 1
    put(state, POSITION, position)
    put(state, ROW, row)
    put(state, NUMBER, number)
    return status
