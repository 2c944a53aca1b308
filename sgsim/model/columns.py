"""Packets and decisions as columns: one numpy array for each field, one row for each packet.

Sources yield `PacketColumns`; engines turn them into `DecisionColumns`; the recorder reads both. Flow logs are read as
`RecordColumns`, of which packets are made that stand for them. The only module of `model` that needs numpy. Axes:
`(packets,)`, `(quotes,)`, `(decisions,)`, `(flows,)`, `(records,)`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.model.address import Family
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.packet import Fragment, Packet, Quote
from sgsim.model.protocol import ICMP_PROTOCOLS
from sgsim.model.states import Direction

Column = NDArray[Any]

_WORD: Final = (1 << 64) - 1


class QuotedColumns(NamedTuple):
    """The packets that ICMP errors quote, one row for each, axis `(quotes,)`; fields as in `PacketColumns`."""

    src_hi: Column
    src_lo: Column
    dst_hi: Column
    dst_lo: Column
    family: Column
    protocol: Column
    src_port: Column
    dst_port: Column
    icmp_type: Column
    icmp_code: Column


class PacketColumns(NamedTuple):
    """Packets in input order, axis `(packets,)`.

    A row with `skip` other than 0 could not be read; of it only `time_ns`, `number`, `file`, `length_bytes` and
    `taken_at` mean something, the rest is 0 or what could be read.
    """

    time_ns: Column
    """int64, nanoseconds since the epoch."""
    number: Column
    """int64, place in its file, from 1."""
    file: Column
    """int16, which input file, from 0."""
    src_hi: Column
    """uint64, upper half of an IPv6 source address; 0 for IPv4."""
    src_lo: Column
    """uint64, lower half, or the whole IPv4 address."""
    dst_hi: Column
    """uint64."""
    dst_lo: Column
    """uint64."""
    family: Column
    """uint8, 4 or 6; 0 if skipped before it was known."""
    protocol: Column
    """uint8, IANA number; of IPv6 that of the last header reached."""
    src_port: Column
    """uint16; 0 without ports; the identifier of an ICMP query."""
    dst_port: Column
    """uint16; 0 without ports; the identifier of the answer to an ICMP query."""
    tcp_flags: Column
    """uint8, `TcpFlags`."""
    icmp_type: Column
    """uint8; 0 but for ICMP and ICMPv6."""
    icmp_code: Column
    """uint8; 0 but for ICMP and ICMPv6."""
    length_bytes: Column
    """int32, length on the wire."""
    direction: Column
    """uint8, `Direction` if the capture tells it, else 0."""
    taken_at: Column
    """int32, index of the interface that the file is bound to, -1 if none."""
    skip: Column
    """uint8, 0 or the `Reason` why it could not be read."""
    vlan: Column
    """uint16, outermost VLAN identifier, 0 without a tag; reported, never part of a flow's key."""
    fragment_id: Column
    """uint32, identification in the IP header; 0 if the packet is whole."""
    fragment_offset: Column
    """uint16, in bytes; 0 for whole packets and first fragments."""
    more_fragments: Column
    """uint8, 1 if fragments follow."""
    quote: Column
    """int32, row of `quoted`, -1 if nothing is quoted."""
    quoted: QuotedColumns
    """Quoted packets of this batch."""


class DecisionColumns(NamedTuple):
    """Decisions in order, one row for each packet and interface, axis `(decisions,)`; 0 or -1 stands for null."""

    row: Column
    """int32, row of the packet in its batch."""
    interface: Column
    """int32, index of the interface in the engine's `interface_ids`, -1 for none."""
    direction: Column
    """uint8, `Direction`, 0 for none."""
    verdict: Column
    """uint8, `Verdict`."""
    reason: Column
    """uint8, `Reason`."""
    state: Column
    """uint8, `ConntrackState`, 0 for none."""
    tcp_state: Column
    """uint8, `TcpState`, 0 for none."""
    opener: Column
    """uint8, `Direction`, 0 for none."""
    rule: Column
    """int32, index in the engine's `rules`, -1 for none."""
    flow: Column
    """int64, number of the flow, 0 for none."""


