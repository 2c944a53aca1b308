"""The bytes of a capture in one reused buffer, where compiled code can look at them.

What was not taken moves to the front when more is read, so the buffer grows only for a record larger than itself, and
then only as far as the bytes for it do come.
"""

from typing import Final

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.errors import SourceError
from sgsim.sources.byte_reader import ByteReader

WINDOW_BYTES: Final = 1 << 19
"""So large that the cost of a read vanishes, so small that what was read is still in the processor's second cache."""
READABLE_BEYOND: Final = 64
"""How many bytes behind its end may be looked at, whatever they are."""


def _buffer(size: int) -> NDArray[np.uint8]:
    return np.zeros(size + READABLE_BEYOND, np.uint8)


@define
class ByteWindow:
    """Looks forward only; `take`, `peek` and `offset` are those of `ByteReader`."""

    _reader: ByteReader
    data: NDArray[np.uint8] = field(factory=lambda: _buffer(WINDOW_BYTES), init=False)
    address: int = field(init=False)
    """Where `data` is in memory."""
    begin: int = field(default=0, init=False)
    """Where in `data` what comes next begins; the owner moves it over what it has used."""
    end: int = field(default=0, init=False)
    """Where in `data` the bytes end that were read."""
    _broken: SourceError | None = field(default=None, init=False)
    """What is wrong behind `end`: raised by who asks for more, so that what comes before is used first."""
    _base: int = field(init=False)
    """Offset of the first byte of `data` in the input."""

    @address.default
    def _default_address(self) -> int:
        return self.data.ctypes.data

    @_base.default
    def _default_base(self) -> int:
        return self._reader.offset

    @property
    def offset(self) -> int:
        """How many bytes of the input were taken so far."""
        return self._base + self.begin

    @property
    def is_at_end(self) -> bool:
        """Whether all bytes were taken and there are no more, not even an error; to be asked when `refill` gave none."""
        return self.begin == self.end and self._broken is None

    def refill(self) -> bool:
        """Read on; False at the end of the input and at an error in it. Places in `data` change."""
        held = self.end - self.begin
        self.data[:held] = self.data[self.begin : self.end]
        self._base += self.begin
        self.begin, self.end = 0, held
        if held == self._size:
            larger = _buffer(self._size * 2)
            larger[:held] = self.data[:held]
            self.data, self.address = larger, larger.ctypes.data
        try:
            count = self._reader.take_into(self.data.data[held : self._size])
        except SourceError as error:
            self._broken = error
            return False
        self.end += count
        return count > 0

    def raise_if_broken(self) -> None:
        """Raise what is wrong behind `end`, if anything is."""
        if self._broken is not None:
            raise self._broken

    def peek(self, count: int) -> bytes:
        """Give the next `count` bytes without taking them, fewer at the end of the input."""
        while self.end - self.begin < count and self.refill():
            pass
        if self.end - self.begin < count:
            self.raise_if_broken()
        return self.data[self.begin : min(self.begin + count, self.end)].tobytes()

    def take(self, count: int) -> bytes:
        """Give the next `count` bytes, fewer at the end of the input."""
        piece = self.peek(count)
        self.begin += len(piece)
        return piece

    @property
    def _size(self) -> int:
        return len(self.data) - READABLE_BEYOND
