"""Captures of mirrored traffic: each packet is carried by another, and what is inside is what shall be judged.

VPC Traffic Mirroring sends a copy of each packet over VXLAN: UDP to port 4789, a header of eight bytes, then the whole
Ethernet frame. Here the outer headers are taken off and the inner frames are handed to the decoders as a capture, packet
by packet with the same numbers and times; so both decoders read them as any other.

A packet that carries nothing is UNSUPPORTED, one whose outer headers were cut TRUNCATED. A mirror session may cut packets
to a length; then the length on the wire is the one that the inner IP header states.

Source: RFC 7348; `[aws-mirror]`.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, cast

from attrs import define, field, frozen

from sgsim.errors import ConfigError, SourceError
from sgsim.model.columns import PacketColumns
from sgsim.model.decision import Reason
from sgsim.model.protocol import Protocol
from sgsim.sources.base import BATCH_ROWS, Record
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.ip_headers import read_ipv4, read_ipv6
from sgsim.sources.links import BY_NIBBLE, CARRIED, LINK_READERS
from sgsim.sources.pcap import PcapSource, capture_records, opened
from sgsim.sources.skips import SkipPacket, require

KINDS: Final = ("vxlan",)
VXLAN_PORT: Final = 4789
_UDP: Final = int(Protocol.UDP)
_HEADERS_BYTES: Final = 16
"""UDP and VXLAN."""
_HAS_IDENTIFIER: Final = 0x08
_MOST_IDENTIFIERS: Final = 1000

_ETHERNET: Final = 0
_NOTHING: Final = 1
"""The interfaces of the capture that is handed over: of inner frames, and of packets that carry none."""
_LINK_TYPE_OF_NOTHING: Final = 147  # reserved for private use; nobody reads it here
_FRAME_AFTER_BLOCKS: Final = struct.pack("<III", 0xBAD, 12, 12)
"""A block that counts as a frame and has no packet."""
_BEGIN: Final = (
    struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    + struct.pack("<IIHHIHHB3xHHI", 1, 32, 1, 0, 0, 9, 1, 9, 0, 0, 32)
    + struct.pack("<IIHHIHHB3xHHI", 1, 32, _LINK_TYPE_OF_NOTHING, 0, 0, 9, 1, 9, 0, 0, 32)
)


@frozen
class Inner:
    """An input whose packets carry others: `sgsim.replay(rules, Inner("mirror.pcap"))` is `--inner vxlan mirror.pcap`."""

    item: Any
    """A path, `INTERFACE=PATH`, or a binary stream."""
    kind: str = "vxlan"

    def __attrs_post_init__(self) -> None:
        """Refuse a kind that is not known.

        Raises:
            ConfigError: If it is none of `KINDS`.
        """
        if self.kind not in KINDS:
            raise ConfigError(f"inner must be one of {', '.join(KINDS)}, got {self.kind!r}")

    def bound(self, _inventory: object = None, *, native: bool = False) -> "InnerSource":
        """Make a source of it."""
        if isinstance(self.item, str) and self.item == "-":
            import sys  # noqa: PLC0415  # only for standard input

            return InnerSource(sys.stdin.buffer, "standard input", native)
        PcapSource(self.item).check()
        return InnerSource(self.item, PcapSource(self.item).name, native)


@frozen
class InnerSource:
    """The inner packets of one capture."""

    file: Any
    name: str
    native: bool = False
    _identifiers: Counter[int] = field(factory=Counter, init=False, eq=False)

    @property
    def files(self) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the inner packets, as `Source.batches` says.

        Raises:
            SourceError: If it is not a capture, or breaks off.
            ConfigError: If no packet carries another, so that it should be read as it is.
        """
        self._identifiers.clear()
        with opened(self.file) as stream:
            handed = _Handed(stream, self._identifiers)
            source = _decoder(self.native)(cast("BinaryIO", handed), name=self.name)
            try:
                yield from source.batches(taken_at, batch_rows=batch_rows)
            except SourceError:
                if self._identifiers or not handed.is_done:
                    raise
            if not self._identifiers and handed.records:
                raise ConfigError(
                    f"{self.name}: capture must hold packets that carry others by VXLAN (UDP port {VXLAN_PORT}), "
                    f"got none among {handed.records}: leave out --inner"
                )

    @property
    def notes(self) -> Iterator[str]:
        """Which identifiers were met, for the summary."""
        if self._identifiers:
            most = self._identifiers.most_common(5)
            shown = ", ".join(f"{identifier} ({count:,} packets)" for identifier, count in most)
            more = f" and {len(self._identifiers) - len(most)} more" if len(self._identifiers) > len(most) else ""
            yield f"{self.name}: packets were carried by VXLAN with network identifier {shown}{more}"


