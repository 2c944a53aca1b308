"""The steps of `cover`, each held against the same said of sets of cells."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from rules.toy_space import region

from sgsim.model.address import Family
from sgsim.rules import region_cover
from sgsim.rules.address_set import AddressSet
from sgsim.rules.region import Region
from sgsim.rules.region_cover import Product, cover

matrices = st.lists(st.integers(1, 31), min_size=1, max_size=5, unique=True)
"""Rows of up to five classes of services, as bits."""


def members(mask):
    return {number for number in range(mask.bit_length()) if mask >> number & 1}


def mask_of(numbers):
    return sum(1 << number for number in numbers)


def cells(candidate):
    return {(row, column) for row in members(candidate.rows) for column in members(candidate.columns)}


def cells_of(candidates):
    return set().union(*map(cells, candidates))


def grid_of(rows):
    """A grid whose classes of addresses and of services are single numbers, so that neighbours make one interval."""
    used = [column for column in range(5) if any(row >> column & 1 for row in rows)]
    columns_of = [mask_of(place for place, column in enumerate(used) if row >> column & 1) for row in rows]
    rows_of = [
        mask_of(row for row, columns in enumerate(columns_of) if columns >> place & 1) for place in range(len(used))
    ]
    return region_cover._Grid(
        [((row, row),) for row in range(len(rows))], [((column, column),) for column in used], columns_of, rows_of
    )


def all_cells(grid):
    return {(row, column) for row, columns in enumerate(grid.columns_of) for column in members(columns)}


def candidates_of(grid):
    return sorted({*region_cover._closed_rows(grid), *region_cover._closed_columns(grid)})


@given(matrices)
def test_a_closed_row_has_every_row_that_has_its_columns(rows):
    grid = grid_of(rows)
    for columns, candidate in zip(grid.columns_of, region_cover._closed_rows(grid), strict=True):
        assert members(candidate.columns) == members(columns)
        assert members(candidate.rows) == {
            row for row, others in enumerate(grid.columns_of) if members(columns) <= members(others)
        }


@given(matrices)
def test_a_closed_column_has_every_column_that_has_its_rows(rows):
    grid = grid_of(rows)
    for its_rows, candidate in zip(grid.rows_of, region_cover._closed_columns(grid), strict=True):
        assert members(candidate.rows) == members(its_rows)
        assert members(candidate.columns) == {
            column for column, others in enumerate(grid.rows_of) if members(its_rows) <= members(others)
        }


@given(matrices, st.lists(st.integers(0, 31), min_size=5, max_size=5))
def test_the_gain_is_the_number_of_cells_that_are_left(rows, left):
    for candidate in candidates_of(grid_of(rows)):
        expected = {(row, column) for row, column in cells(candidate) if left[row] >> column & 1}
        assert region_cover._gain(candidate, left) == len(expected)


@given(matrices)
def test_each_step_takes_what_covers_most_of_the_rest(rows):
    grid = grid_of(rows)
    candidates, left = candidates_of(grid), all_cells(grid)
    for chosen in region_cover._greedy(candidates, grid):
        gain = len(cells(chosen) & left)
        assert gain == max(len(cells(candidate) & left) for candidate in candidates) > 0
        left -= cells(chosen)
    assert left == set()


@given(matrices, st.randoms(use_true_random=False))
def test_nothing_is_kept_that_the_others_cover(rows, rng):
    candidates = candidates_of(grid_of(rows))
    rng.shuffle(candidates)
    kept = region_cover._without_redundant(candidates)
    assert cells_of(kept) == cells_of(candidates)
    for candidate in kept:
        assert not cells(candidate) <= cells_of(other for other in kept if other is not candidate)


def intervals(numbers):
    return sum(number - 1 not in numbers for number in numbers)


@given(matrices, st.randoms(use_true_random=False))
def test_what_others_cover_is_trimmed_where_that_makes_fewer_intervals(rows, rng):
    """From the last product on: first its services, then its addresses; the others as they are by then."""
    grid = grid_of(rows)
    chosen = candidates_of(grid)
    rng.shuffle(chosen)
    expected = list(chosen)
    for number in reversed(range(len(chosen))):
        others = cells_of(expected[:number] + expected[number + 1 :])
        its_rows, its_columns = members(expected[number].rows), members(expected[number].columns)
        needed = {column for row in its_rows for column in its_columns if (row, column) not in others}
        places = [services[0][0] for services in grid.column_services]
        if intervals({places[column] for column in needed}) < intervals({places[column] for column in its_columns}):
            its_columns = needed
        needed = {row for row in its_rows if any((row, column) not in others for column in its_columns)}
        if intervals(needed) < intervals(its_rows):
            its_rows = needed
        expected[number] = region_cover._Candidate(mask_of(its_rows), mask_of(its_columns))
    assert region_cover._trimmed(chosen, grid) == expected
    assert cells_of(expected) == all_cells(grid)


@given(matrices)
def test_the_columns_covered_in_a_row_are_those_of_its_candidates(rows):
    candidates = candidates_of(grid_of(rows))
    for row in range(6):
        expected = {column for its_row, column in cells_of(candidates) if its_row == row}
        assert members(region_cover._columns_covered(candidates, row)) == expected


def test_products_of_the_same_services_become_one():
    """Found by search: two products are trimmed to the same services."""
    toy = [((5, 6), (3, 4)), ((6, 6), (7, 8)), ((9, 10), (2, 3)), ((7, 8), (7, 8)), ((0, 5), (0, 1)), ((8, 9), (2, 6))]
    found = region(toy)
    parts = [services for _, services in region_cover._cover(found.slabs(Family.IPV4))]
    assert len(set(parts)) < len(parts)
    products = cover(found)
    assert [product.services for product in products] == sorted(set(parts))
    assert Region.of((product.addresses, product.services) for product in products) == found


def test_where_as_many_products_are_rows_as_columns_they_are_rows():
    two = region([((0, 0), (0, 1)), ((1, 1), (1, 2)), ((2, 2), (0, 2))])
    grid = region_cover._grid(two.slabs(Family.IPV4))
    assert len(grid.row_addresses) == len(grid.column_services)
    with patch.object(region_cover, "MOST_CELLS", 0):
        assert [product.services for product in cover(two)] == [((0, 1),), ((0, 2),), ((1, 2),)]


def test_a_product_is_a_region():
    addresses, services = AddressSet(ipv4=((1, 5),), ipv6=((7, 9),)), ((2, 3), (6, 6))
    assert Product(addresses, services).region() == Region(ipv4=((1, 5, services),), ipv6=((7, 9, services),))
