"""Counting decisions with compiled code: the same tallies, filled in one pass over each batch."""

from typing import Final

import numpy as np
from attrs import define, field

from sgsim.kernels.addresses import addresses
from sgsim.kernels.arrays import Counts
from sgsim.kernels.entry_points import count_decisions
from sgsim.model.columns import Column, DecisionColumns, PacketColumns
from sgsim.model.decision import Verdict
from sgsim.simulation.tally import HITS, Tallies, first_packet

_REASONS = 32
_VERDICTS = 4
_EARLIEST: Final = np.iinfo(np.int64).min


@define
class CompiledTallies(Tallies):
    """Tallies of what the compiled engine decides."""

    _counts: Counts | None = field(init=False, default=None)
    _addresses: Column | None = field(init=False, default=None)

    def add(
        self,
        packets: PacketColumns,
        decisions: DecisionColumns,
        *,
        interfaces: int,
        rules: int,
        read: int | None = None,
    ) -> None:
        """Count a batch."""
        counts = self._cleared(interfaces, rules)
        lists = addresses((*packets[:-1], *packets.quoted)), addresses(decisions), addresses(counts)
        count_decisions(*[*(each.ctypes.data for each in lists), len(decisions.row)])
        self.reasons.read += len(packets.time_ns) if read is None else read
        self._add_reasons(packets, decisions, counts)
        self._add_interfaces(counts)
        self._add_usage(counts)

    def _cleared(self, interfaces: int, rules: int) -> Counts:
        counts = self._counts
        if counts is None or len(counts.verdicts) < (1 + interfaces) * _VERDICTS or len(counts.hits) < 1 + rules:
            sizes = {"evaluated": 1, "verdicts": (1 + interfaces) * _VERDICTS}
            sizes |= dict.fromkeys(("hits", "hit_bytes", "last_ns"), 1 + rules)
            counts = Counts(*(np.zeros(sizes.get(name, _REASONS), dtype=np.int64) for name in Counts._fields))
            counts.is_hit[list(HITS)] = 1
            self._counts = counts
        for column in (counts.decisions, counts.bytes, counts.verdicts, counts.hits, counts.hit_bytes):
            column.fill(0)
        counts.last_ns.fill(_EARLIEST)
        return counts

    def _add_reasons(self, packets: PacketColumns, decisions: DecisionColumns, counts: Counts) -> None:
        tally = self.reasons
        tally.evaluated += int(counts.evaluated[0])
        by_verdict = counts.verdicts.reshape(-1, _VERDICTS).sum(axis=0)
        tally.allowed += int(by_verdict[Verdict.ALLOW])
        tally.denied += int(by_verdict[Verdict.DENY])
        for reason in np.flatnonzero(counts.decisions).tolist():
            tally.decisions[reason] += int(counts.decisions[reason])
            tally.bytes[reason] += int(counts.bytes[reason])
            if reason not in tally.first:
                tally.first[reason] = first_packet(packets, int(decisions.row[counts.first[reason]]), tally.files)

    def _add_interfaces(self, counts: Counts) -> None:
        for place in np.flatnonzero(counts.verdicts[_VERDICTS:]).tolist():
            self.interfaces.verdicts[divmod(place, _VERDICTS)] += int(counts.verdicts[_VERDICTS + place])

    def _add_usage(self, counts: Counts) -> None:
        tally = self.usage
        for rule in np.flatnonzero(counts.hits[1:]).tolist():
            last_ns = int(counts.last_ns[1 + rule])
            tally.hits[rule] += int(counts.hits[1 + rule])
            tally.bytes[rule] += int(counts.hit_bytes[1 + rule])
            tally.last_ns[rule] = max(tally.last_ns.get(rule, last_ns), last_ns)
