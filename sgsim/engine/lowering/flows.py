"""Flows read back from the kernels' words."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.conntrack.entry import FlowEnd
from sgsim.kernels import layout
from sgsim.kernels.arrays import Memory
from sgsim.model.columns import FlowColumns
from sgsim.model.states import Direction, Tracking

_LOW = 0xFFFFFFFF
_KINDS = {
    layout.KIND_TRACKED: "tracked",
    layout.KIND_UNTRACKED: "untracked",
    layout.KIND_REFUSED: "refused",
    layout.KIND_PRESUMED: "presumed",
    layout.KIND_CUT: "cut",
    layout.KIND_LIVE: "live",
    layout.KIND_FORGOTTEN: "forgotten",
}
_WIDE_AT = layout.ENTRY_WORDS + layout.EXTRA_WORDS


_PART_ROWS = 1 << 13
"""Live flows are read back so many at a time, which stay in the cache while their words become columns: half the time."""


def live_flows_of(memory: Memory, now_ns: int) -> FlowColumns:
    """The entries in use, in the order of their flows."""
    used = int(memory.clock[layout.POOL_USED])
    pool = memory.pool[: used * layout.ENTRY_WORDS].reshape(used, layout.ENTRY_WORDS)
    entries = np.flatnonzero(pool[:, layout.FLOW])
    entries = entries[np.argsort(pool[entries, layout.FLOW])]
    parts = [
        flow_columns_of(_live_rows(memory, pool, entries[begin : begin + _PART_ROWS], now_ns))
        for begin in range(0, max(1, len(entries)), _PART_ROWS)
    ]
    return FlowColumns(*map(np.concatenate, zip(*parts, strict=True)))


def _live_rows(memory: Memory, pool: NDArray[Any], entries: NDArray[Any], now_ns: int) -> NDArray[Any]:
    """Some entries in the form in which kernels hand over ended flows."""
    rows = np.zeros((len(entries), layout.FLOW_WORDS), dtype=np.int64)
    rows[:, : layout.ENTRY_WORDS] = pool[entries]
    if len(memory.extra):
        rows[:, layout.ENTRY_WORDS : _WIDE_AT] = memory.extra.reshape(-1, layout.EXTRA_WORDS)[entries]
    if len(memory.wide):
        rows[:, _WIDE_AT : _WIDE_AT + 4] = memory.wide.reshape(-1, 4)[entries].view(np.int64)
    rows[:, layout.OUT_END] = FlowEnd.LIVE
    rows[:, layout.OUT_ENDED_AT] = now_ns
    return rows


def queues_of(memory: Memory, interface: int) -> Iterator[NDArray[Any]]:
    """The flows of an interface, in the order of their numbers, in as many parts as `Memory.forget` can take one of.

    Yields:
        int64 (flows, 2): number and entry.
    """
    used = int(memory.clock[layout.POOL_USED])
    pool = memory.pool[: used * layout.ENTRY_WORDS].reshape(used, layout.ENTRY_WORDS)
    entries = np.flatnonzero((pool[:, layout.FLOW] > 0) & (pool[:, layout.OWNER] & _LOW == interface))
    flows = pool[entries, layout.FLOW]
    order = np.argsort(flows)
    rows = np.stack([flows[order], entries[order]], axis=1)
    for begin in range(0, len(rows), layout.FORGET_QUEUE):
        yield rows[begin : begin + layout.FORGET_QUEUE]


def flow_columns_of(rows: NDArray[Any]) -> FlowColumns:
    """The columns of flows that kernels wrote; `rows` may be used again afterwards."""
    addresses, service = rows[:, layout.KEY_ADDRESSES], rows[:, layout.KEY_SERVICE]
    state, owner = rows[:, layout.STATE], rows[:, layout.OWNER]
    is_ipv6 = service & layout.KEY_IPV6 != 0
    wide = rows[:, _WIDE_AT : _WIDE_AT + 4].astype(np.uint64)
    narrow = np.stack([addresses & _LOW, addresses >> 32 & _LOW]).astype(np.uint64)  # else `where` makes them floats
    zero = np.uint64(0)
    local_hi, local_lo = np.where(is_ipv6, wide[:, 0], zero), np.where(is_ipv6, wide[:, 1], narrow[0])
    remote_hi, remote_lo = np.where(is_ipv6, wide[:, 2], zero), np.where(is_ipv6, wide[:, 3], narrow[1])
    local_port, remote_port = service & 65535, service >> 16 & 65535
    is_egress = state >> layout.OPENER_EGRESS_AT & 1 == 1
    extra = rows[:, layout.ENTRY_WORDS :]
    return FlowColumns(
        flow=rows[:, layout.FLOW].copy(),
        interface=(owner & _LOW).astype("i4"),
        family=np.where(is_ipv6, 6, 4).astype("u1"),
        protocol=(service >> 32 & 255).astype("u1"),
        src_hi=np.where(is_egress, local_hi, remote_hi).astype("u8"),
        src_lo=np.where(is_egress, local_lo, remote_lo).astype("u8"),
        src_port=np.where(is_egress, local_port, remote_port).astype("u2"),
        dst_hi=np.where(is_egress, remote_hi, local_hi).astype("u8"),
        dst_lo=np.where(is_egress, remote_lo, local_lo).astype("u8"),
        dst_port=np.where(is_egress, remote_port, local_port).astype("u2"),
        icmp_type=np.where(service & layout.KEY_QUERY != 0, service >> 40 & 255, 0).astype("u1"),
        opener=np.where(is_egress, Direction.EGRESS, Direction.INGRESS).astype("u1"),
        opened_at_ns=rows[:, layout.OPENED].copy(),
        last_seen_ns=extra[:, layout.LAST_SEEN].copy(),
        ended_at_ns=rows[:, layout.OUT_ENDED_AT].copy(),
        expires_at_ns=rows[:, layout.EXPIRES].copy(),
        end=rows[:, layout.OUT_END].astype("u1"),
        tracking=(state >> layout.TRACKING_AT & 3).astype("u1"),
        cause=(state >> layout.CAUSE_AT & 15).astype("u1"),
        is_presumed=(state >> layout.PRESUMED_AT & 1).astype("u1"),
        rule=((owner >> 32 & _LOW) - 1).astype("i4"),
        tcp_state=(state & 15).astype("u1"),
        packets_original=extra[:, layout.PACKETS_ORIGINAL].copy(),
        packets_reply=extra[:, layout.PACKETS_REPLY].copy(),
        bytes_original=extra[:, layout.BYTES_ORIGINAL].copy(),
        bytes_reply=extra[:, layout.BYTES_REPLY].copy(),
        allowed=extra[:, layout.ALLOWED].copy(),
        denied=extra[:, layout.DENIED].copy(),
    )


def flow_kinds_of(memory: Memory) -> dict[str, int]:
    """How many flows there have been, by kind."""
    used = int(memory.clock[layout.POOL_USED])
    pool = memory.pool[: used * layout.ENTRY_WORDS].reshape(used, layout.ENTRY_WORDS)
    states = pool[pool[:, layout.FLOW] > 0, layout.STATE]
    tracking = np.bincount(states >> layout.TRACKING_AT & 3, minlength=4)
    live = {
        layout.KIND_TRACKED: tracking[Tracking.TRACKED],
        layout.KIND_UNTRACKED: tracking[Tracking.UNTRACKED],
        layout.KIND_REFUSED: tracking[Tracking.REFUSED],
        layout.KIND_PRESUMED: np.count_nonzero(states >> layout.PRESUMED_AT & 1),
        layout.KIND_LIVE: tracking[Tracking.TRACKED] + tracking[Tracking.UNTRACKED],
    }
    return {name: int(memory.kinds[kind] + live.get(kind, 0)) for kind, name in _KINDS.items()}
