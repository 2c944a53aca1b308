"""When entries are due: a calendar of ticks, and the list of the current one.

A tick is 2**22 ns, about four milliseconds. Six rounds of 256 slots each, enough for all times of 64 bits, hold the
entries by the tick in which they expire, the nearest ticks one to a slot, the others in slots that are emptied into the
round below when their time begins. The entries of a slot stand in eight chains side by side: whoever follows one chain
waits for memory at each step, but may ask for the next entries of all eight at once. A
refreshed entry stays where it is and is moved on when its old tick comes; one that is to expire sooner is moved at once.
New entries come here only if they are still there after a while (`early`), or expire before that.
When a tick begins, its entries are put in order of time and flow: so expiry is exact, and in the same order as the heap
of `sgsim.conntrack.table`.
"""

import numpy as np

from sgsim.kernels.arrays import Column, Memory
from sgsim.kernels.early import EARLY_NS, oldest_early
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    BASE,
    DUE_AT,
    DUE_COUNT,
    DUE_ENTRY,
    DUE_FLOW,
    DUE_HASH,
    DUE_SIZE,
    DUE_TIME,
    DUE_WORDS,
    EARLY_AT,
    EARLY_HEAD,
    EXPIRES,
    FLOW,
    LANES,
    LINKS,
    OPENED,
    ROUNDS,
    SLOTS,
    STATE,
    TICK,
)
from sgsim.kernels.prefetch import highest_bit, lowest_bit, prefetch
from sgsim.kernels.table import hash_of

TICK_SHIFT = 22
IN_DUE_LIST = -1
"""As the previous neighbour: the entry stands in the list of the current tick."""

MOST_STEPS = 12
"""How far records of a list move on average before another way of putting them in order is cheaper."""

_LOW = 0xFFFFFFFF


@kernel(is_entry=False, inline=True)
def tick_of(m: Memory, time_ns: int) -> int:
    """The tick that a time falls into."""
    return (time_ns - m.clock[BASE]) >> TICK_SHIFT


@kernel(is_entry=False, inline=True)
def put(m: Memory, entry: int) -> None:
    """Note when an entry expires."""
    tick = tick_of(m, m.pool[entry * 8 + EXPIRES])
    if tick <= m.clock[TICK]:
        put_due(m, entry)
    else:
        _put_at(m, entry, tick)


@kernel(is_entry=False, inline=True)
def comes_too_late(m: Memory, entry: int, expires_ns: int) -> bool:
    """Whether an entry, which is to expire at `expires_ns` now, may stand in the calendar after that."""
    word = entry * 8
    if expires_ns >= m.pool[word + EXPIRES]:
        return False
    return not (m.pool[word + STATE] >> EARLY_AT & 1 and expires_ns >= m.pool[word + OPENED] + EARLY_NS)


@kernel(is_entry=False, inline=True)
def _put_at(m: Memory, entry: int, tick: int) -> None:
    """Put an entry into a tick that has not begun."""
    apart = tick ^ m.clock[TICK]
    level = min(highest_bit(np.uint64(apart)) >> 3, ROUNDS - 1)
    slot = level * SLOTS + (tick >> 8 * level & 255)
    chain = slot * LANES + (entry & LANES - 1)
    head = np.int64(m.heads[chain])
    m.heads[chain] = entry + 1
    m.occupied[slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)
    # The previous neighbour of the first of a chain is the chain itself, told apart by its sign.
    m.pool[entry * 8 + LINKS] = ((-2 - chain) & _LOW) | head << 32
    if head:
        neighbour = (head - 1) * 8 + LINKS
        m.pool[neighbour] = (m.pool[neighbour] & ~_LOW) | (entry + 1)


@kernel(is_entry=False)
def put_due(m: Memory, entry: int) -> None:
    """Put an entry in its place in the list of the current tick."""
    if m.clock[DUE_COUNT] >= m.clock[DUE_SIZE]:
        _drop_done(m)
    _write_due(m, m.clock[DUE_COUNT], entry)
    _insert(m.due, m.clock[DUE_AT], m.clock[DUE_COUNT])
    m.clock[DUE_COUNT] += 1
    m.pool[entry * 8 + LINKS] = IN_DUE_LIST & _LOW


@kernel(is_entry=False, inline=True)
def _write_due(m: Memory, at: int, entry: int) -> None:
    """Write a record of the list of the current tick."""
    word = at * DUE_WORDS
    m.due[word + DUE_TIME] = m.pool[entry * 8 + EXPIRES]
    m.due[word + DUE_FLOW] = m.pool[entry * 8 + FLOW]
    m.due[word + DUE_ENTRY] = entry
    m.due[word + DUE_HASH] = np.int64(hash_of(m, entry))


