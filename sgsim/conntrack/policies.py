"""The choices that a profile makes where filters differ or AWS is silent."""

import enum


class Policy(enum.Enum):
    """A named choice, written in lower case outside Python."""

    def __str__(self) -> str:
        """The name as options take it."""
        return str(self.value)


class Midstream(Policy):
    """A TCP segment that belongs to no tracked flow and is not a lone SYN."""

    DENY = "deny"
    """It is denied, whatever the rules."""
    PICKUP = "pickup"
    """If a rule admits it and it is an ACK, a flow begins in the middle."""


class InvalidSegment(Policy):
    """A TCP segment that the transition table calls invalid."""

    PASS = "pass"  # noqa: S105  # the option's word, not a password
    """It passes with its flow and moves nothing."""
    RULES = "rules"
    """Rules judge it as a packet of its own; it is never entered."""
    DENY = "deny"
    """It is denied."""


class Unanswered(Policy):
    """Packets of a tracked flow's opener before the other side has answered."""

    ESTABLISHED = "established"
    """They pass as part of the flow."""
    RULES = "rules"
    """Rules judge each."""


class RelatedIcmp(Policy):
    """ICMP errors about a remembered flow, sent to the sender of the quoted packet."""

    NEVER = "never"
    """Rules judge them."""
    AUTOMATIC_OR_UNTRACKED = "automatic-or-untracked"
    """They pass if the flow is untracked, or on a path that AWS tracks automatically."""
    ALWAYS = "always"
    """They pass if the flow is remembered."""


class Fragments(Policy):
    """A later fragment whose first fragment was not seen."""

    DENY = "deny"
    """It is denied: nothing tells its ports."""
    RULES = "rules"
    """Rules judge it; one that names ports does not admit it."""


class UdpStream(Policy):
    """When a UDP flow becomes a stream, which has the longer timeout."""

    SECOND_REQUEST = "second-request"
    """With the first packet of its opener that follows a reply."""
    ANSWERED_AND_OLD = "answered-and-old"
    """With the first packet, after a reply, that comes more than two seconds after the first (Linux)."""


class TimeoutChange(Policy):
    """When a changed idle timeout of an interface holds for flows that it remembers."""

    NEXT_PACKET = "next-packet"
    """From their next packet on; those that stay silent keep their old time."""
    AT_ONCE = "at-once"
    """At once: each may from its last packet on be silent for the new time, and is gone if that is over."""


class ExemptList(Policy):
    """Which services are never filtered, where AWS's list does not name all."""

    NAMED = "named"
    """Those that the list names."""
    IMPLIED = "implied"
    """Also those without which IPv6 would not work: Amazon DNS at fd00:ec2::253, neighbour and multicast discovery."""
    WIDE = "wide"
    """Also EKS Pod Identity and GRID licences, which have addresses of the same kind."""


class BypassProtocols(Policy):
    """Which flows open rules leave untracked."""

    NONE = "none"
    """None: every flow is tracked."""
    TCP_UDP = "tcp-udp"
    """TCP and UDP alone, as AWS's text names them."""
    TCP_UDP_ICMPV6 = "tcp-udp-icmpv6"
    """ICMPv6 too, which AWS's text on ICMP does not name."""
    ALL_BUT_ICMP = "all-but-icmp"
    """Those of every protocol but ICMP and ICMPv6."""
