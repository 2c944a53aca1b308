"""What a change makes different: every kind of thing in its words, and whether an interface is concerned."""

from typing import Any

import pytest
from attrs import evolve
from builders import group, interface, inventory, network_acl, networks, prefix_list, rule

from sgsim.model.interface import TimeoutOverrides
from sgsim.model.states import Direction
from sgsim.rules.changed_items import changed_acls, changed_items, changed_rules
from sgsim.rules.inventory import Instance, Subnet

WEB = group("tcp 80 from 0.0.0.0/0", "tcp 443 from 0.0.0.0/0")
ONE, TWO = WEB.rules


def lines(before, after):
    return [each.text for each in changed_items(before, after)]


def of_groups(before, after):
    return lines(inventory(group(*before)), inventory(group(*after)))


def test_what_is_the_same_is_not_told():
    known = inventory(WEB, prefix_list("pl-1", "192.0.2.0/24"), interface(), network_acl(), Instance(instance_id="i-1"))
    again = inventory(
        evolve(WEB, origin="more.json"), prefix_list("pl-1", "192.0.2.0/24"), interface(),
        evolve(network_acl(), origin="more.json"), Instance(instance_id="i-1"),
    )  # fmt: skip
    assert changed_items(known, again) == ()


THINGS: dict[str, Any] = {
    "group sg-web": group(),
    "prefix list pl-1": prefix_list("pl-1"),
    "interface eni-a": interface(),
    "instance i-1": Instance(instance_id="i-1"),
    "subnet subnet-1": Subnet(subnet_id="subnet-1"),
    "network ACL acl-1": network_acl(),
}


@pytest.mark.parametrize("name", THINGS)
def test_things_of_every_kind_come_and_go(name):
    assert lines(inventory(), inventory(THINGS[name])) == [f"{name}: new"]
    assert lines(inventory(THINGS[name]), inventory()) == [f"{name}: removed"]


def test_things_are_told_in_the_order_of_their_kinds_then_of_the_documents():
    others: list[Any] = [group(group_id="sg-0"), prefix_list("pl-0")]
    assert lines(inventory(), inventory(*reversed(THINGS.values()), *others)) == [
        "group sg-web: new", "group sg-0: new", "prefix list pl-1: new", "prefix list pl-0: new",
        *(f"{name}: new" for name in list(THINGS)[2:]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ([ONE, TWO], [ONE], "1 rule less"),
        ([], [ONE, TWO], "2 rules more"),
        ([ONE, TWO], ["tcp 22 from 0.0.0.0/0"], "2 rules less, 1 rule more"),
        ([ONE, ONE], [ONE], "1 rule less"),
        ([ONE], ["tcp 80 to 0.0.0.0/0"], "1 rule less, 1 rule more"),
        ([ONE, TWO], [TWO, ONE], "the same rules in another order"),
        ([ONE, TWO], [ONE, evolve(TWO, description="web")], "the same rules under other ids or descriptions"),
        ([ONE], [evolve(ONE, rule_id="sgr-1")], "the same rules under other ids or descriptions"),
    ],
)
def test_rules_are_counted_by_what_they_say(before, after, text):
    assert of_groups(before, after) == [f"group sg-web: {text}"]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (prefix_list("pl-1"), prefix_list("pl-1", "192.0.2.0/24"), "prefix list pl-1: other entries"),
        (
            Instance(instance_id="i-1"),
            Instance(instance_id="i-1", capacity=7),
            "instance i-1: other type or capacity",
        ),
        (
            Subnet(subnet_id="subnet-1"),
            Subnet(subnet_id="subnet-1", networks=networks("192.0.2.0/24")),
            "subnet subnet-1: other blocks",
        ),
        (interface(), interface("192.0.2.11"), "interface eni-a: other addresses"),
        (interface(), interface(groups=["sg-1", "sg-2"]), "interface eni-a: groups sg-1, sg-2"),
        (interface(), interface(groups=[]), "interface eni-a: groups none"),
        (interface(), interface(instance_id="i-1"), "interface eni-a: on i-1"),
        (interface(), interface(timeouts=TimeoutOverrides(tcp_established_s=350)), "interface eni-a: other timeouts"),
        (interface(), interface(subnet_id="subnet-1"), "interface eni-a: another subnet"),
        (
            interface(),
            interface("192.0.2.11", groups=[], subnet_id="subnet-1"),
            "interface eni-a: other addresses, groups none, another subnet",
        ),
    ],
)
def test_other_things_tell_what_of_them_differs(before, after, text):
    assert lines(inventory(before), inventory(after)) == [text]


