"""Peers and services in words."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sgsim.model.address import Family, format_address
from sgsim.rules import ranges
from sgsim.rules.address_set import AddressSet
from sgsim.rules.ranges import Ranges
from sgsim.rules.service import ALL_SERVICES, service_texts

MOST_PARTS: Final = 6
"""How many intervals are named."""


def services_text(services: Ranges, limit: int = MOST_PARTS) -> str:
    """Services in words: `tcp 443, udp 53`, `all traffic except tcp 25`."""
    texts = service_texts(services)
    others = service_texts(ranges.difference(ALL_SERVICES, services))
    if 0 < len(others) < len(texts) and len(others) <= limit:
        return f"all traffic except {_listed(others, limit)}"
    return _listed(texts, limit)


def addresses_text(addresses: AddressSet, limit: int = MOST_PARTS) -> str:
    """Addresses in words: `10.0.0.0/8, 192.0.2.7`, `0.0.0.0/0 except 10.0.0.0/8`."""
    return ", ".join(text for family in Family if (text := _family_text(addresses.ranges(family), family, limit)))


def _family_text(found: Ranges, family: Family, limit: int) -> str:
    everyone: Ranges = ((0, (1 << family.bits) - 1),)
    others = ranges.difference(everyone, found)
    if 0 < len(others) < len(found):
        return f"{interval_text(*everyone[0], family)} except {_intervals_text(others, family, limit)}"
    return _intervals_text(found, family, limit)


def _intervals_text(found: Ranges, family: Family, limit: int) -> str:
    """The first few intervals; a prefix list has a thousand, of which nobody is shown the rest."""
    shown = found if len(found) <= limit else found[: limit - 1]
    return _with_more(intervals(shown, family), len(found) - len(shown))


def intervals(found: Ranges, family: Family) -> list[str]:
    """Each interval of addresses as text."""
    return [interval_text(first, last, family) for first, last in found]


def interval_text(first: int, last: int, family: Family) -> str:
    """One interval: a block where it is one, `10.0.0.0/8`, else `10.0.0.0-10.0.0.9`; a single address as it is."""
    if first == last:
        return format_address(first, family)
    length = family.bits - (last - first).bit_length()
    if last - first + 1 == 1 << (family.bits - length) and first % (last - first + 1) == 0:
        return f"{format_address(first, family)}/{length}"
    return f"{format_address(first, family)}-{format_address(last, family)}"


@lru_cache(maxsize=1 << 10)
def cidrs(addresses: AddressSet) -> tuple[str, ...]:
    """The fewest blocks that are the addresses, for programs; groups and interfaces that carry them have the same."""
    return tuple(
        f"{format_address(first, family)}/{length}" for family in Family for first, length in addresses.blocks(family)
    )


def _listed(texts: Sequence[str], limit: int) -> str:
    shown = texts if len(texts) <= limit else texts[: limit - 1]
    return _with_more(shown, len(texts) - len(shown))


def _with_more(shown: Sequence[str], left: int) -> str:
    return ", ".join(shown) + (f" and {left} more" if left else "")
