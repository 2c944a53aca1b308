"""Changes of rules on the way through traffic.

At one instant first the table expires, then changes hold, then packets come: a batch is cut where the clock reaches a
change.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
from attrs import define, evolve, field

from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.model.columns import PacketColumns, select_rows
from sgsim.model.interface import TimeoutOverrides
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.epochs import Epoch
from sgsim.simulation.summary import ChangeReport

Look = Callable[[Change, int, EngineOptions], ChangeReport]
"""Is told of a change, when it comes, and the options that hold from then on."""


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
    look: Look | None = None
    """Is shown each change just before it is made, and tells what it means."""
    epochs: list[Epoch] = field(init=False, factory=list)
    """One for each change that was made, from then on."""
    _made: list[ChangeReport] = field(init=False, factory=list)
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
        if not self._changes:
            yield batch
            return
        clock_ns = np.maximum.accumulate(batch.time_ns)
        begin = 0
        while self._changes and (change_ns := self._changes[0].at_ns(self._start_ns)) <= clock_ns[-1]:
            end = int(np.searchsorted(clock_ns, change_ns))
            if end > begin:
                yield select_rows(batch, begin, end)
            begin = max(begin, end)
            now_ns = self._start_ns if engine.now_ns is None else engine.now_ns
            change = self._changes.pop(0)
            self.options, made_ns = options_after(self.options, change), max(change_ns, now_ns)
            report = ChangeReport(text=change.origin, time_ns=change_ns)
            if self.look is not None:
                report = evolve(self.look(change, made_ns, self.options), time_ns=change_ns)
            engine.change(change.inventory, made_ns, self.options)
            self.epochs.append(Epoch(made_ns, change.inventory, self.options))
            self._made.append(report)
        if begin < len(clock_ns):
            yield select_rows(batch, begin, len(clock_ns))

    def reports(self) -> tuple[ChangeReport, ...]:
        """Every change; those that the traffic ended before have no time."""
        left = (ChangeReport(text=change.origin, time_ns=None) for change in self._changes)
        return (*self._made, *left)


def options_after(options: EngineOptions, change: Change) -> EngineOptions:
    """The options that hold from a change on."""
    options = evolve(options, timeouts=change.timeouts.over(options.timeouts))
    if change.capacity is None and not change.lifts_capacity:
        return options
    return evolve(options, capacity=change.capacity, is_unlimited=change.lifts_capacity)


def changes_in_vain(changes: Iterable[Change]) -> Iterator[str]:
    """Say of each change that touches nothing in use that it does not."""
    for change in changes:
        if (
            change.capacity is not None
            or change.lifts_capacity
            or change.timeouts != TimeoutOverrides()
            or change.changed_items is None
        ):
            continue
        if not change.changed_items:
            yield f"{change.origin}: this change changes nothing"
        elif not any(each.is_in_use for each in change.changed_items):
            what = "; ".join(each.text for each in change.changed_items[:3])
            yield f"{change.origin}: this change touches nothing that a known interface uses ({what})"
