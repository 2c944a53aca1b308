"""Which group of the old rules is which of the new ones.

Groups are the same if they have the same id. Of those that only one side has, two are the same if the user maps them,
or if they have the same name and no other group without a partner has it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import GroupReference, Rule
from sgsim.rules.security_group import SecurityGroup


@frozen
class Pair:
    """A group on both sides, or on one."""

    old: SecurityGroup | None
    new: SecurityGroup | None
    by: str = "id"
    """`id`, `name` or `map`."""


def pair_groups(old: Inventory, new: Inventory, mapping: Mapping[str, str]) -> tuple[Pair, ...]:
    """Pair all groups, in the order of the old side, then what only the new one has.

    Args:
        old: What was.
        new: What is to be.
        mapping: Ids or names of old groups and of the new ones that they are.

    Raises:
        ConfigError: If the mapping names a group twice.
        RuleError: If it names one that no document describes.
    """
    mapped = {old.find_group(mine).group_id: new.find_group(theirs).group_id for mine, theirs in mapping.items()}
    twice = [group_id for group_id, count in Counter(mapped.values()).items() if count > 1]
    if twice:
        raise ConfigError(f"map must give each new group one old group, got several for {twice[0]}")
    by_id = {key: key for key in old.groups if key in new.groups and key not in mapped and key not in mapped.values()}
    taken = {*mapped.values(), *by_id.values()}
    named = _by_name(
        (group for key, group in old.groups.items() if key not in mapped and key not in by_id),
        (group for key, group in new.groups.items() if key not in taken),
    )
    partners = {**by_id, **named, **mapped}
    how = {**dict.fromkeys(named, "name"), **dict.fromkeys(mapped, "map")}
    pairs = [
        Pair(group, new.groups[partners[key]] if key in partners else None, how.get(key, "id"))
        for key, group in old.groups.items()
    ]
    found = set(partners.values())
    return (*pairs, *(Pair(None, group) for key, group in new.groups.items() if key not in found))


def _by_name(old: Iterable[SecurityGroup], new: Iterable[SecurityGroup]) -> dict[str, str]:
    mine, theirs = _named(old), _named(new)
    return {
        mine[name][0]: theirs[name][0]
        for name in mine.keys() & theirs.keys()
        if len(mine[name]) == len(theirs[name]) == 1
    }


def _named(groups: Iterable[SecurityGroup]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for group in groups:
        if group.name:
            named.setdefault(group.name, []).append(group.group_id)
    return named


def translated(inventory: Inventory, ids: Mapping[str, str]) -> Inventory:
    """An inventory in which ids that it does not describe itself mean the groups that `ids` says.

    So an interface document that was written for the other side serves this one too.
    """
    ids = {key: value for key, value in ids.items() if key not in inventory.groups and key != value}
    if not ids:
        return inventory
    return evolve(
        inventory,
        groups={
            key: evolve(group, rules=tuple(_translated_rule(rule, ids) for rule in group.rules))
            for key, group in inventory.groups.items()
        },
        interfaces={
            key: evolve(interface, group_ids=tuple(ids.get(group_id, group_id) for group_id in interface.group_ids))
            for key, interface in inventory.interfaces.items()
        },
        members={ids.get(key, key): addresses for key, addresses in inventory.members.items()},
    )


def _translated_rule(rule: Rule, ids: Mapping[str, str]) -> Rule:
    if not isinstance(rule.peer, GroupReference) or rule.peer.group_id not in ids:
        return rule
    return evolve(rule, peer=evolve(rule.peer, group_id=ids[rule.peer.group_id]))