@kernel(is_entry=False, inline=True)
def _insert(due: Column, first: int, at: int) -> int:
    """Put a record in its place among those from `first` on before it, which are in order; how many move up for it."""
    begun, word = at, at * DUE_WORDS
    time_ns, flow, entry, hashed = due[word], due[word + DUE_FLOW], due[word + DUE_ENTRY], due[word + DUE_HASH]
    while at > first:
        before = (at - 1) * DUE_WORDS
        if due[before] < time_ns or (due[before] == time_ns and due[before + DUE_FLOW] <= flow):
            break
        for place in range(DUE_WORDS):
            due[before + DUE_WORDS + place] = due[before + place]
        at -= 1
    word = at * DUE_WORDS
    due[word], due[word + DUE_FLOW], due[word + DUE_ENTRY], due[word + DUE_HASH] = time_ns, flow, entry, hashed
    return begun - at


@kernel(is_entry=False)
def _drop_done(m: Memory) -> None:
    """Make room in the list: what is done at its head goes, the rest moves up."""
    begin, end = m.clock[DUE_AT], m.clock[DUE_COUNT]
    for word in range((end - begin) * DUE_WORDS):
        m.due[word] = m.due[begin * DUE_WORDS + word]
    m.clock[DUE_AT], m.clock[DUE_COUNT] = 0, end - begin


@kernel(is_entry=False)
def _clear_if_empty(m: Memory, slot: int) -> None:
    """Note that a slot holds no entry, if that is so."""
    for chain in range(slot * LANES, (slot + 1) * LANES):
        if m.heads[chain]:
            return
    m.occupied[slot >> 6] &= ~(np.uint64(1) << np.uint64(slot & 63))


