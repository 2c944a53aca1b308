"""The rules of one direction in one family of addresses, in numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.engine.lowering.cross import Claims
from sgsim.engine.lowering.intervals import Intervals, intervals_of
from sgsim.engine.lowering.services import ServiceClasses
from sgsim.model.address import Family
from sgsim.model.protocol import Protocol
from sgsim.rules.match import ResolvedRule
from sgsim.rules.ranges import Ranges

OTHER_ICMP = {Family.IPV4: Protocol.ICMPV6, Family.IPV6: Protocol.ICMP}
"""ICMP is of IPv4 alone, ICMPv6 of IPv6 alone."""


@frozen
class FamilyRules:
    """What each rule admits."""

    rules: Sequence[ResolvedRule]
    """In stable order."""
    family: Family
    services: ServiceClasses
    peers: Intervals
    claims: Claims

    @classmethod
    def of(cls, rules: Sequence[ResolvedRule], services: ServiceClasses, family: Family) -> "FamilyRules":
        """Put rules into numbers; `services` are of the same rules."""
        sets, set_of_rule = _peer_sets(rules, family)
        of_rule = services.of_rule[: len(rules)]
        claims = Claims(
            set_of_rule,
            of_rule,
            services.ranges_from,
            services.begins,
            services.ends,
            len(services),
            services.spaces,
        )
        return cls(rules, family, services, intervals_of(sets, 1 << family.bits), claims)


def _peer_sets(rules: Sequence[ResolvedRule], family: Family) -> tuple[list[Ranges], NDArray[Any]]:
    """The different sets of peers in a family, and which each rule has: -1 for none."""
    numbers: dict[int, int] = {}
    sets: list[Ranges] = []
    of_rule = np.full(len(rules), -1, np.int64)
    for row, rule in enumerate(rules):
        ranges = rule.addresses.ranges(family) if rule.addresses is not None else ()
        if not ranges or rule.rule.protocol == OTHER_ICMP[family]:
            continue
        number = numbers.setdefault(id(ranges), len(sets))  # a resolver gives rules about one peer one set
        if number == len(sets):
            sets.append(ranges)
        of_rule[row] = number
    return sets, of_rule
