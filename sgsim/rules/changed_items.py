"""What a change makes different, in a line for each thing, and whether any interface is concerned."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeVar

from attrs import frozen

from sgsim.model.interface import Interface
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.network_acl import NetworkAcl
from sgsim.rules.rule import GroupReference, PrefixListReference, Rule
from sgsim.rules.security_group import SecurityGroup
from sgsim.rules.subnet_edge import subnet_id_of

_Item = TypeVar("_Item")


@frozen
class ChangedItem:
    """One thing of an inventory that is not as it was."""

    text: str
    """`sg-web: 1 rule less, 2 rules more`."""
    is_in_use: bool
    """Whether it concerns an interface, by its groups, their references, its subnet or itself."""


def changed_items(before: Inventory, after: Inventory) -> tuple[ChangedItem, ...]:
    """Everything that is different, things in the order of their kinds and ids."""
    used = _used(before) | _used(after)
    found = (
        *(("group", key, text) for key, text in _groups(before.groups, after.groups)),
        *(("prefix list", key, text) for key, text in _any(before.prefix_lists, after.prefix_lists, "entries")),
        *(("interface", key, text) for key, text in _interfaces(before.interfaces, after.interfaces)),
        *(("instance", key, text) for key, text in _any(before.instances, after.instances, "type or capacity")),
        *(("subnet", key, text) for key, text in _any(before.subnets, after.subnets, "blocks")),
        *(("network ACL", key, text) for key, text in _acls(before.network_acls, after.network_acls)),
    )
    return tuple(ChangedItem(f"{kind} {key}: {text}", (kind, key) in used) for kind, key, text in found)


def changed_rules(old: Inventory, new: Inventory) -> dict[str, dict[Direction, tuple[list[Rule], list[Rule]]]]:
    """For each group and direction, the rules to add and those to take away."""
    found: dict[str, dict[Direction, tuple[list[Rule], list[Rule]]]] = {}
    for group_id, group in old.groups.items():
        for direction in Direction:
            before, after = list(group.rules_of(direction)), list(new.groups[group_id].rules_of(direction))
            added = [rule for rule in after if rule not in before]
            gone = [rule for rule in before if rule not in after]
            if added or gone:
                found.setdefault(group_id, {})[direction] = (added, gone)
    return found


def changed_acls(before: Inventory, after: Inventory) -> tuple[str, ...]:
    """The network ACLs that are different, in a line for each: `acl-1: 1 entry less`."""
    return tuple(f"{key}: {text}" for key, text in _acls(before.network_acls, after.network_acls))


def _used(inventory: Inventory) -> set[tuple[str, str]]:
    carried = {group_id for each in inventory.interfaces.values() for group_id in each.group_ids}
    peers = [rule.peer for key in carried if key in inventory.groups for rule in inventory.groups[key].rules]
    subnets = {subnet_id_of(each, inventory) for each in inventory.interfaces.values()}
    acls = {acl.network_acl_id for acl in inventory.network_acls.values() if subnets & set(acl.subnet_ids)}
    return {
        *(("group", key) for key in carried),
        *(("group", peer.group_id) for peer in peers if isinstance(peer, GroupReference)),
        *(("prefix list", peer.prefix_list_id) for peer in peers if isinstance(peer, PrefixListReference)),
        *(("interface", key) for key in inventory.interfaces),
        *(("instance", each.instance_id) for each in inventory.interfaces.values() if each.instance_id),
        *(("subnet", key) for key in subnets if key is not None),
        *(("network ACL", key) for key in acls),
    }


def _groups(before: Mapping[str, SecurityGroup], after: Mapping[str, SecurityGroup]) -> Iterator[tuple[str, str]]:
    for key, old, new in _pairs(before, after):
        if old is None or new is None:
            yield key, "removed" if new is None else "new"
            continue
        had, has = (Counter((rule.direction, rule.text) for rule in group.rules) for group in (old, new))
        text = _counts("rule", "rules", less=(had - has).total(), more=(has - had).total())
        if text or old.rules != new.rules:
            is_reordered = set(old.rules) == set(new.rules)
            yield (
                key,
                text or f"the same rules {'in another order' if is_reordered else 'under other ids or descriptions'}",
            )


def _acls(before: Mapping[str, NetworkAcl], after: Mapping[str, NetworkAcl]) -> Iterator[tuple[str, str]]:
    for key, old, new in _pairs(before, after):
        if old is None or new is None:
            yield key, "removed" if new is None else "new"
            continue
        had, has = Counter(old.entries), Counter(new.entries)
        parts = [_counts("entry", "entries", less=(had - has).total(), more=(has - had).total())]
        if set(old.subnet_ids) != set(new.subnet_ids):
            parts.append("other subnets")
        if any(parts):
            yield key, ", ".join(filter(None, parts))


def _interfaces(before: Mapping[str, Interface], after: Mapping[str, Interface]) -> Iterator[tuple[str, str]]:
    for key, old, new in _pairs(before, after):
        if old is None or new is None:
            yield key, "removed" if new is None else "new"
            continue
        parts = [
            ("other addresses", old.addresses != new.addresses),
            ("groups " + (", ".join(new.group_ids) or "none"), old.group_ids != new.group_ids),
            (f"on {new.table_id}", old.table_id != new.table_id),
            ("other timeouts", old.timeouts != new.timeouts),
            ("another subnet", old.subnet_id != new.subnet_id),
        ]
        if any(differs for _, differs in parts):
            yield key, ", ".join(text for text, differs in parts if differs)


def _any(before: Mapping[str, object], after: Mapping[str, object], what: str) -> Iterator[tuple[str, str]]:
    for key, old, new in _pairs(before, after):
        if old is None or new is None:
            yield key, "removed" if new is None else "new"
        elif old != new:
            yield key, f"other {what}"


def _pairs(before: Mapping[str, _Item], after: Mapping[str, _Item]) -> Iterator[tuple[str, _Item | None, _Item | None]]:
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) is not after.get(key):
            yield key, before.get(key), after.get(key)


def _counts(one: str, many: str, *, less: int, more: int) -> str:
    parts = [
        f"{count} {one if count == 1 else many} {word}" for count, word in ((less, "less"), (more, "more")) if count
    ]
    return ", ".join(parts)
