"""Which cells of a cross table open rules leave untracked, and which protocols have an open way back.

Here every question of `sgsim.rules.openness` is answered ahead, so that kernels ask none of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sgsim.kernels import match as kernel_match
from sgsim.model.address import Family
from sgsim.model.protocol import Protocol
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.openness import Openness, OpenRules
from sgsim.rules.rule import GroupReference

FIRST_SERVICE = {
    Protocol.TCP: 0,
    Protocol.UDP: kernel_match.UDP_FROM,
    Protocol.ICMP: kernel_match.ICMP_FROM,
    Protocol.ICMPV6: kernel_match.ICMPV6_FROM,
}
"""The number of the first service of each protocol that has more than one."""


@frozen
class WaysBack:
    """For each group of an interface, which protocols have their way back in the group itself."""

    ranges: Mapping[tuple[str, Family], list[tuple[int, int]]]
    """As ranges of services, ends not included."""

    @classmethod
    def of(cls, matcher: RuleMatcher, direction: Direction) -> "WaysBack":
        """Those of flows that are opened in one direction; none are kept where groups pair with each other."""
        groups = [group_id for group_id in matcher.pairing_groups() if group_id is not None]
        return cls(
            {
                (group_id, family): _services_back(matcher, direction, family, group_id)
                for group_id in groups
                for family in Family
            }
        )


NO_WAYS_BACK = WaysBack({})
"""Where nobody asks."""


def _services_back(matcher: RuleMatcher, direction: Direction, family: Family, group_id: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for protocol in range(256):
        if matcher.is_open_back(Header(direction, family, 0, protocol, None), group_id):
            number = kernel_match.PROTOCOL_FROM + protocol
            found.append((number, number + 1))
            if protocol in FIRST_SERVICE:
                first = FIRST_SERVICE[Protocol(protocol)]
                found.append((first, first + 65536))
    return found


def open_cells(
    rules: Sequence[ResolvedRule],
    openness: Openness,
    family: Family,
    indices: NDArray[Any],
    peers: NDArray[Any],
    services: NDArray[Any],
    back: Mapping[str, NDArray[Any]],
) -> NDArray[Any]:
    """The rule that leaves a flow untracked in each cell, -1 where none does, int32 (peer classes, service classes).

    Args:
        rules: Those of one direction, in stable order.
        openness: What counts as open.
        family: Of which addresses.
        indices: int32 (rules,), their numbers.
        peers: bool (rules, peer classes), whom each admits.
        services: bool (rules, service classes), what each admits.
        back: For each group the service classes whose way back it opens itself, bool (service classes,); empty where
            groups pair with each other.
    """
    is_open = np.array([openness.is_open(rule.rule, rule.addresses, family) for rule in rules], dtype=bool)
    paired = services
    if not openness.across_groups:
        none = np.zeros(services.shape[1], dtype=bool)
        of_rules = [back.get(rule.rule.group_id, none) for rule in rules]
        paired = services & (np.stack(of_rules) if of_rules else services)
    cells = cross(indices[is_open], peers[is_open], paired[is_open])
    if openness.rules is OpenRules.COVERED:
        for rows, in_group in _groups(rules, openness, back, services.shape[1]):
            full = covered([rules[row] for row in rows], services[rows], family) & in_group
            first = cross(indices[rows], peers[rows], services[rows])
            cells = np.where(full & (cells < 0), first, cells)
    if not openness.beside_narrow:
        is_narrow = ~is_open
        cells = np.where(cross(indices[is_narrow], peers[is_narrow], services[is_narrow]) >= 0, np.int32(-1), cells)
    return cells


def _groups(
    rules: Sequence[ResolvedRule], openness: Openness, back: Mapping[str, NDArray[Any]], classes: int
) -> list[tuple[list[int], NDArray[Any]]]:
    """The rows of rules that may cover everyone together, and the service classes for which they may."""
    everything = np.ones(classes, dtype=bool)
    if openness.across_groups:
        return [(list(range(len(rules))), everything)]
    return [
        ([row for row, rule in enumerate(rules) if rule.rule.group_id == group_id], in_group)
        for group_id, in_group in back.items()
    ]


def cross(indices: NDArray[Any], peers: NDArray[Any], services: NDArray[Any]) -> NDArray[Any]:
    """The first rule of each cell, -1 where none admits: the last rule is written first, and overwritten."""
    cells = np.full((peers.shape[1], services.shape[1]), -1, dtype=np.int32)
    for row in range(len(indices) - 1, -1, -1):
        cells[np.ix_(peers[row], services[row])] = indices[row]
    return cells


def covered(rules: Sequence[ResolvedRule], masks: NDArray[Any], family: Family) -> NDArray[Any]:
    """For each service class, whether the rules that admit it leave out no address; references never count."""
    full = np.zeros(masks.shape[1], dtype=bool)
    for column in range(masks.shape[1]):
        everyone = AddressSet()
        for row in np.flatnonzero(masks[:, column]).tolist():
            addresses = rules[row].addresses
            if addresses is not None and not isinstance(rules[row].rule.peer, GroupReference):
                everyone = everyone.union(addresses)
        full[column] = everyone.is_everything(family)
    return full


def open_back(
    rules: Sequence[ResolvedRule],
    openness: Openness,
    family: Family,
    service_class: NDArray[Any],
    masks: NDArray[Any],
) -> NDArray[Any]:
    """For each protocol, whether everything of it may go to everyone, uint8 (256,).

    Args:
        rules: Those of one direction.
        openness: What counts as open.
        family: Of which addresses.
        service_class: int64 (services,), the class of each.
        masks: bool (rules, service classes), which rule admits which.
    """
    groups = [[rule.rule.group_id for rule in rules]] if openness.across_groups else _each(rules)
    opened = np.zeros(256, dtype=np.uint8)
    for group in groups:
        rows = [
            row for row, rule in enumerate(rules) if rule.rule.group_id in group and openness.may_lead_back(rule.rule)
        ]
        opened |= _open_back_of([rules[row] for row in rows], openness, family, service_class, masks[rows])
    return opened


def _each(rules: Sequence[ResolvedRule]) -> list[list[str]]:
    return [[group_id] for group_id in dict.fromkeys(rule.rule.group_id for rule in rules)]


def _open_back_of(
    rules: Sequence[ResolvedRule],
    openness: Openness,
    family: Family,
    service_class: NDArray[Any],
    masks: NDArray[Any],
) -> NDArray[Any]:
    alone = [rule.rule for rule in rules if openness.is_open(rule.rule, rule.addresses, family)]
    opened = np.zeros(256, dtype=np.uint8)
    for protocol in range(256):
        opened[protocol] = any(rule.covers_protocol(protocol) for rule in alone)
    if openness.rules is not OpenRules.COVERED:
        return opened
    full = covered(rules, masks, family)
    for protocol, first in FIRST_SERVICE.items():
        opened[protocol] |= bool(full[service_class[first : first + 65536]].all())
    for protocol in set(range(256)) - set(FIRST_SERVICE):
        opened[protocol] |= bool(full[service_class[kernel_match.PROTOCOL_FROM + protocol]])
    return opened
