"""Which traffic was denied most.

Groups are counted exactly until there are `MOST_GROUPS` of them; from then on the smallest makes way for a new one,
which takes over its count (the Space-Saving algorithm, Metwally et al. 2005): a count may then be too high, by as much
as `most_too_many` says, and never too low.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from attrs import define, field

from sgsim.conntrack.pressure import PEER_BITS
from sgsim.model.address import Family, format_address
from sgsim.model.columns import PACKET_DTYPES, Column, DecisionColumns, PacketColumns, packet_columns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import PORT_PROTOCOLS
from sgsim.model.states import Direction
from sgsim.simulation.summary import DeniedGroup
from sgsim.simulation.tally import first_packet

MOST_GROUPS: Final = 65_536


_Row = tuple[int, ...]
"""One packet, in the order of `PACKET_DTYPES`."""


class _Key(NamedTuple):
    interface: int
    direction: int
    family: int
    peer_hi: int
    peer_lo: int
    protocol: int
    dst_port: int


@define
class _Group:
    packets: int
    bytes: int
    most_too_many: int
    reason: Reason
    first: _Row
    """Its first packet; put into words only if the group is among the largest."""


@define
class DeniedTally:
    """Denied packets by interface, direction, peer block, protocol and destination port."""

    files: Sequence[str]
    most_groups: int = MOST_GROUPS
    _groups: dict[_Key, _Group] = field(factory=dict)
    _smallest: list[tuple[int, _Key]] = field(factory=list)

    def add(self, packets: PacketColumns, decisions: DecisionColumns) -> None:
        """Count a batch."""
        denied = np.flatnonzero(decisions.verdict == Verdict.DENY)
        if not len(denied):
            return
        keys = _keys(packets, decisions, denied)
        order = np.lexsort(keys[::-1])
        ordered = [column[order] for column in keys]
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in ordered])
        starts = np.flatnonzero(is_first)
        counts = np.diff(starts, append=len(order))
        sizes = np.add.reduceat(packets.length_bytes[decisions.row[denied]][order].astype(np.int64), starts)
        by_appearance = np.argsort(order[starts], kind="stable")
        found = zip(
            zip(*(column[starts][by_appearance].tolist() for column in ordered), strict=True),
            counts[by_appearance].tolist(),
            sizes[by_appearance].tolist(),
            decisions.reason[denied[order[starts]]][by_appearance].tolist(),
            _first_rows(packets, decisions.row[denied[order[starts]]][by_appearance]),
            strict=True,
        )
        for key, number, size, reason, first in found:
            self._count(_Key(*key), number, size, Reason(reason), first)

    def _count(self, key: _Key, number: int, size: int, reason: Reason, first: _Row) -> None:
        group = self._groups.get(key)
        if group is not None:
            group.packets += number
            group.bytes += size
            return
        inherited = self._evict() if len(self._groups) >= self.most_groups else 0
        self._groups[key] = _Group(inherited + number, size, inherited, reason, first)
        heapq.heappush(self._smallest, (inherited + number, key))

    def _evict(self) -> int:
        """Drop the smallest group and give its count."""
        while True:
            count, key = heapq.heappop(self._smallest)
            group = self._groups[key]
            if group.packets == count:
                del self._groups[key]
                return count
            heapq.heappush(self._smallest, (group.packets, key))

    @property
    def count(self) -> int:
        """How many groups there are; at most `most_groups`."""
        return len(self._groups)

    def largest(self, number: int, interface_ids: Sequence[str]) -> tuple[DeniedGroup, ...]:
        """The groups with most packets, most first."""
        ranked = heapq.nsmallest(number, self._groups.items(), key=lambda item: (-item[1].packets, item[0]))
        return tuple(self._shown(key, group, interface_ids) for key, group in ranked)

    def _shown(self, key: _Key, group: _Group, interface_ids: Sequence[str]) -> DeniedGroup:
        family = Family(key.family)
        block = format_address(key.peer_hi << 64 | key.peer_lo, family)
        return DeniedGroup(
            interface_id=interface_ids[key.interface],
            direction=str(Direction(key.direction)),
            peer=f"{block}/{PEER_BITS[family]}",
            protocol=key.protocol,
            dst_port=key.dst_port if key.protocol in PORT_PROTOCOLS else None,
            packets=group.packets,
            bytes=group.bytes,
            most_too_many=group.most_too_many,
            reason=str(group.reason),
            first=first_packet(packet_columns([group.first]), 0, self.files),
        )


def _first_rows(packets: PacketColumns, rows: Column) -> Iterator[_Row]:
    """The packets of some rows, without what they quote."""
    alone = packets._replace(quote=np.full_like(packets.quote, -1))
    return zip(*(getattr(alone, name)[rows].tolist() for name in PACKET_DTYPES), strict=True)


def _keys(packets: PacketColumns, decisions: DecisionColumns, denied: Column) -> list[Column]:
    rows = decisions.row[denied]
    is_ingress = decisions.direction[denied] == Direction.INGRESS
    is_ipv4 = packets.family[rows] == Family.IPV4
    peer_hi = np.where(is_ingress, packets.src_hi[rows], packets.dst_hi[rows])
    peer_lo = np.where(is_ingress, packets.src_lo[rows], packets.dst_lo[rows])
    low_bits = np.uint64(Family.IPV4.bits - PEER_BITS[Family.IPV4])
    peer_lo = np.where(is_ipv4, peer_lo >> low_bits << low_bits, np.uint64(0))
    return [
        decisions.interface[denied],
        decisions.direction[denied],
        packets.family[rows],
        peer_hi,
        peer_lo,
        packets.protocol[rows],
        np.where(np.isin(packets.protocol[rows], list(PORT_PROTOCOLS)), packets.dst_port[rows], 0),
    ]
