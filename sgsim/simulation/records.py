"""Replaying flow logs: what a record stands for goes through the engine, and its lead speaks for it.

The engine judges every event of a record; tables and counts show one decision for each record and interface, that of
its lead. Beside that, verdicts are compared with what AWS logged.
"""

from collections import Counter
from typing import Final

import numpy as np
from attrs import define, evolve, field

from sgsim.engine.base import Engine
from sgsim.model.columns import Column, DecisionColumns, PacketColumns
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol
from sgsim.rules.inventory import Inventory
from sgsim.simulation.agreement import AgreementTally
from sgsim.simulation.agreement_summary import MalformedLine, RecordSummary
from sgsim.simulation.cause_details import CauseDetails
from sgsim.simulation.record_flows import RecordFlows
from sgsim.simulation.recorder import Recorder
from sgsim.simulation.summary import PacketCounts
from sgsim.sources.flow_log import EventBatch, FlowLogSource
from sgsim.sources.flow_log_openers import ORIENTATIONS

MOST_UNKNOWN: Final = 20


@define
class RecordReplay:
    """Keeps what an engine decides of records."""

    source: FlowLogSource
    engine: Engine
    recorder: Recorder
    agreement: AgreementTally
    _of_flows: RecordFlows | None = None
    """None where nobody wants the table of flows."""
    _flows: int = field(init=False, default=0)
    """The highest number of a flow so far."""
    _oriented_by: Counter[int] = field(init=False, factory=Counter)
    _reopened: int = field(init=False, default=0)
    _tcp: int = field(init=False, default=0)
    _tcp_without_flags: int = field(init=False, default=0)
    _late: int = field(init=False, default=0)
    _largest_step_back_ns: int = field(init=False, default=0)
    _clock_ns: int | None = field(init=False, default=None)

    @classmethod
    def of(cls, source: FlowLogSource, engine: Engine, recorder: Recorder, inventory: Inventory) -> "RecordReplay":
        """A replay that has not begun."""
        details = CauseDetails(inventory, engine.interface_ids)
        flows = RecordFlows() if recorder.flows.is_wanted else None
        recorder.amend = flows.amended if flows is not None else None
        return cls(source, engine, recorder, AgreementTally(recorder.files, details), flows)

    def hold(self, inventory: Inventory) -> None:
        """Let causes be found by the rules and subnets that hold now."""
        self.agreement.details.hold(inventory)

    def record(self, batch: EventBatch, begin: int, part: PacketColumns, decisions: DecisionColumns) -> None:
        """Keep what was decided of a part of a batch.

        Args:
            batch: Events and their records.
            begin: Where the part begins in it.
            part: Some of its events.
            decisions: What was decided of these.
        """
        end = begin + len(part.time_ns)
        is_lead, rows = batch.events.is_lead[begin:end], batch.events.record[begin:end]
        self._note_flows(batch, rows, decisions)
        self._note_late(part, is_lead)
        places = np.flatnonzero(is_lead)
        rows = rows.take(places)
        self._reopened += int(batch.roles.is_reopening[rows].sum())
        is_tcp = (batch.records.protocol[rows] == Protocol.TCP) & (batch.records.skip[rows] == 0)
        self._tcp += int(is_tcp.sum())
        self._tcp_without_flags += int((is_tcp & (batch.records.flags[rows] == NO_FLAGS)).sum())
        leads = PacketColumns._make([*(column.take(places) for column in part[:-1]), part.quoted])
        decided = _of_leads(decisions, is_lead)
        if self._of_flows is not None:
            self._of_flows.add(decided, batch.records, rows)
        self.recorder.record(leads, decided)
        excess = batch.records.bytes[rows] - leads.length_bytes
        if excess.any():
            self.recorder.add_bytes(decided, excess)
        self.agreement.add(leads, decided, batch.records, rows)

    def _note_flows(self, batch: EventBatch, rows: Column, decisions: DecisionColumns) -> None:
        """Count how it is known who opened each new flow; flows are numbered in the order in which they are entered."""
        flows = decisions.flow.astype(np.int64)
        before = np.maximum.accumulate(np.append(self._flows, flows))
        first = np.flatnonzero(flows > before[:-1])
        if not len(first):
            return
        self._flows = int(before[-1])
        numbers = flows.take(first)
        methods = batch.roles.method[rows[decisions.row.take(first)]]
        for method, count in enumerate(np.bincount(methods).tolist()):
            self._oriented_by[method] += count
        if self._of_flows is not None:
            self._of_flows.note_openers(numbers, methods)

    def _note_late(self, part: PacketColumns, is_lead: Column) -> None:
        """Count records that begin before the clock."""
        if not len(part.time_ns):
            return
        clock_ns = np.maximum.accumulate(part.time_ns)
        if self._clock_ns is not None:
            clock_ns = np.maximum(clock_ns, self._clock_ns)
        back_ns = (clock_ns - part.time_ns)[is_lead]
        self._late += int((back_ns > 0).sum())
        self._largest_step_back_ns = max(self._largest_step_back_ns, int(back_ns.max(initial=0)))
        self._clock_ns = int(clock_ns[-1])

    def packet_counts(self, counts: PacketCounts) -> PacketCounts:
        """The counts with late records in place of late events."""
        return evolve(counts, late=self._late, largest_step_back_ns=self._largest_step_back_ns)

    def summary(self) -> RecordSummary:
        """What is told of the records."""
        problems = self.source.problems
        unknown = Counter(self.source.unknown_names).most_common(MOST_UNKNOWN)
        return RecordSummary(
            agreement=self.agreement.agreement(self.engine.interface_ids),
            malformed=problems.count,
            malformed_listed=tuple(
                MalformedLine(file=each.file, line=each.line, problem=each.text) for each in problems.listed
            ),
            unknown_interfaces=dict(unknown),
            oriented_by={name: self._oriented_by[method] for method, name in ORIENTATIONS.items()},
            reopened=self._reopened,
            tcp=self._tcp,
            tcp_without_flags=self._tcp_without_flags,
            passed_over=tuple(problems.passed_over),
        )


def _of_leads(decisions: DecisionColumns, is_lead: Column) -> DecisionColumns:
    """The decisions of leads, with `row` counting leads alone."""
    place = np.cumsum(is_lead, dtype=np.int32) - np.int32(1)
    wanted = np.flatnonzero(is_lead.take(decisions.row))
    decided = DecisionColumns(*(column.take(wanted) for column in decisions))
    return decided._replace(row=place.take(decided.row))
