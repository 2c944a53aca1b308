"""The newer capture format: sections of blocks.

Packets come from enhanced, simple and obsolete packet blocks; sections may differ in byte order; each interface has
its own link type, resolution and offset of time, and each packet may tell its direction. All other blocks are passed
over; some of them count as frames in Wireshark, so they take a number here too, but no row: they are no packets. A
simple packet block has no time: it gets that of the packet before it.

Source: draft-ietf-opsawg-pcapng (PCAP Now Generic Dump File Format).
"""

import struct
from collections.abc import Iterator
from typing import Final

from attrs import define, field, frozen

from sgsim.errors import SourceError
from sgsim.model.states import Direction
from sgsim.sources.base import Record
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.byte_window import ByteWindow
from sgsim.sources.pcap_file import MAX_CAPTURED_BYTES, misplaced

PCAPNG_MAGIC: Final = bytes.fromhex("0a0d0d0a")
_ORDER_OF_MAGIC: Final = {bytes.fromhex("1a2b3c4d"): ">", bytes.fromhex("4d3c2b1a"): "<"}

_INTERFACE_BLOCK: Final = 1
_OBSOLETE_PACKET_BLOCK: Final = 2
_SIMPLE_PACKET_BLOCK: Final = 3
_ENHANCED_PACKET_BLOCK: Final = 6
NUMBERED_BLOCKS: Final = frozenset({9, 0xBAD, 0x40000BAD, 0x204, 0x216, 0x221})
"""Systemd journal entries, custom blocks and sysdig events: frames in Wireshark (seen with tshark 4.0)."""
_PACKET_FORMATS: Final = {_ENHANCED_PACKET_BLOCK: "IIIII", _OBSOLETE_PACKET_BLOCK: "HHIIII"}

_PACKET_FLAGS: Final = 2  # of enhanced and obsolete packet blocks
_TIME_RESOLUTION: Final = 9
_TIME_OFFSET: Final = 14
_OPTION_BYTES: Final = {_TIME_RESOLUTION: 1, _TIME_OFFSET: 8}
_DIRECTION_OF_FLAGS: Final = {1: int(Direction.INGRESS), 2: int(Direction.EGRESS)}

_Packet = tuple[int, int, bytes, int, int]
"""A `Record` without its number."""

_NS_PER_S: Final = 1_000_000_000
MAX_TIME_NS: Final = (1 << 63) - 1
MAX_BLOCK_BYTES: Final = MAX_CAPTURED_BYTES + (1 << 20)  # beside the packet its options


@frozen
class CaptureInterface:
    """Where packets were captured."""

    link_type: int
    snap_bytes: int
    """The most that was captured of a packet, 0 if no limit is stated."""
    units_per_s: int
    offset_s: int

    def time_ns(self, units: int) -> int:
        """Turn a time in units of this interface into nanoseconds since the epoch, rounded down."""
        time_ns = units * _NS_PER_S // self.units_per_s + self.offset_s * _NS_PER_S
        if not -MAX_TIME_NS <= time_ns <= MAX_TIME_NS:
            raise SourceError(f"time must be before the year 2262, got {units} / {self.units_per_s} s")
        return time_ns


@define
class Section:
    """What holds until the next section header."""

    order: str = "<"
    interfaces: list[CaptureInterface] = field(factory=list)

    def begin(self, magic: bytes) -> None:
        """Begin anew, in the byte order of a section header."""
        if magic not in _ORDER_OF_MAGIC:
            raise SourceError(f"byte-order magic must be 1a2b3c4d in either order, got {magic.hex()}")
        self.order = _ORDER_OF_MAGIC[magic]
        self.interfaces = []

    def interface(self, index: int) -> CaptureInterface:
        """Give the interface that a packet block names."""
        if index >= len(self.interfaces):
            raise SourceError(f"interface must be one of the {len(self.interfaces)} described before, got {index}")
        return self.interfaces[index]


def pcapng_records(reader: ByteReader) -> Iterator[Record]:
    """Yield the packets of a pcapng capture.

    Raises:
        SourceError: Where the file breaks off or makes no sense, with packet and byte as its place.
    """
    section = Section()
    number = 1
    time_ns = 0
    while (block := next_block(reader, section, number, time_ns)) is not None:
        kind, packet = block
        if packet is not None:
            time_ns = packet[0]
            yield number, *packet
            number += 1
        elif kind in NUMBERED_BLOCKS:
            number += 1


