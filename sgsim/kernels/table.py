"""Flows that are remembered: an index apart from a pool of entries.

Compiled twin of `sgsim.conntrack.table` and `pressure`. The index has eight bytes a slot, a tag of the hash and the
number of an entry, and is at most two fifths full; entries never move. Eight slots are a line of the cache: a look-up
compares all of them at once, and goes on to the next line only behind one that is full. What it needs can so be asked for
early, and nothing branches on where in its line an entry stands.
"""

import numpy as np
from numba import types

from sgsim.kernels.arrays import Column, Memory
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ENTRY_WORDS,
    FLOW,
    FREE_COUNT,
    FREE_HEAD,
    INDEX_MASK,
    INDEX_USED,
    KEY_ADDRESSES,
    KEY_SERVICE,
    LINKS,
    OWNER,
    POOL_USED,
    STATE,
)
from sgsim.kernels.prefetch import lowest_bit, matches
from sgsim.model.states import Tracking

TRACKED, UNTRACKED, REFUSED = int(Tracking.TRACKED), int(Tracking.UNTRACKED), int(Tracking.REFUSED)

_LOW = 0xFFFFFFFF
_K1 = np.uint64(0x9E3779B97F4A7C15)
_K2 = np.uint64(0xC2B2AE3D27D4EB4F)
_K3 = np.uint64(0x165667B19E3779F9)
_SHIFT = np.uint64(32)
_HALF = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)

LINE_SLOTS = 8
_SLOTS = np.uint64(LINE_SLOTS)
_LINE = np.uint64(0xFFFFFFF8)
"""Of the lower half of a hash, what tells the line, once it is masked."""


@kernel(is_entry=False, inline=True)
def mix(word: np.uint64) -> np.uint64:
    """Spread the bits of a word over all of it."""
    word ^= word >> _SHIFT
    word *= _K2
    word ^= word >> np.uint64(29)
    word *= _K1
    return word ^ word >> _SHIFT


@kernel(is_entry=False, inline=True)
def hash_key(addresses: int, service: int, interface: int) -> np.uint64:
    """The hash of a key, 64 bits, odd, so that no tag is that of an empty slot; its lower half is the tag."""
    return mix(np.uint64(addresses) * _K1 ^ mix(np.uint64(service) ^ np.uint64(interface) * _K3)) | _ONE


@kernel(is_entry=False, inline=True)
def home(m: Memory, hashed: np.uint64) -> np.uint64:
    """The line of the index in which an entry with a hash stands, unless that is full."""
    return hashed & np.uint64(m.clock[INDEX_MASK]) & _LINE


@kernel(is_entry=False, inline=True)
def next_line(m: Memory, line: np.uint64) -> np.uint64:
    """The line after another, around."""
    return (line + _SLOTS) & np.uint64(m.clock[INDEX_MASK])


@kernel(is_entry=False, inline=True)
def with_tag(m: Memory, line: np.uint64, hashed: np.uint64) -> np.uint64:
    """Which slots of a line have the tag of a hash, a bit for each."""
    return matches(m.index, np.int64(line), _HALF << _SHIFT, hashed << _SHIFT)


@kernel(is_entry=False, inline=True)
def empty_slots(m: Memory, line: np.uint64) -> np.uint64:
    """Which slots of a line are empty, a bit for each."""
    return matches(m.index, np.int64(line), ~_ZERO, _ZERO)


@kernel(is_entry=False, inline=True)
def find(m: Memory, addresses: int, service: int, interface: int, hashed: np.uint64) -> int:
    """The entry with a key, -1 if there is none; for IPv6 that of the same 32-bit hashes (see `find_wide`)."""
    line = home(m, hashed)
    while True:
        slots = with_tag(m, line, hashed)
        while slots:
            entry = np.int64(m.index[np.int64(line) + lowest_bit(slots)] & _HALF) - 1
            word = entry * ENTRY_WORDS
            if (
                m.pool[word + KEY_ADDRESSES] == addresses
                and m.pool[word + KEY_SERVICE] == service
                and m.pool[word + OWNER] & _LOW == interface
            ):
                return entry
            slots &= slots - _ONE
        if empty_slots(m, line):
            return -1
        line = next_line(m, line)


@kernel(is_entry=False)
def find_wide(
    m: Memory,
    addresses: int,
    service: int,
    interface: int,
    hashed: np.uint64,
    wide: tuple[np.uint64, np.uint64, np.uint64, np.uint64],
) -> int:
    """The entry with an IPv6 key, -1 if there is none."""
    line = home(m, hashed)
    while True:
        slots = with_tag(m, line, hashed)
        while slots:
            entry = np.int64(m.index[np.int64(line) + lowest_bit(slots)] & _HALF) - 1
            word = entry * ENTRY_WORDS
            if (
                m.pool[word + KEY_ADDRESSES] == addresses
                and m.pool[word + KEY_SERVICE] == service
                and m.pool[word + OWNER] & _LOW == interface
                and m.wide[entry * 4] == wide[0]
                and m.wide[entry * 4 + 1] == wide[1]
                and m.wide[entry * 4 + 2] == wide[2]
                and m.wide[entry * 4 + 3] == wide[3]
            ):
                return entry
            slots &= slots - _ONE
        if empty_slots(m, line):
            return -1
        line = next_line(m, line)