ENTRIES = ("100 allow all from 0.0.0.0/0", "200 deny all from ::/0")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (network_acl(*ENTRIES), network_acl(ENTRIES[0]), "1 entry less"),
        (network_acl(), network_acl(*ENTRIES), "2 entries more"),
        (network_acl(*ENTRIES), network_acl("300 allow all to ::/0"), "2 entries less, 1 entry more"),
        (network_acl(), network_acl(subnets=["subnet-2"]), "other subnets"),
        (network_acl(), network_acl(ENTRIES[0], subnets=[]), "1 entry more, other subnets"),
    ],
)
def test_network_acls_tell_entries_and_subnets(before, after, text):
    assert lines(inventory(before), inventory(after)) == [f"network ACL acl-1: {text}"]
    assert changed_acls(inventory(before), inventory(after)) == (f"acl-1: {text}",)


def test_subnets_in_another_order_are_the_same():
    one, other = network_acl(subnets=["a", "b"]), network_acl(subnets=["b", "a"])
    assert changed_acls(inventory(one), inventory(other)) == ()


@pytest.mark.parametrize(
    "first", [(group(), group(group_id="sg-2")), (interface(), interface(interface_id="eni-b")),
              (network_acl(), network_acl(network_acl_id="acl-2", subnets=[]))],
)  # fmt: skip
def test_what_stands_behind_a_new_thing_is_told_too(first):
    assert len(lines(inventory(), inventory(*first))) == 2


USING = inventory(
    group("tcp 80 from sg-peer", "tcp 443 from pl-1", "tcp 22 from 192.0.2.0/24"),
    interface(instance_id="i-1", subnet_id="subnet-1"),
    network_acl(),
)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("part", "is_in_use"),
    [
        (group("tcp 1 from 0.0.0.0/0", group_id="sg-peer"), True),
        (group(group_id="sg-other"), False),
        (prefix_list("pl-1"), True),
        (prefix_list("pl-2"), False),
        (Instance(instance_id="i-1"), True),
        (Instance(instance_id="i-2"), False),
        (Subnet(subnet_id="subnet-1"), True),
        (Subnet(subnet_id="subnet-2"), False),
        (network_acl(network_acl_id="acl-2", subnets=["subnet-2"]), False),
        (interface("192.0.2.99", interface_id="eni-b", groups=["sg-9"]), True),
    ],
)
def test_a_thing_is_in_use_if_it_concerns_an_interface_before_or_after(part, is_in_use, swapped):
    pair = USING, USING.merge(inventory(part))
    (found,) = changed_items(*pair[::-1] if swapped else pair)
    assert found.is_in_use is is_in_use


def test_the_groups_and_the_network_acl_of_an_interface_are_in_use():
    after = USING.replaced_by(inventory(group(), network_acl(ENTRIES[0])))
    assert [each.is_in_use for each in changed_items(USING, after)] == [True, True]


def test_rules_to_add_and_to_take_away_stand_by_group_and_direction():
    out = rule("all to 0.0.0.0/0")
    old = inventory(group(ONE, TWO, out), group("all to ::/0", group_id="sg-same"), group(out, group_id="sg-less"))
    new = inventory(
        group(ONE, "tcp 22 from ::/0", out), group("all to ::/0", group_id="sg-same"), group(group_id="sg-less")
    )
    assert changed_rules(old, new) == {
        "sg-web": {Direction.INGRESS: ([rule("tcp 22 from ::/0")], [TWO])},
        "sg-less": {Direction.EGRESS: ([], [evolve(out, group_id="sg-less")])},
    }
    assert changed_rules(new, old)["sg-less"] == {Direction.EGRESS: ([evolve(out, group_id="sg-less")], [])}
