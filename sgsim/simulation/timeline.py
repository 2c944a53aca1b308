"""Changes of rules on the way through traffic.

At one instant first the table expires, then changes hold, then packets come: a batch is cut where the clock reaches a
change.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from attrs import define, evolve, field

from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.model.columns import PacketColumns, select_rows
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.summary import ChangeCount


class Changeable(Protocol):
    """What a change concerns of an engine."""

    @property
    def now_ns(self) -> int | None:
        """The clock, nanoseconds since the epoch; None before the first packet."""

    def change(self, inventory: Inventory, time_ns: int, options: EngineOptions | None = None) -> None:
        """Let other rules, members, addresses or lists, capacity and timeouts hold from `time_ns` on."""


@define
class Timeline:
    """Changes that are still to come."""

    _changes: list[Change]
    options: EngineOptions
    """Those of the moment: a change may set the capacity and timeouts."""
    _made: list[ChangeCount] = field(init=False, factory=list)
    _start_ns: int | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Find out before the work whether the timeouts of changes are within the profile's bounds."""
        for change in self._changes:
            try:
                Timeouts.at(self.options.profile, option=change.timeouts)
            except ConfigError as error:
                error.add_note(change.origin)
                raise

    def parts(self, batch: PacketColumns, engine: Changeable) -> Iterator[PacketColumns]:
        """Cut a batch where the clock reaches a change, and make the change between the parts."""
        if self._start_ns is None:
            self._start_ns = int(batch.time_ns[0])
            self._changes.sort(key=lambda change: change.at_ns(self._start_ns or 0))
        clock_ns = np.maximum.accumulate(batch.time_ns)
        begin = 0
        while self._changes and (change_ns := self._changes[0].at_ns(self._start_ns)) <= clock_ns[-1]:
            end = int(np.searchsorted(clock_ns, change_ns))
            if end > begin:
                yield select_rows(batch, begin, end)
            begin = max(begin, end)
            now_ns = self._start_ns if engine.now_ns is None else engine.now_ns
            change = self._changes.pop(0)
            self.options = _changed(self.options, change)
            engine.change(change.inventory, max(change_ns, now_ns), self.options)
            self._made.append(ChangeCount(text=change.origin, time_ns=change_ns))
        if begin < len(clock_ns):
            yield select_rows(batch, begin, len(clock_ns))

    def counts(self) -> tuple[ChangeCount, ...]:
        """Every change; those that the traffic ended before have no time."""
        left = (ChangeCount(text=change.origin, time_ns=None) for change in self._changes)
        return (*self._made, *left)


def _changed(options: EngineOptions, change: Change) -> EngineOptions:
    """The options after a change."""
    capacity = options.capacity if change.capacity is None else change.capacity
    return evolve(options, capacity=capacity, timeouts=change.timeouts.over(options.timeouts))
