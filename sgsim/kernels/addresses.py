"""How arrays reach kernels: as a list of their addresses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def addresses(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The list of addresses of a group's arrays; the caller keeps the arrays alive."""
    return np.array([array.__array_interface__["data"][0] for array in arrays], dtype=np.int64)
