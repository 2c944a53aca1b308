"""What vectors are run against: one verb for each kind of step.

An implementation of your own needs the four methods of `Implementation` and nothing else of this package.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from attrs import define, evolve, field

from sgsim.conntrack.pressure import TablePressure
from sgsim.engine.firewall import Firewall
from sgsim.engine.reference import ReferenceEngine
from sgsim.model.decision import Decision, Reason, Verdict
from sgsim.model.packet import Packet
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackState, Direction, TcpState
from sgsim.rules.inventory import Inventory
from sgsim.testing.vectors import Answer, Counters, Vector

if TYPE_CHECKING:
    from sgsim.engine.base import Engine


class Implementation(Protocol):
    """A filter with a clock; times are nanoseconds since the vector's beginning and never go back."""

    def send(self, packet: Packet, time_ns: int) -> Sequence[Answer]:
        """Judge a packet, and answer for each interface on its way."""

    def change(self, inventory: Inventory, time_ns: int) -> None:
        """Let other rules hold from now on."""

    def wait(self, time_ns: int) -> None:
        """Let time pass."""

    def counters(self) -> Mapping[str, Counters]:
        """The table of each instance that has one, by its id."""


MakeImplementation = Callable[[Vector], Implementation]
"""Sets up a filter for one vector: its inventory, its options, an empty table."""


def answer_of(decision: Decision) -> Answer:
    """A decision in the words of outputs."""
    return Answer(
        str(decision.verdict),
        str(decision.reason),
        _word(decision.state),
        decision.interface_id,
        _word(decision.direction),
        _word(decision.tcp_state),
        _word(decision.opener),
        decision.rule.rule_id if decision.rule else None,
    )


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def counters_of(pressure: TablePressure) -> Counters:
    """The load on a table now."""
    available = None if pressure.capacity is None else max(0, pressure.capacity - pressure.count)
    return Counters(pressure.count, available, pressure.exceeded)


@define
class Stepwise:
    """The reference engine, packet by packet."""

    engine: ReferenceEngine

    @classmethod
    def of(cls, vector: Vector) -> "Stepwise":
        """Set it up for a vector."""
        return cls(ReferenceEngine(vector.inventory, vector.options))

    def send(self, packet: Packet, time_ns: int) -> Sequence[Answer]:
        """Judge a packet, and answer for each interface on its way."""
        return [answer_of(decision) for decision in self.engine.judge(evolve(packet, time_ns=time_ns))]

    def change(self, inventory: Inventory, time_ns: int) -> None:
        """Let other rules hold from now on."""
        self.engine.change(inventory, time_ns)

    def wait(self, time_ns: int) -> None:
        """Let time pass."""
        self.engine.advance(time_ns)

    def counters(self) -> Mapping[str, Counters]:
        """The table of each instance that has one, by its id."""
        return {table_id: counters_of(table.pressure) for table_id, table in self.engine.tables.items()}


@define
class Batches:
    """An engine for batches, which gets one packet at a time."""

    engine: "Engine"

    @classmethod
    def of_reference(cls, vector: Vector) -> "Batches":
        """The reference engine behind its columns."""
        from sgsim.engine.reference_batches import ReferenceBatches  # noqa: PLC0415  # numpy, which few need

        return cls(ReferenceBatches(vector.inventory, vector.options))

    @classmethod
    def of_compiled(cls, vector: Vector) -> "Batches":
        """The compiled engine."""
        from sgsim.simulation.engines import make_engine  # noqa: PLC0415  # numba, as above

        return cls(make_engine("compiled", vector.inventory, vector.options, record_flows=False))

    def send(self, packet: Packet, time_ns: int) -> Sequence[Answer]:
        """Judge a packet, and answer for each interface on its way."""
        from sgsim.model.columns import columns_of  # noqa: PLC0415  # as above

        packets = columns_of([evolve(packet, time_ns=time_ns)], self.engine.interface_ids)
        decided = self.engine.filter(packets)
        rows = zip(*(column.tolist() for column in decided), strict=True)
        return [answer_of(self._decision(dict(zip(decided._fields, row, strict=True)))) for row in rows]

    def _decision(self, row: dict[str, int]) -> Decision:
        interface_ids: Sequence[str] = self.engine.interface_ids
        rules: Sequence[RuleRef] = self.engine.rules
        return Decision(
            Verdict(row["verdict"]),
            Reason(row["reason"]),
            ConntrackState(row["state"]) if row["state"] else None,
            rules[row["rule"]] if row["rule"] >= 0 else None,
            interface_ids[row["interface"]] if row["interface"] >= 0 else None,
            Direction(row["direction"]) if row["direction"] else None,
            TcpState(row["tcp_state"]) if row["tcp_state"] else None,
            Direction(row["opener"]) if row["opener"] else None,
        )

    def change(self, inventory: Inventory, time_ns: int) -> None:
        """Let other rules hold from now on."""
        self.engine.change(inventory, time_ns)

    def wait(self, time_ns: int) -> None:
        """Let time pass."""
        self.engine.advance(time_ns)

    def counters(self) -> Mapping[str, Counters]:
        """The table of each instance that has one, by its id."""
        return {table_id: counters_of(pressure) for table_id, pressure in self.engine.pressure().items()}


@define
class OneInterface:
    """The step-by-step `Firewall`, for vectors about one interface."""

    firewall: Firewall
    capacity: int | None
    _now_ns: int = field(init=False, default=0)

    @classmethod
    def of(cls, vector: Vector) -> "OneInterface":
        """Set it up for a vector.

        Raises:
            ConfigError: If its documents have several interfaces.
        """
        return cls(Firewall(vector.inventory, options=vector.options), vector.options.capacity)

    def send(self, packet: Packet, time_ns: int) -> Sequence[Answer]:
        """Judge a packet."""
        self.wait(time_ns)
        return [answer_of(self.firewall.send(packet))]

    def change(self, inventory: Inventory, time_ns: int) -> None:
        """Let other rules hold from now on."""
        self.wait(time_ns)
        self.firewall.change(inventory)

    def wait(self, time_ns: int) -> None:
        """Let time pass."""
        self.firewall.wait((time_ns - self._now_ns) / 1e9)
        self._now_ns = time_ns

    def counters(self) -> Mapping[str, Counters]:
        """The one table that there is."""
        count = self.firewall.count
        available = None if self.capacity is None else max(0, self.capacity - count)
        return {"": Counters(count, available, self.firewall.exceeded)}


IMPLEMENTATIONS: dict[str, MakeImplementation] = {
    "reference": Stepwise.of,
    "compiled": Batches.of_compiled,
    "reference-batches": Batches.of_reference,
    "firewall": OneInterface.of,
}
"""Ours, by name; the first two are what the command line offers."""
