"""Captures for benchmarks, made from a seed and kept outside the repository.

All are microsecond pcaps of Ethernet frames, cut to 96 bytes and with IP lengths that match, of one interface with the
address `LOCAL`:

- `a`: 100,000 flows in 184 s, 70 % TCP from SYN to FIN and 30 % UDP, 1.95 million packets
- `b`: 2 million packets in 60 s, each of a new flow, half of them SYNs and half UDP
- `big`: as `a`, ten times the flows and packets in the same time

Run as a script, it makes those that are named and prints their paths.
"""

import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]

LOCAL: Final = 0x0A00_0105
"""10.0.1.5, the address of the interface that all packets come to or leave."""
START_S: Final = 1_700_000_000
_VERSION: Final = 1
"""To be counted up whenever other bytes are made, so that no old file is taken."""
_SEED: Final = 20_261_123

_MAX_FRAME_BYTES: Final = 96
_ROW_BYTES: Final = 16 + _MAX_FRAME_BYTES
_CHUNK_ROWS: Final = 1 << 19
_SERVER_PORTS: Final = np.array([443, 80, 22, 53, 5432, 6379, 8080, 9092], np.int64)
_SYN, _SYN_ACK, _ACK, _PUSH, _FIN = 0x02, 0x12, 0x10, 0x18, 0x11


class Flows(NamedTuple):
    """One row for each flow."""

    is_tcp: Column
    is_inbound: Column
    remote: Column
    remote_port: Column
    local_port: Column
    start_us: Column
    packets: Column


class Packets(NamedTuple):
    """One row for each packet, in the order of time."""

    flow: Column
    time_us: Column
    is_ours: Column
    """1 if `LOCAL` sends it."""
    flags: Column
    payload_bytes: Column


def path(name: str) -> Path:
    """Give the capture of this name, made now if it is not there yet."""
    folder = Path(os.environ.get("TMPDIR") or tempfile.gettempdir()) / "sgsim-corpora"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{_VERSION}.pcap"
    if not target.exists():
        making = target.with_suffix(f".{os.getpid()}.part")
        _write(making, *_MAKERS[name]())
        making.rename(target)
    return target


def _flows_of_a(scale: int) -> tuple[Flows, Packets]:
    rng = np.random.default_rng(_SEED)
    count = 100_000 * scale
    is_tcp = (rng.random(count) < 0.7).astype(np.int64)
    packets = np.where(is_tcp, 7 + rng.geometric(1 / 13.5, count), 1 + rng.geometric(1 / 17.2, count))
    flows = _some_flows(rng, is_tcp, packets, 150_000_000)
    return flows, _packets_of(rng, flows)


def _flows_of_b() -> tuple[Flows, Packets]:
    rng = np.random.default_rng(_SEED + 1)
    count = 2_000_000
    is_tcp = rng.permutation(np.arange(count) & 1)
    flows = _some_flows(rng, is_tcp, np.ones(count, np.int64), 60_000_000)
    # Every five-tuple once: the remote address counts through, in no order.
    flows = flows._replace(remote=0x6400_0000 + rng.permutation(count), start_us=np.sort(flows.start_us))
    flow = np.arange(count)
    payload = np.where(is_tcp, 0, 12)
    return flows, Packets(flow, flows.start_us, 1 - flows.is_inbound, np.where(is_tcp, _SYN, 0), payload)


def _some_flows(rng: np.random.Generator, is_tcp: Column, packets: Column, span_us: int) -> Flows:
    count = len(is_tcp)
    is_inbound = (rng.random(count) < 0.8).astype(np.int64)
    server_port = _SERVER_PORTS[rng.integers(0, len(_SERVER_PORTS), count)]
    client_port = rng.integers(32_768, 61_000, count)
    return Flows(
        is_tcp,
        is_inbound,
        rng.integers(0x0B00_0000, 0x6300_0000, count),
        np.where(is_inbound, client_port, server_port),
        np.where(is_inbound, server_port, client_port),
        rng.integers(0, span_us, count),
        packets,
    )


