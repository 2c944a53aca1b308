"""Rules that would leave flows untracked: the way back of an open rule, opened to everyone on all ports.

Source: `[aws-ct]`.
"""

from attrs import evolve
from netaddr import IPNetwork

from sgsim.model.address import Family
from sgsim.model.protocol import ANY_PROTOCOL, PORT_PROTOCOLS
from sgsim.rules.inventory import Inventory
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, Rule

_EVERYONE = {Family.IPV4: IPNetwork("0.0.0.0/0"), Family.IPV6: IPNetwork("::/0")}


def way_back(rule: Rule) -> tuple[Rule, ...]:
    """The rules whose lack makes the flows of an open rule tracked: one for each protocol."""
    family = next(family for family in Family if rule.is_open_to(family))
    protocols = PORT_PROTOCOLS if rule.protocol == ANY_PROTOCOL else {rule.protocol}
    return tuple(
        Rule(
            group_id=rule.group_id,
            direction=rule.direction.opposite,
            protocol=protocol,
            peer=Cidr(_EVERYONE[family]),
            ports=PortRange.all(),
        )
        for protocol in sorted(protocols & PORT_PROTOCOLS)
    )


def opened_back(inventory: Inventory, rule_id: str) -> Inventory:
    """The network with the way back of one rule open in its group."""
    groups = dict(inventory.groups)
    for key, group in inventory.groups.items():
        for rule in group.rules:
            if rule.name == rule_id:
                groups[key] = evolve(group, rules=(*group.rules, *way_back(rule)))
    return evolve(inventory, groups=groups)
