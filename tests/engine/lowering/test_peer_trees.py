"""`the way of an address == the row of its interval`, for any intervals and rows of even and odd spaces."""

import random
from bisect import bisect_right

import numpy as np
import pytest
from engine.lowering.tree_walks import Walk
from hypothesis import example, given
from hypothesis import strategies as st

from sgsim.engine.lowering.nodes import Nodes
from sgsim.engine.lowering.peer_trees import put_tree, put_wide_tree
from sgsim.kernels import rule_layout
from sgsim.model.address import Family

PUT = {Family.IPV4: put_tree, Family.IPV6: put_wide_tree}


class Tree:
    """A tree of intervals, whose rows are leaves."""

    def __init__(self, family: Family, cuts: list[int], rows: list[tuple[int, int]]) -> None:
        self.family, self.starts, self.rows = family, [0, *cuts], rows
        self.nodes, self.words = Nodes(), np.zeros(rule_layout.TREE_WORDS, np.int64)
        references = np.array(rows, dtype=np.int64).T.reshape(2, -1)
        self.heads = PUT[family](self.nodes, self.starts, references, self.words)

    def check(self, asked: set[int]) -> None:
        walk = Walk(self.nodes, 1 + max(max(pair) for pair in self.rows))
        way = walk.row if self.family is Family.IPV4 else walk.wide_row
        for address in sorted(asked):
            expected = self.rows[bisect_right(self.starts, address) - 1]
            assert expected == tuple(way(self.words, self.heads, address, is_odd) for is_odd in (0, 1)), address


def edges(family: Family, cuts: list[int]) -> set[int]:
    """Where intervals begin, what is before, and the first and the last of all addresses."""
    return {0, (1 << family.bits) - 1, *cuts, *(cut - 1 for cut in cuts)}


def cuts_of(family: Family):
    """Anything; what begins or ends alike; and the ends of all addresses."""
    last = (1 << family.bits) - 1
    middle = 1 << family.bits - 1
    return st.sets(
        st.one_of(
            st.sampled_from([1, 2, middle - 1, middle, middle + 1, last - 1, last]),
            st.integers(1, 300),
            st.integers(1, last),
            st.integers(0, 255).map(lambda number: (number << family.bits - 8) + 1 or 1),
            st.integers(1, 200).map(lambda number: middle + (number << family.bits // 4)),
        ),
        max_size=120,
    ).map(sorted)


@pytest.mark.parametrize("family", Family)
@given(data=st.data())
def test_an_address_leads_to_the_row_of_its_interval(family, data):
    cuts = data.draw(cuts_of(family))
    row = st.tuples(st.integers(0, 40), st.integers(0, 2))
    rows = data.draw(st.lists(row, min_size=len(cuts) + 1, max_size=len(cuts) + 1))
    asked = data.draw(st.sets(st.integers(0, (1 << family.bits) - 1), max_size=10))
    Tree(family, cuts, rows).check(asked | edges(family, cuts))


LAST = (1 << 128) - 1


@given(first=st.integers(1, LAST - 4000), step=st.sampled_from([1, 2, 1 << 31, 1 << 62, 1 << 64, 1 << 100]))
@example(first=1, step=1)
@example(first=LAST - 4000, step=1)
@example(first=(1 << 64) - 1000, step=1)
def test_many_addresses_that_begin_alike(first, step):
    """Hosts of few networks: what tells them apart are their last bits."""
    cuts = sorted({first + step * network + host for network in range(3) for host in range(0, 700, 7)} - {0})
    cuts = [cut for cut in cuts if cut <= LAST]
    rows = [(number % 90, number % 2) for number in range(len(cuts) + 1)]
    tree = Tree(Family.IPV6, cuts, rows)
    tree.check(set(random.Random(0).sample(sorted(edges(Family.IPV6, cuts)), 60)))


def random_blocks(family: Family, count: int, shift: int) -> list[int]:
    """Where so many blocks of this size begin and end: anywhere in IPv4, below one prefix in IPv6."""
    rng, prefix = random.Random(count), 0 if family is Family.IPV4 else 0x20 << 120
    begins = {prefix | rng.getrandbits(min(family.bits, 117) - shift) << shift for _ in range(count)}
    return sorted({begin + step for begin in begins for step in (0, 1 << shift)} - {0, 1 << 32})


@pytest.mark.parametrize(
    ("family", "shift"), [(Family.IPV4, 8), (Family.IPV4, 0), (Family.IPV6, 80), (Family.IPV6, 84)]
)
@pytest.mark.parametrize("count", [1, 10, 300, 10_000])
def test_one_node_is_on_the_way_to_blocks_at_random(family, shift, count):
    """That is why ten thousand of them take no longer than ten; and a node is for several."""
    cuts = random_blocks(family, count, shift)
    tree = Tree(family, cuts, [(number % 2, 0) for number in range(len(cuts) + 1)])
    assert (0, 0) == (tree.words[rule_layout.TREE_FURTHER], tree.words[rule_layout.TREE_PIECES])
    assert 4 * tree.heads.size + 4 * tree.nodes.size <= 2048 + 60 * count
    tree.check(set(random.Random(1).sample(sorted(edges(family, cuts)), min(len(cuts), 300))))


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("count", [16, 17, 255, 256, 257, 2_000, 40_000])
def test_numbers_one_after_the_other(family, count):
    """More intervals than heads can tell apart are put into nodes of nodes."""
    cuts = list(range(1_000, 1_000 + count))
    tree = Tree(family, cuts, [(number % 50, number % 3) for number in range(count + 1)])
    tree.check(set(random.Random(1).sample(sorted(edges(family, cuts)), min(count, 300))))


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("step", [7, 1 << 16])
def test_many_intervals_before_and_behind_the_middle(family, step):
    """No node knows the highest bit of an IPv4 address, nor one of IPv6 more than 31 bits."""
    middle = 1 << family.bits - 1
    cuts = list(range(middle - 300 * step - 3, middle + 300 * step, step))
    tree = Tree(family, [1, *cuts], [(number % 50, number % 3) for number in range(len(cuts) + 2)])
    assert tree.words[rule_layout.TREE_FURTHER] > 0 or family is Family.IPV6
    tree.check({1, middle, *edges(family, cuts[280:320]), *edges(family, cuts[::40])})


def test_a_space_may_have_fewer_rows_than_the_other():
    """Its last interval then begins before that of all, and goes on behind the bits with which it begins."""
    cuts = [1, 1 << 127]
    Tree(Family.IPV6, cuts, [(0, 1), (0, 0), (0, 0)]).check(edges(Family.IPV6, cuts))


def test_rows_of_one_kind_need_one_node():
    tree = Tree(Family.IPV4, list(range(1, 1_000)), [(7, 7)] * 1_000)
    assert rule_layout.LINE == tree.nodes.size
    tree.check({0, 500, (1 << 32) - 1})
