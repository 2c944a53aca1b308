"""The fewest rules that mean the same.

Three things stay as they are, whoever the members of groups and the entries of prefix lists will be: which packets pass,
which flows are tracked, and by whom rules are told apart, that is references stay references. So a group's rules of one
direction are looked at in three layers:

- rules open to everyone, literally 0.0.0.0/0 or ::/0: they decide about tracking, so none is made and none is lost that
  is open on all ports
- rules of one group or prefix list: ports that touch or overlap are joined
- rules of other blocks: blocks and ports are joined

In each a rule goes that others imply. The fewest are hard to find in general (NP-hard), so this is what is promised: never
more rules than before, no rule that could be left out, and the same meaning, which a diff of both proves each time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import define, evolve, field, frozen

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.rule_cover import Layer, fewest
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.openness import Openness
from sgsim.rules.rule import Cidr, Rule
from sgsim.rules.security_group import SecurityGroup

MOST_DESCRIPTION: Final = 255
"""How long the joined description of a rule may be."""


@frozen
class Merged:
    """A new rule and those that it stands for."""

    rule: Rule
    replaced: tuple[Rule, ...]


@frozen(kw_only=True)
class MinimizedGroup:
    """One group before and after."""

    before: SecurityGroup
    after: SecurityGroup
    merged: tuple[Merged, ...]
    implied: tuple[Rule, ...]
    """Rules that went because others admit all that they admit."""

    @property
    def saved(self) -> int:
        """How many rules fewer it has."""
        return len(self.before.rules) - len(self.after.rules)


@frozen
class Minimized:
    """All groups, and the inventory with those after."""

    groups: tuple[MinimizedGroup, ...]
    inventory: Inventory

    @property
    def saved(self) -> int:
        """How many rules fewer there are."""
        return sum(group.saved for group in self.groups)


def minimize(
    inventory: Inventory, group_ids: Iterable[str] = (), options: EngineOptions = DEFAULT_OPTIONS
) -> Minimized:
    """Find fewer rules with the same meaning.

    Args:
        inventory: The groups, and what they refer to.
        group_ids: Ids or names of groups; none for all.
        options: Whose behaviour the proof follows.

    Raises:
        RuleError: If a group is not known.
        UnresolvedReferenceError: If no document describes a group of an interface.
    """
    wanted = [inventory.find_group(name) for name in group_ids] or list(inventory.groups.values())
    groups = tuple(_minimized(group, options.profile.openness) for group in wanted)
    after = evolve(inventory, groups={**inventory.groups, **{each.after.group_id: each.after for each in groups}})
    difference = diff_rules(inventory, after, options)
    if difference:
        changed = ", ".join(each.shown_id for each in difference.groups if each.differs)
        raise AssertionError(f"minimized rules must mean the same, got another meaning of {changed}")
    return Minimized(groups, after)


def _minimized(group: SecurityGroup, openness: Openness) -> MinimizedGroup:
    work = _Work()
    for direction in Direction:
        rules = list(group.rules_of(direction))
        opened = [rule for rule in rules if _is_open(rule)]
        work.reduce(opened, Layer.OPEN, ())
        for same in _by_peer(rule for rule in rules if not isinstance(rule.peer, Cidr)).values():
            work.reduce(same, Layer.REFERENCE, opened if openness.beside_narrow else ())
        for family in Family:
            blocks = [
                rule
                for rule in rules
                if isinstance(rule.peer, Cidr) and rule.peer.network.version == family and not _is_open(rule)
            ]
            implying = [rule for rule in opened if rule.is_open_to(family) and openness.beside_narrow]
            work.reduce(blocks, Layer.BLOCKS, implying)
    return work.result(group)


def _is_open(rule: Rule) -> bool:
    return any(rule.is_open_to(family) for family in Family)


def _by_peer(rules: Iterable[Rule]) -> Mapping[object, list[Rule]]:
    found: dict[object, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.peer, []).append(rule)
    return found


@define
class _Work:
    """What becomes of each rule of a group, by identity: equal rules may occur twice."""

    _kept: set[int] = field(factory=set)
    _new: dict[int, list[Rule]] = field(factory=dict)
    """New rules, by the first rule that each replaces."""
    merged: list[Merged] = field(factory=list)

    def reduce(self, rules: Sequence[Rule], layer: Layer, opened: Sequence[Rule]) -> None:
        """Find the fewest rules of one layer."""
        kept, made = fewest(rules, layer, opened)
        self._kept.update(id(rule) for rule in kept)
        for rule, replaced in made:
            described = evolve(rule, description=_joined(each.description for each in replaced))
            self._new.setdefault(id(replaced[0]), []).append(described)
            self.merged.append(Merged(described, tuple(replaced)))

    def result(self, group: SecurityGroup) -> MinimizedGroup:
        """The group with kept rules in their order, and each new one where the first that it replaces was."""
        after = evolve(group, rules=tuple(self._rules(group.rules)))
        replaced = {id(rule) for merged in self.merged for rule in merged.replaced}
        implied = [rule for rule in group.rules if id(rule) not in self._kept and id(rule) not in replaced]
        return MinimizedGroup(before=group, after=after, merged=tuple(self.merged), implied=tuple(implied))

    def _rules(self, rules: Iterable[Rule]) -> Iterator[Rule]:
        for rule in rules:
            yield from self._new.get(id(rule), ())
            if id(rule) in self._kept:
                yield rule


def _joined(descriptions: Iterable[str]) -> str:
    """Each description once, as far as there is room."""
    text = "; ".join(dict.fromkeys(filter(None, descriptions)))
    return text if len(text) <= MOST_DESCRIPTION else text[: MOST_DESCRIPTION - 3] + "..."
