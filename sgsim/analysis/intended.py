"""Whether a change is what it was meant to be, and nothing beyond."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import field, frozen

from sgsim.analysis.difference import Compared, Difference, Kind, RulesDiff
from sgsim.documents.intended_doc import ANY, IntendedRules
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import ResolvedRule
from sgsim.rules.region import Region
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Rule
from sgsim.rules.rule_region import rule_region


@frozen(kw_only=True)
class Intent:
    """Something that may change."""

    kind: Kind
    subject: str
    """The id of a group or interface, or `any`."""
    direction: Direction
    region: Region
    peer: str | None = None
    """Limited to the members of this group or list, whose addresses nobody gave."""
    text: str
    """As it was written, for messages."""


_KINDS: Final = {"allow": Kind.ALLOWED, "deny": Kind.DENIED, "track": Kind.TRACKED, "untrack": Kind.UNTRACKED}


def intents_of(
    found: Iterable[IntendedRules], old: Inventory, new: Inventory, unknown: Iterable[str] = ()
) -> tuple[Intent, ...]:
    """What rules of an intended change mean; peers of what is to be denied are those of the old side.

    Args:
        found: What `sgsim.documents.intended_doc.read_intended` gives.
        old: What was.
        new: What is to be.
        unknown: Peers that the diff has compared by name.
    """
    unknown = tuple(unknown)
    return tuple(
        intent
        for item in found
        for rule in item.rules
        for intent in _intents(item, rule, old if item.kind == "deny" else new, unknown)
    )


def _intents(item: IntendedRules, rule: Rule, side: Inventory, unknown: tuple[str, ...]) -> Iterator[Intent]:
    addresses = Resolver(side).addresses(rule)
    region = rule_region([ResolvedRule(rule, addresses, rule.ref())], unknown)
    text = f"{item.kind} {item.subject} {rule.direction} {rule.text}"
    parts: dict[str | None, Region] = dict(region.unknown.items()) or {None: region.known}
    for peer, part in parts.items():
        yield Intent(
            kind=_KINDS[item.kind],
            subject=item.subject,
            direction=rule.direction,
            region=part,
            peer=peer,
            text=text,
        )


@frozen
class Beyond:
    """A difference that nobody meant."""

    compared: Compared
    difference: Difference


@frozen
class Judged:
    """A diff against what was intended."""

    beyond: tuple[Beyond, ...]
    unmet: tuple[str, ...] = field(default=())
    """What was intended and does not happen."""

    @property
    def holds(self) -> bool:
        """Whether nothing differs beyond what was intended."""
        return not self.beyond


def judge_intended(diff: RulesDiff, intents: Iterable[Intent]) -> Judged:
    """Find what differs and was not intended, and what was intended and does not differ.

    What is intended for a group is intended for the interfaces that carry it, and the other way round.
    """
    intents = tuple(intents)
    groups = {group_id: group for group in diff.groups for group_id in (group.old_id, group.new_id) if group_id}
    beyond: list[Beyond] = []
    met: set[int] = set()
    for compared, difference in diff.differences():
        rest = difference.region
        for number, intent in enumerate(intents):
            if not _applies(intent, compared, difference, groups):
                continue
            if difference.region & intent.region:
                met.add(number)
            rest -= intent.region
        if rest:
            beyond.append(Beyond(compared, difference))
    return Judged(tuple(beyond), tuple(intent.text for number, intent in enumerate(intents) if number not in met))


def _applies(intent: Intent, compared: Compared, difference: Difference, groups: Mapping[str, Compared]) -> bool:
    return (
        intent.kind is difference.kind
        and intent.direction is difference.direction
        and intent.peer in {None, difference.peer}
        and (intent.peer is None or difference.peer is not None)
        and (intent.subject == ANY or intent.subject in _names(compared, groups))
    )


def _names(compared: Compared, groups: Mapping[str, Compared]) -> Iterator[str]:
    """Everything that an intent may call it by: its ids, its carriers, the groups that it carries."""
    yield from (name for name in (compared.old_id, compared.new_id) if name)
    yield from compared.carried_by
    for group_id in compared.group_ids:
        group = groups.get(group_id)
        yield from (name for name in (group_id, *((group.old_id, group.new_id) if group else ())) if name)
