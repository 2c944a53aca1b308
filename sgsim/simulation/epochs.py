"""What held when, while changes came: rules, and the capacities of tables."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.rule import Rule
from sgsim.rules.security_group import SecurityGroup

if TYPE_CHECKING:
    from sgsim.engine.options import EngineOptions


@frozen
class Epoch:
    """From one change to the next."""

    from_ns: int | None
    """When it began, nanoseconds since the epoch; None for the first one."""
    inventory: Inventory
    options: "EngineOptions"


@frozen
class Held:
    """A rule that held, at least for a while."""

    rule: Rule
    """As it was described last."""
    from_ns: int | None
    """The change that brought it; None if it was there from the beginning."""
    until_ns: int | None
    """The change that took it away; None if it was there at the end."""


def identity(ref: RuleRef) -> RuleRef:
    """A rule apart from its description, which is no part of what it is."""
    return evolve(ref, description="") if ref.description else ref


def held_rules(
    epochs: Sequence[tuple[int | None, Inventory]], interface_ids: Collection[str] | None = None
) -> dict[RuleRef, Held]:
    """Every rule of the groups that interfaces carried at some time, in the order of interfaces and groups.

    Args:
        epochs: When each inventory began to hold; the first at the beginning.
        interface_ids: Whose groups; None for all.
    """
    held: dict[RuleRef, Held] = {}
    before: dict[str, SecurityGroup] = {}
    for from_ns, inventory in epochs:
        groups = _groups_in_use(inventory, inventory.interfaces if interface_ids is None else interface_ids)
        for group_id, old in before.items():
            new = groups.get(group_id)
            if new is not old:
                left = {identity(rule.ref()) for rule in new.rules} if new is not None else set()
                gone = [ref for rule in old.rules if (ref := identity(rule.ref())) not in left]
                held |= {ref: evolve(held[ref], until_ns=from_ns) for ref in gone}
        for group_id, new in groups.items():
            if before.get(group_id) is not new:
                for rule in (rule for direction in Direction for rule in new.rules_of(direction)):
                    first = held.get(identity(rule.ref()), Held(rule, from_ns, None))
                    held[identity(rule.ref())] = evolve(first, rule=rule, until_ns=None)
        before = groups
    return held


def _groups_in_use(inventory: Inventory, interface_ids: Collection[str]) -> dict[str, SecurityGroup]:
    carried = (inventory.interfaces[key].group_ids for key in interface_ids if key in inventory.interfaces)
    group_ids = dict.fromkeys(group_id for group_ids in carried for group_id in group_ids)
    return {group_id: inventory.groups[group_id] for group_id in group_ids if group_id in inventory.groups}


def capacities(epochs: Sequence[Epoch], table_id: str) -> tuple[tuple[int | None, int | None], ...]:
    """When each capacity of a table began to hold, and the capacity; None for the beginning, and for no limit."""
    found: list[tuple[int | None, int | None]] = []
    for epoch in epochs:
        capacity = epoch.options.capacity_of(epoch.inventory.instances.get(table_id))
        if not found or found[-1][1] != capacity:
            found.append((epoch.from_ns, capacity))
    return tuple(found)