@kernel(is_entry=False, inline=True)
def take(m: Memory, entry: int) -> None:
    """Take an entry out; one in the list of the current tick stays there and is known by its flow, as one among `early`."""
    links = m.pool[entry * 8 + LINKS]
    before, after = links & _LOW, links >> 32 & _LOW
    if before == IN_DUE_LIST & _LOW or m.pool[entry * 8 + STATE] >> EARLY_AT & 1:
        return
    if before >> 31:
        chain = -2 - (before - (1 << 32))
        m.heads[chain] = after
        if not after:
            _clear_if_empty(m, chain // LANES)
    else:
        neighbour = (before - 1) * 8 + LINKS
        m.pool[neighbour] = (m.pool[neighbour] & _LOW) | after << 32
    if after:
        neighbour = (after - 1) * 8 + LINKS
        m.pool[neighbour] = (m.pool[neighbour] & ~_LOW) | before


@kernel(is_entry=False)
def put_again(m: Memory, entry: int) -> None:
    """Note that an entry expires sooner than was noted."""
    take(m, entry)
    m.pool[entry * 8 + STATE] &= ~(1 << EARLY_AT)
    put(m, entry)


@kernel(is_entry=False, inline=True)
def is_in_due_list(m: Memory, entry: int) -> bool:
    """Whether an entry stands in the list of the current tick."""
    return m.pool[entry * 8 + LINKS] & _LOW == IN_DUE_LIST & _LOW


@kernel(is_entry=False)
def _next_occupied(m: Memory, level: int, begin: int) -> int:
    """The first slot of a round from `begin` on that holds an entry; -1 if none does."""
    for word in range(begin >> 6, 4):
        bits = m.occupied[level * 4 + word]
        if word == begin >> 6:
            bits = bits >> np.uint64(begin & 63) << np.uint64(begin & 63)
        if bits:
            return word * 64 + lowest_bit(bits)
    return -1


@kernel(is_entry=False)
def _look_at(m: Memory, entry: int, count: int) -> int:
    """Put an entry where it belongs now: into the list of the tick, of which `count` are there, or on; gives the new count."""
    if tick_of(m, m.pool[entry * 8 + EXPIRES]) > m.clock[TICK]:
        put(m, entry)
        return count
    _write_due(m, count, entry)
    m.pool[entry * 8 + LINKS] = IN_DUE_LIST & _LOW
    return count + 1


@kernel(is_entry=False)
def _look_at_early(m: Memory) -> int:
    """Put all new entries whose time has come where they belong now; gives how many are in the list of the tick."""
    count = 0
    while True:
        entry = oldest_early(m)
        if entry < 0 or _early_tick(m, entry) > m.clock[TICK]:
            return count
        m.clock[EARLY_HEAD] += 1
        m.pool[entry * 8 + STATE] &= ~(1 << EARLY_AT)
        count = _look_at(m, entry, count)


@kernel(is_entry=False, inline=True)
def _early_tick(m: Memory, entry: int) -> int:
    """The tick in which a new entry is looked at."""
    return tick_of(m, m.pool[entry * 8 + OPENED] + EARLY_NS)


@kernel(is_entry=False)
def _empty(m: Memory, slot: int, count: int) -> int:
    """Put all entries of a slot where they belong now; gives how many are in the list of the tick then."""
    m.occupied[slot >> 6] &= ~(np.uint64(1) << np.uint64(slot & 63))
    first = slot * LANES
    for chain in range(first, first + LANES):
        prefetch(m.pool, (np.int64(m.heads[chain]) - 1) * 8)
    has_more = True
    while has_more:
        has_more = False
        for chain in range(first, first + LANES):
            at = np.int64(m.heads[chain])
            if not at:
                continue
            entry = at - 1
            following = m.pool[entry * 8 + LINKS] >> 32 & _LOW
            m.heads[chain] = following
            if following:
                has_more = True
                prefetch(m.pool, (following - 1) * 8)
            count = _look_at(m, entry, count)
    return count


@kernel(is_entry=False)
def _is_before(due: Column, left: int, right: int) -> bool:
    left, right = left * DUE_WORDS, right * DUE_WORDS
    if due[left] != due[right]:
        return due[left] < due[right]
    return due[left + DUE_FLOW] < due[right + DUE_FLOW]


@kernel(is_entry=False)
def _swap(due: Column, left: int, right: int) -> None:
    left, right = left * DUE_WORDS, right * DUE_WORDS
    for word in range(DUE_WORDS):
        due[left + word], due[right + word] = due[right + word], due[left + word]


@kernel(is_entry=False)
def _sort(due: Column, count: int) -> None:
    """Put the list in order of time and flow, in place: at once if it nearly is, or nearly is the other way round."""
    rises = 0
    for at in range(1, count):
        rises += 1 if _is_before(due, at - 1, at) else -1
    if rises < 0:
        for at in range(count // 2):
            _swap(due, at, count - 1 - at)
    if _insert_each(due, count):
        return
    for root in range(count // 2 - 1, -1, -1):
        _sift(due, root, count)
    for end in range(count - 1, 0, -1):
        _swap(due, 0, end)
        _sift(due, 0, end)


@kernel(is_entry=False)
def _insert_each(due: Column, count: int) -> bool:
    """Let each record move to its place among those before it; False, without an order, if that goes too far."""
    steps = count * MOST_STEPS
    for at in range(1, count):
        steps -= _insert(due, 0, at)
        if steps < 0:
            return False
    return True


@kernel(is_entry=False)
def _sift(due: Column, root: int, count: int) -> None:
    """Restore the heap below `root`: no parent is before its children."""
    while True:
        child = root * 2 + 1
        if child >= count:
            return
        if child + 1 < count and _is_before(due, child, child + 1):
            child += 1
        if not _is_before(due, root, child):
            return
        _swap(due, root, child)
        root = child


@kernel(is_entry=False)
def begin_next_tick(m: Memory, limit: int) -> bool:
    """Go on to the next tick in which something may expire, at most to `limit`; the current list is done.

    Returns:
        Whether there is one; if not, the calendar stands at `limit`.
    """
    m.clock[DUE_AT] = 0
    m.clock[DUE_COUNT] = 0
    now = m.clock[TICK]
    while True:
        entry = oldest_early(m)
        early = _early_tick(m, entry) if entry >= 0 else limit + 1
        found, begin = -1, limit + 1
        for level in range(ROUNDS):
            slot = _next_occupied(m, level, (now >> 8 * level & 255) + 1)
            if slot >= 0:
                found, begin = level * SLOTS + slot, (now >> 8 * (level + 1) << 8 | slot) << 8 * level
                break
        if min(early, begin) > limit:
            m.clock[TICK] = max(limit, now)
            return False
        now = m.clock[TICK] = min(early, begin)
        count = _look_at_early(m) if early == now else 0
        if begin == now:
            count = _empty(m, found, count)
        m.clock[DUE_COUNT] = count
        if count:
            _sort(m.due, count)
            return True
