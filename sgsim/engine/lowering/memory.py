"""What kernels remember: making it, and making it larger.

Arrays grow by doubling, and only what is touched takes memory. The pool and what stands beside it are mapped anonymously,
so that growing moves pages instead of copying them, and large pages can be asked for.
"""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.conntrack.pressure import FIRST_BIN_NS, MOST_BINS
from sgsim.kernels import layout
from sgsim.kernels.addresses import gathered, readdress
from sgsim.kernels.arrays import MEMORY_DTYPES, MEMORY_LENGTHS, Column, Memory
from sgsim.kernels.entry_points import put_departed, rebuild_ended, rebuild_fragments, spread_index, tidy_early

FIRST_ENTRIES = 4096
FIRST_EARLY = 4096
FIRST_DEPARTED = 16_384
FLOW_ROWS = 16_384
"""How many ended flows are handed over at a time, where flows are recorded."""

_DEPARTED_WORDS = 4


class Mapped:
    """One growing array in mapped memory."""

    def __init__(self, dtype: type) -> None:
        """Begin without memory."""
        self._dtype = np.dtype(dtype)
        self._map: mmap.mmap | None = None

    def sized(self, items: int) -> Column:
        """The array with so many items; the old ones keep their values, new ones are 0. Earlier arrays are void."""
        size = max(items * self._dtype.itemsize, mmap.PAGESIZE)
        if self._map is None:
            self._map = _mapped(size)
        elif len(self._map) < size:
            self._map = _resized(self._map, size)
        if hasattr(mmap, "MADV_HUGEPAGE") and size >= 1 << 22:
            self._map.madvise(mmap.MADV_HUGEPAGE)
        return np.frombuffer(self._map, dtype=self._dtype, count=items)


def _mapped(size: int) -> mmap.mmap:
    """Anonymous memory; private where there is a choice, as a shared mapping cannot grow."""
    if hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, size)


def _resized(old: mmap.mmap, size: int) -> mmap.mmap:
    try:
        old.resize(size)
    except (SystemError, OSError, ValueError, BufferError):  # no mremap here, or a view is still held: copy instead
        new = _mapped(size)
        new[: len(old)] = old[:]
        return new
    return old


