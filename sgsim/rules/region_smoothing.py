"""Fills holes that do not matter, so that few boxes say what many would.

"Everything but 169.254.169.254" is two intervals of addresses; where nobody cares about that address, one will do.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from sgsim.model.address import Family
from sgsim.rules import ranges
from sgsim.rules.ranges import Ranges
from sgsim.rules.region import Region, Slab, Slabs, canonical


def smoothed(region: Region, free: Region) -> Region:
    """The region with such holes filled as are `free`: at least the region, at most what is in either.

    A hole is a gap between two intervals of a peer's services, or addresses between two slabs of the same services.
    """
    return Region(*(_smoothed(region.slabs(family), free.slabs(family)) for family in Family))


def _smoothed(region: Slabs, free: Slabs) -> Slabs:
    filled = cache(_filled)
    are_free = cache(_are_free)
    pieces = [(first, last, filled(mine, theirs), theirs) for first, last, mine, theirs in _pieces(region, free)]
    found: list[Slab] = []
    waiting: list[tuple[int, int, Ranges]] = []
    for first, last, services, allowed in pieces:
        before = found[-1] if found else None
        is_hole = (
            before is not None
            and (waiting[-1][1] if waiting else before[1]) + 1 == first
            and are_free(services, before[2], allowed)
        )
        if before is not None and is_hole and services != before[2]:
            waiting.append((first, last, services))
            continue
        if before is not None and is_hole:
            found += [(begin, end, before[2]) for begin, end, _ in waiting]
        else:
            found += waiting
        waiting = []
        found.append((first, last, services))
    return canonical((*found, *waiting))


def _are_free(services: Ranges, around: Ranges, free: Ranges) -> bool:
    """Whether some services are among others, and those that are missing are free."""
    return not ranges.difference(services, around) and not ranges.difference(ranges.difference(around, services), free)


def _filled(services: Ranges, free: Ranges) -> Ranges:
    """Services with the gaps between them filled where all of a gap is free."""
    if len(services) < 2:
        return services
    gaps = ((before[1] + 1, after[0] - 1) for before, after in pairwise(services))
    return ranges.merged((*services, *(gap for gap in gaps if not ranges.difference((gap,), free))))


def _pieces(region: Slabs, free: Slabs) -> Iterator[tuple[int, int, Ranges, Ranges]]:
    """Both cut at the bounds of either; what is in neither is left out."""
    cuts = sorted({cut for first, last, _ in (*region, *free) for cut in (first, last + 1)})
    here = there = 0
    for first, after in pairwise(cuts):
        while here < len(region) and region[here][1] < first:
            here += 1
        while there < len(free) and free[there][1] < first:
            there += 1
        mine = region[here][2] if here < len(region) and region[here][0] <= first else ranges.EMPTY
        theirs = free[there][2] if there < len(free) and free[there][0] <= first else ranges.EMPTY
        if mine or theirs:
            yield first, after - 1, mine, theirs
