"""Which rules of an interface admit a packet.

Rules of all groups of an interface form one union; the order of groups on the interface, then of rules in each group,
decides only which of the admitting rules is *named*. The compiled engine looks the same up in a cross table.
"""

import enum
from collections import Counter
from collections.abc import Iterator

from attrs import define, field, frozen

from sgsim.errors import UnresolvedReferenceError
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.port_range import LAST_PORT
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import GroupReference, Rule


class OpenRules(enum.Enum):
    """What counts as open to everyone, where AWS looks for it."""

    LITERAL = "literal"
    """One rule that says 0.0.0.0/0 or ::/0, and on the way back all ports; split blocks do not add up."""
    COVERED = "covered"
    """Rules that together leave out no address, and on the way back no port."""


@frozen
class ResolvedRule:
    """A rule with the addresses that its peer stands for today."""

    rule: Rule
    addresses: AddressSet | None
    """None if nobody gave them."""
    ref: RuleRef

    def admits(self, header: Header) -> bool:
        """Whether the rule is known to admit a packet."""
        return (
            self.addresses is not None
            and self.rule.admits_service(header)
            and self.addresses.contains(header.peer, header.family)
        )

    def hinges(self, header: Header) -> bool:
        """Whether it would admit the packet if only the unknown peer had this address."""
        return self.addresses is None and self.rule.admits_service(header)


@define
class RuleMatcher:
    """The rules of one interface, resolved."""

    interface: Interface
    resolver: Resolver
    open_rules: OpenRules = OpenRules.LITERAL
    rules: dict[Direction, tuple[ResolvedRule, ...]] = field(init=False)
    """For each direction, in stable order."""
    assumed_empty: Counter[str] = field(init=False, factory=Counter)
    """Look-ups in which nothing admitted the packet but a rule whose unknown peer counts as empty might, by rule."""
    _open_back: dict[tuple[Direction, Family, int], bool] = field(init=False, factory=dict)

    @rules.default
    def _resolve_rules(self) -> dict[Direction, tuple[ResolvedRule, ...]]:
        return {direction: tuple(self._rules_of(direction)) for direction in Direction}

    def _rules_of(self, direction: Direction) -> Iterator[ResolvedRule]:
        inventory = self.resolver.inventory
        for group_id in self.interface.group_ids:
            if group_id not in inventory.groups:
                if inventory.allow_unresolved:
                    continue
                raise UnresolvedReferenceError(
                    f"groups of {self.interface.interface_id} must be described by a document, got {group_id}, which "
                    "none describes: add it, or take --allow-unresolved to treat it as a group without rules"
                )
            for rule in inventory.groups[group_id].rules_of(direction):
                yield ResolvedRule(rule, self.resolver.addresses(rule), rule.ref())

    def first_admitting(self, header: Header) -> ResolvedRule | None:
        """The deciding rule: the first in stable order that admits a packet; None if none does.

        Raises:
            UnresolvedReferenceError: If none is known to admit it, but one with an unknown peer might.
        """
        for rule in self.rules[header.direction]:
            if rule.admits(header):
                return rule
        for rule in self.hinging(header):
            if not self.resolver.inventory.allow_unresolved:
                raise unresolved_error(rule)
            self.assumed_empty[rule.ref.rule_id] += 1
        return None

    def hinging(self, header: Header) -> Iterator[ResolvedRule]:
        """Every rule that would admit a packet if only its unknown peer had this address, in stable order."""
        return (rule for rule in self.rules[header.direction] if rule.hinges(header))

    def admitting(self, header: Header) -> Iterator[ResolvedRule]:
        """Every rule that admits a packet, in stable order."""
        return (rule for rule in self.rules[header.direction] if rule.admits(header))

    def open_rule(self, opening: Header) -> ResolvedRule | None:
        """The rule for which AWS leaves a flow untracked; None if it is tracked as far as rules tell.

        Source: `[aws-ct]`: a rule of the opener's direction is open to 0.0.0.0/0 (or ::/0), and in the other direction
        one of the same family is, on all ports.

        Args:
            opening: Header of a packet that the flow's opener sends.
        """
        if not self.is_open_back(opening):
            return None
        for rule in self.admitting(opening):
            if rule.rule.is_open_to(opening.family):
                return rule
        if self.open_rules is OpenRules.COVERED and _cover(self._rules_for_service(opening), opening.family):
            return next(self.admitting(opening), None)
        return None

    def is_open_back(self, opening: Header) -> bool:
        """Whether the way back of a flow is open to everyone, on all ports, for its family and protocol."""
        key = (opening.direction.opposite, opening.family, opening.protocol)
        if key not in self._open_back:
            self._open_back[key] = any(
                rule.rule.is_open_to(key[1]) and rule.rule.covers_protocol(key[2]) for rule in self.rules[key[0]]
            ) or (self.open_rules is OpenRules.COVERED and self._covers_all_ports(*key))
        return self._open_back[key]

    def _covers_all_ports(self, direction: Direction, family: Family, protocol: int) -> bool:
        """Whether, at each port where some rule begins or ends, the rules together leave out no address."""
        edges = {0}
        for rule in self.rules[direction]:
            if rule.rule.ports is not None:
                edges |= {rule.rule.ports.first, rule.rule.ports.last + 1}
        probes = (Header(direction, family, 0, protocol, port) for port in edges if port <= LAST_PORT)
        return all(_cover(self._rules_for_service(probe), family) for probe in probes)

    def _rules_for_service(self, header: Header) -> list[ResolvedRule]:
        """The rules that would admit a packet if only its peer fitted."""
        return [rule for rule in self.rules[header.direction] if rule.rule.admits_service(header)]


def _cover(rules: list[ResolvedRule], family: Family) -> bool:
    """Whether rules together admit every address; references never count, whoever their members are."""
    everyone = AddressSet()
    for rule in rules:
        if rule.addresses is not None and not isinstance(rule.rule.peer, GroupReference):
            everyone = everyone.union(rule.addresses)
    return everyone.is_everything(family)


def unresolved_error(rule: ResolvedRule) -> UnresolvedReferenceError:
    """What to say where a verdict hinges on a rule whose peer nobody resolved."""
    peer = rule.rule.peer
    is_group = isinstance(peer, GroupReference)
    document = "an interface document (aws ec2 describe-network-interfaces)" if is_group else "a prefix list document"
    return UnresolvedReferenceError(
        f"the verdict hinges on {peer}, whose addresses nobody gave, in rule {rule.ref.rule_id} ({rule.ref.text}) of "
        f"{rule.ref.group_id}: add {document}, or --members {peer}=ADDRESS[,...], or --allow-unresolved to count "
        "it as empty"
    )
