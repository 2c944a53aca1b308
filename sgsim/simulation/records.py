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
from sgsim.model.record_roles import ORIENTATIONS
from sgsim.rules.inventory import Inventory
from sgsim.simulation.agreement import AgreementTally
from sgsim.simulation.agreement_summary import MalformedLine, RecordSummary
from sgsim.simulation.cause_details import CauseDetails
from sgsim.simulation.leads import Leads, Picked
from sgsim.simulation.record_flows import RecordFlows
from sgsim.simulation.recorder import Extent, Recorder
from sgsim.simulation.summary import PacketCounts
from sgsim.sources.base import MAX_LENGTH_BYTES
from sgsim.sources.flow_log import EventBatch, FlowLogSource

MOST_UNKNOWN: Final = 20


@define
class RecordReplay:
    """Keeps what an engine decides of records."""

    source: FlowLogSource
    engine: Engine
    recorder: Recorder
    agreement: AgreementTally
    leads: Leads
    _of_flows: RecordFlows | None = None
    """None where nobody wants the table of flows."""
    _oriented_by: Counter[int] = field(init=False, factory=Counter)
    _reopened: int = field(init=False, default=0)
    _tcp: int = field(init=False, default=0)
    _tcp_without_flags: int = field(init=False, default=0)

    @classmethod
    def of(
        cls,
        source: FlowLogSource,
        engine: Engine,
        recorder: Recorder,
        inventory: Inventory,
        leads: Leads,
        agreement: type[AgreementTally],
    ) -> "RecordReplay":
        """A replay that has not begun."""
        details = CauseDetails(inventory, engine.interface_ids)
        flows = RecordFlows() if recorder.flows.is_wanted else None
        recorder.amend = flows.amended if flows is not None else None
        return cls(source, engine, recorder, agreement(recorder.files, details), leads, flows)

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
        picked = self.leads.pick(batch, begin, part, decisions)
        rows = batch.events.record[begin : begin + len(part.time_ns)]
        decided = picked.decisions
        self._note_flows(picked)
        self._reopened += picked.reopened
        self._tcp += picked.tcp
        self._tcp_without_flags += picked.tcp_without_flags
        if self.recorder.looks_at_packets:
            places = np.flatnonzero(batch.events.is_lead[begin : begin + len(rows)])
            rows, part, decided = rows.take(places), _taken(part, places), _recounted(decided, places)
        if self._of_flows is not None:
            self._of_flows.add(decided, batch.records, rows)
        self.recorder.record(part, decided, Extent(picked.leads, picked.latest_ns))
        if int(batch.records.bytes.max(initial=0)) > MAX_LENGTH_BYTES:
            self.recorder.add_bytes(decided, np.maximum(batch.records.bytes[rows] - MAX_LENGTH_BYTES, 0))
        self.agreement.add(part, decided, batch.records, rows)

    def _note_flows(self, picked: Picked) -> None:
        """Count how it is known who opened each new flow."""
        for method, count in enumerate(np.bincount(picked.methods).tolist()):
            self._oriented_by[method] += count
        if self._of_flows is not None:
            self._of_flows.note_openers(picked.flows, picked.methods)

    def packet_counts(self, counts: PacketCounts) -> PacketCounts:
        """The counts with late records in place of late events."""
        return evolve(counts, late=self.leads.late, largest_step_back_ns=self.leads.largest_step_back_ns)

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


def _taken(part: PacketColumns, places: Column) -> PacketColumns:
    return PacketColumns._make([*(column.take(places) for column in part[:-1]), part.quoted])


def _recounted(decisions: DecisionColumns, places: Column) -> DecisionColumns:
    """Decisions with `row` counting some packets alone; there are none of others."""
    return decisions._replace(row=np.searchsorted(places, decisions.row).astype(np.int32))
