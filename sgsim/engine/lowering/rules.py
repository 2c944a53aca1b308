"""Rules as arrays: units, and what they have in common.

A unit is the rules of one set of groups in one direction: interfaces that carry the same groups in the same order share
theirs.
"""

from collections.abc import Iterable

from attrs import define, evolve, field

from sgsim.engine.lowering.joined import hinge_rules, joined
from sgsim.engine.lowering.open_cells import WaysBack
from sgsim.engine.lowering.units import Unit, UnitRules, unit_of
from sgsim.kernels.arrays import Rules
from sgsim.model.decision import Verdict
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.match import RuleMatcher
from sgsim.rules.subnet_edge import SubnetEdge


@define
class LoweredRules:
    """The rules of all interfaces, as kernels take them."""

    rules: Rules
    units: dict[tuple[str, ...], int]
    """The unit for INGRESS of each set of groups; that for EGRESS follows."""
    edges: dict[str, int]
    """The unit for INGRESS of each subnet with a network ACL; that for EGRESS follows."""
    hinge_rules: dict[int, list[str]]
    """For each position of `Rules.hinge` that is not 0, the rules with an unknown peer."""


_Units = dict[tuple[object, ...], tuple[UnitRules, Unit]]


@define
class RuleLowering:
    """Lowers rules, again after each change; units whose rules are the same are taken over."""

    refs: list[RuleRef] = field(factory=list)
    """The rules that cells name, by number; a rule keeps its number."""
    _numbers: dict[RuleRef, int] = field(factory=dict)
    _kept: _Units = field(factory=dict)

    def lower(self, matchers: Iterable[RuleMatcher], edges: Iterable[SubnetEdge] = ()) -> LoweredRules:
        """Build the tables of all interfaces and of the edges of their subnets."""
        before, self._kept = self._kept, {}
        units: dict[tuple[str, ...], int] = {}
        for matcher in matchers:
            if matcher.interface.group_ids not in units:
                units[matcher.interface.group_ids] = len(self._kept)
                for way in (Direction.INGRESS, Direction.EGRESS):
                    self._keep_group(before, matcher, way)
        edge_units: dict[str, int] = {}
        for edge in edges:
            if edge.subnet_id not in edge_units:
                edge_units[edge.subnet_id] = len(self._kept)
                for way in (Direction.INGRESS, Direction.EGRESS):
                    self._keep_edge(before, edge, way)
        built = [unit for _, unit in self._kept.values()]
        return LoweredRules(joined(built, len(self.refs)), units, edge_units, hinge_rules(built))

    def _keep_group(self, before: _Units, matcher: RuleMatcher, direction: Direction) -> None:
        rules = matcher.rules[direction]
        named = (*(self._number(rule.ref) for rule in rules), -1)
        made_of = UnitRules(rules, named, matcher.openness, WaysBack.of(matcher, direction))
        self._keep(before, ("groups", matcher.interface.group_ids, direction), made_of)

    def _keep_edge(self, before: _Units, edge: SubnetEdge, direction: Direction) -> None:
        """Build the unit of a network ACL before a subnet: its cells name only entries that deny.

        Who is inside the subnet fits a line of its own before all others, which denies nothing.
        """
        lines = edge.lines[direction]
        star = lines[-1].fits  # about all traffic
        inside = evolve(star, addresses=edge.inside, ref=evolve(star.ref, rule_id="inside"))
        denying = (-1 if line.entry.verdict is Verdict.ALLOW else self._number(line.fits.ref) for line in lines)
        made_of = UnitRules((inside, *(line.fits for line in lines)), (-1, *denying, -1))
        self._keep(before, ("edge", edge.subnet_id, direction), made_of)

    def _keep(self, before: _Units, key: tuple[object, ...], made_of: UnitRules) -> None:
        was = before.get(key)
        self._kept[key] = was if was is not None and was[0] == made_of else (made_of, unit_of(made_of))

    def _number(self, ref: RuleRef) -> int:
        if ref not in self._numbers:
            self._numbers[ref] = len(self.refs)
            self.refs.append(ref)
        return self._numbers[ref]