def next_block(
    reader: ByteWindow | ByteReader, section: Section, number: int, time_ns: int
) -> tuple[int, _Packet | None] | None:
    """Give the type of the next block and the packet in it, if it has one; None at the end of the file.

    Args:
        reader: What to read.
        section: What holds here; a block that describes a section or an interface changes it.
        number: Of the next packet.
        time_ns: Of the packet before.

    Raises:
        SourceError: As `pcapng_records` does.
    """
    offset = reader.offset
    try:
        block = _take_block(reader, section)
        return None if block is None else (block[0], _read_block(*block, section, time_ns))
    except SourceError as error:
        raise misplaced(str(error), number, offset) from error.__cause__


def _take_block(reader: ByteWindow | ByteReader, section: Section) -> tuple[int, bytes] | None:
    """Take a whole block and give its type and body, None at the end of the file."""
    head = reader.take(8)
    if not head:
        return None
    if len(head) < 8:
        raise SourceError(f"block header must be 8 bytes, got {len(head)} before the file ends")
    if head[:4] == PCAPNG_MAGIC:
        section.begin(reader.peek(4))
    kind, length = struct.unpack(section.order + "II", head)
    if length < 12 or length % 4 or length > MAX_BLOCK_BYTES:
        raise SourceError(f"block length must be a multiple of 4 in 12..{MAX_BLOCK_BYTES} bytes, got {length}")
    rest = reader.take(length - 8)
    if len(rest) < length - 8:
        raise SourceError(f"block must be {length} bytes, got {len(rest) + 8} before the file ends")
    (repeated,) = struct.unpack_from(section.order + "I", rest, len(rest) - 4)
    if repeated != length:
        raise SourceError(f"block must end in its length {length}, got {repeated}")
    return kind, rest[:-4]


def _read_block(kind: int, body: bytes, section: Section, time_ns: int) -> _Packet | None:
    """Give the packet of a block, None if it has none."""
    if kind in _PACKET_FORMATS:
        return _read_packet(kind, body, section)
    if kind == _SIMPLE_PACKET_BLOCK:
        return _read_simple_packet(body, section, time_ns)
    if kind == _INTERFACE_BLOCK:
        section.interfaces.append(_read_interface(body, section.order))
    return None


def _read_packet(kind: int, body: bytes, section: Section) -> _Packet:
    *place, high, low, captured, wire_bytes = _unpack(section.order + _PACKET_FORMATS[kind], body)
    interface = section.interface(place[0])
    data_end = 20 + captured
    if data_end > len(body):
        raise SourceError(f"captured length must be at most the {len(body) - 20} bytes of its block, got {captured}")
    flags = _read_options(body, data_end + -captured % 4, section.order).get(_PACKET_FLAGS, bytes(4))
    direction = 0
    if len(flags) == 4:
        direction = _DIRECTION_OF_FLAGS.get(_unpack(section.order + "I", flags)[0] & 3, 0)
    return interface.time_ns(high << 32 | low), interface.link_type, body[20:data_end], wire_bytes, direction


def _read_simple_packet(body: bytes, section: Section, time_ns: int) -> _Packet:
    (wire_bytes,) = _unpack(section.order + "I", body)
    interface = section.interface(0)
    captured = min(wire_bytes, interface.snap_bytes or wire_bytes)
    if 4 + captured > len(body):
        raise SourceError(f"captured length must be at most the {len(body) - 4} bytes of its block, got {captured}")
    return time_ns, interface.link_type, body[4 : 4 + captured], wire_bytes, 0


def _read_interface(body: bytes, order: str) -> CaptureInterface:
    link_type, snap_bytes = _unpack(order + "HxxI", body)
    options = _read_options(body, 8, order)
    for code, size in _OPTION_BYTES.items():
        if len(options.get(code, bytes(size))) != size:
            raise SourceError(f"interface option {code} must be {size} bytes, got {len(options[code])}")
    resolution = options.get(_TIME_RESOLUTION, b"\x06")[0]
    units_per_s = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    (offset_s,) = struct.unpack(order + "q", options.get(_TIME_OFFSET, bytes(8)))
    return CaptureInterface(link_type, snap_bytes, units_per_s, offset_s)


def _read_options(body: bytes, position: int, order: str) -> dict[int, bytes]:
    """Give the options of a block by code."""
    options: dict[int, bytes] = {}
    while position + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, position)
        if code == 0:
            break
        position += 4
        if position + length > len(body):
            raise SourceError(f"option {code} must end inside its block, got {length} bytes of {len(body) - position}")
        options.setdefault(code, body[position : position + length])
        position += length + -length % 4
    return options


def _unpack(layout: str, body: bytes) -> tuple[int, ...]:
    size = struct.calcsize(layout)
    if len(body) < size:
        raise SourceError(f"block must hold at least {size} bytes, got {len(body)}")
    return struct.unpack_from(layout, body)
