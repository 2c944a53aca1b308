"""The narrowest rules that still carry some traffic, proved by replaying it.

Each rule is replaced by rules inside it that carry the openings it let pass, so the new rules admit nothing that the old
ones did not. What they deny of what was seen is found by a replay, and whatever rule it was is given back as it was, until
nothing seen is denied. The end of the traffic can be held out, to see what the new rules would have denied of it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from attrs import define, evolve, field, frozen

from sgsim.analysis.narrowing import DEFAULT_KNOBS, Knobs, Seen, narrowed
from sgsim.analysis.observed import openings
from sgsim.errors import ConfigError
from sgsim.model.columns import packet_at
from sgsim.model.decision import Verdict
from sgsim.rules.inventory import Inventory, check_inventory
from sgsim.rules.rule import Rule
from sgsim.simulation.api import TrafficOptions, inputs_of, traffic_options
from sgsim.simulation.driver import Wanted, run

if TYPE_CHECKING:
    from sgsim.engine.base import Engine
    from sgsim.engine.options import EngineOptions
    from sgsim.model.columns import Column, DecisionColumns, PacketColumns
    from sgsim.simulation.recorder import See
    from sgsim.simulation.summary import Summary

EXAMPLES = 5
"""How many newly denied packets are told of each part."""


@frozen(kw_only=True)
class Denied:
    """A packet that the old rules let pass and the new ones do not."""

    file: str
    number: int
    interface_id: str
    packet: str
    rule_id: str
    """The rule that let it pass."""


@frozen(kw_only=True)
class Replayed:
    """One part of the traffic under the new rules."""

    passed: int
    """Decisions that let a packet pass under the old rules."""
    newly_denied: int
    """Of these, how many do not under the new ones."""
    examples: tuple[Denied, ...]


@frozen(kw_only=True)
class Replacement:
    """What becomes of one rule."""

    group_id: str
    direction: str
    rule_id: str
    text: str
    description: str
    place: str
    outcome: str
    """`kept`, `narrowed`, `removed`, `given back` (narrowing it would deny what was seen), or `not seen` (no interface of
    its group met a packet, so it stays)."""
    flows: int
    """Openings that it let pass in the part that was learned from."""
    new: tuple[str, ...]
    """What stands in its place, in words."""


@frozen(kw_only=True)
class Tightening:
    """Rules before and after."""

    profile: str
    files: tuple[str, ...]
    unit: str = "packet"
    """What is counted: `record` where the traffic is flow logs."""
    learned_until_ns: int | None
    """From this time on the traffic was held out; None if all of it was learned from."""
    rules_before: int
    rules_after: int
    peak_before: int
    """Places that all tables together took at their peaks under the old rules."""
    peak_after: int
    """The same under the new ones: narrower rules track flows that open ones leave untracked."""
    replacements: tuple[Replacement, ...]
    learned: Replayed
    """0 newly denied, unless a least count has left something out."""
    held_out: Replayed | None
    tcp: int = 0
    """Records of TCP, where the traffic is flow logs."""
    tcp_without_flags: int = 0
    """Those whose log tells no `tcp-flags`, so that nobody sees a connection close."""
    notes: tuple[str, ...] = ()
    broken: str | None = None
    inventory: Inventory = field(repr=False, eq=False)
    """With the new rules; no part of what is written as JSON."""


def tighten(
    rules: Inventory,
    traffic: object,
    *,
    knobs: Knobs = DEFAULT_KNOBS,
    hold_out: float = 0.2,
    engine: str = "auto",
    **options: Unpack[TrafficOptions],
) -> Tightening:
    """Find the narrowest rules that carry some traffic.

    Args:
        rules: What `sgsim.load` gives.
        traffic: As `sgsim.replay` takes it; it is read several times, so not a stream.
        knobs: How narrow is narrow enough.
        hold_out: Share of the time, at its end, that is not learned from.
        engine: `reference`, `compiled` or `auto`; the answers are equal.
        **options: Profile, capacity, timeouts and how recordings are understood.

    Raises:
        SourceError: If nothing of the traffic can be read.
        NoTrafficError: If no packet touches a known interface.
        UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
        ConfigError: If nothing passes of what is to be learned from.
    """
    check_inventory(rules)
    return tighten_rules(
        rules, inputs_of(traffic), traffic_options(**options), knobs=knobs, hold_out=hold_out, engine=engine
    )


def tighten_rules(
    inventory: Inventory,
    traffic: Sequence[Any],
    options: "EngineOptions",
    *,
    knobs: Knobs = DEFAULT_KNOBS,
    hold_out: float = 0.2,
    engine: str = "auto",
    watch: Callable[[int], None] | None = None,
) -> Tightening:
    """Find the narrowest rules; arguments as `sgsim.simulation.driver.run` takes them, and `tighten`."""

    def replay(known: Inventory, see: "See | None" = None) -> "Summary":
        return run(known, traffic, options, engine=engine, wanted=Wanted(see=see), watch=watch).summary

    until_ns = None
    if hold_out > 0:
        timed = replay(inventory)
        until_ns = _boundary(timed.start_ns, timed.end_ns, hold_out)
    learning = _Learning(inventory, until_ns)
    summary = replay(inventory, learning.see)
    unit = "packet" if summary.records is None else "record"
    if not learning.learned:
        hint = "" if until_ns is None else " outside the part that is held out (--hold-out 0 holds out none)"
        raise ConfigError(f"traffic must have {unit}s that pass, to learn from, got none{hint}")
    met = {count.interface_id for count in summary.interfaces}
    proposal = _Proposal(inventory, learning, knobs, met)
    while True:
        proof = _Proof(learning, until_ns, summary.files)
        after = replay(proposal.inventory(), proof.see)
        if knobs.least > 1 or not proof.denied_rules or not proposal.give_back(proof.denied_rules):
            break
    held_out = proof.part(held_out=True) if until_ns is not None else None
    new = proposal.inventory()
    return Tightening(
        profile=summary.profile,
        files=summary.files,
        unit=unit,
        learned_until_ns=until_ns,
        rules_before=_count(inventory),
        rules_after=_count(new),
        peak_before=_peak(summary),
        peak_after=_peak(after),
        replacements=proposal.replacements(),
        learned=proof.part(held_out=False),
        held_out=held_out,
        tcp=summary.records.tcp if summary.records else 0,
        tcp_without_flags=summary.records.tcp_without_flags if summary.records else 0,
        notes=summary.notes,
        broken=summary.broken,
        inventory=new,
    )


def _boundary(start_ns: int | None, end_ns: int | None, hold_out: float) -> int | None:
    if start_ns is None or end_ns is None:
        return None
    return start_ns + round((end_ns - start_ns) * (1 - hold_out)) + 1


def _peak(summary: "Summary") -> int:
    return sum(table.peak for table in summary.tables)


def _count(inventory: Inventory) -> int:
    return sum(len(group.rules) for group in inventory.groups.values())


@define
class _Learning:
    """What each rule let pass before the boundary, and every decision that let a packet pass."""

    inventory: Inventory
    until_ns: int | None
    seen: dict[Rule, Seen] = field(init=False, factory=dict)
    passed: "list[tuple[Column, Column]]" = field(init=False, factory=list)
    """For each batch: which decisions let a packet pass (row and interface in one number), and their rules."""
    rules: Sequence[Any] = field(init=False, default=())
    _by_ref: dict[Any, Rule] = field(init=False)
    _last_flow: int = field(init=False, default=0)
    learned: int = field(init=False, default=0)
    """How many of them were before the boundary."""

    @_by_ref.default
    def _find_rules(self) -> dict[Any, Rule]:
        return {rule.ref(): rule for group in self.inventory.groups.values() for rule in group.rules}

    def rule_of(self, number: int) -> Rule | None:
        """The rule that the engine counts as `number`."""
        return self._by_ref.get(self.rules[number]) if number >= 0 else None

    def see(self, packets: "PacketColumns", decisions: "DecisionColumns", engine: "Engine") -> None:
        """Learn from a batch."""
        self.rules = engine.rules
        allowed = decisions.verdict == Verdict.ALLOW
        self.passed.append((_codes(decisions)[allowed], decisions.rule[allowed]))
        is_early = packets.time_ns[decisions.row[allowed]] < self.until_ns if self.until_ns is not None else allowed
        self.learned += int(np.count_nonzero(is_early))
        found = openings(packets, decisions)
        first_new, self._last_flow = self._last_flow + 1, max(self._last_flow, int(decisions.flow.max(initial=0)))
        if self.until_ns is not None:
            early = packets.time_ns[found.row] < self.until_ns
            found = found._replace(**{name: getattr(found, name)[early] for name in found._fields})
        if not len(found.row):
            return
        columns = [found.rule, found.family, found.peer_hi, found.peer_lo, found.service]
        order = np.lexsort(columns[::-1])
        ordered = [column[order] for column in columns]
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in ordered])
        starts = np.flatnonzero(is_first)
        opens = np.add.reduceat(_is_first(found.flow, first_new)[order].astype(np.int64), starts)
        for rule, family, high, low, service, flows in zip(
            *(column[starts].tolist() for column in ordered), opens.tolist(), strict=True
        ):
            known = self.rule_of(rule)
            if known is not None:
                self.seen.setdefault(known, Seen()).add(family, high << 64 | low, service, flows)


def _is_first(flow: "Column", first_new: int) -> "Column":
    """Which packets are the first of their flows, and those of none; open rules judge every packet of a flow."""
    found: Column = flow == 0
    _, firsts = np.unique(flow, return_index=True)
    found[firsts[flow[firsts] >= first_new]] = True
    return found


def _codes(decisions: "DecisionColumns") -> "Column":
    """Packet and interface of each decision in one number, and which way it passed."""
    places = decisions.interface.astype(np.int64) * 4 + decisions.direction
    return decisions.row.astype(np.int64) << 32 | places & 0xFFFFFFFF


@define
class _Proposal:
    """New rules in the place of the old."""

    old: Inventory
    learning: _Learning
    knobs: Knobs
    met: set[str]
    _given_back: set[Rule] = field(init=False, factory=set)
    _new: dict[Rule, tuple[Rule, ...]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Narrow every rule of a group whose interfaces met traffic."""
        seen_groups = {
            group_id
            for interface in self.old.interfaces.values()
            if interface.interface_id in self.met
            for group_id in interface.group_ids
        }
        for group in self.old.groups.values():
            for rule in group.rules if group.group_id in seen_groups else ():
                self._new[rule] = narrowed(rule, self.learning.seen.get(rule, Seen()), self.knobs)

    def new_rules(self, rule: Rule) -> tuple[Rule, ...]:
        """What stands in the place of a rule."""
        return (rule,) if rule in self._given_back else self._new.get(rule, (rule,))

    def inventory(self) -> Inventory:
        """The network with the new rules; of equal ones in a group the first stays."""
        groups = {
            key: evolve(group, rules=dict.fromkeys(new for rule in group.rules for new in self.new_rules(rule)))
            for key, group in self.old.groups.items()
        }
        return evolve(self.old, groups=groups)

    def give_back(self, rules: set[Rule]) -> bool:
        """Give rules back as they were; where they are already, all of their groups. False if nothing is left to give."""
        fresh = {rule for rule in rules if self.new_rules(rule) != (rule,)}
        if not fresh:
            groups = {rule.group_id for rule in rules} or set(self.old.groups)
            fresh = {rule for rule in self._new if rule.group_id in groups and self.new_rules(rule) != (rule,)}
        if not fresh:
            fresh = {rule for rule in self._new if self.new_rules(rule) != (rule,)}
        self._given_back |= fresh
        return bool(fresh)

    def replacements(self) -> tuple[Replacement, ...]:
        """What becomes of each rule, in the order of the documents."""
        return tuple(self._replacement(rule) for group in self.old.groups.values() for rule in group.rules)

    def _replacement(self, rule: Rule) -> Replacement:
        new = self.new_rules(rule)
        if rule not in self._new:
            outcome = "not seen"
        elif rule in self._given_back:
            outcome = "given back"
        elif not new:
            outcome = "removed"
        else:
            outcome = "kept" if new == (rule,) else "narrowed"
        seen = self.learning.seen.get(rule)
        return Replacement(
            group_id=rule.group_id,
            direction=str(rule.direction),
            rule_id=rule.name,
            text=rule.text,
            description=rule.description,
            place=rule.place,
            outcome=outcome,
            flows=seen.flows if seen is not None else 0,
            new=tuple(each.text for each in new),
        )


