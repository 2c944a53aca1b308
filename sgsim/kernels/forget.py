"""How flows end.

Compiled twin of the ends in `sgsim.conntrack.table` and `sgsim.engine.memory`.
"""

import numpy as np
from numba import types

from sgsim.kernels import calendar, pressure
from sgsim.kernels.arrays import Column, Facts, Memory, Network
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    BESIDE,
    BIN_CLOSED,
    BIN_EXPIRED,
    BIN_UNTRACKED,
    CAUSE_AT,
    COLD_START,
    DEPARTED_MASK,
    DEPARTED_USED,
    DUE_AT,
    DUE_COUNT,
    DUE_ENTRY,
    DUE_FLOW,
    DUE_HASH,
    DUE_TIME,
    DUE_WORDS,
    ENDED_BEFORE,
    ENDED_MASK,
    ENDED_MOST,
    ENDED_USED,
    ENTRY_WORDS,
    EXPIRES,
    EXTRA_WORDS,
    FLOW,
    FLOW_WORDS,
    FLOWS_OUT,
    FLOWS_OUT_SIZE,
    FORGET_AT,
    FORGET_COUNT,
    FORGET_QUEUE,
    FORGET_TABLE,
    FORGOTTEN,
    HAS_EXTRA,
    IF_TABLE,
    IF_WORDS,
    KEY_IPV6,
    KEY_SERVICE,
    KIND_CUT,
    KIND_FORGOTTEN,
    KIND_PRESUMED,
    OUT_END,
    OUT_ENDED_AT,
    OWNER,
    POOL_USED,
    PRESUMED_AT,
    RECORD_FLOWS,
    RECORDED,
    REMEMBER,
    START,
    STATE,
    TABLE_WORDS,
    TICK,
    TIMEOUT_WORDS,
    TRACKING_AT,
    VERSION_AT,
)
from sgsim.kernels.prefetch import prefetch
from sgsim.kernels.table import TRACKED, UNTRACKED, free_entry, hash_of, home, mix, unlink
from sgsim.model.states import TcpState

EXPIRED, CLOSED, CUT, REPLACED, DROPPED, MOVED = 1, 2, 3, 4, 5, 6
"""Why a flow ended; a test holds them against `sgsim.conntrack.entry.FlowEnd`."""

TIME_WAIT, CLOSE = int(TcpState.TIME_WAIT), int(TcpState.CLOSE)
CAUSE_OPEN_RULES = 1

ENDS_AHEAD = 8
"""How many flows ahead the memory is asked for in which ends are noted."""

_LOW = 0xFFFFFFFF


@kernel(is_entry=False, inline=True)
def longest_ns(net: Network, facts: Facts, interface: int, protocol: int) -> int:
    """The longest silence after which a flow of a protocol may still be remembered."""
    return net.timeouts[interface * TIMEOUT_WORDS + np.int64(facts.longest_places[protocol])]


@kernel(is_entry=False)
def forget(m: Memory, net: Network, facts: Facts, entry: int, end: int, now_ns: int) -> None:
    """Remember a flow no more."""
    forget_here(m, net, facts, entry, hash_of(m, entry), end, now_ns)


@kernel(is_entry=False, inline=True)
def forget_here(m: Memory, net: Network, facts: Facts, entry: int, hashed: np.uint64, end: int, now_ns: int) -> None:
    """The same inlined, for flows that expire; `hashed` is the hash of the key."""
    word = entry * ENTRY_WORDS
    interface = m.pool[word + OWNER] & _LOW
    table = net.interfaces[interface * IF_WORDS + IF_TABLE]
    tracking = m.pool[word + STATE] >> TRACKING_AT & 3
    if tracking == TRACKED:
        pressure.note_removed(m, table, entry, BIN_EXPIRED if end == EXPIRED else BIN_CLOSED, now_ns)
    else:
        m.tables[table * TABLE_WORDS + BESIDE] -= 1
    _count_kind(m, entry, tracking, end)
    if facts.options[RECORDED] and not facts.options[COLD_START] and end != DROPPED:
        protocol = m.pool[word + KEY_SERVICE] >> 32 & 255
        if now_ns - m.clock[START] < longest_ns(net, facts, interface, protocol):
            _add_ended(m, facts, fingerprint(m, entry, hashed))
    if facts.options[RECORD_FLOWS]:
        write_flow(m, entry, end, now_ns)
    unlink(m, entry, hashed)
    calendar.take(m, entry)
    free_entry(m, entry)