@kernel(is_entry=False, inline=True)
def take_entry(m: Memory) -> int:
    """A free entry, the one freed last, which caches still hold; the caller has seen to it that there is one."""
    head = m.clock[FREE_HEAD]
    if head:
        m.clock[FREE_HEAD] = m.pool[(head - 1) * ENTRY_WORDS + LINKS]
        m.clock[FREE_COUNT] -= 1
        return head - 1
    entry = m.clock[POOL_USED]
    m.clock[POOL_USED] += 1
    return entry


@kernel(is_entry=False, inline=True)
def free_entry(m: Memory, entry: int) -> None:
    """Give an entry back."""
    m.pool[entry * ENTRY_WORDS + FLOW] = m.pool[entry * ENTRY_WORDS + STATE] = 0
    m.pool[entry * ENTRY_WORDS + LINKS] = m.clock[FREE_HEAD]
    m.clock[FREE_HEAD] = entry + 1
    m.clock[FREE_COUNT] += 1


@kernel(is_entry=False, inline=True)
def link(m: Memory, entry: int, hashed: np.uint64) -> None:
    """Put an entry into the index."""
    line = home(m, hashed)
    slots = empty_slots(m, line)
    while not slots:
        line = next_line(m, line)
        slots = empty_slots(m, line)
    m.index[np.int64(line) + lowest_bit(slots)] = hashed << _SHIFT | np.uint64(entry + 1)
    m.clock[INDEX_USED] += 1


@kernel(is_entry=False, inline=True)
def hash_of(m: Memory, entry: int) -> np.uint64:
    """The hash of an entry's key."""
    word = entry * ENTRY_WORDS
    return hash_key(m.pool[word + KEY_ADDRESSES], m.pool[word + KEY_SERVICE], m.pool[word + OWNER] & _LOW)


@kernel(is_entry=False, inline=True)
def _of_entry(m: Memory, line: np.uint64, entry: int) -> np.uint64:
    """Which slot of a line is that of an entry, as a bit."""
    return matches(m.index, np.int64(line), _HALF, np.uint64(entry + 1))


@kernel(is_entry=False, inline=True)
def unlink(m: Memory, entry: int, hashed: np.uint64) -> None:
    """Take an entry out of the index."""
    line = home(m, hashed)
    slots = _of_entry(m, line, entry)
    while not slots:
        line = next_line(m, line)
        slots = _of_entry(m, line, entry)
    was_full = empty_slots(m, line) == _ZERO
    slot = np.int64(line) + lowest_bit(slots)
    m.index[slot] = _ZERO
    m.clock[INDEX_USED] -= 1
    if was_full:
        _fill(m, line, slot)


@kernel(is_entry=False)
def _fill(m: Memory, line: np.uint64, slot: int) -> None:
    """Fill an empty slot of a line that was full with what stands behind it for want of room."""
    mask = np.uint64(m.clock[INDEX_MASK])
    ahead, is_full = line, True
    while is_full:
        ahead = next_line(m, ahead)
        is_full = empty_slots(m, ahead) == _ZERO
        for other in range(np.int64(ahead), np.int64(ahead) + LINE_SLOTS):
            found = m.index[other]
            if found != _ZERO and (ahead - home(m, found >> _SHIFT)) & mask >= (ahead - line) & mask:
                m.index[slot], m.index[other] = found, _ZERO
                line, slot = ahead, other
                break


@kernel(signature=types.void(types.uint64[::1], types.int64))
def spread_index(index: Column, slots: int) -> None:
    """Spread the slots of an index over twice as many, in place; tags suffice.

    Args:
        index: The larger index. Only the first `slots` are in use, and not all of them.
        slots: How many there were.
    """
    begin = 0
    while not matches(index, begin, ~_ZERO, _ZERO):
        begin += LINE_SLOTS
    # From behind a line that is not full on, around: so what stands in a line is moved only to where all before it has
    # moved already, or to its own line, for its own slot is free by then.
    is_behind_full = False
    for step in range(LINE_SLOTS, slots + LINE_SLOTS, LINE_SLOTS):
        line = (begin + step) & (slots - 1)
        is_full = matches(index, line, ~_ZERO, _ZERO) == _ZERO
        if is_full or is_behind_full:
            _spread_one_by_one(index, slots, line)
        else:
            _spread_line(index, slots, line)
        is_behind_full = is_full


@kernel(is_entry=False, inline=True)
def _spread_line(index: Column, slots: int, line: int) -> None:
    """Spread a line in which all stands at home, over itself and the one that many slots further on, which is empty.

    Which slots are in use, and which of them go there, is anyone's guess, so nothing branches on it.
    """
    further = line + slots
    for at in range(line, line + LINE_SLOTS):
        slot = index[at]
        goes = slot >> _SHIFT & np.uint64(slots) != _ZERO
        index[further] = slot
        index[at] = _ZERO if goes else slot
        further += goes
    index[further] = _ZERO


@kernel(is_entry=False)
def _spread_one_by_one(index: Column, slots: int, begin: int) -> None:
    """Spread a line in or behind which something may stand for want of room."""
    mask = np.uint64(slots * 2 - 1)
    for at in range(begin, begin + LINE_SLOTS):
        slot = index[at]
        if slot != _ZERO:
            index[at] = _ZERO
            line = slot >> _SHIFT & mask & _LINE
            while not matches(index, np.int64(line), ~_ZERO, _ZERO):
                line = (line + _SLOTS) & mask
            index[np.int64(line) + lowest_bit(matches(index, np.int64(line), ~_ZERO, _ZERO))] = slot
