"""Sorted numbers as bits, so that how many are at or below another is counted; for `sgsim.kernels.match`."""

from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.kernels.arrays import Column
from sgsim.kernels.rule_layout import PAGE_AT, PAGE_BITS, PAGE_WORDS


@define
class Marks:
    """Pages of bits, equal ones stored once; the first has none set."""

    _positions: dict[bytes, int] = field(init=False)

    @_positions.default
    def _empty_page(self) -> dict[bytes, int]:
        return {bytes(8 * PAGE_WORDS): 0}

    def add(self, marks: NDArray[Any], pages: int) -> Column:
        """References to so many pages; `marks` are int64, in order, and none is 0."""
        ends = np.searchsorted(marks, np.arange(pages + 1) << PAGE_BITS)
        references = ends[:-1].copy()
        marked = np.flatnonzero(np.diff(ends))
        words = np.zeros(len(marked) * PAGE_WORDS, np.uint64)
        at = np.searchsorted(marked, marks >> PAGE_BITS) * PAGE_WORDS + (marks >> 6) % PAGE_WORDS
        np.bitwise_or.at(words, at, np.uint64(1) << (marks % 64).astype(np.uint64))
        for page, key in zip(marked.tolist(), words.view(f"V{8 * PAGE_WORDS}").tolist(), strict=True):
            references[page] |= self._positions.setdefault(key, len(self._positions) * PAGE_WORDS) << PAGE_AT
        return references

    def array(self) -> Column:
        """All pages: each word, and how many marks stand before it in its page; a look-up needs both."""
        words = np.frombuffer(b"".join(self._positions), np.uint64)
        counts = np.unpackbits(words.view(np.uint8)).reshape(-1, PAGE_WORDS, 64).sum(axis=2)
        before = (np.cumsum(counts, axis=1) - counts).reshape(-1).astype(np.uint64)
        return np.stack([words, before], axis=1).reshape(-1)
