"""What a record stands for, as packets: its events.

A record says that `packets` packets went one way between `start` and `end`. The engine gets

- the *lead* at the start: a SYN or SYN-ACK if `tcp-flags` has one, or if the record is the first of a TCP flow whose
  log has no flags; an echo request or reply for ICMP; else what refreshes a flow. Its decision is that of the record;
- an ACK right behind a SYN, so that a handshake whose two sides are in the log is complete when it should be;
- refreshing packets, evenly spread up to the end, so near to each other that no flow expires within a record that has
  packets enough, or with `Spread.ENDS` one, at the end; the last of them, there, is a FIN or RST if the flags have one;
- an ACK behind a FIN, and behind those of the same instant, so that a connection that both sides have closed waits for
  late packets (TIME_WAIT) as it does in a capture.

At one instant openings come before answers, and packets that leave one interface before those that come to another.

Assumed: AWS tells of a record no more than its first and last second.
"""

import functools
from typing import Final, NamedTuple

import numpy as np
from attrs import define

from sgsim.model.columns import QUOTED_DTYPES, Column, PacketColumns, QuotedColumns, RecordColumns
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol, TcpFlags
from sgsim.model.record_events import (
    ECHO_TYPES,
    FIRST,
    FOLLOW,
    LAST,
    MOST_REFRESHES,
    OTHER,
    REFRESH_NS,
    REFRESH_TCP_NS,
    SECOND,
)
from sgsim.model.record_roles import ANSWER, OPENER
from sgsim.model.spread import Spread
from sgsim.model.states import Direction
from sgsim.sources.base import MAX_LENGTH_BYTES
from sgsim.sources.flow_log_openers import Roles
from sgsim.sources.flow_log_order import time_order

_SECOND_NS: Final = 1_000_000_000
_SYN, _SYN_ACK, _ACK = int(TcpFlags.SYN), int(TcpFlags.SYN | TcpFlags.ACK), int(TcpFlags.ACK)
_FIN_ACK, _RST_ACK = int(TcpFlags.FIN | TcpFlags.ACK), int(TcpFlags.RST | TcpFlags.ACK)
_FIN, _RST = int(TcpFlags.FIN), int(TcpFlags.RST)


class Events(NamedTuple):
    """Events of records, in the order of the records, axis `(events,)`."""

    time_ns: Column
    """int64."""
    rank: Column
    """uint8, order among those of the same time."""
    record: Column
    """int64, row of the record."""
    tcp_flags: Column
    """uint8."""
    icmp_type: Column
    """uint8."""
    is_lead: Column
    """bool, whether its decision is that of the record."""


@define
class EventMaker:
    """Makes events of records, and orders them."""

    spread: Spread = Spread.EVEN

    def made(self, records: RecordColumns, roles: Roles, before: Events | None, first: int) -> Events:
        """Make the events of records, and put them behind others.

        Args:
            records: The records.
            roles: What their senders are.
            before: The others.
            first: What `Events.record` of the first record is.
        """
        events = events_of(records, roles, self.spread)
        if before is None:
            return events
        shifted = events._replace(record=events.record + first)
        return Events(*map(np.concatenate, zip(before, shifted, strict=True)))

    def order(self, events: Events) -> Column | None:
        """The order of events in time, None if they are in order."""
        return time_order(events.time_ns, events.rank)


