"""What one side tells of the network and the other does not."""

import pytest
from builders import group, interface, inventory
from netaddr import IPNetwork

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.difference import Kind
from sgsim.analysis.shared_network import share_network
from sgsim.rules.inventory import Subnet, Vpc

RULES = ("all from 0.0.0.0/0", "udp 53 to 10.0.0.0/8")
"""Rules under which the DNS server and the routers would be seen to differ."""


def vpc(vpc_id="vpc-1", *blocks):
    return Vpc(vpc_id=vpc_id, networks=tuple(map(IPNetwork, blocks)))


def subnet(subnet_id, block=None, vpc_id="vpc-1"):
    return Subnet(subnet_id=subnet_id, vpc_id=vpc_id, networks=() if block is None else (IPNetwork(block),))


def side(*parts, group_id="sg-web", vpc_id="vpc-1"):
    network = {
        "vpcs": {each.vpc_id: each for each in parts if isinstance(each, Vpc)},
        "subnets": {each.subnet_id: each for each in parts if isinstance(each, Subnet)},
    }
    return inventory(group(*RULES, group_id=group_id, name="web", vpc_id=vpc_id), **network)


def blocks(known):
    return {
        **{key: [str(net) for net in each.networks] for key, each in known.vpcs.items()},
        **{key: [str(net) for net in each.networks] for key, each in known.subnets.items()},
    }


FULL = side(vpc("vpc-1", "10.0.0.0/16"), subnet("subnet-a", "10.0.1.0/24"), subnet("subnet-b", "10.0.2.0/24"))

SAME = {
    "nothing is told": side(),
    "no VPC is named": side(vpc_id=None),
    "the VPC without its blocks": side(vpc("vpc-1"), subnet("subnet-a")),
    "the VPC alone": side(vpc("vpc-1", "10.0.0.0/16")),
    "the subnets alone": side(subnet("subnet-a", "10.0.1.0/24"), subnet("subnet-b", "10.0.2.0/24")),
    "the VPC by another id": side(vpc("Main", "10.0.0.0/16"), vpc_id="Main"),
    "another VPC without its blocks": side(vpc("Main"), group_id="Web", vpc_id="Main"),
    "one subnet without its blocks": side(
        vpc("vpc-1", "10.0.0.0/16"), subnet("subnet-a"), subnet("subnet-b", "10.0.2.0/24")
    ),
    "the partner of the VPC without its blocks": side(
        vpc("Main"), vpc("Other", "10.0.0.0/16"), group_id="Web", vpc_id="Main"
    ),
}


@pytest.mark.parametrize("told", SAME)
def test_what_one_side_alone_tells_of_a_network_is_no_difference(told):
    for old, new in ((FULL, SAME[told]), (SAME[told], FULL)):
        found = diff_rules(old, new)
        assert not found
        assert found.notes


OTHERS = {
    "another VPC": side(vpc("vpc-1", "10.9.0.0/16")),
    "another VPC by another id": side(vpc("vpc-9", "10.9.0.0/16"), vpc_id="vpc-9"),
    "a subnet less": side(vpc("vpc-1", "10.0.0.0/16"), subnet("subnet-a", "10.0.1.0/24")),
    "other subnets": side(vpc("vpc-1", "10.0.0.0/16"), subnet("subnet-c", "10.0.3.0/24")),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_both_sides_tell_of_a_network_stays_different(other):
    for old, new in ((FULL, OTHERS[other]), (OTHERS[other], FULL)):
        found = diff_rules(old, new)
        assert {each.kind for each in found.groups[0].differences} & {Kind.TRACKED, Kind.UNTRACKED, Kind.DENIED}
        assert not found.notes


def test_a_side_has_the_blocks_that_the_other_tells():
    shared = share_network(FULL, side(), [])
    assert shared.old is FULL
    assert blocks(shared.new) == blocks(FULL)
    (note,) = shared.notes
    assert note == (
        "Only the old side tells the blocks of VPC vpc-1 and of subnets subnet-a, subnet-b; they are taken for both "
        "sides, as they say which addresses groups never filter."
    )


def test_each_side_may_tell_a_part():
    old, new = side(vpc("vpc-1", "10.0.0.0/16")), side(subnet("subnet-a", "10.0.1.0/24"))
    shared = share_network(old, new, [])
    assert blocks(shared.old) == blocks(shared.new) == {"vpc-1": ["10.0.0.0/16"], "subnet-a": ["10.0.1.0/24"]}
    assert [note.partition(" tells")[0] for note in shared.notes] == ["Only the old side", "Only the new side"]


def test_subnets_beyond_a_known_vpc_are_of_another():
    old, new = side(vpc("vpc-1", "10.9.0.0/16")), side(subnet("subnet-a", "10.0.1.0/24"))
    assert blocks(share_network(old, new, []).old) == {"vpc-1": ["10.9.0.0/16"]}


def test_many_are_not_all_named():
    many = [subnet(f"subnet-{number}", f"10.0.{number}.0/24") for number in range(5)]
    (note,) = share_network(side(*many), side(), []).notes
    assert "of subnets subnet-0, subnet-1, subnet-2 and 2 more;" in note


def test_sides_with_nothing_in_common_are_left_alone():
    old, new = FULL, inventory(group(group_id="sg-new"))
    assert not diff_rules(old, new).notes


def test_an_interface_on_both_sides_is_in_one_network():
    old = inventory(group(*RULES), interface("10.0.1.5"), vpcs=FULL.vpcs)
    new = inventory(group(*RULES, group_id="sg-2"), interface("10.0.1.5", groups=("sg-2",)))
    assert diff_rules(old, new).interfaces[0].differences == ()


def test_a_group_of_one_side_differs_by_its_rules_alone():
    """What groups never filter passes without a group that is not there, too."""
    found = diff_rules(side(vpc("vpc-1", "10.0.0.0/16"), vpc_id="vpc-1"), inventory())
    kinds = [
        (str(each.kind), [str(net) for net in each.product.addresses.networks()])
        for each in found.groups[0].differences
    ]
    assert kinds == [("newly_denied", ["0.0.0.0/0"]), ("newly_denied", ["10.0.0.0/8"])]
