"""One step of a packet's way, ready to be told, and the words that many steps share."""

from typing import TypeVar

from attrs import frozen

from sgsim.analysis.explanation import Explanation, Stop
from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.tcp import Segment
from sgsim.model.protocol import ICMP_PROTOCOLS
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackDirection, TcpState
from sgsim.model.trace import TraceStep
from sgsim.report.decision_text import SEGMENTS, WAYS, group_text, length_text
from sgsim.report.units import counted

_Fact = TypeVar("_Fact")


@frozen
class Told:
    """A step, where it was taken and what it is part of."""

    stop: Stop
    step: TraceStep
    explanation: Explanation

    def fact(self, name: str, kind: type[_Fact]) -> _Fact:
        """A fact of the step.

        Raises:
            TypeError: If the step notes none of this name and kind.
        """
        value = self.step.facts.get(name)
        if not isinstance(value, kind):
            raise TypeError(f"fact {name!r} of step {self.step.step.value} must be {kind.__name__}, got {value!r}")
        return value

    @property
    def entry(self) -> ConntrackEntry:
        """The flow that the step is about, as it stood before the packet."""
        return self.fact("entry", ConntrackEntry)

    @property
    def side(self) -> str:
        """Which side of the flow has sent the packet."""
        is_original = self.entry.direction_of(self.stop.direction) is ConntrackDirection.ORIGINAL
        return "its opener" if is_original else "the other side"

    @property
    def packet_words(self) -> str:
        """The packet as a noun: `a SYN-ACK`, `a packet`."""
        segment = self.stop.segment
        return SEGMENTS[Segment(segment)] if segment is not None else "a packet"

    @property
    def way(self) -> str:
        """`inbound` or `outbound`."""
        return WAYS[self.stop.direction]

    def rule(self, rule: RuleRef) -> str:
        """A rule in a sentence, with its group."""
        return f"'{rule.text}' of {group_text(rule.group_id, self.explanation)}"

    def ago(self, time_ns: int) -> str:
        """How long before the packet something was."""
        return f"{length_text(self.stop.now_ns - time_ns)} before"

    def table(self, count: int, capacity: int | None) -> str:
        """How full the table is."""
        if capacity is None:
            taken = f"{counted(count, 'place')} of the table {'is' if count == 1 else 'are'} taken"
            return taken if count else "the table is empty"
        return f"{count} of the table's {counted(capacity, 'place')} {'is' if count == 1 else 'are'} taken"


def state_words(state: TcpState) -> str:
    """A state as people write it: SYN_SENT."""
    return state.name


def key_words(told: Told) -> str:
    """What a flow is found by."""
    protocol = told.stop.packet.five_tuple.protocol
    if protocol in ICMP_PROTOCOLS:
        return "these addresses and this identifier"
    return "these addresses and ports" if told.stop.segment is not None or protocol == 17 else "these addresses"
