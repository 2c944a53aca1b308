"""Rules count by direction and family; references count in both families."""

import pytest
from builders import group, interface, inventory, prefix_list

from sgsim.analysis.quota import Limits, quota
from sgsim.errors import ConfigError


def rules_of(found, direction, family):
    (count,) = (each for each in found.counts if (each.direction, each.family) == (direction, family))
    return count


def test_a_group_has_four_sets_of_rules():
    known = inventory(group("tcp 80 from 0.0.0.0/0", "tcp 443 from 0.0.0.0/0", "tcp 80 from ::/0", "all to 0.0.0.0/0"))
    found = quota(known)
    used = {(each.direction, each.family): each.used for each in found.counts if each.what == "rules"}
    assert used == {("ingress", "IPv4"): 2, ("ingress", "IPv6"): 1, ("egress", "IPv4"): 1, ("egress", "IPv6"): 0}


def test_references_count_in_both_families():
    known = inventory(
        group("tcp 80 from sg-lb", "tcp 80 from pl-1", "tcp 443 from pl-1", "tcp 22 from 10.0.0.0/8"),
        prefix_list("pl-1", "10.0.0.0/8", max_entries=48),
    )
    found = quota(known)
    assert rules_of(found, "ingress", "IPv4").used == 1 + 1 + 2 * 48
    assert rules_of(found, "ingress", "IPv6").used == 1 + 2 * 48
    assert rules_of(found, "ingress", "IPv4").parts == {"blocks": 1, "groups": 1, "pl-1": 96}
    assert found.over == 2


def test_a_rule_that_stands_twice_counts_once():
    assert (
        rules_of(quota(inventory(group("tcp 80 from 10.0.0.0/8", "tcp 80 from 10.0.0.0/8"))), "ingress", "IPv4").used
        == 1
    )


@pytest.mark.parametrize(
    ("fields", "weights", "used", "is_least"),
    [
        ({"name": "com.amazonaws.global.cloudfront.origin-facing"}, {}, 55, False),
        ({"name": "offices"}, {}, 2, True),
        ({"name": "offices"}, {"pl-1": 7}, 7, False),
        ({"entries": None}, {}, 0, True),
    ],
)
def test_what_a_list_counts_is_told_known_given_or_noted(fields, weights, used, is_least):
    listed = prefix_list("pl-1", "10.0.0.0/8", "192.0.2.0/24", **fields)
    found = quota(inventory(group("tcp 80 from pl-1"), listed), weights=weights)
    count = rules_of(found, "ingress", "IPv4")
    assert (count.used, count.is_least) == (used, is_least)
    assert len(found.notes) == is_least


@pytest.mark.parametrize(
    ("entries", "counted"),
    [(1, "its 1 entry of now is counted"), (2, "its 2 entries of now are counted"), (None, "nothing is counted")],
)
def test_a_note_says_what_was_counted_of_a_list(entries, counted):
    blocks = ("10.0.0.0/8", "192.0.2.0/24")[: entries or 0]
    listed = prefix_list("pl-1", *blocks, **({"entries": None} if entries is None else {}))
    (note,) = quota(inventory(group("tcp 80 from pl-1"), listed)).notes
    assert f"no document tells what pl-1 counts, so {counted}: add" in note


@pytest.mark.parametrize(("rules_given", "over"), [(60, 0), (61, 1)])
def test_sixty_rules_are_allowed(rules_given, over):
    texts = [f"tcp {port} from 10.0.0.0/8" for port in range(1, rules_given + 1)]
    assert quota(inventory(group(*texts))).over == over


def test_interfaces_lists_and_the_account_are_limited_too():
    known = inventory(
        interface(groups=tuple(f"sg-{number}" for number in range(6))),
        prefix_list("pl-1", "10.0.0.0/8", max_entries=2000),
    )
    found = quota(known, Limits(rules_per_group=300))
    assert {(each.subject, each.what) for each in found.counts if each.is_over} == {
        ("eni-a", "groups per interface"),
        ("pl-1", "max entries"),
        ("account", "rules times groups"),
    }


def test_a_limit_is_at_least_one():
    with pytest.raises(ConfigError, match="rules_per_group must be at least 1, got 0"):
        Limits(rules_per_group=0)