def events_of(records: RecordColumns, roles: Roles, spread: Spread = Spread.EVEN) -> Events:
    """Make the events of records."""
    is_tcp = (records.protocol == Protocol.TCP) & (records.skip == 0)
    flags = np.where(records.flags == NO_FLAGS, np.uint8(0), records.flags)
    lead = np.where(is_tcp, _lead_flags(records, roles, flags), np.uint8(0))
    close = np.where(is_tcp, flags & (_FIN | _RST), np.uint8(0))
    has_follow = (lead == _SYN) & (records.packets > 1)
    refreshes = _refreshes(records, lead, close, has_follow, is_tcp, spread)
    is_alone = is_tcp & (refreshes == 0) & (lead == _ACK)
    lead = np.where(is_alone & (close > 0), _closing(close), lead).astype(np.uint8)
    has_last = (close == _FIN) & (refreshes > 0) & (records.packets > 1 + has_follow + refreshes)
    counts = 1 + has_follow + refreshes + has_last
    record = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(record)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_lead = step == 0
    step -= has_follow[record]  # from here on 1 is the first refresh, 0 a follow, and what is less a lead
    is_refresh = (step > 0) & ~is_lead
    is_last = is_refresh & (step > refreshes[record])  # the ACK behind a FIN
    return Events(
        time_ns=_times(records, record, np.minimum(step, refreshes[record]), refreshes, is_refresh),
        rank=_ranks(records, roles, lead, record, is_lead, is_refresh, is_last),
        record=record,
        tcp_flags=np.where(is_lead, lead[record], _later_flags(is_tcp, close, record, step, refreshes)).astype(
            np.uint8
        ),
        icmp_type=_icmp_types(records, roles)[record],
        is_lead=is_lead,
    )


def _lead_flags(records: RecordColumns, roles: Roles, flags: Column) -> Column:
    """The flags of each record's first packet, as if all were TCP."""
    is_told = records.flags != NO_FLAGS
    opens = np.where(is_told, flags & _SYN_ACK == _SYN, roles.is_first & (roles.role == OPENER))
    answers = np.where(is_told, flags & _SYN_ACK == _SYN_ACK, roles.is_first & (roles.role == ANSWER))
    return np.where(opens, np.uint8(_SYN), np.where(answers, np.uint8(_SYN_ACK), np.uint8(_ACK)))


