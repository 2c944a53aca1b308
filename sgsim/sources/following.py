"""The packets of a source once more, as they were captured: for who wants to keep some after they were judged.

A file is opened a second time. A stream gives its bytes once, so what the source reads of it is held until its packets
were taken here: as much as the source is ahead, about a batch.

Law: records come by the number of their packet, each input's in its own order; asking for one forgets those before it.
"""

import io
import itertools
import os
from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Protocol, cast

from attrs import define, evolve, field

from sgsim.errors import ConfigError
from sgsim.sources.base import Record, Source
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.merge import MergedSource
from sgsim.sources.pcap import capture_records, opened
from sgsim.sources.scapy_packets import ScapySource

FOLLOWED_ROWS: Final = 4096
"""How many packets a batch should have where a stream is followed: so many bytes are held at least."""


class _OfCapture(Protocol):
    """A source that reads a capture."""

    file: str | os.PathLike[str] | BinaryIO


@define
class Follower:
    """The records of one input."""

    _records: Iterator[Record]
    _last: Record | None = field(default=None, init=False)

    def record(self, number: int) -> Record:
        """Give the record of a packet; the next call must be for a later one, or the same.

        Raises:
            ConfigError: If there is none, as the file has changed in between.
        """
        while self._last is None or self._last[0] < number:
            self._last = next(self._records, None)
            if self._last is None:
                break
        if self._last is None or self._last[0] != number:
            raise ConfigError(f"capture must stay as it is while it is read, got no packet {number} any more")
        return self._last


def followed(source: Source) -> tuple[Source, list[Follower]]:
    """Give a source that can be followed, to be used in place of the other, and a follower for each of its files.

    Raises:
        ConfigError: If its packets are known as columns alone.
    """
    if isinstance(source, MergedSource):
        pairs = [followed(each) for each in source.sources]
        return evolve(source, sources=tuple(each for each, _ in pairs)), [each for _, many in pairs for each in many]
    if isinstance(source, ScapySource) and iter(source.packets) is source.packets:
        packets, again = itertools.tee(source.packets)
        return evolve(source, packets=packets), [Follower(evolve(source, packets=again).records())]
    if hasattr(source, "records"):
        return source, [Follower(cast("Any", source).records())]
    if not hasattr(source, "file"):
        raise ConfigError(f"packets must come from captures to be written, got {', '.join(source.files)}")
    file = cast("_OfCapture", source).file
    if isinstance(file, str | os.PathLike):
        return source, [Follower(_records_of_path(file))]
    branch = Branch(file)
    followable = cast("Source", evolve(cast("Any", source), file=branch))
    return followable, [Follower(_records_of_stream(cast("BinaryIO", branch.copy)))]


def _records_of_path(path: str | os.PathLike[str]) -> Iterator[Record]:
    with opened(path) as stream:
        yield from capture_records(ByteReader(stream))


def _records_of_stream(stream: BinaryIO) -> Iterator[Record]:
    yield from capture_records(ByteReader(stream))  # which looks at the first bytes, so not before they are wanted


class Branch:
    """A stream whose bytes come out twice: here, and then from `copy`."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read from another stream."""
        self._stream = stream
        self._held: deque[bytes] = deque()
        self.copy = _Copy(self._held)

    def read(self, count: int = -1) -> bytes:
        """Give the next bytes, as many as come at once."""
        read = getattr(self._stream, "read1", self._stream.read)
        piece = bytes(read(count if count >= 0 else io.DEFAULT_BUFFER_SIZE) or b"")
        if piece:
            self._held.append(piece)
        return piece


class _Copy:
    """What a branch has given; at its end it is only waiting for more, which its reader never asks for."""

    def __init__(self, held: "deque[bytes]") -> None:
        self._held = held

    def read(self, _count: int = -1) -> bytes:
        return self._held.popleft() if self._held else b""
