"""What a record stands for, as packets: its events.

Compiled twin of `sgsim.sources.flow_log_events`. A first pass plans the events of each record, so that it is known how
many there are; a second one writes them.
"""

from numba import types

from sgsim.kernels.flow_log_arrays import EVENT_DTYPES, Plans
from sgsim.kernels.flow_log_columns import records_at, roles_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.structs import struct
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol, TcpFlags
from sgsim.model.record_events import (
    ECHO_TYPES,
    FIRST,
    FOLLOW,
    LAST,
    OTHER,
    REFRESH_NS,
    REFRESH_TCP_NS,
    SECOND,
)
from sgsim.model.record_roles import ANSWER, OPENER
from sgsim.model.states import Direction

events_at = struct("events", EVENT_DTYPES)
plans_at = struct("plans", dict.fromkeys(Plans._fields, "uint8"))

_HAS_FOLLOW, _HAS_LAST, _IS_TCP = 1, 2, 4
_TCP, _ICMP, _ICMPV6 = int(Protocol.TCP), int(Protocol.ICMP), int(Protocol.ICMPV6)
_SYN, _SYN_ACK, _ACK = int(TcpFlags.SYN), int(TcpFlags.SYN | TcpFlags.ACK), int(TcpFlags.ACK)
_FIN_ACK, _RST_ACK = int(TcpFlags.FIN | TcpFlags.ACK), int(TcpFlags.RST | TcpFlags.ACK)
_FIN, _RST = int(TcpFlags.FIN), int(TcpFlags.RST)
_REQUEST, _REPLY = ECHO_TYPES[_ICMP]
_REQUEST_V6, _REPLY_V6 = ECHO_TYPES[_ICMPV6]
_INGRESS = int(Direction.INGRESS)
_SECOND_NS = 1_000_000_000
_WORD = types.int64


@kernel(is_entry=False, inline=True)
def _lead_flags(flags: int, is_first: int, role: int) -> int:
    """The flags of the first packet of a record of TCP."""
    if flags != NO_FLAGS:
        return _SYN_ACK if flags & _SYN_ACK == _SYN_ACK else _SYN if flags & _SYN else _ACK
    if not is_first:
        return _ACK
    return _SYN if role == OPENER else _SYN_ACK if role == ANSWER else _ACK


@kernel(is_entry=False, inline=True)
def _closing(close: int) -> int:
    return _RST_ACK if close & _RST else _FIN_ACK if close & _FIN else _ACK


@kernel(is_entry=False, inline=True)
def _ceiled(span_ns: int, is_tcp: bool) -> int:
    """How many refreshes it takes to be near enough to each other."""
    if span_ns <= 0:
        return 0
    if is_tcp:
        return (span_ns + REFRESH_TCP_NS - 1) // REFRESH_TCP_NS
    return (span_ns + REFRESH_NS - 1) // REFRESH_NS


@kernel(signature=_WORD(*(_WORD,) * 5))
def plan_events(records: int, roles: int, plans: int, rows: int, most: int) -> int:
    """Find out which events each record has.

    Args:
        records: Address of the list of addresses of `RecordColumns`; so the next ones of `RoleColumns` and `Plans`.
        roles: See `records`.
        plans: See `records`. Changed.
        rows: How many records there are.
        most: How many refreshing packets a record may have at most.

    Returns:
        How many events there are.
    """
    r, told, p = records_at(records), roles_at(roles), plans_at(plans)
    total = 0
    for row in range(rows):
        is_read = r.skip[row] == 0
        is_tcp = r.protocol[row] == _TCP and is_read
        packets, span_ns = r.packets[row], r.end_ns[row] - r.start_ns[row]
        lead = close = others = 0
        if is_tcp:
            flags = r.flags[row]
            lead = _lead_flags(flags, told.is_first[row], told.role[row])
            close = flags & (_FIN | _RST) if flags != NO_FLAGS else 0
            others = _IS_TCP | (_HAS_FOLLOW if lead == _SYN and packets > 1 else 0)
        has_follow = others & _HAS_FOLLOW
        refreshes = 0
        if is_read:
            refreshes = min(_ceiled(span_ns, is_tcp), most)
            if span_ns > 0 or close or not has_follow:  # a TCP opening within one second has its ACK already
                refreshes = max(refreshes, 1)
            refreshes = max(min(refreshes, packets - 1 - has_follow), 0)
            if close and lead != _ACK:
                refreshes = max(refreshes, 1)
        if close and refreshes == 0 and lead == _ACK:
            lead = _closing(close)
        if close == _FIN and refreshes > 0 and packets > 1 + has_follow + refreshes:
            others |= _HAS_LAST
        p.lead[row] = lead
        p.close[row] = close
        p.refreshes[row] = refreshes
        p.others[row] = others
        total += 1 + has_follow + refreshes + (others & _HAS_LAST) // _HAS_LAST
    return total


