"""Counting what network ACLs deny, by entry."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from attrs import define, field

from sgsim.model.columns import DecisionColumns, PacketColumns
from sgsim.model.decision import Reason
from sgsim.model.rule_ref import RuleRef
from sgsim.simulation.summary import AclUsage


@define
class EdgeTally:
    """Packets and bytes that each entry denied, by its index in the engine."""

    _packets: Counter[int] = field(factory=Counter)
    _bytes: Counter[int] = field(factory=Counter)

    def add(self, packets: PacketColumns, decisions: DecisionColumns) -> None:
        """Count a batch."""
        denied = np.flatnonzero(decisions.reason == Reason.NETWORK_ACL)
        if not len(denied):
            return
        entries, lengths = decisions.rule[denied], packets.length_bytes[decisions.row[denied]]
        counts, sizes = np.bincount(entries), np.bincount(entries, weights=lengths)
        for entry in np.flatnonzero(counts).tolist():
            self._packets[entry] += int(counts[entry])
            self._bytes[entry] += int(sizes[entry])

    def usage(self, rules: Sequence[RuleRef]) -> tuple[AclUsage, ...]:
        """The entries that denied anything, those that denied most first."""
        ranked = sorted(self._packets, key=lambda entry: (-self._packets[entry], rules[entry].rule_id))
        return tuple(
            AclUsage(
                rule_id=rules[entry].rule_id,
                network_acl_id=rules[entry].group_id,
                direction=str(rules[entry].direction),
                text=rules[entry].text,
                packets=self._packets[entry],
                bytes=self._bytes[entry],
            )
            for entry in ranked
        )
