"""How a group of arrays reaches kernels: a list of their addresses, and behind it those arrays whose length never changes.

Where one of these is, the compiler knows; the address of any other has to be read first.
"""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

_Group = TypeVar("_Group", bound=tuple[Any, ...])

CACHE_LINE: Final = 64
_BYTE: Final = ctypes.c_char
_NOTHING: Final = np.zeros(CACHE_LINE, dtype=np.uint8)
_NOTHING_AT: Final = int(_NOTHING.ctypes.data)


def addresses(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The list of addresses of a group's arrays; the caller keeps the arrays alive."""
    return np.array([_address(array) for array in arrays], dtype=np.int64)


def _address(array: NDArray[Any]) -> int:
    """Where an array begins; if it is empty, where nothing but zeros is."""
    if not len(array):
        return _NOTHING_AT
    try:
        return ctypes.addressof(_BYTE.from_buffer(array))  # in a fifth of the time: each batch has some thirty arrays
    except TypeError:  # it must not be written
        return int(array.ctypes.data)


def begins(dtypes: Mapping[str, str], lengths: Mapping[str, int]) -> dict[str, int]:
    """How many bytes behind the beginning of the list arrays begin, each with a cache line, by their names.

    Args:
        dtypes: The arrays of the group and the types of their elements, in order.
        lengths: How long those are that stand behind the list.
    """
    found, end = {}, 8 * len(dtypes)
    for name, length in lengths.items():
        found[name] = end + -end % CACHE_LINE
        end = found[name] + length * np.dtype(dtypes[name]).itemsize
    return found


def gathered(group: _Group, dtypes: Mapping[str, str], lengths: Mapping[str, int]) -> tuple[NDArray[Any], _Group]:
    """A list of addresses with arrays behind it, and the group in which these replace those that they are copied from.

    Args:
        group: A named tuple of arrays; the caller keeps those alive that are not copied.
        dtypes: See `begins`.
        lengths: See `begins`.

    Raises:
        ValueError: If an array has another length.
    """
    places = begins(dtypes, lengths)
    size = max(places[name] + length * np.dtype(dtypes[name]).itemsize for name, length in lengths.items())
    room = np.zeros(size + CACHE_LINE, dtype=np.uint8)
    whole = room[-room.ctypes.data % CACHE_LINE :][:size]
    copies = {}
    for name, length in lengths.items():
        array = getattr(group, name)
        if len(array) != length:
            raise ValueError(f"{name} must have {length} elements, got {len(array)}")
        copies[name] = whole[places[name] : places[name] + array.nbytes].view(array.dtype)
        copies[name][:] = array
    group = group._replace(**copies)
    readdress(whole, group)
    return whole, group


def readdress(whole: NDArray[Any], group: Sequence[NDArray[Any]]) -> None:
    """Write the list of addresses anew, after arrays have been replaced that do not stand behind it."""
    whole[: 8 * len(group)].view(np.int64)[:] = addresses(group)
