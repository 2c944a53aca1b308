"""Packets written to a capture as they were: bytes, times to the nanosecond, link types, lengths on the wire.

A classic pcap holds one link type. Where packets of another one come, or a time that it cannot hold, what was written so
far is written again as pcapng, which holds all of them, and so does the rest; readers look at the content and not at the
name. A name that ends in `.pcapng` is pcapng from the beginning, and keeps directions too.
"""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from attrs import define, field

from sgsim.errors import ConfigError
from sgsim.sources.base import Record
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.output_file import ending_of, gzipped
from sgsim.sources.pcap_file import pcap_records

ENDINGS: Final = (".pcap", ".cap", ".pcapng")
_ETHERNET: Final = 1
_NS_PER_S: Final = 10**9
_MOST_CLASSIC_NS: Final = (1 << 32) * _NS_PER_S
_SNAP_BYTES: Final = 1 << 18
"""As tcpdump states it where it cuts nothing."""
_SECTION: Final = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def check_ending(path: str | Path, option: str) -> None:
    """Refuse a name that no capture has.

    Raises:
        ConfigError: If it ends otherwise.
    """
    if ending_of(path) not in ENDINGS:
        raise ConfigError(f"{option} must end in .pcap or .pcapng, also with .gz, got {str(path)!r}")


@define
class CaptureWriter:
    """Writes one capture, under a temporary name until it is complete."""

    path: Path = field(converter=Path)
    packets: int = field(default=0, init=False)
    _partial: Path = field(init=False)
    _stream: IO[bytes] | None = field(default=None, init=False)
    _link_types: list[int] = field(factory=list, init=False)
    """In pcapng one interface for each."""
    _is_pcapng: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the file, so that it is known before the work whether it can be."""
        self._partial = self.path.with_name(f".{self.path.name}.partial")
        self._is_pcapng = ending_of(self.path) == ".pcapng"
        self._begin()

    def write(self, record: Record) -> None:
        """Append a packet."""
        _, time_ns, link_type, frame, wire_bytes, way = record
        if not self._is_pcapng and (self._link_types not in ([], [link_type]) or not 0 <= time_ns < _MOST_CLASSIC_NS):
            self._write_again()
        data = b""
        if link_type not in self._link_types:
            data = _interface_block(link_type) if self._is_pcapng else _classic_header(link_type)
            self._link_types.append(link_type)
        if self._is_pcapng:
            data += _packet_block(self._link_types.index(link_type), time_ns, frame, wire_bytes, way)
        else:
            seconds, rest_ns = divmod(time_ns, _NS_PER_S)
            data += struct.pack("<IIII", seconds, rest_ns, len(frame), wire_bytes) + frame
        self._put(data)
        self.packets += 1

    def close(self, *, complete: bool) -> None:
        """End; a capture that is not complete is removed.

        Raises:
            ConfigError: If it cannot be written.
        """
        try:
            if not self._link_types and not self._is_pcapng and complete:
                self._put(_classic_header(_ETHERNET))
            with self._naming():
                if self._stream is not None:
                    self._stream.close()
                if complete:
                    self._partial.replace(self.path)
        finally:
            self._partial.unlink(missing_ok=True)

    def _begin(self) -> None:
        with self._naming():
            self._stream = gzipped(self._partial.open("wb"), self.path)
        if self._is_pcapng:
            self._put(_SECTION)

    def _write_again(self) -> None:
        """Turn what was written so far into pcapng."""
        if self._stream is not None:
            self._stream.close()
        self._is_pcapng = True
        before = self._partial.with_name(self._partial.name + ".pcap")
        with self._naming():
            self._partial.replace(before)
        try:
            had_packets, self._link_types, self.packets = self.packets > 0, [], 0
            self._begin()
            if had_packets:
                with before.open("rb") as stream:
                    for record in pcap_records(ByteReader(stream).unzipped()):
                        self.write(record)
        finally:
            before.unlink(missing_ok=True)

    def _put(self, data: bytes) -> None:
        with self._naming():
            if self._stream is not None:
                self._stream.write(data)

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigError(
                f"capture must be a file that can be written, got {str(self.path)!r}: {error.strerror}"
            ) from error


def _classic_header(link_type: int) -> bytes:
    return struct.pack("<IHHiIII", 0xA1B2_3C4D, 2, 4, 0, 0, _SNAP_BYTES, link_type)


def _interface_block(link_type: int) -> bytes:
    """Describe an interface whose times are nanoseconds."""
    resolution = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
    return _block(1, struct.pack("<HHI", link_type, 0, 0) + resolution)


def _packet_block(interface: int, time_ns: int, frame: bytes, wire_bytes: int, way: int) -> bytes:
    """An enhanced packet block; a time before 1970 is none that it can hold, and becomes 1970."""
    units = max(time_ns, 0)
    head = struct.pack("<IIIII", interface, units >> 32, units & 0xFFFF_FFFF, len(frame), wire_bytes)
    flags = struct.pack("<HHIHH", 2, 4, way, 0, 0) if way else b""
    return _block(6, head + frame + bytes(-len(frame) % 4) + flags)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
