"""A whole network at a glance: what happened at the interfaces, put together by instance and by group."""

from collections.abc import Iterable, Sequence

from attrs import evolve

from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.summary import GroupCount, InstanceCount, InterfaceCount, RuleUsage, TableLoad


def ever_known(inventory: Inventory, changes: Iterable[Change], beside: Inventory | None = None) -> Inventory:
    """An inventory with the interfaces and groups that changes bring, as they were first described.

    Those of the beginning stay in front, in their order; what `beside` alone knows comes last.
    """
    interfaces, groups = dict(inventory.interfaces), dict(inventory.groups)
    for other in (*(change.inventory for change in changes), *([beside] if beside is not None else [])):
        interfaces |= {key: each for key, each in other.interfaces.items() if key not in interfaces}
        groups |= {key: each for key, each in other.groups.items() if key not in groups}
    return evolve(inventory, interfaces=interfaces, groups=groups)


def instance_counts(counts: Sequence[InterfaceCount], tables: Sequence[TableLoad]) -> tuple[InstanceCount, ...]:
    """What happened at the interfaces of each instance, and to its table; an interface without one stands for itself."""
    load = {table.instance_id: table for table in tables}
    found: dict[str, list[InterfaceCount]] = {}
    for count in counts:
        found.setdefault(count.instance_id or count.interface_id, []).append(count)
    return tuple(
        InstanceCount(
            instance_id=instance_id,
            interfaces=tuple(each.interface_id for each in own),
            allowed=sum(each.allowed for each in own),
            denied=sum(each.denied for each in own),
            skipped=sum(each.skipped for each in own),
            peak=load[instance_id].peak if instance_id in load else 0,
            capacity=load[instance_id].capacity_at_peak if instance_id in load else None,
            refused=load[instance_id].conntrack_allowance_exceeded if instance_id in load else 0,
        )
        for instance_id, own in found.items()
    )


def group_counts(
    counts: Sequence[InterfaceCount], rules: Sequence[RuleUsage], inventory: Inventory
) -> tuple[GroupCount, ...]:
    """What happened at the interfaces that carry each group, and how much its rules were used."""
    found: dict[str, list[InterfaceCount]] = {}
    for count in counts:
        for group_id in count.groups:
            found.setdefault(group_id, []).append(count)
    made = []
    for group_id, carriers in found.items():
        own = [rule for rule in rules if rule.group_id == group_id]
        group = inventory.groups.get(group_id)
        made.append(
            GroupCount(
                group_id=group_id,
                name=group.name if group else "",
                interfaces=len(carriers),
                allowed=sum(each.allowed for each in carriers),
                denied=sum(each.denied for each in carriers),
                skipped=sum(each.skipped for each in carriers),
                rules=len(own),
                rules_hit=sum(rule.hits > 0 for rule in own),
                hits=sum(rule.hits for rule in own),
                bytes=sum(rule.bytes for rule in own),
            )
        )
    return tuple(made)
