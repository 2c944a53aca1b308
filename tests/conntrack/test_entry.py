"""What finds a flow: one key for both directions, one for each interface."""

import pytest
import strategies
from builders import entry, packet
from hypothesis import given

from sgsim.conntrack.entry import FlowEnd, FlowKey, TrackingCause
from sgsim.conntrack.tcp import TcpFlow
from sgsim.model.packet import Packet
from sgsim.model.protocol import ICMP_PROTOCOLS
from sgsim.model.states import ConntrackDirection, Direction, TcpState

IN, OUT = Direction.INGRESS, Direction.EGRESS


def key(sent: Packet, direction: Direction, *, interface_id: str = "eni-a", with_code: bool = False) -> FlowKey | None:
    return FlowKey.of(interface_id, sent.five_tuple, direction, sent.icmp_type, sent.icmp_code, with_code=with_code)


@given(strategies.five_tuples().filter(lambda each: each.protocol not in ICMP_PROTOCOLS), strategies.directions)
def test_a_packet_and_its_reply_have_one_key(five_tuple, direction):
    sent, answer = Packet(five_tuple), Packet(five_tuple.reply())
    assert key(sent, direction) == key(answer, direction.opposite)


def test_two_interfaces_that_see_one_flow_have_two_keys():
    for text in ("tcp 198.51.100.7:40000 -> 192.0.2.10:443", "icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0"):
        sent = packet(text)
        assert key(sent, IN) != key(sent, IN, interface_id="eni-b")


def test_a_five_tuple_that_comes_in_is_not_the_same_one_going_out():
    sent = packet("tcp 198.51.100.7:40000 -> 192.0.2.10:443")
    assert key(sent, IN) != key(sent, OUT)


def test_a_ping_and_its_answer_have_one_key():
    ping = packet("icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0 id 77")
    answer = packet("icmp 192.0.2.10 -> 198.51.100.7 type 0 code 0 id 77")
    assert key(ping, IN) == key(answer, OUT)


@pytest.mark.parametrize("identifier", [0, 1, 65535])
def test_pings_both_ways_with_one_identifier_are_two_flows(identifier):
    there = packet(f"icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0 id {identifier}")
    back = packet(f"icmp 192.0.2.10 -> 198.51.100.7 type 8 code 0 id {identifier}")
    assert key(there, IN) != key(back, OUT)


def test_identifiers_and_kinds_of_query_are_told_apart():
    texts = ["type 8 code 0 id 1", "type 8 code 0 id 2", "type 13 code 0 id 1"]
    assert len({key(packet(f"icmp 198.51.100.7 -> 192.0.2.10 {text}"), IN) for text in texts}) == 3


def test_a_code_is_part_of_the_key_only_where_the_profile_says_so():
    zero, one = (packet(f"icmp 198.51.100.7 -> 192.0.2.10 type 8 code {code}") for code in (0, 1))
    assert key(zero, IN) == key(one, IN)
    assert key(zero, IN, with_code=True) != key(one, IN, with_code=True)


def test_an_icmp_error_has_no_key_and_neither_has_icmp_without_a_type():
    assert key(packet("icmp 198.51.100.7 -> 192.0.2.10 type 3 code 4"), IN) is None
    five_tuple = packet("icmp 198.51.100.7 -> 192.0.2.10").five_tuple
    assert FlowKey.of("eni-a", five_tuple, IN, None, None, with_code=False) is None


def test_other_protocols_are_keyed_by_addresses_and_number():
    assert key(packet("47 198.51.100.7 -> 192.0.2.10"), IN) == key(packet("47 192.0.2.10 -> 198.51.100.7"), OUT)
    assert key(packet("47 198.51.100.7 -> 192.0.2.10"), IN) != key(packet("50 198.51.100.7 -> 192.0.2.10"), IN)


@pytest.mark.parametrize("direction", Direction)
def test_an_entry_knows_its_five_tuple_as_its_opener_sent_it(direction):
    text = "tcp 198.51.100.7:40000 -> 192.0.2.10:443"
    opened = entry(text, direction=direction)
    assert packet(text).five_tuple == opened.five_tuple
    assert opened.direction_of(direction) is ConntrackDirection.ORIGINAL
    assert opened.direction_of(direction.opposite) is ConntrackDirection.REPLY


def test_only_tcp_has_a_tcp_state():
    assert entry(tcp=TcpFlow(TcpState.FIN_WAIT)).tcp_state is TcpState.FIN_WAIT
    assert entry("udp 198.51.100.7:40000 -> 192.0.2.10:53").tcp_state is None


def test_entries_are_told_apart_by_identity():
    assert entry() != entry()


def test_ends_and_causes_are_written_in_lower_case():
    assert [str(end) for end in FlowEnd] == "live expired closed cut replaced forgotten moved".split()  # noqa: SIM905  # short
    expected = "open_rules protocol path opening_rule return_rule denied"
    assert expected.split() == [str(cause) for cause in TrackingCause]
