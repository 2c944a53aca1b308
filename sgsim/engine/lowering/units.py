"""One unit: the rules of one set of groups in one direction, as classes and cross tables.

Addresses fall into elementary intervals, cut wherever the peer of some rule begins or ends; intervals with the same
peers are one class. Services are cut likewise. A cell of the cross table then has the first rule that admits both.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.engine.lowering.cross import Cross, cross
from sgsim.engine.lowering.family_rules import OTHER_ICMP, FamilyRules
from sgsim.engine.lowering.intervals import Intervals
from sgsim.engine.lowering.open_cells import NO_WAYS_BACK, OpenQuestions, WaysBack
from sgsim.engine.lowering.services import ServiceClasses, service_classes
from sgsim.engine.lowering.tries import Trie, trie_of
from sgsim.engine.lowering.wide_tree import wide_levels_of
from sgsim.model.address import Family
from sgsim.rules.match import ResolvedRule
from sgsim.rules.openness import LITERALLY, Openness


@frozen
class FamilyTables:
    """What a unit says of one family of addresses."""

    peers: Intervals
    first: Cross
    """The first rule that admits."""
    open: NDArray[Any]
    """int32 (service classes,), see `Rules.open`."""
    open_by_peer: Cross | None
    """The same for a peer, where it depends on that."""
    hinging: dict[int, list[str]]
    """Classes of services that rules with an unknown peer admit, and these rules."""
    open_back: NDArray[Any]
    """bool (256,): by protocol."""


@frozen
class Unit:
    """The tables of a unit."""

    services: ServiceClasses
    families: dict[Family, FamilyTables]
    trie: Trie
    """Of IPv4 addresses."""
    wide_levels: list[NDArray[Any]]
    """Of the tree of IPv6 addresses, see `wide_levels_of`."""


@frozen
class UnitRules:
    """What a unit is made of."""

    rules: tuple[ResolvedRule, ...]
    """In stable order."""
    named: tuple[int, ...]
    """What a cell says for each rule, and at last for none."""
    openness: Openness = LITERALLY
    ways_back: WaysBack = NO_WAYS_BACK


def unit_of(made_of: UnitRules) -> Unit:
    """Build the tables of some rules."""
    services = service_classes([rule.rule for rule in made_of.rules], made_of.ways_back.services.values())
    families = {family: _family(made_of, services, family) for family in Family}
    narrow = families[Family.IPV4].peers
    trie = trie_of(np.array(narrow.starts, dtype=np.int64), narrow.classes)
    return Unit(services, families, trie, wide_levels_of(families[Family.IPV6].peers.starts))


def _family(made_of: UnitRules, services: ServiceClasses, family: Family) -> FamilyTables:
    rules, named = made_of.rules, np.array(made_of.named, dtype=np.int32)
    of_family = FamilyRules.of(rules, services, family)
    questions = OpenQuestions(of_family, made_of.openness)
    back = {
        group_id: services.admitted(row)
        for row, (group_id, of) in enumerate(made_of.ways_back.services, len(rules))
        if of is family
    }
    opened, open_by_peer = questions.cells(named, back)
    return FamilyTables(
        of_family.peers,
        cross(of_family.claims, of_family.peers.members, named),
        opened,
        open_by_peer,
        _hinging(rules, services, family),
        questions.open_back(),
    )


def _hinging(rules: Sequence[ResolvedRule], services: ServiceClasses, family: Family) -> dict[int, list[str]]:
    unknown = [
        row for row, rule in enumerate(rules) if rule.addresses is None and rule.rule.protocol != OTHER_ICMP[family]
    ]
    names: dict[int, list[str]] = {}
    for row in unknown:
        for column in np.flatnonzero(services.admitted(row)).tolist():
            names.setdefault(column, []).append(rules[row].ref.rule_id)
    return names
