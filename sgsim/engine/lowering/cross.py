"""The cross table of classes of peers and classes of services: in each cell the first rule that admits both.

A row is cut into groups of blocks of cells. Most have one rule, or none, for all of their services, and take no places of
their own; equal ones share theirs. So ten thousand random rules, with fifty million cells, take some megabytes.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.engine.lowering.nodes import is_node, leaves_for, nodes_at
from sgsim.kernels.rule_layout import BLOCK, BLOCK_BITS, BLOCKS, GROUP_BITS, LEAF, NODE_AT

_AT_ONCE: Final = 1 << 21
"""Numbers held at a time."""


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


@frozen
class Cross:
    """A cross table as kernels take it, but that nodes and cells stand from 0 on. Leaves are for rule + 1."""

    rows: NDArray[Any]
    """int64 (peer classes, groups): the node, or leaf, for each group of blocks."""
    nodes: NDArray[Any]
    """int64 (places,): where the cells of a block are, or the leaf for all of it."""
    cells: NDArray[Any]
    """int32 (cells,)."""

    def is_full(self, classes: int) -> NDArray[Any]:
        """For each class of services, whether there is a rule for every class of peers."""
        leaves = leaves_for(self.cells + 1)
        full: NDArray[Any] = np.concatenate(
            [
                (_below(np.unique(block), leaves, BLOCK) != LEAF).all(axis=0)
                for group in self.rows.T
                for block in _below(np.unique(group), self.nodes, BLOCKS).T
            ]
        )
        return full[:classes]


def _below(references: NDArray[Any], places: NDArray[Any], size: int) -> NDArray[Any]:
    """What the nodes among references have in their places, so many each; a leaf stands for itself in each."""
    inner = is_node(references)
    found = np.repeat(references[:, np.newaxis], size, axis=1)
    found[inner] = places.reshape(-1, size)[(references[inner] >> NODE_AT) // size]
    return found


def cross(claims: Claims, members: NDArray[Any], named: NDArray[Any]) -> Cross:
    """Build a cross table.

    Args:
        claims: Of all rules.
        members: uint64 (peer classes, words), the sets of peers that a class is in, a bit for each.
        named: int32 (rules + 1,), what a cell says for a rule; the last is that of a cell without one.
    """
    none, blocks = len(named) - 1, -(-claims.classes >> GROUP_BITS) * BLOCKS
    peer, rule = _admitting(claims, members)
    if not len(rule):
        rows = np.broadcast_to(leaves_for(named[-1:] + 1), (len(members), blocks // BLOCKS))
        return Cross(rows, np.zeros(0, np.int64), np.zeros(0, np.int32))
    begins, ends, of_pair = _ranges(claims, rule)
    peer, rule = peer[of_pair], rule[of_pair].astype(np.int32)

    # The first rule for all services of a peer makes those behind it, and itself, of no account.
    everything = np.full(len(members), none, np.int32)
    is_whole = (begins == 0) & (ends >= claims.classes)
    np.minimum.at(everything, peer[is_whole], rule[is_whole])
    counts = rule < everything[peer]
    peer, rule, begins, ends = peer[counts], rule[counts], begins[counts], ends[counts]
    ends = np.where(ends == claims.classes, blocks * BLOCK, ends)

    first = np.repeat(everything, blocks)
    whole_from, whole_to = begins + BLOCK - 1 >> BLOCK_BITS, ends >> BLOCK_BITS
    sizes = np.maximum(whole_to - whole_from, 0)
    for some in _portions(sizes):
        at = np.repeat(peer[some] * blocks + whole_from[some], sizes[some]) + _within(sizes[some])
        np.minimum.at(first, at, np.repeat(rule[some], sizes[some]))

    references = leaves_for(named[first] + 1)
    at, cells = _own_cells(first, peer * blocks, rule, begins, ends)
    stored, which = _equal_once(named[cells])
    references[at] = nodes_at(which * BLOCK)
    groups = references.reshape(-1, BLOCKS)
    rows = groups[:, 0].copy()
    at = np.flatnonzero((groups != groups[:, :1]).any(axis=1) | is_node(rows))
    nodes, which = _equal_once(groups[at])
    rows[at] = nodes_at(which * BLOCKS)
    return Cross(rows.reshape(len(members), -1), nodes, stored)


def _admitting(claims: Claims, members: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """All pairs of a class of peers and a rule that admits it."""
    row, word = np.nonzero(members)
    bits = np.unpackbits(members[row, word].view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    pair, bit = np.nonzero(bits)
    peer, which = row[pair], word[pair] * 64 + bit

    rules = np.argsort(claims.peers, kind="stable")
    begins = np.searchsorted(claims.peers[rules], np.arange(members.shape[1] * 64 + 1))
    sizes = np.diff(begins)[which]
    return np.repeat(peer, sizes), rules[np.repeat(begins[which], sizes) + _within(sizes)]


def _ranges(claims: Claims, rule: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The ranges of services of some rules: begin, end, and the place of the rule among them."""
    service = claims.services[rule]
    sizes = np.diff(claims.ranges_from)[service]
    at = np.repeat(claims.ranges_from[service], sizes) + _within(sizes)
    return claims.begins[at], claims.ends[at], np.repeat(np.arange(len(rule)), sizes)


def _own_cells(
    first: NDArray[Any], row: NDArray[Any], rule: NDArray[Any], begins: NDArray[Any], ends: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Blocks in which a rule begins or ends that comes before all for the whole block: where they are, and their cells."""
    from_block, to_block = begins >> BLOCK_BITS, ends - 1 >> BLOCK_BITS
    starts_within = (begins % BLOCK != 0) | ((from_block == to_block) & (ends % BLOCK != 0))
    ends_within = (ends % BLOCK != 0) & (from_block != to_block)
    at = np.concatenate([(row + from_block)[starts_within], (row + to_block)[ends_within]])
    left = np.concatenate([(begins % BLOCK)[starts_within], np.zeros(ends_within.sum(), np.int64)])
    right = np.concatenate(
        [np.minimum(ends - from_block * BLOCK, BLOCK)[starts_within], (ends - to_block * BLOCK)[ends_within]]
    )
    rules = np.concatenate([rule[starts_within], rule[ends_within]])

    order = np.flatnonzero(rules < first[at])
    order = order[np.argsort(at[order], kind="stable")]
    at, left, right, rules = at[order], left[order], right[order], rules[order]
    opens = np.flatnonzero(np.diff(at, prepend=-1))
    places = np.arange(BLOCK)
    found = [np.zeros((0, BLOCK), np.int64)]
    for groups in _portions(np.diff(opens, append=len(at)) * BLOCK):
        begin, end = opens[groups][0], (opens[groups.stop] if groups.stop < len(opens) else len(at))
        some = slice(begin, end)
        is_in = (left[some, np.newaxis] <= places) & (places < right[some, np.newaxis])
        claimed = np.where(is_in, rules[some, np.newaxis], first[at[some], np.newaxis])
        found.append(np.minimum.reduceat(claimed, opens[groups] - begin, axis=0))
    return at[opens], np.concatenate(found)


def _equal_once(cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Cells of blocks, equal ones once; and which each block has."""
    numbers: dict[bytes, int] = {}
    keys = np.ascontiguousarray(cells).view(f"V{cells.itemsize * cells.shape[1]}").ravel().tolist()
    which = np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(keys))
    return np.frombuffer(b"".join(numbers), cells.dtype), which


def _within(sizes: NDArray[Any]) -> NDArray[Any]:
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
