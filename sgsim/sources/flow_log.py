"""VPC flow logs as a source: files to lines to records to events.

Read in this order: `flow_log_lines` (what a line says), `flow_log_order` (many files in the order of time),
`flow_log_binding` (where it was made), `flow_log_openers` (who opened its flow), `flow_log_events` (what it stands for).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field

from sgsim.errors import SourceError
from sgsim.model.columns import PacketColumns, RecordColumns
from sgsim.model.line_columns import NO_NAME
from sgsim.sources.base import BATCH_ROWS, NOT_BOUND
from sgsim.sources.flow_log_binding import Binding, Bindings, KnownInterfaces, Later
from sgsim.sources.flow_log_events import EventMaker, Events, packets_of_events
from sgsim.sources.flow_log_file import FlowLogFile
from sgsim.sources.flow_log_openers import OpenerMemory, Roles
from sgsim.sources.flow_log_order import FiledLines, OrderedLines
from sgsim.sources.flow_log_problems import FlowLogProblems

if TYPE_CHECKING:
    from sgsim.sources.flow_log_native_events import NativeEventMaker
    from sgsim.sources.flow_log_native_openers import NativeOpenerMemory


@define(eq=False)
class EventBatch:
    """Events in the order of time, and the records that they stand for."""

    packets: PacketColumns
    """What the engine gets, axis `(events,)`."""
    events: Events
    records: RecordColumns
    """What `events.record` counts."""
    roles: Roles
    """Of the records."""


@define
class FlowLogSource:
    """The records of several files as one stream."""

    inputs: tuple[FlowLogFile, ...]
    known: KnownInterfaces
    problems: FlowLogProblems
    later: Later | None = None
    """What is known after changes; None where none come."""
    native: bool = False
    """Whether compiled code makes the events."""
    unknown_names: dict[str, int] = field(factory=dict)
    """Records of interfaces that nobody knows, by id."""
    _names: dict[str, int] = field(init=False, factory=dict)
    """Interface ids that the logs have named so far, and their numbers."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files by name."""
        return tuple(each.name for each in self.inputs)

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the events, as `Source.batches` says of packets; several rows may stand for one record.

        Raises:
            SourceError: If nothing can be read, or an input breaks off.
        """
        for batch in self.event_batches(taken_at, batch_rows=batch_rows):
            yield batch.packets

    def event_batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[EventBatch]:
        """Yield the events with the records that they stand for, in the order of time.

        Raises:
            SourceError: As `batches` does.
        """
        memory, maker = self._makers()
        held = _Held(maker)
        broken = None
        try:
            for binding, lines in self._bound_lines(taken_at, batch_rows):
                records = binding.bind(lines)
                yield from held.pass_on(records, memory.roles(records, binding.known), int(records.start_ns[-1]))
        except SourceError as error:
            broken = error
        yield from held.pass_on(None, None, None)
        if broken is not None:
            raise broken

    def _makers(self) -> "tuple[OpenerMemory, EventMaker] | tuple[NativeOpenerMemory, NativeEventMaker]":
        """What tells roles, and what makes events of them; of both sorts the outcome is the same."""
        if not self.native:
            return OpenerMemory(), EventMaker(self.known.spread)
        from sgsim.sources.flow_log_native_events import NativeEventMaker  # noqa: PLC0415  # numba costs 0.3 s
        from sgsim.sources.flow_log_native_openers import NativeOpenerMemory  # noqa: PLC0415  # as above

        return NativeOpenerMemory(), NativeEventMaker(self.known.spread)

    def _bound_lines(self, taken_at: Sequence[int], batch_rows: int) -> Iterator[tuple[Binding, FiledLines]]:
        """All lines in the order of time, each with what binds it."""
        bound_to = np.array(taken_at or (NOT_BOUND,) * len(self.inputs), np.int32)
        names: list[str] = []
        bindings = Bindings(Binding(self.known, names, bound_to, self.unknown_names), self.later)
        opening = [
            (each.begins_after_ns, lambda each=each, number=number: self._filed(each, number, batch_rows))
            for number, each in enumerate(self.inputs)
        ]
        for lines in OrderedLines(opening).batches():
            names.extend(list(self._names)[len(names) :])
            yield from bindings.parts(lines)

    def _filed(self, log: FlowLogFile, number: int, batch_rows: int) -> Iterator[FiledLines]:
        """The lines of one file; interfaces get the numbers that they have in all files."""
        table = np.zeros(0, np.int32)
        for lines in log.batches(batch_rows):
            if len(table) != len(log.names) + 1:
                numbers = [self._names.setdefault(name, len(self._names)) for name in log.names]
                table = np.array([*numbers, NO_NAME], np.int32)  # the last one is for no name
            filed = lines._replace(interface=table[lines.interface])
            yield FiledLines(filed, np.full(len(lines.line), number, np.int32))


@define
class _Held:
    """Events that are later than records that may still come."""

    maker: "EventMaker | NativeEventMaker"
    _records: RecordColumns | None = None
    _roles: Roles | None = None
    _events: Events | None = None

    def pass_on(self, records: RecordColumns | None, roles: Roles | None, limit_ns: int | None) -> Iterator[EventBatch]:
        """Add records, and yield all events before the limit."""
        if records is not None and roles is not None:
            self._add(records, roles)
        if self._records is None or self._roles is None or self._events is None or not len(self._events.time_ns):
            return
        events = self._events
        order = self.maker.order(events)
        if order is not None:
            events = Events(*(column.take(order) for column in events))
        count = len(events.time_ns)
        if limit_ns is not None:
            count = int(np.searchsorted(events.time_ns, limit_ns))
        now = Events(*(column[:count] for column in events))
        later = Events(*(column[count:] for column in events))
        if count:
            yield EventBatch(packets_of_events(self._records, now), now, self._records, self._roles)
        self._keep(later)

    def _add(self, records: RecordColumns, roles: Roles) -> None:
        if self._records is None or self._roles is None:
            self._records, self._roles = records, roles
            self._events = self.maker.made(records, roles, None, 0)
            return
        self._events = self.maker.made(records, roles, self._events, len(self._records.line))
        self._records = RecordColumns(*map(np.concatenate, zip(self._records, records, strict=True)))
        self._roles = Roles(
            np.concatenate([self._roles.role, roles.role]),
            np.concatenate([self._roles.method, roles.method]),
            np.concatenate([self._roles.is_first, roles.is_first]),
            np.concatenate([self._roles.is_reopening, roles.is_reopening]),
        )

    def _keep(self, events: Events) -> None:
        """Keep later events, and of the records only those that they stand for."""
        if not len(events.time_ns) or self._records is None or self._roles is None:
            self._records = self._roles = self._events = None
            return
        is_wanted = np.zeros(len(self._records.line), np.bool_)
        is_wanted[events.record] = True
        number = np.cumsum(is_wanted) - 1
        roles = self._roles
        self._records = RecordColumns(*(column[is_wanted] for column in self._records))
        self._roles = Roles(
            roles.role[is_wanted], roles.method[is_wanted], roles.is_first[is_wanted], roles.is_reopening[is_wanted]
        )
        self._events = events._replace(record=number[events.record])
