"""What a replay comes to: one tree of plain values, for `sgsim.report` to write as text or JSON.

Times are nanoseconds since the epoch; ids and texts are those of the user's documents.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from sgsim.simulation.pressure_bins import PressureBin

if TYPE_CHECKING:
    from sgsim.simulation.agreement_summary import RecordSummary


@frozen(kw_only=True)
class FirstPacket:
    """Where something was first seen."""

    file: str
    number: int
    """As Wireshark counts frames."""
    time_ns: int
    text: str
    """The packet in one line, as `sgsim check` takes it; empty if it could not be read."""


@frozen(kw_only=True)
class ReasonCount:
    """How often one reason decided."""

    reason: str
    verdict: str
    """`mixed` for fragments, which have that of their first."""
    decisions: int
    bytes: int
    first: FirstPacket


@frozen(kw_only=True)
class InterfaceCount:
    """What happened at one interface."""

    interface_id: str
    instance_id: str | None
    groups: tuple[str, ...]
    allowed: int
    denied: int
    skipped: int


@frozen(kw_only=True)
class InstanceCount:
    """What happened at the interfaces of one instance."""

    instance_id: str
    """Or the interface's id, where no instance is known."""
    interfaces: tuple[str, ...]
    allowed: int
    denied: int
    skipped: int
    peak: int
    """Places of its table taken at most."""
    capacity: int | None
    """When it was at its peak; None for no limit."""
    refused: int
    """Packets that found no place."""


@frozen(kw_only=True)
class GroupCount:
    """What happened at the interfaces that carry one group, and what its rules did."""

    group_id: str
    name: str
    interfaces: int
    allowed: int
    """Of the interfaces that carry it, so that one packet may count for several groups."""
    denied: int
    skipped: int
    rules: int
    rules_hit: int
    hits: int
    """Of its rules."""
    bytes: int
    """Of packets that its rules decided about."""


@frozen(kw_only=True)
class DeniedGroup:
    """Denied packets that have interface, direction, peer block, protocol and destination port in common."""

    interface_id: str
    direction: str
    peer: str
    """A block, /24 or /64."""
    protocol: int
    dst_port: int | None
    packets: int
    bytes: int
    most_too_many: int
    """0 if the counts are exact, else how many packets they may be too high by."""
    reason: str
    """Of the first of them."""
    first: FirstPacket


@frozen(kw_only=True)
class CapacityStep:
    """A capacity that a table had for a while."""

    from_ns: int | None
    """When it began to hold, nanoseconds since the epoch; None from the beginning."""
    capacity: int | None
    """None for no limit."""


@frozen(kw_only=True)
class TableLoad:
    """The load on one connection-tracking table."""

    instance_id: str
    """Or the interface's id, where no instance is known."""
    capacity: int | None
    """At the end; None for no limit."""
    capacity_at_peak: int | None
    """Another one only if a change set it."""
    capacities: tuple[CapacityStep, ...]
    """One after the other; a single one if no change set it."""
    count: int
    """Places taken at the end."""
    peak: int
    peak_time_ns: int | None
    headroom: int | None
    """Places free at the peak; None without a capacity."""
    time_to_full_ns: int | None
    """From the first entry until the table was found full; None if it never was."""
    inserted: int
    conntrack_allowance_available: int | None
    """At the end; None without a capacity."""
    conntrack_allowance_exceeded: int
    peak_by_rule: dict[str, int]
    peak_by_peer: dict[str, int]
    peak_by_state: dict[str, int]
    bin_ns: int
    bins: Sequence[PressureBin]
    """Made when somebody looks."""


@frozen(kw_only=True)
class RuleUsage:
    """How often a rule decided; packets of a tracked flow are not judged by rules and do not count."""

    rule_id: str
    group_id: str
    direction: str
    text: str
    description: str
    hits: int
    bytes: int
    last_hit_ns: int | None
    """None if it was never hit."""
    held_from_ns: int | None = None
    """The change that brought it; None if it was there from the beginning."""
    held_until_ns: int | None = None
    """The change that took it away; None if it was there at the end."""


@frozen(kw_only=True)
class AclUsage:
    """How much an entry of a network ACL denied."""

    rule_id: str
    network_acl_id: str
    direction: str
    text: str
    packets: int
    bytes: int


