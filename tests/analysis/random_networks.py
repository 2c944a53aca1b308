"""Small networks with rules that overlap, open up and refer to each other."""

from builders import group, interface, inventory, prefix_list
from hypothesis import strategies as st
from strategies import rules

from sgsim.model.path import PathLabel
from sgsim.rules.address_set import parse_cidr
from sgsim.rules.inventory import Inventory
from sgsim.rules.paths import PathRule

OPEN = (
    "all from 0.0.0.0/0", "all to 0.0.0.0/0", "all from ::/0", "all to ::/0", "tcp 0-65535 from 0.0.0.0/0",
    "tcp 0-65535 to 0.0.0.0/0", "udp 0-65535 to 0.0.0.0/0", "tcp 80 from 0.0.0.0/0", "tcp 80 from 0.0.0.0/1",
    "tcp 80 from 128.0.0.0/1", "udp 53 to 0.0.0.0/0", "tcp 22 from 203.0.113.0/24",
)  # fmt: skip
"""Rules that decide about tracking, and some that nearly do."""

REFERENCES = ("sg-web", "sg-b", "pl-1")

PATHS = (
    (),
    (PathRule(PathLabel.NAT_GATEWAY, network=parse_cidr("128.0.0.0/2")),),
    (
        PathRule(PathLabel.NETWORK_LOAD_BALANCER, network=parse_cidr("0.0.0.0/0"), scope="eni-a"),
        PathRule(PathLabel.DIRECT, network=parse_cidr("198.51.100.0/24")),
    ),
)


@st.composite
def networks(draw: st.DrawFn, references: tuple[str, ...] = REFERENCES) -> Inventory:
    """Two groups, two interfaces and a prefix list; eni-a carries both groups."""
    lists = st.lists(st.one_of(st.sampled_from(OPEN), rules(references=references)), max_size=4)
    return inventory(
        group(*draw(lists)),
        group(*draw(lists), group_id="sg-b"),
        interface("192.0.2.10", "2001:db8::10", groups=draw(st.permutations(["sg-web", "sg-b"]))),
        interface("192.0.2.11", interface_id="eni-b", groups=("sg-b",)),
        prefix_list("pl-1", "192.0.2.0/28", "203.0.113.0/25"),
        paths=draw(st.sampled_from(PATHS)),
    )
