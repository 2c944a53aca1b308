"""The classic capture format: a header, then records.

Both byte orders, microseconds and nanoseconds, from a file or a pipe.

Source: draft-ietf-opsawg-pcap (PCAP Capture File Format).
"""

import struct
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from sgsim.errors import SourceError
from sgsim.sources.base import Record
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.byte_window import ByteWindow

MAX_CAPTURED_BYTES: Final = 1 << 28
"""256 MiB: a record that claims more is none. The largest real packets have 64 KiB, BIG TCP less than 1 MiB."""

_FORMAT_OF_MAGIC: Final[dict[bytes, tuple[str, int]]] = {
    bytes.fromhex("a1b2c3d4"): (">", 1000),
    bytes.fromhex("d4c3b2a1"): ("<", 1000),
    bytes.fromhex("a1b23c4d"): (">", 1),
    bytes.fromhex("4d3cb2a1"): ("<", 1),
}
"""Byte order and nanoseconds per unit of the second half of a time."""

PCAP_MAGICS: Final = frozenset(_FORMAT_OF_MAGIC)

_HEADER_BYTES: Final = 24
_RECORD_BYTES: Final = 16
_LINK_TYPE_BITS: Final = 0x03FFFFFF  # the others say whether frames end in a checksum of the link layer


@frozen
class PcapHeader:
    """What holds for all records."""

    order: str
    unit_ns: int
    """Nanoseconds per unit of the second half of a time."""
    link_type: int


def pcap_records(reader: ByteReader) -> Iterator[Record]:
    """Yield the packets of a classic capture.

    Raises:
        SourceError: Where the file breaks off or makes no sense, with packet and byte as its place.
    """
    return records_after(reader, take_header(reader))


def take_header(reader: ByteReader) -> PcapHeader:
    """Take the header of a classic capture.

    Raises:
        SourceError: If it is cut off, or of a version that nobody has described.
    """
    header = reader.take(_HEADER_BYTES)
    order, unit_ns = _FORMAT_OF_MAGIC[header[:4]]
    if len(header) < _HEADER_BYTES:
        raise SourceError(f"pcap header must be {_HEADER_BYTES} bytes, got {len(header)}")
    major, minor = struct.unpack_from(order + "HH", header, 4)
    if major != 2:
        raise SourceError(f"pcap version must be 2.x, got {major}.{minor}")
    link_type = struct.unpack_from(order + "I", header, 20)[0] & _LINK_TYPE_BITS
    return PcapHeader(order, unit_ns, link_type)


def records_after(reader: ByteWindow | ByteReader, header: PcapHeader, number: int = 0) -> Iterator[Record]:
    """Yield the packets after packet `number`, as `pcap_records` does."""
    unpack = struct.Struct(header.order + "IIII").unpack
    take = reader.take
    unit_ns, link_type = header.unit_ns, header.link_type
    while True:
        number += 1
        record = take(_RECORD_BYTES)
        if len(record) < _RECORD_BYTES:
            if record:
                problem = f"record header must be {_RECORD_BYTES} bytes, got {len(record)}"
                raise misplaced(problem, number, reader.offset - len(record))
            return
        seconds, fraction, captured, wire_bytes = unpack(record)
        if captured > MAX_CAPTURED_BYTES:
            problem = f"captured length must be at most {MAX_CAPTURED_BYTES} bytes, got {captured}"
            raise misplaced(problem, number, reader.offset - _RECORD_BYTES)
        frame = take(captured)
        if len(frame) < captured:
            problem = f"packet data must be {captured} bytes, got {len(frame)} before the file ends"
            raise misplaced(problem, number, reader.offset - len(frame))
        yield number, seconds * 1_000_000_000 + fraction * unit_ns, link_type, frame, wire_bytes, 0


def misplaced(problem: str, number: int, offset: int) -> SourceError:
    """An error about packet `number`, at a byte of the capture."""
    error = SourceError(problem)
    error.add_note(f"packet {number} at byte {offset}")
    return error
