"""What an explanation is made of: facts about a packet, one `Stop` for each interface that judged it."""

from collections.abc import Mapping

from attrs import frozen

from sgsim.analysis.near_miss import NearMiss
from sgsim.conntrack.entry import ConntrackEntry, FlowKey
from sgsim.conntrack.profile import Profile
from sgsim.conntrack.tcp import Segment, segment_of
from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.reference import EndedFlow
from sgsim.model.decision import Decision, Verdict
from sgsim.model.interface import Interface
from sgsim.model.packet import Packet
from sgsim.model.path import PathLabel
from sgsim.model.protocol import Protocol
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.model.trace import Step, TraceStep
from sgsim.rules.rule import Rule


@frozen(kw_only=True)
class TableNow:
    """The connection-tracking table after the packet."""

    count: int
    capacity: int | None
    next_free_ns: int | None
    """When the next entry runs out if its flow stays silent; None if the table is empty."""


@frozen(kw_only=True)
class Stop:
    """One interface on the way of a packet."""

    interface: Interface
    direction: Direction
    decision: Decision
    packet: Packet
    now_ns: int
    """The clock, nanoseconds since the epoch."""
    profile: Profile
    timeouts: Timeouts
    steps: tuple[TraceStep, ...]
    """Those that were taken, the last of which answered. Flows among their facts are as they stood before the packet."""
    path: PathLabel
    """What lies between the interface and the peer."""
    key: FlowKey | None
    """What finds its flow; None if it makes none."""
    flow: ConntrackEntry | None
    """The packet's flow after it; None if none is remembered."""
    ended: EndedFlow | None
    """How the last flow with this key ended, if it did before this packet and was not opened anew since."""
    table: TableNow
    admitting: tuple[RuleRef, ...]
    """Every rule that admits the packet by itself, in stable order, whether or not rules were asked."""
    rules_count: int
    """How many rules the groups have in the packet's direction."""
    way_back: Mapping[Direction, RuleRef]
    """For each way that the opener's packets may go: the rule that leaves the other way open to everyone, if one does."""
    answers_denied_by: RuleRef | None = None
    """The entry of a network ACL that denies what answers the packet, if the packet passes and one does."""
    near_misses: tuple[NearMiss, ...] = ()
    """For a denial by rules: the rules, nearest first; for an answer to nothing: those of what it answers."""
    smallest_rule: Rule | None = None
    """The narrowest rule that would have let the packet pass here; None if no rule would."""

    def step(self, step: Step) -> TraceStep | None:
        """The step of this name, if it was taken."""
        return next((taken for taken in self.steps if taken.step is step), None)

    @property
    def segment(self) -> Segment | None:
        """What its TCP flags make of it; None for other protocols."""
        return segment_of(self.packet.tcp_flags) if self.packet.five_tuple.protocol == Protocol.TCP else None


@frozen(kw_only=True)
class Frame:
    """Where a recorded packet stands in its traffic."""

    file: str
    number: int
    after_ns: int
    """Time since the first packet of the traffic."""
    late_ns: int
    """How far its time is before the clock; 0 if it is not."""
    is_record: bool = False
    """Whether it is the lead of a flow-log record, and `number` that of its line."""
    notes: tuple[str, ...] = ()
    """What should be known of the files: such as are given twice."""


@frozen(kw_only=True)
class Explanation:
    """The way of one packet past every interface that it touches."""

    packet: Packet | None
    """None if it could not be read."""
    verdict: Verdict
    decisions: tuple[Decision, ...]
    """One for each interface that judged it; one that judges nothing, if none did."""
    profile: Profile
    stops: tuple[Stop, ...]
    """One for each interface that judged it, in the order of its way."""
    not_reached: str | None = None
    """The interface that it would have come to, had it not been denied before."""
    assumed: tuple[str, ...] = ()
    """What its text left out, and what was taken."""
    frame: Frame | None = None
    """None if it was not recorded."""
    group_names: Mapping[str, str]
    """Names of groups that have one, by id."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the documents."""
