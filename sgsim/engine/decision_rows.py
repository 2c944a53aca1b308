"""Decisions in memory that is used again.

Fresh memory for each batch would cost more than many decisions: the system zeroes it page by page. So a set of columns is
filled again, but only once nobody holds decisions made of it.

Law: decisions never change while anything refers to one of their arrays. Who holds all decisions gets memory for all.
"""

import sys
from typing import Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.kernels.addresses import addresses
from sgsim.model.columns import DECISION_DTYPES, Column, DecisionColumns

_CACHE_LINE: Final = 64
_KEPT_SETS: Final = 3
"""How many sets wait to be used again: one that is filled, and those on their way to whoever keeps them."""


@define(eq=False)
class DecisionRows:
    """One set of columns."""

    size: int
    """How many decisions it has room for."""
    columns: DecisionColumns = field(init=False)
    """Each column at its full length."""
    place: int = field(init=False)
    """Where the list of their addresses is."""
    addresses: Column = field(init=False)
    """That list."""
    _owner: NDArray[np.uint8] = field(init=False)
    _idle_references: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Reserve memory; what is not written takes none."""
        sizes = [self.size * np.dtype(dtype).itemsize for dtype in DECISION_DTYPES.values()]
        ends = np.cumsum([size + -size % _CACHE_LINE for size in sizes]).tolist()
        self._owner = np.empty(ends[-1] + _CACHE_LINE, np.uint8)
        offset = -self._owner.ctypes.data % _CACHE_LINE
        self.columns = DecisionColumns._make(
            self._owner[offset + begin : offset + begin + size].view(dtype)
            for begin, size, dtype in zip([0, *ends], sizes, DECISION_DTYPES.values(), strict=False)
        )
        self.addresses = addresses(self.columns)
        self.place = self.addresses.ctypes.data
        self._idle_references = sys.getrefcount(self._owner)

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds decisions of it: every array of them refers to the memory that it is a part of."""
        return sys.getrefcount(self._owner) == self._idle_references

    def first(self, rows: int) -> DecisionColumns:
        """Give the first rows."""
        return DecisionColumns._make(column[:rows] for column in self.columns)


@define
class DecisionPool:
    """Gives sets of columns, used ones first."""

    _sets: list[DecisionRows] = field(factory=list, init=False)

    def take(self, size: int) -> DecisionRows:
        """Give a set that nobody holds, with room for so many decisions."""
        for rows in self._sets:
            if rows.size >= size and rows.is_idle:
                return rows
        rows = DecisionRows(size)
        self._sets = [*self._sets[1 - _KEPT_SETS :], rows]
        return rows
