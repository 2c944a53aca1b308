"""Who opened the flow that a record belongs to, where the record does not say it.

In the order of trust: `tcp_flags` (a SYN or SYN-ACK is among the packets), `ports` (one port is a client's, from
`client_port` up, and the other is not; assumed), `first` (whoever sent the first record of the flow). The last two are needed for
TCP of formats without `tcp-flags`, and the last for ICMP, whose type no format has.

Flows that need it are remembered by a fingerprint, for as long as the engine may remember them. The memory has a fixed
number of places; a flow that loses its place to another is taken for a new one, which its next record opens again.

Law: where records are cut into batches changes nothing.
"""

from typing import Final

import numpy as np
from attrs import define, field

from sgsim.model.columns import Column, RecordColumns
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol
from sgsim.model.record_roles import (
    ANSWER,
    BY_FIRST,
    BY_FLAGS,
    BY_PORTS,
    MEMORY_PLACES,
    NEVER_S,
    NO_ROLE,
    OPENER,
    WAYS,
)
from sgsim.sources.flow_log_binding import KnownInterfaces

_SECOND_NS: Final = 1_000_000_000
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

    places: int = MEMORY_PLACES
    _sets: dict[int, list["_Flow"]] = field(init=False, factory=dict)
    """Flows that may take each other's place, by the number of the set."""

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
        is_tcp = records.protocol[rows] == _TCP
        columns = (
            rows, *_keys(records, rows), is_tcp, by_ports, records.start_ns[rows] // _SECOND_NS,
            records.end_ns[rows] // _SECOND_NS, _idle_s(known, records, rows, is_answered=True),
            _idle_s(known, records, rows, is_answered=False),
        )  # fmt: skip
        for row, key, is_low, counts, port_role, start_s, end_s, answered_s, opening_s in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            flow = self._flow(key)
            is_first = start_s - flow.end_s >= (answered_s if flow.is_answered else opening_s)
            found.is_reopening[row] = counts and is_first and flow.end_s > NEVER_S
            if is_first:
                flow.low_opened = is_low != (port_role == ANSWER)
                flow.is_answered = False
            is_answer = is_low != flow.low_opened
            found.role[row] = ANSWER if is_answer else OPENER
            found.is_first[row] = counts and (not flow.is_answered if is_answer else is_first)
            flow.is_answered |= is_answer
            flow.end_s = max(flow.end_s, end_s)

    def _flow(self, key: int) -> "_Flow":
        """The flow with a fingerprint; if it is new, it takes the place of the one that was last heard of first."""
        flows = self._sets.setdefault(key % (self.places // WAYS), [])
        for flow in flows:
            if flow.key == key:
                return flow
        new = _Flow(key)
        if len(flows) < WAYS:
            flows.append(new)
        else:
            flows[min(range(WAYS), key=lambda place: flows[place].end_s)] = new
        return new


@define
class _Flow:
    key: int
    end_s: int = NEVER_S
    """When it was last heard of."""
    low_opened: bool = False
    """Which side has opened it: whether the lower one."""
    is_answered: bool = False
    """Whether the other side has sent anything."""


def _idle_s(known: KnownInterfaces, records: RecordColumns, rows: Column, *, is_answered: bool) -> Column:
    """How long a flow may be silent, seconds."""
    tcp_ns = known.tcp_idle_ns[np.maximum(records.taken_at[rows], 0)]
    if not is_answered:
        tcp_ns = np.minimum(tcp_ns, known.tcp_opening_ns)
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


def _side(high: Column, low: Column, port: Column) -> Column:
    return _mixed(_mixed(low ^ port.astype(np.uint64) << np.uint64(40)) ^ high)


def _mixed(words: Column) -> Column:
    """Stafford's mix 13, as in splitmix64."""
    words = (words ^ words >> np.uint64(30)) * _MIX_1
    words = (words ^ words >> np.uint64(27)) * _MIX_2
    mixed: Column = words ^ words >> np.uint64(31)
    return mixed
