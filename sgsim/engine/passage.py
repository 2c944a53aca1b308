"""What is known of one packet while it passes one interface."""

from attrs import define, evolve

from sgsim.conntrack.entry import ConntrackEntry, FlowKey
from sgsim.conntrack.tcp import Segment, segment_of
from sgsim.conntrack.tracking import TrackingChoice
from sgsim.model.decision import Decision, Reason
from sgsim.model.packet import Packet
from sgsim.model.protocol import Protocol
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.model.trace import Step, Trace
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule


@define
class Passage:
    """One packet on its way; the steps fill it in."""

    packet: Packet
    direction: Direction
    now_ns: int
    """The clock: at least the packet's own time."""
    key: FlowKey | None
    """None for packets that make no flow."""
    header: Header
    entry: ConntrackEntry | None
    """The flow that it belongs to, while it does."""
    trace: Trace | None = None
    """Where steps are noted; None if nobody asks."""
    segment: Segment | None = None
    """Of TCP."""
    refused: ConntrackEntry | None = None
    """A flow that was denied so far and that this packet tries again."""
    deleted: ConntrackEntry | None = None
    """A tracked flow that this packet ends at once."""
    quoted: ConntrackEntry | None = None
    """The flow that it is about, if it is an ICMP error."""
    opener: Direction | None = None
    """Which way the packet went that opened, or would have opened, its flow."""
    rule: ResolvedRule | None = None
    """The deciding rule, once one admits it."""
    barred_by: RuleRef | None = None
    """The entry of a network ACL that keeps it from leaving the subnet, if one does."""
    choice: TrackingChoice | None = None
    """How its flow is to be remembered, once that is decided."""
    as_new: bool = False
    """Whether its flow has just ended, so that it is judged as the first packet of another."""
    was_cut: bool = False
    """Whether its flow has just been cut."""
    is_invalid: bool = False
    """Whether rules judge it because its flags fit no flow."""
    is_unanswered: bool = False
    """Whether rules judge it because its flow was not answered yet."""

    @classmethod
    def of(
        cls, packet: Packet, direction: Direction, now_ns: int, key: FlowKey | None, trace: Trace | None
    ) -> "Passage":
        """A packet before its first step."""
        header = Header.of(packet.five_tuple, direction, packet.icmp_type, packet.icmp_code)
        if packet.is_later_fragment:
            header = header._replace(port=None, icmp_type=None, icmp_code=None)
        is_tcp = packet.five_tuple.protocol == Protocol.TCP
        segment = segment_of(packet.tcp_flags) if is_tcp else None
        return cls(packet, direction, now_ns, key, header, entry=None, trace=trace, segment=segment)

    def judge_as_new(self) -> None:
        """Go on as the first packet of another flow, as its own has just ended."""
        self.entry, self.as_new = None, True

    def is_barred(self, decision: Decision) -> bool:
        """Whether groups let it go and a network ACL did not."""
        return self.barred_by is not None and decision.reason is Reason.NETWORK_ACL

    def note(self, step: Step, outcome: str, **facts: object) -> None:
        """Tell a step to whoever asks; flows are told as they stand now, for they change."""
        if self.trace is not None:
            self.trace.add(step, outcome, **{name: _as_now(fact) for name, fact in facts.items()})


def _as_now(fact: object) -> object:
    if isinstance(fact, ConntrackEntry):
        return evolve(fact, packets=list(fact.packets), bytes=list(fact.bytes))
    return fact
