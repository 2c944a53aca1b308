"""What held when: rules and capacities while changes come."""

from typing import Any

import pytest
from builders import group, interface, inventory
from simulation.batches import SECOND_NS, ListSource, packets

from sgsim.analysis.usage import usage_of
from sgsim.engine.options import EngineOptions
from sgsim.rules.change import Change
from sgsim.rules.inventory import Instance
from sgsim.rules.rule import Rule
from sgsim.simulation.driver import run

OPENED = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"
NEXT = "tcp 198.51.100.7:40001 -> 192.0.2.10:443 S"
LAST = "tcp 198.51.100.7:40002 -> 192.0.2.10:443 S"
BEFORE = inventory(group("tcp 443 from 198.51.100.0/24", "tcp 22 from 203.0.113.1/32"), interface())
AFTER = inventory(group("tcp 443 from 198.51.100.0/24", "tcp 22 from 203.0.113.2/32"), interface())
FROM_2_S: dict[str, Any] = {"is_relative": True, "origin": "after"}


def replayed(*changes, known=BEFORE, engine="reference", **how):
    traffic = [ListSource([packets(OPENED, NEXT, LAST)])]
    return run(known, traffic, EngineOptions(**how), engine=engine, changes=list(changes)).summary


def held(rules):
    return {rule.text: (rule.hits, rule.held_from_ns, rule.held_until_ns) for rule in rules}


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_rules_that_a_change_brings_are_listed_with_their_time(engine):
    change = Change(SECOND_NS, AFTER, **FROM_2_S)
    assert held(replayed(change, engine=engine).rules) == {
        "tcp 443 from 198.51.100.0/24": (3, None, None),
        "tcp 22 from 203.0.113.1/32": (0, None, 2 * SECOND_NS),
        "tcp 22 from 203.0.113.2/32": (0, 2 * SECOND_NS, None),
    }


def test_usage_lists_the_same_rules():
    change = Change(SECOND_NS, AFTER, **FROM_2_S)
    traffic = [ListSource([packets(OPENED, NEXT, LAST)])]
    found = usage_of(BEFORE, traffic, EngineOptions(), engine="reference", changes=[change])
    assert held(found.rules) == held(replayed(change).rules)
    assert {rule.text for rule in found.never_hit} == {"tcp 22 from 203.0.113.1/32", "tcp 22 from 203.0.113.2/32"}


def test_a_change_that_never_comes_brings_no_rules():
    assert held(replayed(Change(9 * SECOND_NS, AFTER, **FROM_2_S)).rules) == held(replayed().rules)


def test_a_group_that_an_interface_gets_later_counts():
    other = group("tcp 25 from 0.0.0.0/0", group_id="sg-mail")
    change = Change(SECOND_NS, inventory(*BEFORE.groups.values(), other, interface(groups=("sg-mail",))), **FROM_2_S)
    assert held(replayed(change).rules)["tcp 25 from 0.0.0.0/0"] == (0, 2 * SECOND_NS, None)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_rule_stays_the_same_rule_under_another_description(engine):
    def described(word: str) -> Rule:
        (rule,) = group("tcp 443 from 0.0.0.0/0").rules
        return Rule(
            group_id="sg-web", direction=rule.direction, protocol=6, peer=rule.peer, ports=rule.ports, description=word
        )

    known, later = (inventory(group(described(word)), interface()) for word in ("old", "new"))
    (rule,) = replayed(Change(SECOND_NS, later, **FROM_2_S), known=known, engine=engine).rules
    assert (rule.hits, rule.bytes, rule.last_hit_ns, rule.description) == (3, 300, 3 * SECOND_NS, "new")
    assert (rule.held_from_ns, rule.held_until_ns) == (None, None)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_the_peak_is_measured_by_the_capacity_of_its_time(engine):
    (table,) = replayed(Change(2 * SECOND_NS, BEFORE, capacity=1, **FROM_2_S), engine=engine, capacity=4).tables
    assert (table.peak, table.capacity_at_peak, table.headroom) == (2, 4, 2)
    assert (table.capacity, table.conntrack_allowance_exceeded) == (1, 1)
    assert [(step.from_ns, step.capacity) for step in table.capacities] == [(None, 4), (3 * SECOND_NS, 1)]


def test_the_capacity_of_an_instance_may_change_with_its_document():
    def on(capacity: int) -> Any:
        groups = BEFORE.groups.values()
        return inventory(*groups, interface(instance_id="i-a"), Instance(instance_id="i-a", capacity=capacity))

    (table,) = replayed(Change(SECOND_NS, on(9), **FROM_2_S), known=on(1)).tables
    assert (table.peak, table.capacity_at_peak) == (3, 9)
    assert [step.capacity for step in table.capacities] == [1, 9]
