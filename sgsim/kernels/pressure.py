"""The load on each table.

Compiled twin of `sgsim.conntrack.pressure`. Where the reference keeps tallies by rule and peer of all that has changed
since the peak, the kernels keep those of entries that have left since: the others are still in the pool at the end, and
whether one was there at the peak is told by the number of its flow.
"""

import numpy as np
from numba import types

from sgsim.kernels.arrays import Column, Memory
from sgsim.kernels.jit import apart, kernel
from sgsim.kernels.layout import (
    ANSWERED_AT,
    BIN_AT,
    BIN_END,
    BIN_GREATEST,
    BIN_INSERTED,
    BIN_LAST,
    BIN_LEAST,
    BIN_NS,
    BIN_REFUSED,
    BIN_START,
    BIN_USED,
    BIN_WORDS,
    COUNT,
    DEPARTED_MASK,
    DEPARTED_USED,
    ENTRY_WORDS,
    EXCEEDED,
    FIRST_REFUSED,
    FLOW,
    HAS_BINS,
    INSERTED,
    KEY_ADDRESSES,
    KEY_IPV6,
    KEY_SERVICE,
    OWNER,
    PEAK,
    PEAK_FLOW,
    PEAK_TIME,
    PLACES_AT,
    RULE_COUNT,
    STATE,
    STATE_CLASSES,
    STREAM_AT,
    TABLE_WORDS,
    TOUCHED,
)
from sgsim.kernels.prefetch import prefetch
from sgsim.kernels.table import mix
from sgsim.model.protocol import Protocol

MOST_BINS = 4096
TCP = int(Protocol.TCP)
IPV4_BLOCK_SHIFT = 8
"""Peers are counted by /24; IPv6 ones by /64, the upper half of the address."""

_LOW = 0xFFFFFFFF
_DEPARTED_WORDS = 4


@kernel(is_entry=False, inline=True)
def state_class(service: int, state: int) -> int:
    """The class that an entry is counted in by protocol and state."""
    protocol = service >> 32 & 255
    of_others = 16 + protocol * 3 + max((state >> STREAM_AT & 1) * 2, state >> ANSWERED_AT & 1)
    return state & 15 if protocol == TCP else of_others


@kernel(is_entry=False, inline=True)
def _touch(m: Memory, table: int, kind: int, places: int) -> None:
    at = table * STATE_CLASSES + kind
    m.state_since[at] += places
    if not m.state_is_touched[at]:
        m.state_is_touched[at] = 1
        touched = m.tables[table * TABLE_WORDS + TOUCHED]
        m.state_touched[table * STATE_CLASSES + touched] = kind
        m.tables[table * TABLE_WORDS + TOUCHED] = touched + 1


@kernel(is_entry=False, inline=True)
def _mark_peak(m: Memory, table: int) -> None:
    begin = table * STATE_CLASSES
    for at in range(begin, begin + m.tables[table * TABLE_WORDS + TOUCHED]):
        kind = begin + np.int64(m.state_touched[at])
        m.by_state[kind] += m.state_since[kind]
        m.state_since[kind] = 0
        m.state_is_touched[kind] = 0
    m.tables[table * TABLE_WORDS + TOUCHED] = 0


@kernel(is_entry=False, inline=True)
def _bin(m: Memory, table: int, now_ns: int) -> int:
    """Where the bin of a time begins in `bins`."""
    row = table * TABLE_WORDS
    if now_ns < m.tables[row + BIN_END]:
        return m.tables[row + BIN_AT]
    if not m.tables[row + HAS_BINS]:
        m.tables[row + HAS_BINS] = 1
        m.tables[row + BIN_START] = now_ns
    while (now_ns - m.tables[row + BIN_START]) // m.tables[row + BIN_NS] >= MOST_BINS:
        _merge_bins(m, table)
    index = (now_ns - m.tables[row + BIN_START]) // m.tables[row + BIN_NS]
    at = (table * MOST_BINS + index) * BIN_WORDS
    m.tables[row + BIN_AT] = at
    m.tables[row + BIN_END] = m.tables[row + BIN_START] + (index + 1) * m.tables[row + BIN_NS]
    if not m.bins[at + BIN_USED]:
        m.bins[at + BIN_USED] = 1
        count = m.tables[row + COUNT]
        m.bins[at + BIN_LEAST] = m.bins[at + BIN_GREATEST] = m.bins[at + BIN_LAST] = count
    return at


