"""Who opened the flow that a record belongs to, where the record does not say it.

In the order of trust: `tcp_flags` (a SYN or SYN-ACK is among the packets), `ports` (one port is a client's, from
`client_port` up, and the other is not; assumed), `first` (whoever sent the first record of the flow). The last two are needed for
TCP of formats without `tcp-flags`, and the last for ICMP, whose type no format has.

Flows that need it are remembered by a fingerprint, for as long as the engine may remember them. The memory has a fixed
number of places; a flow that loses its place to another is taken for a new one, which its next record opens again.
"""

from typing import Final

import numpy as np
from attrs import define, field

from sgsim.model.columns import Column, RecordColumns
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol
from sgsim.sources.flow_log_binding import KnownInterfaces

NO_ROLE, OPENER, ANSWER = 0, 1, 2
"""What the sender of a record is in its flow."""

BY_FLAGS, BY_PORTS, BY_FIRST = 1, 2, 3
"""How that is known; 0 if it is not asked."""
ORIENTATIONS: Final = {BY_FLAGS: "tcp_flags", BY_PORTS: "ports", BY_FIRST: "first"}
CONFIDENCES: Final = {BY_FLAGS: "high", BY_PORTS: "medium", BY_FIRST: "low"}

MEMORY_PLACES: Final = 1 << 20

_SECOND_NS: Final = 1_000_000_000
_NEVER: Final = np.iinfo(np.int64).min // 2
_SYN, _SYN_ACK = 2, 18
_TCP: Final = int(Protocol.TCP)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@define(eq=False)
class Roles:
    """What the senders of records are in their flows, axis `(records,)`."""

    role: Column
    """uint8, `OPENER`, `ANSWER` or `NO_ROLE`."""
    method: Column
    """uint8, how that is known."""
    is_first: Column
    """bool, of TCP without flags: it is the first record of its flow, or the first of the side that answers."""
    is_reopening: Column
    """bool, of TCP without flags: its flow had been silent for longer than its timeout."""


@define(eq=False)
class OpenerMemory:
    """Remembers who opened flows; to be asked about records in the order of their starts."""

    _keys: Column = field(init=False, factory=lambda: np.zeros(MEMORY_PLACES, np.uint64))
    _ends_s: Column = field(init=False, factory=lambda: np.full(MEMORY_PLACES, _NEVER, np.int64))
    _openers: Column = field(init=False, factory=lambda: np.zeros(MEMORY_PLACES, np.bool_))
    """Which side has opened the flow."""
    _answered: Column = field(init=False, factory=lambda: np.zeros(MEMORY_PLACES, np.bool_))
    """Whether the other side has sent anything."""

    def roles(self, records: RecordColumns, known: KnownInterfaces) -> Roles:
        """Tell the roles of a batch, with the timeouts that are known to hold."""
        is_tcp = (records.protocol == _TCP) & (records.skip == 0)
        has_flags = is_tcp & (records.flags != NO_FLAGS)
        by_flags = np.where(
            records.flags & _SYN_ACK == _SYN_ACK, np.uint8(ANSWER), np.where(records.flags & _SYN, OPENER, NO_ROLE)
        )
        by_ports = _by_ports(records, known.client_port)
        role = np.where(has_flags & (by_flags > 0), by_flags, by_ports).astype(np.uint8)
        method = np.where(has_flags & (by_flags > 0), BY_FLAGS, np.where(by_ports > 0, BY_PORTS, BY_FIRST))
        found = Roles(role, method.astype(np.uint8), np.zeros(len(role), np.bool_), np.zeros(len(role), np.bool_))
        is_icmp = (records.protocol == Protocol.ICMP) | (records.protocol == Protocol.ICMPV6)
        rows = np.flatnonzero((is_tcp & ~has_flags) | (is_icmp & (records.skip == 0)))
        if len(rows):
            self._remember(records, rows, by_ports[rows], found, known)
        return found

    def _remember(
        self, records: RecordColumns, rows: Column, by_ports: Column, found: Roles, known: KnownInterfaces
    ) -> None:
        keys, is_low_side = _keys(records, rows)
        order = _in_groups(keys)
        keys, is_low_side, by_ports, ordered = keys[order], is_low_side[order], by_ports[order], rows[order]
        start_s, end_s = records.start_ns[ordered] // _SECOND_NS, records.end_ns[ordered] // _SECOND_NS
        begins = np.ones(len(keys), np.bool_)
        begins[1:] = keys[1:] != keys[:-1]
        latest_s = _latest_in_group(end_s, begins)
        places = (keys & np.uint64(MEMORY_PLACES - 1)).astype(np.int64)
        is_known = self._keys[places] == keys
        before_s = np.empty_like(latest_s)
        before_s[1:] = latest_s[:-1]
        before_s[begins] = np.where(is_known[begins], self._ends_s[places[begins]], _NEVER)
        was_answered = is_known & self._answered[places]
        is_answered = was_answered | _both_seen(is_low_side, begins)
        is_first = start_s - before_s >= _idle_s(known, records, ordered, is_answered)
        opened_by = np.where(by_ports == NO_ROLE, is_low_side, is_low_side ^ (by_ports == ANSWER))
        opened_by = np.where(is_first, opened_by, self._openers[places])
        tells = np.where(is_first | begins, np.arange(len(keys)), 0)
        told_by = np.maximum.accumulate(tells)
        opened_by = opened_by[told_by]
        is_answer = is_low_side != opened_by
        found.role[ordered] = np.where(is_answer, ANSWER, OPENER)
        answers = np.cumsum(is_answer)
        before = answers - is_answer  # answers before each row; those before its flow began are taken off
        is_continued = ~is_first[told_by] & was_answered
        is_first_answer = is_answer & (before == before[told_by]) & ~is_continued
        is_tcp = records.protocol[ordered] == _TCP
        found.is_first[ordered] = is_tcp & np.where(is_answer, is_first_answer, is_first)
        found.is_reopening[ordered] = is_first & is_tcp & (before_s > _NEVER)
        ends = np.append(np.flatnonzero(begins)[1:], len(keys)) - 1
        self._keys[places[ends]] = keys[ends]
        self._ends_s[places[ends]] = np.maximum(
            latest_s[ends], np.where(is_known[ends], self._ends_s[places[ends]], _NEVER)
        )
        self._openers[places[ends]] = opened_by[ends]
        self._answered[places[ends]] = (answers[ends] > before[told_by[ends]]) | is_continued[ends]


