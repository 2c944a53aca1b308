"""Algebra of integer ranges, against sets of integers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rules.toy_space import intervals

from sgsim.rules import ranges

SPACE = 24
pieces = st.lists(intervals(SPACE), max_size=6)


def numbers(found):
    return {number for first, last in found for number in range(first, last + 1)}


@given(pieces)
def test_merged_is_the_set_in_canonical_form(given_pieces):
    """merged(pieces) == the set of their integers, whatever their order, and no two ranges touch."""
    found = ranges.merged(given_pieces)
    assert numbers(found) == numbers(given_pieces)
    assert found == ranges.merged(reversed(given_pieces))
    assert all(before[1] + 1 < after[0] for before, after in pairwise(found))


@given(pieces, pieces)
def test_algebra_is_that_of_sets(left, right):
    """union, intersection and difference of ranges == those of sets of integers, in canonical form."""
    mine, theirs = ranges.merged(left), ranges.merged(right)
    for operation, expected in (
        (ranges.union, numbers(left) | numbers(right)),
        (ranges.intersection, numbers(left) & numbers(right)),
        (ranges.difference, numbers(left) - numbers(right)),
    ):
        found = operation(mine, theirs)
        assert numbers(found) == expected
        assert found == ranges.merged(found)


@given(pieces)
def test_size_counts_integers(given_pieces):
    """size(ranges) == the number of integers in it."""
    assert ranges.size(ranges.merged(given_pieces)) == len(numbers(given_pieces))
