"""`calendar == heap`: everything expires at its time, in the order of time and flow, over any jumps."""

import heapq
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernels.kernel_memory import cancel, entry_words, expire, new_keeper, place, refresh, schedule

from sgsim.kernels import calendar, layout
from sgsim.kernels.early import EARLY_NS

TICK = 1 << calendar.TICK_SHIFT
SPANS = (
    [0, 1, TICK - 1, TICK, TICK + 1]
    + [(TICK << 8 * level) + step for level in range(1, calendar.ROUNDS - 1) for step in (-1, 0, 1)]
    + [EARLY_NS + step for step in (-TICK, -1, 0, 1, TICK)]
)
"""Times at and beside the ends of each round, and when a new entry is looked at first."""

_OUT = 70_000


class Beside:
    """A calendar and a heap that are told the same."""

    def __init__(self, start_ns=0):
        self.keeper = new_keeper(start_ns=start_ns)
        self.expected, self.live = [], {}
        self.now_ns, self.flow = start_ns, 0
        self.flows, self.times = np.zeros(_OUT, np.int64), np.zeros(_OUT, np.int64)

    def put(self, after_ns):
        self._make_room()
        self.flow += 1
        expires_ns = self.now_ns + max(1, after_ns)
        self.live[self.flow] = [schedule(place(self.keeper), self.flow, expires_ns), expires_ns]
        heapq.heappush(self.expected, (expires_ns, self.flow))

    def refresh(self, flow, after_ns):
        self._make_room()
        entry_and_time = self.live[flow]
        entry_and_time[1] = self.now_ns + max(1, after_ns)
        refresh(place(self.keeper), *entry_and_time)
        heapq.heappush(self.expected, (entry_and_time[1], flow))

    def cancel(self, flow):
        cancel(place(self.keeper), self.live.pop(flow)[0])

    def wait(self, step_ns):
        self.now_ns += step_ns
        count = expire(place(self.keeper), self.now_ns, self.flows, self.times)
        expected = []
        while self.expected and self.expected[0][0] <= self.now_ns:
            time_ns, flow = heapq.heappop(self.expected)
            if flow in self.live and self.live[flow][1] == time_ns:
                del self.live[flow]
                expected.append((time_ns, flow))
        assert expected == list(zip(self.times[:count].tolist(), self.flows[:count].tolist(), strict=True))

    def _make_room(self):
        clock = self.keeper.memory.clock
        if clock[layout.FREE_COUNT] < 4 and clock[layout.POOL_USED] + 4 > clock[layout.POOL_SIZE]:
            self.keeper.make_room(layout.GROW_POOL)
        if clock[layout.DUE_COUNT] + 4 > clock[layout.DUE_SIZE]:
            self.keeper.make_room(layout.GROW_DUE)
        if clock[layout.EARLY_TAIL] - clock[layout.EARLY_HEAD] + 3 > clock[layout.EARLY_MASK]:
            self.keeper.make_room(layout.GROW_EARLY)

    def finish(self):
        self.wait(2**62)
        assert not self.live
        assert not self.keeper.memory.occupied.any()
        assert not self.keeper.memory.heads.any()


spans = st.one_of(st.sampled_from(SPANS), st.integers(0, 2**60))
steps = st.lists(
    st.tuples(st.sampled_from(["put", "put", "refresh", "cancel", "wait"]), spans, st.integers(0, 99)), max_size=60
)


@given(steps=steps, start_ns=st.sampled_from([0, -(2**61), 1_700_000_000 * 10**9]))
@example(steps=[("wait", 2**38 * TICK - TICK, 0), ("put", 2 * TICK, 0), ("wait", 3 * TICK, 0)], start_ns=0)
@settings(max_examples=200)
def test_any_sequence(steps, start_ns):
    beside = Beside(start_ns)
    budget = 2**61  # so that no time leaves 64 bits
    for what, span, which in steps:
        if what == "put":
            beside.put(span)
        elif what == "wait" and span <= budget:
            budget -= span
            beside.wait(span)
        elif beside.live and what in {"refresh", "cancel"}:
            flow = sorted(beside.live)[which % len(beside.live)]
            beside.refresh(flow, span) if what == "refresh" else beside.cancel(flow)
    beside.wait(budget)


@pytest.mark.parametrize("jump", [*SPANS, 2**55, 2**60, 2**61])
def test_a_jump_over_everything(jump):
    beside = Beside()
    for span in (*SPANS, 2**59, 2**60):
        beside.put(span)
    beside.wait(jump)
    beside.finish()


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled", "equal"])
def test_many_in_one_tick(order):
    beside = Beside()
    spans = list(range(10 * TICK, 10 * TICK + 60_000))
    if order == "descending":
        spans.reverse()
    elif order == "shuffled":
        random.Random(1).shuffle(spans)
    elif order == "equal":
        spans = [10 * TICK] * 60_000
    for span in spans:
        beside.put(span)
    beside.wait(10 * TICK + 30_000)
    beside.finish()


@pytest.mark.parametrize("kept", [0, 0.2, 0.95, 1])
def test_more_new_entries_than_there_was_room_for(kept):
    """Whether room comes from records of no use or has to be made: most flows end, or expire sooner, before their time."""
    beside, rng = Beside(), random.Random(1)
    for _ in range(20_000):
        beside.put(rng.choice([EARLY_NS, 2 * EARLY_NS]))
        if rng.random() >= kept:
            flow = beside.flow - rng.randrange(min(beside.flow, 50))
            if flow in beside.live and rng.random() < 0.5:
                beside.cancel(flow)
            elif flow in beside.live:
                beside.refresh(flow, EARLY_NS // 3)
        if beside.flow % 500 == 0:
            beside.wait(TICK)
    for _ in range(8):
        beside.wait(EARLY_NS // 4)
    beside.finish()


def test_refreshed_within_the_tick_again_and_again():
    """More records than entries: the list drops what is done rather than run beyond its end."""
    beside = Beside()
    for _ in range(4000):
        beside.put(TICK // 4)
    for flow in list(beside.live):
        beside.refresh(flow, TICK // 2)
    beside.wait(TICK // 4)
    for flow in list(beside.live):
        beside.refresh(flow, TICK // 3)
    beside.wait(TICK // 3 - 1)
    assert 4000 == len(beside.live)
    beside.finish()


def test_an_entry_knows_where_it_stands():
    beside = Beside()
    beside.put(TICK // 2)
    beside.put(300 * TICK)
    assert calendar.IN_DUE_LIST & 0xFFFFFFFF == entry_words(beside.keeper, 0)[layout.LINKS] & 0xFFFFFFFF
    assert calendar.IN_DUE_LIST & 0xFFFFFFFF != entry_words(beside.keeper, 1)[layout.LINKS] & 0xFFFFFFFF
