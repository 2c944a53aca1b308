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


@given(st.sets(st.integers(0, 160)), st.sets(st.integers(0, 160), max_size=3))
def test_few_against_many_is_as_many_against_many(many, few):
    """The same where one side has many times the ranges of the other, whichever side that is."""
    odd, some = {2 * number + 1 for number in range(80)} - many, few | {0}
    mine, theirs = (ranges.merged((number, number) for number in each) for each in (odd, some))
    expected = ranges.merged((number, number) for number in odd & some)
    assert expected == ranges.intersection(mine, theirs) == ranges.intersection(theirs, mine)
    assert numbers(ranges.difference(mine, theirs)) == odd - some
    assert numbers(ranges.difference(theirs, mine)) == some - odd


@given(pieces, intervals(SPACE))
def test_those_within_an_interval_are_those_that_have_any_of_it(given_pieces, interval):
    """within(ranges, first, last) == the ranges that have an integer in common with first..last, whole."""
    found = ranges.merged(given_pieces)
    expected = tuple(each for each in found if numbers([each]) & numbers([interval]))
    assert ranges.within(found, *interval) == expected


@given(pieces)
def test_size_counts_integers(given_pieces):
    """size(ranges) == the number of integers in it."""
    assert ranges.size(ranges.merged(given_pieces)) == len(numbers(given_pieces))


def test_each_range_is_met_once_by_those_of_about_as_many():
    assert ranges.intersection(((0, 1), (4, 5), (8, 9)), ((0, 0), (4, 4), (8, 8), (20, 20))) == ((0, 0), (4, 4), (8, 8))
