"""`index == dict`: look-ups, insertions, removals with backward shift, growth; and the order in which entries are reused."""

import random

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kernels.kernel_memory import add, find, hash_key, new_keeper, place, remove

from sgsim.kernels import layout

_SLOTS = 64


def small_index(keeper):
    """An index of few slots, so that chains are long and run over its end."""
    keeper.memory = keeper.memory._replace(index=np.zeros(_SLOTS, dtype=np.uint64))
    keeper._tell_sizes()


def home(key, slots=_SLOTS):
    return int(hash_key(*key)) & 0xFFFFFFFF & (slots - 1)


def _crowded_keys():
    """Keys of few homes, the last slot among them."""
    wanted = {_SLOTS - 1: [], _SLOTS - 2: [], 0: [], 5: []}
    for number in range(20_000):
        key = (number << 32 | 7, number % 3, number % 5)
        found = wanted.get(home(key))
        if found is not None and len(found) < 10:
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


@pytest.mark.parametrize("seed", range(3))
def test_growth_of_pool_and_index_loses_nothing(seed):
    rng = random.Random(seed)
    keeper, expected = new_keeper(), {}
    for flow in range(1, 30_001):
        clock = keeper.memory.clock
        if clock[layout.FREE_COUNT] < 4 and clock[layout.POOL_USED] + 4 > clock[layout.POOL_SIZE]:
            keeper.make_room(layout.GROW_POOL)
        if (clock[layout.INDEX_USED] + 4) * 3 > clock[layout.INDEX_MASK]:
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
