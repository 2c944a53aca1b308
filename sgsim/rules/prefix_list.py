"""A named list of CIDR blocks that rules refer to."""

from collections.abc import Iterable
from functools import cached_property

from attrs import field, frozen
from netaddr import IPNetwork

from sgsim.errors import RuleError
from sgsim.rules.address_set import AddressSet


def _to_entries(networks: Iterable[IPNetwork] | None) -> tuple[IPNetwork, ...] | None:
    return None if networks is None else tuple(networks)


@frozen(kw_only=True)
class PrefixList:
    """A managed prefix list, `[aws-pl]`; of one address family."""

    prefix_list_id: str = field()
    name: str = ""
    entries: tuple[IPNetwork, ...] | None = field(converter=_to_entries)
    """Its blocks; None if a document names the list without its entries."""
    max_entries: int | None = None
    """What it counts against the quota of rules; None if not told."""
    owner_id: str | None = None
    """`AWS` for lists that AWS keeps."""

    @cached_property
    def addresses(self) -> AddressSet | None:
        """The union of its blocks; None if a document names the list without its entries."""
        return None if self.entries is None else AddressSet.of(self.entries)

    @prefix_list_id.validator
    def _check_id(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or not value:
            raise RuleError(f"prefix_list_id must be a non-empty text, got {value!r}")
