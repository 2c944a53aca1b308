"""Which sets a number is in: elementary intervals, cut wherever a set begins or ends, and classes of equal ones."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.rules.ranges import Ranges

_WORD: Final = 64
_AT_ONCE: Final = 1 << 21
"""Words of bits held at a time while intervals are told apart: 16 MiB."""


@frozen
class Intervals:
    """All numbers, by the sets that they are in."""

    starts: list[int]
    """Where each interval begins; the first at 0."""
    classes: NDArray[Any]
    """int64 (intervals,): the class of each, numbered as they appear."""
    members: NDArray[Any]
    """uint64 (classes, words): the sets that numbers of a class are in, a bit for each."""


def intervals_of(sets: Sequence[Ranges], end: int) -> Intervals:
    """Cut the numbers below `end` into intervals, and give those in the same sets one class."""
    edges = [edge for ranges in sets for first, last in ranges for edge in (first, last + 1)]
    starts = sorted({0, *edges} - {end})
    positions = {start: position for position, start in enumerate(starts)} | {end: len(starts)}
    at = np.fromiter((positions[edge] for edge in edges), np.int64, len(edges))
    number = np.repeat(np.arange(len(sets)), [2 * len(ranges) for ranges in sets])
    order = np.argsort(at, kind="stable")
    return Intervals(starts, *_classes(at[order], number[order], len(starts), max(1, -(-len(sets) // _WORD))))


def _classes(at: NDArray[Any], number: NDArray[Any], intervals: int, words: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Tell intervals apart: at each position (in order) some sets begin or end."""
    bit = np.uint64(1) << (number % _WORD).astype(np.uint64)
    classes = np.zeros(intervals, np.int64)
    numbers: dict[bytes, int] = {}
    before = np.zeros(words, np.uint64)
    step = max(1, _AT_ONCE // words)
    for begin in range(0, intervals, step):
        rows = min(step, intervals - begin)
        here = slice(*np.searchsorted(at, (begin, begin + rows)))
        inside = np.zeros((rows, words), np.uint64)
        inside[0] = before
        np.bitwise_xor.at(inside, (at[here] - begin, number[here] // _WORD), bit[here])
        np.bitwise_xor.accumulate(inside, axis=0, out=inside)
        before = inside[-1]
        for row, key in enumerate(inside.view(f"V{8 * words}").ravel().tolist(), begin):
            classes[row] = numbers.setdefault(key, len(numbers))
    members = np.frombuffer(b"".join(numbers), np.uint64).reshape(-1, words)
    return classes, members
