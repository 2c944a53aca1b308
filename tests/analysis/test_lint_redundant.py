"""What is called redundant can go, and what is not called so cannot."""

import pytest
from attrs import evolve
from builders import group, interface, inventory, prefix_list
from hypothesis import given
from hypothesis import strategies as st

from sgsim.analysis.lint_redundant import redundant
from sgsim.model.states import Direction
from sgsim.rules.match import RuleMatcher
from sgsim.rules.region import Region
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule_region import rule_region


def found(*parts):
    return [(each.id, each.severity, each.rule, each.message) for each in redundant(inventory(*parts))]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (("tcp 443 from 0.0.0.0/0", "tcp 443 from 10.0.0.0/8"), ("implied-rule", "warning", "tcp 443 from 10.0.0.0/8", "implied by tcp 443 from 0.0.0.0/0")),
        (("tcp 443 from 10.0.0.0/8", "all from 10.0.0.0/7"), ("implied-rule", "warning", "tcp 443 from 10.0.0.0/8", "implied by all traffic from 10.0.0.0/7")),
        (("tcp 443 from 10.0.0.0/8", "tcp 443 from 10.0.0.0/8"), ("duplicate-rule", "warning", "tcp 443 from 10.0.0.0/8", "the same as tcp 443 from 10.0.0.0/8 in the same group")),
        (("icmp 8/0 from 10.0.0.0/8", "icmp 8 from 10.0.0.0/8"), ("implied-rule", "warning", "icmp 8/0 from 10.0.0.0/8", "implied by icmp 8/any from 10.0.0.0/8")),
        (("tcp 80 from pl-1", "tcp 80 from 192.0.2.0/24"), ("implied-rule", "note", "tcp 80 from pl-1", "implied by tcp 80 from 192.0.2.0/24; as long as members and entries stay as they are")),
        (("tcp 80 from pl-1", "tcp 1-100 from pl-1"), ("implied-rule", "warning", "tcp 80 from pl-1", "implied by tcp 1-100 from pl-1")),
    ],
)  # fmt: skip
def test_a_rule_that_others_imply(rules, expected):
    assert found(group(*rules), prefix_list("pl-1", "192.0.2.0/25")) == [expected]


def test_several_rules_may_imply_one_together():
    rules = (
        "tcp 100-200 from 10.0.0.0/23",
        "tcp 90-150 from 10.0.0.0/24",
        "tcp 151-300 from 10.0.0.0/24",
        "tcp 50-250 from 10.0.1.0/24",
    )
    (only,) = [each for each in redundant(inventory(group(*rules))) if each.id == "implied-rule"]
    assert only.rule == "tcp 100-200 from 10.0.0.0/23"
    assert len(only.others) == 3


def test_a_rule_that_leaves_flows_untracked_is_only_noted():
    rules = ("tcp 80 from 0.0.0.0/0", "tcp 80 from 0.0.0.0/1", "tcp 80 from 128.0.0.0/1")
    noted = found(group(*rules))
    assert [each[:3] for each in noted[:2]] == [
        ("implied-rule", "warning", "tcp 80 from 0.0.0.0/1"),
        ("implied-rule", "warning", "tcp 80 from 128.0.0.0/1"),
    ]
    late = found(group("tcp 80 from 0.0.0.0/1", "tcp 80 from 128.0.0.0/1", "tcp 80 from 0.0.0.0/0"))
    assert late[0][1:] == (
        "note",
        "tcp 80 from 0.0.0.0/0",
        "implied by tcp 80 from 0.0.0.0/1, tcp 80 from 128.0.0.0/1; but flows that it leaves untracked would be tracked without it",
    )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (("tcp 80 from 10.0.0.0/8", "tcp 81-90 from 10.0.0.0/8"), "ports 80, 81-90 touch"),
        (
            ("udp 53 from 192.0.2.0/25", "udp 53 from 192.0.2.128/25"),
            "blocks 192.0.2.0/25, 192.0.2.128/25 are 192.0.2.0/24",
        ),
    ],
)
def test_rules_that_one_could_say(rules, message):
    assert [each[3] for each in found(group(*rules))] == [message]


@pytest.mark.parametrize(
    "rules",
    [
        ("tcp 80 from 10.0.0.0/8", "tcp 82 from 10.0.0.0/8"),
        ("tcp 80 from 10.0.0.0/8", "udp 81 from 10.0.0.0/8"),
        ("tcp 80 from 192.0.2.0/25", "tcp 80 from 192.0.3.0/25"),
        ("tcp 80 from 10.0.0.0/8", "tcp 80 to 10.0.0.0/8"),
        ("icmp 8/0 from 10.0.0.0/8", "icmp 8/1 from 10.0.0.0/8"),
    ],
)
def test_rules_that_say_different_things(rules):
    assert found(group(*rules)) == []


def test_a_group_that_is_always_together_with_another():
    parts = (group("tcp 443 from 10.0.0.0/8", group_id="sg-a"), group("tcp 443 from 0.0.0.0/0", group_id="sg-b"))
    together = interface(groups=("sg-a", "sg-b"))
    assert found(*parts, together) == [
        (
            "implied-rule",
            "note",
            "tcp 443 from 10.0.0.0/8",
            "implied at every interface that carries the group by tcp 443 from 0.0.0.0/0 (sg-b)",
        )
    ]
    alone = interface("192.0.2.11", groups=("sg-a",), interface_id="eni-b")
    assert found(*parts, together, alone) == []


RULES = st.lists(
    st.builds(
        lambda first, length, block: f"tcp {first}-{first + length} from {block}",
        st.integers(1, 6),
        st.integers(0, 4),
        st.sampled_from(["10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25", "10.0.0.0/26", "0.0.0.0/0", "pl-1", "::/0"]),
    ),
    max_size=8,
)
LIST = prefix_list("pl-1", "10.0.0.0/25", "10.0.0.128/26")


def region(rules):
    known = inventory(group(*rules), interface(), LIST)
    return rule_region(RuleMatcher(known.interfaces["eni-a"], Resolver(known)).rules[Direction.INGRESS]).known


@given(RULES)
def test_removing_all_that_is_redundant_changes_nothing_and_nothing_more_can_go(texts):
    """region(rules - redundant) == region(rules), and every rule that is left adds to it."""
    rules = group(*(evolve(each, rule_id=f"sgr-{number}") for number, each in enumerate(group(*texts).rules))).rules
    known = inventory(group(*rules), LIST)
    gone = {each.rule_id for each in redundant(known) if each.id != "mergeable-rules"}
    left = [each for each in rules if each.rule_id not in gone]
    assert region(left) == region(rules)
    for each in left:
        assert region([other for other in left if other is not each]) != region(left)


def test_nothing_is_in_the_region_of_no_rules():
    assert region(()) == Region()
