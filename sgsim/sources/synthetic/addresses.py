"""Who talks: addresses, blocks, interfaces and groups as a person names them, and addresses drawn from them."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from attrs import field, frozen
from netaddr import AddrFormatError, IPNetwork
from numpy.typing import NDArray

from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory
from sgsim.sources.synthetic.draws import Numbers, Words, below

_ALL_BITS: Final = (1 << 64) - 1
FAMILIES: Final = (4, 6)
ALL: Final = "all"
"""Every known interface."""


class Addresses(NamedTuple):
    """Addresses as two words each, axis `(addresses,)`."""

    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]


def _words(values: Iterable[int]) -> NDArray[np.uint64]:
    return np.array(list(values), np.uint64)


@frozen
class AddressPool:
    """Blocks of one family: each as likely, then each address in it; of a block wider than /64 the lower half is drawn."""

    blocks: tuple[IPNetwork, ...]
    _hi: NDArray[np.uint64] = field(init=False)
    _lo: NDArray[np.uint64] = field(init=False)
    _free: NDArray[np.uint64] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Split addresses into words once."""
        object.__setattr__(self, "_hi", _words(block.first >> 64 for block in self.blocks))
        object.__setattr__(self, "_lo", _words(block.first & _ALL_BITS for block in self.blocks))
        object.__setattr__(self, "_free", _words((block.last - block.first) & _ALL_BITS for block in self.blocks))

    def draw(self, which: Words, where: Words) -> Addresses:
        """Draw a block by one word and an address in it by another."""
        return self.pick(below(which, len(self.blocks)), where)

    def pick(self, block: Numbers, where: Words) -> Addresses:
        """Give an address in each of some blocks, by its place there."""
        return Addresses(self._hi[block], self._lo[block] | (where & self._free[block]))


@frozen
class Endpoints:
    """Clients or servers, by family."""

    pools: dict[int, AddressPool]

    @property
    def families(self) -> tuple[int, ...]:
        """Those that it has addresses of."""
        return tuple(family for family in FAMILIES if family in self.pools)


def endpoints(names: Iterable[str], inventory: Inventory | None, what: str) -> Endpoints:
    """Find the addresses that names stand for.

    Args:
        names: Addresses, blocks, interface ids, group ids, group names, or `all` for every interface.
        inventory: Where ids are looked up; None if no rules are at hand.
        what: What messages call them.

    Raises:
        ConfigError: If a name stands for nothing.
    """
    blocks = list(dict.fromkeys(block for name in names for block in _blocks(name, inventory, what)))
    pools = {
        family: AddressPool(chosen)
        for family in FAMILIES
        if (chosen := tuple(block for block in blocks if block.version == family))
    }
    return Endpoints(pools)


def _blocks(name: str, inventory: Inventory | None, what: str) -> Iterator[IPNetwork]:
    if inventory is not None and name in inventory.interfaces:
        yield from inventory.interfaces[name].addresses
        return
    if name == ALL:
        if inventory is None or not inventory.interfaces:
            raise ConfigError(f"{what} must go with rules that have interfaces, got {ALL!r} without")
        yield from (address for interface in inventory.interfaces.values() for address in interface.addresses)
        return
    found = False
    for interface in inventory.interfaces.values() if inventory is not None else ():
        groups = [inventory.groups[each] for each in interface.group_ids if inventory and each in inventory.groups]
        if name in interface.group_ids or name in [group.name for group in groups]:
            yield from interface.addresses
            found = True
    if found:
        return
    try:
        yield IPNetwork(name).cidr
    except (AddrFormatError, ValueError) as error:
        known = ", ".join(list(inventory.interfaces)[:5]) if inventory is not None else "none without rules"
        raise ConfigError(
            f"{what} must be addresses, blocks, interfaces or groups, got {name!r}; known interfaces are {known}"
        ) from error
