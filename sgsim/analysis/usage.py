"""Which rules are used: hits, hits that no other rule would have taken, bytes, first and last hit.

A hit is a packet that rules judged and let pass; packets of a tracked flow pass by its entry and are no hits, but are
counted as carried by the rule that admitted the flow. Every peer of an AWS permission is a rule of its own here, so a
permission with several ranges is counted range by range.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from attrs import define, field, frozen

from sgsim.analysis.admitting import AdmittingCounts
from sgsim.analysis.observed import openings
from sgsim.model.address import Family
from sgsim.model.decision import Verdict
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory, check_inventory
from sgsim.rules.match import RuleMatcher
from sgsim.rules.resolve import Resolver
from sgsim.simulation.api import TrafficOptions, inputs_of, traffic_options
from sgsim.simulation.driver import Wanted, run
from sgsim.simulation.epochs import Held, held_rules, identity
from sgsim.simulation.summary import PacketCounts

if TYPE_CHECKING:
    from sgsim.engine.base import Engine
    from sgsim.engine.options import EngineOptions
    from sgsim.model.columns import DecisionColumns, PacketColumns
    from sgsim.simulation.summary import Summary


@frozen(kw_only=True)
class RuleUse:
    """How much one rule was used."""

    rule_id: str
    group_id: str
    direction: str
    text: str
    description: str
    place: str
    """Where it stands in its document, or in that of the change that brought it."""
    hits: int
    """Packets that it let pass."""
    unique_hits: int
    """Of these, packets that no other rule of the interface admits."""
    hit_bytes: int
    """Bytes of the hits."""
    carried_packets: int
    """Packets that passed because of it: its hits, and packets of tracked flows that it admitted."""
    carried_bytes: int
    first_hit_ns: int | None
    last_hit_ns: int | None
    """None if it was never hit."""
    saw_traffic: bool
    """Whether any interface that carries its group met a packet; if none did, no hits say nothing."""
    held_from_ns: int | None = None
    """The change that brought it; None if it was there from the beginning."""
    held_until_ns: int | None = None
    """The change that took it away; None if it was there at the end."""


@frozen(kw_only=True)
class Usage:
    """How much every rule was used by some traffic."""

    profile: str
    files: tuple[str, ...]
    start_ns: int | None
    end_ns: int | None
    packets: PacketCounts
    unit: str = "packet"
    """What is counted: `record` where the traffic is flow logs."""
    rules: tuple[RuleUse, ...]
    """Every rule that groups of interfaces had at some time, in the order of the documents."""
    notes: tuple[str, ...] = ()
    broken: str | None = None

    @property
    def never_hit(self) -> tuple[RuleUse, ...]:
        """The rules that no packet needed."""
        return tuple(rule for rule in self.rules if not rule.hits)


def usage(
    rules: Inventory,
    traffic: object,
    *,
    engine: str = "auto",
    changes: Iterable[Change] = (),
    **options: Unpack[TrafficOptions],
) -> Usage:
    """Count how much each rule is used by some traffic.

    Args:
        rules: What `sgsim.load` gives.
        traffic: As `sgsim.replay` takes it.
        engine: `reference`, `compiled` or `auto`; the answers are equal.
        changes: Rules that take over while the traffic runs.
        **options: Profile, capacity, timeouts and how recordings are understood.

    Raises:
        SourceError: If nothing of the traffic can be read.
        NoTrafficError: If no packet touches a known interface.
        UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
    """
    check_inventory(rules)
    return usage_of(rules, inputs_of(traffic), traffic_options(**options), engine=engine, changes=list(changes))


def usage_of(
    inventory: Inventory,
    traffic: Sequence[Any],
    options: "EngineOptions",
    *,
    engine: str = "auto",
    changes: Sequence[Change] = (),
    watch: Callable[[int], None] | None = None,
) -> Usage:
    """Count how much each rule is used; arguments as `sgsim.simulation.driver.run` takes them."""
    tally = _Tally(inventory, list(changes))
    wanted = Wanted(see=tally.see)
    summary = run(inventory, traffic, options, engine=engine, wanted=wanted, changes=changes, watch=watch).summary
    return Usage(
        profile=summary.profile,
        files=summary.files,
        start_ns=summary.start_ns,
        end_ns=summary.end_ns,
        packets=summary.packets,
        unit="packet" if summary.records is None else "record",
        rules=tuple(_uses(tally, summary)),
        notes=summary.notes,
        broken=summary.broken,
    )


@define
class _Tally:
    """Counts batch by batch, under the rules that hold in each."""

    inventory: Inventory
    _changes: list[Change]
    hits: Counter[int] = field(init=False, factory=Counter)
    unique: Counter[int] = field(init=False, factory=Counter)
    hit_bytes: Counter[int] = field(init=False, factory=Counter)
    carried: Counter[int] = field(init=False, factory=Counter)
    carried_bytes: Counter[int] = field(init=False, factory=Counter)
    first_ns: dict[int, int] = field(init=False, factory=dict)
    last_ns: dict[int, int] = field(init=False, factory=dict)
    refs: Sequence[RuleRef] = field(init=False, default=())
    epochs: list[tuple[int | None, Inventory]] = field(init=False, factory=list)
    """When each inventory began to hold."""
    _start_ns: int | None = field(init=False, default=None)
    _clock_ns: int = field(init=False, default=0)
    _admitting: dict[tuple[str, Direction], AdmittingCounts] = field(init=False, factory=dict)

    def see(self, packets: "PacketColumns", decisions: "DecisionColumns", engine: "Engine") -> None:
        """Count a batch; the driver cuts batches at changes."""
        if not len(packets.time_ns):
            return
        self._turn_to(int(packets.time_ns[0]))
        self._clock_ns = max(self._clock_ns, int(packets.time_ns.max()))
        self.refs = engine.rules
        allowed = (decisions.verdict == Verdict.ALLOW) & (decisions.rule >= 0)
        _add(self.carried, decisions.rule[allowed])
        _add(self.carried_bytes, decisions.rule[allowed], packets.length_bytes[decisions.row[allowed]])
        found = openings(packets, decisions)
        if not len(found.row):
            return
        _add(self.hits, found.rule)
        _add(self.hit_bytes, found.rule, packets.length_bytes[found.row])
        times = packets.time_ns[found.row]
        for rule in np.unique(found.rule).tolist():
            of_rule = times[found.rule == rule]
            self.first_ns.setdefault(rule, int(of_rule.min()))
            self.last_ns[rule] = max(self.last_ns.get(rule, int(of_rule.max())), int(of_rule.max()))
        place = found.interface.astype(np.int64) * 256 + found.direction * 16 + found.family
        for key in np.unique(place).tolist():
            rows = np.flatnonzero(place == key)
            interface_id, direction = engine.interface_ids[key // 256], Direction(key // 16 % 16)
            peers = _addresses(found.peer_hi[rows], found.peer_lo[rows])
            counts = self._counter(interface_id, direction).counts(Family(key % 16), peers, found.service[rows])
            _add(self.unique, found.rule[rows[counts == 1]])

    def _turn_to(self, time_ns: int) -> None:
        """Let hold what changes say at the clock."""
        if self._start_ns is None:
            self._start_ns = time_ns
            self._clock_ns = time_ns
            self.epochs.append((None, self.inventory))
            self._changes.sort(key=lambda change: change.at_ns(self._start_ns or 0))
        self._clock_ns = max(self._clock_ns, time_ns)
        while self._changes and self._changes[0].at_ns(self._start_ns) <= self._clock_ns:
            change = self._changes.pop(0)
            self.inventory = change.inventory
            self.epochs.append((change.at_ns(self._start_ns), change.inventory))
            self._admitting.clear()

    def _counter(self, interface_id: str, direction: Direction) -> AdmittingCounts:
        key = (interface_id, direction)
        if key not in self._admitting:
            matcher = RuleMatcher(self.inventory.interfaces[interface_id], Resolver(self.inventory))
            self._admitting |= {(interface_id, each): AdmittingCounts(matcher.rules[each]) for each in Direction}
        return self._admitting[key]


def _addresses(high: Any, low: Any) -> list[int]:  # noqa: ANN401  # columns
    if not high.any():
        return low.tolist()  # type: ignore[no-any-return]  # a column of integers
    return [upper << 64 | lower for upper, lower in zip(high.tolist(), low.tolist(), strict=True)]


def _add(counter: Counter[int], rules: Any, sizes: Any = None) -> None:  # noqa: ANN401  # columns
    if not len(rules):
        return
    sums = np.bincount(rules, weights=sizes)
    for rule in np.flatnonzero(sums).tolist():
        counter[rule] += int(sums[rule])


def _uses(tally: _Tally, summary: "Summary") -> Iterator[RuleUse]:
    """Every rule that a group in use had at some time."""
    met = {count.interface_id for count in summary.interfaces}
    carrying: dict[str, bool] = {}
    order: dict[str, int] = {}
    for _, inventory in tally.epochs:
        for interface in inventory.interfaces.values():
            for group_id in interface.group_ids:
                carrying[group_id] = carrying.get(group_id, False) or interface.interface_id in met
        for group_id in inventory.groups:
            order.setdefault(group_id, len(order))
    held = held_rules(tally.epochs)
    numbers: dict[RuleRef, list[int]] = {}
    for number in sorted(tally.carried.keys() | tally.hits.keys()):
        numbers.setdefault(identity(tally.refs[number]), []).append(number)
    for ref in sorted(held, key=lambda ref: order[ref.group_id]):
        yield _use(ref, held[ref], numbers.get(ref, []), tally, saw_traffic=carrying.get(ref.group_id, True))


def _use(ref: RuleRef, held: Held, numbers: list[int], tally: _Tally, *, saw_traffic: bool) -> RuleUse:
    first = [tally.first_ns[number] for number in numbers if number in tally.first_ns]
    last = [tally.last_ns[number] for number in numbers if number in tally.last_ns]
    return RuleUse(
        rule_id=ref.rule_id,
        group_id=ref.group_id,
        direction=str(ref.direction),
        text=ref.text,
        description=held.rule.description,
        place=held.rule.place,
        hits=sum(tally.hits[number] for number in numbers),
        unique_hits=sum(tally.unique[number] for number in numbers),
        hit_bytes=sum(tally.hit_bytes[number] for number in numbers),
        carried_packets=sum(tally.carried[number] for number in numbers),
        carried_bytes=sum(tally.carried_bytes[number] for number in numbers),
        first_hit_ns=min(first, default=None),
        last_hit_ns=max(last, default=None),
        saw_traffic=saw_traffic,
        held_from_ns=held.from_ns,
        held_until_ns=held.until_ns,
    )