@kernel(is_entry=False, inline=True)
def _count_kind(m: Memory, entry: int, tracking: int, end: int) -> None:
    m.kinds[tracking - 1] += 1
    if m.pool[entry * ENTRY_WORDS + STATE] >> PRESUMED_AT & 1:
        m.kinds[KIND_PRESUMED] += 1
    if end == CUT:
        m.kinds[KIND_CUT] += 1
    if end == DROPPED:
        m.kinds[KIND_FORGOTTEN] += 1


@kernel(is_entry=False)
def write_flow(m: Memory, entry: int, end: int, now_ns: int) -> None:
    """Hand a flow to whoever records flows; the caller has seen to it that there is room."""
    out = m.clock[FLOWS_OUT] * FLOW_WORDS
    m.clock[FLOWS_OUT] += 1
    for word in range(ENTRY_WORDS):
        m.flows_out[out + word] = m.pool[entry * ENTRY_WORDS + word]
        m.flows_out[out + ENTRY_WORDS + word] = m.extra[entry * EXTRA_WORDS + word]
    if m.pool[entry * ENTRY_WORDS + KEY_SERVICE] & KEY_IPV6:
        for word in range(4):
            m.flows_out[out + 16 + word] = np.int64(m.wide[entry * 4 + word])
    m.flows_out[out + OUT_END] = end
    m.flows_out[out + OUT_ENDED_AT] = now_ns


@kernel(is_entry=False, inline=True)
def fingerprint(m: Memory, entry: int, hashed: np.uint64) -> np.uint64:
    """64 bits that stand for the key of an entry, of which `hashed` is the hash."""
    if m.pool[entry * ENTRY_WORDS + KEY_SERVICE] & KEY_IPV6:
        at = entry * 4
        hashed = wide_fingerprint(hashed, m.wide[at], m.wide[at + 1], m.wide[at + 2], m.wide[at + 3])
    return hashed | np.uint64(1)


@kernel(is_entry=False)
def wide_fingerprint(
    hashed: np.uint64, local_hi: np.uint64, local_lo: np.uint64, remote_hi: np.uint64, remote_lo: np.uint64
) -> np.uint64:
    """The same with the whole of the IPv6 addresses."""
    return mix(mix(mix(mix(hashed ^ local_hi) ^ local_lo) ^ remote_hi) ^ remote_lo)


@kernel(is_entry=False, inline=True)
def has_ended(m: Memory, print_: np.uint64) -> bool:
    """Whether a flow with this fingerprint has ended, in this generation or the last."""
    mask = np.uint64(m.clock[ENDED_MASK])
    slots = mask + np.uint64(1)
    for generation in range(2):
        if m.clock[ENDED_BEFORE if generation else ENDED_USED] == 0:
            continue
        begin = np.uint64(generation) * slots
        at = print_ >> np.uint64(1) & mask
        while m.ended[begin + at] != np.uint64(0):
            if m.ended[begin + at] == print_:
                return True
            at = (at + np.uint64(1)) & mask
    return False


@kernel(is_entry=False, inline=True)
def _add_ended(m: Memory, facts: Facts, print_: np.uint64) -> None:
    mask = np.uint64(m.clock[ENDED_MASK])
    at = print_ >> np.uint64(1) & mask
    while m.ended[at] != np.uint64(0):
        if m.ended[at] == print_:
            return
        at = (at + np.uint64(1)) & mask
    if m.clock[ENDED_USED] >= facts.options[ENDED_MOST]:
        slots = m.clock[ENDED_MASK] + 1
        for slot in range(slots):
            m.ended[slots + slot] = m.ended[slot]
            m.ended[slot] = np.uint64(0)
        m.clock[ENDED_BEFORE], m.clock[ENDED_USED] = m.clock[ENDED_USED], 0
        at = print_ >> np.uint64(1) & mask
    m.ended[at] = print_
    m.clock[ENDED_USED] += 1


@kernel(signature=types.void(types.uint64[::1], types.uint64[::1]))
def rebuild_ended(old: Column, new: Column) -> None:
    """Put both generations of fingerprints into larger ones; afterwards the old ones mean nothing."""
    was, slots = len(old) // 2, len(new) // 2
    mask = np.uint64(slots - 1)
    for generation in range(2):
        first, begin = generation * was, np.uint64(generation * slots)
        end = first
        for place in range(first, first + was):  # which slots are empty is anyone's guess, so nothing branches on it
            print_ = old[place]
            old[end] = print_
            end += print_ != np.uint64(0)
        for place in range(first, end):
            at = old[place] >> np.uint64(1) & mask
            while new[begin + at] != np.uint64(0):
                at = (at + np.uint64(1)) & mask
            new[begin + at] = old[place]


