"""Nodes of one unit as `sgsim.kernels.match` reads them, before all units come into one array.

A node takes the numbers of some cells that follow each other, in ranges of `KEY` numbers of which the first bits are the
same. It begins with a line of the cache, in which there are keys: where each cell but the first begins, without the first
bits, the greatest first; those that are missing are 0. Then come references: for a number that no key is greater than, for
one that one key is greater than, and so on. A reference to a node is the place of its own first reference: so its keys are
in the line to which that leads. Keys are `KEY` higher, so that no reference that stands in their line is greater.

A wide node is for the last bits of IPv6 addresses. It has fewer and longer keys, and a reference to it is its own place.

Within a unit the leaf for a number is that number, and a reference to a node is less than 0.
"""

from typing import Any, Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.kernels.rule_layout import FEW_KEYS, KEY, LINE, MOST_KEYS, WIDE_FIRST, WIDE_KEYS

MOST_PLACES: Final = KEY
"""How many places a reference can tell apart."""


@define
class Nodes:
    """Nodes while they are made; equal ones are stored once."""

    _positions: dict[bytes, int] = field(factory=dict)
    _parts: list[NDArray[Any]] = field(factory=list)
    size: int = 0
    """Places that are taken."""

    def put(self, starts: NDArray[Any], values: NDArray[Any], begins: NDArray[Any], ends: NDArray[Any]) -> NDArray[Any]:
        """Make nodes, each of some cells.

        Args:
            starts: int64 (cells,), where each begins.
            values: int64 (cells,), references.
            begins: int64 (nodes,), the first cell of each node.
            ends: int64 (nodes,), the cell after its last, at most `MOST_KEYS` + 1 on.

        Returns:
            int64 (nodes,), references to them.
        """
        references = np.zeros(len(begins), np.int64)
        is_small = ends - begins <= FEW_KEYS + 1
        for keys, which in ((FEW_KEYS, is_small), (MOST_KEYS, ~is_small)):
            if which.any():
                cells, is_key = _backwards(begins[which], ends[which], keys)
                nodes = np.zeros((len(cells), 2 * (keys + 1)), np.int64)
                nodes[:, :keys] = np.where(is_key, KEY | starts[cells[:, :-1]] % KEY, 0)
                nodes[:, keys:-1] = values[cells]
                references[which] = reference(self._stored(nodes) + keys)
        return references

    def put_wide(
        self, starts: NDArray[Any], values: NDArray[Any], begins: NDArray[Any], ends: NDArray[Any]
    ) -> NDArray[Any]:
        """The same of nodes with keys of 64 bits; `starts` are uint64."""
        cells, is_key = _backwards(begins, ends, WIDE_KEYS)
        nodes = np.zeros((len(cells), LINE), np.int64)
        nodes[:, :WIDE_FIRST] = np.where(is_key, starts[cells[:, :-1]], np.uint64(0)).view(np.uint32)
        nodes[:, WIDE_FIRST:] = values[cells]
        return reference(self._stored(nodes))

    def array(self) -> NDArray[Any]:
        """What is in all places, int64 (places,): whole lines."""
        return np.concatenate([np.zeros(0, np.int64), *self._parts])

    def _stored(self, nodes: NDArray[Any]) -> NDArray[Any]:
        """Store nodes of one size; gives the place of each."""
        places = np.zeros(len(nodes), np.int64)
        is_new = np.zeros(len(nodes), dtype=bool)
        size, width = self.size, nodes.shape[1]
        for row, key in enumerate(nodes.view(f"V{8 * width}").ravel().tolist()):
            place = self._positions.setdefault(key, size)
            is_new[row] = place == size
            size += width if place == size else 0
            places[row] = place
        self._parts.append(nodes[is_new].reshape(-1))
        self.size = size
        return places


def _backwards(begins: NDArray[Any], ends: NDArray[Any], keys: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The cells of each node, the last first, then its first again and again; and which of them, but the last, are keys."""
    cells = ends[:, np.newaxis] - 1 - np.arange(keys + 1)
    is_key = cells[:, :-1] > begins[:, np.newaxis]
    return np.maximum(cells, begins[:, np.newaxis]), is_key


def reference(places: NDArray[Any]) -> NDArray[Any]:
    """References within a unit to what stands in some places of it."""
    return -1 - places


def moved(references: NDArray[Any], by: int) -> NDArray[Any]:
    """The same references once the unit begins at another place."""
    further: NDArray[Any] = np.where(references < 0, by - 1 - references, references)
    return further
