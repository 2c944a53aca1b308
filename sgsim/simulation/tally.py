"""Counting decisions batch by batch."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from attrs import define, field

from sgsim.model.columns import Column, DecisionColumns, PacketColumns, packet_at
from sgsim.model.decision import VERDICT_OF_REASON, Reason, Verdict
from sgsim.model.rule_ref import RuleRef
from sgsim.simulation.epochs import identity
from sgsim.simulation.summary import FirstPacket, PacketCounts, ReasonCount

HITS = (Reason.RULE, Reason.UNTRACKED, Reason.PRESUMED)
"""Reasons that say that rules judged the packet and let it pass."""


def first_packet(packets: PacketColumns, row: int, files: Sequence[str]) -> FirstPacket:
    """Name one packet of a batch."""
    packet = packet_at(packets, row)
    return FirstPacket(
        file=files[int(packets.file[row])],
        number=int(packets.number[row]),
        time_ns=int(packets.time_ns[row]),
        text=str(packet) if packet is not None else "",
    )


@define
class ReasonTally:
    """How often each reason decided, and where first."""

    files: Sequence[str]
    read: int = 0
    evaluated: int = 0
    decisions: Counter[int] = field(factory=Counter)
    bytes: Counter[int] = field(factory=Counter)
    first: dict[int, FirstPacket] = field(factory=dict)
    allowed: int = 0
    denied: int = 0

    def add(self, packets: PacketColumns, decisions: DecisionColumns, read: int | None = None) -> None:
        """Count a batch; `read` is how many of its packets count, if not all."""
        self.read += len(packets.time_ns) if read is None else read
        judged = decisions.row[decisions.verdict != Verdict.SKIP]  # in order, so equal ones are neighbours
        self.evaluated += int(np.count_nonzero(np.diff(judged))) + bool(len(judged))
        self.allowed += int(np.count_nonzero(decisions.verdict == Verdict.ALLOW))
        self.denied += int(np.count_nonzero(decisions.verdict == Verdict.DENY))
        counts = np.bincount(decisions.reason)
        sizes = np.bincount(decisions.reason, weights=packets.length_bytes[decisions.row])
        for reason in np.flatnonzero(counts).tolist():
            self.decisions[reason] += int(counts[reason])
            self.bytes[reason] += int(sizes[reason])
            if reason not in self.first:
                first = int(np.argmax(decisions.reason == reason))
                self.first[reason] = first_packet(packets, int(decisions.row[first]), self.files)

    def packet_counts(self, late: int, largest_step_back_ns: int) -> PacketCounts:
        """Every packet, once."""
        return PacketCounts(
            read=self.read,
            evaluated=self.evaluated,
            skipped=self.read - self.evaluated,
            decisions=sum(self.decisions.values()),
            allowed=self.allowed,
            denied=self.denied,
            late=late,
            largest_step_back_ns=largest_step_back_ns,
        )

    def reason_counts(self) -> tuple[ReasonCount, ...]:
        """One for each reason that occurred, in the order of the list of reasons."""
        return tuple(
            ReasonCount(
                reason=str(reason),
                verdict=str(VERDICT_OF_REASON.get(reason, "mixed")),
                decisions=self.decisions[reason],
                bytes=self.bytes[reason],
                first=self.first[reason],
            )
            for reason in Reason
            if self.decisions[reason]
        )


@define
class UsageTally:
    """Hits, bytes and last hit of each rule, by its index in the engine."""

    hits: Counter[int] = field(factory=Counter)
    bytes: Counter[int] = field(factory=Counter)
    last_ns: dict[int, int] = field(factory=dict)

    def add(self, packets: PacketColumns, decisions: DecisionColumns) -> None:
        """Count a batch."""
        is_hit = np.isin(decisions.reason, HITS) & (decisions.rule >= 0)
        rules, rows = decisions.rule[is_hit], decisions.row[is_hit]
        if not len(rules):
            return
        hits = np.bincount(rules)
        sizes = np.bincount(rules, weights=packets.length_bytes[rows])
        last = np.full(len(hits), np.iinfo(np.int64).min)
        np.maximum.at(last, rules, packets.time_ns[rows])
        for rule in np.flatnonzero(hits).tolist():
            self.hits[rule] += int(hits[rule])
            self.bytes[rule] += int(sizes[rule])
            self.last_ns[rule] = max(self.last_ns.get(rule, int(last[rule])), int(last[rule]))

    def of(self, rules: Sequence[RuleRef]) -> dict[RuleRef, tuple[int, int, int]]:
        """Hits, bytes and last hit by rule apart from its description, of those that were hit."""
        found: dict[RuleRef, tuple[int, int, int]] = {}
        for rule in self.hits:
            hits, size, last_ns = found.get(identity(rules[rule]), (0, 0, self.last_ns[rule]))
            found[identity(rules[rule])] = (
                hits + self.hits[rule],
                size + self.bytes[rule],
                max(last_ns, self.last_ns[rule]),
            )
        return found


@define
class InterfaceTally:
    """Verdicts at each interface, by its index in the engine."""

    verdicts: Counter[tuple[int, int]] = field(factory=Counter)

    def add(self, decisions: DecisionColumns) -> None:
        """Count a batch."""
        pairs: Column = decisions.interface.astype(np.int64) * 4 + decisions.verdict
        values, counts = np.unique(pairs[decisions.interface >= 0], return_counts=True)
        for value, number in zip(values.tolist(), counts.tolist(), strict=True):
            self.verdicts[divmod(value, 4)] += number


@define
class Tallies:
    """All that is counted of decisions."""

    files: Sequence[str]
    reasons: ReasonTally = field(init=False)
    usage: UsageTally = field(init=False, factory=UsageTally)
    interfaces: InterfaceTally = field(init=False, factory=InterfaceTally)

    def __attrs_post_init__(self) -> None:
        """Begin with nothing."""
        self.reasons = ReasonTally(self.files)

    def add(
        self,
        packets: PacketColumns,
        decisions: DecisionColumns,
        *,
        interfaces: int,  # noqa: ARG002  # what its compiled twin needs
        rules: int,  # noqa: ARG002  # as above
        read: int | None = None,
    ) -> None:
        """Count a batch of an engine that knows so many interfaces and rules; `read` as in `ReasonTally`."""
        self.reasons.add(packets, decisions, read)
        self.usage.add(packets, decisions)
        self.interfaces.add(decisions)

    def add_bytes(self, decisions: DecisionColumns, sizes: Column) -> None:
        """Count bytes beyond those of `length_bytes`, for the packets that `decisions.row` counts."""
        for row, reason, rule in zip(
            *(column.tolist() for column in (decisions.row, decisions.reason, decisions.rule)), strict=True
        ):
            self.reasons.bytes[reason] += int(sizes[row])
            if reason in HITS and rule >= 0:
                self.usage.bytes[rule] += int(sizes[row])