@define
class _Proof:
    """Compares, batch by batch, what passes now with what passed."""

    learning: _Learning
    until_ns: int | None
    files: Sequence[str]
    denied_rules: set[Rule] = field(init=False, factory=set)
    """Old rules of what was learned from and no longer passes."""
    _batch: int = field(init=False, default=0)
    _passed: list[int] = field(init=False, factory=lambda: [0, 0])
    _denied: list[int] = field(init=False, factory=lambda: [0, 0])
    _examples: tuple[list[Denied], list[Denied]] = field(init=False, factory=lambda: ([], []))

    def see(self, packets: "PacketColumns", decisions: "DecisionColumns", engine: "Engine") -> None:
        """Compare a batch."""
        before, rules = self.learning.passed[self._batch]
        self._batch += 1
        now = _codes(decisions)[decisions.verdict == Verdict.ALLOW]
        lost = ~np.isin(before, now)
        rows = before >> 32
        late = packets.time_ns[rows] >= self.until_ns if self.until_ns is not None else np.zeros(len(rows), dtype=bool)
        for part in (0, 1):
            here = late == bool(part)
            self._passed[part] += int(np.count_nonzero(here))
            denied = np.flatnonzero(here & lost)
            self._denied[part] += len(denied)
            self._note(part, denied, before, rules, packets, engine)

    def _note(self, part: int, denied: Any, codes: Any, rules: Any, packets: Any, engine: Any) -> None:  # noqa: ANN401  # columns
        if not part:
            for number in np.unique(rules[denied]).tolist():
                rule = self.learning.rule_of(number)
                if rule is not None:
                    self.denied_rules.add(rule)
            if len(denied) and not self.denied_rules:
                self.denied_rules |= set(self.learning.seen)
        for index in denied[: EXAMPLES - len(self._examples[part])].tolist():
            row, place = int(codes[index]) >> 32, int(codes[index]) & 0xFFFFFFFF
            rule = self.learning.rule_of(int(rules[index]))
            self._examples[part].append(
                Denied(
                    file=self.files[int(packets.file[row])],
                    number=int(packets.number[row]),
                    interface_id=engine.interface_ids[place // 4],
                    packet=str(packet_at(packets, row)),
                    rule_id=rule.name if rule is not None else "",
                )
            )

    def part(self, *, held_out: bool) -> Replayed:
        """What came of one part of the traffic."""
        return Replayed(
            passed=self._passed[held_out], newly_denied=self._denied[held_out], examples=tuple(self._examples[held_out])
        )
