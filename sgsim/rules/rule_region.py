"""The region that rules admit, where every peer may be known or not.

A rule whose peer nobody resolved admits nobody knows whom, but *which services* is known. So its part is kept apart,
under the peer's name; two rule sets can be compared there as well.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen

from sgsim.model.address import Family
from sgsim.model.protocol import Protocol
from sgsim.rules.address_set import AddressSet
from sgsim.rules.match import ResolvedRule
from sgsim.rules.ranges import Ranges
from sgsim.rules.region import Region
from sgsim.rules.rule import Rule
from sgsim.rules.service import rule_services

EVERYONE: Final = AddressSet(*(((0, (1 << family.bits) - 1),) for family in Family))
"""All addresses of both families."""

Part = tuple[AddressSet, Ranges]
"""Some peers, each of which may use each of some services."""


@frozen
class RuleRegion:
    """What some rules admit in one direction."""

    known: Region = field(factory=Region)
    unknown: Mapping[str, Region] = field(factory=dict)
    """For each peer whose addresses nobody gave, what its members may, written as if everyone were one."""


def rule_region(rules: Iterable[ResolvedRule], unknown: Iterable[str] = (), beside: Iterable[Part] = ()) -> RuleRegion:
    """The union of what rules of one direction admit.

    Args:
        rules: The rules.
        unknown: Peers that are to count as unknown even if their addresses are known, by id.
        beside: What is admitted anyhow.
    """
    opaque = frozenset(unknown)
    known: list[Part] = list(beside)
    by_peer: dict[str, list[Part]] = {}
    for rule in rules:
        peer, services = str(rule.rule.peer), (rule_services(rule.rule),)
        if rule.addresses is None or peer in opaque:
            by_peer.setdefault(peer, []).append((of_families(EVERYONE, rule.rule), services))
        else:
            known.append((of_families(rule.addresses, rule.rule), services))
    return RuleRegion(Region.of(known), {peer: Region.of(parts) for peer, parts in sorted(by_peer.items())})


def of_families(addresses: AddressSet, rule: Rule) -> AddressSet:
    """The addresses that a rule can mean: `icmp` is of IPv4 alone, `icmpv6` of IPv6."""
    if rule.protocol == Protocol.ICMP:
        return AddressSet(ipv4=addresses.ipv4)
    if rule.protocol == Protocol.ICMPV6:
        return AddressSet(ipv6=addresses.ipv6)
    return addresses


def product_of(rule: ResolvedRule) -> Region:
    """What one rule admits; nothing if nobody gave its peer's addresses."""
    if rule.addresses is None:
        return Region()
    return Region.of([(of_families(rule.addresses, rule.rule), (rule_services(rule.rule),))])
