"""What a change takes away: rules, groups, interfaces, prefix lists, network ACLs.

What EC2 would not let go because something uses it is refused here too.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from sgsim.documents.changes import Edit
from sgsim.documents.node import Node, listed
from sgsim.errors import RuleError
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import GroupReference, PrefixListReference

PARTS: Final = ("rules", "groups", "interfaces", "prefix_lists", "network_acls")
"""What may be removed, in the order in which it is."""

_KINDS: Final = {
    "rules": "rule", "groups": "group", "interfaces": "interface", "prefix_lists": "prefix list",
    "network_acls": "network ACL",
}  # fmt: skip


def removing(part: str, node: Node) -> tuple[Edit, Mapping[tuple[str, str], object]]:
    """A change that takes one thing away, named by its id; and what it touches."""
    name = node.as_text()

    def edit(inventory: Inventory) -> Inventory:
        with node.at():
            if part == "rules":
                return _without_rule(inventory, name)
            items: Mapping[str, object] = getattr(inventory, part)
            if name not in items:
                raise RuleError(
                    f"{_KINDS[part]} to be removed must be a known one, got {name!r}; known are {_few(items)}"
                )
            if part in {"groups", "prefix_lists"}:
                _check_unused(inventory, part, name)
            left: Any = {key: item for key, item in items.items() if key != name}
            return evolve(inventory, **{part: left})

    return edit, {(_KINDS[part], name): None}


def _few(names: Mapping[str, object]) -> str:
    return listed(list(names), 5) or "none"


def _without_rule(inventory: Inventory, name: str) -> Inventory:
    """Without a rule, named by its `sgr-` id or by what it says."""
    for key, group in inventory.groups.items():
        left = tuple(rule for rule in group.rules if rule.name != name)
        if len(left) < len(group.rules):
            return evolve(inventory, groups={**inventory.groups, key: evolve(group, rules=left)})
    of_group = inventory.groups.get(name.partition(":")[0])
    known = [rule.name for rule in of_group.rules] if of_group is not None else []
    hint = f"; that group has {listed(known, 5) or 'none'}" if of_group is not None else ""
    raise RuleError(f"rule to be removed must be a known one, got {name!r}{hint}")


def _check_unused(inventory: Inventory, part: str, name: str) -> None:
    carriers = [
        each.interface_id for each in inventory.interfaces.values() if part == "groups" and name in each.group_ids
    ]
    if carriers:
        raise RuleError(
            f"group to be removed must not be carried by an interface, as EC2 has it, got {name}, which {listed(carriers)} "
            "carries: give it other groups (attach)"
        )
    kind = GroupReference if part == "groups" else PrefixListReference
    users = [
        rule.name
        for key, group in inventory.groups.items()
        for rule in group.rules
        if isinstance(rule.peer, kind) and str(rule.peer) == name and key != name
    ]
    if users:
        raise RuleError(
            f"{_KINDS[part]} to be removed must not be referred to, as EC2 has it, got {name}, which {listed(users)} "
            "refers to"
        )