PACKET_DTYPES: Final[dict[str, str]] = {
    "time_ns": "i8", "number": "i8", "file": "i2",
    "src_hi": "u8", "src_lo": "u8", "dst_hi": "u8", "dst_lo": "u8", "family": "u1", "protocol": "u1",
    "src_port": "u2", "dst_port": "u2", "tcp_flags": "u1", "icmp_type": "u1", "icmp_code": "u1",
    "length_bytes": "i4", "direction": "u1", "taken_at": "i4", "skip": "u1", "vlan": "u2",
    "fragment_id": "u4", "fragment_offset": "u2", "more_fragments": "u1", "quote": "i4",
}  # fmt: skip
"""The type of each column of `PacketColumns`, but for `quoted`."""

QUOTED_DTYPES: Final[dict[str, str]] = {name: PACKET_DTYPES[name] for name in QuotedColumns._fields}

DECISION_DTYPES: Final[dict[str, str]] = {
    "row": "i4", "interface": "i4", "direction": "u1", "verdict": "u1", "reason": "u1", "state": "u1",
    "tcp_state": "u1", "opener": "u1", "rule": "i4", "flow": "i8",
}  # fmt: skip


def packet_columns(rows: Sequence[tuple[Any, ...]], quotes: Sequence[tuple[Any, ...]] = ()) -> PacketColumns:
    """Build columns from rows.

    Args:
        rows: One tuple for each packet, in the order of `PACKET_DTYPES`.
        quotes: One tuple for each quoted packet, in the order of `QUOTED_DTYPES`.
    """
    quoted = QuotedColumns(*_columns(quotes, QUOTED_DTYPES))
    return PacketColumns._make([*_columns(rows, PACKET_DTYPES), quoted])


def decision_columns(rows: Sequence[tuple[Any, ...]]) -> DecisionColumns:
    """Build columns from rows, one tuple for each decision in the order of `DECISION_DTYPES`."""
    return DecisionColumns(*_columns(rows, DECISION_DTYPES))


def _columns(rows: Sequence[tuple[Any, ...]], dtypes: dict[str, str]) -> Iterable[Column]:
    fields: Iterable[Any] = zip(*rows, strict=True) if rows else ((),) * len(dtypes)
    return (np.array(values, dtype=dtype) for values, dtype in zip(fields, dtypes.values(), strict=True))


def address_words(address: int) -> tuple[int, int]:
    """Split an address into its upper and lower 64 bits."""
    return address >> 64, address & _WORD


def columns_of(packets: Sequence[Packet], interface_ids: Sequence[str]) -> PacketColumns:
    """Write packets as columns, in order.

    Args:
        packets: What to write; each with its time.
        interface_ids: What `taken_at` counts.
    """
    quotes = [_quote_row(packet.quote) for packet in packets if packet.quote is not None]
    rows, quoted = [], 0
    for packet in packets:
        rows.append(_row_of(packet, interface_ids, quoted if packet.quote is not None else -1))
        quoted += packet.quote is not None
    return packet_columns(rows, quotes)


def _row_of(packet: Packet, interface_ids: Sequence[str], quote: int) -> tuple[Any, ...]:
    fragment = packet.fragment or Fragment(0, 0, more=False)
    taken_at = -1 if packet.taken_at is None else interface_ids.index(packet.taken_at)
    return (
        packet.time_ns, packet.number, packet.file, *_five_tuple_row(packet.five_tuple), packet.tcp_flags,
        packet.icmp_type or 0, packet.icmp_code or 0, packet.length_bytes, packet.direction or 0, taken_at, 0, 0,
        fragment.identification, fragment.offset_bytes, fragment.more, quote,
    )  # fmt: skip


def _quote_row(quote: Quote) -> tuple[Any, ...]:
    return (*_five_tuple_row(quote.five_tuple), quote.icmp_type or 0, quote.icmp_code or 0)


def _five_tuple_row(key: FiveTuple) -> tuple[int, ...]:
    src, dst = address_words(key.src_addr), address_words(key.dst_addr)
    return (*src, *dst, key.family, key.protocol, key.src_port, key.dst_port)


