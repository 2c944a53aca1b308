"""At which interface a record was made, which way it went there, and the addresses that its groups saw.

A record names its interface, and AWS tells in `flow-direction` which way it went. Where it does not, the interface's
own addresses tell. An interface that was only declared by an address has no id that AWS would know: records are given to
it by their addresses, as all records are that name no interface.

`srcaddr` and `dstaddr` show the interface's own side always as its primary private address; `pkt-srcaddr` and
`pkt-dstaddr` have the one that the packet carried. So the own side is taken from the latter where they are there. The
peer is as `srcaddr` and `dstaddr` have it.

Source: `[aws-flr]`.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from attrs import define, field, frozen

from sgsim.model.address import Family
from sgsim.model.columns import Column, RecordColumns
from sgsim.model.decision import Reason
from sgsim.model.interface import Interface
from sgsim.model.line_columns import LineColumns
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.states import Direction
from sgsim.rules.ownership import Ownership
from sgsim.sources.base import NOT_BOUND

UNKNOWN: Final = -2
"""In a table of interfaces: the record names one that no document knows."""
_INGRESS, _EGRESS = int(Direction.INGRESS), int(Direction.EGRESS)
_AWS_ID: Final = "eni-"


@frozen
class KnownInterfaces:
    """The interfaces that documents and options know, in the order in which `taken_at` counts them."""

    interfaces: tuple[Interface, ...]
    ownership: Ownership
    tcp_idle_ns: Column
    """int64 (interfaces,), how long established TCP may be silent there."""
    tcp_opening_ns: int
    """How long TCP may be silent that nobody has answered yet."""
    icmp_idle_ns: int
    """How long ICMP may be silent."""
    client_port: int = CLIENT_PORT
    """Where ports of clients begin."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(interface.interface_id for interface in self.interfaces)


