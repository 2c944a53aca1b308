"""Which rules of an interface admit a packet.

Rules of all groups of an interface form one union; the order of groups on the interface, then of rules in each group,
decides only which of the admitting rules is *named*. The compiled engine looks the same up in a cross table.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from sgsim.errors import UnresolvedReferenceError
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.openness import LITERALLY, Openness, OpenRules
from sgsim.rules.port_range import LAST_PORT
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import GroupReference, Rule


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
    openness: Openness = LITERALLY
    rules: dict[Direction, tuple[ResolvedRule, ...]] = field(init=False)
    """For each direction, in stable order."""
    assumed_empty: Counter[str] = field(init=False, factory=Counter)
    """Look-ups in which nothing admitted the packet but a rule whose unknown peer counts as empty might, by rule."""
    _open_back: dict[tuple[Direction, Family, int, str | None], bool] = field(init=False, factory=dict)

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
        admitting = list(self.admitting(opening))
        if not self.openness.beside_narrow and not all(self.is_open(rule, opening.family) for rule in admitting):
            return None
        paired = [group_id for group_id in self.pairing_groups() if self.is_open_back(opening, group_id)]
        for rule in admitting:
            if self.is_open(rule, opening.family) and (None in paired or rule.ref.group_id in paired):
                return rule
        for group_id in paired if self.openness.rules is OpenRules.COVERED else ():
            if _cover(self._rules_for_service(opening, group_id), opening.family):
                return next((rule for rule in admitting if group_id in {None, rule.ref.group_id}), None)
        return None

    def is_open(self, rule: ResolvedRule, family: Family) -> bool:
        """Whether a rule alone is open to everyone of a family."""
        return self.openness.is_open(rule.rule, rule.addresses, family)

    def pairing_groups(self) -> tuple[str | None, ...]:
        """The groups within which a rule there and a rule back must be; None for all of them together."""
        return (None,) if self.openness.across_groups else self.interface.group_ids

    def is_open_back(self, opening: Header, group_id: str | None = None) -> bool:
        """Whether the way back of a flow is open to everyone, on all ports, for its family and protocol.

        Args:
            opening: Header of a packet that the flow's opener sends.
            group_id: Whose rules open it; None for those of any group.
        """
        key = (opening.direction.opposite, opening.family, opening.protocol, group_id)
        if key not in self._open_back:
            self._open_back[key] = self._way_back(*key) is not None or (
                self.openness.rules is OpenRules.COVERED
                and any(self._covers_all_ports(*key[:3], each) for each in self._covering_groups(group_id))
            )
        return self._open_back[key]

    def way_back(self, opening: Header, group_id: str | None = None) -> ResolvedRule | None:
        """The first rule that alone opens the way back of a flow; None if none does. Arguments as `is_open_back`."""
        return self._way_back(opening.direction.opposite, opening.family, opening.protocol, group_id)

    def _way_back(
        self, direction: Direction, family: Family, protocol: int, group_id: str | None
    ) -> ResolvedRule | None:
        for rule in self._leading_back(direction, group_id):
            if self.is_open(rule, family) and rule.rule.covers_protocol(protocol):
                return rule
        return None

    def _leading_back(self, direction: Direction, group_id: str | None) -> list[ResolvedRule]:
        """The rules of one group, or of all, that may open a way back."""
        rules = _of_group(self.rules[direction], group_id)
        return [rule for rule in rules if self.openness.may_lead_back(rule.rule)]

    def _covering_groups(self, group_id: str | None) -> tuple[str | None, ...]:
        """The groups whose rules may together leave out nobody, each for itself."""
        return self.pairing_groups() if group_id is None else (group_id,)

    def _covers_all_ports(self, direction: Direction, family: Family, protocol: int, group_id: str | None) -> bool:
        """Whether, at each port where some rule begins or ends, the rules together leave out no address."""
        rules, edges = self._leading_back(direction, group_id), {0}
        for rule in rules:
            if rule.rule.ports is not None:
                edges |= {rule.rule.ports.first, rule.rule.ports.last + 1}
        probes = (Header(direction, family, 0, protocol, port) for port in edges if port <= LAST_PORT)
        return all(_cover([rule for rule in rules if rule.rule.admits_service(probe)], family) for probe in probes)

    def _rules_for_service(self, header: Header, group_id: str | None) -> list[ResolvedRule]:
        """The rules of one group, or of all, that would admit a packet if only its peer fitted."""
        return [rule for rule in _of_group(self.rules[header.direction], group_id) if rule.rule.admits_service(header)]


def _of_group(rules: Iterable[ResolvedRule], group_id: str | None) -> Iterator[ResolvedRule]:
    return (rule for rule in rules if group_id in {None, rule.rule.group_id})


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