def packets_of(columns: PacketColumns, interface_ids: Sequence[str]) -> Iterable[Packet | None]:
    """Read columns back as packets, in order; None for a row that is skipped.

    Args:
        columns: What to read.
        interface_ids: What `taken_at` counts.
    """
    lists = [column.tolist() for column in columns[:-1]]
    for values in zip(*lists, strict=True):
        row = dict(zip(PACKET_DTYPES, values, strict=True))
        yield None if row["skip"] else _packet(row, columns.quoted, interface_ids)


def select_rows(columns: PacketColumns, begin: int, end: int) -> PacketColumns:
    """The packets from `begin` up to, not including, `end`; what they quote stays as it is."""
    return PacketColumns._make([*(column[begin:end] for column in columns[:-1]), columns.quoted])


def packet_at(columns: PacketColumns, row: int) -> Packet | None:
    """Read one row back as a packet that is bound to no interface; None if it is skipped."""
    values = {name: int(column[row]) for name, column in zip(PACKET_DTYPES, columns[:-1], strict=True)}
    return None if values["skip"] else _packet(values | {"taken_at": -1}, columns.quoted, ())


def _packet(row: dict[str, int], quoted: QuotedColumns, interface_ids: Sequence[str]) -> Packet:
    is_icmp = row["protocol"] in ICMP_PROTOCOLS and not row["fragment_offset"]
    is_fragment = row["fragment_offset"] or row["more_fragments"]
    return Packet(
        five_tuple=_five_tuple(row),
        time_ns=row["time_ns"],
        length_bytes=row["length_bytes"],
        tcp_flags=row["tcp_flags"],
        icmp_type=row["icmp_type"] if is_icmp else None,
        icmp_code=row["icmp_code"] if is_icmp else None,
        direction=Direction(row["direction"]) if row["direction"] else None,
        number=row["number"],
        file=row["file"],
        taken_at=interface_ids[row["taken_at"]] if row["taken_at"] >= 0 else None,
        fragment=(
            Fragment(row["fragment_id"], row["fragment_offset"], bool(row["more_fragments"])) if is_fragment else None
        ),
        quote=_quote(quoted, row["quote"]) if row["quote"] >= 0 else None,
    )


def _quote(quoted: QuotedColumns, index: int) -> Quote:
    row = {name: int(column[index]) for name, column in zip(QUOTED_DTYPES, quoted, strict=True)}
    is_icmp = row["protocol"] in ICMP_PROTOCOLS
    return Quote(_five_tuple(row), row["icmp_type"] if is_icmp else None, row["icmp_code"] if is_icmp else None)


def _five_tuple(row: dict[str, int]) -> FiveTuple:
    return FiveTuple(
        row["src_hi"] << 64 | row["src_lo"],
        row["src_port"],
        row["dst_hi"] << 64 | row["dst_lo"],
        row["dst_port"],
        row["protocol"],
        Family(row["family"]),
    )


class FlowColumns(NamedTuple):
    """Flows, one row for each flow and interface, axis `(flows,)`; written when a flow ends."""

    flow: Column
    """int64, its number."""
    interface: Column
    """int32, index in the engine's `interface_ids`."""
    family: Column
    """uint8, 4 or 6."""
    protocol: Column
    """uint8."""
    src_hi: Column
    """uint64; source and destination are those of the opener's packets."""
    src_lo: Column
    """uint64."""
    src_port: Column
    """uint16; the identifier of an ICMP query."""
    dst_hi: Column
    """uint64."""
    dst_lo: Column
    """uint64."""
    dst_port: Column
    """uint16."""
    icmp_type: Column
    """uint8, type of the query; 0 for other protocols."""
    opener: Column
    """uint8, `Direction`."""
    opened_at_ns: Column
    """int64, first packet seen."""
    last_seen_ns: Column
    """int64, last packet seen."""
    ended_at_ns: Column
    """int64, when it was forgotten; the clock for a live flow."""
    expires_at_ns: Column
    """int64, when it is gone, or would have been, if nothing more comes."""
    end: Column
    """uint8, `FlowEnd`."""
    tracking: Column
    """uint8, `Tracking`."""
    cause: Column
    """uint8, `TrackingCause`."""
    is_presumed: Column
    """uint8, 1 if it was open before the recording began."""
    rule: Column
    """int32, index in the engine's `rules`, -1 for none."""
    tcp_state: Column
    """uint8, `TcpState`, 0 for other protocols."""
    packets_original: Column
    """int64."""
    packets_reply: Column
    """int64."""
    bytes_original: Column
    """int64."""
    bytes_reply: Column
    """int64."""
    allowed: Column
    """int64, packets that passed."""
    denied: Column
    """int64, packets that did not."""


