"""The connection-tracking table of one instance, and the memory beside it for flows that take no place.

Expiry is exact: an entry is gone at `expires_at_ns`, whether or not a packet arrives then, and `expire` forgets in the
order of these times, so that the count is right at every instant.
"""

import heapq
from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, field

from sgsim.conntrack.entry import ConntrackEntry, FlowEnd, FlowKey, TrackingCause
from sgsim.conntrack.pressure import TablePressure, state_name
from sgsim.conntrack.tcp import ENDED_STATES, TcpFlow
from sgsim.errors import TimeOrderError
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Tracking

DEFAULT_REMEMBER: Final = 4 * 1024 * 1024
"""How many untracked and refused flows are remembered at most."""

STALE_MOST: Final = 1024
"""How many due times may wait to be dropped, beside one for each entry."""

_Due = tuple[int, int, ConntrackEntry]
"""When an entry is to be looked at, its flow's number (which breaks ties), and itself."""


@define
class _Queue:
    """Entries by the time when they are due.

    A refreshed entry is not moved: when its old time comes it is put back with its new one. An entry whose time was
    brought forward stands in it twice, and the later one is dropped when it comes; so is a forgotten entry.
    """

    _heap: list[_Due] = field(factory=list)

    def __len__(self) -> int:
        """How many it holds, those to be dropped too."""
        return len(self._heap)

    @property
    def earliest_ns(self) -> int | None:
        """A time before which nothing is due; None if nothing is held."""
        return self._heap[0][0] if self._heap else None

    def put(self, entry: ConntrackEntry) -> None:
        heapq.heappush(self._heap, (entry.expires_at_ns, entry.flow, entry))

    def next_due(self, is_held: Callable[[ConntrackEntry], bool]) -> _Due | None:
        """The entry that is due next and still held; None if there is none."""
        while self._heap:
            due_ns, _, entry = self._heap[0]
            if is_held(entry) and entry.expires_at_ns == due_ns:
                return self._heap[0]
            heapq.heappop(self._heap)
            if is_held(entry) and entry.expires_at_ns > due_ns:
                self.put(entry)
        return None

    def drop_stale(self, is_held: Callable[[ConntrackEntry], bool]) -> None:
        """Keep each held entry once."""
        held = {entry.flow: entry for _, _, entry in self._heap if is_held(entry)}
        self._heap = [(entry.expires_at_ns, entry.flow, entry) for entry in held.values()]
        heapq.heapify(self._heap)


