"""Flows that nothing can tell apart, so that what is found out for one of them holds for all.

Rules, paths and network ACLs look at a peer and at ports by intervals. Between two of the places where any of these
begin or end nothing changes; so flows of one interface whose numbers lie in the same gaps are of one class. A million
flows have some dozens of classes.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from sgsim.model.address import Family
from sgsim.model.columns import Column

_WORD: Final = (1 << 64) - 1
_MOST_KEYS: Final = 1 << 62
_TABLE_PLACES: Final = 1 << 22
"""Up to so many keys are looked up in a table; more are sorted, which takes several times as long."""

Ranges = Iterable[tuple[int, int]]
"""First and last of each interval."""


def cuts(ranges: Ranges) -> list[int]:
    """Where intervals begin, and where what is behind them begins, in order."""
    return sorted({place for first, last in ranges for place in (first, last + 1)})


def address_gaps(places: Sequence[int], family: Family, hi: Column, lo: Column) -> Column:
    """Between which of some places each address lies, int64 (flows,).

    Args:
        places: In order.
        family: Of all addresses.
        hi: uint64 (flows,), upper halves.
        lo: uint64 (flows,), lower halves.
    """
    if family is Family.IPV4:
        gaps: Column = np.searchsorted(np.array(places, np.uint64), lo, side="right")
        return gaps
    within = [place for place in places if place >> 128 == 0]
    words = np.array([(place >> 64, place & _WORD) for place in within], np.uint64).reshape(-1, 2)
    found: Column = np.searchsorted(_as_bytes(*words.T), _as_bytes(hi, lo), side="right")
    return found


def _as_bytes(hi: Column, lo: Column) -> Column:
    """Addresses as 16 bytes each, which are in the order of the numbers."""
    return np.ascontiguousarray(np.stack([hi, lo], axis=1).astype(">u8")).view("S16").reshape(-1)


def port_gaps(places: Sequence[int], ports: Column) -> Column:
    """The same for ports."""
    gaps: Column = np.searchsorted(np.array(places, np.int64), ports.astype(np.int64), side="right")
    return gaps


class Classes:
    """Rows with the same values in some columns."""

    def __init__(self, columns: Iterable[Column]) -> None:
        """Find them; columns hold whole numbers from 0 on, axis `(rows,)`."""
        key, size = _joined(columns)
        if size <= _TABLE_PLACES:
            row_of = np.full(size, -1, np.int64)
            row_of[key] = np.arange(len(key))
            met = row_of >= 0
            self.rows: Column = row_of[met]
            """int64 (classes,), a row of each class."""
            self._class_of: Column = (np.cumsum(met) - 1)[key]
        else:
            _, self.rows, self._class_of = np.unique(key, return_index=True, return_inverse=True)

    def spread(self, values: Column) -> Column:
        """Give each row the value of its class."""
        spread: Column = values[self._class_of]
        return spread


def _joined(columns: Iterable[Column]) -> tuple[Column, int]:
    """One number for each row that tells all its values, and what all of these are below."""
    key, size = np.zeros(1, np.int64), 1
    for column in columns:
        key, values = np.broadcast_arrays(key, column)
        least, most = (int(column.min()), int(column.max())) if len(column) else (0, 0)
        if least == most:  # as the interface's own address mostly is
            continue
        if most >= _TABLE_PLACES:
            _, values = np.unique(column, return_inverse=True)
            most = int(values.max())
        if size * (most + 1) >= _MOST_KEYS:
            _, key = np.unique(key, return_inverse=True)
            size = int(key.max()) + 1
        key, size = key * (most + 1) + values.astype(np.int64), size * (most + 1)
    return key, size
