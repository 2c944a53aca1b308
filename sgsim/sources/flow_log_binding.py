"""At which interface a record was made, which way it went there, and the addresses that its groups saw.

A record names its interface, and AWS tells in `flow-direction` which way it went. Where it does not, the interface's
own addresses tell. An interface that was only declared by an address has no id that AWS would know: records are given to
it by their addresses, as all records are that name no interface.

`srcaddr` and `dstaddr` show the interface's own side always as its primary private address; `pkt-srcaddr` and
`pkt-dstaddr` have the one that the packet carried. So the own side is taken from the latter where they are there. The
peer is as `srcaddr` and `dstaddr` have it.

Interfaces and addresses are those of the time at which a record begins: changes may bring, move and take them.

Source: `[aws-flr]`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from attrs import define, field, frozen

from sgsim.model.address import Family
from sgsim.model.columns import Column, RecordColumns
from sgsim.model.decision import Reason
from sgsim.model.interface import Interface
from sgsim.model.line_columns import LineColumns
from sgsim.model.protocol import CLIENT_PORT
from sgsim.model.spread import Spread
from sgsim.model.states import Direction
from sgsim.rules.ownership import Ownership
from sgsim.sources.base import NOT_BOUND
from sgsim.sources.flow_log_order import FiledLines, part_of

UNKNOWN: Final = -2
"""In a table of interfaces: the record names one that no document knows."""
_INGRESS, _EGRESS = int(Direction.INGRESS), int(Direction.EGRESS)
_AWS_ID: Final = "eni-"


@frozen
class KnownInterfaces:
    """The interfaces that documents and options know, from one change to the next."""

    ids: tuple[str, ...]
    """Every interface that is known at some time, in the order in which `taken_at` counts them."""
    interfaces: tuple[Interface, ...]
    """Those that are known now."""
    ownerships: tuple[Ownership, ...]
    """Whose addresses are whose; a later one tells of addresses that those before it do not know."""
    tcp_idle_ns: Column
    """int64 (ids,), how long established TCP may be silent there."""
    tcp_opening_ns: int
    """How long TCP may be silent that nobody has answered yet."""
    icmp_idle_ns: int
    """How long ICMP may be silent."""
    client_port: int = CLIENT_PORT
    """Where ports of clients begin."""
    spread: Spread = Spread.EVEN
    """How the packets of a record lie in time."""

    def owner(self, address: int, family: Family) -> Interface | None:
        """The interface that owns an address; None if no known one does."""
        found = (each.owner(address, family) for each in self.ownerships)
        return next((owner for owner in found if owner is not None), None)


@define
class Binding:
    """Turns lines into records of the interfaces that are known at one time."""

    known: KnownInterfaces
    names: Sequence[str]
    """Interface ids that the logs have named so far; grows while they are read."""
    bound_to: Column
    """int32 (files,), the interface that a whole file is bound to, `NOT_BOUND` for none."""
    unknown_names: dict[str, int] = field(factory=dict)
    """Records of interfaces that nobody knows, by id."""
    _numbers: Mapping[str, int] = field(init=False)
    """Of those that are known now."""
    _is_known: Column = field(init=False)
    """bool (ids,)."""
    _is_declared: Column = field(init=False)
    """bool (ids,), whether an interface has no id that AWS would know."""
    _table: Column = field(init=False, factory=lambda: np.zeros(0, np.int32))
    _primary: Column = field(init=False)
    """uint64 (ids,), the first IPv4 address of each."""
    _has_primary: Column = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Index what is known."""
        number_of = {interface_id: number for number, interface_id in enumerate(self.known.ids)}
        self._numbers = {each.interface_id: number_of[each.interface_id] for each in self.known.interfaces}
        count = max(1, len(number_of))
        self._is_known, self._is_declared, self._has_primary = (np.zeros(count, np.bool_) for _ in range(3))
        self._primary = np.zeros(count, np.uint64)
        for each in self.known.interfaces:
            number, ranges = number_of[each.interface_id], each.owned_ranges(Family.IPV4)
            self._is_known[number] = True
            self._is_declared[number] = not each.interface_id.startswith(_AWS_ID)
            self._has_primary[number] = bool(ranges)
            self._primary[number] = ranges[0][0] if ranges else 0

    def bind(self, filed: FiledLines) -> RecordColumns:
        """Make records of lines, whose interfaces `names` counts."""
        lines = filed.lines
        src, dst, family = self._addresses(lines)
        taken_at = self._interfaces(filed)
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
            file=filed.file,
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

    def _interfaces(self, filed: FiledLines) -> Column:
        """The interface of each record; `NOT_BOUND` if the record names none or a declared one may be meant."""
        if len(self._table) != len(self.names) + 1:
            otherwise = NOT_BOUND if self._is_declared.any() else UNKNOWN
            numbers = [self._numbers.get(name, otherwise) for name in self.names]
            self._table = np.array([*numbers, NOT_BOUND], np.int32)  # the last one is for no name
        named: Column = self._table[filed.lines.interface]
        if not np.any(self.bound_to != NOT_BOUND):
            return named
        bound_to = self.bound_to[filed.file]
        bound = np.where(self._is_known[np.maximum(bound_to, 0)], bound_to, np.int32(UNKNOWN))
        return np.where(bound_to != NOT_BOUND, bound, named)

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
        return number if number >= 0 and self._is_declared[number] else NOT_BOUND

    def _owners(self, pair: "_Pair", family: Column, rows: Column) -> list[int]:
        known: dict[tuple[int, int, int], int] = {}
        keys = zip(pair[0][rows].tolist(), pair[1][rows].tolist(), family[rows].tolist(), strict=True)
        return [known[key] if key in known else known.setdefault(key, self._owner(*key)) for key in keys]

    def _owner(self, high: int, low: int, family: int) -> int:
        owner = self.known.owner(high << 64 | low, Family(family)) if family else None
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


Later = Callable[[int], Sequence[tuple[int, KnownInterfaces]]]
"""Given when traffic begins, tells what is known from when on, in the order of time; nanoseconds since the epoch."""


@define
class Bindings:
    """The bindings of all times, one after the other."""

    _now: Binding
    _later: Later | None
    """None where nothing changes."""
    _to_come: list[tuple[int, KnownInterfaces]] | None = None
    """None before the first line."""
    _clock_ns: int = -(1 << 62)
    """The latest start so far."""

    def parts(self, filed: FiledLines) -> Iterator[tuple[Binding, FiledLines]]:
        """Cut lines, which are in the order of their starts, where another binding begins to hold."""
        if self._later is None or not len(filed.file):
            yield self._now, filed
            return
        if self._to_come is None:
            self._to_come = list(self._later(int(filed.lines.start_ns[0])))
        clock_ns = np.maximum(np.maximum.accumulate(filed.lines.start_ns), self._clock_ns)
        self._clock_ns, begin = int(clock_ns[-1]), 0
        while self._to_come and self._to_come[0][0] <= self._clock_ns:
            from_ns, known = self._to_come.pop(0)
            end = int(np.searchsorted(clock_ns, from_ns))
            if end > begin:
                yield self._now, part_of(filed, begin, end)
            begin = max(begin, end)
            self._now = Binding(known, self._now.names, self._now.bound_to, self._now.unknown_names)
        if begin < len(clock_ns):
            yield self._now, part_of(filed, begin, len(clock_ns))


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
