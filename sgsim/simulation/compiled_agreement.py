"""Weighing agreement with compiled code: the same, in one pass over each batch."""

import numpy as np
from attrs import define

from sgsim.kernels.addresses import addresses
from sgsim.kernels.entry_points import weigh
from sgsim.kernels.flow_log_arrays import CODES, REASONS, WEIGHT_WORDS, as_typed
from sgsim.model.columns import Column, DecisionColumns, RecordColumns
from sgsim.simulation.agreement import AgreementTally
from sgsim.simulation.agreement_summary import Weight


@define
class CompiledAgreementTally(AgreementTally):
    """Counts agreement of what the compiled engine decides."""

    def _weigh(self, decisions: DecisionColumns, records: RecordColumns, rows: Column) -> Column:
        """Count a batch, and tell which decisions disagree."""
        decided, typed, rows = len(decisions.row), as_typed(records), np.ascontiguousarray(rows, np.int64)
        cells, not_compared = (np.zeros(size * WEIGHT_WORDS, np.int64) for size in (CODES, REASONS))
        others = np.empty(decided, np.int64)
        lists = [addresses(group) for group in (decisions, typed, (rows, cells, not_compared, others))]
        count = weigh(*[*(each.ctypes.data for each in lists), decided])
        for code, weight in _weights(cells):
            self._add_cell(code, weight)
        for reason, weight in _weights(not_compared):
            self._add_not_compared(reason, weight)
        return others[:count]


def _weights(sums: Column) -> list[tuple[int, Weight]]:
    """The weights that are not zero, by their place."""
    rows = sums.reshape(-1, WEIGHT_WORDS)
    return [(place, Weight(*rows[place].tolist())) for place in np.flatnonzero(rows[:, 0]).tolist()]
