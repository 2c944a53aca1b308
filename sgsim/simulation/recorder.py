"""What is kept of a run.

Counts are always kept; decisions and flows are kept in memory, streamed to files, or neither. Memory does not grow with
the input unless decisions or flows are kept in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from sgsim.conntrack.pressure import TablePressure
from sgsim.engine.base import Engine
from sgsim.model.columns import Column, DecisionColumns, FlowColumns, PacketColumns
from sgsim.model.decision import Verdict
from sgsim.model.rule_ref import RuleRef
from sgsim.rules.inventory import Inventory
from sgsim.simulation.denied import DeniedTally
from sgsim.simulation.edge_tally import EdgeTally
from sgsim.simulation.epochs import Epoch, Held, capacities, held_rules
from sgsim.simulation.pressure_bins import PressureBins
from sgsim.simulation.strangers import Strangers
from sgsim.simulation.summary import (
    AclUsage,
    CapacityStep,
    DeniedGroup,
    FlowCounts,
    InterfaceCount,
    PacketCounts,
    ReasonCount,
    RuleUsage,
    TableLoad,
)
from sgsim.simulation.tally import Tallies

if TYPE_CHECKING:
    import polars as pl

    from sgsim.simulation.sinks import Sink


See = Callable[[PacketColumns, DecisionColumns, Engine], None]
"""Is shown packets and what was decided."""


Amend = Callable[[FlowColumns], tuple[FlowColumns, list[str | None]]]
"""Gives flows with the amounts that a log tells, and how it is known who opened each."""


@define
class Kept:
    """Where the rows of one table go."""

    sinks: "list[Sink]" = field(factory=list)
    frames: "list[pl.DataFrame] | None" = None
    """None if they are not kept in memory."""

    @property
    def is_wanted(self) -> bool:
        """Whether anybody wants the rows."""
        return bool(self.sinks) or self.frames is not None

    def add(self, frame: "pl.DataFrame") -> None:
        """Hand rows on."""
        for sink in self.sinks:
            sink.write(frame)
        if self.frames is not None:
            self.frames.append(frame)

    def close(self, *, complete: bool) -> None:
        """End all files."""
        for sink in self.sinks:
            sink.close(complete=complete)


@frozen
class Extent:
    """How much there is of packets."""

    packets: int
    """How many."""
    latest_ns: int
    """The latest of their times; no matter what if there are none."""

    @classmethod
    def of(cls, packets: PacketColumns) -> "Extent":
        """That of a batch."""
        return cls(len(packets.time_ns), int(packets.time_ns.max(initial=0)))


@define
class Recorder:
    """Counts and keeps what an engine decides, batch by batch."""

    engine: Engine
    files: tuple[str, ...]
    decisions: Kept = field(factory=Kept)
    flows: Kept = field(factory=Kept)
    see: See | None = None
    """Is shown every batch."""
    amend: "Amend | None" = None
    """Knows more of flows than the engine; None for packets."""
    _tallies: Tallies = field()
    start_ns: int | None = field(init=False, default=None)
    """The first packet's time."""
    end_ns: int | None = field(init=False, default=None)
    """The latest time of any packet."""
    _denied: DeniedTally = field(init=False)
    _edges: EdgeTally = field(init=False, factory=EdgeTally)
    _strangers: Strangers = field(init=False, factory=Strangers)

    @_tallies.default
    def _default_tallies(self) -> Tallies:
        return Tallies(self.files)

    @_denied.default
    def _default_denied(self) -> DeniedTally:
        return DeniedTally(self.files)

    @property
    def looks_at_packets(self) -> bool:
        """Whether packets are looked at of which nothing was decided."""
        return self.see is not None or not self._strangers.has_met_interface

    def record(self, packets: PacketColumns, decisions: DecisionColumns, extent: Extent | None = None) -> None:
        """Keep a batch.

        Args:
            packets: The packets; others among them do no harm unless `looks_at_packets`.
            decisions: What was decided of them.
            extent: How many they are, if there are others.
        """
        extent = extent or Extent.of(packets)
        self._note_times(packets, extent)
        engine = self.engine
        interfaces, rules = len(engine.interface_ids), len(engine.rules)
        self._tallies.add(packets, decisions, interfaces=interfaces, rules=rules, read=extent.packets)
        self._denied.add(packets, decisions)
        self._edges.add(packets, decisions)
        self._strangers.add(packets, decisions)
        if self.see is not None:
            self.see(packets, decisions, self.engine)
        if self.decisions.is_wanted:
            from sgsim.simulation.frames import decision_frame  # noqa: PLC0415  # only who keeps tables pays for polars

            self.decisions.add(decision_frame(packets, decisions, engine.interface_ids, engine.rules, self.files))
        self._keep_flows(engine.ended_flows)

    def add_bytes(self, decisions: DecisionColumns, sizes: Column) -> None:
        """Count bytes of packets, int64, that `length_bytes` of a batch had no room for."""
        self._tallies.add_bytes(decisions, sizes)

    def _note_times(self, packets: PacketColumns, extent: Extent) -> None:
        if not extent.packets:
            return
        if self.start_ns is None or self.end_ns is None:
            self.start_ns, self.end_ns = int(packets.time_ns[0]), extent.latest_ns
        self.end_ns = max(self.end_ns, extent.latest_ns)

    def check_met_interface(self, inventory: Inventory, unknown: Mapping[str, int] | None = None) -> None:
        """Complain if not one packet touched a known interface; arguments as `Strangers.check` has them.

        Raises:
            NoTrafficError: Naming the commonest addresses, and what to do.
        """
        self._strangers.check(inventory, unknown)

    def finish(self) -> None:
        """Keep what is left when the input has ended."""
        live = self.engine.live_flows() if self.flows.is_wanted else None
        self._keep_flows(self.engine.ended_flows)
        if live is not None:
            self._keep_flows(lambda: live)

    def _keep_flows(self, flows: Callable[[], FlowColumns]) -> None:
        if not self.flows.is_wanted:
            return
        rows = flows()
        if len(rows.flow):
            from sgsim.simulation.frames import flow_frame  # noqa: PLC0415  # as above

            rows, oriented_by = self.amend(rows) if self.amend is not None else (rows, None)
            self.flows.add(flow_frame(rows, self.engine.interface_ids, self.engine.rules, oriented_by))

    def packet_counts(self) -> PacketCounts:
        """Every packet, once."""
        counts = self.engine.counts()
        return self._tallies.reasons.packet_counts(counts.late_packets, counts.largest_step_back_ns)

    def reason_counts(self) -> tuple[ReasonCount, ...]:
        """How often each reason decided."""
        return self._tallies.reasons.reason_counts()

    def flow_counts(self) -> FlowCounts:
        """How many flows of each kind."""
        return FlowCounts(**self.engine.flow_kinds())

    def denied_groups(self, number: int) -> tuple[DeniedGroup, ...]:
        """What was denied most."""
        return self._denied.largest(number, self.engine.interface_ids)

    def acl_usage(self) -> tuple[AclUsage, ...]:
        """What entries of network ACLs denied."""
        return self._edges.usage(self.engine.rules)

    @property
    def denied_group_count(self) -> int:
        """How many groups of denied packets there are."""
        return self._denied.count

    def interface_counts(self, inventory: Inventory) -> tuple[InterfaceCount, ...]:
        """What happened at each interface in use."""
        return tuple(self._interface_counts(inventory))

    def _interface_counts(self, inventory: Inventory) -> Iterator[InterfaceCount]:
        verdicts = self._tallies.interfaces.verdicts
        for index in sorted({interface for interface, _ in verdicts}):
            interface_id = self.engine.interface_ids[index]
            interface = inventory.interfaces.get(interface_id)
            yield InterfaceCount(
                interface_id=interface_id,
                instance_id=interface.instance_id if interface else None,
                groups=interface.group_ids if interface else (),
                allowed=verdicts[index, Verdict.ALLOW],
                denied=verdicts[index, Verdict.DENY],
                skipped=verdicts[index, Verdict.SKIP],
            )

    def rule_usage(self, epochs: Sequence[Epoch]) -> tuple[RuleUsage, ...]:
        """Every rule that the groups on interfaces in use had at some time."""
        used = self._tallies.usage.of(self.engine.rules)
        met = [
            self.engine.interface_ids[index] for index in sorted({key for key, _ in self._tallies.interfaces.verdicts})
        ]
        held = held_rules([(epoch.from_ns, epoch.inventory) for epoch in epochs], met)
        return tuple(_usage(ref, held.get(ref), used.get(ref)) for ref in held | dict.fromkeys(used))

    def table_loads(self, epochs: Sequence[Epoch]) -> tuple[TableLoad, ...]:
        """The load on each table."""
        return tuple(
            _load(table_id, pressure, capacities(epochs, table_id))
            for table_id, pressure in sorted(self.engine.pressure().items())
        )


