"""Interface ids by name: a table that knows the number of each."""

import numpy as np
from numba import types

from sgsim.kernels.decode_bytes import get, put
from sgsim.kernels.flow_log_layout import NAME_WORDS
from sgsim.kernels.flow_log_values import ODD, masked
from sgsim.kernels.jit import kernel

_WORD = types.int64


@kernel(is_entry=False, inline=True)
def name_slot(first: np.uint64, second: np.uint64, third: np.uint64, mask: int) -> int:
    """Where a name of three words is looked for first."""
    mixed = (first ^ second * np.uint64(0x9E3779B97F4A7C15) ^ third * np.uint64(0xC2B2AE3D27D4EB4F)) * np.uint64(
        0xBF58476D1CE4E5B9
    )
    return np.int64(mixed >> np.uint64(32)) & mask


@kernel(is_entry=False, inline=True)
def name_at(at: int, length: int, names: int, mask: int) -> int:
    """The number of an interface id; `ODD` for one that is not known."""
    first, second, third = masked(at, length), masked(at + 8, length - 8), masked(at + 16, length - 16)
    slot = name_slot(first, second, third, mask)
    while True:
        place = names + slot * NAME_WORDS * 8
        number = get(place, 3)
        if number == 0:
            return ODD
        if (
            np.uint64(get(place, 0)) == first
            and np.uint64(get(place, 1)) == second
            and np.uint64(get(place, 2)) == third
        ):
            return number - 1
        slot = (slot + 1) & mask


@kernel(signature=types.void(*(_WORD,) * 6))
def put_name(names: int, mask: int, first: int, second: int, third: int, number: int) -> None:
    """Put an interface id, as three words, into a table with room."""
    slot = name_slot(np.uint64(first), np.uint64(second), np.uint64(third), mask)
    while get(names + slot * NAME_WORDS * 8, 3) != 0:
        slot = (slot + 1) & mask
    place = names + slot * NAME_WORDS * 8
    put(place, 0, first)
    put(place, 1, second)
    put(place, 2, third)
    put(place, 3, number + 1)
