"""The same traffic under two rule sets, in one pass.

One side keeps the old rules throughout. The other has the new ones from the beginning, or from a time on.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from attrs import define, evolve, field
from numpy.typing import NDArray

from sgsim.engine.base import Engine
from sgsim.engine.options import EngineOptions
from sgsim.errors import NoTrafficError, SourceError, UnresolvedReferenceError
from sgsim.model.columns import Column, DecisionColumns, PacketColumns, RecordColumns
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.beside import Beside
from sgsim.simulation.engines import choose_engine, make_engine
from sgsim.simulation.fates import looking
from sgsim.simulation.inputs import open_traffic
from sgsim.simulation.strangers import Strangers
from sgsim.simulation.timeline import Timeline
from sgsim.simulation.whole import ever_known
from sgsim.sources.base import BATCH_ROWS, Source, has_records, is_recorded


@define
class Side:
    """One rule set with its engine."""

    engine: Engine
    timeline: Timeline
    strangers: Strangers = field(factory=Strangers)

    def filter(self, batch: PacketColumns, source: Source) -> DecisionColumns:
        """Judge a batch; rows are those of the batch, also where it is cut by a change."""
        parts, begin = [], 0
        for part in self.timeline.parts(batch, self.engine):
            try:
                decided = self.engine.filter(part)
            except UnresolvedReferenceError as error:
                error.add_note(", ".join(source.files))
                raise
            parts.append(decided._replace(row=decided.row + begin))
            begin += len(part.time_ns)
        self.engine.ended_flows()  # nobody asks for them; they are not to pile up
        return DecisionColumns(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Judged(NamedTuple):
    """A batch with both decisions."""

    packets: PacketColumns
    weights: NDArray[np.int64]
    """int64 (packets,): how many packets a row stands for; 1 but for records of flow logs."""
    old: DecisionColumns
    new: DecisionColumns


@define
class SideBySide:
    """Two sides and the traffic that both are to judge."""

    old: Side
    new: Side
    beside: Beside
    """Looks for files that are given twice."""
    _taken_at: list[int]
    engine: str
    """`reference` or `compiled`."""
    _inventory: Inventory
    packets: int = 0
    """How many packets were read, or records of flow logs."""
    tcp: int = 0
    """Records of TCP."""
    tcp_without_flags: int = 0
    """Those whose log tells no `tcp-flags`, so that nobody sees a connection close."""
    start_ns: int | None = None
    end_ns: int | None = None
    broken: str | None = None
    """Why the input ended before its end; None if it did not."""

    @property
    def source(self) -> Source:
        """What is read."""
        return self.beside.source

    @property
    def has_records(self) -> bool:
        """Whether the traffic is made of records of flow logs, each of which stands for packets."""
        return has_records(self.source)

    @classmethod
    def of(
        cls,
        old: Inventory,
        new: Inventory,
        traffic: Sequence[Any],
        options: EngineOptions,
        *,
        engine: str = "auto",
        at: Change | None = None,
    ) -> "SideBySide":
        """Open the traffic and make both engines.

        Args:
            old: The old rules.
            new: The new rules.
            traffic: As `sgsim.simulation.driver.run` takes it; what is bound is bound to interfaces of either side.
            options: How both engines are to run.
            engine: `reference`, `compiled` or `auto`.
            at: When the new rules begin to hold; None for from the beginning.

        Raises:
            ConfigError: If an input is bound to an interface that is not known.
            SourceError: If an input cannot be read.
        """
        name = choose_engine(engine, traffic)
        changes, beside = ([at], None) if at is not None else ([], new)
        source, taken_at = open_traffic(
            traffic, old, options, changes=changes, beside=beside, native=name == "compiled"
        )
        options = evolve(options, recorded=options.recorded and is_recorded([source]))
        known = ever_known(old, changes, beside).interfaces.values()
        engines = [
            make_engine(name, inventory, options, record_flows=True, interfaces=known)
            for inventory in (old, old if at is not None else new)
        ]
        changing = Timeline(changes, options, looking(engines[1], old))
        sides = Side(engines[0], Timeline([], options)), Side(engines[1], changing)
        return cls(*sides, Beside.of(source, taken_at), taken_at, name, old)

    def batches(self) -> Iterator[Judged]:
        """Judge everything, batch by batch.

        Raises:
            SourceError: If nothing can be read.
            NoTrafficError: If no packet touches a known interface on either side.
            UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
        """
        try:
            for batch, weights, read in self._read():
                self._note(batch, read)
                old, new = (side.filter(batch, self.source) for side in (self.old, self.new))
                for side, decided in ((self.old, old), (self.new, new)):
                    side.strangers.add(batch, decided, weights > 0)
                if self.beside.see is not None:
                    self.beside.see(batch, old, self.old.engine)
                yield Judged(batch, weights, old, new)
        except SourceError as error:
            if not self.packets:
                raise
            self.broken = str(error)
        if not self.new.strangers.has_met_interface:
            self._check_met_interface()

    def _read(self) -> Iterator[tuple[PacketColumns, NDArray[np.int64], int]]:
        """Batches, how many packets each row stands for, and how many packets or records were read."""
        if has_records(self.source):
            for batch in self.source.event_batches(self._taken_at):
                events = batch.events
                tcp, without_flags = _count_tcp(batch.records, events.record[events.is_lead])
                self.tcp, self.tcp_without_flags = self.tcp + tcp, self.tcp_without_flags + without_flags
                weights = np.where(events.is_lead, batch.records.packets[events.record], 0).astype(np.int64)
                yield batch.packets, weights, int(events.is_lead.sum())
            return
        for packets in self.source.batches(self._taken_at, batch_rows=BATCH_ROWS):
            count = len(packets.time_ns)
            yield packets, np.ones(count, np.int64), count

    def _note(self, batch: PacketColumns, read: int) -> None:
        if self.start_ns is None:
            self.start_ns = int(batch.time_ns[0])
        self.end_ns = max(self.end_ns or 0, int(batch.time_ns.max()))
        self.packets += read

    def _check_met_interface(self) -> None:
        try:
            unknown = self.source.unknown_names if has_records(self.source) else None
            self.old.strangers.check(self._inventory, unknown)
        except NoTrafficError as error:
            raise (
                NoTrafficError(f"{error}; then the input broke off: {self.broken}") if self.broken else error
            ) from error


def _count_tcp(records: RecordColumns, rows: Column) -> tuple[int, int]:
    """How many of some records are TCP and not skipped, and of how many of these the log does not tell the flags."""
    is_tcp = (records.protocol[rows] == Protocol.TCP) & (records.skip[rows] == 0)
    return int(is_tcp.sum()), int((is_tcp & (records.flags[rows] == NO_FLAGS)).sum())
