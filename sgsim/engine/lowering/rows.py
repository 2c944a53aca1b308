"""Rows of a cross table as nodes, by the numbers of services; for `sgsim.kernels.match`.

A row of few runs is one node. A longer one is cut at certain classes of services, the same for all rows, so that parts that
are equal in two rows are one node. Equal rows are one too.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.lowering.cross import Runs, distinct, within
from sgsim.engine.lowering.nodes import Nodes
from sgsim.kernels.rule_layout import MOST_KEYS

_FAN: Final = MOST_KEYS + 1


def put_rows(nodes: Nodes, runs: Runs, starts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Make the nodes of rows.

    Args:
        nodes: To which they are added.
        runs: The rows; what their cells have are leaves.
        starts: int64 (service classes,), the first service of each class.

    Returns:
        int64 (rows,), a reference for each, and how many nodes there are at most behind the first on its way to a leaf.
    """
    sizes = [-(-len(starts) // _FAN)]
    while sizes[-1] > _FAN:
        sizes.append(-(-sizes[-1] // _FAN))
    size = sizes[-1] * _FAN ** (len(sizes) - 1)
    return _put(nodes, runs.merged(), starts, size)


def _put(nodes: Nodes, runs: Runs, starts: NDArray[Any], size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The same; rows of many runs are cut into parts of so many classes."""
    is_long = np.diff(runs.rows_from) > _FAN
    further = np.zeros(len(is_long), np.int64)
    if is_long.any():
        runs, further[is_long] = _shortened(nodes, runs, is_long, starts, size)
    references = runs.values[runs.rows_from[:-1]]
    several = np.flatnonzero(np.diff(runs.rows_from) > 1)
    begins, ends = runs.rows_from[several], runs.rows_from[several + 1]
    references[several] = nodes.put(starts[runs.begins], runs.values, begins, ends)
    return references, further


def _shortened(
    nodes: Nodes, runs: Runs, is_long: NDArray[Any], starts: NDArray[Any], size: int
) -> tuple[Runs, NDArray[Any]]:
    """Rows of which the long ones have references to their parts; and how many nodes there are then behind each of these."""
    firsts, lasts = runs.begins[runs.rows_from[:-1]], runs.begins[runs.rows_from[1:] - 1]
    counts = np.where(is_long, lasts // size - firsts // size + 1, 0)
    part_rows = np.repeat(np.arange(len(counts)), counts)
    part_begins = np.maximum(((firsts // size)[part_rows] + within(counts)) * size, firsts[part_rows])

    # A class of services is a number in all rows at once.
    rows, classes = runs.rows, len(starts)
    in_long = is_long[rows]
    long = rows[in_long] * classes + runs.begins[in_long]
    cuts = part_rows * classes + part_begins
    places = distinct(np.concatenate([long, cuts]))
    values = runs.values[in_long][np.searchsorted(long, places, side="right") - 1]
    parts, which = Runs(np.append(np.searchsorted(places, cuts), len(places)), places % classes, values).distinct()
    found, further = _put(nodes, parts, starts, size // _FAN)
    references, further = found[which], further[which]

    rows = np.concatenate([rows[~in_long], part_rows])
    order = np.argsort(rows, kind="stable")
    begins = np.concatenate([runs.begins[~in_long], part_begins])[order]
    values = np.concatenate([runs.values[~in_long], references])[order]
    rows_from = np.searchsorted(rows[order], np.arange(len(is_long) + 1))
    most = np.maximum.reduceat(further, np.searchsorted(part_rows, np.flatnonzero(is_long)))
    return Runs(rows_from, begins, values).merged(), most + 1
