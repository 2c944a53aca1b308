"""Where things stand in the arrays that the decoding kernels and `sgsim.sources.native` share, and their small codes.

Kernels get arrays as addresses. An array costs seven words at every call and a counter to be raised and lowered; with
each column as an array of its own, compilation took five times as long. So a batch is one array of bytes, `rows`:
column after column, each with room for `CAPACITY` rows; the column of times begins at byte `TIME_NS_AT`, and so on.
Likewise facts about protocols are tables in one array, `facts`, which `sgsim.sources.native_facts` fills from what the
readable decoder knows.
"""

from typing import Final

from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES

Address = int
"""Of the first byte of an array, in memory."""

_FRAME_DTYPES: Final = {"at": "u4", "captured": "u4", "link": "u1", "way": "u1"}
"""Where the frame of a row begins in the buffer, how much of it is there, its `LINK_*`, and the `Direction` that the
capture tells of the packet, else 0."""

COLUMN_DTYPES: Final[dict[str, str]] = (
    PACKET_DTYPES
    | {f"quoted.{name}": dtype for name, dtype in QUOTED_DTYPES.items()}
    | {f"frame.{name}": dtype for name, dtype in _FRAME_DTYPES.items()}
    | {"odd_row": "i4"}
)
"""The columns of `rows` in their order: those of `PacketColumns`, of `QuotedColumns`, and what kernels note for later."""


CAPACITY: Final = 65_536
"""Rows that a set of columns has room for. A constant, as then one register is enough to find all columns: 12 ns a packet
instead of 15."""
_STAGGER_BYTES: Final = 320
"""Between columns, so that rows of the same number do not fall on the same lines of the cache."""


def _places() -> dict[str, int]:
    places, place = {}, 0
    for name, dtype in COLUMN_DTYPES.items():
        places[name] = place
        place += CAPACITY * int(dtype[1]) + _STAGGER_BYTES
    return places | {"end": place}


COLUMN_PLACES: Final = _places()
"""At which byte each column begins; `end` is how many bytes a set takes."""

TIME_NS_AT: Final = COLUMN_PLACES["time_ns"]
NUMBER_AT: Final = COLUMN_PLACES["number"]
SRC_HI_AT: Final = COLUMN_PLACES["src_hi"]
SRC_LO_AT: Final = COLUMN_PLACES["src_lo"]
DST_HI_AT: Final = COLUMN_PLACES["dst_hi"]
DST_LO_AT: Final = COLUMN_PLACES["dst_lo"]
FAMILY_AT: Final = COLUMN_PLACES["family"]
PROTOCOL_AT: Final = COLUMN_PLACES["protocol"]
SRC_PORT_AT: Final = COLUMN_PLACES["src_port"]
DST_PORT_AT: Final = COLUMN_PLACES["dst_port"]
TCP_FLAGS_AT: Final = COLUMN_PLACES["tcp_flags"]
ICMP_TYPE_AT: Final = COLUMN_PLACES["icmp_type"]
ICMP_CODE_AT: Final = COLUMN_PLACES["icmp_code"]
LENGTH_BYTES_AT: Final = COLUMN_PLACES["length_bytes"]
DIRECTION_AT: Final = COLUMN_PLACES["direction"]
SKIP_AT: Final = COLUMN_PLACES["skip"]
VLAN_AT: Final = COLUMN_PLACES["vlan"]
FRAGMENT_ID_AT: Final = COLUMN_PLACES["fragment_id"]
FRAGMENT_OFFSET_AT: Final = COLUMN_PLACES["fragment_offset"]
MORE_FRAGMENTS_AT: Final = COLUMN_PLACES["more_fragments"]
QUOTE_AT: Final = COLUMN_PLACES["quote"]
QUOTED_SRC_HI_AT: Final = COLUMN_PLACES["quoted.src_hi"]
QUOTED_SRC_LO_AT: Final = COLUMN_PLACES["quoted.src_lo"]
QUOTED_DST_HI_AT: Final = COLUMN_PLACES["quoted.dst_hi"]
QUOTED_DST_LO_AT: Final = COLUMN_PLACES["quoted.dst_lo"]
QUOTED_FAMILY_AT: Final = COLUMN_PLACES["quoted.family"]
QUOTED_PROTOCOL_AT: Final = COLUMN_PLACES["quoted.protocol"]
QUOTED_SRC_PORT_AT: Final = COLUMN_PLACES["quoted.src_port"]
QUOTED_DST_PORT_AT: Final = COLUMN_PLACES["quoted.dst_port"]
QUOTED_ICMP_TYPE_AT: Final = COLUMN_PLACES["quoted.icmp_type"]
QUOTED_ICMP_CODE_AT: Final = COLUMN_PLACES["quoted.icmp_code"]
FRAME_AT: Final = COLUMN_PLACES["frame.at"]
CAPTURED_AT: Final = COLUMN_PLACES["frame.captured"]
LINK_AT: Final = COLUMN_PLACES["frame.link"]
WAY_AT: Final = COLUMN_PLACES["frame.way"]
ODD_ROW_AT: Final = COLUMN_PLACES["odd_row"]

