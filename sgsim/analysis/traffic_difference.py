"""What becomes different for recorded traffic: the nouns of `sgsim.analysis.traffic_diff`."""

import enum

from attrs import frozen

from sgsim.model.rule_ref import RuleRef
from sgsim.simulation.summary import ChangeReport, FirstPacket


class TrafficKind(enum.Enum):
    """How packets fare differently."""

    CUT = "cut"
    """Their flow was open when the rules changed, and was untracked: the change ended it."""
    DENIED = "newly_denied"
    """They passed under the old rules, and do not under the new."""
    ALLOWED = "newly_allowed"
    """They pass under the new rules alone."""
    TRACKED = "now_tracked"
    """They pass under both; only the new rules have their flow take a place."""
    UNTRACKED = "now_untracked"
    """They pass under both; only the old rules had their flow take a place."""

    def __str__(self) -> str:
        """The name in outputs."""
        return self.value


@frozen(kw_only=True)
class TrafficGroup:
    """Packets that have kind, interface, opener, rule, peer block and service in common."""

    kind: TrafficKind
    interface_id: str
    direction: str
    """The direction of the packets of the side that opened the flow."""
    rule: RuleRef | None
    """The rule that admits the flow on the side where it passes: the new one of newly allowed, else the old one."""
    peer: str
    """A block, /24 or /64."""
    protocol: int
    port: int | None
    """The port that the opener asked for; None without ports."""
    flows: int
    packets: int
    bytes: int
    reason: str
    """Why the first packet does not pass on the other side; empty if it passes on both."""
    first: FirstPacket


@frozen(kw_only=True)
class TrafficCount:
    """All packets of one kind."""

    kind: TrafficKind
    flows: int
    packets: int
    bytes: int


@frozen(kw_only=True)
class TableChange:
    """One tracking table under both rule sets."""

    instance_id: str
    capacity: int | None
    old_peak: int
    new_peak: int
    new_peak_time_ns: int | None
    old_exceeded: int
    """`conntrack_allowance_exceeded` under the old rules."""
    new_exceeded: int

    @property
    def fits(self) -> bool:
        """Whether no packet was refused for want of a place under the new rules."""
        return not self.new_exceeded


@frozen(kw_only=True)
class TrafficDiff:
    """What becomes different for recorded traffic."""

    files: tuple[str, ...]
    packets: int
    """How many were read; with `has_records` records of flow logs."""
    has_records: bool
    """Whether the traffic is flow logs: each record counts by what was decided of its begin."""
    start_ns: int | None
    end_ns: int | None
    engine: str
    at_change: ChangeReport | None
    """What the change means for the flows that were live; None if the new rules held from the beginning, or the traffic
    ended before they did."""
    was_reached: bool
    """Whether the traffic came to the time of the change; true if the new rules held from the beginning."""
    counts: tuple[TrafficCount, ...]
    """One for each kind, in their order."""
    groups: tuple[TrafficGroup, ...]
    """The largest first within each kind."""
    tables: tuple[TableChange, ...]
    tcp: int
    """Records of TCP, where the traffic is flow logs."""
    tcp_without_flags: int
    """Those whose log tells no `tcp-flags`, so that nobody sees a connection close."""
    one_sided: tuple[str, ...]
    """Interfaces that one side alone has; packets are not compared there."""
    notes: tuple[str, ...]
    """What should be known of the files: such as are given twice, or hold the same packets."""
    broken: str | None
    """Why the input ended before its end."""

    def __bool__(self) -> bool:
        """Whether any packet fares differently."""
        return any(count.packets or count.flows for count in self.counts)

    def count(self, kind: TrafficKind) -> TrafficCount:
        """The count of one kind."""
        return next(count for count in self.counts if count.kind is kind)