@kernel(is_entry=False)
def untrack(m: Memory, net: Network, facts: Facts, entry: int, rule: int, version: int, now_ns: int) -> None:
    """Let a tracked flow go on untracked: it keeps its opener and frees its places."""
    word = entry * ENTRY_WORDS
    interface = m.pool[word + OWNER] & _LOW
    table = net.interfaces[interface * IF_WORDS + IF_TABLE]
    pressure.note_removed(m, table, entry, BIN_UNTRACKED, now_ns)
    state = m.pool[word + STATE] & ~(3 << TRACKING_AT | 15 << CAUSE_AT | ~0 << VERSION_AT)
    m.pool[word + STATE] = state | UNTRACKED << TRACKING_AT | CAUSE_OPEN_RULES << CAUSE_AT | version << VERSION_AT
    m.pool[word + OWNER] = interface | (rule + 1) << 32
    if m.clock[FORGET_TABLE] == table + 1:
        m.clock[FORGET_TABLE] = 0
    note_beside(m, net, facts, table, now_ns)


@kernel(is_entry=False)
def note_beside(m: Memory, net: Network, facts: Facts, table: int, now_ns: int) -> None:
    """A flow came to be remembered beside a table; of too many, the one that began first is forgotten."""
    m.tables[table * TABLE_WORDS + BESIDE] += 1
    while m.tables[table * TABLE_WORDS + BESIDE] > facts.options[REMEMBER]:
        m.tables[table * TABLE_WORDS + FORGOTTEN] += 1
        forget(m, net, facts, _oldest_beside(m, net, table), DROPPED, now_ns)


@kernel(is_entry=False)
def _oldest_beside(m: Memory, net: Network, table: int) -> int:
    """The flow beside a table that began first."""
    while True:
        if m.clock[FORGET_TABLE] != table + 1 or m.clock[FORGET_AT] >= m.clock[FORGET_COUNT]:
            _queue_oldest(m, net, table)
        at = m.clock[FORGET_AT] * 2
        m.clock[FORGET_AT] += 1
        flow, entry = m.forget[at], m.forget[at + 1]
        word = entry * ENTRY_WORDS
        if m.pool[word + FLOW] == flow and m.pool[word + STATE] >> TRACKING_AT & 3 != TRACKED:
            return entry


@kernel(is_entry=False)
def _queue_oldest(m: Memory, net: Network, table: int) -> None:
    """Find the next flows to forget; one search of the pool serves for `FORGET_QUEUE` of them."""
    count = 0
    for entry in range(m.clock[POOL_USED]):
        word = entry * ENTRY_WORDS
        if m.pool[word + FLOW] and m.pool[word + STATE] >> TRACKING_AT & 3 != TRACKED:
            interface = m.pool[word + OWNER] & _LOW
            if net.interfaces[interface * IF_WORDS + IF_TABLE] == table:
                count = _queue(m, m.pool[word + FLOW], entry, count)
    for end in range(count - 1, 0, -1):
        flow, entry = m.forget[end * 2], m.forget[end * 2 + 1]
        m.forget[end * 2], m.forget[end * 2 + 1] = m.forget[0], m.forget[1]
        _sift(m, flow, entry, end)
    m.clock[FORGET_TABLE], m.clock[FORGET_AT], m.clock[FORGET_COUNT] = table + 1, 0, count


