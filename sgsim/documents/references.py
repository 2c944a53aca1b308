"""What rules refer to, once all documents are joined.

Names become ids, stale references are marked, and what leads nowhere is noted. Resolving to addresses is the business
of `sgsim.rules.resolve`.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from attrs import evolve

from sgsim.documents.contents import StaleReference
from sgsim.documents.node import listed
from sgsim.documents.options import INTERFACE_OPTION
from sgsim.errors import RuleError
from sgsim.rules.inventory import Inventory, Note
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Cidr, GroupReference, Rule
from sgsim.rules.subnet_edge import acls_by_subnet, subnet_id_of

STALE: Final = "stale references resolve to nothing"
FOREIGN: Final = "references across a peering or to another account resolve to nothing"
UNKNOWN: Final = "references whose addresses no document gives are an error where a verdict hinges on them"
ASSUMED_EMPTY: Final = "references whose addresses no document gives count as empty"


def with_ids(inventory: Inventory) -> Inventory:
    """Replace names of groups that another document describes by their ids.

    Raises:
        RuleError: If several groups have the name.
    """
    names = {group.name for group in inventory.groups.values()} - inventory.groups.keys() - {""}
    groups = dict(inventory.groups)
    for key, group in inventory.groups.items():
        with _from(group.origin):
            groups[key] = evolve(group, rules=tuple(_rule_with_id(rule, names, inventory) for rule in group.rules))
    interfaces = dict(inventory.interfaces)
    for key, interface in inventory.interfaces.items():
        with _from(interface.origin):
            ids = (_group_id(name, names, inventory) for name in interface.group_ids)
            interfaces[key] = evolve(interface, group_ids=ids)
    return evolve(inventory, groups=groups, interfaces=interfaces)


def _rule_with_id(rule: Rule, names: Collection[str], inventory: Inventory) -> Rule:
    if not isinstance(rule.peer, GroupReference) or rule.peer.group_id not in names:
        return rule
    return evolve(rule, peer=evolve(rule.peer, group_id=_group_id(rule.peer.group_id, names, inventory)))


def _group_id(name: str, names: Collection[str], inventory: Inventory) -> str:
    """The id of the group that `name` means; itself if no document describes such a group."""
    return inventory.find_group(name).group_id if name in names else name


@contextmanager
def _from(origin: str) -> Iterator[None]:
    try:
        yield
    except RuleError as error:
        error.add_note(origin)
        raise


def with_stale(inventory: Inventory, stale: Collection[StaleReference]) -> Inventory:
    """Mark the references that EC2 calls stale, and note those that no rule makes."""
    if not stale:
        return inventory
    groups = {
        key: evolve(group, rules=tuple(_marked(rule, stale) for rule in group.rules))
        for key, group in inventory.groups.items()
    }
    made = {_reference(rule) for group in groups.values() for rule in group.rules}
    lost = sorted(f"{item.group_id} to {item.referenced_group_id}" for item in stale if item not in made)
    notes = (Note(f"stale references that no rule makes are ignored: {listed(lost)}", len(lost)),) if lost else ()
    return evolve(inventory, groups=groups, notes=inventory.notes + notes)


def _reference(rule: Rule) -> StaleReference | None:
    if not isinstance(rule.peer, GroupReference):
        return None
    return StaleReference(rule.group_id, rule.direction, rule.peer.group_id)


def _marked(rule: Rule, stale: Collection[StaleReference]) -> Rule:
    if not isinstance(rule.peer, GroupReference) or _reference(rule) not in stale:
        return rule
    return evolve(rule, peer=evolve(rule.peer, is_stale=True))


def reference_notes(inventory: Inventory) -> tuple[Note, ...]:
    """Note what rules and paths refer to in vain: one note for each kind, counted by rules."""
    resolver = Resolver(evolve(inventory, allow_unresolved=False))
    seen: dict[str, Counter[str]] = {}
    for group in inventory.groups.values():
        for rule in group.rules:
            kind = _kind(rule, resolver, allow_unresolved=inventory.allow_unresolved)
            if kind is not None:
                seen.setdefault(kind, Counter())[str(rule.peer)] += 1
    notes = tuple(Note(f"{kind}: {listed(peers)}", sum(peers.values())) for kind, peers in seen.items())
    return notes + tuple(_member_notes(inventory)) + tuple(_path_notes(inventory)) + tuple(_edge_notes(inventory))


def _kind(rule: Rule, resolver: Resolver, *, allow_unresolved: bool) -> str | None:
    if isinstance(rule.peer, Cidr):
        return None
    addresses = resolver.addresses(rule)
    if addresses is None:
        return ASSUMED_EMPTY if allow_unresolved else UNKNOWN
    if addresses or not isinstance(rule.peer, GroupReference):
        return None
    if rule.peer.is_stale:
        return STALE
    return FOREIGN if resolver.is_foreign(rule.peer, rule.group_id) else None


def _member_notes(inventory: Inventory) -> Iterator[Note]:
    """Note groups whose members nobody gave but by naming their interfaces: in the VPC they may have more."""
    if inventory.has_interface_document:
        return
    in_use = {group_id: None for interface in inventory.interfaces.values() for group_id in interface.group_ids}
    rules = [rule for group_id in in_use if group_id in inventory.groups for rule in inventory.groups[group_id].rules]
    meant = [rule.peer for rule in rules if isinstance(rule.peer, GroupReference) and not rule.peer.is_stale]
    for group_id, count in Counter(peer.group_id for peer in meant).items():
        members = [interface for interface in inventory.interfaces.values() if group_id in interface.group_ids]
        is_named = bool(members) and all(interface.origin == INTERFACE_OPTION for interface in members)
        if is_named and group_id not in inventory.members:
            names = listed([interface.interface_id for interface in members])
            yield Note(f"the members of {group_id} are taken to be those that {INTERFACE_OPTION} names: {names}", count)


def _edge_notes(inventory: Inventory) -> Iterator[Note]:
    """Note where network ACLs are known for some subnets and not for others.

    Raises:
        RuleError: If two stand before one subnet.
    """
    acls = acls_by_subnet(inventory)
    if not inventory.network_acls:
        return
    subnets = {key: subnet_id_of(each, inventory) for key, each in inventory.interfaces.items()}
    open_edges = sorted({subnet for subnet in subnets.values() if subnet is not None} - acls.keys())
    if open_edges:
        yield Note(f"subnets before which no known network ACL stands are open: {listed(open_edges)}", len(open_edges))
    nowhere = [key for key, subnet in subnets.items() if subnet is None]
    if nowhere:
        yield Note(f"no network ACL stands before interfaces whose subnet is unknown: {listed(nowhere)}", len(nowhere))


def _path_notes(inventory: Inventory) -> Iterator[Note]:
    known = inventory.interfaces.keys() | inventory.subnets.keys()
    lost = [path.scope for path in inventory.paths if path.scope is not None and path.scope not in known]
    if lost:
        yield Note(
            f"paths at interfaces or subnets that no document describes apply nowhere: {listed(lost)}", len(lost)
        )
