"""What records tell of flows beside their events: how many packets and bytes there were, and who is taken for the opener.

An engine counts events; tables of flows show what the log tells. A flow is kept from its first record until it ends, and
only where somebody wants the table.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from attrs import define, field

from sgsim.model.columns import Column, DecisionColumns, FlowColumns, RecordColumns
from sgsim.model.decision import Verdict
from sgsim.model.record_roles import ORIENTATIONS

_AMOUNTS: Final = ("packets_original", "packets_reply", "bytes_original", "bytes_reply", "allowed", "denied")


@define
class RecordFlows:
    """Amounts by the number of the flow."""

    _amounts: dict[int, list[int]] = field(init=False, factory=dict)
    """In the order of `_AMOUNTS`."""
    _methods: dict[int, int] = field(init=False, factory=dict)

    def note_openers(self, flows: Column, methods: Column) -> None:
        """Note how it is known who opened new flows."""
        self._methods.update(zip(flows.tolist(), methods.tolist(), strict=True))

    def add(self, decided: DecisionColumns, records: RecordColumns, rows: Column) -> None:
        """Count the records that leads stand for; `rows` is the record of each lead."""
        is_of_flow = decided.flow > 0
        if not is_of_flow.any():
            return
        flow, row = decided.flow[is_of_flow], rows[decided.row[is_of_flow]]
        is_reply = decided.direction[is_of_flow] != decided.opener[is_of_flow]
        verdict = decided.verdict[is_of_flow]
        packets, sizes = records.packets[row], records.bytes[row]
        numbers, place = np.unique(flow, return_inverse=True)
        parts = (
            np.where(is_reply, 0, packets), np.where(is_reply, packets, 0),
            np.where(is_reply, 0, sizes), np.where(is_reply, sizes, 0),
            np.where(verdict == Verdict.ALLOW, packets, 0), np.where(verdict == Verdict.DENY, packets, 0),
        )  # fmt: skip
        sums = np.zeros((len(numbers), len(parts)), np.int64)
        for column, values in enumerate(parts):
            np.add.at(sums[:, column], place.reshape(-1), values)
        for number, more in zip(numbers.tolist(), sums.tolist(), strict=True):
            known = self._amounts.get(number)
            self._amounts[number] = more if known is None else [a + b for a, b in zip(known, more, strict=True)]

    def amended(self, flows: FlowColumns) -> tuple[FlowColumns, list[str | None]]:
        """Flows that have ended, with what the log tells of them, and how it is known who opened each."""
        numbers: Sequence[int] = flows.flow.tolist()
        nothing = [0] * len(_AMOUNTS)
        amounts = np.array([self._amounts.pop(number, nothing) for number in numbers], np.int64).reshape(
            -1, len(_AMOUNTS)
        )
        oriented_by = [ORIENTATIONS.get(self._methods.pop(number, 0)) for number in numbers]
        return flows._replace(**{name: amounts[:, place] for place, name in enumerate(_AMOUNTS)}), oriented_by