def _idle_s(known: KnownInterfaces, records: RecordColumns, rows: Column, is_answered: Column) -> Column:
    """How long a flow may be silent, seconds."""
    tcp_ns = known.tcp_idle_ns[np.maximum(records.taken_at[rows], 0)]
    tcp_ns = np.where(is_answered, tcp_ns, np.minimum(tcp_ns, known.tcp_opening_ns))
    is_tcp = records.protocol[rows] == _TCP
    idle_s: Column = np.where(is_tcp, tcp_ns, known.icmp_idle_ns) // _SECOND_NS
    return idle_s


def _by_ports(records: RecordColumns, client_port: int) -> Column:
    """The sender's role if one port is a client's and the other is not."""
    has_ports = (records.protocol == _TCP) | (records.protocol == Protocol.UDP)
    is_client, is_server = records.src_port >= client_port, records.dst_port >= client_port
    role = np.where(is_client & ~is_server, np.uint8(OPENER), np.where(is_server & ~is_client, ANSWER, NO_ROLE))
    return np.where(has_ports, role, NO_ROLE).astype(np.uint8)


def _keys(records: RecordColumns, rows: Column) -> tuple[Column, Column]:
    """A fingerprint of each record's flow, the same both ways, and which of the two sides sends."""
    src = _side(records.src_hi[rows], records.src_lo[rows], records.src_port[rows])
    dst = _side(records.dst_hi[rows], records.dst_lo[rows], records.dst_port[rows])
    context = records.taken_at[rows].astype(np.uint64) << np.uint64(8) | records.protocol[rows]
    low, high = np.minimum(src, dst), np.maximum(src, dst)
    return np.maximum(_mixed(_mixed(low + context) ^ high), np.uint64(1)), src <= dst


def _in_groups(keys: Column) -> Column:
    """The stable order of fingerprints.

    Fingerprint and place in one number: sorting numbers takes a tenth of the time that sorting places by them does. Its
    low bits are given up for the place, so two flows that have all others in common are sorted the slow way.
    """
    bits = np.uint64(len(keys).bit_length())
    packed = np.sort(keys >> bits << bits | np.arange(len(keys), dtype=np.uint64))
    order: Column = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    ordered, high = keys.take(order), packed >> bits
    if bool(((high[1:] == high[:-1]) & (ordered[1:] != ordered[:-1])).any()):
        order = np.argsort(keys, kind="stable")
    return order


def _side(high: Column, low: Column, port: Column) -> Column:
    return _mixed(_mixed(low ^ port.astype(np.uint64) << np.uint64(40)) ^ high)


def _mixed(words: Column) -> Column:
    """Stafford's mix 13, as in splitmix64."""
    words = (words ^ words >> np.uint64(30)) * _MIX_1
    words = (words ^ words >> np.uint64(27)) * _MIX_2
    mixed: Column = words ^ words >> np.uint64(31)
    return mixed


def _both_seen(is_low_side: Column, begins: Column) -> Column:
    """Whether, before each row, both sides have sent in its group."""
    starts = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
    seen = np.ones(len(begins), np.bool_)
    for is_side in (is_low_side, ~is_low_side):
        before = np.cumsum(is_side) - is_side
        seen &= before > before[starts]
    return seen


def _latest_in_group(end_s: Column, begins: Column) -> Column:
    """The latest end up to each row within its group."""
    least = int(end_s.min())
    span = int(end_s.max()) - least + 1
    offset = np.cumsum(begins) * span
    latest: Column = np.maximum.accumulate(end_s - least + offset) - offset + least
    return latest
