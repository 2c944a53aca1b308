"""How long established TCP flows were silent, and which packets came in the middle of no flow.

An entry is gone when it was idle for its timeout, so a flow whose packets stand `gap` apart is cut by every timeout of at
most `gap`. With the longest timeout that there is, gaps tell what shorter ones would do.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from attrs import define, evolve, field, frozen

from sgsim.model.columns import packet_at
from sgsim.model.decision import Reason
from sgsim.model.protocol import Protocol
from sgsim.model.states import TcpState

if TYPE_CHECKING:
    from sgsim.engine.base import Engine
    from sgsim.model.columns import DecisionColumns, PacketColumns

LEAST_GAP_NS: Final = 1_000_000_000
"""Shorter silences are not noted: no timeout is that short."""

_TRACKED: Final = (Reason.RULE, Reason.ESTABLISHED, Reason.PRESUMED)


@frozen(kw_only=True)
class IdleFlow:
    """A flow that was silent and went on."""

    interface_id: str
    flow: int
    gap_ns: int
    """Its longest silence."""
    packet: str
    """The packet that ended it, in one line."""
    file: str
    number: int
    rule_id: str
    """The rule that admitted the flow."""


@define
class IdleGaps:
    """Notes the longest silence of each established TCP flow."""

    gaps: dict[int, IdleFlow] = field(factory=dict)
    """By flow."""
    _last: dict[int, int] = field(factory=dict)
    """When each flow that is established was last seen."""
    _files: dict[int, int] = field(factory=dict)
    """In which input the longest silence of each flow ended."""

    def see(self, packets: "PacketColumns", decisions: "DecisionColumns", engine: "Engine") -> None:
        """Look at a batch, flow by flow in the order of time."""
        chosen = np.flatnonzero(
            (decisions.flow > 0)
            & np.isin(decisions.reason, _TRACKED)
            & (packets.protocol[decisions.row] == Protocol.TCP)
        )
        if not len(chosen):
            return
        order = chosen[np.argsort(decisions.flow[chosen], kind="stable")]
        flows = decisions.flow[order]
        times = np.maximum.accumulate(packets.time_ns)[decisions.row[order]]
        is_open = decisions.tcp_state[order] == TcpState.ESTABLISHED
        starts = np.flatnonzero(np.concatenate(([True], flows[1:] != flows[:-1])))
        gaps = np.zeros(len(order), dtype=np.int64)
        gaps[1:] = np.where((flows[1:] == flows[:-1]) & is_open[:-1], times[1:] - times[:-1], 0)
        for start in starts.tolist():
            last = self._last.get(int(flows[start]))
            gaps[start] = int(times[start]) - last if last is not None else 0
        for place in np.flatnonzero(gaps >= LEAST_GAP_NS).tolist():
            self._note(int(gaps[place]), int(order[place]), packets, decisions, engine)
        ends = np.concatenate((starts[1:], [len(order)])) - 1
        for flow, time_ns, still_open in zip(
            flows[ends].tolist(), times[ends].tolist(), is_open[ends].tolist(), strict=True
        ):
            if still_open:
                self._last[flow] = time_ns
            else:
                self._last.pop(flow, None)

    def _note(
        self, gap_ns: int, place: int, packets: "PacketColumns", decisions: "DecisionColumns", engine: "Engine"
    ) -> None:
        flow, row, rule = int(decisions.flow[place]), int(decisions.row[place]), int(decisions.rule[place])
        if flow in self.gaps and self.gaps[flow].gap_ns >= gap_ns:
            return
        self._files[flow] = int(packets.file[row])
        self.gaps[flow] = IdleFlow(
            interface_id=engine.interface_ids[int(decisions.interface[place])],
            flow=flow,
            gap_ns=gap_ns,
            packet=str(packet_at(packets, row)),
            file="",
            number=int(packets.number[row]),
            rule_id=engine.rules[rule].rule_id if rule >= 0 else "",
        )

    def longest(self, files: Sequence[str]) -> list[IdleFlow]:
        """All of them, the longest silence first; `files` are the names of the inputs."""
        named = (evolve(each, file=files[self._files[flow]]) for flow, each in self.gaps.items())
        return sorted(named, key=lambda each: (-each.gap_ns, each.flow))


@define
class MidstreamFlows:
    """Tells the flows apart whose packets were denied because they came in the middle of none."""

    packets: int = 0
    keys: set[tuple[int, ...]] = field(factory=set)

    def see(self, packets: "PacketColumns", decisions: "DecisionColumns", engine: "Engine") -> None:  # noqa: ARG002  # the driver's signature
        """Look at a batch."""
        chosen = np.flatnonzero(decisions.reason == Reason.MIDSTREAM)
        if not len(chosen):
            return
        self.packets += len(chosen)
        row = decisions.row[chosen]
        columns = (
            packets.src_hi[row], packets.src_lo[row], packets.src_port[row],
            packets.dst_hi[row], packets.dst_lo[row], packets.dst_port[row], decisions.interface[chosen],
        )  # fmt: skip
        for *ends, interface in zip(*(column.tolist() for column in columns), strict=True):
            one, other = tuple(ends[:3]), tuple(ends[3:])
            self.keys.add((*min(one, other), *max(one, other), interface))
