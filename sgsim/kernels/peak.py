"""Whose the places were at the peak of each table, as far as the entries of then are still there.

`sgsim.kernels.pressure` counts those that have left since. Who asks for the load asks once, at the end: so nothing of this
is counted while packets pass.
"""

import numpy as np
from numba import types

from sgsim.kernels.arrays import Column
from sgsim.kernels.groups import memory_at, network_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ENTRY_WORDS,
    FLOW,
    IF_TABLE,
    IF_WORDS,
    KEY_ADDRESSES,
    KEY_IPV6,
    KEY_SERVICE,
    OWNER,
    PEAK_FLOW,
    PEAK_PLACES_BITS,
    PEAK_TABLE_AT,
    PLACES_AT,
    POOL_USED,
    RULE_COUNT,
    STATE,
    TABLE_WORDS,
    TRACKING_AT,
)
from sgsim.kernels.pressure import IPV4_BLOCK_SHIFT
from sgsim.kernels.table import TRACKED

_WORD = types.int64
_LOW = 0xFFFFFFFF


@kernel(signature=types.UniTuple(_WORD, 2)(_WORD, _WORD, *(types.int64[::1],) * 3))
def find_at_peak(memory: int, network: int, by_rule: Column, narrow: Column, wide: Column) -> tuple[int, int]:
    """Go through all entries that were there at the peak of their table.

    Args:
        memory: Address of the list of addresses of `Memory`.
        network: That of `Network`.
        by_rule: (tables * rules,): their places are added, as in `Memory.departed_rule`.
        narrow: (entries,): for each of IPv4, in no order: its table, the block of its peer, its places.
        wide: (entries,), or (0,) while there is none of IPv6: the numbers of those of IPv6.

    Returns:
        How many of IPv4 and of IPv6 there are.
    """
    m, net = memory_at(memory), network_at(network)
    narrows = wides = 0
    for entry in range(m.clock[POOL_USED]):
        word = entry * ENTRY_WORDS
        state, owner = m.pool[word + STATE], m.pool[word + OWNER]
        table = net.interfaces[(owner & _LOW) * IF_WORDS + IF_TABLE]
        if state >> TRACKING_AT & 3 != TRACKED or m.pool[word + FLOW] > m.tables[table * TABLE_WORDS + PEAK_FLOW]:
            continue
        places = state >> PLACES_AT & 3
        by_rule[table * m.clock[RULE_COUNT] + (owner >> 32 & _LOW) - 1] += places
        if m.pool[word + KEY_SERVICE] & KEY_IPV6:
            wide[wides] = entry
            wides += 1
        else:
            remote = m.pool[word + KEY_ADDRESSES] >> 32 & _LOW
            narrow[narrows] = table << PEAK_TABLE_AT | remote >> IPV4_BLOCK_SHIFT << PEAK_PLACES_BITS | places
            narrows += 1
    return np.int64(narrows), np.int64(wides)
