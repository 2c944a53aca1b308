"""`lowering again == lowering anew`, for any rules before and after a change."""

import random

import numpy as np
import pytest
from attrs import evolve
from builders import group, inventory, rule
from equivalence.random_setups import random_inventory

from sgsim.engine.lowering import joined as lowering_joined
from sgsim.engine.lowering import rules as lowering_rules
from sgsim.engine.lowering.rules import RuleLowering
from sgsim.engine.lowering.units import unit_of
from sgsim.errors import RuleError, UnresolvedReferenceError
from sgsim.model.interface import Interface
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import RuleMatcher
from sgsim.rules.resolve import Resolver
from sgsim.rules.subnet_edge import subnet_edges

INTERFACES = [
    Interface(interface_id=name, addresses=[address], group_ids=groups)
    for name, address, groups in (
        ("eni-a", "192.0.2.10", ("sg-web",)),
        ("eni-b", "192.0.2.11", ("sg-web",)),
        ("eni-c", "192.0.2.12", ("sg-web", "sg-db")),
    )
]


def lower(lowering: RuleLowering, known: Inventory) -> lowering_rules.LoweredRules:
    resolver, matchers = Resolver(known), []
    for each in known.interfaces.values():
        try:
            matchers.append(RuleMatcher(each, resolver))
        except UnresolvedReferenceError:
            continue  # as the engine does
    return lowering.lower(matchers, subnet_edges(known).values())


@pytest.fixture
def built(monkeypatch):
    """The first rule of each unit that is built."""
    made = []

    def build(made_of):
        made.append(made_of.rules[0].ref.text if made_of.rules else "")
        return unit_of(made_of)

    monkeypatch.setattr(lowering_rules, "unit_of", build)
    return made


@pytest.mark.parametrize("seed", range(40))
def test_lowering_again_is_lowering_anew(seed):
    rng = random.Random(seed)
    before, after = random_inventory(rng), random_inventory(rng)
    after = evolve(after, groups={**after.groups, "sg-2": before.groups["sg-2"]})
    lowering = RuleLowering()
    lower(lowering, before)
    actual = lower(lowering, after)
    anew = RuleLowering(refs=[*lowering.refs], numbers={ref: number for number, ref in enumerate(lowering.refs)})
    expected = lower(anew, after)
    for name, column in expected.rules._asdict().items():
        assert np.array_equal(column, getattr(actual.rules, name)), name
    assert expected.units == actual.units
    assert expected.edges == actual.edges
    assert expected.hinge_rules == actual.hinge_rules


def test_only_units_with_other_rules_are_built_again(built):
    known = inventory(group("tcp 1 from 0.0.0.0/0"), group("tcp 2 from sg-db", group_id="sg-db"), *INTERFACES)
    lowering = RuleLowering()
    lower(lowering, known)
    assert ["tcp 1 from 0.0.0.0/0", "", "tcp 1 from 0.0.0.0/0", ""] == built
    built.clear()
    lower(lowering, known)
    assert [] == built
    more = group("tcp 2 from sg-db", "udp 3 to 0.0.0.0/0", group_id="sg-db")
    lower(lowering, evolve(known, groups={**known.groups, "sg-db": more}))
    assert ["udp 3 to 0.0.0.0/0"] == built


def test_a_unit_is_built_again_when_its_peers_have_other_addresses(built):
    known = inventory(group("tcp 1 from sg-db"), group(group_id="sg-db"), *INTERFACES)
    lowering = RuleLowering()
    lower(lowering, known)
    built.clear()
    other = evolve(INTERFACES[2], addresses=["192.0.2.13"])
    lower(lowering, evolve(known, interfaces={**known.interfaces, "eni-c": other}))
    assert 2 * ["tcp 1 from sg-db"] == built


def test_tables_that_no_reference_can_reach_into_are_refused(monkeypatch):
    monkeypatch.setattr(lowering_joined, "MOST_PLACES", 10)
    with pytest.raises(RuleError, match=r"^rules must need at most 10 places in tables, got \d+$"):
        lower(RuleLowering(), inventory(group(rule("tcp 1 from 10.0.0.0/24")), INTERFACES[0]))