@kernel(is_entry=False)
def _merge_bins(m: Memory, table: int) -> None:
    """Make two neighbours one, in place."""
    m.tables[table * TABLE_WORDS + BIN_NS] *= 2
    begin = table * MOST_BINS * BIN_WORDS
    for index in range(MOST_BINS // 2):
        left, right = begin + 2 * index * BIN_WORDS, begin + (2 * index + 1) * BIN_WORDS
        if not m.bins[left + BIN_USED]:
            left, right = right, left
        elif m.bins[right + BIN_USED]:
            m.bins[left + BIN_LEAST] = min(m.bins[left + BIN_LEAST], m.bins[right + BIN_LEAST])
            m.bins[left + BIN_GREATEST] = max(m.bins[left + BIN_GREATEST], m.bins[right + BIN_GREATEST])
            m.bins[left + BIN_LAST] = m.bins[right + BIN_LAST]
            for word in range(BIN_INSERTED, BIN_REFUSED + 1):
                m.bins[left + word] += m.bins[right + word]
        for word in range(BIN_WORDS):
            m.bins[begin + index * BIN_WORDS + word] = m.bins[left + word]
    for at in range(begin + MOST_BINS // 2 * BIN_WORDS, begin + MOST_BINS * BIN_WORDS):
        m.bins[at] = 0


@kernel(is_entry=False, inline=True)
def _change(m: Memory, table: int, places: int, at: int) -> int:
    """Count places that are taken, or freed if there are fewer than none, also in a bin; gives how many are taken then."""
    row = table * TABLE_WORDS + COUNT
    count = m.tables[row] + places
    m.tables[row] = count
    m.bins[at + BIN_LAST] = count
    m.bins[at + BIN_LEAST] = min(m.bins[at + BIN_LEAST], count)
    m.bins[at + BIN_GREATEST] = max(m.bins[at + BIN_GREATEST], count)
    return count


@kernel(is_entry=False, inline=True)
def note_inserted(m: Memory, table: int, service: int, state: int, flow: int, now_ns: int) -> None:
    """An entry took its places; `service` is its word of the key, `state` its state word, `flow` the number of its flow."""
    row, kind, places = table * TABLE_WORDS, state_class(service, state), state >> PLACES_AT & 3
    at = _bin(m, table, now_ns)
    m.tables[row + INSERTED] += 1
    m.bins[at + BIN_INSERTED] += 1
    count = _change(m, table, places, at)
    if count <= m.tables[row + PEAK]:
        _touch(m, table, kind, places)
        return
    if m.tables[row + TOUCHED]:
        _mark_peak(m, table)
    m.by_state[table * STATE_CLASSES + kind] += places
    m.tables[row + PEAK], m.tables[row + PEAK_TIME], m.tables[row + PEAK_FLOW] = count, now_ns, flow


@kernel(is_entry=False, inline=True)
def note_removed(m: Memory, table: int, entry: int, kind: int, now_ns: int) -> None:
    """An entry freed its places; `kind` is the position in a bin that counts why."""
    word = entry * ENTRY_WORDS
    at = _bin(m, table, now_ns)
    places = m.pool[word + STATE] >> PLACES_AT & 3
    _change(m, table, -places, at)
    _touch(m, table, state_class(m.pool[word + KEY_SERVICE], m.pool[word + STATE]), -places)
    m.bins[at + kind] += 1
    if m.pool[word + FLOW] <= m.tables[table * TABLE_WORDS + PEAK_FLOW]:
        _depart(m, table, entry, places)


@kernel(is_entry=False, inline=True)
def note_state_here(m: Memory, table: int, service: int, before: int, after: int) -> None:
    """An entry moved from the state word `before` to that of `after`; `service` is its word of the key."""
    was, is_now = state_class(service, before), state_class(service, after)
    if was != is_now:
        places = before >> PLACES_AT & 3
        _touch(m, table, was, -places)
        _touch(m, table, is_now, places)


note_state = apart(note_state_here)
"""The same as a function of its own, for moves that are rarer."""


@kernel(is_entry=False)
def note_refused(m: Memory, table: int, now_ns: int) -> None:
    """A packet found no place."""
    row = table * TABLE_WORDS
    m.tables[row + EXCEEDED] += 1
    m.bins[_bin(m, table, now_ns) + BIN_REFUSED] += 1
    if m.tables[row + EXCEEDED] == 1:
        m.tables[row + FIRST_REFUSED] = now_ns


@kernel(is_entry=False, inline=True)
def _depart(m: Memory, table: int, entry: int, places: int) -> None:
    """Count an entry of the peak that is leaving."""
    word = entry * ENTRY_WORDS
    peak = m.tables[table * TABLE_WORDS + PEAK_FLOW]
    rule = (m.pool[word + OWNER] >> 32 & _LOW) - 1
    at = table * m.clock[RULE_COUNT] + rule
    if m.departed_rule_peak[at] != peak:
        m.departed_rule_peak[at] = peak
        m.departed_rule[at] = 0
    m.departed_rule[at] += places
    is_ipv6 = m.pool[word + KEY_SERVICE] & KEY_IPV6
    if is_ipv6:
        block, kind = m.wide[entry * 4 + 2], np.uint64(table * 2 + 2)
    else:
        remote = m.pool[word + KEY_ADDRESSES] >> 32 & _LOW
        block, kind = np.uint64(remote >> IPV4_BLOCK_SHIFT), np.uint64(table * 2 + 1)
    _depart_peer(m, kind, block, np.uint64(peak), np.uint64(places))


@kernel(is_entry=False, inline=True)
def ask_for_departed(m: Memory, entry: int) -> None:
    """Ask early for where the peer of a flow that is about to leave is counted; of IPv6 that is another place."""
    block = np.uint64(m.pool[entry * ENTRY_WORDS + KEY_ADDRESSES] >> 32 + IPV4_BLOCK_SHIFT & 0xFFFFFF)
    mask = np.uint64(m.clock[DEPARTED_MASK])
    prefetch(m.departed, np.int64(mix(block ^ mix(np.uint64(1))) & mask) * _DEPARTED_WORDS)


@kernel(is_entry=False)
def _departed_slot(departed: Column, mask: np.uint64, kind: np.uint64, block: np.uint64) -> np.uint64:
    """Where a peer's block is, or would be, counted: the position of the first word."""
    words = np.uint64(_DEPARTED_WORDS)
    at = mix(block ^ mix(kind)) & mask
    while departed[at * words] != np.uint64(0):
        if departed[at * words] == kind and departed[at * words + np.uint64(1)] == block:
            break
        at = (at + np.uint64(1)) & mask
    return at * words


@kernel(is_entry=False, inline=True)
def _depart_peer(m: Memory, kind: np.uint64, block: np.uint64, peak: np.uint64, places: np.uint64) -> None:
    """Count places that a peer's block has left.

    A slot that an earlier peak has left is as good as empty. If it comes before one in which the block already stands,
    the block is counted in both, and read back as their sum.
    """
    words, mask = np.uint64(_DEPARTED_WORDS), np.uint64(m.clock[DEPARTED_MASK])
    slot = mix(block ^ mix(kind)) & mask
    while True:
        at = slot * words
        if m.departed[at] == np.uint64(0):
            m.clock[DEPARTED_USED] += 1
            break
        if m.departed[at] == kind and m.departed[at + np.uint64(1)] == block:
            break
        table = np.int64(m.departed[at] - np.uint64(1)) >> 1
        if np.int64(m.departed[at + np.uint64(2)]) != m.tables[table * TABLE_WORDS + PEAK_FLOW]:
            break
        slot = (slot + np.uint64(1)) & mask
    if m.departed[at] != kind or m.departed[at + np.uint64(1)] != block or m.departed[at + np.uint64(2)] != peak:
        m.departed[at], m.departed[at + np.uint64(1)] = kind, block
        m.departed[at + np.uint64(2)], m.departed[at + np.uint64(3)] = peak, np.uint64(0)
    m.departed[at + np.uint64(3)] += places


@kernel(signature=types.void(types.uint64[::1], types.uint64[::1]))
def put_departed(departed: Column, rows: Column) -> None:
    """Put rows of an old tally into a new one."""
    mask = np.uint64(len(departed) // _DEPARTED_WORDS - 1)
    for begin in range(0, len(rows), _DEPARTED_WORDS):
        at = np.int64(_departed_slot(departed, mask, rows[begin], rows[begin + 1]))
        for word in range(_DEPARTED_WORDS):
            departed[at + word] = rows[begin + word]
