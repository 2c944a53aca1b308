"""One remembered flow, and the key that finds it."""

import enum
from typing import NamedTuple

from attrs import define, field

from sgsim.conntrack.icmp import IcmpQuery, icmp_query
from sgsim.conntrack.tcp import TcpFlow
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.path import PathLabel
from sgsim.model.protocol import ICMP_PROTOCOLS
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackDirection, Direction, TcpState, Tracking


class FlowKey(NamedTuple):
    """What finds a flow: one key for both directions.

    The five-tuple is written as the interface itself would send it, so a packet and its reply have the same key, and
    two interfaces that see one flow have two.
    """

    interface_id: str
    five_tuple: FiveTuple
    query: IcmpQuery | None = None
    """For ICMP and ICMPv6, else None."""

    @classmethod
    def of(
        cls,
        interface_id: str,
        five_tuple: FiveTuple,
        direction: Direction,
        icmp_type: int | None,
        icmp_code: int | None,
        *,
        with_code: bool,
    ) -> "FlowKey | None":
        """The key of a packet; None for an ICMP message that is neither query nor answer, which makes no flow."""
        local = five_tuple if direction is Direction.EGRESS else five_tuple.reply()
        if five_tuple.protocol not in ICMP_PROTOCOLS:
            return cls(interface_id, local)
        if icmp_type is None:
            return None
        query = icmp_query(five_tuple.protocol, icmp_type, icmp_code, direction, with_code=with_code)
        return None if query is None else cls(interface_id, local, query)


class FlowEnd(enum.IntEnum):
    """Why a flow is remembered no more."""

    LIVE = 0
    """It is: the input has ended before it."""
    EXPIRED = 1
    """It was silent for its timeout."""
    CLOSED = 2
    """Its TCP connection had ended when its entry went."""
    CUT = 3
    """Rules changed, and it was untracked."""
    REPLACED = 4
    """A packet opened the same five-tuple anew."""
    FORGOTTEN = 5
    """More untracked flows than the memory for them holds."""
    MOVED = 6
    """Its interface was attached to another instance, whose table knows nothing of it (assumed)."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


class TrackingCause(enum.IntEnum):
    """Why a flow is tracked or untracked."""

    OPEN_RULES = 1
    """Untracked: a rule of the opener's direction and one of all ports back are open to everyone."""
    PROTOCOL = 2
    """Tracked: open rules leave only TCP and UDP untracked."""
    PATH = 3
    """Tracked: its path is tracked automatically."""
    OPENING_RULE = 4
    """Tracked: no rule that admits the opener is open to everyone."""
    RETURN_RULE = 5
    """Tracked: no rule is open to everyone on all ports on the way back."""
    DENIED = 6
    """Not tracked: its opener was denied."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


@define(eq=False)
class ConntrackEntry:
    """One flow as one interface sees it. Times are nanoseconds since the epoch."""

    flow: int
    """Its number, counted from 1 as flows begin."""
    key: FlowKey
    opener: Direction
    """Which way the packet went that opened it."""
    tracking: Tracking
    cause: TrackingCause
    rule: RuleRef | None
    """The rule that admitted it; None if it was denied."""
    opened_at_ns: int
    last_seen_ns: int
    """The last packet of it, whether or not that restarted the timeout."""
    expires_at_ns: int
    """It is gone at this very moment."""
    judged_at_version: int
    """The version of the rules that last decided how it is tracked."""
    path: PathLabel = PathLabel.DIRECT
    places: int = 1
    """How many places of the table it takes while tracked."""
    tcp: TcpFlow | None = None
    """Of TCP, else None."""
    answered: bool = False
    """Whether the other side has sent anything."""
    is_stream: bool = False
    """Of UDP: whether the longer timeout holds."""
    is_presumed: bool = False
    """Whether it was open before the recording began."""
    is_barred: bool = False
    """Whether a network ACL kept the last packet of its opener, who is here, from leaving the subnet."""
    packets: list[int] = field(factory=lambda: [0, 0])
    """Packets seen, for each `ConntrackDirection`."""
    bytes: list[int] = field(factory=lambda: [0, 0])
    """Bytes seen, for each `ConntrackDirection`."""
    allowed: int = 0
    """Packets that passed."""
    denied: int = 0
    """Packets that did not."""

    @property
    def tcp_state(self) -> TcpState | None:
        """Where it stands, of TCP."""
        return self.tcp.state if self.tcp else None

    def direction_of(self, direction: Direction) -> ConntrackDirection:
        """Which way within the flow a packet goes that passes the interface in `direction`."""
        return ConntrackDirection.ORIGINAL if direction is self.opener else ConntrackDirection.REPLY

    @property
    def five_tuple(self) -> FiveTuple:
        """As its opener sent it."""
        return self.key.five_tuple if self.opener is Direction.EGRESS else self.key.five_tuple.reply()