class MemoryKeeper:
    """Makes the memory of a run and makes parts of it larger when kernels ask."""

    def __init__(self, *, record_flows: bool) -> None:
        """Make it for no table yet."""
        self.record_flows = record_flows
        self._pool, self._extra = Mapped(np.int64), Mapped(np.int64)
        self._wide, self._due, self._index = Mapped(np.uint64), Mapped(np.int64), Mapped(np.uint64)
        self._early = Mapped(np.int32)
        self.addresses, self.memory = gathered(self._first(), MEMORY_DTYPES, MEMORY_LENGTHS)
        self._tell_sizes()

    def queue(self, rows: NDArray[Any]) -> None:
        """Name the flows to forget next, int64 (flows, 2): number and entry; what was queued before is found again later."""
        memory = self.memory
        memory.forget[: rows.size] = rows.reshape(-1)
        memory.clock[layout.FORGET_TABLE], memory.clock[layout.FORGET_AT] = 0, 0
        memory.clock[layout.FORGET_COUNT] = len(rows)

    def _tell_sizes(self) -> None:
        """Tell kernels how much the arrays hold now, and where they are."""
        memory = self.memory
        sizes = {
            layout.POOL_SIZE: len(memory.pool) // layout.ENTRY_WORDS,
            layout.HAS_EXTRA: self.record_flows,
            layout.HAS_WIDE: len(memory.wide) > 0,
            layout.INDEX_MASK: len(memory.index) - 1,
            layout.EARLY_MASK: len(memory.early) - 1,
            layout.DUE_SIZE: len(memory.due) // layout.DUE_WORDS,
            layout.DEPARTED_MASK: len(memory.departed) // _DEPARTED_WORDS - 1,
            layout.FRAGMENTS_MASK: len(memory.fragments) // layout.FRAGMENT_WORDS - 1,
            layout.ENDED_MASK: len(memory.ended) // 2 - 1,
            layout.FLOWS_OUT_SIZE: len(memory.flows_out) // layout.FLOW_WORDS,
            layout.RULE_COUNT: len(memory.departed_rule) // max(1, len(memory.tables) // layout.TABLE_WORDS),
        }
        for position, size in sizes.items():
            memory.clock[position] = size
        readdress(self.addresses, memory)

    def _first(self) -> Memory:
        entries = FIRST_ENTRIES
        nothing = np.zeros(0, dtype=np.int64)
        return Memory(
            clock=np.zeros(layout.CLOCK_WORDS, dtype=np.int64),
            pool=self._pool.sized(entries * layout.ENTRY_WORDS),
            extra=self._extra.sized(entries * layout.EXTRA_WORDS) if self.record_flows else nothing,
            wide=np.zeros(0, dtype=np.uint64),
            index=self._index.sized(entries * 4),
            heads=np.zeros(layout.ROUNDS * layout.SLOTS * layout.LANES, dtype=np.int32),
            occupied=np.zeros(layout.ROUNDS * layout.SLOTS // 64, dtype=np.uint64),
            early=self._early.sized(FIRST_EARLY),
            due=self._due.sized(entries * layout.DUE_WORDS),
            tables=nothing,
            bins=nothing,
            by_state=nothing,
            state_since=nothing,
            state_touched=np.zeros(0, dtype=np.int32),
            state_is_touched=np.zeros(0, dtype=np.uint8),
            departed_rule=nothing,
            departed_rule_peak=nothing,
            departed=np.zeros(FIRST_DEPARTED * _DEPARTED_WORDS, dtype=np.uint64),
            fragments=np.zeros(64 * layout.FRAGMENT_WORDS, dtype=np.int64),
            ended=np.zeros(2 * 1024, dtype=np.uint64),
            kinds=np.zeros(8, dtype=np.int64),
            forget=np.zeros(layout.FORGET_QUEUE * 2, dtype=np.int64),
            flows_out=np.zeros(FLOW_ROWS * layout.FLOW_WORDS if self.record_flows else 0, dtype=np.int64),
        )

    def add_tables(self, capacities: list[int | None]) -> None:
        """Have so many tables, with these capacities; those there were stay as they are."""
        memory, number = self.memory, len(capacities)
        had = len(memory.tables) // layout.TABLE_WORDS
        rows = _longer(memory.tables, number * layout.TABLE_WORDS).reshape(number, layout.TABLE_WORDS)
        rows[had:, [layout.PEAK_TIME, layout.FIRST_REFUSED]] = -1
        rows[had:, layout.BIN_NS] = FIRST_BIN_NS
        rows[had:, layout.BIN_END] = np.iinfo(np.int64).min
        rows[:, layout.CAPACITY] = [-1 if capacity is None else capacity for capacity in capacities]
        states = number * layout.STATE_CLASSES
        self.memory = memory._replace(
            tables=rows.reshape(-1),
            bins=_longer(memory.bins, number * MOST_BINS * layout.BIN_WORDS),
            by_state=_longer(memory.by_state, states),
            state_since=_longer(memory.state_since, states),
            state_touched=_longer(memory.state_touched, states),
            state_is_touched=_longer(memory.state_is_touched, states),
        )
        self._tell_sizes()

    def add_rules(self, had_tables: int, rules: int) -> None:
        """Have room for so many rules in the tally of each table, of which there were `had_tables` before."""
        memory = self.memory
        tables = len(memory.tables) // layout.TABLE_WORDS
        had = len(memory.departed_rule) // max(1, had_tables)
        if tables > had_tables or rules > had:
            lowered = {}
            for name in ("departed_rule", "departed_rule_peak"):
                wider = np.zeros((tables, max(rules, had)), dtype=np.int64)
                wider[:had_tables, :had] = getattr(memory, name).reshape(had_tables, had)
                lowered[name] = wider.reshape(-1)
            self.memory = memory._replace(**lowered)
            self._tell_sizes()

    def make_room(self, need: int) -> None:
        """Make larger what a kernel asked for; flows that have ended are taken over by its caller."""
        match need:  # nothing here may hold the old arrays, or their mapping could not be resized in place
            case layout.GROW_POOL:
                self._grow_pool()
            case layout.GROW_INDEX:
                self._grow_index()
            case layout.GROW_DUE:
                self._grow_due()
            case layout.GROW_EARLY:
                self._grow_early()
            case layout.GROW_FRAGMENTS:
                self._grow_fragments()
            case layout.GROW_ENDED:
                self._grow_tallies()
        self._tell_sizes()

    def _grow_index(self) -> None:
        slots = len(self.memory.index)
        self.memory = self.memory._replace(index=np.zeros(0, dtype=np.uint64))  # so that its mapping can be resized
        index = self._index.sized(slots * 2)
        spread_index(index, slots)
        self.memory = self.memory._replace(index=index)

    def _grow_pool(self) -> None:
        memory = self.memory
        entries = len(memory.pool) // layout.ENTRY_WORDS
        is_full = memory.clock[layout.FREE_COUNT] < 4 and memory.clock[layout.POOL_USED] + 4 > entries
        has_wide = len(memory.wide) > 0 or not is_full  # asked for without need for entries: for IPv6
        entries *= 2 if is_full else 1
        due_items = len(memory.due)
        # The old arrays are let go first, so that the mapping can be resized in place.
        empty = np.zeros(0, dtype=np.int64)
        self.memory = memory._replace(pool=empty, extra=empty, wide=np.zeros(0, dtype=np.uint64), due=empty)
        del memory
        self.memory = self.memory._replace(
            pool=self._pool.sized(entries * layout.ENTRY_WORDS),
            extra=self._extra.sized(entries * layout.EXTRA_WORDS) if self.record_flows else empty,
            wide=self._wide.sized(entries * 4) if has_wide else np.zeros(0, dtype=np.uint64),
            due=self._due.sized(max(entries * layout.DUE_WORDS, due_items)),
        )

    def _grow_due(self) -> None:
        memory = self.memory
        begin, end = int(memory.clock[layout.DUE_AT]), int(memory.clock[layout.DUE_COUNT])
        waiting = memory.due[begin * layout.DUE_WORDS : end * layout.DUE_WORDS].copy()
        items = len(memory.due) * (2 if (end - begin) * 2 * layout.DUE_WORDS > len(memory.due) else 1)
        self.memory = memory._replace(due=np.zeros(0, dtype=np.int64))
        del memory
        due = self._due.sized(items)
        due[: len(waiting)] = waiting
        self.memory.clock[layout.DUE_AT], self.memory.clock[layout.DUE_COUNT] = 0, end - begin
        self.memory = self.memory._replace(due=due)

    def _grow_early(self) -> None:
        """Have room for twice as many records; where there is room for all entries, first drop those of no use."""
        clock, size = self.memory.clock, len(self.memory.early)
        if size >= clock[layout.POOL_SIZE]:
            tidy_early(self.addresses.ctypes.data)
        if (clock[layout.EARLY_TAIL] - clock[layout.EARLY_HEAD]) * 4 > size * 3:
            self.memory = self.memory._replace(early=np.zeros(0, dtype=np.int32))  # so that its mapping can be resized
            early = self._early.sized(size * 2)
            early[size:] = early[:size]  # a place modulo twice the size is one of the two
            self.memory = self.memory._replace(early=early)

    def _grow_fragments(self) -> None:
        """Drop those whose time is over; where that leaves too many, make the table larger."""
        memory = self.memory
        table = np.zeros(len(memory.fragments), dtype=np.int64)
        used = rebuild_fragments(memory.fragments, table, memory.clock[layout.NOW])
        if used * 4 > len(table) // layout.FRAGMENT_WORDS:
            table = np.zeros(len(memory.fragments) * 2, dtype=np.int64)
            used = rebuild_fragments(memory.fragments, table, memory.clock[layout.NOW])
        memory.clock[layout.FRAGMENTS_USED] = used
        self.memory = memory._replace(fragments=table)

    def _grow_tallies(self) -> None:
        memory = self.memory
        if (memory.clock[layout.DEPARTED_USED] + 8) * 2 > memory.clock[layout.DEPARTED_MASK]:
            self.memory = memory = memory._replace(departed=_rehashed_departed(memory))
        if (memory.clock[layout.ENDED_USED] + 8) * 2 > memory.clock[layout.ENDED_MASK]:
            ended = np.zeros(len(memory.ended) * 2, dtype=np.uint64)
            rebuild_ended(memory.ended, ended)
            self.memory = memory._replace(ended=ended)


def _longer(array: NDArray[Any], items: int) -> NDArray[Any]:
    """The array with so many items, itself if it has them; new ones are 0."""
    if items == len(array):
        return array
    longer = np.zeros(items, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def _rehashed_departed(memory: Memory) -> Column:
    """The tally of departed peers in twice the slots, without those of earlier peaks."""
    rows = memory.departed.reshape(-1, _DEPARTED_WORDS)
    peaks = memory.tables.reshape(-1, layout.TABLE_WORDS)[:, layout.PEAK_FLOW].astype(np.uint64)
    used = rows[rows[:, 0] != 0]
    kept = used[used[:, 2] == peaks[((used[:, 0] - np.uint64(1)) // np.uint64(2)).astype(np.int64)]]
    slots = len(rows) * (2 if len(kept) * 4 > len(rows) else 1)
    table = np.zeros(slots * _DEPARTED_WORDS, dtype=np.uint64)
    put_departed(table, kept.reshape(-1))
    memory.clock[layout.DEPARTED_USED] = len(kept)
    return table
