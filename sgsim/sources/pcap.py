"""Captures: pcap and pcapng, plain or gzip, from a file, a pipe or any binary stream."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from attrs import field, frozen

from sgsim.errors import SourceError
from sgsim.model.columns import PacketColumns
from sgsim.sources.base import BATCH_ROWS, Record, batches_of
from sgsim.sources.byte_reader import GZIP_MAGIC, ByteReader
from sgsim.sources.frames import is_known_link_type
from sgsim.sources.pcap_file import PCAP_MAGICS, pcap_records
from sgsim.sources.pcapng_file import PCAPNG_MAGIC, pcapng_records


@frozen
class PcapSource:
    """The packets of one capture. A path can be read again and again, a stream once."""

    file: str | os.PathLike[str] | BinaryIO
    name: str = field(kw_only=True)
    """What messages call it: the path as the user gave it, or the stream's own name."""

    @name.default
    def _default_name(self) -> str:
        if isinstance(self.file, str | os.PathLike):
            return os.fspath(self.file)
        return str(getattr(self.file, "name", "stream"))

    @property
    def files(self) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the packets, as `Source.batches` says.

        Raises:
            SourceError: If it is not a capture, breaks off, or has packets of unknown link types alone.
        """
        with naming(self.name), opened(self.file) as stream:
            yield from batches_of(_readable_records(capture_records(ByteReader(stream))), taken_at, batch_rows)

    def check(self) -> None:
        """Look at the first bytes of a file, so that a wrong one is refused before any work is done.

        Raises:
            SourceError: If it cannot be opened or is not a capture. A stream is not looked at: it gives its bytes once.
        """
        if isinstance(self.file, str | os.PathLike):
            with naming(self.name), opened(self.file) as stream:
                recognised(ByteReader(stream))


@contextlib.contextmanager
def opened(file: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """Open a path; pass a stream on, which stays open afterwards."""
    if not isinstance(file, str | os.PathLike):
        yield file
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - only a failure to open is translated here
    except OSError as error:
        raise SourceError(f"file must be readable, got {error.strerror}") from error
    with stream:
        yield stream


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
    """Add to errors which capture they are about."""
    try:
        yield
    except SourceError as error:
        error.add_note(name)
        raise


def recognised(reader: ByteReader) -> tuple[ByteReader, bool]:
    """Recognise a capture by its first bytes.

    Returns:
        Where to read it, unzipped; and whether it is a pcapng, else it is a pcap.

    Raises:
        SourceError: If it is no capture.
    """
    reader = reader.unzipped()
    if not is_capture(reader):
        raise SourceError(
            "traffic must be a pcap or pcapng capture, or a flow log (also gzip), got " + _describe(reader.peek(16))
        )
    return reader, reader.peek(4) == PCAPNG_MAGIC


def is_capture(reader: ByteReader) -> bool:
    """Whether what a reader gives next, unzipped, begins as a capture does."""
    magic = reader.peek(4)
    return magic in PCAP_MAGICS or magic == PCAPNG_MAGIC


def capture_records(reader: ByteReader) -> Iterator[Record]:
    """Yield the packets of a capture of either format, zipped or not.

    Raises:
        SourceError: Where it breaks off or makes no sense, and if it is no capture.
    """
    reader, is_pcapng = recognised(reader)
    return pcapng_records(reader) if is_pcapng else pcap_records(reader)


def _readable_records(records: Iterator[Record]) -> Iterator[Record]:
    """Pass records on, and refuse a capture at its end if the link type of not one packet is known."""
    link_types: set[int] = set()
    for record in records:
        link_types.add(record[2])
        yield record
    refuse_unknown(link_types)


def refuse_unknown(link_types: set[int]) -> None:
    """Refuse a capture whose packets have these link types, if not one is known."""
    if link_types and not any(map(is_known_link_type, link_types)):
        numbers = ", ".join(map(str, sorted(link_types)))
        raise SourceError(f"link type must be one that sgsim or scapy reads, such as 1 (Ethernet), got {numbers}")


def _describe(first: bytes) -> str:
    """Say what a file is that is no capture."""
    if not first:
        return "an empty file"
    if first[:2] == GZIP_MAGIC:
        return "gzip inside gzip"
    for magic, name in _OTHER_MAGICS.items():
        if first.startswith(magic):
            return name
    return f"a file that begins with {first!r}"


_OTHER_MAGICS = {
    b"\xfd7zXZ": "an xz file: unpack it first",
    b"BZh": "a bzip2 file: unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd file: unpack it first",
    b"PK\x03\x04": "a zip file: unpack it first",
    b"PAR1": "a Parquet file",
    b"\xa1\xb2\xcd\x34": "a pcap of a patched libpcap (magic a1b2cd34): convert it with editcap",
    b"\x34\xcd\xb2\xa1": "a pcap of a patched libpcap (magic a1b2cd34): convert it with editcap",
}
