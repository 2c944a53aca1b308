"""Both engines driven in step, and everything that can be observed of them compared after each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from attrs import define, field
from numpy.typing import NDArray

from sgsim.conntrack.pressure import TablePressure
from sgsim.engine.base import Engine
from sgsim.engine.compiled import CompiledEngine
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference_batches import ReferenceBatches
from sgsim.errors import UnresolvedReferenceError
from sgsim.model.columns import DecisionColumns, FlowColumns, PacketColumns, packet_at
from sgsim.model.rule_ref import RuleRef
from sgsim.rules.inventory import Inventory

Column = NDArray[Any]


class Differs(AssertionError):  # noqa: N818  # what it says, not an error of the code
    """The engines do not say the same."""


@define
class _Numbering:
    """One numbering of rules for both engines: each numbers a rule when it first needs it."""

    _numbers: dict[RuleRef, int] = field(factory=dict)

    def column(self, rules: Sequence[RuleRef], column: Column) -> Column:
        numbers = [self._numbers.setdefault(rule, len(self._numbers)) for rule in rules]
        return np.array([*numbers, -1])[column]


@define
class InStep:
    """`compiled(packets) == reference(packets)`, batch by batch and change by change."""

    inventory: Inventory
    options: EngineOptions
    make_compiled: Callable[[Inventory, EngineOptions], Engine] = CompiledEngine
    expected: Engine = field(init=False)
    actual: Engine = field(init=False)
    packets: int = field(init=False, default=0)
    _rules: _Numbering = field(init=False, factory=_Numbering)

    def __attrs_post_init__(self) -> None:
        """Make both engines."""
        self.expected = ReferenceBatches(self.inventory, self.options)
        self.actual = self.make_compiled(self.inventory, self.options)

    def filter(self, packets: PacketColumns) -> bool:
        """Judge a batch twice and compare the decisions; False if both say that a reference is unresolved.

        Raises:
            Differs: If the engines do not say the same.
        """
        expected, expected_error = _judged(self.expected, packets)
        actual, actual_error = _judged(self.actual, packets)
        self._same("error", expected_error, actual_error)
        if expected is None or actual is None:
            return False
        self._same_columns("decisions", expected, actual, packets)
        self.packets += len(packets.time_ns)
        return True

    def change(self, inventory: Inventory, time_ns: int, options: EngineOptions | None = None) -> None:
        """Let another inventory, capacity and timeouts hold for both."""
        self.expected.change(inventory, time_ns, options)
        self.actual.change(inventory, time_ns, options)

    def advance(self, time_ns: int) -> None:
        """Set the clock forward for both."""
        self.expected.advance(time_ns)
        self.actual.advance(time_ns)

    def compare(self) -> None:
        """Compare all that is left to observe: clock, flows, load, counts.

        Raises:
            Differs: If the engines do not say the same.
        """
        expected, actual = self.expected, self.actual
        self._same("clock", expected.now_ns, actual.now_ns)
        self._same("interfaces", list(expected.interface_ids), list(actual.interface_ids))
        self._same_columns("live flows", expected.live_flows(), actual.live_flows())
        self._same_columns("ended flows", expected.ended_flows(), actual.ended_flows())
        self._same("tables", sorted(expected.pressure()), sorted(actual.pressure()))
        for table_id, pressure in expected.pressure().items():
            self._same(f"load on {table_id}", _load(pressure), _load(actual.pressure()[table_id]))
        self._same("counts", expected.counts(), actual.counts())

    def _same_columns(
        self,
        what: str,
        expected: DecisionColumns | FlowColumns,
        actual: DecisionColumns | FlowColumns,
        packets: PacketColumns | None = None,
    ) -> None:
        expected = expected._replace(rule=self._rules.column(self.expected.rules, expected.rule))
        actual = actual._replace(rule=self._rules.column(self.actual.rules, actual.rule))
        self._same(f"types of {what}", [column.dtype for column in expected], [column.dtype for column in actual])
        rows = min(len(expected[0]), len(actual[0]))
        differs = np.zeros(rows, dtype=bool)
        for left, right in zip(expected, actual, strict=True):
            differs |= left[:rows] != right[:rows]
        if not differs.any() and len(expected[0]) == len(actual[0]):
            return
        row = int(differs.argmax()) if differs.any() else rows
        said = "\n".join(
            f"  {name}: {_at(left, row)} by the reference, {_at(right, row)} compiled"
            for name, left, right in zip(expected._fields, expected, actual, strict=True)
            if _at(left, row) != _at(right, row)
        )
        packet = packet_at(packets, int(expected.row[row])) if packets is not None and row < len(expected[0]) else ""
        raise Differs(f"{what}, row {row} of {len(expected[0])} and {len(actual[0])}: {packet}\n{said}")

    def _same(self, what: str, expected: object, actual: object) -> None:
        if expected != actual:
            raise Differs(f"{what}: {expected} by the reference, {actual} compiled")


def _at(column: Column, row: int) -> object:
    return column[row].item() if row < len(column) else "nothing"


def _judged(engine: Engine, packets: PacketColumns) -> tuple[DecisionColumns | None, object]:
    try:
        return engine.filter(packets), None
    except UnresolvedReferenceError as error:
        return None, (str(error), error.__notes__)


def _load(pressure: TablePressure) -> tuple[object, ...]:
    return (
        pressure.capacity, pressure.count, pressure.exceeded, pressure.inserted, pressure.first_refused_ns,
        pressure.bin_ns, pressure.start_ns, pressure.bins, pressure.peak(),
    )  # fmt: skip


def assert_same_error(steps: InStep, inventory: Inventory, time_ns: int) -> None:
    """A change that the reference refuses, the compiled engine refuses in the same words."""
    with pytest.raises(UnresolvedReferenceError) as expected:
        steps.expected.change(inventory, time_ns)
    with pytest.raises(UnresolvedReferenceError) as actual:
        steps.actual.change(inventory, time_ns)
    assert str(expected.value) == str(actual.value)
