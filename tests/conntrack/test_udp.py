"""When a UDP flow has become a stream."""

import pytest

from sgsim.conntrack.policies import UdpStream
from sgsim.conntrack.udp import STREAM_AGE_NS, becomes_stream
from sgsim.model.states import ConntrackDirection

ORIGINAL, REPLY = ConntrackDirection.ORIGINAL, ConntrackDirection.REPLY


@pytest.mark.parametrize(
    ("direction", "answered", "expected"),
    [(ORIGINAL, False, False), (REPLY, False, False), (REPLY, True, False), (ORIGINAL, True, True)],
)
def test_aws_the_second_request_after_a_reply_makes_a_stream(direction, answered, expected):
    assert expected == becomes_stream(UdpStream.SECOND_REQUEST, direction, 0, answered=answered)


@pytest.mark.parametrize("direction", ConntrackDirection)
@pytest.mark.parametrize(
    ("age_ns", "answered", "expected"),
    [
        (STREAM_AGE_NS + 1, True, True),
        (STREAM_AGE_NS, True, False),
        (STREAM_AGE_NS - 1, True, False),
        (STREAM_AGE_NS + 1, False, False),
    ],
)
def test_linux_a_packet_after_a_reply_and_two_seconds_makes_a_stream(direction, age_ns, answered, expected):
    assert expected == becomes_stream(UdpStream.ANSWERED_AND_OLD, direction, age_ns, answered=answered)


def test_two_seconds_are_two_seconds():
    assert STREAM_AGE_NS == 2_000_000_000