@kernel(is_entry=False, inline=True)
def _icmp_type(protocol: int, role: int) -> int:
    if protocol == _ICMP:
        return _REPLY if role == ANSWER else _REQUEST
    if protocol == _ICMPV6:
        return _REPLY_V6 if role == ANSWER else _REQUEST_V6
    return 0


@kernel(is_entry=False, inline=True)
def _write(
    events: int, place: int, time_ns: int, rank: int, record: int, tcp_flags: int, icmp_type: int, is_lead: int
) -> None:
    e = events_at(events)
    e.time_ns[place] = time_ns
    e.rank[place] = rank
    e.record[place] = record
    e.tcp_flags[place] = tcp_flags
    e.icmp_type[place] = icmp_type
    e.is_lead[place] = is_lead


@kernel(signature=types.void(*(_WORD,) * 7))
def write_events(records: int, roles: int, plans: int, events: int, rows: int, place: int, first: int) -> None:
    """Write the events that were planned.

    Args:
        records: Address of the list of addresses of `RecordColumns`; so the next ones of `RoleColumns`, `Plans` and
            `Events`.
        roles: See `records`.
        plans: See `records`.
        events: See `records`. Changed.
        rows: How many records there are.
        place: The row of `events` for the first event.
        first: What `record` of the events of the first record is.
    """
    r, told, p = records_at(records), roles_at(roles), plans_at(plans)
    for row in range(rows):
        start_ns, role, lead, others = r.start_ns[row], told.role[row], p.lead[row], p.others[row]
        refreshes, close = p.refreshes[row], p.close[row]
        inwards = 1 if r.direction[row] == _INGRESS else 0
        is_answer = lead == _SYN_ACK or (lead != _SYN and role == ANSWER)
        opens = lead == _SYN or (lead == 0 and role == OPENER)
        rank = FIRST if opens else SECOND if is_answer and lead != _ACK else FOLLOW
        icmp_type = _icmp_type(r.protocol[row], role)
        ack = _ACK if others & _IS_TCP else 0
        _write(events, place, start_ns, rank + inwards, first + row, lead, icmp_type, 1)
        place += 1
        if others & _HAS_FOLLOW:
            rank = FOLLOW if opens or not is_answer else OTHER
            _write(events, place, start_ns, rank + inwards, first + row, ack, icmp_type, 0)
            place += 1
        span_ns = r.end_ns[row] - start_ns
        is_whole = start_ns // _SECOND_NS * _SECOND_NS == start_ns
        for step in range(1, refreshes + 1):
            offset_ns = span_ns
            if step < refreshes:
                each_ns = span_ns // refreshes
                offset_ns = each_ns * step + (span_ns - each_ns * refreshes) * step // refreshes
                if is_whole:
                    offset_ns = offset_ns // _SECOND_NS * _SECOND_NS
            flags = ack
            if step == refreshes and close:
                flags = _closing(close)
            elif step + 1 == refreshes and close == _FIN | _RST:
                flags = _FIN_ACK
            _write(events, place, start_ns + offset_ns, OTHER + inwards, first + row, flags, icmp_type, 0)
            place += 1
        if others & _HAS_LAST:
            _write(events, place, start_ns + span_ns, LAST + inwards, first + row, ack, icmp_type, 0)
            place += 1