@define
class Binding:
    """Turns lines of one file into records of interfaces."""

    known: KnownInterfaces
    names: Sequence[str]
    """Interface ids that the log has named so far; grows while it is read."""
    bound_to: int = NOT_BOUND
    """The interface that the whole file is bound to."""
    unknown_names: dict[str, int] = field(factory=dict)
    """Records of interfaces that nobody knows, by id."""
    _numbers: dict[str, int] = field(init=False)
    _declared: bool = field(init=False)
    _table: Column = field(init=False, factory=lambda: np.zeros(0, np.int32))
    _primary: Column = field(init=False)
    """uint64 (interfaces,), the first IPv4 address of each."""
    _has_primary: Column = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Index what is known."""
        known = self.known.interfaces
        self._numbers = {interface.interface_id: number for number, interface in enumerate(known)}
        self._declared = any(not interface.interface_id.startswith(_AWS_ID) for interface in known)
        first = [interface.owned_ranges(Family.IPV4)[:1] for interface in known]
        self._primary = np.array([ranges[0][0] if ranges else 0 for ranges in first] or [0], np.uint64)
        self._has_primary = np.array([bool(ranges) for ranges in first] or [False])

    def bind(self, lines: LineColumns) -> RecordColumns:
        """Make records of lines; the column `file` is 0."""
        src, dst, family = self._addresses(lines)
        taken_at = self._interfaces(lines.interface)
        direction = lines.direction
        if np.any(taken_at < 0):
            taken_at, direction = self._by_address(lines, taken_at, direction, src, dst, family)
        skip = np.where((lines.skip == 0) & (taken_at == UNKNOWN), np.uint8(Reason.NO_INTERFACE), lines.skip)
        self._note_unknown(lines, skip)
        is_told = direction > 0
        if not is_told.all():
            direction = np.where(is_told, direction, self._directions(taken_at, src, dst, family, lines))
        src, dst = _own_side(lines, src, dst, family, direction)
        return RecordColumns(
            start_ns=lines.start_ns,
            end_ns=lines.end_ns,
            line=lines.line,
            file=np.zeros(len(lines.line), np.int32),
            src_hi=src[0],
            src_lo=src[1],
            dst_hi=dst[0],
            dst_lo=dst[1],
            family=family,
            protocol=lines.protocol,
            src_port=lines.src_port,
            dst_port=lines.dst_port,
            flags=lines.flags,
            direction=direction,
            taken_at=np.maximum(taken_at, np.int32(NOT_BOUND)),
            packets=lines.packets,
            bytes=lines.bytes,
            logged=lines.action,
            refused_by=lines.refused_by,
            skip=skip,
        )

    def _addresses(self, lines: LineColumns) -> tuple["_Pair", "_Pair", Column]:
        """The addresses of each record, from `pkt-*` where there are no others."""
        has_own = lines.family > 0
        if has_own.all() or not lines.pkt_family.any():
            return (lines.src_hi, lines.src_lo), (lines.dst_hi, lines.dst_lo), lines.family
        src = (np.where(has_own, lines.src_hi, lines.pkt_src_hi), np.where(has_own, lines.src_lo, lines.pkt_src_lo))
        dst = (np.where(has_own, lines.dst_hi, lines.pkt_dst_hi), np.where(has_own, lines.dst_lo, lines.pkt_dst_lo))
        return src, dst, np.where(has_own, lines.family, lines.pkt_family)

    def _interfaces(self, interface: Column) -> Column:
        """The interface of each record; `NOT_BOUND` if the record names none or a declared one may be meant."""
        if self.bound_to != NOT_BOUND:
            return np.full(len(interface), self.bound_to, np.int32)
        if len(self._table) != len(self.names) + 1:
            otherwise = NOT_BOUND if self._declared else UNKNOWN
            numbers = [self._numbers.get(name, otherwise) for name in self.names]
            self._table = np.array([*numbers, NOT_BOUND], np.int32)  # the last one is for no name
        return self._table[interface]

    def _by_address(
        self,
        lines: LineColumns,
        taken_at: Column,
        direction: Column,
        src: "_Pair",
        dst: "_Pair",
        family: Column,
    ) -> tuple[Column, Column]:
        """Give records that name no interface of a document to those that own their addresses."""
        taken_at, direction = taken_at.copy(), direction.copy()
        rows = np.flatnonzero((taken_at == NOT_BOUND) & (lines.skip == 0))
        is_named = (lines.interface[rows] >= 0).tolist()
        sides = [self._owners(pair, family, rows) for pair in (src, dst)]
        for row, named, sender, receiver in zip(rows.tolist(), is_named, *sides, strict=True):
            taken_at[row], direction[row] = self._owner_of(named, sender, receiver, int(direction[row]))
        return taken_at, direction

    def _owner_of(self, named: bool, sender: int, receiver: int, told: int) -> tuple[int, int]:  # noqa: FBT001  # one row of columns
        """The interface of a record by the owners of its addresses, and which way it went there."""
        if named:  # by another id than any document has: only one that was declared by an address can be meant
            sender, receiver = self._if_declared(sender), self._if_declared(receiver)
        if told == _EGRESS or (not told and receiver < 0):
            return (sender, _EGRESS) if sender >= 0 else (UNKNOWN, told)
        if told == _INGRESS or sender < 0:
            return (receiver, _INGRESS) if receiver >= 0 else (UNKNOWN, told)
        return NOT_BOUND, 0

    def _if_declared(self, number: int) -> int:
        is_declared = number >= 0 and not self.known.interfaces[number].interface_id.startswith(_AWS_ID)
        return number if is_declared else NOT_BOUND

    def _owners(self, pair: "_Pair", family: Column, rows: Column) -> list[int]:
        known: dict[tuple[int, int, int], int] = {}
        keys = zip(pair[0][rows].tolist(), pair[1][rows].tolist(), family[rows].tolist(), strict=True)
        return [known[key] if key in known else known.setdefault(key, self._owner(*key)) for key in keys]

    def _owner(self, high: int, low: int, family: int) -> int:
        owner = self.known.ownership.owner(high << 64 | low, Family(family)) if family else None
        return NOT_BOUND if owner is None else self._numbers[owner.interface_id]

    def _note_unknown(self, lines: LineColumns, skip: Column) -> None:
        is_unknown = (skip == Reason.NO_INTERFACE) & (lines.interface >= 0)
        if not is_unknown.any():
            return
        numbers, counts = np.unique(lines.interface[is_unknown], return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            name = self.names[number]
            self.unknown_names[name] = self.unknown_names.get(name, 0) + count

    def _directions(self, taken_at: Column, src: "_Pair", dst: "_Pair", family: Column, lines: LineColumns) -> Column:
        """Which way records went whose log does not tell it: by the interface's own addresses."""
        at = np.maximum(taken_at, 0)
        primary, is_ipv4 = self._primary[at], (family == Family.IPV4) & self._has_primary[at] & (taken_at >= 0)
        direction = np.zeros(len(at), np.uint8)
        direction[is_ipv4 & (dst[1] == primary)] = _INGRESS
        direction[is_ipv4 & (src[1] == primary)] = _EGRESS
        rows = np.flatnonzero((direction == 0) & (taken_at >= 0) & (lines.skip == 0))
        if len(rows):
            senders, receivers = self._owners(src, family, rows), self._owners(dst, family, rows)
            here = taken_at[rows]
            direction[rows[np.array(receivers) == here]] = _INGRESS
            direction[rows[np.array(senders) == here]] = _EGRESS
        return direction


_Pair = tuple[Column, Column]
"""Upper and lower halves of addresses."""


def _own_side(lines: LineColumns, src: _Pair, dst: _Pair, family: Column, direction: Column) -> tuple[_Pair, _Pair]:
    """Put the address that packets carried in place of the primary one, on the interface's own side."""
    is_told = (lines.pkt_family == family) & (family > 0)
    if not is_told.any():
        return src, dst
    is_src, is_dst = is_told & (direction == _EGRESS), is_told & (direction == _INGRESS)
    return (
        (np.where(is_src, lines.pkt_src_hi, src[0]), np.where(is_src, lines.pkt_src_lo, src[1])),
        (np.where(is_dst, lines.pkt_dst_hi, dst[0]), np.where(is_dst, lines.pkt_dst_lo, dst[1])),
    )