def _packets_of(rng: np.random.Generator, flows: Flows) -> Packets:
    """Lay out each flow's packets: a TCP flow is SYN, SYN-ACK, ACK, data both ways, FIN, FIN, ACK."""
    flow = np.repeat(np.arange(len(flows.packets)), flows.packets)
    first = np.repeat(np.cumsum(flows.packets) - flows.packets, flows.packets)
    place = np.arange(len(flow)) - first
    to_come = flows.packets[flow] - 1 - place

    is_tcp = flows.is_tcp[flow].astype(bool)
    is_data = ~is_tcp | ((place > 2) & (to_come > 2))
    flags = np.select([place == 0, place == 1, place == 2, to_come == 2, to_come == 1, to_come == 0],
                      [_SYN, _SYN_ACK, _ACK, _FIN, _FIN, _ACK], _PUSH)  # fmt: skip
    by_opener = np.where(is_data, (place == 0) | (rng.random(len(flow)) < 0.5), (place + (to_come == 2)) % 2 == 0)
    by_opener = np.where(is_tcp & (to_come < 3), to_come != 1, by_opener)
    room = _MAX_FRAME_BYTES - np.where(is_tcp, 54, 42)
    payload = np.where(is_data, rng.integers(0, room + 1), 0)

    gap_us = rng.exponential(500_000, len(flow)).astype(np.int64) + 1
    passed = np.cumsum(gap_us)
    time_us = flows.start_us[flow] + passed - passed[first]
    order = np.argsort(time_us, kind="stable")
    is_ours = by_opener != flows.is_inbound[flow].astype(bool)
    return Packets(
        flow[order],
        np.minimum(time_us[order], 184_000_000),
        is_ours[order].astype(np.int64),
        np.where(is_tcp, flags, 0)[order],
        payload[order],
    )


def _write(target: Path, flows: Flows, packets: Packets) -> None:
    with target.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _MAX_FRAME_BYTES, 1))
        for rows in _slices(len(packets.flow)):
            file.write(_records(flows, Packets(*(column[rows] for column in packets))).tobytes())


def _slices(count: int) -> Iterator[slice]:
    return (slice(begin, begin + _CHUNK_ROWS) for begin in range(0, count, _CHUNK_ROWS))


def _records(flows: Flows, packets: Packets) -> NDArray[np.uint8]:
    """Write records side by side at full width, then leave out what each is shorter."""
    flow = packets.flow
    is_tcp = flows.is_tcp[flow]
    is_ours = packets.is_ours.astype(bool)
    ip_bytes = 20 + np.where(is_tcp, 20, 8) + packets.payload_bytes
    rows = np.zeros((len(flow), _ROW_BYTES), np.uint8)

    def put(place: int, dtype: str, values: Column | int) -> None:
        field = np.dtype(dtype)
        column = np.ascontiguousarray(np.broadcast_to(values, len(flow)).astype(field))
        rows[:, place : place + field.itemsize] = column.view(np.uint8).reshape(len(flow), -1)

    for place, values in enumerate((START_S + packets.time_us // 1_000_000, packets.time_us % 1_000_000)):
        put(place * 4, "<u4", values)
    for place in (8, 12):
        put(place, "<u4", 14 + ip_bytes)
    put(16, ">u8", 0x0202_0202_0202_0606)
    put(24, ">u4", 0x0606_0606)
    for place, dtype, values in (
        (28, ">u2", 0x0800), (30, ">u2", 0x4500), (32, ">u2", ip_bytes), (34, ">u2", flow & 0xFFFF),
        (38, ">u1", 64), (39, ">u1", np.where(is_tcp, 6, 17)),
        (42, ">u4", np.where(is_ours, LOCAL, flows.remote[flow])),
        (46, ">u4", np.where(is_ours, flows.remote[flow], LOCAL)),
        (50, ">u2", np.where(is_ours, flows.local_port[flow], flows.remote_port[flow])),
        (52, ">u2", np.where(is_ours, flows.remote_port[flow], flows.local_port[flow])),
        (54, ">u2", np.where(is_tcp, 0x1234, ip_bytes - 20)),  # the sequence number of TCP, the length of UDP
        (62, ">u1", np.where(is_tcp, 0x50, 0)), (63, ">u1", packets.flags), (64, ">u2", np.where(is_tcp, 0xFFFF, 0)),
    ):  # fmt: skip
        put(place, dtype, values)
    kept = np.arange(_ROW_BYTES) < (30 + ip_bytes)[:, None]
    return rows[kept]


_MAKERS: Final = {"a": lambda: _flows_of_a(1), "b": _flows_of_b, "big": lambda: _flows_of_a(10)}

if __name__ == "__main__":
    for each in sys.argv[1:] or _MAKERS:
        print(path(each))