def _decoder(native: bool) -> Any:  # noqa: ANN401, FBT001  # one of two classes
    if native:
        from sgsim.sources.native import NativePcapSource  # noqa: PLC0415  # numba is loaded only for this

        return NativePcapSource
    return PcapSource


@define
class _Handed:
    """The inner frames as the bytes of a pcapng, made as they are read."""

    _stream: BinaryIO
    _identifiers: Counter[int]
    records: int = field(default=0, init=False)
    is_done: bool = field(default=False, init=False)
    """Whether all were read, without an error."""
    _blocks: Iterator[bytes] | None = field(default=None, init=False)

    def read(self, count: int = -1) -> bytes:
        """Give some bytes, about as many as asked for, none at the end."""
        if self._blocks is None:
            self._blocks = self._all_blocks()
        pieces: list[bytes] = []
        size = 0
        while size < max(count, 1):
            try:
                piece = next(self._blocks, None)
            except SourceError as error:
                if not pieces:
                    raise
                self._blocks = _raising(error)
                break
            if piece is None:
                break
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def _all_blocks(self) -> Iterator[bytes]:
        yield _BEGIN
        expected = 1
        for record in capture_records(ByteReader(self._stream)):
            yield _FRAME_AFTER_BLOCKS * (record[0] - expected)
            expected = record[0] + 1
            self.records += 1
            yield self._block(record)
        self.is_done = True

    def _block(self, record: Record) -> bytes:
        _, time_ns, link_type, frame, wire_bytes, _ = record
        interface, begin = _ETHERNET, 0
        try:
            begin, identifier = find_inner(link_type, frame, wire_bytes)
        except SkipPacket as skip:
            interface, begin = _ETHERNET if skip.reason is Reason.TRUNCATED else _NOTHING, len(frame)
        else:
            if identifier in self._identifiers or len(self._identifiers) < _MOST_IDENTIFIERS:
                self._identifiers[identifier] += 1
        inner = frame[begin:]
        wire = wire_bytes if begin == len(frame) else _wire_bytes(inner, wire_bytes - begin)
        size = 32 + len(inner) + -len(inner) % 4
        head = struct.pack(
            "<IIIIIII", 6, size, interface, time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF, len(inner), wire
        )
        return head + inner + bytes(-len(inner) % 4) + struct.pack("<I", size)


def _raising(error: SourceError) -> Iterator[bytes]:
    raise error
    yield b""


def find_inner(link_type: int, frame: bytes, wire_bytes: int) -> tuple[int, int]:
    """Find the Ethernet frame that a packet carries by VXLAN.

    Returns:
        Where it begins, and the network identifier.

    Raises:
        SkipPacket: UNSUPPORTED if it carries none, TRUNCATED if its headers were cut.
    """
    wire_end = max(wire_bytes, len(frame))
    reader = LINK_READERS.get(link_type)
    if reader is None:
        raise SkipPacket(Reason.UNSUPPORTED)
    version, start, _, _ = reader(frame, wire_end)
    if version == BY_NIBBLE:
        require(frame, start + 1, wire_end)
        version = frame[start] >> 4
    if version == CARRIED or version not in {4, 6}:
        raise SkipPacket(Reason.UNSUPPORTED)
    _, protocol, position, end, fragment = (read_ipv4 if version == 4 else read_ipv6)(frame, start, wire_end)
    if protocol != _UDP or fragment[1] or fragment[2]:
        raise SkipPacket(Reason.UNSUPPORTED)
    require(frame, position + 4, end)
    if frame[position + 2] << 8 | frame[position + 3] != VXLAN_PORT:
        raise SkipPacket(Reason.UNSUPPORTED)
    require(frame, position + _HEADERS_BYTES, end)
    if not frame[position + 8] & _HAS_IDENTIFIER:
        raise SkipPacket(Reason.UNSUPPORTED)
    return position + _HEADERS_BYTES, int.from_bytes(frame[position + 12 : position + 15], "big")


def _wire_bytes(inner: bytes, carried: int) -> int:
    """How long an inner frame was before a mirror session has cut it."""
    if inner[12:14] == b"\x08\x00" and len(inner) >= 18:
        return max(carried, 14 + (inner[16] << 8 | inner[17]))
    if inner[12:14] == b"\x86\xdd" and len(inner) >= 20:
        return max(carried, 54 + (inner[18] << 8 | inner[19]))
    return max(carried, 0)
