"""Holes that do not matter."""

from hypothesis import given
from rules.toy_space import boxes, is_canonical, region

from sgsim.rules.region_cover import cover
from sgsim.rules.region_smoothing import smoothed


@given(boxes, boxes)
def test_only_free_packets_are_filled_in(toy, free):
    """region <= smoothed(region, free) <= region | free, in canonical form."""
    found = smoothed(region(toy), region(free))
    assert found.covers(region(toy))
    assert (region(toy) | region(free)).covers(found)
    assert is_canonical(found.ipv4)


@given(boxes)
def test_nothing_free_changes_nothing(toy):
    """smoothed(region, nothing) == region."""
    assert smoothed(region(toy), region([])) == region(toy)


def test_holes_are_filled_and_ends_are_not_grown():
    holed = region([((10, 99), (0, 15))]) - region([((50, 51), (0, 15)), ((70, 70), (3, 3))])
    free = region([((50, 50), (0, 15)), ((51, 51), (0, 15)), ((70, 70), (3, 3)), ((100, 100), (0, 15))])
    assert smoothed(holed, free) == region([((10, 99), (0, 15))])
    assert len(cover(holed)) == 2


def test_a_gap_between_services_is_filled_if_all_of_it_is_free():
    two, three = [((0, 9), (1, 1)), ((0, 9), (5, 6))], [((0, 9), (10, 10))]
    for services, filled in (((2, 4), True), ((0, 15), True), ((3, 4), False), ((2, 3), False), ((7, 9), False)):
        found = smoothed(region(two), region([((0, 9), services)]))
        assert found == region([*two, *([((0, 9), (2, 4))] if filled else [])])
    free = region([((0, 9), (0, 4)), ((0, 9), (7, 8))])
    assert smoothed(region([*two, *three]), free) == region([((0, 9), (1, 6)), *three])


def test_holes_between_different_slabs_stay():
    holed = region([((0, 9), (1, 1)), ((11, 19), (2, 2))])
    assert smoothed(holed, region([((10, 10), (0, 15))])) == holed
