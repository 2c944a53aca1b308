"""Rules made for measuring: as many narrow ones as are asked for, beside wide ones that let everything in, tracked."""

import numpy as np
from netaddr import IPNetwork

from sgsim.model.interface import Interface
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, Rule
from sgsim.rules.security_group import SecurityGroup

MADE_ADDRESS = "10.0.1.5"
"""Of the only interface."""


def made_inventory(rules: int) -> Inventory:
    """One interface with so many narrow rules, and halves of all addresses in each direction: all is tracked."""
    rng = np.random.default_rng(1)
    made = [_narrow(rng, number) for number in range(rules)]
    made += [
        Rule(group_id="sg-1", direction=direction, protocol=-1, peer=Cidr(IPNetwork(half)))
        for direction in Direction
        for half in ("0.0.0.0/1", "128.0.0.0/1")
    ]
    group = SecurityGroup(group_id="sg-1", rules=made)
    interface = Interface(interface_id="eni-a", addresses=MADE_ADDRESS, group_ids=("sg-1",))
    return Inventory(groups={"sg-1": group}, interfaces={"eni-a": interface})


def _narrow(rng: np.random.Generator, number: int) -> Rule:
    first = int(rng.integers(1, 60_000))
    block = ".".join(str(byte) for byte in rng.integers(1, 220, 3))
    return Rule(
        group_id="sg-1",
        direction=Direction(1 + number % 2),
        protocol=(6, 17)[number // 2 % 2],
        ports=PortRange(first, first + int(rng.integers(0, 2000))),
        peer=Cidr(IPNetwork(f"{block}.0/{rng.integers(8, 25)}")),
    )
