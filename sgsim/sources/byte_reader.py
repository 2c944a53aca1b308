"""Bytes from a file, a pipe or a gzip stream, with the place of each for messages."""

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from attrs import define, field

from sgsim.errors import SourceError

_CHUNK_BYTES: Final = 1 << 20
GZIP_MAGIC: Final = b"\x1f\x8b"


@define
class ByteReader:
    """Reads forward only and holds about one chunk.

    Law: `take` gives fewer bytes than asked for only at the end of the input.
    """

    _stream: BinaryIO
    _buffer: bytes = b""
    _position: int = 0
    _base: int = field(default=0, init=False)
    """Offset of the buffer's first byte in the input."""

    @property
    def offset(self) -> int:
        """How many bytes were taken so far."""
        return self._base + self._position

    def take(self, count: int) -> bytes:
        """Give the next `count` bytes, fewer at the end of the input."""
        end = self._position + count
        if end > len(self._buffer):
            self._fill(count)
            end = self._position + count
        piece = self._buffer[self._position : end]
        self._position += len(piece)
        return piece

    def take_into(self, room: memoryview) -> int:
        """Give the next bytes where the caller wants them, as many as come at once.

        Returns:
            How many; 0 at the end of the input.
        """
        if self._position == len(self._buffer):
            self._base += self._position
            self._buffer, self._position = b"", 0
            # Not for gzip: how much it gives before an error hangs on how much it is asked for.
            if isinstance(self._stream, io.RawIOBase | io.BufferedReader):
                with _named_errors():
                    count = _read_into(self._stream, room)
                self._base += count
                return count
            self._buffer = self._read_chunk()
        piece = self._buffer[self._position : self._position + len(room)]
        room[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def peek(self, count: int) -> bytes:
        """Give the next `count` bytes without taking them, fewer at the end of the input."""
        piece = self.take(count)
        self._position -= len(piece)
        return piece

    def unzipped(self) -> "ByteReader":
        """Read what follows as gzip, if it is."""
        if self.peek(2) != GZIP_MAGIC:
            return self
        return ByteReader(cast("BinaryIO", gzip.GzipFile(mode="rb", fileobj=self.rest())))

    def rest(self) -> BinaryIO:
        """What was not taken yet, as a stream that can be read."""
        return cast("BinaryIO", _Rest(self))

    def _fill(self, count: int) -> None:
        pieces = [self._buffer[self._position :]]
        self._base += self._position
        self._position = 0
        held = len(pieces[0])
        self._buffer = pieces[0]
        while held < count:
            piece = self._read_chunk()
            if not piece:
                break
            pieces.append(piece)
            held += len(piece)
        self._buffer = b"".join(pieces)

    def _read_chunk(self) -> bytes:
        """Read as much as comes at once, so that nothing before an error is lost."""
        read = getattr(self._stream, "read1", self._stream.read)
        with _named_errors():
            return bytes(read(_CHUNK_BYTES) or b"")


def _read_into(stream: io.RawIOBase | io.BufferedReader, room: memoryview) -> int:
    read = stream.readinto if isinstance(stream, io.RawIOBase) else stream.readinto1
    return read(room) or 0


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"gzip data must be whole, got an error in it: {error}") from error
    except OSError as error:
        raise SourceError(f"file must be readable, got {error.strerror or error}") from error


@define
class _Rest:
    """What a reader has not given yet, as the file object that `gzip` wants."""

    _reader: ByteReader

    def read(self, count: int = -1) -> bytes:
        return self._reader.take(count if count >= 0 else _CHUNK_BYTES)
