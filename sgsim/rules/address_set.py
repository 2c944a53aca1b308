"""Sets of addresses, on netaddr's interval sets.

netaddr does the algebra (merging, overlap); what comes out are sorted, disjoint ranges of plain integers, on which
matching works. An `AddressSet` never changes and can be a key, which netaddr's `IPSet` cannot.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

from attrs import field, frozen
from netaddr import AddrFormatError, IPNetwork, IPSet

from sgsim.errors import RuleError
from sgsim.model.address import Family
from sgsim.rules.ranges import Ranges, aligned_blocks


@lru_cache(maxsize=1 << 17)
def parse_cidr(text: str) -> IPNetwork:
    """Read a CIDR block and clear its host bits, as EC2 does on write (`[aws-api]` IpRange.CidrIp).

    Raises:
        RuleError: If `text` is no IPv4 or IPv6 CIDR block with a prefix length.
    """
    address, _, length = str(text).partition("/")
    message = f"CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got {text!r}"
    if not (length.isascii() and length.isdigit()) or not ("." in address or ":" in address):
        raise RuleError(message)
    try:
        return IPNetwork(text).cidr
    except (AddrFormatError, ValueError) as error:
        raise RuleError(message) from error


@frozen
class AddressSet:
    """A set of IPv4 and IPv6 addresses; the families never mix."""

    ipv4: Ranges = ()
    ipv6: Ranges = ()
    _starts: dict[Family, list[int]] = field(init=False, eq=False, repr=False)

    @_starts.default
    def _find_starts(self) -> dict[Family, list[int]]:
        return {family: [first for first, _ in self.ranges(family)] for family in Family}

    @classmethod
    def of(cls, networks: Iterable[IPNetwork]) -> "AddressSet":
        """The union of networks."""
        networks = tuple(networks)
        return cls(*(_merge(net for net in networks if net.version == family) for family in Family))

    def ranges(self, family: Family) -> Ranges:
        """The intervals of one family."""
        return self.ipv4 if family is Family.IPV4 else self.ipv6

    def contains(self, address: int, family: Family) -> bool:
        """Whether an address is in the set."""
        position = bisect_right(self._starts[family], address) - 1
        return position >= 0 and address <= self.ranges(family)[position][1]

    def union(self, other: "AddressSet") -> "AddressSet":
        """All addresses of both."""
        return AddressSet.of(self.networks() + other.networks())

    def networks(self) -> tuple[IPNetwork, ...]:
        """The fewest CIDR blocks that make up the set, in order."""
        return tuple(
            IPNetwork((first, length), version=family) for family in Family for first, length in self.blocks(family)
        )

    def blocks(self, family: Family) -> Iterator[tuple[int, int]]:
        """The same for one family as integers: first address and prefix length."""
        return (
            (begin, family.bits - exponent)
            for first, last in self.ranges(family)
            for begin, exponent in aligned_blocks(first, last)
        )

    def is_everything(self, family: Family) -> bool:
        """Whether every address of a family is in the set."""
        return self.ranges(family) == ((0, (1 << family.bits) - 1),)

    def __bool__(self) -> bool:
        """Whether it has any address."""
        return bool(self.ipv4 or self.ipv6)


def _merge(networks: Iterable[IPNetwork]) -> Ranges:
    networks = tuple(networks)
    if len(networks) < 2:
        blocks = (each if isinstance(each, IPNetwork) else IPNetwork(each) for each in networks)  # or an address
        return tuple((block.first, block.last) for block in blocks)
    return tuple((block.first, block.last) for block in IPSet(networks).iter_ipranges())
