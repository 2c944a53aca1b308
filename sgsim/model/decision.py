"""The answer for one packet at one interface.

Law: every `Reason` has one verdict, but for `FRAGMENT`, which repeats that of the first fragment.
"""

import enum
from typing import Final

from attrs import frozen

from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackState, Direction, TcpState


class Verdict(enum.IntEnum):
    """What becomes of a packet."""

    ALLOW = 1
    DENY = 2
    SKIP = 3
    """It was not judged; `Reason` says why."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


class Reason(enum.IntEnum):
    """Why; a closed list."""

    RULE = 1
    """A rule admits it, and it opens a flow or needs none."""
    ESTABLISHED = 2
    """It belongs to a tracked flow."""
    UNTRACKED = 3
    """Open rules on both sides admit it, so AWS does not track its flow."""
    RELATED = 4
    """It is an ICMP error about a remembered flow."""
    EXEMPT = 5
    """It goes to or comes from a service that security groups do not filter."""
    NO_GROUPS = 6
    """The interface has no security group."""
    PRESUMED = 7
    """The recording begins in the middle of this flow, and the rules would have let it open."""
    FRAGMENT = 8
    """It is a later fragment and shares the verdict of the first."""
    NO_RULE = 9
    """No rule admits it."""
    TABLE_FULL = 10
    """A rule admits it, but the connection-tracking table has no place for its entry."""
    NETWORK_ACL = 11
    """A network ACL of the subnet denies it."""
    MIDSTREAM = 12
    """A rule admits it, but it belongs to no tracked flow and cannot open one."""
    CUT = 13
    """A rule change has ended its untracked flow."""
    INVALID = 14
    """Its TCP flags fit no flow and open none."""
    NOT_IP = 15
    """No IP packet: ARP, LLDP and the like."""
    TRUNCATED = 16
    """The capture cut off header bytes that a filter needs."""
    MALFORMED = 17
    """Its header contradicts itself."""
    UNSUPPORTED = 18
    """It is in a form that sgsim does not read."""
    NO_INTERFACE = 19
    """No known interface sent or received it."""
    LOCAL = 20
    """Its sender and its receiver are the same interface."""
    NOT_SENT = 21
    """Recorded traffic only: its sender's interface denied its flow, or it answers what was denied; so it would not be there."""
    NO_DATA = 22
    """A flow-log record that says that there was no traffic."""
    SKIP_DATA = 23
    """A flow-log record that says that records were lost."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


VERDICT_OF_REASON: Final[dict[Reason, Verdict]] = (
    dict.fromkeys(
        (
            Reason.RULE,
            Reason.ESTABLISHED,
            Reason.UNTRACKED,
            Reason.RELATED,
            Reason.EXEMPT,
            Reason.NO_GROUPS,
            Reason.PRESUMED,
        ),
        Verdict.ALLOW,
    )
    | dict.fromkeys(
        (Reason.NO_RULE, Reason.TABLE_FULL, Reason.NETWORK_ACL, Reason.MIDSTREAM, Reason.CUT, Reason.INVALID),
        Verdict.DENY,
    )
    | dict.fromkeys((reason for reason in Reason if reason >= Reason.NOT_IP), Verdict.SKIP)
)
"""The verdict that goes with each reason; `FRAGMENT` has none of its own."""

UNREADABLE_REASONS: Final = frozenset({Reason.NOT_IP, Reason.TRUNCATED, Reason.MALFORMED, Reason.UNSUPPORTED})
"""Reasons that a source gives: there is no packet to judge."""


@frozen
class Decision:
    """What happens to one packet at one interface, and why."""

    verdict: Verdict
    reason: Reason
    state: ConntrackState | None = None
    """What tracking says of the packet; None if it was skipped."""
    rule: RuleRef | None = None
    """The first rule that admits the packet, or admitted its flow; None if none does."""
    interface_id: str | None = None
    """Where it was judged; None if no known interface sent or received it."""
    direction: Direction | None = None
    tcp_state: TcpState | None = None
    """Where its TCP flow stands after it; None for other protocols and without a flow."""
    opener: Direction | None = None
    """Which way the packet went that opened its flow: INGRESS if the peer opened it. None without a flow."""
    flow: int | None = None
    """The number of its flow, counted from 1 as flows begin; None without a flow."""
