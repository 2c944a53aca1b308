"""A memory for kernels without an engine around it, and kernels of it that Python can call."""

from typing import Any

import numba
import numpy as np

from sgsim.engine.lowering.memory import MemoryKeeper
from sgsim.kernels import calendar, early, forget, layout, pressure, table
from sgsim.kernels.groups import facts_at, memory_at

KEY = (layout.KEY_ADDRESSES, layout.KEY_SERVICE, layout.OWNER)


def new_keeper(*, start_ns: int = 0) -> MemoryKeeper:
    """A memory with one table, its calendar beginning at a time."""
    keeper = MemoryKeeper(record_flows=True)
    keeper.add_tables([None])
    keeper.add_rules(0, 4)
    clock = keeper.memory.clock
    clock[layout.HAS_BASE], clock[layout.BASE], clock[layout.NOW] = 1, start_ns, start_ns
    return keeper


def place(keeper: MemoryKeeper) -> int:
    """Where its list of addresses is."""
    return int(keeper.addresses.ctypes.data)


def entry_words(keeper: MemoryKeeper, entry: int) -> Any:
    """The words of an entry, to be read and written."""
    at = entry * layout.ENTRY_WORDS
    return keeper.memory.pool[at : at + layout.ENTRY_WORDS]


@numba.njit
def add(memory: int, addresses: int, service: int, interface: int, flow: int) -> int:
    """Put an entry with a key into the index; give its number."""
    m = memory_at(memory)
    entry = table.take_entry(m)
    word = entry * layout.ENTRY_WORDS
    m.pool[word + layout.KEY_ADDRESSES], m.pool[word + layout.KEY_SERVICE] = addresses, service
    m.pool[word + layout.OWNER], m.pool[word + layout.FLOW] = interface, flow
    table.link(m, entry, table.hash_key(addresses, service, interface))
    return entry


@numba.njit
def hash_key(addresses: int, service: int, interface: int) -> int:
    """The hash of a key."""
    return table.hash_key(addresses, service, interface)


@numba.njit
def find(memory: int, addresses: int, service: int, interface: int) -> int:
    """The entry with a key, -1 if there is none."""
    return table.find(memory_at(memory), addresses, service, interface, table.hash_key(addresses, service, interface))


@numba.njit
def remove(memory: int, entry: int) -> None:
    """Take an entry out of the index and free it."""
    m = memory_at(memory)
    table.unlink(m, entry, table.hash_of(m, entry))
    table.free_entry(m, entry)


@numba.njit
def schedule(memory: int, flow: int, expires_ns: int) -> int:
    """Put an entry that begins now into the calendar; give its number."""
    m = memory_at(memory)
    entry = table.take_entry(m)
    word = entry * layout.ENTRY_WORDS
    m.pool[word + layout.FLOW], m.pool[word + layout.EXPIRES] = flow, expires_ns
    is_early = np.int64(expires_ns - m.clock[layout.NOW] >= early.EARLY_NS)
    m.pool[word + layout.OPENED], m.pool[word + layout.STATE] = m.clock[layout.NOW], is_early << layout.EARLY_AT
    if is_early:
        early.put_early(m, entry)
    else:
        calendar.put(m, entry)
    return entry


@numba.njit
def refresh(memory: int, entry: int, expires_ns: int) -> None:
    """Let an entry expire at another time, as the engine does it."""
    m = memory_at(memory)
    is_late = calendar.comes_too_late(m, entry, expires_ns)
    m.pool[entry * layout.ENTRY_WORDS + layout.EXPIRES] = expires_ns
    if is_late:
        calendar.put_again(m, entry)


@numba.njit
def cancel(memory: int, entry: int) -> None:
    """Take an entry out of the calendar and free it."""
    m = memory_at(memory)
    calendar.take(m, entry)
    table.free_entry(m, entry)


@numba.njit
def expire(memory: int, now_ns: int, flows: Any, times: Any) -> int:
    """Free all that is due, as `forget.expire_until` does it; give how many, with their flows and times in order."""
    m = memory_at(memory)
    count = 0
    while True:
        while m.clock[layout.DUE_AT] < m.clock[layout.DUE_COUNT]:
            at = m.clock[layout.DUE_AT] * layout.DUE_WORDS
            due_ns, flow, entry = m.due[at], m.due[at + 1], m.due[at + 2]
            if due_ns > now_ns:
                m.clock[layout.NOW] = now_ns
                return count
            m.clock[layout.DUE_AT] += 1
            word = entry * layout.ENTRY_WORDS
            if m.pool[word + layout.FLOW] != flow:
                continue
            if m.pool[word + layout.EXPIRES] == due_ns:
                flows[count], times[count] = flow, due_ns
                count += 1
                calendar.take(m, entry)
                table.free_entry(m, entry)
            elif m.pool[word + layout.EXPIRES] > due_ns and calendar.is_in_due_list(m, entry):
                calendar.put(m, entry)
        tick = calendar.tick_of(m, now_ns)
        if tick <= m.clock[layout.TICK] or not calendar.begin_next_tick(m, tick):
            m.clock[layout.NOW] = now_ns
            return count


@numba.njit
def add_ended(memory: int, facts: int, fingerprint: np.uint64) -> None:
    """Note that a flow has ended."""
    forget._add_ended(memory_at(memory), facts_at(facts), fingerprint)


@numba.njit
def has_ended(memory: int, fingerprint: np.uint64) -> bool:
    """Whether a flow has ended."""
    return forget.has_ended(memory_at(memory), fingerprint)


@numba.njit
def has_room_to_end(memory: int, facts: int) -> bool:
    """Whether one packet's worth more may end."""
    return forget.has_room_to_end(memory_at(memory), facts_at(facts))


@numba.njit
def depart_peer(memory: int, kind: np.uint64, block: np.uint64, peak: np.uint64, places: np.uint64) -> None:
    """Count places of a peer that left since the peak."""
    pressure._depart_peer(memory_at(memory), kind, block, peak, places)
