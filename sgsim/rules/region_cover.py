"""A region in few boxes, for people to read.

The fewest boxes are hard to find in general (covering by rectangles is NP-hard), so the cover is greedy: of all products
that cannot be made larger it takes the one that covers most of what is left, and in the end leaves out what others
cover. It is exact: the products together are the region. Products may overlap, as rules do.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from attrs import frozen

from sgsim.model.address import Family
from sgsim.rules import ranges
from sgsim.rules.address_set import AddressSet
from sgsim.rules.ranges import Ranges
from sgsim.rules.region import Region, Slabs
from sgsim.rules.service import by_protocol

MOST_CELLS: Final = 200_000
"""Beyond this many pairs of classes of addresses and of services the larger products are not searched for."""

MOST_CLASSES: Final = 1_000
"""Nor beyond this many classes of both."""


@frozen
class Product:
    """Some peers, each of which may use each of some services."""

    addresses: AddressSet
    services: Ranges

    def region(self) -> Region:
        """The same as a region."""
        return Region.of([(self.addresses, self.services)])


class Box(NamedTuple):
    """One protocol, one interval of addresses, one of details (ports, or ICMP type times 256 plus code)."""

    family: Family
    first_address: int
    last_address: int
    protocol: int
    """IANA number, or -1 for every protocol."""
    first_detail: int
    last_detail: int


def cover(region: Region) -> tuple[Product, ...]:
    """Few products that together are the region; those that differ in the family alone are one."""
    by_services: dict[Ranges, dict[Family, Ranges]] = {}
    for family in Family:
        for addresses, services in _cover(region.slabs(family)):
            of_family = by_services.setdefault(services, dict.fromkeys(Family, ranges.EMPTY))
            of_family[family] = ranges.union(of_family[family], addresses)
    return tuple(
        Product(AddressSet(*of_family.values()), services) for services, of_family in sorted(by_services.items())
    )


def boxes(products: Iterable[Product]) -> Iterator[Box]:
    """Products as single boxes."""
    return (
        Box(family, *addresses, *piece)
        for product in products
        for family in Family
        for addresses in product.addresses.ranges(family)
        for piece in by_protocol(product.services)
    )


class _Grid(NamedTuple):
    """Which classes of addresses (rows) may use which classes of services (columns)."""

    row_addresses: list[Ranges]
    column_services: list[Ranges]
    columns_of: list[int]
    """For each row its columns, as bits."""
    rows_of: list[int]
    """For each column its rows, as bits."""


class _Candidate(NamedTuple):
    """A product of rows and columns, as bits."""

    rows: int
    columns: int


def _cover(slabs: Slabs) -> Iterator[tuple[Ranges, Ranges]]:
    grid = _grid(slabs)
    rows, columns = len(grid.row_addresses), len(grid.column_services)
    plain = _by_rows(grid) if rows <= columns else _by_columns(grid)
    chosen = plain
    if rows * columns <= MOST_CELLS and rows + columns <= MOST_CLASSES:
        larger = _without_redundant(_greedy(sorted({*_closed_rows(grid), *_closed_columns(grid)}), grid))
        chosen = _trimmed(min(larger, plain, key=len), grid)
    for candidate in chosen:
        yield (
            ranges.merged(each for row in _bits(candidate.rows) for each in grid.row_addresses[row]),
            ranges.merged(each for column in _bits(candidate.columns) for each in grid.column_services[column]),
        )


def _grid(slabs: Slabs) -> _Grid:
    addresses: dict[Ranges, list[tuple[int, int]]] = {}
    for first, last, services in slabs:
        addresses.setdefault(services, []).append((first, last))
    changes: dict[int, int] = {}
    for row, services in enumerate(addresses):
        for first, last in services:
            changes[first] = changes.get(first, 0) ^ (1 << row)
            changes[last + 1] = changes.get(last + 1, 0) ^ (1 << row)
    columns: dict[int, list[tuple[int, int]]] = {}
    holding, begin = 0, 0
    for position in sorted(changes):
        if holding:
            columns.setdefault(holding, []).append((begin, position - 1))
        holding, begin = holding ^ changes[position], position
    columns_of = [0] * len(addresses)
    for column, rows in enumerate(columns):
        for row in _bits(rows):
            columns_of[row] |= 1 << column
    return _Grid(
        [ranges.merged(each) for each in addresses.values()],
        [ranges.merged(each) for each in columns.values()],
        columns_of,
        list(columns),
    )


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _by_rows(grid: _Grid) -> list[_Candidate]:
    return [_Candidate(1 << row, columns) for row, columns in enumerate(grid.columns_of)]


def _by_columns(grid: _Grid) -> list[_Candidate]:
    return [_Candidate(rows, 1 << column) for column, rows in enumerate(grid.rows_of)]


def _closed_rows(grid: _Grid) -> Iterator[_Candidate]:
    """For each row, all its columns and every row that has them too."""
    for columns in grid.columns_of:
        rows = sum(1 << row for row, others in enumerate(grid.columns_of) if columns & ~others == 0)
        yield _Candidate(rows, columns)


def _closed_columns(grid: _Grid) -> Iterator[_Candidate]:
    """For each column, all its rows and every column that they have in common."""
    for rows in grid.rows_of:
        columns = sum(1 << column for column, others in enumerate(grid.rows_of) if rows & ~others == 0)
        yield _Candidate(rows, columns)


def _greedy(candidates: list[_Candidate], grid: _Grid) -> list[_Candidate]:
    """Take what covers most of the rest, until nothing is left; what a candidate covers anew only ever shrinks."""
    left = list(grid.columns_of)
    heap = [(-_gain(candidate, left), number) for number, candidate in enumerate(candidates)]
    heapq.heapify(heap)
    chosen = []
    while heap and any(left):
        _, number = heapq.heappop(heap)
        gain = _gain(candidates[number], left)
        if heap and -heap[0][0] > gain:
            if gain:
                heapq.heappush(heap, (-gain, number))
            continue
        chosen.append(candidates[number])
        for row in _bits(candidates[number].rows):
            left[row] &= ~candidates[number].columns
    return chosen


def _gain(candidate: _Candidate, left: list[int]) -> int:
    return sum((left[row] & candidate.columns).bit_count() for row in _bits(candidate.rows))


def _without_redundant(chosen: list[_Candidate]) -> list[_Candidate]:
    """Leave out, from the smallest on, what the others cover."""
    kept = list(chosen)
    for candidate in reversed(chosen):
        others = [other for other in kept if other is not candidate]
        if all(candidate.columns & ~_columns_covered(others, row) == 0 for row in _bits(candidate.rows)):
            kept = others
    return kept


def _trimmed(chosen: list[_Candidate], grid: _Grid) -> list[_Candidate]:
    """Take from each product what others cover too, where fewer intervals say what is left."""
    trimmed = list(chosen)
    for number in reversed(range(len(trimmed))):
        others = trimmed[:number] + trimmed[number + 1 :]
        rows, columns = trimmed[number]
        needed = 0
        for row in _bits(rows):
            needed |= columns & ~_columns_covered(others, row)
        if _count(needed, grid.column_services) < _count(columns, grid.column_services):
            columns = needed
        kept = sum(1 << row for row in _bits(rows) if columns & ~_columns_covered(others, row))
        if _count(kept, grid.row_addresses) < _count(rows, grid.row_addresses):
            rows = kept
        trimmed[number] = _Candidate(rows, columns)
    return trimmed


def _count(mask: int, parts: list[Ranges]) -> int:
    """How many intervals the marked parts make up."""
    return len(ranges.merged(each for number in _bits(mask) for each in parts[number]))


def _columns_covered(candidates: list[_Candidate], row: int) -> int:
    covered = 0
    for candidate in candidates:
        if candidate.rows >> row & 1:
            covered |= candidate.columns
    return covered
