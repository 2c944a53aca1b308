"""What breaks: recorded traffic under the old rules and under the new ones, in one pass.

Decisions of both sides are put beside each other, packet by packet at each interface. What the sender's interface denies
on one side alone never comes to the receiver's there; it is counted once, at the sender's.

Law: the same rules on both sides make no difference, whatever the traffic.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from attrs import define, evolve, field
from numpy.typing import NDArray

from sgsim.analysis.sides import Sides
from sgsim.analysis.traffic_difference import (
    TableChange,
    TrafficCount,
    TrafficDiff,
    TrafficGroup,
    TrafficKind,
)
from sgsim.conntrack.pressure import PEER_BITS
from sgsim.engine.base import Engine
from sgsim.engine.options import EngineOptions
from sgsim.model.address import Family, format_address
from sgsim.model.columns import Column, DecisionColumns, PacketColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import PORT_PROTOCOLS
from sgsim.model.states import ConntrackState, Direction
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.side_by_side import Judged, SideBySide
from sgsim.simulation.summary import FirstPacket
from sgsim.simulation.tally import first_packet

MOST_GROUPS: Final = 65_536
"""Beyond this many groups, what is left is counted in its kind's total alone."""

_ROWS: Final = 1 << 24
"""More than interfaces; the place of a row in a key."""


def diff_traffic(
    old: Inventory,
    new: Inventory,
    traffic: Sequence[Any],
    options: EngineOptions,
    *,
    engine: str = "auto",
    at: Change | None = None,
    mapping: Mapping[str, str] | None = None,
) -> TrafficDiff:
    """Replay traffic under both rule sets.

    Args:
        old: The old rules.
        new: The new rules.
        traffic: As `sgsim.simulation.driver.run` takes it.
        options: How both engines are to run.
        engine: `reference`, `compiled` or `auto`.
        at: When the new rules begin to hold; None to compare whole runs.
        mapping: Old groups, by id or name, and the new groups that they are, where neither id nor name tells.

    Raises:
        ConfigError: If the mapping is contradictory.
        SourceError: If nothing of the traffic can be read.
        NoTrafficError: If no packet touches a known interface.
        UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
    """
    sides = Sides.of(old, new, mapping)
    old, new = sides.old, sides.new
    at = None if at is None else evolve(at, inventory=new)
    both = SideBySide.of(old, new, traffic, options, engine=engine, at=at)
    tally = _Tally(both.source.files)
    for judged in both.batches():
        tally.add(judged, both.old.engine, both.new.engine)
    change = next(iter(both.new.timeline.reports()), None)
    return TrafficDiff(
        files=both.source.files,
        packets=both.packets,
        start_ns=both.start_ns,
        end_ns=both.end_ns,
        has_records=both.has_records,
        engine=both.engine,
        at_change=change if change is not None and change.time_ns is not None else None,
        was_reached=change is None or change.time_ns is not None,
        counts=tally.counts(),
        groups=tally.groups(),
        tables=tuple(_tables(both.old.engine, both.new.engine)),
        one_sided=tuple(sorted(old.interfaces.keys() ^ new.interfaces.keys())),
        tcp=both.tcp,
        tcp_without_flags=both.tcp_without_flags,
        notes=tuple(both.beside.notes()),
        broken=both.broken,
    )


class _Key(NamedTuple):
    kind: int
    """Index in `TrafficKind`."""
    interface: int
    direction: int
    rule: int
    family: int
    peer_hi: int
    peer_lo: int
    protocol: int
    port: int


@define
class _Group:
    rule: Any
    reason: str
    first: FirstPacket
    flows: set[int] = field(factory=set)
    packets: int = 0
    bytes: int = 0


_KINDS: Final = tuple(TrafficKind)
_INDEX: Final = {kind: index for index, kind in enumerate(_KINDS)}


