"""A space small enough to look at every packet of it: 8-bit addresses, 4-bit services."""

from itertools import pairwise

from hypothesis import strategies as st

from sgsim.rules.address_set import AddressSet
from sgsim.rules.ranges import Ranges, merged
from sgsim.rules.region import Region, Slabs

ADDRESSES, SERVICES = 256, 16
ALL = frozenset((address, service) for address in range(ADDRESSES) for service in range(SERVICES))
UNIVERSE = Region(ipv4=((0, ADDRESSES - 1, ((0, SERVICES - 1),)),))

Packets = frozenset[tuple[int, int]]


def intervals(size: int) -> st.SearchStrategy[tuple[int, int]]:
    """Intervals with a liking for the ends."""
    number = st.one_of(st.sampled_from([0, 1, size - 2, size - 1]), st.integers(0, size - 1))
    return st.tuples(number, number).map(lambda pair: (min(pair), max(pair)))


boxes = st.lists(st.tuples(intervals(ADDRESSES), intervals(SERVICES)), max_size=8)
"""Boxes in any order, overlapping or not."""


def region(toy: list[tuple[tuple[int, int], tuple[int, int]]]) -> Region:
    """The region of boxes, all of IPv4."""
    return Region.of((AddressSet(ipv4=(addresses,)), (services,)) for addresses, services in toy)


def packets(toy: list[tuple[tuple[int, int], tuple[int, int]]]) -> Packets:
    """Every packet in boxes."""
    return frozenset(
        (address, service)
        for addresses, services in toy
        for address in range(addresses[0], addresses[1] + 1)
        for service in range(services[0], services[1] + 1)
    )


def packets_of(found: Region) -> Packets:
    """Every packet of the toy space in a region."""
    return frozenset(
        (address, service)
        for first, last, services in found.ipv4
        for address in range(first, min(last, ADDRESSES - 1) + 1)
        for service in numbers(services)
    )


def numbers(found: Ranges) -> list[int]:
    """The integers of ranges, as far as the toy space goes."""
    return [number for first, last in found for number in range(first, min(last, SERVICES - 1) + 1)]


def is_canonical(slabs: Slabs) -> bool:
    """Whether slabs are sorted, disjoint, not empty, and no two neighbours could be one."""
    ordered = all(before[1] < after[0] for before, after in pairwise(slabs))
    joined = any(before[1] + 1 == after[0] and before[2] == after[2] for before, after in pairwise(slabs))
    return ordered and not joined and all(services and services == merged(services) for _, _, services in slabs)
