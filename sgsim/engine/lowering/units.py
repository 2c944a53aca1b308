"""One unit: the rules of one set of groups in one direction, as trees of peers and rows of services.

Addresses fall into elementary intervals, cut wherever the peer of some rule begins or ends; intervals with the same
peers are one class. Services are cut likewise. A cell of the cross table then has the first rule that admits both.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.engine.lowering.cross import Runs, cross
from sgsim.engine.lowering.family_rules import OTHER_ICMP, FamilyRules
from sgsim.engine.lowering.nodes import Nodes
from sgsim.engine.lowering.open_cells import NO_WAYS_BACK, OpenQuestions, WaysBack
from sgsim.engine.lowering.peer_trees import put_tree, put_wide_tree
from sgsim.engine.lowering.rows import put_rows
from sgsim.engine.lowering.services import ServiceClasses, service_classes
from sgsim.kernels.rule_layout import (
    BY_PEER,
    TREE_HINGE_ROW,
    TREE_ROW,
    TREE_ROW_FURTHER,
    TREE_WORDS,
)
from sgsim.model.address import Family
from sgsim.rules.match import ResolvedRule
from sgsim.rules.openness import LITERALLY, Openness

_FEW_IN: Final = 64
"""One row in so many may have more nodes than the others."""


@frozen
class Unit:
    """The tables of a unit."""

    nodes: NDArray[Any]
    """int64 (places,), see `sgsim.engine.lowering.nodes`."""
    trees: NDArray[Any]
    """int64 (families, 2, TREE_WORDS), see `rule_layout`; rows are references within the unit."""
    heads: list[list[NDArray[Any]]]
    """Of each tree, int64 (heads, 2), references within the unit; without any if all peers have one row."""
    hinging: list[list[list[str]]]
    """By family: the rules with an unknown peer for which each leaf of that row stands, from 1 on."""
    open_back: NDArray[Any]
    """bool (families, 256): by protocol, see `Rules.open_back`."""


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
    nodes = Nodes()
    families = [_FamilyMaker.of(made_of, services, nodes, family) for family in Family]
    trees = np.zeros((len(families), 2, TREE_WORDS), np.int64)
    heads = [list(each.trees(words)) for each, words in zip(families, trees, strict=True)]
    hinging = [each.hinging(words[0]) for each, words in zip(families, trees, strict=True)]
    return Unit(nodes.array(), trees, heads, hinging, np.stack([each.questions.open_back() for each in families]))


@frozen
class _FamilyMaker:
    """Makes what a unit says of one family of addresses."""

    made_of: UnitRules
    of_family: FamilyRules
    questions: OpenQuestions
    nodes: Nodes
    """To which all are added."""

    @classmethod
    def of(cls, made_of: UnitRules, services: ServiceClasses, nodes: Nodes, family: Family) -> "_FamilyMaker":
        """Put rules into numbers."""
        of_family = FamilyRules.of(made_of.rules, services, family)
        return cls(made_of, of_family, OpenQuestions(of_family, made_of.openness), nodes)

    @property
    def services(self) -> ServiceClasses:
        """The classes of services."""
        return self.of_family.services

    def trees(self, words: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """The heads of the tree of rules, and of that of rules that leave flows untracked."""
        named = np.array(self.made_of.named, dtype=np.int64)
        claims, members = self.of_family.claims, self.of_family.peers.members
        yield self._tree((runs.saying(named[runs.values]) for runs in cross(claims, members)), words[0])
        back = {
            group_id: self.services.admitted(row)
            for row, (group_id, family) in enumerate(self.made_of.ways_back.services, len(self.made_of.rules))
            if family is self.of_family.family
        }
        opened = self.questions.cells(named, back)
        if isinstance(opened, np.ndarray):
            words[1, TREE_ROW], words[1, TREE_ROW_FURTHER] = self._row(opened)
            yield np.zeros((0, 2), np.int64)
        else:
            yield self._tree(opened, words[1])

    def hinging(self, words: NDArray[Any]) -> list[list[str]]:
        """The rules with an unknown peer for which each leaf of their row stands, from 1 on."""
        hinging = _hinging(self.made_of.rules, self.services, self.of_family.family)
        numbers: dict[tuple[str, ...], int] = {}
        which = np.full(len(self.services), -1)
        for kind, names in hinging.items():
            which[kind] = numbers.setdefault(tuple(names), len(numbers))
        words[TREE_HINGE_ROW], _ = self._row(which)
        return [list(names) for names in numbers]

    def _tree(self, table: Iterable[Runs], words: NDArray[Any]) -> NDArray[Any]:
        """The rows of a cross table, and the tree that leads there; gives its heads."""
        found: list[list[NDArray[Any]]] = [[], []]
        further: list[NDArray[Any]] = []
        for runs in table:
            is_odd = self.services.is_odd[runs.begins]
            for is_it, some in zip((~is_odd, is_odd), found, strict=True):
                rows, behind = self._rows(runs.only(is_it))
                some.append(rows)
                further.append(behind)
        words[TREE_ROW], words[TREE_ROW_FURTHER] = BY_PEER, _nearly_most(np.concatenate(further))
        rows = np.stack([np.concatenate(some) for some in found])
        peers = self.of_family.peers
        put = put_tree if self.of_family.family is Family.IPV4 else put_wide_tree
        return put(self.nodes, peers.starts, rows[:, peers.classes], words)

    def _row(self, numbers: NDArray[Any]) -> tuple[int, int]:
        """A row that all peers have in common, of numbers by class of services, -1 for none."""
        (row,), (further,) = self._rows(Runs.of_one(numbers))
        return row, further

    def _rows(self, runs: Runs) -> tuple[NDArray[Any], NDArray[Any]]:
        """Rows of numbers, -1 for none, as `put_rows` gives them."""
        return put_rows(self.nodes, runs.saying(runs.values + 1), self.services.starts)


def _nearly_most(numbers: NDArray[Any]) -> int:
    """The least number that is exceeded by few."""
    return int(np.sort(numbers)[-1 - len(numbers) // _FEW_IN])


def _hinging(rules: Sequence[ResolvedRule], services: ServiceClasses, family: Family) -> dict[int, list[str]]:
    """Classes of services that rules with an unknown peer admit, and these rules."""
    unknown = [
        row for row, rule in enumerate(rules) if rule.addresses is None and rule.rule.protocol != OTHER_ICMP[family]
    ]
    names: dict[int, list[str]] = {}
    for row in unknown:
        for column in np.flatnonzero(services.admitted(row)).tolist():
            names.setdefault(column, []).append(rules[row].ref.rule_id)
    return names
