"""The reference engine behind the `Engine` protocol: columns to packets, decisions to columns."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from sgsim.conntrack.entry import ConntrackEntry, FlowEnd
from sgsim.conntrack.pressure import TablePressure
from sgsim.engine.base import EngineCounts
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference import EndedFlow, ReferenceEngine
from sgsim.errors import UnresolvedReferenceError
from sgsim.model.columns import (
    DecisionColumns,
    FlowColumns,
    PacketColumns,
    address_words,
    decision_columns,
    flow_columns,
    packets_of,
)
from sgsim.model.decision import Decision, Verdict
from sgsim.model.interface import Interface
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Tracking
from sgsim.rules.inventory import Inventory

_Row = tuple[Any, ...]


@define
class ReferenceBatches:
    """Judges batches with a `ReferenceEngine`, packet by packet."""

    inventory: Inventory
    options: EngineOptions
    record_flows: bool = True
    """Whether `ended_flows` is asked for."""
    foreseen: Sequence[Interface] = ()
    """Interfaces that `interface_ids` is to begin with; those that are not in the inventory come by a change."""
    interface_ids: list[str] = field(init=False)
    rules: list[RuleRef] = field(init=False, factory=list)
    _engine: ReferenceEngine = field(init=False)
    _interface_index: dict[str, int] = field(init=False)
    _rule_index: dict[RuleRef, int] = field(init=False, factory=dict)
    _ended: list[_Row] = field(init=False, factory=list)
    _kinds: Counter[str] = field(init=False, factory=Counter)

    def __attrs_post_init__(self) -> None:
        """Begin with an empty table."""
        self._engine = ReferenceEngine(self.inventory, self.options, self._note_flow_end)
        self.interface_ids = list(
            dict.fromkeys((*(each.interface_id for each in self.foreseen), *self.inventory.interfaces))
        )
        self._interface_index = {interface_id: index for index, interface_id in enumerate(self.interface_ids)}

    @property
    def now_ns(self) -> int | None:
        """The clock, nanoseconds since the epoch; None before the first packet."""
        return self._engine.now_ns

    def filter(self, packets: PacketColumns) -> DecisionColumns:
        """Judge a batch, in order."""
        rows: list[_Row] = []
        for row, packet in enumerate(packets_of(packets, self.interface_ids)):
            if packet is None:
                rows.append((row, -1, 0, Verdict.SKIP, int(packets.skip[row]), 0, 0, 0, -1, 0))
                continue
            try:
                decisions = self._engine.judge(packet)
            except UnresolvedReferenceError as error:
                error.add_note(f"packet {packet.number} ({packet})")
                raise
            rows.extend(self._row(row, decision) for decision in decisions)
        return decision_columns(rows)

    def change(self, inventory: Inventory, time_ns: int, options: EngineOptions | None = None) -> None:
        """Let other rules, members, addresses or lists, capacity and timeouts hold from `time_ns` on."""
        self._engine.change(inventory, time_ns, options)
        for interface_id in inventory.interfaces:
            if interface_id not in self._interface_index:
                self._interface_index[interface_id] = len(self.interface_ids)
                self.interface_ids.append(interface_id)

    def advance(self, time_ns: int) -> None:
        """Set the clock forward; what is due expires."""
        self._engine.advance(time_ns)

    def ended_flows(self) -> FlowColumns:
        """The flows that have ended since the last call, in the order of their ends."""
        rows, self._ended = self._ended, []
        return flow_columns(rows)

    def live_flows(self) -> FlowColumns:
        """The flows remembered now, in the order of their numbers."""
        now_ns = self._engine.now_ns or 0
        entries = sorted(self._engine.entries(), key=lambda entry: entry.flow)
        return flow_columns([self._flow_row(entry, FlowEnd.LIVE, now_ns) for entry in entries])

    def flow_kinds(self) -> Mapping[str, int]:
        """How many flows there have been, by kind; those remembered now are counted as live."""
        kinds = Counter(self._kinds)
        for entry in self._engine.entries():
            kinds.update(_kinds_of(entry, FlowEnd.LIVE))
        return kinds

    def pressure(self) -> Mapping[str, TablePressure]:
        """The load on each table, by the id of its instance."""
        tables = self._engine.tables
        return {table_id: table.pressure for table_id, table in tables.items() if table_id in self._engine.judging}

    def counts(self) -> EngineCounts:
        """What was counted beside the decisions."""
        assumed: Counter[str] = Counter()
        for interface_id in self.interface_ids:
            at = self._engine.filter_at(interface_id)
            if at is not None:
                assumed.update(at.matcher.assumed_empty)
        return EngineCounts(
            self._engine.late_packets,
            self._engine.largest_step_back_ns,
            sum(table.forgotten for table in self._engine.tables.values()),
            dict(assumed),
        )

    def _row(self, row: int, decision: Decision) -> _Row:
        return (
            row,
            self._interface_index[decision.interface_id] if decision.interface_id is not None else -1,
            decision.direction or 0,
            decision.verdict,
            decision.reason,
            decision.state or 0,
            decision.tcp_state or 0,
            decision.opener or 0,
            self._rule_number(decision.rule),
            decision.flow or 0,
        )

    def _rule_number(self, rule: RuleRef | None) -> int:
        if rule is None:
            return -1
        if rule not in self._rule_index:
            self._rule_index[rule] = len(self.rules)
            self.rules.append(rule)
        return self._rule_index[rule]

    def _note_flow_end(self, ended: EndedFlow) -> None:
        if self.record_flows:
            self._ended.append(self._flow_row(ended.entry, ended.end, ended.ended_at_ns))
        self._kinds.update(_kinds_of(ended.entry, ended.end))

    def _flow_row(self, entry: ConntrackEntry, end: FlowEnd, ended_at_ns: int) -> _Row:
        five_tuple = entry.five_tuple
        return (
            entry.flow,
            self._interface_index[entry.key.interface_id],
            five_tuple.family,
            five_tuple.protocol,
            *address_words(five_tuple.src_addr),
            five_tuple.src_port,
            *address_words(five_tuple.dst_addr),
            five_tuple.dst_port,
            entry.key.query.query_type if entry.key.query else 0,
            entry.opener,
            entry.opened_at_ns,
            entry.last_seen_ns,
            ended_at_ns,
            entry.expires_at_ns,
            end,
            entry.tracking,
            entry.cause,
            entry.is_presumed,
            self._rule_number(entry.rule),
            entry.tcp_state or 0,
            *entry.packets,
            *entry.bytes,
            entry.allowed,
            entry.denied,
        )


def _kinds_of(entry: ConntrackEntry, end: FlowEnd) -> Iterator[str]:
    """What a flow is counted as."""
    yield str(entry.tracking)
    if entry.is_presumed:
        yield "presumed"
    if end is FlowEnd.CUT:
        yield "cut"
    if end is FlowEnd.LIVE and entry.tracking is not Tracking.REFUSED:
        yield "live"
    if end is FlowEnd.FORGOTTEN:
        yield "forgotten"
