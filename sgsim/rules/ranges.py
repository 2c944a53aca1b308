"""Sets of integers as sorted ranges: the form in which netaddr's interval sets leave `address_set`.

Everything here takes and gives `Ranges` in canonical form, so that two equal sets are equal tuples. All of it is linear
in the number of ranges.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

Ranges = tuple[tuple[int, int], ...]
"""First and last integer of each interval; sorted, disjoint and never adjacent."""

EMPTY: Final[Ranges] = ()


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The union of ranges in any order, overlapping or not."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            if last > found[-1][1]:
                found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return tuple(found)


def union(mine: Ranges, theirs: Ranges) -> Ranges:
    """What is in either."""
    if not mine or mine == theirs:
        return theirs
    return merged(mine + theirs) if theirs else mine


def intersection(mine: Ranges, theirs: Ranges) -> Ranges:
    """What is in both."""
    if mine == theirs:
        return mine
    if len(mine) > len(theirs):
        mine, theirs = theirs, mine
    if len(mine) * _FEW < len(theirs):
        return tuple(each for one in mine for each in _overlaps((one,), within(theirs, *one)))
    return tuple(_overlaps(mine, theirs))


_FEW: Final = 16
"""From this ratio of lengths on, searching in the longer one is faster than walking along it."""


def within(ranges: Ranges, first: int, last: int) -> Ranges:
    """The ranges that have anything from `first` to `last`, whole."""
    begin = bisect_left(ranges, first, key=_last)
    return ranges[begin : bisect_right(ranges, last, lo=begin, key=_first)]


def _first(each: tuple[int, int]) -> int:
    return each[0]


def _last(each: tuple[int, int]) -> int:
    return each[1]


def _overlaps(mine: Ranges, theirs: Ranges) -> Iterator[tuple[int, int]]:
    here = there = 0
    while here < len(mine) and there < len(theirs):
        first, last = max(mine[here][0], theirs[there][0]), min(mine[here][1], theirs[there][1])
        if first <= last:
            yield first, last
        if mine[here][1] < theirs[there][1]:
            here += 1
        else:
            there += 1


def difference(mine: Ranges, theirs: Ranges) -> Ranges:
    """What is in the first and not in the second."""
    if not mine or not theirs:
        return mine
    return EMPTY if mine == theirs else tuple(_rests(mine, theirs))


def _rests(mine: Ranges, theirs: Ranges) -> Iterator[tuple[int, int]]:
    there = 0
    for first, last in mine:
        while there < len(theirs) and theirs[there][1] < first:
            there += 1
        begin, ahead = first, there
        while ahead < len(theirs) and theirs[ahead][0] <= last:
            if begin < theirs[ahead][0]:
                yield begin, theirs[ahead][0] - 1
            begin = theirs[ahead][1] + 1
            ahead += 1
        if begin <= last:
            yield begin, last


def aligned_blocks(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut one range into the fewest blocks that begin at a multiple of their size, a power of two: where, and its exponent."""
    while first <= last:
        fits = (last - first + 1).bit_length() - 1
        exponent = min(fits, (first & -first).bit_length() - 1) if first else fits
        yield first, exponent
        first += 1 << exponent


def size(ranges: Ranges) -> int:
    """How many integers are in it."""
    return sum(last - first + 1 for first, last in ranges)
