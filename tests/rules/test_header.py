"""What rules look at in a packet."""

import pytest
from builders import packet

from sgsim.model.address import Family, parse_address
from sgsim.model.states import Direction
from sgsim.rules.header import Header

SENT = packet("tcp 198.51.100.7:40000 -> 192.0.2.10:443").five_tuple


@pytest.mark.parametrize(("direction", "peer"), [(Direction.INGRESS, "198.51.100.7"), (Direction.EGRESS, "192.0.2.10")])
def test_the_peer_is_the_other_side(direction, peer):
    assert parse_address(peer)[0] == Header.of(SENT, direction).peer


@pytest.mark.parametrize("direction", Direction)
def test_the_port_is_always_that_of_the_destination(direction):
    assert Header.of(SENT, direction).port == 443


def test_the_identifier_of_a_ping_is_no_port():
    ping = packet("icmpv6 2001:db8::1 -> 2001:db8::2 type 129 code 0 id 7")
    actual = Header.of(ping.five_tuple, Direction.INGRESS, ping.icmp_type, ping.icmp_code)
    assert (Family.IPV6, 58, None, 129, 0) == (actual.family, *actual[3:])
