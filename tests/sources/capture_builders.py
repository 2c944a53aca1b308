"""Captures written byte by byte, and rows read back from them."""

import io
import struct
from typing import Any

import numpy as np
from scapy.layers.l2 import Ether

from sgsim.errors import SourceError
from sgsim.model.columns import PACKET_DTYPES, PacketColumns, QuotedColumns, packets_of
from sgsim.sources import PcapSource, Source
from sgsim.sources.frames import decode_frame

ETHERNET = 1
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")  # without addresses, scapy asks the network for them
RAW = 101
MAGICS = {1000: 0xA1B2C3D4, 1: 0xA1B23C4D}
_FIELD_NAMES = list(PACKET_DTYPES)[3:14]  # src_hi to icmp_code


def pcap(*frames: bytes, link_type=ETHERNET, order="<", unit_ns=1000, times_ns=None, wire_bytes=None) -> bytes:
    """A classic capture; times are 1 s, 2 s and so on, and frames whole, unless told otherwise."""
    header = struct.pack(order + "IHHiIII", MAGICS[unit_ns], 2, 4, 0, 0, 262_144, link_type)
    times_ns = times_ns or [place * 1_000_000_000 for place in range(1, len(frames) + 1)]
    records = [
        struct.pack(order + "IIII", time // 10**9, time % 10**9 // unit_ns, len(frame), wire_bytes or len(frame))
        + frame
        for time, frame in zip(times_ns, frames, strict=True)
    ]
    return header + b"".join(records)


def block(kind: int, body: bytes, order="<") -> bytes:
    """A block of pcapng, padded."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def options(*pairs: tuple[int, bytes], order="<") -> bytes:
    """Options of a pcapng block, and their end."""
    return b"".join(
        struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        for code, value in (*pairs, (0, b""))
    )


def section(order="<") -> bytes:
    """A section header."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface_block(link_type=ETHERNET, snap_bytes=0, *pairs: tuple[int, bytes], order="<") -> bytes:
    """A description of where packets were captured."""
    return block(1, struct.pack(order + "HHI", link_type, 0, snap_bytes) + options(*pairs, order=order), order)


def packet_block(frame: bytes, units=0, interface=0, *pairs: tuple[int, bytes], order="<", wire_bytes=None) -> bytes:
    """An enhanced packet block."""
    wire_bytes = len(frame) if wire_bytes is None else wire_bytes
    head = struct.pack(order + "IIIII", interface, units >> 32, units & 0xFFFFFFFF, len(frame), wire_bytes)
    return block(6, head + frame + bytes(-len(frame) % 4) + options(*pairs, order=order), order)


def gather(source: Source | bytes, **how: Any) -> tuple[list[PacketColumns], Any]:
    """All batches of a source or of a capture's bytes, and what it says of its break."""
    if isinstance(source, bytes):
        source = PcapSource(io.BytesIO(source), name="capture")
    batches = []
    try:
        for batch in source.batches(**how):
            batches.append(batch)  # noqa: PERF402 - what came before an error counts
    except SourceError as error:
        return batches, str(error)
    return batches, None


def columns(source: Source | bytes, **how: Any) -> PacketColumns:
    """All packets of an unbroken source in one batch."""
    batches, broken = gather(source, batch_rows=1 << 40, **how)
    assert broken is None
    (batch,) = batches
    return batch


def packets(source: Source | bytes) -> list[Any]:
    """All packets of an unbroken source."""
    return list(packets_of(columns(source), ("eni-a",)))


def row(frame: bytes, link_type=ETHERNET, wire_bytes=None) -> dict[str, Any]:
    """What decoding says of one frame, by column; `quote` is a mapping too, None without one."""
    decoded = decode_frame(link_type, frame, len(frame) if wire_bytes is None else wire_bytes)
    fields, direction, skip, vlan, fragment, quote = decoded
    return {
        **dict(zip(_FIELD_NAMES, fields, strict=True)),
        **dict(zip(("fragment_id", "fragment_offset", "more_fragments"), fragment, strict=True)),
        "direction": direction,
        "skip": skip,
        "vlan": vlan,
        "quote": None if quote is None else dict(zip(QuotedColumns._fields, quote, strict=True)),
    }


def assert_same_columns(expected: PacketColumns, actual: PacketColumns) -> None:
    """Compare every column, types too."""
    for name in PACKET_DTYPES:
        left, right = getattr(expected, name), getattr(actual, name)
        assert left.dtype == right.dtype, name
        np.testing.assert_array_equal(left, right, name)
    for name, left, right in zip(QuotedColumns._fields, expected.quoted, actual.quoted, strict=True):
        np.testing.assert_array_equal(left, right, name)
