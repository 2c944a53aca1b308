"""A named set of rules."""

import pytest
from builders import group, rule

from sgsim.errors import RuleError
from sgsim.model.states import Direction
from sgsim.rules.security_group import SecurityGroup


def test_rules_of_a_direction_keep_their_order():
    web = group("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0", "tcp 22 from 192.0.2.0/24")
    assert [each.text for each in web.rules_of(Direction.INGRESS)] == [
        "tcp 443 from 0.0.0.0/0",
        "tcp 22 from 192.0.2.0/24",
    ]
    assert [each.text for each in web.rules_of(Direction.EGRESS)] == ["all traffic to 0.0.0.0/0"]


def test_duplicate_and_overlapping_rules_are_kept():
    assert len(group("tcp 443 from 0.0.0.0/0", "tcp 443 from 0.0.0.0/0", "tcp 1-500 from 0.0.0.0/0").rules) == 3


@pytest.mark.parametrize("group_id", ["", None])
def test_an_id_must_be_a_text(group_id):
    with pytest.raises(RuleError) as refused:
        SecurityGroup(group_id=group_id)
    assert f"group_id must be a non-empty text, got {group_id!r}" == str(refused.value)


def test_a_group_holds_only_rules_of_its_own():
    with pytest.raises(RuleError) as refused:
        SecurityGroup(group_id="sg-2", rules=[rule("tcp 443 from 0.0.0.0/0", group_id="sg-web")])
    assert str(refused.value) == "rules of sg-2 must name it as their group, got 'sg-web'"
