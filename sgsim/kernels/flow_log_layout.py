"""Where things stand in the arrays that the kernel for flow logs and `sgsim.sources.flow_log_native` share.

A batch is one array of bytes, column after column, as in `decode_layout`; the columns are those of `LineColumns`.
"""

from typing import Final

from sgsim.model.line_columns import LINE_DTYPES

CAPACITY: Final = 65_536
"""Rows that a batch has room for; a constant, so that one register finds all columns."""
_STAGGER_BYTES: Final = 320


def _places() -> dict[str, int]:
    places, place = {}, 0
    for name, dtype in LINE_DTYPES.items():
        places[name] = place
        place += CAPACITY * int(dtype[1]) + _STAGGER_BYTES
    return places | {"end": place}


LINE_PLACES: Final = _places()
"""At which byte each column begins; `end` is how many bytes a batch takes."""

LINE_AT: Final = LINE_PLACES["line"]
START_AT: Final = LINE_PLACES["start_ns"]
END_AT: Final = LINE_PLACES["end_ns"]
SRC_HI_AT: Final = LINE_PLACES["src_hi"]
SRC_LO_AT: Final = LINE_PLACES["src_lo"]
DST_HI_AT: Final = LINE_PLACES["dst_hi"]
DST_LO_AT: Final = LINE_PLACES["dst_lo"]
FAMILY_AT: Final = LINE_PLACES["family"]
PKT_SRC_HI_AT: Final = LINE_PLACES["pkt_src_hi"]
PKT_SRC_LO_AT: Final = LINE_PLACES["pkt_src_lo"]
PKT_DST_HI_AT: Final = LINE_PLACES["pkt_dst_hi"]
PKT_DST_LO_AT: Final = LINE_PLACES["pkt_dst_lo"]
PKT_FAMILY_AT: Final = LINE_PLACES["pkt_family"]
SRC_PORT_AT: Final = LINE_PLACES["src_port"]
DST_PORT_AT: Final = LINE_PLACES["dst_port"]
PROTOCOL_AT: Final = LINE_PLACES["protocol"]
FLAGS_AT: Final = LINE_PLACES["flags"]
DIRECTION_AT: Final = LINE_PLACES["direction"]
PACKETS_AT: Final = LINE_PLACES["packets"]
BYTES_AT: Final = LINE_PLACES["bytes"]
ACTION_AT: Final = LINE_PLACES["action"]
REFUSED_BY_AT: Final = LINE_PLACES["refused_by"]
INTERFACE_AT: Final = LINE_PLACES["interface"]
SKIP_AT: Final = LINE_PLACES["skip"]

IGNORED, INTERFACE, SRC, DST, PKT_SRC, PKT_DST = range(6)
SRC_PORT, DST_PORT, PROTOCOL, PACKETS, BYTES, START, END, FLAGS = range(6, 14)
ACTION, STATUS, DIRECTION, REASON = range(14, 18)
KINDS: Final[dict[str, int]] = {
    "interface-id": INTERFACE,
    "srcaddr": SRC,
    "dstaddr": DST,
    "pkt-srcaddr": PKT_SRC,
    "pkt-dstaddr": PKT_DST,
    "srcport": SRC_PORT,
    "dstport": DST_PORT,
    "protocol": PROTOCOL,
    "packets": PACKETS,
    "bytes": BYTES,
    "start": START,
    "end": END,
    "tcp-flags": FLAGS,
    "action": ACTION,
    "log-status": STATUS,
    "flow-direction": DIRECTION,
    "reject-reason": REASON,
}
"""What a field is to the kernel; all others are `IGNORED`."""

NAME_WORDS: Final = 4
"""Of a known interface id: its bytes in three words, and its number + 1."""
MOST_NAME_BYTES: Final = 24
"""Of longer ids lines are read by plain Python; AWS's have 21 or 12."""

IS_FULL, NEEDS_BYTES, MEETS_ODD_LINE = range(3)
"""Why the kernel comes back."""

STATE_WORDS: Final = 8
POSITION, LIMIT, NUMBER, ROW, MOST_ROWS = range(5)
"""State: where to read on in the buffer and where whole lines end there; the number of the next line; rows done; most."""
SCRATCH: Final = 5
"""State: where a value ended that was read, and two words for an address."""
