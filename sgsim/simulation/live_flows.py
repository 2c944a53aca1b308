"""Packets of very many flows at one interface, made for measuring: UDP, each flow with a peer and a port of its own."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from netaddr import IPAddress
from numpy.typing import NDArray

from sgsim.model.columns import PACKET_DTYPES, PacketColumns, packet_columns
from sgsim.model.protocol import Protocol
from sgsim.simulation.made_rules import MADE_ADDRESS

START_NS: Final = 1_700_000_000 * 10**9
BATCH_ROWS: Final = 16_384
"""As captures are decoded."""
MOST_FLOWS: Final = 1 << 28
"""So many have different peers or ports."""
_LOCAL: Final = np.uint64(int(IPAddress(MADE_ADDRESS)))


def flow_packets(flow: NDArray[np.int64], time_ns: NDArray[np.int64], is_ours: NDArray[np.bool_]) -> PacketColumns:
    """Packets of numbered flows.

    Args:
        flow: The number of each packet's flow, below `MOST_FLOWS`, axis `(packets,)`.
        time_ns: Nanoseconds since the epoch.
        is_ours: Whether the interface sends it.
    """
    mixed = (flow.astype(np.uint64) * np.uint64(0x9E3779B1)) & np.uint64(MOST_FLOWS - 1)  # no neighbours in the index
    remote = np.uint64(0x2000_0000) + (mixed >> np.uint64(4))
    port = (np.uint64(1024) + (mixed & np.uint64(15))).astype(np.uint16)
    columns: dict[str, NDArray[Any]] = {name: np.zeros(len(flow), dtype) for name, dtype in PACKET_DTYPES.items()}
    columns |= {
        "time_ns": time_ns, "src_lo": np.where(is_ours, _LOCAL, remote), "dst_lo": np.where(is_ours, remote, _LOCAL),
        "src_port": np.where(is_ours, 443, port).astype(np.uint16),
        "dst_port": np.where(is_ours, port, 443).astype(np.uint16),
    }  # fmt: skip
    for name, value in (("family", 4), ("protocol", Protocol.UDP), ("taken_at", -1), ("quote", -1)):
        columns[name][:] = value
    columns["length_bytes"][:] = 100
    return PacketColumns(**columns, quoted=packet_columns([]).quoted)


def opening(first: int, count: int, step_ns: float) -> Iterator[PacketColumns]:
    """Batches in which each packet opens a flow, `step_ns` after the one before."""
    for begin in range(first, first + count, BATCH_ROWS):
        flow = np.arange(begin, min(begin + BATCH_ROWS, first + count))
        yield flow_packets(flow, START_NS + (flow * step_ns).astype(np.int64), np.zeros(len(flow), bool))


def hitting(rng: np.random.Generator, live: int, packets: int) -> Iterator[PacketColumns]:
    """Batches of packets of random flows among `live` that are open, in either direction."""
    for _ in range(max(packets // BATCH_ROWS, 1)):
        flow = rng.integers(0, live, BATCH_ROWS)
        yield flow_packets(flow, np.full(len(flow), START_NS + 10**9), rng.random(len(flow)) < 0.5)