@kernel(is_entry=False)
def _queue(m: Memory, flow: int, entry: int, count: int) -> int:
    """Put a flow into a heap whose root is the youngest of the oldest; from a full one the youngest goes. How many it has."""
    if count == FORGET_QUEUE:
        if flow < m.forget[0]:
            _sift(m, flow, entry, count)
        return count
    at = count
    while at and m.forget[(at - 1) // 2 * 2] < flow:
        parent = (at - 1) // 2
        m.forget[at * 2], m.forget[at * 2 + 1] = m.forget[parent * 2], m.forget[parent * 2 + 1]
        at = parent
    m.forget[at * 2], m.forget[at * 2 + 1] = flow, entry
    return count + 1


@kernel(is_entry=False)
def _sift(m: Memory, flow: int, entry: int, count: int) -> None:
    """Put a flow in place of the root of a heap of so many."""
    at = 0
    while at * 2 + 1 < count:
        child = at * 2 + 1
        if child + 1 < count and m.forget[child * 2] < m.forget[child * 2 + 2]:
            child += 1
        if m.forget[child * 2] < flow:
            break
        m.forget[at * 2], m.forget[at * 2 + 1] = m.forget[child * 2], m.forget[child * 2 + 1]
        at = child
    m.forget[at * 2], m.forget[at * 2 + 1] = flow, entry


@kernel(is_entry=False, inline=True)
def has_room_to_end(m: Memory, facts: Facts) -> bool:
    """Whether what is kept of ended flows can take one packet's worth more."""
    if facts.options[RECORD_FLOWS] and m.clock[FLOWS_OUT] + 8 > m.clock[FLOWS_OUT_SIZE]:
        return False
    if (m.clock[DEPARTED_USED] + 8) * 2 > m.clock[DEPARTED_MASK]:
        return False
    if (m.clock[ENDED_USED] + 8) * 2 > m.clock[ENDED_MASK] and m.clock[ENDED_USED] < facts.options[ENDED_MOST]:
        return False
    return True


@kernel(is_entry=False, inline=True)
def _ask_for_end(m: Memory, at: int) -> None:
    """Ask for the memory in which the end of a flow will be noted; `at` is its place in the list of the current tick."""
    if at >= m.clock[DUE_COUNT]:
        return
    entry, hashed = m.due[at * DUE_WORDS + DUE_ENTRY], np.uint64(m.due[at * DUE_WORDS + DUE_HASH])
    prefetch(m.index, np.int64(home(m, hashed)))
    prefetch(m.ended, np.int64(hashed >> np.uint64(1) & np.uint64(m.clock[ENDED_MASK])))
    if m.clock[HAS_EXTRA]:
        prefetch(m.extra, entry * EXTRA_WORDS)
    pressure.ask_for_departed(m, entry)


@kernel(is_entry=False)
def ends_with_room(m: Memory, facts: Facts) -> int:
    """For how many packets what is kept of ended flows certainly has room."""
    room = (m.clock[DEPARTED_MASK] // 2 - m.clock[DEPARTED_USED]) // 8
    if facts.options[RECORD_FLOWS]:
        room = min(room, (m.clock[FLOWS_OUT_SIZE] - m.clock[FLOWS_OUT]) // 8)
    if m.clock[ENDED_MASK] // 2 < facts.options[ENDED_MOST] + 8:
        room = min(room, (m.clock[ENDED_MASK] // 2 - m.clock[ENDED_USED]) // 8)
    return room


@kernel(is_entry=False, inline=True)
def is_due(m: Memory, now_ns: int) -> bool:
    """Whether a flow may be due, or a tick begins."""
    if m.clock[DUE_AT] < m.clock[DUE_COUNT]:
        return m.due[m.clock[DUE_AT] * DUE_WORDS + DUE_TIME] <= now_ns
    return calendar.tick_of(m, now_ns) > m.clock[TICK]


@kernel(is_entry=False)
def expire_until(m: Memory, net: Network, facts: Facts, now_ns: int) -> bool:
    """Forget every flow that is due, in the order of time and flow.

    Returns:
        Whether that is done; if not, there is no more room for the flows that end, and it must go on later.
    """
    while True:
        while m.clock[DUE_AT] < m.clock[DUE_COUNT]:
            at = m.clock[DUE_AT] * DUE_WORDS
            due_ns, flow, entry = m.due[at + DUE_TIME], m.due[at + DUE_FLOW], m.due[at + DUE_ENTRY]
            if due_ns > now_ns:
                return True
            _ask_for_end(m, m.clock[DUE_AT] + ENDS_AHEAD)
            word = entry * ENTRY_WORDS
            if m.pool[word + FLOW] == flow and m.pool[word + EXPIRES] == due_ns:
                # The record stays in the list until its flow has ended, so that this can go on later.
                if not has_room_to_end(m, facts):
                    return False
                state = m.pool[word + STATE] & 15
                end = CLOSED if state == TIME_WAIT or state == CLOSE else EXPIRED
                forget_here(m, net, facts, entry, np.uint64(m.due[at + DUE_HASH]), end, due_ns)
            m.clock[DUE_AT] += 1
            if m.pool[word + FLOW] == flow and m.pool[word + EXPIRES] > due_ns and calendar.is_in_due_list(m, entry):
                calendar.put(m, entry)
        tick = calendar.tick_of(m, now_ns)
        if tick <= m.clock[TICK] or not calendar.begin_next_tick(m, tick):
            return True
        for at in range(ENDS_AHEAD):
            _ask_for_end(m, at)
