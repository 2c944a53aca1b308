"""`ended flows == EndedFlows`: two generations of fingerprints, whatever their number and however they grow."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.kernel_memory import add_ended, has_ended, has_room_to_end, new_keeper, place

from sgsim.engine.lowering.facts import lower_facts
from sgsim.engine.memory import EndedFlows, ended_most
from sgsim.engine.options import EngineOptions
from sgsim.kernels import layout
from sgsim.kernels.addresses import gathered
from sgsim.kernels.arrays import FACTS_DTYPES, FACTS_LENGTHS

FIRST = len(new_keeper().memory.ended) // 2
"""Slots of a generation at first."""


class Beside:
    """Fingerprints beside a set of keys in two generations."""

    def __init__(self, remember):
        self.keeper = new_keeper()
        self.facts = lower_facts(EngineOptions(remember=remember), allow_unresolved=True, record_flows=True)
        self.place, _ = gathered(self.facts, FACTS_DTYPES, FACTS_LENGTHS)
        self.expected = EndedFlows(ended_most(remember))

    def add(self, fingerprint):
        if not has_room_to_end(place(self.keeper), self.place.ctypes.data):
            self.keeper.make_room(layout.GROW_ENDED)
            assert has_room_to_end(place(self.keeper), self.place.ctypes.data), "what was asked for must be made"
        self.expected.add(fingerprint)
        add_ended(place(self.keeper), self.place.ctypes.data, np.uint64(fingerprint))

    def check(self, fingerprints):
        for each in fingerprints:
            assert (each in self.expected) == has_ended(place(self.keeper), np.uint64(each))


@given(remember=st.integers(1, 12), numbers=st.lists(st.integers(0, 30), max_size=80))
def test_few_of_them(remember, numbers):
    beside = Beside(remember)
    # All have the same home, the last slot, so that chains run over the end.
    prints = [number << 40 | FIRST - 1 << 1 | 1 for number in range(31)]
    for number in numbers:
        beside.add(prints[number])
        beside.check(prints)


@pytest.mark.parametrize("remember", [FIRST - 24, FIRST - 16, FIRST - 8, FIRST, 2 * FIRST, 10**6])
def test_growth(remember):
    rng = random.Random(remember)
    beside = Beside(remember)
    prints = [rng.getrandbits(64) | 1 for _ in range(2 * FIRST)]
    for each in prints:
        beside.add(each)
    beside.check(prints)
    beside.check([each ^ 2 for each in prints[:500]])
