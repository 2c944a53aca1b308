"""References to nodes and leaves, as `sgsim.kernels.match` reads them."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.rule_layout import LEAF, NODE_AT

MOST_PLACES: Final = 1 << (32 - NODE_AT)
"""How many places a reference can tell apart."""


def leaves_for(numbers: NDArray[Any]) -> NDArray[Any]:
    """References to the leaves for some numbers."""
    references: NDArray[Any] = numbers.astype(np.int64) << NODE_AT | LEAF
    return references


def nodes_at(positions: NDArray[Any]) -> NDArray[Any]:
    """References to nodes that look at all bits."""
    references: NDArray[Any] = positions.astype(np.int64) << NODE_AT
    return references


def is_node(references: NDArray[Any]) -> NDArray[Any]:
    """Which references are no leaves."""
    is_inner: NDArray[Any] = references % (1 << NODE_AT) != LEAF
    return is_inner


def moved(references: NDArray[Any], by: int, leaves: NDArray[Any] | None = None) -> NDArray[Any]:
    """The same references once nodes stand further on, and leaves, by their number, in other places."""
    inner = is_node(references)
    further: NDArray[Any] = references + np.where(inner, int(by) << NODE_AT, 0)
    if leaves is not None:
        further[~inner] = leaves_for(leaves[references[~inner] >> NODE_AT])
    return further
