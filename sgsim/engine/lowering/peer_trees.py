"""Trees that lead from the address of a peer to its row; for `sgsim.kernels.match`.

A tree begins with heads, each for numbers that begin with the same bits. There are as many as it takes for one node to tell
all intervals apart that have to do with a head, but not many more than intervals. Where that is not enough, intervals are
first put into nodes without regard to heads, and these taken for intervals, once or several times. Heads that follow each
other and have few intervals share a node.

An IPv4 address is such a number itself. Of an IPv6 address it is how far it is from just before the first at which rules
tell anything apart, at most so far as to the last, without the low bits of which no rule makes anything. If even that is
too much for a head and a node, the node leads on to others for what is left, some bits at a time.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.engine.lowering.cross import within
from sgsim.engine.lowering.nodes import Nodes
from sgsim.kernels.rule_layout import (
    FEW_KEYS,
    KEY,
    KEY_BITS,
    MOST_KEYS,
    TREE_FROM_HI,
    TREE_FROM_LO,
    TREE_FURTHER,
    TREE_MOST_HI,
    TREE_MOST_LO,
    TREE_PIECE_BITS,
    TREE_PIECE_FURTHER,
    TREE_PIECES,
    TREE_SHIFT,
    TREE_WIDE_SHIFT,
    WIDE_KEYS,
)
from sgsim.model.address import Family

_WORD_BITS: Final = 64
_MOST_HEADS: Final = 1 << 16
_HEADS_IN_ANY_CASE: Final = 256
"""So many may be there for the fewest intervals: 2 KiB."""
_HEADS_PER_INTERVAL: Final = 4
"""More do not make up for the cache that they take: one has 8 bytes."""
_FAN: Final = MOST_KEYS + 1
_WIDE_FAN: Final = WIDE_KEYS + 1


def put_tree(nodes: Nodes, starts: Sequence[int], rows: NDArray[Any], words: NDArray[Any]) -> NDArray[Any]:
    """Make the tree of intervals of IPv4 addresses.

    Args:
        nodes: To which its own are added.
        starts: Where each interval begins, in order; the first at 0.
        rows: int64 (2, intervals), references to the row of each, for services of even spaces and for those of odd ones.
        words: int64 (TREE_WORDS,), of `Rules.trees`. Changed in place.

    Returns:
        int64 (heads, 2), references to nodes.
    """
    levels = [_Level(np.array(starts, dtype=np.int64), each) for each in rows]
    return _heads(nodes, levels, Family.IPV4.bits, words)


def put_wide_tree(nodes: Nodes, starts: Sequence[int], rows: NDArray[Any], words: NDArray[Any]) -> NDArray[Any]:
    """The same of IPv6 addresses."""
    everything = 0
    for start in starts:
        everything |= start
    dropped = max(0, (everything & -everything).bit_length() - 1)
    first = starts[1] - (1 << dropped) if len(starts) > 1 else 0
    most = starts[-1] - first
    numbers = np.array([max(start - first, 0) >> dropped for start in starts], dtype=object)
    bits = (most >> dropped).bit_length()
    rest = max(0, bits - KEY_BITS - _most_heads(len(starts)).bit_length() + 1)
    pieces = -(-rest // _WORD_BITS)
    of_each = -(-rest // max(1, pieces))
    levels = _without_last_bits(nodes, [_Level(numbers, each).merged() for each in rows], pieces, of_each, words)
    levels = [_Level(level.starts.astype(np.int64), level.references) for level in levels]
    words[TREE_WIDE_SHIFT] = dropped + of_each * pieces
    words[TREE_PIECES], words[TREE_PIECE_BITS] = pieces, of_each
    words[[TREE_FROM_HI, TREE_FROM_LO, TREE_MOST_HI, TREE_MOST_LO]] = np.array(
        [half for number in (first, most) for half in divmod(number, 1 << _WORD_BITS)], dtype=np.uint64
    ).view(np.int64)
    return _heads(nodes, levels, bits - of_each * pieces, words)


@frozen
class _Level:
    """What is told apart in part of a tree: intervals, or nodes below that are taken for such."""

    starts: NDArray[Any]
    """int64 (intervals,), or int: where each begins, in order; the first at 0."""
    references: NDArray[Any]
    """int64 (intervals,)."""

    def merged(self) -> "_Level":
        """The same without what leads to the same as the one before."""
        is_kept = np.ones(len(self.starts), dtype=bool)
        is_kept[1:] = self.references[1:] != self.references[:-1]
        return _Level(self.starts[is_kept], self.references[is_kept])

    def cut(self, at: NDArray[Any]) -> "_Level":
        """The same with intervals that begin at certain numbers too."""
        starts = np.union1d(self.starts, at)
        return _Level(starts, self.references[np.searchsorted(self.starts, starts, side="right") - 1])

    def at(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """The intervals that begin at numbers."""
        found: NDArray[Any] = np.searchsorted(self.starts, numbers)
        return found

    def above(self, nodes: Nodes, bounds: NDArray[Any]) -> "_Level":
        """Nodes, each of as many intervals as it may have; `bounds` are positions that none has intervals on both sides of."""
        begins = np.concatenate([np.arange(begin, end, _FAN) for begin, end in pairwise(bounds.tolist())])
        ends = np.append(begins[1:], len(self.starts))
        return _Level(self.starts[begins], nodes.put(self.starts, self.references, begins, ends))


def _most_heads(intervals: int) -> int:
    """How many heads a tree may have."""
    return min(_MOST_HEADS, max(_HEADS_IN_ANY_CASE, _HEADS_PER_INTERVAL * intervals))


@frozen
class _Split:
    """Intervals by what their numbers begin with; of each beginning the cells that the last bits tell apart."""

    starts: NDArray[Any]
    """int (beginnings,): from which number on each counts, without the last bits."""
    cells_from: NDArray[Any]
    """int64 (beginnings + 1,)."""
    cells: NDArray[Any]
    """int64 (cells,): the interval of each."""
    lows: NDArray[Any]
    """uint64 (cells,): the last bits with which each but a first one begins, and maybe some before these."""

    @classmethod
    def of(cls, starts: NDArray[Any], bits: int) -> "_Split":
        """Split intervals that begin at these numbers, the first at 0, before so many last bits."""
        begins_with, lows = starts >> bits, (starts % (1 << bits)).astype(np.uint64)
        firsts = np.flatnonzero(np.append(True, begins_with[1:] != begins_with[:-1]))
        lasts = np.append(firsts[1:], len(starts)) - 1

        # An interval that begins within goes on behind, where it may be the only one.
        follows = np.append(begins_with[firsts[1:]] != begins_with[firsts[:-1]] + 1, True) & (lows[lasts] > 0)
        counts = 1 + follows
        is_behind = within(counts) > 0
        first_cells = np.repeat(firsts - (lows[firsts] > 0), counts)
        first_cells[is_behind] = lasts[follows]
        sizes = np.repeat(lasts, counts) + 1 - first_cells
        cells = np.repeat(first_cells, sizes) + within(sizes)
        cells_from = np.append(0, np.cumsum(sizes))
        return cls(
            np.repeat(begins_with[firsts], counts) + is_behind,
            cells_from,
            cells,
            (starts[cells] % (1 << _WORD_BITS)).astype(np.uint64),
        )

    def level(self, nodes: Nodes, references: NDArray[Any], further: int) -> _Level:
        """Make so many nodes after the first for each beginning."""
        bounds, lows, found = self.cells_from, self.lows, references[self.cells]
        for _ in range(further):
            begins = np.concatenate([np.arange(begin, end, _WIDE_FAN) for begin, end in pairwise(bounds.tolist())])
            found, lows = nodes.put_wide(lows, found, begins, np.append(begins[1:], len(lows))), lows[begins]
            bounds = np.searchsorted(begins, bounds)
        return _Level(self.starts, nodes.put_wide(lows, found, bounds[:-1], bounds[1:]))


def _without_last_bits(nodes: Nodes, levels: list[_Level], pieces: int, bits: int, words: NDArray[Any]) -> list[_Level]:
    """Make the nodes for the last bits of numbers; what leads to them is about the bits that these begin with."""
    splits = [[_Split.of(level.starts, bits)] for level in levels] if pieces else []
    for of_level in splits:
        for _ in range(pieces - 1):
            of_level.append(_Split.of(of_level[-1].starts, bits))
    most = max((int(np.diff(split.cells_from).max()) for of_level in splits for split in of_level), default=1)
    while most > _WIDE_FAN:
        most = -(-most // _WIDE_FAN)
        words[TREE_PIECE_FURTHER] += 1
    for number, of_level in enumerate(splits):
        for split in of_level:
            levels[number] = split.level(nodes, levels[number].references, words[TREE_PIECE_FURTHER])
    return levels


def _heads(nodes: Nodes, levels: Sequence[_Level], bits: int, words: NDArray[Any]) -> NDArray[Any]:
    """Make the nodes for numbers of so many bits, for services of even and odd spaces; gives what heads refer to."""
    blocks = np.arange(0, 1 << bits, KEY)
    levels = [level.merged().cut(blocks) for level in levels]
    most = _most_heads(max(len(level.starts) for level in levels))
    while (shift := _shift(levels, bits, most)) is None:
        levels = [level.above(nodes, np.append(level.at(blocks), len(level.starts))) for level in levels]
        words[TREE_FURTHER] += 1
    words[TREE_SHIFT] = shift
    heads = (1 << bits - shift) // len(blocks)
    return np.stack([_of_heads(nodes, level, shift, len(blocks), heads) for level in levels], axis=1)


def _shift(levels: Sequence[_Level], bits: int, most: int) -> int | None:
    """The most bits that heads need not look at for a node to tell the rest; None if there were too many heads."""
    shift = min(bits, KEY_BITS)
    for level in levels:
        while np.bincount(level.starts[level.starts % (1 << shift) > 0] >> shift, minlength=1).max() > MOST_KEYS:
            shift -= 1
            if shift < 0 or 1 << bits - shift > most:
                return None
    return shift


def _of_heads(nodes: Nodes, level: _Level, shift: int, blocks: int, heads: int) -> NDArray[Any]:
    """The nodes to which heads refer, so many for each block."""
    begins = np.arange(blocks * heads) << shift
    firsts = np.searchsorted(level.starts, begins, side="right") - 1
    lasts = np.searchsorted(level.starts, begins + (1 << shift)) - 1
    groups = [
        group
        for block in range(0, len(begins), heads)
        for group in _groups(firsts[block : block + heads].tolist(), lasts[block : block + heads].tolist())
    ]
    firsts, lasts, counts = np.array(groups, dtype=np.int64).T
    return np.repeat(nodes.put(level.starts, level.references, firsts, lasts + 1), counts)


def _groups(firsts: list[int], lasts: list[int]) -> Iterator[tuple[int, int, int]]:
    """Heads, each with some intervals, that share a node: its first interval and its last, and how many heads they are."""
    head = 0
    while head < len(firsts):
        behind = bisect_right(lasts, firsts[head] + FEW_KEYS, head)
        if behind == head:
            behind = bisect_right(lasts, firsts[head] + MOST_KEYS, head)
        yield firsts[head], lasts[behind - 1], behind - head
        head = behind