FLOW_DTYPES: Final[dict[str, str]] = {
    "flow": "i8", "interface": "i4", "family": "u1", "protocol": "u1",
    "src_hi": "u8", "src_lo": "u8", "src_port": "u2", "dst_hi": "u8", "dst_lo": "u8", "dst_port": "u2",
    "icmp_type": "u1", "opener": "u1", "opened_at_ns": "i8", "last_seen_ns": "i8", "ended_at_ns": "i8",
    "expires_at_ns": "i8", "end": "u1",
    "tracking": "u1", "cause": "u1", "is_presumed": "u1", "rule": "i4", "tcp_state": "u1",
    "packets_original": "i8", "packets_reply": "i8", "bytes_original": "i8", "bytes_reply": "i8",
    "allowed": "i8", "denied": "i8",
}  # fmt: skip


def flow_columns(rows: Sequence[tuple[Any, ...]]) -> FlowColumns:
    """Build columns from rows, one tuple for each flow in the order of `FLOW_DTYPES`."""
    return FlowColumns(*_columns(rows, FLOW_DTYPES))


class RecordColumns(NamedTuple):
    """Records of flow logs in the order of their starts, axis `(records,)`.

    A record stands for packets that went one way within a time. A row with `skip` other than 0 stands for none; of it
    only times, `line`, `file` and `taken_at` mean something.
    """

    start_ns: Column
    """int64, the first packet's time, nanoseconds since the epoch."""
    end_ns: Column
    """int64, the last packet's time."""
    line: Column
    """int64, place in its file, from 1."""
    file: Column
    """int32, which input file, from 0; folders may hold more files than `PacketColumns` can count."""
    src_hi: Column
    """uint64; addresses are those that the interface's groups saw."""
    src_lo: Column
    """uint64."""
    dst_hi: Column
    """uint64."""
    dst_lo: Column
    """uint64."""
    family: Column
    """uint8, 4 or 6; 0 if skipped."""
    protocol: Column
    """uint8, IANA number."""
    src_port: Column
    """uint16, 0 without ports."""
    dst_port: Column
    """uint16."""
    flags: Column
    """uint8, TCP flags as the log has them, 255 if it does not tell."""
    direction: Column
    """uint8, `Direction` at the interface, 0 if unknown."""
    taken_at: Column
    """int32, index of the interface that the record is of, -1 if none."""
    packets: Column
    """int64, how many it stands for."""
    bytes: Column
    """int64."""
    logged: Column
    """uint8, `Verdict` that AWS logged, 0 if it is not told."""
    refused_by: Column
    """uint8, what AWS says has refused it if neither group nor network ACL did, else 0."""
    skip: Column
    """uint8, 0 or the `Reason` why it stands for no packets."""


RECORD_DTYPES: Final[dict[str, str]] = {
    "start_ns": "i8", "end_ns": "i8", "line": "i8", "file": "i4",
    "src_hi": "u8", "src_lo": "u8", "dst_hi": "u8", "dst_lo": "u8", "family": "u1", "protocol": "u1",
    "src_port": "u2", "dst_port": "u2", "flags": "u1", "direction": "u1", "taken_at": "i4",
    "packets": "i8", "bytes": "i8", "logged": "u1", "refused_by": "u1", "skip": "u1",
}  # fmt: skip


def record_columns(rows: Sequence[tuple[Any, ...]]) -> RecordColumns:
    """Build columns from rows, one tuple for each record in the order of `RECORD_DTYPES`."""
    return RecordColumns(*_columns(rows, RECORD_DTYPES))
