"""The cross table of classes of peers and classes of services: in each cell the first rule that admits both.

A row has as many cells as there are classes of services, but most have the same rule as the one before. So a row is held as
runs of cells: ten thousand random rules, with fifty million cells, come to some ten thousand runs.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

_AT_ONCE: Final = 1 << 18
"""Pairs of a class of peers and a rule held at a time."""


@frozen
class Claims:
    """What each rule admits, in numbers. Rules are positions, the first counts."""

    peers: NDArray[Any]
    """int64 (rules,): set of peers, -1 for none of this family."""
    services: NDArray[Any]
    """int64 (rules,): which service."""
    ranges_from: NDArray[Any]
    """int64 (services + 1,): where the ranges of a service begin."""
    begins: NDArray[Any]
    """int64 (ranges,): first class of services of a range."""
    ends: NDArray[Any]
    """int64 (ranges,): the class after its last."""
    classes: int
    """Classes of services."""
    cuts: NDArray[Any]
    """int64 (cuts,): classes at which a row is cut in any case, the first 0."""


@frozen
class Runs:
    """Some rows of a table, as runs of cells that have the same."""

    rows_from: NDArray[Any]
    """int64 (rows + 1,): where the runs of each row begin; it has one at least."""
    begins: NDArray[Any]
    """int64 (runs,): the first class of services of each; that of a row's first is the row's first."""
    values: NDArray[Any]
    """int64 (runs,): what its cells have."""

    @classmethod
    def of_one(cls, values: NDArray[Any]) -> "Runs":
        """One row, from its cells."""
        return cls(np.array([0, len(values)]), np.arange(len(values)), values)

    @property
    def rows(self) -> NDArray[Any]:
        """The row of each run, int64 (runs,)."""
        return np.repeat(np.arange(len(self.rows_from) - 1), np.diff(self.rows_from))

    def saying(self, values: NDArray[Any]) -> "Runs":
        """The same rows with other values."""
        return Runs(self.rows_from, self.begins, values)

    def merged(self) -> "Runs":
        """The same rows; runs that have the same as the one before belong to it."""
        is_kept = np.ones(len(self.values), dtype=bool)
        is_kept[1:] = self.values[1:] != self.values[:-1]
        is_kept[self.rows_from[:-1]] = True
        return self.only(is_kept)

    def only(self, is_kept: NDArray[Any]) -> "Runs":
        """The same rows without some of their runs, of each with one at least."""
        rows_from = np.concatenate([[0], np.cumsum(is_kept)])[self.rows_from]
        return Runs(rows_from, self.begins[is_kept], self.values[is_kept])

    def distinct(self) -> tuple["Runs", NDArray[Any]]:
        """Different rows once, and which of them each row is."""
        words = np.stack([self.begins, self.values], axis=1)
        whole, size, bounds = words.tobytes(), words.itemsize * 2, self.rows_from.tolist()
        numbers: dict[bytes, int] = {}
        keys = (whole[begin * size : end * size] for begin, end in pairwise(bounds))
        which = np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(bounds) - 1)
        found = np.frombuffer(b"".join(numbers), np.int64).reshape(-1, 2)
        rows_from = np.cumsum([0, *(len(key) // size for key in numbers)])
        return Runs(rows_from, found[:, 0], found[:, 1]), which

    def has_everywhere(self, is_it: NDArray[Any], classes: int) -> NDArray[Any]:
        """For each class of services, whether its cells are all in such runs; bool (runs,) gives bool (classes,)."""
        ends = np.append(self.begins[1:], classes)
        ends[self.rows_from[1:] - 1] = classes
        change = np.zeros(classes + 1, np.int64)
        np.add.at(change, self.begins[~is_it], 1)
        np.add.at(change, ends[~is_it], -1)
        everywhere: NDArray[Any] = np.cumsum(change[:-1]) == 0
        return everywhere


def cross(claims: Claims, members: NDArray[Any]) -> Iterator[Runs]:
    """Build a cross table, some rows at a time, which are classes of peers in order.

    Args:
        claims: Of all rules.
        members: uint64 (peer classes, words), the sets of peers that a class is in, a bit for each.

    Returns:
        Rows whose values are rules; as many as there are for none.
    """
    row, word = np.nonzero(members)
    bits = np.unpackbits(members[row, word].view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    pair, bit = np.nonzero(bits)
    row, which = row[pair], word[pair] * 64 + bit
    rules = np.argsort(claims.peers, kind="stable")
    begins = np.searchsorted(claims.peers[rules], np.arange(members.shape[1] * 64 + 1))
    sizes = np.diff(begins)[which]
    for rows in _portions(np.bincount(row, sizes, len(members)).astype(np.int64)):
        some = slice(*np.searchsorted(row, (rows.start, rows.stop)))
        at = np.repeat(begins[which[some]], sizes[some]) + within(sizes[some])
        yield _runs(claims, np.repeat(row[some] - rows.start, sizes[some]), rules[at], rows.stop - rows.start)


def _runs(claims: Claims, row: NDArray[Any], rule: NDArray[Any], rows: int) -> Runs:
    """Rows of which some rules, with each of which there is a row, admit something."""
    none = len(claims.peers)
    begins, ends, of_pair = _ranges(claims, rule)
    row, rule = row[of_pair], rule[of_pair]

    # The first rule for all services of a peer makes those behind it, and itself, of no account.
    everything = np.full(rows, none)
    is_whole = (begins == 0) & (ends == claims.classes)
    np.minimum.at(everything, row[is_whole], rule[is_whole])
    counts = rule < everything[row]
    row, rule = row[counts], rule[counts]

    # A class of services, and behind the last the next row's first, is a number in all rows at once.
    begins, ends = row * claims.classes + begins[counts], row * claims.classes + ends[counts]
    firsts = np.arange(rows + 1) * claims.classes
    in_any_case = (firsts[:-1, np.newaxis] + claims.cuts).reshape(-1)
    cuts = distinct(np.concatenate([firsts[-1:], in_any_case, begins, ends]))
    least = _least(np.searchsorted(cuts, begins), np.searchsorted(cuts, ends), rule, np.full(len(cuts), none))[:-1]
    rows_from = np.searchsorted(cuts, firsts)
    of_run = np.repeat(np.arange(rows), np.diff(rows_from))
    return Runs(rows_from, cuts[:-1] - firsts[of_run], np.minimum(least, everything[of_run]))


def _least(begins: NDArray[Any], ends: NDArray[Any], numbers: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
    """In each place the least of the numbers that are given to it, each to a range, and of what is there.

    A range is two ranges, maybe with something in common, whose length is a power of two. Numbers are given to these, the
    longest first, and from there to their halves: that takes no longer if all ranges are long.
    """
    exponents = np.frexp(ends - begins)[1] - 1
    for exponent in range(exponents.max(initial=-1), -1, -1):
        here = exponents == exponent
        np.minimum.at(found, begins[here], numbers[here])
        np.minimum.at(found, ends[here] - (1 << exponent), numbers[here])
        if exponent:
            half = 1 << exponent - 1
            found[half:] = np.minimum(found[half:], found[:-half])
    return found


def _ranges(claims: Claims, rule: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The ranges of services of some rules: begin, end, and the place of the rule among them."""
    service = claims.services[rule]
    sizes = np.diff(claims.ranges_from)[service]
    at = np.repeat(claims.ranges_from[service], sizes) + within(sizes)
    return claims.begins[at], claims.ends[at], np.repeat(np.arange(len(rule)), sizes)


def distinct(numbers: NDArray[Any]) -> NDArray[Any]:
    """Different ones of some in order; `numpy.unique` takes several times as long for numbers as regular as these."""
    ordered = np.sort(numbers)
    found: NDArray[Any] = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return found


def within(sizes: NDArray[Any]) -> NDArray[Any]:
    """0, 1, ... for each size, one after the other."""
    ends = np.cumsum(sizes)
    within: NDArray[Any] = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    return within


def _portions(sizes: NDArray[Any]) -> Iterator[slice]:
    """Cut what has these sizes into portions that are not too large; at least one in each."""
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(ends):
        limit = (ends[begin - 1] if begin else 0) + _AT_ONCE
        end = max(begin + 1, int(np.searchsorted(ends, limit, side="right")))
        yield slice(begin, end)
        begin = end
