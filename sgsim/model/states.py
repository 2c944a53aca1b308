"""The words of connection tracking."""

import enum


class Direction(enum.IntEnum):
    """Which way a packet passes an interface, seen from the instance."""

    INGRESS = 1
    EGRESS = 2

    @property
    def opposite(self) -> "Direction":
        """The other way."""
        return Direction.EGRESS if self is Direction.INGRESS else Direction.INGRESS

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


class ConntrackDirection(enum.IntEnum):
    """Which way a packet goes within its flow."""

    ORIGINAL = 0
    """From the side that opened the flow."""
    REPLY = 1
    """From the other side."""

    @property
    def opposite(self) -> "ConntrackDirection":
        """The other way."""
        return ConntrackDirection(1 - self)


class ConntrackState(enum.IntEnum):
    """What tracking says of a packet."""

    NEW = 1
    """It opens a flow, or belongs to one that was not answered yet."""
    ESTABLISHED = 2
    """It belongs to a flow that was answered, or answers it."""
    RELATED = 3
    """It is an ICMP error about a remembered flow."""
    UNTRACKED = 4
    """Rules alone judge it; no entry is made."""
    INVALID = 5
    """It belongs to no flow and opens none."""
    EXEMPT = 6
    """Security groups do not filter it."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


class TcpState(enum.IntEnum):
    """Where a TCP flow stands, by what an observer in the middle has seen of it."""

    SYN_SENT = 1
    """A SYN from the opener."""
    SYN_RECV = 2
    """The SYN-ACK that answers it."""
    ESTABLISHED = 3
    """The ACK that completes the handshake."""
    FIN_WAIT = 4
    """A FIN from one side."""
    CLOSE_WAIT = 5
    """An ACK after the first FIN."""
    LAST_ACK = 6
    """A FIN from the other side too."""
    TIME_WAIT = 7
    """The ACK of the last FIN."""
    CLOSE = 8
    """An RST."""
    SYN_SENT2 = 9
    """A SYN from both sides: a simultaneous open."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


class Tracking(enum.IntEnum):
    """How a flow is remembered, which decides what happens to its packets."""

    TRACKED = 1
    """The table has an entry; packets pass whatever the rules say now."""
    UNTRACKED = 2
    """Open rules on both sides judge each packet; no place of the table is taken."""
    REFUSED = 3
    """Recorded traffic only: everything that its opener sent was denied."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()
