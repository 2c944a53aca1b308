"""The key of a flow."""

import pytest
import strategies
from builders import packet
from hypothesis import given

from sgsim.model.five_tuple import FiveTuple


def test_a_reply_swaps_both_ends():
    sent = packet("tcp 198.51.100.7:40000 -> 192.0.2.10:443").five_tuple
    assert packet("tcp 192.0.2.10:443 -> 198.51.100.7:40000").five_tuple == sent.reply()


@given(strategies.five_tuples())
def test_the_reply_of_a_reply_is_the_first(five_tuple: FiveTuple):
    assert five_tuple == five_tuple.reply().reply()


def test_the_answer_of_an_icmp_query_is_its_reply():
    query = packet("icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0 id 77").five_tuple
    answer = packet("icmp 192.0.2.10 -> 198.51.100.7 type 0 code 0 id 77").five_tuple
    assert answer == query.reply()
    assert (query.src_port, query.dst_port) == (77, 0)
    assert (answer.src_port, answer.dst_port) == (0, 77)


@pytest.mark.parametrize(
    "text",
    [
        "tcp 198.51.100.7:40000 -> 192.0.2.10:443",
        "udp [2001:db8::1]:53 -> [2001:db8::5]:4000",
        "47 198.51.100.7 -> 192.0.2.10",
        "50 2001:db8::1 -> 2001:db8::5",
    ],
)
def test_it_is_written_as_the_command_line_takes_it(text):
    assert text == str(packet(text).five_tuple)
