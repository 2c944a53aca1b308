"""Whose address it is."""

from bisect import bisect_right
from collections.abc import Iterable

from attrs import define, field

from sgsim.errors import RuleError
from sgsim.model.address import Family, format_address
from sgsim.model.interface import Interface

_Owned = tuple[int, int, Interface]
"""First and last address of a block, and who owns it."""


def _to_interfaces(interfaces: Iterable[Interface]) -> tuple[Interface, ...]:
    return tuple(interfaces)


@define
class Ownership:
    """Finds the interface that owns an address, among all of one network.

    Raises:
        RuleError: If two interfaces own the same address.
    """

    interfaces: tuple[Interface, ...] = field(converter=_to_interfaces)
    _singles: dict[tuple[int, Family], Interface] = field(init=False, factory=dict)
    _prefixes: dict[Family, list[_Owned]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Index all addresses, and refuse one that two interfaces own."""
        for family in Family:
            ranges: list[_Owned] = []
            for owned in sorted(_ranges(self.interfaces, family), key=lambda owned: (owned[0], -owned[1])):
                if not ranges or owned[0] > ranges[-1][1]:
                    ranges.append(owned)
                elif owned[2] is not ranges[-1][2]:  # blocks of addresses overlap only by one lying in the other
                    raise RuleError(_twice(owned[0], family, ranges[-1][2], owned[2]))
            self._singles |= {(first, family): owner for first, last, owner in ranges if first == last}
            self._prefixes[family] = [owned for owned in ranges if owned[0] != owned[1]]

    def owner(self, address: int, family: Family) -> Interface | None:
        """The interface that owns an address; None if no known one does."""
        found = self._singles.get((address, family))
        if found is not None or not self._prefixes[family]:
            return found
        prefixes = self._prefixes[family]
        position = bisect_right(prefixes, address, key=lambda owned: owned[0]) - 1
        if position >= 0 and address <= prefixes[position][1]:
            return prefixes[position][2]
        return None


def _ranges(interfaces: Iterable[Interface], family: Family) -> Iterable[_Owned]:
    return ((first, last, interface) for interface in interfaces for first, last in interface.owned_ranges(family))


def _twice(address: int, family: Family, interface: Interface, other: Interface) -> str:
    text = format_address(address, family)
    names = f"{interface.interface_id} and {other.interface_id}"
    vpcs = f"{interface.vpc_id} and {other.vpc_id}"
    hint = f"choose one with --vpc, they are in {vpcs}" if interface.vpc_id != other.vpc_id else "correct the documents"
    return f"address must be owned by one interface, got {text} owned by {names}: {hint}"
