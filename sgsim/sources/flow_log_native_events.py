"""What a record stands for, and in which order, by compiled code; the twin of `EventMaker`."""

import numpy as np
from attrs import define, field

from sgsim.kernels.addresses import addresses
from sgsim.kernels.entry_points import order_events, plan_events, write_events
from sgsim.kernels.flow_log_arrays import EVENT_DTYPES, IS_ORDERED, IS_UNFIT, MOST_KEYS, Plans, RoleColumns, as_typed
from sgsim.model.columns import Column, RecordColumns
from sgsim.model.record_events import MOST_REFRESHES
from sgsim.model.spread import Spread
from sgsim.sources.flow_log_events import Events
from sgsim.sources.flow_log_openers import Roles
from sgsim.sources.flow_log_order import time_order


@define(eq=False)
class NativeEventMaker:
    """Makes events of records, and orders them; keeps the memory that this takes."""

    spread: Spread = Spread.EVEN
    _room: int = field(init=False, default=0)
    _arrays: tuple[Column, ...] = field(init=False, factory=tuple)
    """In the order of `flow_log_order.order_at`."""
    _addresses: Column = field(init=False)

    def made(self, records: RecordColumns, roles: Roles, before: Events | None, first: int) -> Events:
        """Make the events of records, and put them behind others."""
        rows, place = len(records.line), 0 if before is None else len(before.time_ns)
        typed, plans = as_typed(records), Plans(*np.empty((4, rows), np.uint8))
        told = RoleColumns(roles.role, roles.method, roles.is_first.view(np.uint8), roles.is_reopening.view(np.uint8))
        lists = [addresses(typed), addresses(told), addresses(plans)]
        most = 1 if self.spread is Spread.ENDS else MOST_REFRESHES
        total = plan_events(*[*(each.ctypes.data for each in lists), rows, most])
        columns = [np.empty(place + total, dtype) for dtype in EVENT_DTYPES.values()]
        if before is not None:
            for column, known in zip(columns, before, strict=True):
                column[:place] = known
        lists.append(addresses(columns))
        write_events(*[*(each.ctypes.data for each in lists), rows, place, first])
        events = Events(*columns)
        return events._replace(is_lead=events.is_lead.view(np.bool_))

    def order(self, events: Events) -> Column | None:
        """The order of events in time, None if they are in order; it holds until the next call."""
        rows = len(events.time_ns)
        if rows > self._room:
            self._reserve(rows)
        lists = addresses(events), self._addresses
        found = order_events(*[*(each.ctypes.data for each in lists), rows])
        if found == IS_ORDERED:
            return None
        if found == IS_UNFIT:
            return time_order(events.time_ns, events.rank)
        return self._arrays[0][:rows]

    def _reserve(self, rows: int) -> None:
        self._room = rows + rows // 2
        self._arrays = (
            np.empty(self._room, np.int64),
            np.empty(self._room, np.uint16),
            np.empty(MOST_KEYS, np.int64),
        )
        self._addresses = addresses(self._arrays)
