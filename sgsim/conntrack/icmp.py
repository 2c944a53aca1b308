"""Which ICMP messages make a flow: queries and their answers, matched by identifier (RFC 792, RFC 4443)."""

from typing import NamedTuple

from sgsim.model.protocol import ICMP_ANSWERS, ICMP_PROTOCOLS, ICMP_QUERIES
from sgsim.model.states import ConntrackDirection, Direction


class IcmpQuery(NamedTuple):
    """What tells one ICMP flow from another beside the five-tuple.

    A query is only ever ORIGINAL and its answer only REPLY, so the opener is part of the key: two hosts that ping each
    other with the same identifier make two flows.
    """

    query_type: int
    opener: Direction
    icmp_code: int | None
    """Where the profile tells codes apart (Linux does), else None."""


def query_direction(protocol: int, icmp_type: int | None) -> ConntrackDirection | None:
    """ORIGINAL for a query, REPLY for an answer, None for a message that is neither."""
    if protocol not in ICMP_PROTOCOLS or icmp_type is None:
        return None
    if icmp_type in ICMP_QUERIES[protocol]:
        return ConntrackDirection.ORIGINAL
    return ConntrackDirection.REPLY if icmp_type in ICMP_ANSWERS[protocol] else None


def icmp_query(
    protocol: int, icmp_type: int, icmp_code: int | None, direction: Direction, *, with_code: bool
) -> IcmpQuery | None:
    """The query that a message is, or answers; None if it is neither.

    Args:
        protocol: ICMP or ICMPv6.
        icmp_type: Of the message.
        icmp_code: Of the message.
        direction: Which way the message passes the interface.
        with_code: Whether the profile tells codes apart.
    """
    role = query_direction(protocol, icmp_type)
    if role is None:
        return None
    code = icmp_code if with_code else None
    if role is ConntrackDirection.ORIGINAL:
        return IcmpQuery(icmp_type, direction, code)
    return IcmpQuery(ICMP_ANSWERS[protocol][icmp_type], direction.opposite, code)