@define
class ConntrackTable:
    """All flows that the interfaces of one instance remember.

    Invariants, checked by `check_valid`: `count` is the sum of the places of the TRACKED entries; it never exceeds
    `capacity`, but after the capacity was lowered; at most `remember` other entries are kept; no entry is past its time
    after `expire`; each entry is found under its own key. Memory grows with the entries that it has, not with those that
    it ever had.
    """

    capacity: int | None = None
    """Places for tracked flows; None if there is no limit."""
    remember: int = DEFAULT_REMEMBER
    """How many UNTRACKED and REFUSED flows are kept, at least 1; of more, the one that began first is forgotten."""
    on_end: Callable[[ConntrackEntry, FlowEnd, int], None] | None = None
    """Called with each entry that is forgotten, why, and when."""
    pressure: TablePressure = field(init=False)
    forgotten: int = field(init=False, default=0)
    """Flows that were dropped for want of memory, not of time."""
    _entries: dict[FlowKey, ConntrackEntry] = field(init=False, factory=dict)
    _beside: int = field(init=False, default=0)
    """How many entries take no place."""
    _count_when_set: int = field(init=False, default=0)
    """The count when the capacity was last set: beyond a smaller limit it may stay, but not grow."""
    _now_ns: int | None = field(init=False, default=None)
    _queue: _Queue = field(init=False, factory=_Queue)
    _by_age: list[tuple[int, ConntrackEntry]] = field(init=False, factory=list)
    """A heap of the entries that take no place, by the numbers of their flows; forgotten ones are dropped in passing."""

    @pressure.default
    def _make_pressure(self) -> TablePressure:
        return TablePressure(self.capacity)

    @property
    def count(self) -> int:
        """Places taken by tracked flows."""
        return self.pressure.count

    def __iter__(self) -> Iterator[ConntrackEntry]:
        """Every entry, in the order of their flows."""
        return iter(sorted(self._entries.values(), key=lambda entry: entry.flow))

    def __len__(self) -> int:
        """How many flows are remembered, tracked or not."""
        return len(self._entries)

    def lookup(self, key: FlowKey | None) -> ConntrackEntry | None:
        """The flow with this key; None if it is not remembered, or if there is no key, as of packets that make no flow."""
        return None if key is None else self._entries.get(key)

    def set_capacity(self, capacity: int | None) -> None:
        """Give the table more or fewer places; entries that it has stay, also beyond a smaller limit."""
        self.capacity = self.pressure.capacity = capacity
        self._count_when_set = self.count

    def has_room(self, places: int) -> bool:
        """Whether a flow that takes so many places can be entered."""
        return self.capacity is None or self.count + places <= self.capacity

    def insert(self, entry: ConntrackEntry, now_ns: int) -> None:
        """Remember a flow; for a TRACKED one the caller has asked `has_room`."""
        self._entries[entry.key] = entry
        self._put(entry)
        if _is_tracked(entry):
            self.pressure.note_inserted(entry, now_ns)
        else:
            self._put_beside(entry, now_ns)

    def refresh(self, entry: ConntrackEntry, expires_at_ns: int) -> None:
        """Set a new time for an entry to be gone."""
        is_sooner = expires_at_ns < entry.expires_at_ns
        entry.expires_at_ns = expires_at_ns
        if is_sooner:
            self._put(entry)

    def advance(self, entry: ConntrackEntry, tcp: TcpFlow | None, *, answered: bool, is_stream: bool) -> None:
        """Set what an entry knows of its flow's state."""
        if (entry.tcp, entry.answered, entry.is_stream) == (tcp, answered, is_stream):
            return
        before = state_name(entry)
        entry.tcp, entry.answered, entry.is_stream = tcp, answered, is_stream
        if _is_tracked(entry):
            self.pressure.note_state(before, entry)

    def untrack(self, entry: ConntrackEntry, rule: RuleRef, version: int, now_ns: int) -> None:
        """Let a tracked flow go on untracked: it keeps its opener and frees its places."""
        self.pressure.note_removed(entry, None, now_ns)
        entry.tracking, entry.cause = Tracking.UNTRACKED, TrackingCause.OPEN_RULES
        entry.rule, entry.judged_at_version = rule, version
        self._put_beside(entry, now_ns)

    def forget(self, entry: ConntrackEntry, end: FlowEnd, now_ns: int) -> None:
        """Remember a flow no more; one that memory has already dropped is left as it is."""
        if self._entries.get(entry.key) is not entry:
            return
        del self._entries[entry.key]
        if _is_tracked(entry):
            self.pressure.note_removed(entry, end, now_ns)
        else:
            self._beside -= 1
        if self.on_end is not None:
            self.on_end(entry, end, now_ns)

    def expire(self, now_ns: int) -> int:
        """Forget every entry that has been silent for its timeout.

        Args:
            now_ns: Replay time, nanoseconds since the epoch; never less than at the last call.

        Returns:
            How many entries were forgotten.

        Raises:
            TimeOrderError: If `now_ns` is less than at the last call.
        """
        if self._now_ns is not None and now_ns < self._now_ns:
            raise TimeOrderError(f"now_ns must be at least {self._now_ns}, got {now_ns}")
        self._now_ns = now_ns
        expired = 0
        while (due := self._queue.next_due(self._is_held)) is not None and due[0] <= now_ns:
            entry = due[2]
            end = FlowEnd.CLOSED if entry.tcp_state in ENDED_STATES else FlowEnd.EXPIRED
            self.forget(entry, end, entry.expires_at_ns)
            expired += 1
        return expired

    @property
    def next_due_ns(self) -> int | None:
        """A time before which nothing expires; None if the table is empty."""
        return self._queue.earliest_ns

    def _is_held(self, entry: ConntrackEntry) -> bool:
        return self._entries.get(entry.key) is entry

    def _put(self, entry: ConntrackEntry) -> None:
        self._queue.put(entry)
        if len(self._queue) > 2 * len(self._entries) + STALE_MOST:
            self._queue.drop_stale(self._is_held)

    def _put_beside(self, entry: ConntrackEntry, now_ns: int) -> None:
        """Keep an entry that takes no place; of too many, forget the one that began first."""
        self._beside += 1
        heapq.heappush(self._by_age, (entry.flow, entry))
        self._keep_within_memory(now_ns)
        if len(self._by_age) > 2 * self._beside + STALE_MOST:
            self._by_age = [(held.flow, held) for _, held in self._by_age if self._is_held(held)]
            heapq.heapify(self._by_age)

    def _keep_within_memory(self, now_ns: int) -> None:
        while self._beside > self.remember:
            _, oldest = heapq.heappop(self._by_age)
            if self._is_held(oldest):
                self.forgotten += 1
                self.forget(oldest, FlowEnd.FORGOTTEN, now_ns)

    def check_valid(self) -> None:
        """Check the invariants; for tests.

        Raises:
            AssertionError: If one does not hold.
        """
        tracked = [entry for entry in self if _is_tracked(entry)]
        assert self.count == sum(entry.places for entry in tracked), "count must be the places of the tracked entries"
        assert self.capacity is None or self.count <= max(self.capacity, self._count_when_set), (
            "count must not exceed the capacity"
        )
        assert self._beside == len(self) - len(tracked), "every entry must be tracked or counted beside the table"
        assert self._beside <= self.remember, "no more flows than the memory holds may be kept beside the table"
        for key, entry in self._entries.items():
            assert entry.key == key, "every entry must be found under its own key"
            assert self._now_ns is None or entry.expires_at_ns > self._now_ns, "no entry may be past its time"


def _is_tracked(entry: ConntrackEntry) -> bool:
    return entry.tracking is Tracking.TRACKED
