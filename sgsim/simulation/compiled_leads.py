"""Picking leads with compiled code: the same, in one pass over each batch."""

import numpy as np
from attrs import define, field

from sgsim.engine.decision_rows import DecisionPool
from sgsim.kernels import flow_log_arrays
from sgsim.kernels.addresses import addresses
from sgsim.kernels.entry_points import pick_leads
from sgsim.model.columns import Column, DecisionColumns, PacketColumns
from sgsim.simulation.leads import Leads, Picked
from sgsim.sources.flow_log import EventBatch


@define
class CompiledLeads(Leads):
    """Picks leads out of what the compiled engine decides."""

    _state: Column = field(init=False, factory=lambda: np.zeros(flow_log_arrays.STATE_WORDS, np.int64))
    _pool: DecisionPool = field(init=False, factory=DecisionPool)

    def __attrs_post_init__(self) -> None:
        """Begin before all time."""
        self._state[flow_log_arrays.CLOCK] = flow_log_arrays.EARLIEST

    def pick(self, batch: EventBatch, begin: int, part: PacketColumns, decisions: DecisionColumns) -> Picked:
        """Pick the leads of a part of a batch."""
        rows, decided, state = len(part.time_ns), len(decisions.row), self._state
        events = batch.events.is_lead[begin : begin + rows], batch.events.record[begin : begin + rows]
        records = batch.records
        told = batch.roles.method, batch.roles.is_reopening, records.protocol, records.skip, records.flags
        new = state, np.empty(decided, np.int64), np.empty(decided, np.uint8)
        picked = self._pool.take(decided)
        groups = (part[:-1], events, told, decisions)
        lists = [addresses(group) for group in groups] + [picked.addresses, addresses(new)]
        count = pick_leads(*[*(each.ctypes.data for each in lists), rows, decided])
        self.late, self.largest_step_back_ns = int(state[flow_log_arrays.LATE]), int(state[flow_log_arrays.STEP_BACK])
        flows = int(state[flow_log_arrays.NEW_FLOWS])
        return Picked(
            decisions=picked.first(count),
            leads=int(state[flow_log_arrays.LEADS]),
            latest_ns=int(state[flow_log_arrays.LATEST]),
            reopened=int(state[flow_log_arrays.REOPENED]),
            tcp=int(state[flow_log_arrays.TCP]),
            tcp_without_flags=int(state[flow_log_arrays.TCP_WITHOUT_FLAGS]),
            flows=new[1][:flows],
            methods=new[2][:flows],
        )
