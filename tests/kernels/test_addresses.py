"""Arrays of fixed length stand behind the list of addresses, where kernels expect them without reading one."""

import ctypes
from typing import Any, NamedTuple

import numpy as np
import pytest

from sgsim.kernels.addresses import CACHE_LINE, addresses, begins, gathered, readdress

DTYPES = {"odd": "uint8", "grows": "int64", "words": "int64"}
LENGTHS = {"odd": 3, "words": 2}


class Group(NamedTuple):
    """Two arrays whose length never changes, and one that grows."""

    odd: Any
    grows: Any
    words: Any


def group(odd: int = 3) -> Group:
    return Group(np.arange(odd, dtype="u1"), np.arange(5), np.array([7, -8]))


def listed(whole: Any) -> list[int]:
    return whole[: 8 * len(DTYPES)].view(np.int64).tolist()


def places(made: Group) -> list[int]:
    return [array.ctypes.data for array in made]


def test_each_begins_a_cache_line_behind_the_list_and_has_its_values():
    whole, made = gathered(group(), DTYPES, LENGTHS)
    assert begins(DTYPES, LENGTHS) == {"odd": CACHE_LINE, "words": 2 * CACHE_LINE}
    assert whole.ctypes.data % CACHE_LINE == 0
    assert (made.odd.ctypes.data, made.words.ctypes.data) == (
        whole.ctypes.data + CACHE_LINE,
        whole.ctypes.data + 2 * CACHE_LINE,
    )
    assert listed(whole) == places(made)
    assert [array.tolist() for array in made] == [[0, 1, 2], [0, 1, 2, 3, 4], [7, -8]]


def test_an_array_that_grew_is_found_at_its_new_place():
    whole, made = gathered(group(), DTYPES, LENGTHS)
    made = made._replace(grows=np.zeros(1000, dtype=np.int64))
    readdress(whole, made)
    assert listed(whole) == places(made)


@pytest.mark.parametrize("length", [2, 4])
def test_an_array_of_another_length_is_refused(length):
    """Kernels check no bounds."""
    with pytest.raises(ValueError, match=f"^odd must have 3 elements, got {length}$"):
        gathered(group(length), DTYPES, LENGTHS)


def test_an_array_that_must_not_be_written_has_an_address_too():
    array = np.arange(4)
    array.flags.writeable = False
    assert addresses([array, array[1:]]).tolist() == [array.ctypes.data, array.ctypes.data + 8]


def test_where_an_empty_array_is_there_are_zeros():
    """A kernel that looks at a first element there must neither end the process nor find anything."""
    (place,) = addresses([np.zeros(0, dtype=np.int64)]).tolist()
    assert bytes(CACHE_LINE) == ctypes.string_at(place, CACHE_LINE)
