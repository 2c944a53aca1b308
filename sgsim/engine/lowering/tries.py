"""The trie that tells the class of an IPv4 address; for `sgsim.kernels.match`.

The upper half of an address leads to a head, by its rank among those at which something changes; from there nodes look at
some bits each. A node does not look at the last of its bits where no class begins or ends between. Equal nodes are stored
once.
"""

from typing import Any, Final

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from sgsim.engine.lowering.nodes import leaves_for, moved, nodes_at
from sgsim.kernels.rule_layout import STEPS

_HALF: Final = 16


@frozen
class _Level:
    """The nodes for some bits of addresses."""

    prefixes: NDArray[Any]
    """int64 (nodes,): what comes before these bits, in order."""
    references: NDArray[Any]
    """int64 (nodes,): where each is stored."""


@frozen
class Trie:
    """A trie whose nodes stand from 0 on; its leaves are for classes."""

    halves: NDArray[Any]
    """int64 (heads - 1,): the upper halves at which there is another head than below."""
    nodes: NDArray[Any]
    """uint32 (places,): the heads, then what each node has."""


def trie_of(starts: NDArray[Any], classes: NDArray[Any]) -> Trie:
    """Build the trie of intervals of addresses.

    Args:
        starts: int64 (intervals,), where each begins, in order; the first at 0.
        classes: int64 (intervals,), the class of each.
    """
    is_other = np.ones(len(starts), dtype=bool)
    is_other[1:] = classes[1:] != classes[:-1]
    return _Builder().trie(starts[is_other], classes[is_other])


@define
class _Builder:
    """Nodes while a trie is built, from the last bits up."""

    _positions: dict[bytes, int] = field(factory=dict)
    _size: int = 0

    def trie(self, starts: NDArray[Any], classes: NDArray[Any]) -> Trie:
        """Build it."""
        level, shift = _Level(np.zeros(0, np.int64), np.zeros(0, np.int64)), 0
        for bits in reversed(STEPS):
            level = self._level(starts, classes, shift, bits, level)
            shift += bits
        halves, heads = _heads(starts, classes, level)
        nodes = np.frombuffer(b"".join(self._positions), np.uint32)
        return Trie(halves, np.concatenate([moved(heads, len(heads)), moved(nodes, len(heads))]).astype(np.uint32))

    def _level(self, starts: NDArray[Any], classes: NDArray[Any], shift: int, bits: int, lower: _Level) -> _Level:
        """Build the nodes for so many bits from `shift` on, of each prefix within which some interval begins."""
        inner = np.flatnonzero(starts & ((1 << shift + bits) - 1))
        prefix_of = starts[inner] >> shift + bits
        begins = np.flatnonzero(np.diff(prefix_of, prepend=-1))
        prefixes = prefix_of[begins]
        node_of = np.repeat(np.arange(len(prefixes)), np.diff(begins, append=len(inner)))

        # Each place has the last interval that begins at or before it, unless there is a node below.
        last = np.zeros(len(prefixes) << bits, np.int64)
        last[:: 1 << bits] = np.searchsorted(starts, prefixes << shift + bits, side="right") - 1
        place = (starts[inner] + (1 << shift) - 1 >> shift) - (prefix_of << bits)
        fits = place < 1 << bits
        np.maximum.at(last, (node_of[fits] << bits) + place[fits], inner[fits])
        np.maximum.accumulate(last, out=last)
        places = leaves_for(classes[last]).reshape(-1, 1 << bits)
        places[np.searchsorted(prefixes, lower.prefixes >> bits), lower.prefixes % (1 << bits)] = lower.references

        is_even = starts[inner] & ((1 << shift) - 1) == 0
        cut_bits = np.bitwise_or.reduceat(np.where(is_even, place, 1), begins) if len(begins) else begins
        return _Level(prefixes, self._references(places.astype(np.uint32), cut_bits & -cut_bits))

    def _references(self, places: NDArray[Any], steps: NDArray[Any]) -> NDArray[Any]:
        """Store nodes of which only each step-th place is needed; steps are powers of two."""
        references = np.zeros(len(places), np.int64)
        for step in np.unique(steps).tolist():
            rows = np.flatnonzero(steps == step)
            kept = np.ascontiguousarray(places[rows, ::step])
            keys = kept.view(f"V{4 * kept.shape[1]}").ravel().tolist()
            positions = np.fromiter((self._store(key) for key in keys), np.int64, len(keys))
            references[rows] = nodes_at(positions) | step.bit_length() - 1
        return references

    def _store(self, node: bytes) -> int:
        position = self._positions.get(node)
        if position is None:
            position = self._positions[node] = self._size
            self._size += len(node) // 4
        return position


def _heads(starts: NDArray[Any], classes: NDArray[Any], level: _Level) -> tuple[NDArray[Any], NDArray[Any]]:
    """The upper halves, but for the first, where something changes; and what each of them, the first too, leads to."""
    halves = np.unique(np.concatenate([[0], starts + 65535 >> _HALF, level.prefixes, level.prefixes + 1]))
    halves = halves[halves < 1 << _HALF]
    heads = leaves_for(classes[np.searchsorted(starts, halves << _HALF, side="right") - 1])
    heads[np.searchsorted(halves, level.prefixes)] = level.references
    changes = np.flatnonzero(np.diff(heads, prepend=-1))
    return halves[changes][1:], heads[changes]