@define
class _Tally:
    """Groups of packets that fare differently."""

    files: Sequence[str]
    _interfaces: dict[str, int] = field(factory=dict)
    _groups: dict[_Key, _Group] = field(factory=dict)
    _flows: dict[int, set[int]] = field(factory=lambda: {index: set() for index in range(len(_KINDS))})
    _packets: Counter[int] = field(factory=Counter)
    _bytes: Counter[int] = field(factory=Counter)

    def add(self, judged: Judged, old_engine: Engine, new_engine: Engine) -> None:
        """Compare a batch."""
        old, new = judged.old, judged.new
        mine, theirs = self._keys(old, old_engine), self._keys(new, new_engine)
        _, here, there = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
        before, after = _select(old, here), _select(new, there)
        passed, passes = before.verdict == Verdict.ALLOW, after.verdict == Verdict.ALLOW
        was_cut = passed & ~passes & (after.reason == Reason.CUT)
        self._flows[_INDEX[TrafficKind.CUT]].update(before.flow[was_cut].tolist())
        cut = np.fromiter(self._flows[_INDEX[TrafficKind.CUT]], dtype=np.int64)
        of_cut = np.isin(before.flow, cut) & (before.flow > 0)
        was_free, is_free = before.state == ConntrackState.UNTRACKED, after.state == ConntrackState.UNTRACKED
        both = passed & passes & _is_of_a_flow(before) & _is_of_a_flow(after)
        for kind, rows, side, engine in (
            (TrafficKind.CUT, passed & ~passes & of_cut, before, old_engine),
            (TrafficKind.DENIED, passed & ~passes & ~of_cut, before, old_engine),
            (TrafficKind.ALLOWED, ~passed & passes, after, new_engine),
            (TrafficKind.TRACKED, both & was_free & ~is_free, before, old_engine),
            (TrafficKind.UNTRACKED, both & ~was_free & is_free, before, old_engine),
        ):
            other = before if side is after else after
            if rows.any():
                self._add(kind, judged, _select(side, np.flatnonzero(rows)), other.reason[rows], engine)

    def _keys(self, decisions: DecisionColumns, engine: Engine) -> NDArray[np.int64]:
        """One number for each decision, the same on both sides for the same packet and interface."""
        numbers = [self._interfaces.setdefault(name, len(self._interfaces)) for name in engine.interface_ids]
        known = np.array([*numbers, -1], dtype=np.int64)
        keys: NDArray[np.int64] = decisions.row.astype(np.int64) * _ROWS + known[decisions.interface] + 1
        return keys

    def _add(
        self, kind: TrafficKind, judged: Judged, decisions: DecisionColumns, others: Column, engine: Engine
    ) -> None:
        packets, numbers = judged.packets, judged.weights[decisions.row]
        index, sizes = _INDEX[kind], packets.length_bytes[decisions.row].astype(np.int64)
        self._packets[index] += int(numbers.sum())
        self._bytes[index] += int(sizes.sum())
        self._flows[index].update(decisions.flow[decisions.flow > 0].tolist())
        columns = np.stack(_key_columns(packets, decisions))
        different, first, inverse = np.unique(columns, axis=1, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
        counts, weights = (
            np.bincount(inverse, weights=each, minlength=different.shape[1]).astype(np.int64).tolist()
            for each in (numbers, sizes)
        )
        for number, values in sorted(enumerate(different.T.tolist()), key=lambda item: int(first[item[0]])):
            interface = self._interfaces[engine.interface_ids[values[0]]]
            rule = engine.rules[values[2]] if values[2] < len(engine.rules) else None
            key = _Key(index, interface, *values[1:])
            group = self._groups.get(key)
            if group is None:
                if len(self._groups) >= MOST_GROUPS:
                    continue
                row = int(first[number])
                passes_both = kind in {TrafficKind.TRACKED, TrafficKind.UNTRACKED}
                reason = "" if passes_both else str(Reason(int(others[row])))
                group = _Group(rule, reason, first_packet(packets, int(decisions.row[row]), self.files))
                self._groups[key] = group
            group.packets += counts[number]
            group.bytes += weights[number]
            group.flows.update(decisions.flow[inverse == number].tolist())

    def counts(self) -> tuple[TrafficCount, ...]:
        return tuple(
            TrafficCount(
                kind=kind, flows=len(self._flows[index]), packets=self._packets[index], bytes=self._bytes[index]
            )
            for index, kind in enumerate(_KINDS)
        )

    def groups(self) -> tuple[TrafficGroup, ...]:
        names = list(self._interfaces)
        found = [
            TrafficGroup(
                kind=_KINDS[key.kind],
                interface_id=names[key.interface],
                direction=str(Direction(key.direction)),
                rule=group.rule,
                peer=_block(key),
                protocol=key.protocol,
                port=key.port if key.protocol in PORT_PROTOCOLS else None,
                flows=len(group.flows - {0}),
                packets=group.packets,
                bytes=group.bytes,
                reason=group.reason,
                first=group.first,
            )
            for key, group in self._groups.items()
        ]
        return tuple(sorted(found, key=lambda each: (_KINDS.index(each.kind), -each.flows, -each.packets)))


def _select(decisions: DecisionColumns, rows: NDArray[Any]) -> DecisionColumns:
    return DecisionColumns(*(column[rows] for column in decisions))


def _is_of_a_flow(decisions: DecisionColumns) -> NDArray[np.bool_]:
    """Whether tracking is a question at all: neither exempt nor without a flow."""
    has_flow: NDArray[np.bool_] = (decisions.flow > 0) & (decisions.state != ConntrackState.EXEMPT)
    return has_flow


def _key_columns(packets: PacketColumns, decisions: DecisionColumns) -> list[NDArray[np.uint64]]:
    """Interface, opener, rule, family, peer block, protocol and service of each packet."""
    rows = decisions.row
    opener = np.where(decisions.opener > 0, decisions.opener, decisions.direction)
    is_inbound = decisions.direction == Direction.INGRESS
    from_opener = opener == decisions.direction
    high, low = (
        np.where(is_inbound, source[rows], destination[rows])
        for source, destination in ((packets.src_hi, packets.dst_hi), (packets.src_lo, packets.dst_lo))
    )
    is_v4 = packets.family[rows] == Family.IPV4
    port = np.where(from_opener, packets.dst_port[rows], packets.src_port[rows])
    has_ports = np.isin(packets.protocol[rows], sorted(PORT_PROTOCOLS))
    hidden = np.uint64((1 << (32 - PEER_BITS[Family.IPV4])) - 1)
    columns = (
        decisions.interface,
        opener,
        np.where(decisions.rule >= 0, decisions.rule, np.iinfo(np.int32).max),
        packets.family[rows],
        high,
        np.where(is_v4, low & ~hidden, np.uint64(0)),
        packets.protocol[rows],
        np.where(has_ports, port, 0),
    )
    return [column.astype(np.uint64) for column in columns]


def _block(key: _Key) -> str:
    family = Family(key.family)
    return f"{format_address(key.peer_hi << 64 | key.peer_lo, family)}/{PEER_BITS[family]}"


def _tables(old: Engine, new: Engine) -> Iterator[TableChange]:
    before, after = old.pressure(), new.pressure()
    for table_id in sorted({*before, *after}):
        was, becomes = before.get(table_id), after.get(table_id)
        peak = None if becomes is None else becomes.peak()
        capacity = becomes.capacity if becomes is not None else was.capacity if was is not None else None
        yield TableChange(
            instance_id=table_id,
            capacity=capacity,
            old_peak=0 if was is None else was.peak().count,
            new_peak=0 if peak is None else peak.count,
            new_peak_time_ns=None if peak is None else peak.time_ns,
            old_exceeded=0 if was is None else was.exceeded,
            new_exceeded=0 if becomes is None else becomes.exceeded,
        )
