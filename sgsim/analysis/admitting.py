"""How many rules would admit a packet: a table of the pieces into which rules cut peers and services.

Between two neighbouring bounds of rules all addresses are alike, and all services too, so that a packet's answer is
that of its piece; each piece is asked once.
"""

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np
from attrs import define, field

from sgsim.model.address import Family
from sgsim.model.columns import Column
from sgsim.rules.match import ResolvedRule
from sgsim.rules.rule_region import of_families
from sgsim.rules.service import rule_services


def _to_rules(rules: Iterable[ResolvedRule]) -> tuple[ResolvedRule, ...]:
    return tuple(rules)


@define
class AdmittingCounts:
    """Counts, for packets of one direction at one interface, the rules that admit them."""

    rules: tuple[ResolvedRule, ...] = field(converter=_to_rules)
    _service_bounds: Column = field(init=False)
    _address_bounds: dict[Family, list[int]] = field(init=False)
    _known: dict[tuple[Family, int, int], int] = field(init=False, factory=dict)

    @_service_bounds.default
    def _find_service_bounds(self) -> Column:
        intervals = [rule_services(rule.rule) for rule in self.rules]
        return np.unique(np.array([bound for first, last in intervals for bound in (first, last + 1)], dtype=np.int64))

    @_address_bounds.default
    def _find_address_bounds(self) -> dict[Family, list[int]]:
        return {
            family: sorted(
                {
                    bound
                    for rule in self.rules
                    if rule.addresses is not None
                    for first, last in of_families(rule.addresses, rule.rule).ranges(family)
                    for bound in (first, last + 1)
                }
            )
            for family in Family
        }

    def counts(self, family: Family, peers: list[int], services: Column) -> Column:
        """How many rules admit each packet.

        Args:
            family: Of all of them.
            peers: The other side's address of each.
            services: int64 (packets,), the service that each asks for.
        """
        places = np.searchsorted(self._service_bounds, services, side="right").tolist()
        bounds = self._address_bounds[family]
        found = np.empty(len(peers), dtype=np.int64)
        for index, (peer, place) in enumerate(zip(peers, places, strict=True)):
            key = (family, bisect_right(bounds, peer), place)
            count = self._known.get(key)
            if count is None:
                count = self._known[key] = self._count(family, peer, int(services[index]))
            found[index] = count
        return found

    def _count(self, family: Family, peer: int, service: int) -> int:
        return sum(
            rule.addresses is not None
            and rule_services(rule.rule)[0] <= service <= rule_services(rule.rule)[1]
            and of_families(rule.addresses, rule.rule).contains(peer, family)
            for rule in self.rules
        )
