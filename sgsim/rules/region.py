"""Sets of packets, exactly: which peers may use which services in one direction at an interface.

A `Region` is a union of boxes, each an interval of addresses times an interval of services (`sgsim.rules.service`), for
both families. It is kept in canonical form: the addresses are cut into slabs, each with its services, and neighbours
with the same services are one slab. So equal sets are equal objects, and every operation is one walk along both.

Few boxes for people to read are made by `sgsim.rules.region_cover`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from attrs import frozen

from sgsim.model.address import Family
from sgsim.rules import ranges
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.ranges import Ranges
from sgsim.rules.service import ALL_SERVICES, header_service

Slab = tuple[int, int, Ranges]
"""First and last address, and the services that each of them may use; never none."""

Slabs = tuple[Slab, ...]
"""Sorted and disjoint; adjacent slabs differ in their services."""

_Operation = Callable[[Ranges, Ranges], Ranges]


class Point(NamedTuple):
    """One peer and one service."""

    family: Family
    address: int
    service: int


@frozen
class Region:
    """What passes, by peer and service."""

    ipv4: Slabs = ()
    ipv6: Slabs = ()

    @classmethod
    def of(cls, parts: Iterable[tuple[AddressSet, Ranges]]) -> "Region":
        """The union of products, each of addresses and services."""
        parts = [(addresses, services) for addresses, services in parts if services]
        return cls(
            *(_swept((addresses.ranges(family), services) for addresses, services in parts) for family in Family)
        )

    @classmethod
    def everything(cls) -> "Region":
        """All packets."""
        return cls(*(((0, (1 << family.bits) - 1, ALL_SERVICES),) for family in Family))

    def slabs(self, family: Family) -> Slabs:
        """The slabs of one family."""
        return self.ipv4 if family is Family.IPV4 else self.ipv6

    def union(self, other: "Region") -> "Region":
        """What is in either."""
        return Region(*(_united(self.slabs(family), other.slabs(family)) for family in Family))

    def intersection(self, other: "Region") -> "Region":
        """What is in both."""
        return Region(*(_common(self.slabs(family), other.slabs(family)) for family in Family))

    def difference(self, other: "Region") -> "Region":
        """What is in this one and not in the other."""
        return Region(*(_rest(self.slabs(family), other.slabs(family)) for family in Family))

    def complement(self) -> "Region":
        """All that is not in it."""
        return Region.everything().difference(self)

    __or__, __and__, __sub__, __invert__ = union, intersection, difference, complement

    def __bool__(self) -> bool:
        """Whether any packet is in it."""
        return bool(self.ipv4 or self.ipv6)

    def covers(self, other: "Region") -> bool:
        """Whether all of the other is in this one."""
        return not other.difference(self)

    def meets(self, addresses: AddressSet, services: tuple[int, int]) -> bool:
        """Whether any of some addresses may use any of an interval of services."""
        return any(_meets(self.slabs(family), addresses.ranges(family), services) for family in Family)

    def services(self, address: int, family: Family) -> Ranges:
        """The services that one peer may use."""
        slabs = self.slabs(family)
        position = bisect_right(slabs, address, key=lambda slab: slab[0]) - 1
        return slabs[position][2] if position >= 0 and address <= slabs[position][1] else ranges.EMPTY

    def same_until(self, address: int, family: Family) -> int:
        """The last address, from this one on, up to which all may use the same services."""
        slabs = self.slabs(family)
        position = bisect_right(slabs, address, key=_first) - 1
        if position >= 0 and address <= slabs[position][1]:
            return slabs[position][1]
        return slabs[position + 1][0] - 1 if position + 1 < len(slabs) else (1 << family.bits) - 1

    def contains(self, point: Point) -> bool:
        """Whether one peer may use one service."""
        services = self.services(point.address, point.family)
        position = bisect_right(services, (point.service, 1 << 24)) - 1
        return position >= 0 and point.service <= services[position][1]

    def admits(self, header: Header) -> bool:
        """Whether a whole packet is in it."""
        return self.contains(Point(header.family, header.peer, header_service(header)))

    def addresses(self) -> AddressSet:
        """Every peer that may use any service."""
        return AddressSet(*(ranges.merged((first, last) for first, last, _ in self.slabs(family)) for family in Family))

    def services_of_all(self, family: Family) -> Ranges:
        """The services that every address of a family may use."""
        slabs, next_address = self.slabs(family), 0
        common = ALL_SERVICES
        for first, last, services in slabs:
            if first != next_address:
                return ranges.EMPTY
            common, next_address = ranges.intersection(common, services), last + 1
        return common if next_address == 1 << family.bits else ranges.EMPTY

    def points(self) -> Iterator[Point]:
        """One point of each slab, in order; the first is a witness that the region is not empty."""
        return (Point(family, first, services[0][0]) for family in Family for first, _, services in self.slabs(family))


def canonical(slabs: Iterable[Slab]) -> Slabs:
    """Sorted and disjoint slabs without empty ones, and neighbours of the same services as one."""
    found: list[Slab] = []
    for slab in slabs:
        _append(found, *slab)
    return tuple(found)


def _united(mine: Slabs, theirs: Slabs) -> Slabs:
    if not mine or not theirs or mine == theirs:
        return mine or theirs
    return _combined(mine, theirs, ranges.union)


def _common(mine: Slabs, theirs: Slabs) -> Slabs:
    if mine == theirs or not mine or not theirs:
        return mine and theirs
    if len(mine) > len(theirs):
        mine, theirs = theirs, mine
    if len(mine) * _FEW > len(theirs):
        return _combined(mine, theirs, ranges.intersection)
    parts = (_combined((slab,), _within(theirs, slab[0], slab[1]), ranges.intersection) for slab in mine)
    return canonical(slab for part in parts for slab in part)


def _rest(mine: Slabs, theirs: Slabs) -> Slabs:
    if not mine or not theirs or mine == theirs:
        return () if mine == theirs else mine
    if len(theirs) * _FEW < len(mine):
        return _without_few(mine, theirs)
    if len(mine) > _FEW:
        same = {slab[0]: slab for slab in theirs}
        mine = tuple(slab for slab in mine if same.get(slab[0]) != slab)
    if len(mine) * _FEW < len(theirs):
        parts = (_combined((slab,), _within(theirs, slab[0], slab[1]), ranges.difference) for slab in mine)
        return canonical(slab for part in parts for slab in part)
    return _combined(mine, theirs, ranges.difference)


def _without_few(mine: Slabs, few: Slabs) -> Slabs:
    """Take away a few slabs: most stay as they are."""
    kept: list[Slab] = []
    met: list[Slab] = []
    begin = 0
    for first, last, _ in few:
        start = max(bisect_left(mine, first, key=_last), begin)
        kept += mine[begin:start]
        begin = max(bisect_right(mine, last, lo=start, key=_first), start)
        met += mine[start:begin]
    return canonical(sorted((*kept, *mine[begin:], *_combined(tuple(met), few, ranges.difference))))


_FEW: Final = 16
"""From this ratio of lengths on, searching in the longer one is faster than walking along it."""


def _within(slabs: Slabs, first: int, last: int) -> Slabs:
    """The slabs that have any address from `first` to `last`, whole."""
    begin = bisect_left(slabs, first, key=_last)
    return slabs[begin : bisect_right(slabs, last, lo=begin, key=_first)]


def _meets(slabs: Slabs, addresses: Ranges, services: tuple[int, int]) -> bool:
    """Search for one in the other, the one that has fewer intervals in the longer one."""
    if len(addresses) <= len(slabs):
        met = (slab for each in addresses for slab in _within(slabs, *each))
    else:
        met = (slab for slab in slabs if ranges.within(addresses, slab[0], slab[1]))
    return any(ranges.within(slab[2], *services) for slab in met)


def _first(slab: Slab) -> int:
    return slab[0]


def _last(slab: Slab) -> int:
    return slab[1]


def _combined(mine: Slabs, theirs: Slabs, operation: _Operation) -> Slabs:
    """Walk along both and combine the services of each piece; the same two sets of services are combined once."""
    known: dict[tuple[int, int], Ranges] = {}
    found: list[Slab] = []
    here = there = begin = 0
    first, last, services = mine[0] if mine else _NOTHING
    other_first, other_last, other_services = theirs[0] if theirs else _NOTHING
    while first < _NOWHERE or other_first < _NOWHERE:
        begin = max(begin, min(first, other_first))
        end = last if begin >= first else first - 1
        other_end = other_last if begin >= other_first else other_first - 1
        end = min(end, other_end)
        left = services if begin >= first else ranges.EMPTY
        right = other_services if begin >= other_first else ranges.EMPTY
        key = (id(left), id(right))
        combined = known.get(key)
        if combined is None:
            combined = known[key] = operation(left, right)
        if combined:
            _append(found, begin, end, combined)
        if end == last:
            here += 1
            first, last, services = mine[here] if here < len(mine) else _NOTHING
        if end == other_last:
            there += 1
            other_first, other_last, other_services = theirs[there] if there < len(theirs) else _NOTHING
        begin = end + 1
    return tuple(found)


_NOWHERE: Final = 1 << 200
_NOTHING: Final[Slab] = (_NOWHERE, _NOWHERE, ranges.EMPTY)
"""Stands behind the last slab, beyond every address."""


def _append(slabs: list[Slab], first: int, last: int, services: Ranges) -> None:
    if not services:
        return
    if slabs and slabs[-1][1] + 1 == first and slabs[-1][2] == services:
        slabs[-1] = (slabs[-1][0], last, services)
    else:
        slabs.append((first, last, services))


def _swept(parts: Iterable[tuple[Ranges, Ranges]]) -> Slabs:
    """Go through all addresses in order, with the set of products that hold at each as the bits of one number."""
    by_addresses: dict[Ranges, list[tuple[int, int]]] = {}
    for addresses, services in parts:
        if addresses:
            by_addresses.setdefault(addresses, []).extend(services)
    all_services = [ranges.merged(services) for services in by_addresses.values()]
    if len(by_addresses) == 1:
        return tuple((first, last, all_services[0]) for addresses in by_addresses for first, last in addresses)
    changes: dict[int, int] = {}
    bit = 1
    for addresses in by_addresses:
        for first, last in addresses:
            changes[first] = changes.get(first, 0) ^ bit
            changes[last + 1] = changes.get(last + 1, 0) ^ bit
        bit <<= 1
    found: list[Slab] = []
    known: dict[int, Ranges] = {}
    holding, begin = 0, 0
    for address in sorted(changes):
        if holding:
            if holding not in known:
                known[holding] = _services_of(holding, all_services)
            _append(found, begin, address - 1, known[holding])
        holding, begin = holding ^ changes[address], address
    return tuple(found)


def _services_of(holding: int, all_services: list[Ranges]) -> Ranges:
    united: list[tuple[int, int]] = []
    while holding:
        lowest = holding & -holding
        united.extend(all_services[lowest.bit_length() - 1])
        holding ^= lowest
    return ranges.merged(united)
