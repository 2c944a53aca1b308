"""What open rules leave untracked, and which protocols have an open way back.

Here every question of `sgsim.rules.openness` is answered ahead, so that kernels ask none of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from sgsim.engine.lowering.cross import Claims, Runs, cross
from sgsim.engine.lowering.family_rules import FamilyRules
from sgsim.engine.lowering.services import FIRST_SERVICE, ServiceClasses, service_classes
from sgsim.kernels.rule_layout import PROTOCOL_FROM
from sgsim.model.address import Family
from sgsim.model.protocol import ANY_PROTOCOL, Protocol
from sgsim.model.states import Direction
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.openness import Openness, OpenRules
from sgsim.rules.ranges import Ranges
from sgsim.rules.rule import GroupReference

_Back = Mapping[str, NDArray[Any]]
"""For each group the classes of services whose way back it opens itself, bool (service classes,); empty where groups pair
with each other."""


@frozen
class WaysBack:
    """For each group of an interface, which services have their way back in the group itself."""

    services: Mapping[tuple[str, Family], Ranges]

    @classmethod
    def of(cls, matcher: RuleMatcher, direction: Direction) -> "WaysBack":
        """Those of flows that are opened in one direction; none are kept where groups pair with each other."""
        if matcher.openness.across_groups:
            return NO_WAYS_BACK
        rules = matcher.rules[direction.opposite]
        services = service_classes([rule.rule for rule in rules])
        ways: dict[tuple[str, Family], Ranges] = {}
        for family in Family:
            questions = OpenQuestions(FamilyRules.of(rules, services, family), matcher.openness)
            opened = {group_id: questions.open_back_of(rows) for group_id, rows in questions.rows_by_group().items()}
            ways |= {
                (group_id, family): _services_of(opened[group_id]) if group_id in opened else ()
                for group_id in matcher.interface.group_ids
            }
        return cls(ways)


NO_WAYS_BACK = WaysBack({})
"""Where nobody asks."""


def _services_of(is_opened: NDArray[Any]) -> Ranges:
    """All services of some protocols."""
    found: list[tuple[int, int]] = []
    for protocol in np.flatnonzero(is_opened).tolist():
        found.append((PROTOCOL_FROM + protocol,) * 2)
        if protocol in FIRST_SERVICE:
            first = FIRST_SERVICE[Protocol(protocol)]
            found.append((first, first + 65535))
    return tuple(found)


@frozen
class _Stage:
    """Rules that are asked when those of the stages before admit nothing."""

    rows: NDArray[Any]
    services: NDArray[Any] | None = None
    """bool (service classes,): for which they are asked; None for all."""
    said: int | None = None
    """What a cell then says; None for the rule that admits."""


@frozen
class OpenQuestions:
    """Asks rules what they leave open."""

    of: FamilyRules
    openness: Openness

    @property
    def rules(self) -> Sequence[ResolvedRule]:
        """The rules, in stable order."""
        return self.of.rules

    @property
    def services(self) -> ServiceClasses:
        """The classes of services."""
        return self.of.services

    def cells(self, named: NDArray[Any], back: _Back) -> NDArray[Any] | Iterator[Runs]:
        """The rule that leaves a flow untracked, -1 where none does.

        Returns:
            int64 (service classes,); or rows of a cross table, as `cross` gives them, if that depends on the peer.
        """
        is_open = np.array([self._is_open(rule) for rule in self.rules], dtype=bool)
        within = np.flatnonzero(is_open & (self.of.claims.peers >= 0))
        if self.openness.rules is not OpenRules.COVERED and self.openness.beside_narrow:
            return self._of_everyone(within, named, back)
        stages = [] if self.openness.beside_narrow else [_Stage(np.flatnonzero(~is_open), said=-1)]
        stages += [_Stage(np.array([row]), self._paired(row, back)) for row in within.tolist()]
        if self.openness.rules is OpenRules.COVERED:
            stages += [_Stage(rows, self._full(rows) & in_group) for rows, in_group in self._groups(back)]
        return self._by_stages(stages, named)

    def open_back(self) -> NDArray[Any]:
        """For each protocol, whether everything of it may go to everyone, bool (256,)."""
        everything = [np.arange(len(self.rules))]
        groups = everything if self.openness.across_groups else self.rows_by_group().values()
        opened = [self.open_back_of(rows) for rows in groups]
        found: NDArray[Any] = np.logical_or.reduce(opened, axis=0) if opened else np.zeros(256, dtype=bool)
        return found

    def open_back_of(self, group: NDArray[Any]) -> NDArray[Any]:
        """The same by some rows of rules alone."""
        opened = np.zeros(256, dtype=bool)
        rows = [row for row in group.tolist() if self.openness.may_lead_back(self.rules[row].rule)]
        for row in rows:
            rule = self.rules[row].rule
            everything = rule.protocol == ANY_PROTOCOL
            if self._is_open(self.rules[row]) and rule.covers_protocol(0 if everything else rule.protocol):
                opened[slice(None) if everything else rule.protocol] = True
        if self.openness.rules is OpenRules.COVERED:
            opened |= self._full_protocols(self._full(np.array(rows, dtype=np.int64)))
        return opened

    def rows_by_group(self) -> dict[str, NDArray[Any]]:
        """The rows of the rules of each group."""
        ids = [rule.rule.group_id for rule in self.rules]
        return {each: np.array([row for row, other in enumerate(ids) if other == each]) for each in dict.fromkeys(ids)}

    def _is_open(self, rule: ResolvedRule) -> bool:
        return self.openness.is_open(rule.rule, rule.addresses, self.of.family)

    def _of_everyone(self, rows: NDArray[Any], named: NDArray[Any], back: _Back) -> NDArray[Any]:
        """The first of some rules that each admit every peer, by class of services."""
        found = np.full(len(self.services), -1)
        for row in reversed(rows.tolist()):
            found[self._paired(row, back)] = named[row]
        return found

    def _paired(self, row: int, back: _Back) -> NDArray[Any]:
        """The classes of services that a rule admits and that may go back."""
        mask = self.services.admitted(row)
        if self.openness.across_groups:
            return mask
        none = np.zeros(len(mask), dtype=bool)
        paired: NDArray[Any] = mask & back.get(self.rules[row].rule.group_id, none)
        return paired

    def _groups(self, back: _Back) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """The rows of rules that may cover everyone together, and the classes of services for which they may."""
        if self.openness.across_groups:
            return [(np.arange(len(self.rules)), np.ones(len(self.services), dtype=bool))]
        rows, none = self.rows_by_group(), np.zeros(0, dtype=np.int64)
        return [(rows.get(group_id, none), in_group) for group_id, in_group in back.items()]

    def _full(self, rows: NDArray[Any]) -> NDArray[Any]:
        """For each class of services, whether rules leave out no address; references never count."""
        counts = np.zeros(len(self.rules), dtype=bool)
        counts[rows] = [not isinstance(self.rules[row].rule.peer, GroupReference) for row in rows.tolist()]
        claims = evolve(self.of.claims, peers=np.where(counts, self.of.claims.peers, -1))
        full = np.ones(len(self.services), dtype=bool)
        for runs in cross(claims, self.of.peers.members):
            full &= runs.has_everywhere(runs.values < len(self.rules), len(full))
        return full

    def _full_protocols(self, full: NDArray[Any]) -> NDArray[Any]:
        opened = np.zeros(256, dtype=bool)
        for protocol in range(256) if full.any() else ():
            first = FIRST_SERVICE.get(Protocol(protocol)) if protocol in FIRST_SERVICE else None
            where = self.services.at(PROTOCOL_FROM + protocol, 1) if first is None else self.services.at(first, 65536)
            opened[protocol] = full[where].all()
        return opened

    def _by_stages(self, stages: Sequence[_Stage], named: NDArray[Any]) -> Iterator[Runs]:
        """A cross table of rules that are asked stage by stage."""
        order: list[int] = []
        says: list[int] = []
        ranges: list[NDArray[Any]] = []
        for stage in stages:
            for row in stage.rows.tolist():
                mask = self.services.admitted(row)
                if stage.services is not None:
                    mask &= stage.services
                order.append(row)
                says.append(named[row] if stage.said is None else stage.said)
                ranges.append(np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2))
        flat = np.concatenate([np.zeros((0, 2), np.int64), *ranges])
        claims = Claims(
            self.of.claims.peers[np.array(order, dtype=np.int64)],
            np.arange(len(order)),
            np.concatenate([[0], np.cumsum([len(each) for each in ranges])]).astype(np.int64),
            flat[:, 0],
            flat[:, 1],
            len(self.services),
            self.services.spaces,
        )
        said = np.array([*says, -1], dtype=np.int64)
        return (runs.saying(said[runs.values]) for runs in cross(claims, self.of.peers.members))
