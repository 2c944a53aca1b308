"""Fewer rules with the same meaning."""

import pytest
from analysis.random_networks import networks
from attrs import evolve
from builders import group, inventory
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rules

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.minimize import minimize
from sgsim.conntrack.profile import DEFAULT_PROFILE, LINUX
from sgsim.engine.options import EngineOptions
from sgsim.errors import RuleError
from sgsim.rules.address_set import AddressSet, parse_cidr

COVERED = EngineOptions(profile=DEFAULT_PROFILE.given("open_rules", "covered"))


NARROW = EngineOptions(profile=DEFAULT_PROFILE.given("open_beside_narrow", value=False))


@given(networks(("sg-web", "sg-b", "sg-x", "pl-1")), st.sampled_from([EngineOptions(profile=LINUX), COVERED]))
def test_the_meaning_is_the_same_and_rules_are_never_more(known, options):
    """diff(a, minimize(a)) is empty, whoever's behaviour is followed, and minimize(a) has at most as many rules."""
    found = minimize(known)
    assert not diff_rules(known, found.inventory, options)
    for each in found.groups:
        assert len(each.after.rules) <= len(each.before.rules)
        replaced = [rule for merged in each.merged for rule in merged.replaced]
        kept = [rule for rule in each.after.rules if rule not in [merged.rule for merged in each.merged]]
        assert len(each.before.rules) == len(kept) + len(each.implied) + len({id(rule) for rule in replaced})


@given(networks(("sg-web", "sg-b", "sg-x", "pl-1")))
def test_narrow_rules_stay_where_they_decide_about_tracking(known):
    """diff(a, minimize(a)) is empty where an open rule counts only if no narrow one admits the flow too."""
    assert not diff_rules(known, minimize(known, (), NARROW).inventory, NARROW)


@given(networks(("sg-x", "pl-1")), st.sets(st.sampled_from(["10.0.0.0/8", "0.0.0.0/0", "::/0", "192.0.2.10/32"])))
def test_members_may_change_afterwards(known, members):
    """diff(a, minimize(a)) is empty also with other members and entries than those that minimize knew."""
    others = AddressSet.of(parse_cidr(each) for each in members)
    found = minimize(known).inventory
    before, after = (evolve(each, members={"sg-x": others}, prefix_lists={}) for each in (known, found))
    assert not diff_rules(before, after)


@settings(max_examples=30)
@given(st.lists(rules(), max_size=7))
def test_no_rule_can_be_left_out(some):
    """Without any one of its rules a minimized group means something else, and minimizing again changes nothing."""
    found = minimize(inventory(group(*some)))
    (minimized,) = found.groups
    assert minimize(found.inventory).saved == 0
    for left_out in range(len(minimized.after.rules)):
        fewer = [each for place, each in enumerate(minimized.after.rules) if place != left_out]
        assert diff_rules(found.inventory, inventory(evolve(minimized.after, rules=fewer)))


def texts(*some):
    (found,) = minimize(inventory(group(*some))).groups
    return [each.text for each in found.after.rules]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["tcp 80 from 10.0.0.0/25", "tcp 80 from 10.0.0.128/25"], ["tcp 80 from 10.0.0.0/24"]),
        (["tcp 80 from 10.0.0.0/8", "tcp 81-90 from 10.0.0.0/8"], ["tcp 80-90 from 10.0.0.0/8"]),
        (["tcp 80 from 10.0.0.0/8", "tcp 80 from 10.1.0.0/16", "tcp 80 from 10.0.0.0/8"], ["tcp 80 from 10.0.0.0/8"]),
        (
            ["tcp 1-9 from 10.0.0.0/25", "tcp 5-20 from 10.0.0.128/25", "tcp 10-20 from 10.0.0.0/25", "tcp 1-4 from 10.0.0.128/25"],
            ["tcp 1-20 from 10.0.0.0/24"],
        ),
        (["tcp 80 from 0.0.0.0/1", "tcp 80 from 128.0.0.0/1"], ["tcp 80 from 0.0.0.0/1", "tcp 80 from 128.0.0.0/1"]),
        (["tcp 0-100 to 0.0.0.0/0", "tcp 101-65535 to 0.0.0.0/0"], ["tcp 0-100 to 0.0.0.0/0", "tcp 101-65535 to 0.0.0.0/0"]),
        (["tcp 0-100 to 0.0.0.0/0", "tcp 90-200 to 0.0.0.0/0"], ["tcp 0-200 to 0.0.0.0/0"]),
        (["all to 0.0.0.0/0", "tcp 22 to 10.0.0.0/8", "tcp 22 to 0.0.0.0/0"], ["all traffic to 0.0.0.0/0"]),
        (["tcp 22 from sg-a", "tcp 20-30 from sg-a", "tcp 22 from 10.0.0.0/8"], ["tcp 20-30 from sg-a", "tcp 22 from 10.0.0.0/8"]),
        (["tcp 22 from sg-a", "tcp 22 from 0.0.0.0/0"], ["tcp 22 from sg-a", "tcp 22 from 0.0.0.0/0"]),
        (["tcp 22 from sg-a", "tcp 22 from 0.0.0.0/0", "tcp 22 from ::/0"], ["tcp 22 from 0.0.0.0/0", "tcp 22 from ::/0"]),
        (["icmp 8/0 from 10.0.0.0/8", "icmp 8 from 10.0.0.0/8", "icmpv6 all from 10.0.0.0/8"], ["icmp 8/any from 10.0.0.0/8"]),
        (["tcp all from 10.0.0.0/8", "all from 10.0.0.0/9", "all from 10.128.0.0/9"], ["all traffic from 10.0.0.0/8"]),
    ],
)  # fmt: skip
def test_examples(before, after):
    assert texts(*before) == after


def test_descriptions_and_ids_are_kept():
    known = inventory(
        group(
            *(
                evolve(each, description=text, rule_id=rule_id)
                for each, text, rule_id in zip(
                    group("tcp 80 from 10.0.0.0/25", "tcp 22 from 10.0.0.0/8", "tcp 80 from 10.0.0.128/25").rules,
                    ["east", "ssh", "west"],
                    ["sgr-1", "sgr-2", "sgr-3"],
                    strict=True,
                )
            )
        )
    )
    (found,) = minimize(known).groups
    assert [(each.text, each.description, each.rule_id) for each in found.after.rules] == [
        ("tcp 80 from 10.0.0.0/24", "east; west", None),
        ("tcp 22 from 10.0.0.0/8", "ssh", "sgr-2"),
    ]
    assert [each.rule_id for each in found.merged[0].replaced] == ["sgr-1", "sgr-3"]
    assert found.saved == 1


def test_only_groups_that_are_asked_for():
    known = inventory(
        group("tcp 80 from 10.0.0.0/8", "tcp 80 from 10.0.0.0/8", name="web"),
        group("tcp 80 from 10.0.0.0/8", "tcp 80 from 10.0.0.0/8", group_id="sg-b"),
    )
    found = minimize(known, ["web"])
    assert [(each.before.group_id, each.saved) for each in found.groups] == [("sg-web", 1)]
    assert len(found.inventory.groups["sg-b"].rules) == 2
    with pytest.raises(RuleError, match="got 'sg-no'"):
        minimize(known, ["sg-no"])
