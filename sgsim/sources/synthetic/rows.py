"""One synthetic packet as a row of 64 bytes, which moves as a whole, and its way into columns.

A row says a little more than `PacketColumns`: sequence numbers and what the payload is, which captures need.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES, PacketColumns, QuotedColumns
from sgsim.model.protocol import ICMP_QUERIES, Protocol

Rows = NDArray[Any]
"""Packets, of the type `ROW`, axis `(packets,)`."""

ROW: Final = np.dtype(
    [
        ("time_ns", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("seq", "u4"), ("ack", "u4"),  # TCP; seq of ICMP is the number of the query
        ("payload_bytes", "i4"),
        ("src_port", "u2"), ("dst_port", "u2"),  # ICMP: the identifier in the querier's place
        ("tcp_flags", "u1"), ("protocol", "u1"), ("family", "u1"),
        ("is_reply", "u1"),  # whether the side that was called sends it
        ("ident", "u4"),  # the flow's own number: DNS identifiers and the like come of it
    ]
)  # fmt: skip

_ETHERNET_BYTES: Final = 14
_IP_BYTES: Final = {4: 20, 6: 40}
_TRANSPORT_BYTES: Final = {Protocol.TCP: 20, Protocol.UDP: 8, Protocol.ICMP: 8, Protocol.ICMPV6: 8}


def transport_bytes(rows: Rows) -> NDArray[np.int64]:
    """How long the transport header of each packet is."""
    return np.where(
        rows["protocol"] == Protocol.TCP,
        np.int64(_TRANSPORT_BYTES[Protocol.TCP]),
        np.int64(_TRANSPORT_BYTES[Protocol.UDP]),
    )


def frame_bytes(rows: Rows) -> NDArray[np.int64]:
    """How long each Ethernet frame is on the wire, without padding and checksum."""
    ip_bytes = np.where(rows["family"] == 4, _IP_BYTES[4], _IP_BYTES[6])
    length: NDArray[np.int64] = _ETHERNET_BYTES + ip_bytes + transport_bytes(rows) + rows["payload_bytes"]
    return length


def icmp_types(rows: Rows) -> NDArray[np.uint8]:
    """The ICMP type of each packet: an echo request or its answer; 0 for other protocols."""
    types = np.zeros(len(rows), np.uint8)
    for protocol, query in ((Protocol.ICMP, 8), (Protocol.ICMPV6, 128)):
        is_it = rows["protocol"] == protocol
        types[is_it] = np.where(rows["is_reply"][is_it] > 0, ICMP_QUERIES[protocol][query], query)
    return types


def packet_columns(rows: Rows, first_number: int, taken_at: int) -> PacketColumns:
    """Give rows as columns.

    Args:
        rows: Packets in their order.
        first_number: The number of the first.
        taken_at: The interface that they are bound to, -1 for none.
    """
    count = len(rows)
    given = {
        "number": np.arange(first_number, first_number + count, dtype=np.int64),
        "length_bytes": frame_bytes(rows).astype(np.int32),
        "taken_at": np.full(count, taken_at, np.int32),
        "icmp_type": icmp_types(rows),
        "quote": np.full(count, -1, np.int32),
    }
    columns = [
        given[name]
        if name in given
        else (np.ascontiguousarray(rows[name]) if name in ROW.fields else np.zeros(count, dtype))  # type: ignore[operator]  # it has fields
        for name, dtype in PACKET_DTYPES.items()
    ]
    quoted = QuotedColumns._make(np.zeros(0, dtype) for dtype in QUOTED_DTYPES.values())
    return PacketColumns._make([*columns, quoted])
