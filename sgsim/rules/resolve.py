"""Turning references into addresses.

The law: a reference whose addresses nobody gave is never silently empty. It stays unresolved, and the engine stops
where a verdict hinges on it, unless the user has said that it may count as empty; then it is counted.
"""

from collections import defaultdict

from attrs import define, field
from netaddr import IPNetwork

from sgsim.errors import UnresolvedReferenceError
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Inventory
from sgsim.rules.paths import PathRule
from sgsim.rules.rule import Cidr, GroupReference, PrefixListReference, Rule


@define
class Resolver:
    """Looks up whom the rules of one inventory mean."""

    inventory: Inventory
    with_prefixes: bool = True
    """Whether a group stands for the prefixes delegated to its members too."""
    _members: dict[str, list[IPNetwork]] = field(init=False)
    _resolved: dict[object, AddressSet | None] = field(init=False, factory=dict)
    _united: dict[str, AddressSet] = field(init=False, factory=dict)
    """The addresses of each group's members that was asked for, whoever asked."""

    @_members.default
    def _find_members(self) -> dict[str, list[IPNetwork]]:
        members: dict[str, list[IPNetwork]] = defaultdict(list)
        for interface in self.inventory.interfaces.values():
            for group_id in interface.group_ids:
                members[group_id].extend(
                    network for network in interface.addresses if self.with_prefixes or network.size == 1
                )
        return dict(members)

    def addresses(self, rule: Rule) -> AddressSet | None:
        """The peer of a rule as addresses; None if nobody gave them.

        A group stands for the private addresses of its members, secondary and IPv6 ones and delegated prefixes too
        (`[aws-sgr]`, `[aws-vpc-ipv6]`; delegated prefixes are assumed, and left out without `with_prefixes`).
        """
        key = (rule.peer, rule.group_id) if isinstance(rule.peer, GroupReference) else rule.peer
        if key not in self._resolved:
            self._resolved[key] = self._resolve(rule)
        return self._resolved[key]

    def _resolve(self, rule: Rule) -> AddressSet | None:
        match rule.peer:
            case Cidr(network):
                return AddressSet.of([network])
            case PrefixListReference(prefix_list_id):
                return self.prefix_list(prefix_list_id)
            case GroupReference():
                return self._group(rule.peer, rule.group_id)

    def members(self, group_id: str) -> AddressSet | None:
        """The addresses of a group's members; None if nobody gave them."""
        return self._group(GroupReference(group_id), group_id)

    def prefix_list(self, prefix_list_id: str) -> AddressSet | None:
        """The entries of a prefix list; None if nobody gave them."""
        known = self.inventory.prefix_lists.get(prefix_list_id)
        given = self.inventory.members.get(prefix_list_id)
        own = None if known is None else known.addresses
        if own is None:
            return given
        return own if given is None else own.union(given)

    def path_networks(self, rule: PathRule) -> tuple[IPNetwork, ...]:
        """The blocks that a path label is put on.

        Raises:
            UnresolvedReferenceError: If it is put on a prefix list whose entries nobody gave.
        """
        if rule.network is not None:
            return (rule.network,)
        known = self.inventory.prefix_lists.get(rule.prefix_list_id or "")
        given = self.inventory.members.get(rule.prefix_list_id or "")
        if known is not None and known.entries is not None:
            return known.entries if given is None else known.entries + given.networks()
        if given is None:
            raise UnresolvedReferenceError(
                f"the prefix list of path {rule.label} must have entries in a document or by --members, "
                f"got {rule.prefix_list_id}"
            )
        return given.networks()

    def _group(self, reference: GroupReference, of_group_id: str) -> AddressSet | None:
        group_id = reference.group_id
        given = self.inventory.members.get(group_id)
        if reference.is_stale:
            return given if given is not None else AddressSet()
        if group_id in self._members or given is not None:
            if group_id not in self._united:
                self._united[group_id] = _union(self._members.get(group_id, ()), given)
            return self._united[group_id]
        if self.is_foreign(reference, of_group_id) or self._has_no_members(group_id):
            return AddressSet()
        return None

    def _has_no_members(self, group_id: str) -> bool:
        return self.inventory.has_interface_document and group_id in self.inventory.groups

    def is_foreign(self, reference: GroupReference, of_group_id: str) -> bool:
        """Whether a reference leaves the VPC or the account, where no document of ours reaches."""
        group = self.inventory.groups.get(of_group_id)
        owner_id = group.owner_id if group else None
        return reference.peering_id is not None or (
            reference.owner_id is not None and owner_id is not None and reference.owner_id != owner_id
        )


def _union(networks: "tuple[IPNetwork, ...] | list[IPNetwork]", given: AddressSet | None) -> AddressSet:
    own = AddressSet.of(networks)
    return own if given is None else own.union(given)
