"""Tallies of peers that left since the peak: as a dict has them, however many there are."""

import random

import numpy as np
import pytest
from kernels.kernel_memory import depart_peer, new_keeper, place

from sgsim.kernels import layout


def tally(keeper, peak):
    rows = keeper.memory.departed.reshape(-1, 4)
    return {(int(kind), int(block)): int(places) for kind, block, at, places in rows if kind and at == peak}


FIRST = len(new_keeper().memory.departed) // 4
"""Slots at first."""


@pytest.mark.parametrize("blocks", [3, FIRST // 2 - 8, FIRST])
def test_growth_keeps_every_count(blocks):
    rng = random.Random(blocks)
    keeper, expected = new_keeper(), {}
    keeper.memory.tables[layout.PEAK_FLOW] = 9
    for _ in range(3 * blocks):
        kind, block, places = rng.randint(1, 2), rng.randrange(blocks), rng.randint(1, 2)
        _depart(keeper, kind, block, 9, places)
        expected[kind, block] = expected.get((kind, block), 0) + places
    assert expected == tally(keeper, 9)


def test_a_new_peak_begins_anew_and_old_ones_make_room():
    keeper, each = new_keeper(), FIRST // 8
    for peak in range(1, 20):
        keeper.memory.tables[layout.PEAK_FLOW] = peak
        blocks = range(peak * each, (peak + 1) * each)
        for block in blocks:
            _depart(keeper, 1, block, peak, 1)
        _depart(keeper, 1, 7, peak, 2)
        assert dict.fromkeys(((1, block) for block in blocks), 1) | {(1, 7): 2} == tally(keeper, peak)
    assert FIRST == len(keeper.memory.departed) // 4


def _depart(keeper, kind, block, peak, places):
    clock = keeper.memory.clock
    if (clock[layout.DEPARTED_USED] + 8) * 2 > clock[layout.DEPARTED_MASK]:
        before = len(keeper.memory.departed), int(clock[layout.DEPARTED_USED])
        keeper.make_room(layout.GROW_ENDED)
        assert before != (len(keeper.memory.departed), int(clock[layout.DEPARTED_USED])), "room must be made"
    depart_peer(place(keeper), *(np.uint64(value) for value in (kind, block, peak, places)))
