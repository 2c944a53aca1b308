"""Flows that are remembered: an index apart from a pool of entries.

Compiled twin of `sgsim.conntrack.table` and `pressure`. The index has eight bytes a slot, a tag of the hash and the
number of an entry, and is at most two fifths full; entries never move. What a look-up needs can so be asked for early.
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
from sgsim.model.states import Tracking

TRACKED, UNTRACKED, REFUSED = int(Tracking.TRACKED), int(Tracking.UNTRACKED), int(Tracking.REFUSED)

_LOW = 0xFFFFFFFF
_K1 = np.uint64(0x9E3779B97F4A7C15)
_K2 = np.uint64(0xC2B2AE3D27D4EB4F)
_K3 = np.uint64(0x165667B19E3779F9)
_SHIFT = np.uint64(32)
_TAG = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


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
    """The hash of a key, 64 bits; its lower half is the tag, and finds the slot."""
    return mix(np.uint64(addresses) * _K1 ^ mix(np.uint64(service) ^ np.uint64(interface) * _K3))


@kernel(is_entry=False, inline=True)
def find(m: Memory, addresses: int, service: int, interface: int, hashed: np.uint64) -> int:
    """The entry with a key, -1 if there is none; for IPv6 that of the same 32-bit hashes (see `find_wide`)."""
    mask = np.uint64(m.clock[INDEX_MASK])
    tag = hashed & _TAG
    at = tag & mask
    while True:
        slot = m.index[at]
        if slot == _ZERO:
            return -1
        if slot >> _SHIFT == tag:
            entry = np.int64(slot & _TAG) - 1
            word = entry * ENTRY_WORDS
            if (
                m.pool[word + KEY_ADDRESSES] == addresses
                and m.pool[word + KEY_SERVICE] == service
                and m.pool[word + OWNER] & _LOW == interface
            ):
                return entry
        at = (at + _ONE) & mask


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
    mask = np.uint64(m.clock[INDEX_MASK])
    tag = hashed & _TAG
    at = tag & mask
    while True:
        slot = m.index[at]
        if slot == _ZERO:
            return -1
        if slot >> _SHIFT == tag:
            entry = np.int64(slot & _TAG) - 1
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
        at = (at + _ONE) & mask


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
    mask = np.uint64(m.clock[INDEX_MASK])
    tag = hashed & _TAG
    at = tag & mask
    while m.index[at] != _ZERO:
        at = (at + _ONE) & mask
    m.index[at] = tag << _SHIFT | np.uint64(entry + 1)
    m.clock[INDEX_USED] += 1


@kernel(is_entry=False, inline=True)
def hash_of(m: Memory, entry: int) -> np.uint64:
    """The hash of an entry's key."""
    word = entry * ENTRY_WORDS
    return hash_key(m.pool[word + KEY_ADDRESSES], m.pool[word + KEY_SERVICE], m.pool[word + OWNER] & _LOW)


@kernel(is_entry=False, inline=True)
def unlink(m: Memory, entry: int, hashed: np.uint64) -> None:
    """Take an entry out of the index; those behind it move up, so that no gap is left in a chain."""
    mask = np.uint64(m.clock[INDEX_MASK])
    at = hashed & _TAG & mask
    wanted = np.uint64(entry + 1)
    while m.index[at] & _TAG != wanted:
        at = (at + _ONE) & mask
    ahead = (at + _ONE) & mask
    while m.index[ahead] != _ZERO:
        home = m.index[ahead] >> _SHIFT & mask
        if (ahead - home) & mask >= (ahead - at) & mask:
            m.index[at] = m.index[ahead]
            at = ahead
        ahead = (ahead + _ONE) & mask
    m.index[at] = _ZERO
    m.clock[INDEX_USED] -= 1


@kernel(signature=types.void(types.uint64[::1], types.int64))
def spread_index(index: Column, slots: int) -> None:
    """Spread the slots of an index over twice as many, in place; tags suffice.

    Args:
        index: The larger index. Only the first `slots` are in use, and not all of them.
        slots: How many there were.
    """
    mask = np.uint64(slots * 2 - 1)
    begin = 0
    while index[begin] != _ZERO:
        begin += 1
    # From an empty slot on, around: so a slot is moved only to where all before it in its chain have moved already.
    for step in range(1, slots):
        at = (begin + step) & (slots - 1)
        slot = index[at]
        if slot != _ZERO:
            index[at] = _ZERO
            place = slot >> _SHIFT & mask
            while index[place] != _ZERO:
                place = (place + _ONE) & mask
            index[place] = slot
