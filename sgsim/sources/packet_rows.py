"""Batches in memory that is used again.

Fresh memory for each batch would cost more than decoding: the system zeroes it page by page. So a set of columns is
filled again, but only once nobody holds a batch made of it: not the consumer, nor another thread, nor an array that
shares its memory.

Law: a batch never changes while anything refers to one of its arrays. Who holds all batches gets memory for all.
"""

import sys
from typing import Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.kernels import decode_layout as layout
from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES, Column, PacketColumns, QuotedColumns

_CACHE_LINE: Final = 64
_KEPT_SETS: Final = 4
"""How many sets wait to be used again: one that is filled, and those on their way through a pipeline."""


@define(eq=False)
class PacketRows:
    """One set of columns, with room for `CAPACITY` packets."""

    bound_to: int
    """What `taken_at` says of each packet."""
    usable: int = layout.CAPACITY
    """How many rows a batch has at most."""
    memory: NDArray[np.uint8] = field(init=False)
    """All columns, as `decode_layout` describes it."""
    address: int = field(init=False)
    """Where `memory` is."""
    columns: dict[str, Column] = field(init=False)
    """Each column at its full length."""
    _packets: list[Column] = field(init=False)
    """The columns of `PacketColumns`, but for `quoted`."""
    _quoted: list[Column] = field(init=False)
    """The columns of `QuotedColumns`."""
    odd_rows: int = field(default=0, init=False)
    """How many rows have to be reset before the set is used again."""
    _idle_references: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Reserve memory, and fill the columns that decoding does not write."""
        self.memory = _aligned_zeros(layout.COLUMN_PLACES["end"])
        self.address = self.memory.ctypes.data
        self.columns = {
            name: self.memory[layout.COLUMN_PLACES[name] :][: layout.CAPACITY * int(dtype[1])].view(dtype)
            for name, dtype in layout.COLUMN_DTYPES.items()
        }
        self._packets = [self.columns[name] for name in PACKET_DTYPES]
        self._quoted = [self.columns[f"quoted.{name}"] for name in QUOTED_DTYPES]
        self.columns["quote"][: self.usable] = -1
        self.columns["taken_at"][: self.usable] = self.bound_to
        self._idle_references = self._references()

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds a batch of it: every array of a batch refers to the memory that it is a part of."""
        return self._references() == self._idle_references

    def batch(self, rows: int, quotes: int) -> PacketColumns:
        """Give the first rows as a batch."""
        first, quoted = slice(rows), slice(quotes)
        return PacketColumns._make(
            [
                *[column[first] for column in self._packets],
                QuotedColumns._make([column[quoted] for column in self._quoted]),
            ]
        )

    def _references(self) -> int:
        return sys.getrefcount(self.memory.base)


def _aligned_zeros(size: int) -> NDArray[np.uint8]:
    """Reserve memory that begins with a cache line, as a part of an array that owns it."""
    owner = np.zeros(size + _CACHE_LINE, np.uint8)
    offset = -owner.ctypes.data % _CACHE_LINE
    return owner[offset : offset + size]


@define
class RowPool:
    """Gives sets of columns, used ones first."""

    bound_to: int
    """What `taken_at` says of each packet."""
    usable: int = layout.CAPACITY
    """How many rows a batch has at most."""
    _sets: list[PacketRows] = field(factory=list, init=False)

    def take(self) -> PacketRows:
        """Give a set that nobody holds; its first `odd_rows` rows noted as odd are still to be reset."""
        for rows in self._sets:
            if rows.is_idle:
                return rows
        rows = PacketRows(self.bound_to, self.usable)
        self._sets = [*self._sets[1 - _KEPT_SETS :], rows]
        return rows
