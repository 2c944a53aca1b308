"""What was decided of the leads of records, picked out of what was decided of all their events."""

import numpy as np
from attrs import define, field, frozen

from sgsim.model.columns import Column, DecisionColumns, PacketColumns
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol
from sgsim.sources.flow_log import EventBatch


@frozen(eq=False)
class Picked:
    """The leads of a part of a batch."""

    decisions: DecisionColumns
    """What was decided of them; `row` counts all events of the part."""
    leads: int
    """How many there are."""
    latest_ns: int
    """The latest of their times; no matter what if there are none."""
    reopened: int
    """How many open a flow anew."""
    tcp: int
    """How many are of TCP."""
    tcp_without_flags: int
    """How many of these have no flags in the log."""
    flows: Column
    """int64 (flows,): the numbers of flows that are new."""
    methods: Column
    """uint8 (flows,): how it is known who opened each."""


@define
class Leads:
    """Picks leads out of batches, and counts those that begin before the clock."""

    late: int = field(init=False, default=0)
    largest_step_back_ns: int = field(init=False, default=0)
    _flows: int = field(init=False, default=0)
    """The highest number of a flow so far; they are numbered in the order in which they are entered."""
    _clock_ns: int | None = field(init=False, default=None)

    def pick(self, batch: EventBatch, begin: int, part: PacketColumns, decisions: DecisionColumns) -> Picked:
        """Pick the leads of a part of a batch.

        Args:
            batch: Events and their records.
            begin: Where the part begins in it.
            part: Some of its events.
            decisions: What was decided of these.
        """
        end = begin + len(part.time_ns)
        is_lead, rows = batch.events.is_lead[begin:end], batch.events.record[begin:end]
        flows, methods = self._new_flows(batch, rows, decisions)
        self._note_late(part, is_lead)
        wanted = is_lead[decisions.row]
        times_ns, rows = part.time_ns[is_lead], rows[is_lead]
        is_tcp = (batch.records.protocol[rows] == Protocol.TCP) & (batch.records.skip[rows] == 0)
        return Picked(
            decisions=DecisionColumns(*(column[wanted] for column in decisions)),
            leads=len(times_ns),
            latest_ns=int(times_ns.max(initial=0)),
            reopened=int(batch.roles.is_reopening[rows].sum()),
            tcp=int(is_tcp.sum()),
            tcp_without_flags=int((is_tcp & (batch.records.flags[rows] == NO_FLAGS)).sum()),
            flows=flows,
            methods=methods,
        )

    def _new_flows(self, batch: EventBatch, rows: Column, decisions: DecisionColumns) -> tuple[Column, Column]:
        flows = decisions.flow.astype(np.int64)
        before = np.maximum.accumulate(np.append(self._flows, flows))
        first = np.flatnonzero(flows > before[:-1])
        self._flows = int(before[-1])
        return flows[first], batch.roles.method[rows[decisions.row[first]]]

    def _note_late(self, part: PacketColumns, is_lead: Column) -> None:
        if not len(part.time_ns):
            return
        clock_ns = np.maximum.accumulate(part.time_ns)
        if self._clock_ns is not None:
            clock_ns = np.maximum(clock_ns, self._clock_ns)
        back_ns = (clock_ns - part.time_ns)[is_lead]
        self.late += int((back_ns > 0).sum())
        self.largest_step_back_ns = max(self.largest_step_back_ns, int(back_ns.max(initial=0)))
        self._clock_ns = int(clock_ns[-1])
