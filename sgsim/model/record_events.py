"""What events of a flow log's record are like, in numbers."""

from typing import Final

from sgsim.model.protocol import Protocol

REFRESH_TCP_NS: Final = 50_000_000_000
"""The most between two events of a record of TCP: less than the shortest idle timeout of established flows, 60 s."""
REFRESH_NS: Final = 25_000_000_000
"""The most between two events of other records: less than the shortest idle timeout, 30 s."""
MOST_REFRESHES: Final = 64
"""Windows are 600 s at most, which takes 24; longer ones occur in logs that are wrong."""

ECHO_TYPES: Final = {int(Protocol.ICMP): (8, 0), int(Protocol.ICMPV6): (128, 129)}
"""Types of a request and its reply; flow logs do not tell types, and most ICMP that they see is echo."""

FIRST, SECOND, FOLLOW, OTHER, LAST = 0, 2, 4, 6, 8
"""Ranks, the order of events at one instant: openings, answers to them, what follows those, other events, and what is
behind all. One more for packets that come to an interface."""
RANKS: Final = 10
"""Ranks are below this."""