# `LINK_*`: what a frame begins with.
LINK_UNKNOWN: Final = 0
"""Nobody reads it."""
LINK_LOOPBACK: Final = 1
LINK_ETHERNET: Final = 2
LINK_RAW: Final = 3
LINK_RAW_IPV4: Final = 4
LINK_RAW_IPV6: Final = 5
LINK_COOKED: Final = 6
LINK_COOKED_V2: Final = 7
FIRST_ODD_LINK: Final = 8
"""From here on: not read here; the readable decoder is asked."""

# `facts`, uint8 (FACT_BYTES,).
ETHERTYPES: Final = 0
"""(65536,): IP version that an EtherType stands for, `TAG` or `CARRIER`, else 0."""
FAMILIES: Final = 65536
"""(65536,): IP version that the address family of a loopback header stands for, else 0."""
COOKED_DIRECTIONS: Final = 65536 * 2
"""(65536,): `Direction` that the packet type of a cooked header stands for, else 0."""
EXTENSIONS: Final = 65536 * 3
"""(256,): the form of an IPv6 extension header, `BY_EIGHTS` and so on; 0 if the number is a protocol's."""
ICMP_KINDS: Final = EXTENSIONS + 256
"""(512,): ICMP types, then ICMPv6 types: `QUERY`, `ANSWER`, `ERROR`, else 0."""
FACT_BYTES: Final = ICMP_KINDS + 512

TAG: Final = 1
CARRIER: Final = 2

BY_EIGHTS: Final = 1
FRAGMENT: Final = 2
BY_FOURS: Final = 3

QUERY: Final = 1
ANSWER: Final = 2
ERROR: Final = 3

# `fields`: one packet, int64 (FIELD_WORDS,); halves of IPv6 addresses as their bits. From `QUOTED` on the same again,
# of the packet that it quotes.
SRC_HI: Final = 0
SRC_LO: Final = 1
DST_HI: Final = 2
DST_LO: Final = 3
FAMILY: Final = 4
PROTOCOL: Final = 5
SRC_PORT: Final = 6
DST_PORT: Final = 7
TCP_FLAGS: Final = 8
ICMP_TYPE: Final = 9
ICMP_CODE: Final = 10
FRAGMENT_ID: Final = 11
FRAGMENT_OFFSET: Final = 12
MORE_FRAGMENTS: Final = 13
VLAN: Final = 14
DIRECTION: Final = 15
QUOTED: Final = 16
FIELD_WORDS: Final = 32

# `state`: how far decoding has come, int64 (STATE_WORDS,).
ROWS: Final = 0
"""Rows that the batch is to have."""
POSITION: Final = 1
"""Where the next record begins in the buffer."""
END: Final = 2
"""Where the bytes in the buffer end."""
NUMBER: Final = 3
"""Of the next packet."""
LAST_TIME_NS: Final = 4
"""Of the packet before, for blocks without a time."""
FORMAT: Final = 5
"""`PCAP` or `PCAPNG`."""
IS_SWAPPED: Final = 6
"""1 if numbers of the capture are big-endian."""
UNIT_NS: Final = 7
"""Nanoseconds per unit of the second half of a pcap time."""
LINK: Final = 8
"""`LINK_*` of a pcap."""
INTERFACES: Final = 9
"""How many interfaces the section of a pcapng has described."""
FOUND: Final = 10
"""Rows of the batch whose frame is found."""
DECODED: Final = 11
"""Rows of the batch that are complete; never more than `FOUND`."""
QUOTES: Final = 12
"""Rows of the quoted columns in use."""
ODD_ROWS: Final = 13
"""Rows of `ODD_ROW_AT` in use: which rows have more than the columns that every packet fills."""
MAX_RECORD_BYTES: Final = 14
"""The longest frame of a pcap, or block of a pcapng, that is believed."""
NUMBERED_BLOCKS: Final = 15
"""(8,): types of pcapng blocks that take a number without being packets, -1 for none."""
STATE_WORDS: Final = 24

PCAP: Final = 0
PCAPNG: Final = 1

# `interfaces` of a pcapng section, int64 (interfaces * INTERFACE_WORDS,).
INTERFACE_LINK: Final = 0
INTERFACE_SNAP_BYTES: Final = 1
"""The most that was captured of a packet, 0 if no limit is stated."""
INTERFACE_FACTOR: Final = 2
"""Nanoseconds per unit of time, 0 if it is a fraction."""
INTERFACE_DIVISOR: Final = 3
"""Units per nanosecond, 0 if that is no whole number."""
INTERFACE_SHIFT: Final = 4
"""Units per second as a power of two, if neither is set."""
INTERFACE_MAX_UNITS: Final = 5
"""The latest time that kernels may compute; -1 for none."""
INTERFACE_OFFSET_NS: Final = 6
INTERFACE_IS_USED: Final = 7
"""1 once a packet came from it."""
INTERFACE_WORDS: Final = 8

# Why a kernel has come back.
IS_FULL: Final = 0
"""The batch has all its rows."""
NEEDS_BYTES: Final = 1
"""The next record is not wholly in the buffer."""
MEETS_ODD_FRAME: Final = 2
"""The readable decoder must fill row `DECODED`."""
MEETS_ODD_RECORD: Final = 3
"""The next record describes no packet, or breaks the format: the readable reader must take it."""