@frozen(kw_only=True)
class FlowCounts:
    """How many flows there were, counted once at each interface."""

    tracked: int = 0
    untracked: int = 0
    refused: int = 0
    """Flows whose opener was denied."""
    presumed: int = 0
    """Of the first two: open before the recording began."""
    cut: int = 0
    """Of the untracked: ended by a change of rules."""
    live: int = 0
    """Of the first two: remembered at the end."""
    forgotten: int = 0
    """Dropped for want of memory; `--remember` sets how much."""


@frozen(kw_only=True)
class PacketCounts:
    """Every packet of the input is in here once: read = evaluated + skipped."""

    read: int = 0
    evaluated: int = 0
    skipped: int = 0
    decisions: int = 0
    """One for each packet and interface."""
    allowed: int = 0
    """Decisions."""
    denied: int = 0
    """Decisions."""
    late: int = 0
    """Packets earlier than one before them; judged at the time of that."""
    largest_step_back_ns: int = 0


@frozen(kw_only=True)
class FateCount:
    """How many live flows have one fate."""

    fate: str
    flows: int
    last_expiry_ns: int
    """When the last of them is gone if none sends anything more."""


@frozen(kw_only=True)
class RuleFate:
    """How many live flows that one rule had admitted have one fate."""

    rule_id: str | None
    group_id: str | None
    text: str
    fate: str
    flows: int


@frozen(kw_only=True)
class FlowFate:
    """One live flow and its fate."""

    flow: int
    interface_id: str
    text: str
    """As its opener sent it."""
    tracking: str
    tcp_state: str | None
    rule_id: str | None
    fate: str
    last_seen_ns: int
    expires_at_ns: int
    """When it is gone if it sends nothing more."""


@frozen(kw_only=True)
class ChangeReport:
    """One change of rules, and what it means for the flows that were live at that moment."""

    text: str
    """As it was given."""
    time_ns: int | None
    """When it happened; None if the traffic ended before."""
    differences: tuple[str, ...] = ()
    """What it made different, a line for each thing."""
    settings: dict[str, float | None] = field(factory=dict)
    """Capacity and timeouts that it set, by name."""
    live: int = 0
    """Flows that were live, tracked and untracked, one for each interface."""
    fates: tuple[FateCount, ...] = ()
    """In the order of their weight: what ends first."""
    rules: tuple[RuleFate, ...] = ()
    """By the rule that had admitted them, most flows first; those with most of them."""
    rules_left: int = 0
    """How many more there are."""
    flows: tuple[FlowFate, ...] = ()
    """Flows that do not go on as they were, the gravest fate first, then the oldest; the first of them."""
    flows_left: int = 0
    """How many more there are."""


@frozen(kw_only=True)
class Summary:
    """The outcome of a replay."""

    profile: str
    profile_title: str
    profile_dated: str
    """The date of the texts that the profile follows."""
    given: dict[str, str | float | bool] = field(factory=dict)
    """Options of the engine that are not the profile's or the program's own, by name."""
    engine: str
    files: tuple[str, ...]
    start_ns: int | None
    """First packet; None if there was none."""
    end_ns: int | None
    """The latest time of any packet."""
    packets: PacketCounts
    reasons: tuple[ReasonCount, ...]
    interfaces: tuple[InterfaceCount, ...]
    instances: tuple[InstanceCount, ...] = ()
    """The same by instance."""
    groups: tuple[GroupCount, ...] = ()
    """The same by group."""
    denied: tuple[DeniedGroup, ...]
    """Those with most packets."""
    denied_groups: int
    """How many groups there are."""
    tables: tuple[TableLoad, ...]
    flows: FlowCounts
    rules: tuple[RuleUsage, ...]
    """Every rule that groups on interfaces in use had at some time, in their order."""
    network_acls: tuple[AclUsage, ...] = ()
    """Entries of network ACLs that denied packets, those that denied most first."""
    changes: tuple[ChangeReport, ...] = ()
    """Changes of rules in the order of their times."""
    assumed_empty: dict[str, int] = field(factory=dict)
    """Look-ups that a rule with an unknown peer might have decided, by rule, where such count as empty."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the documents and options."""
    records: "RecordSummary | None" = None
    """What was read of flow logs, and how verdicts agree with theirs; None for packets."""
    broken: str | None = None
    """Where and why the input broke off; None if it did not."""
