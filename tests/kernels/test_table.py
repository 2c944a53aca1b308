"""`index == dict`: look-ups, insertions, removals, growth; and the order in which entries are reused."""

import random

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kernels.kernel_memory import add, find, hash_key, new_keeper, place, remove

from sgsim.kernels import layout
from sgsim.kernels.table import LINE_SLOTS

_SLOTS = 64


def small_index(keeper):
    """An index of few lines, so that many are full and what has no room in the last stands in the first."""
    keeper.memory = keeper.memory._replace(index=np.zeros(_SLOTS, dtype=np.uint64))
    keeper._tell_sizes()


def line_of(key):
    return (int(hash_key(*key)) & _SLOTS - 1) // LINE_SLOTS


def _crowded_keys():
    """Keys of few lines, the last and the first among them, more than these have room for."""
    wanted = {_SLOTS // LINE_SLOTS - 1: [], 0: [], 1: [], 4: []}
    for number in range(20_000):
        key = (number << 32 | 7, number % 3, number % 5)
        found = wanted.get(line_of(key))
        if found is not None and len(found) < 2 * LINE_SLOTS:
            found.append(key)
    return [key for found in wanted.values() for key in found]


KEYS = _crowded_keys()


class IndexBesideDict(RuleBasedStateMachine):
    """An index and a dict are told the same and say the same."""

    def __init__(self):
        super().__init__()
        self.keeper = new_keeper()
        small_index(self.keeper)
        self.expected = {}
        self.flow = 0

    @precondition(lambda self: len(self.expected) < _SLOTS - 4)
    @rule(key=st.sampled_from(KEYS))
    def insert(self, key):
        if key not in self.expected:
            self.flow += 1
            self.expected[key] = add(place(self.keeper), *key, self.flow)

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def erase(self, data):
        key = data.draw(st.sampled_from(sorted(self.expected)))
        remove(place(self.keeper), self.expected.pop(key))

    @invariant()
    def same_for_every_key(self):
        assert len(self.expected) == self.keeper.memory.clock[layout.INDEX_USED]
        for key in KEYS:
            assert self.expected.get(key, -1) == find(place(self.keeper), *key)


IndexBesideDict.TestCase.settings = settings(max_examples=30, stateful_step_count=60)
TestIndexBesideDict = IndexBesideDict.TestCase


@pytest.mark.parametrize("fullest", [1.05, 1.3, 3])
@pytest.mark.parametrize("seed", range(3))
def test_growth_of_pool_and_index_loses_nothing(seed, fullest):
    """However full the index is: where nearly all lines are, most entries stand behind their own."""
    rng = random.Random(seed)
    keeper, expected = new_keeper(), {}
    for flow in range(1, 30_001):
        clock = keeper.memory.clock
        if clock[layout.FREE_COUNT] < 4 and clock[layout.POOL_USED] + 4 > clock[layout.POOL_SIZE]:
            keeper.make_room(layout.GROW_POOL)
        if (clock[layout.INDEX_USED] + 4) * fullest > clock[layout.INDEX_MASK]:
            keeper.make_room(layout.GROW_INDEX)
        key = (rng.getrandbits(62), rng.getrandbits(50), rng.randrange(4))
        expected[key] = add(place(keeper), *key, flow)
        if rng.random() < 0.2:
            gone = rng.choice([key, next(iter(expected))])
            remove(place(keeper), expected.pop(gone))
    assert all(entry == find(place(keeper), *key) for key, entry in expected.items())
    assert len(expected) == keeper.memory.clock[layout.INDEX_USED]
    used = keeper.memory.clock[layout.POOL_USED] - keeper.memory.clock[layout.FREE_COUNT]
    assert len(expected) == used == len(set(expected.values()))


def test_the_entry_that_was_freed_last_is_taken_first():
    keeper = new_keeper()
    made = [add(place(keeper), number, 0, 0, number + 1) for number in range(6)]
    for entry in (made[3], made[1], made[4]):
        remove(place(keeper), entry)
    assert [4, 1, 3, 6] == [add(place(keeper), 100 + number, 0, 0, 10 + number) for number in range(4)]


def test_wide_addresses_come_with_the_first_need_and_grow_with_the_pool():
    keeper = new_keeper()
    assert 0 == len(keeper.memory.wide)
    keeper.make_room(layout.GROW_POOL)
    entries = keeper.memory.clock[layout.POOL_SIZE]
    assert entries * 4 == len(keeper.memory.wide)
    keeper.memory.wide[:] = np.arange(entries * 4)
    keeper.memory.clock[layout.POOL_USED] = entries
    keeper.make_room(layout.GROW_POOL)
    assert entries * 2 == keeper.memory.clock[layout.POOL_SIZE]
    assert (keeper.memory.wide[: entries * 4] == np.arange(entries * 4)).all()
    assert not keeper.memory.wide[entries * 4 :].any()
