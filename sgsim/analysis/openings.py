"""What becomes of a flow's first packet at one interface: all packets at once, as regions.

The same questions as those of the engine's steps, put to every packet: is it exempt, does a rule admit it, do open rules
leave its flow untracked (`sgsim.conntrack.tracking`). Source ports play no part but for exempt traffic, where the
packets are those from `ORDINARY_PORT`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import define, field, frozen

from sgsim.analysis.exempt_region import exempt_parts
from sgsim.conntrack.entry import TrackingCause
from sgsim.conntrack.exempt import ExemptTraffic
from sgsim.conntrack.tracking import choose_tracking, may_bypass
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.shorthand import DEFAULT_SOURCE_PORT
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.openness import OpenRules
from sgsim.rules.paths import PathMap
from sgsim.rules.ranges import Ranges, difference, intersection, merged, within
from sgsim.rules.region import Region
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import GroupReference
from sgsim.rules.rule_region import Part, of_families, product_of, rule_region
from sgsim.rules.service import ALL_SERVICES, protocol_services, rule_services

ORDINARY_PORT: Final = DEFAULT_SOURCE_PORT
"""A source port that no exempt service has."""


@frozen
class Openings:
    """What becomes of all openings of one direction."""

    allowed: Region
    """What passes, exempt or by rules whose peers are known."""
    free: Region
    """What of it takes no place in the table: exempt, or untracked."""
    unknown: Mapping[str, Region] = field(factory=dict)
    """For each peer whose addresses nobody gave, what its members may beside that; all of it is tracked."""


@define
class OpeningFinder:
    """Finds them in one inventory; interfaces with the same groups share theirs."""

    inventory: Inventory
    options: EngineOptions = DEFAULT_OPTIONS
    src_port: int = ORDINARY_PORT
    unknown: frozenset[str] = frozenset()
    """Peers that count as unknown even if their addresses are known."""
    resolver: Resolver = field(init=False)
    _exempt: dict[Direction, tuple[tuple[Part, ...], Region]] = field(init=False, factory=dict)
    _closed: dict[Direction, Openings] = field(init=False, factory=dict)
    _matchers: dict[object, RuleMatcher] = field(init=False, factory=dict)
    _openings: dict[object, dict[Direction, Openings]] = field(init=False, factory=dict)

    @resolver.default
    def _make_resolver(self) -> Resolver:
        return Resolver(self.inventory, self.options.profile.group_prefixes.value)

    def unresolved(self) -> frozenset[str]:
        """Every peer of a rule whose addresses nobody gave; none if they are to count as empty."""
        if self.inventory.allow_unresolved:
            return frozenset()
        rules = (rule for group in self.inventory.groups.values() for rule in group.rules)
        return frozenset(str(rule.peer) for rule in rules if self.resolver.addresses(rule) is None)

    def exempt(self, direction: Direction) -> Region:
        """What groups never filter."""
        return self._find_exempt(direction)[1]

    def closed(self, direction: Direction) -> Openings:
        """What becomes of openings where no rule admits any."""
        if direction not in self._closed:
            exempt = self.exempt(direction)
            self._closed[direction] = Openings(exempt, exempt)
        return self._closed[direction]

    def _find_exempt(self, direction: Direction) -> tuple[tuple[Part, ...], Region]:
        if direction not in self._exempt:
            known = self.options.profile.exempt_traffic.value
            traffic = ExemptTraffic.of(
                (vpc.networks for vpc in self.inventory.vpcs.values()),
                (network for subnet in self.inventory.subnets.values() for network in subnet.networks),
                self.options.profile.exempt_list.value,
            )
            parts = tuple(exempt_parts(traffic, direction, self.src_port)) if known else ()
            self._exempt[direction] = parts, Region.of(parts)
        return self._exempt[direction]

    def matcher(self, interface: Interface) -> RuleMatcher:
        """The rules of an interface.

        Raises:
            UnresolvedReferenceError: If no document describes one of its groups.
        """
        if interface.group_ids not in self._matchers:
            openness = self.options.profile.openness
            self._matchers[interface.group_ids] = RuleMatcher(interface, self.resolver, openness)
        return self._matchers[interface.group_ids]

    def openings(self, interface: Interface) -> dict[Direction, Openings]:
        """What becomes of openings at an interface, by their direction."""
        key = (interface.group_ids, self._scope(interface))
        if key not in self._openings:
            self._openings[key] = {direction: self._find(interface, direction) for direction in Direction}
        return self._openings[key]

    def _scope(self, interface: Interface) -> object:
        """What of an interface decides about its paths."""
        scopes = {rule.scope for rule in self.inventory.paths}
        return tuple(name for name in (interface.interface_id, interface.subnet_id) if name in scopes)

    def _find(self, interface: Interface, direction: Direction) -> Openings:
        if not interface.group_ids:
            return Openings(Region.everything(), Region.everything())
        parts, exempt = self._find_exempt(direction)
        admitted = rule_region(self.matcher(interface).rules[direction], self.unknown, parts)
        unknown = {} if self.inventory.allow_unresolved else admitted.unknown
        return Openings(
            admitted.known,
            self._untracked(interface, direction) | exempt,
            {peer: rest for peer, region in unknown.items() if (rest := region - exempt)},
        )

    def paths(self, interface: Interface) -> PathMap:
        """What lies between an interface and its peers."""
        return PathMap.of(((rule, self.resolver.path_networks(rule)) for rule in self.inventory.paths), interface)

    def tracking_cause(self, interface: Interface, opening: Header) -> TrackingCause:
        """Why a flow is tracked or not, as the engine would say."""
        label = self.paths(interface).label(opening.peer, opening.family)
        policy = self.options.profile.bypass.value
        return choose_tracking(policy, self.matcher(interface), opening, label).cause

    def _untracked(self, interface: Interface, direction: Direction) -> Region:
        """What open rules leave untracked, by the conditions of `sgsim.conntrack.tracking`."""
        matcher, paths = self.matcher(interface), self.paths(interface)
        parts = []
        for family in Family:
            everyone: Ranges = ((0, (1 << family.bits) - 1),)
            addresses = difference(everyone, paths.automatic(family))
            services = merged(
                each
                for group_id in matcher.pairing_groups()
                for each in intersection(
                    open_services(matcher, direction, family, group_id),
                    self._bypassing(matcher, direction, family, group_id),
                )
            )
            peers = AddressSet(ipv4=addresses) if family is Family.IPV4 else AddressSet(ipv6=addresses)
            parts.append((peers, services))
        untracked = Region.of(parts)
        if matcher.openness.beside_narrow or not untracked:
            return untracked
        return untracked - _narrow(matcher, direction)

    def _bypassing(self, matcher: RuleMatcher, direction: Direction, family: Family, group_id: str | None) -> Ranges:
        """The services of protocols that may bypass tracking, and whose way back is open, by the rules of a group."""
        policy = self.options.profile.bypass.value
        return merged(
            protocol_services(protocol)
            for protocol in range(256)
            if may_bypass(policy, protocol)
            and matcher.is_open_back(Header(direction, family, 0, protocol, None), group_id)
        )


def _narrow(matcher: RuleMatcher, direction: Direction) -> Region:
    """What rules admit that are not open to everyone of their family."""
    narrow = Region()
    for rule in matcher.rules[direction]:
        admitted = product_of(rule)
        narrow |= Region(
            () if matcher.is_open(rule, Family.IPV4) else admitted.ipv4,
            () if matcher.is_open(rule, Family.IPV6) else admitted.ipv6,
        )
    return narrow


def open_services(matcher: RuleMatcher, direction: Direction, family: Family, group_id: str | None = None) -> Ranges:
    """The services for which a rule of the opener's direction, of a group or of any, counts as open to everyone."""
    rules = [rule for rule in matcher.rules[direction] if group_id in {None, rule.rule.group_id}]
    literal = merged(rule_services(rule.rule) for rule in rules if matcher.is_open(rule, family))
    if matcher.openness.rules is not OpenRules.COVERED:
        return literal
    blocks = rule_region(rule for rule in rules if not isinstance(rule.rule.peer, GroupReference)).known
    return merged((*literal, *blocks.services_of_all(family)))


def impossible(interfaces: Iterable[Interface]) -> Region:
    """What cannot pass between an interface and a peer: from itself, or of a family in which it has no address."""
    interfaces = list(interfaces)
    owned = {
        family: merged(each for interface in interfaces for each in interface.owned_ranges(family)) for family in Family
    }
    everyone: dict[Family, Ranges] = {family: ((0, (1 << family.bits) - 1),) for family in Family}
    addresses = (owned[family] or everyone[family] for family in Family)
    return Region.of([(AddressSet(*addresses), ALL_SERVICES)])


def admitting_rules(rules: Iterable[ResolvedRule], region: Region, peer: str | None = None) -> Iterator[ResolvedRule]:
    """The rules that admit some of a region; with `peer` those that name it, whoever its members are."""
    services = merged(each for family in Family for slab in region.slabs(family) for each in slab[2])
    for rule in rules:
        asked = rule_services(rule.rule)
        if not within(services, *asked):
            continue
        if peer is not None:
            if str(rule.rule.peer) == peer:
                yield rule
        elif rule.addresses is not None and region.meets(of_families(rule.addresses, rule.rule), asked):
            yield rule
