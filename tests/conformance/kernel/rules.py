"""Rule sets for one interface, drawn from a list."""

import random
from typing import Final

from builders import group, interface, inventory, networks, prefix_list
from conformance.kernel.moves import HOSTS

from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Inventory

SERVICES: Final = (
    "tcp 443", "tcp 22-80", "tcp all", "tcp 32768-65535", "udp 53", "udp all", "icmp 8", "icmp 8/0", "icmp 3",
    "icmp all", "icmpv6 128/0", "icmpv6 128", "icmpv6 all", "47", "50", "all",
)  # fmt: skip
WHOM: Final = (
    "0.0.0.0/0", "0.0.0.0/0", "::/0", "::/0", "198.51.100.0/24", "203.0.113.9/32", "10.0.0.0/8", "2001:db8:1::/48",
    "2001:db8:2::9/128", "sg-app", "pl-1",
)  # fmt: skip

MEMBERS: Final = AddressSet.of(networks("198.51.100.7/32", "2001:db8:2::9/128"))
LIST: Final = ("203.0.113.0/24", "10.0.0.0/30", "10.0.0.8/29", "2001:db8:1::/64")


def known(*rules: str) -> Inventory:
    """One interface with these rules."""
    return inventory(
        group(*rules), interface(*map(str, HOSTS)), prefix_list("pl-1", *LIST), members={"sg-app": MEMBERS}
    )


def random_rules(rng: random.Random) -> Inventory:
    """A few rules for each direction; at times one that is open."""
    rules = [
        f"{rng.choice(SERVICES)} {word} {rng.choice(WHOM)}" for word in ("from", "to") for _ in range(rng.randint(2, 7))
    ]
    rules += [f"all {word} {rng.choice(('0.0.0.0/0', '::/0'))}" for word in ("from", "to") if rng.random() < 0.25]
    return known(*rules)


OPEN: Final = known(*(f"all {word} {whom}" for word in ("from", "to") for whom in ("0.0.0.0/0", "::/0")))
"""Everything may open a flow."""

SERVER: Final = known("tcp 443 from 0.0.0.0/0", "tcp 443 from ::/0", "udp 53 from 0.0.0.0/0", "icmp 8 from 0.0.0.0/0")
"""Only some things may come in, and nothing may go out by itself."""

CLIENT: Final = known("all to 0.0.0.0/0", "all to ::/0")
"""Nothing may come in by itself."""
