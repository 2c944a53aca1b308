"""Units put into common arrays, see `sgsim.kernels.arrays.Rules`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.lowering.nodes import MOST_PLACES, moved
from sgsim.engine.lowering.units import Unit
from sgsim.errors import RuleError
from sgsim.kernels.addresses import CACHE_LINE
from sgsim.kernels.arrays import Column, Rules
from sgsim.kernels.rule_layout import (
    BY_PEER,
    LINE,
    TREE_ENOUGH,
    TREE_HEADS,
    TREE_HINGE_ROW,
    TREE_HINGED,
    TREE_ROW,
    TREE_ROW_FURTHER,
    TREE_WORDS,
)
from sgsim.model.address import Family


def joined(units: Sequence[Unit], numbers: int) -> Rules:
    """Put units into common arrays.

    Args:
        units: In order.
        numbers: How many rules cells may name.

    Raises:
        RuleError: If a reference has no room for so many nodes, 8 gigabytes.
    """
    leaves = 1 + max([numbers, *(len(names) for unit in units for names in unit.hinging)])
    leaves += -leaves % LINE
    begins = leaves + _starts([len(unit.nodes) for unit in units])
    if begins[-1] > MOST_PLACES:
        raise RuleError(f"rules must need at most {MOST_PLACES} places in tables, got {begins[-1]}")
    nodes = _in_lines(int(begins[-1]))
    nodes[:leaves] = np.arange(leaves)
    trees = np.array([unit.trees for unit in units], dtype=np.int64).reshape(-1, len(Family), 2, TREE_WORDS)
    heads = [np.zeros((0, 2), np.int64)]
    for unit, words, begin, end in zip(units, trees, begins.tolist(), begins[1:].tolist(), strict=False):
        nodes[begin:end] = moved(unit.nodes, begin)
        heads += [moved(each, begin) for of_family in unit.heads for each in of_family]
        rows = words[:, :, [TREE_ROW, TREE_HINGE_ROW]]
        words[:, :, [TREE_ROW, TREE_HINGE_ROW]] = np.where(rows == BY_PEER, rows, moved(rows, begin))
    trees[..., TREE_ENOUGH] = np.where(trees[..., TREE_ROW_FURTHER] == 0, leaves, 0)
    trees[..., TREE_HEADS] = _starts([len(each) for each in heads[1:]])[:-1].reshape(trees.shape[:-1])
    hinged_from = _hinged_from(units)
    trees[:, :, 0, TREE_HINGED] = hinged_from[:-1].reshape(-1, len(Family))
    return Rules(
        trees=trees.reshape(-1),
        heads=np.concatenate(heads).astype(np.uint32).reshape(-1).view(np.uint64),
        nodes=nodes,
        hinged=np.zeros(hinged_from[-1], dtype=np.int64),
        open_back=np.array([unit.open_back for unit in units], dtype=np.uint8).reshape(-1),
    )


def hinge_rules(units: Sequence[Unit]) -> dict[int, list[str]]:
    """The rules with an unknown peer for which each position of `Rules.hinged` stands, but for those of none."""
    every = [names for unit in units for names in unit.hinging]
    return {
        int(begin) + leaf: rules
        for begin, names in zip(_hinged_from(units), every, strict=False)
        for leaf, rules in enumerate(names, 1)
    }


def _hinged_from(units: Sequence[Unit]) -> Column:
    """Where the counters of each unit and family begin; the first is of none."""
    return _starts([1 + len(names) for unit in units for names in unit.hinging])


def _in_lines(places: int) -> Column:
    """An array that begins with a line of the cache."""
    room = np.zeros(places + LINE, dtype=np.uint32)
    return room[-room.ctypes.data % CACHE_LINE // room.itemsize :][:places]


def _starts(sizes: Sequence[int]) -> NDArray[Any]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
