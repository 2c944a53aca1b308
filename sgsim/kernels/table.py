"""Flows that are remembered: an index apart from a pool of entries.

Compiled twin of `sgsim.conntrack.table` and `pressure`. The index has eight bytes a slot, a tag of the hash and the
number of an entry, and is at most a third full; entries never move. What a look-up needs can so be asked for early.
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
    FREE_TAIL,
    INDEX_MASK,
    INDEX_USED,
    KEY_ADDRESSES,
    KEY_SERVICE,
    LINKS,
    OWNER,
    POOL_USED,
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
    """A free entry; the caller has seen to it that there is one."""
    head = m.clock[FREE_HEAD]
    if head:
        m.clock[FREE_HEAD] = m.pool[(head - 1) * ENTRY_WORDS + LINKS]
        m.clock[FREE_COUNT] -= 1
        if not m.clock[FREE_HEAD]:
            m.clock[FREE_TAIL] = 0
        return head - 1
    entry = m.clock[POOL_USED]
    m.clock[POOL_USED] += 1
    return entry


@kernel(is_entry=False)
def free_entry(m: Memory, entry: int) -> None:
    """Give an entry back; the one that has been free for longest is taken first, so that neighbours stay neighbours."""
    m.pool[entry * ENTRY_WORDS + FLOW] = 0
    m.pool[entry * ENTRY_WORDS + LINKS] = 0
    tail = m.clock[FREE_TAIL]
    if tail:
        m.pool[(tail - 1) * ENTRY_WORDS + LINKS] = entry + 1
    else:
        m.clock[FREE_HEAD] = entry + 1
    m.clock[FREE_TAIL] = entry + 1
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


@kernel(is_entry=False)
def unlink(m: Memory, entry: int) -> None:
    """Take an entry out of the index; those behind it move up, so that no gap is left in a chain."""
    word = entry * ENTRY_WORDS
    interface = m.pool[word + OWNER] & _LOW
    hashed = hash_key(m.pool[word + KEY_ADDRESSES], m.pool[word + KEY_SERVICE], interface)
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


@kernel(signature=types.void(types.uint64[::1], types.uint64[::1]))
def rebuild_index(old: Column, new: Column) -> None:
    """Put all slots of an index into a larger one; tags suffice."""
    mask = np.uint64(len(new) - 1)
    for slot in old:
        if slot != _ZERO:
            at = slot >> _SHIFT & mask
            while new[at] != _ZERO:
                at = (at + _ONE) & mask
            new[at] = slot