def _refreshes(
    records: RecordColumns, lead: Column, close: Column, has_follow: Column, is_tcp: Column, spread: Spread
) -> Column:
    """How many refreshing packets a record gets."""
    span_ns = records.end_ns - records.start_ns
    apart_ns = np.where(is_tcp, REFRESH_TCP_NS, REFRESH_NS)
    wanted = np.minimum(-(-span_ns // apart_ns), 1 if spread is Spread.ENDS else MOST_REFRESHES)
    least = (span_ns > 0) | (close > 0) | ~has_follow  # a TCP opening within one second has its ACK already
    number = np.where(least, np.maximum(wanted, 1), wanted)
    number = np.minimum(number, records.packets - 1 - has_follow)
    must_close = (close > 0) & (lead != _ACK)
    number = np.where(must_close, np.maximum(number, 1), number)
    return np.where(records.skip == 0, np.maximum(number, 0), 0)


def _closing(close: Column) -> Column:
    return np.where(close & _RST, np.uint8(_RST_ACK), np.where(close & _FIN, np.uint8(_FIN_ACK), np.uint8(_ACK)))


def _later_flags(is_tcp: Column, close: Column, record: Column, step: Column, refreshes: Column) -> Column:
    """The flags of packets behind the first; a FIN comes before an RST if there is room for both."""
    left = refreshes[record] - step
    is_last, is_last_but_one = (left == 0) & (step > 0), (left == 1) & (step > 0)
    has_both = (close == (_FIN | _RST))[record]
    flags = np.where(is_last, _closing(close)[record], np.where(is_last_but_one & has_both, _FIN_ACK, _ACK))
    return np.where(is_tcp[record], flags, 0)


def _times(records: RecordColumns, record: Column, step: Column, refreshes: Column, is_refresh: Column) -> Column:
    """Evenly spread, the last at the end; in whole seconds if the record begins at one, as logs have no others."""
    times: Column = records.start_ns.take(record)
    rows = np.flatnonzero(is_refresh)  # the others are at the start
    of, step = record.take(rows), step.take(rows)
    span_ns, number = records.end_ns - records.start_ns, np.maximum(refreshes, 1)
    each_ns = span_ns // number
    rest_ns = span_ns - each_ns * number
    rest, number = rest_ns.take(of), number.take(of)
    offset_ns = each_ns.take(of) * step
    if rest.any():
        offset_ns += rest * step // number
    is_whole = _is_whole_second(records.start_ns).take(of) & (step < number)
    times[rows] += np.where(is_whole, offset_ns - _past_second(offset_ns), offset_ns)
    return times


def _past_second(time_ns: Column) -> Column:
    """What is beyond the last whole second; numpy divides by a constant several times as fast as it finds remainders."""
    past: Column = time_ns - time_ns // _SECOND_NS * _SECOND_NS
    return past


def _is_whole_second(time_ns: Column) -> Column:
    is_whole: Column = _past_second(time_ns) == 0
    return is_whole


def _ranks(
    records: RecordColumns,
    roles: Roles,
    lead: Column,
    record: Column,
    is_lead: Column,
    is_refresh: Column,
    is_last: Column,
) -> Column:
    is_answer = (lead == _SYN_ACK) | ((lead != _SYN) & (roles.role == ANSWER))
    opens = (lead == _SYN) | ((lead == 0) & (roles.role == OPENER))
    of_lead = np.where(opens, FIRST, np.where(is_answer & (lead != _ACK), SECOND, FOLLOW))
    of_later = np.where(opens | ~is_answer, FOLLOW, OTHER)
    rank = np.where(is_lead, of_lead[record], np.where(is_refresh, OTHER, of_later[record]))
    rank = np.where(is_last, LAST, rank)
    ranks: Column = (rank + (records.direction == Direction.INGRESS)[record]).astype(np.uint8)
    return ranks


def _icmp_types(records: RecordColumns, roles: Roles) -> Column:
    types = np.zeros(len(records.protocol), np.uint8)
    for protocol, (request, reply) in ECHO_TYPES.items():
        is_of_it = records.protocol == protocol
        types[is_of_it] = np.where(roles.role[is_of_it] == ANSWER, reply, request)
    return types


def packets_of_events(records: RecordColumns, events: Events) -> PacketColumns:
    """Events as the packets that an engine takes; the bytes of a record are those of its lead.

    Nobody may write into what is the same in all rows.
    """
    row = events.record
    rows = len(row)
    sizes = np.minimum(records.bytes, MAX_LENGTH_BYTES).astype(np.int32).take(row)
    has_ipv6 = bool(records.src_hi.any() or records.dst_hi.any())
    return PacketColumns(
        time_ns=events.time_ns,
        number=records.line.take(row),
        file=records.file.take(row),
        src_hi=records.src_hi.take(row) if has_ipv6 else _same("u8", rows),
        src_lo=records.src_lo.take(row),
        dst_hi=records.dst_hi.take(row) if has_ipv6 else _same("u8", rows),
        dst_lo=records.dst_lo.take(row),
        family=records.family.take(row),
        protocol=records.protocol.take(row),
        src_port=records.src_port.take(row),
        dst_port=records.dst_port.take(row),
        tcp_flags=events.tcp_flags,
        icmp_type=events.icmp_type,
        icmp_code=_same("u1", rows),
        length_bytes=sizes * events.is_lead,
        direction=records.direction.take(row),
        taken_at=records.taken_at.take(row),
        skip=records.skip.take(row),
        vlan=_same("u2", rows),
        fragment_id=_same("u4", rows),
        fragment_offset=_same("u2", rows),
        more_fragments=_same("u1", rows),
        quote=_same("i4", rows, -1),
        quoted=QuotedColumns(*(np.zeros(0, dtype) for dtype in QUOTED_DTYPES.values())),
    )


def _same(dtype: str, rows: int, value: int = 0) -> Column:
    """A column that has the same value in all rows."""
    return _filled(dtype, 1 << max(rows - 1, 0).bit_length(), value)[:rows]


@functools.lru_cache(maxsize=16)
def _filled(dtype: str, rows: int, value: int) -> Column:
    column = np.full(rows, value, dtype)
    column.flags.writeable = False
    return column
