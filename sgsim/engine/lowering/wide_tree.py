"""The tree that finds the interval of an IPv6 address; for `sgsim.kernels.match`.

Each node has eight keys, which are compared at once: ten thousand blocks take five levels where halving takes fifteen steps.
The keys of the bottom level are the last addresses of all intervals but the last, in order. A node above has nine children,
which follow each other on the next level; its keys are the first of all but the first child. No address is greater than
a key that is the last address of all.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.rule_layout import WIDE_KEYS

_WORD: Final = (1 << 64) - 1


_CHILDREN: Final = WIDE_KEYS + 1


def wide_levels_of(starts: Sequence[int]) -> list[NDArray[Any]]:
    """Build the tree of intervals that begin at these addresses, in order, the first at 0.

    Returns:
        uint64 (2, nodes * WIDE_KEYS) for each level, the root first: upper and lower halves of keys.
    """
    ends = [start - 1 for start in starts[1:]]
    halves = np.array([[end >> 64 for end in ends], [end & _WORD for end in ends]], dtype=np.uint64)
    levels = [_filled(halves, WIDE_KEYS)]
    firsts = levels[0][:, ::WIDE_KEYS]
    while firsts.shape[1] > 1:
        children = _filled(firsts, _CHILDREN).reshape(2, -1, _CHILDREN)
        levels.insert(0, children[:, :, 1:].reshape(2, -1))
        firsts = children[:, :, 0]
    return levels


def _filled(keys: NDArray[Any], size: int) -> NDArray[Any]:
    """Keys for whole nodes, at least one."""
    missing = size - keys.shape[1] if not keys.shape[1] else -keys.shape[1] % size
    return np.concatenate([keys, np.full((2, missing), _WORD, np.uint64)], axis=1)