def _usage(ref: RuleRef, held: Held | None, used: tuple[int, int, int] | None) -> RuleUsage:
    hits, size, last_hit_ns = used or (0, 0, None)
    return RuleUsage(
        rule_id=ref.rule_id,
        group_id=ref.group_id,
        direction=str(ref.direction),
        text=ref.text,
        description=held.rule.description if held else ref.description,
        hits=hits,
        bytes=size,
        last_hit_ns=last_hit_ns,
        held_from_ns=held.from_ns if held else None,
        held_until_ns=held.until_ns if held else None,
    )


def _load(table_id: str, pressure: TablePressure, steps: Sequence[tuple[int | None, int | None]]) -> TableLoad:
    peak = pressure.peak()
    at_peak = [capacity for from_ns, capacity in steps if from_ns is None or from_ns <= (peak.time_ns or from_ns)][-1]
    return TableLoad(
        instance_id=table_id,
        capacity=pressure.capacity,
        capacity_at_peak=at_peak,
        capacities=tuple(CapacityStep(from_ns=from_ns, capacity=capacity) for from_ns, capacity in steps),
        count=pressure.count,
        peak=peak.count,
        peak_time_ns=peak.time_ns,
        headroom=None if at_peak is None else max(0, at_peak - peak.count),
        time_to_full_ns=pressure.time_to_full_ns,
        inserted=pressure.inserted,
        conntrack_allowance_available=pressure.available,
        conntrack_allowance_exceeded=pressure.exceeded,
        peak_by_rule=peak.by_rule,
        peak_by_peer=peak.by_peer,
        peak_by_state=peak.by_state,
        bin_ns=pressure.bin_ns,
        bins=PressureBins(pressure),
    )
