"""Names and numbers of protocols, ICMP types, TCP flags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import RuleError
from sgsim.model.protocol import (
    ANY_PROTOCOL,
    ICMP_ANSWERS,
    ICMP_ERRORS,
    ICMP_QUERIES,
    NEIGHBOUR_DISCOVERY_TYPES,
    Protocol,
    TcpFlags,
    format_tcp_flags,
    parse_tcp_flags,
    protocol_name,
    protocol_number,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tcp", 6),
        ("udp", 17),
        ("icmp", 1),
        ("icmpv6", 58),
        ("TCP", 6),
        (" udp ", 17),
        ("-1", -1),
        (-1, -1),
        ("all", -1),
        ("0", 0),
        ("47", 47),
        (50, 50),
        ("255", 255),
        ("006", 6),
    ],
)
def test_a_protocol_is_read_by_name_or_number(text, number):
    assert number == protocol_number(text)


@pytest.mark.parametrize("text", ["tpc", "", "256", "-2", "6.0", "²", "٣", "9" * 5000, True])
def test_what_is_no_protocol_is_refused_with_its_value(text):
    with pytest.raises(RuleError) as refused:
        protocol_number(text)
    expected = f"protocol must be tcp, udp, icmp, icmpv6, -1, all or a number 0..255, got {text!r}"
    assert expected == str(refused.value)


@pytest.mark.parametrize(("number", "name"), [(6, "tcp"), (17, "udp"), (1, "icmp"), (58, "icmpv6"), (47, "47")])
def test_a_protocol_is_written_as_ec2_does(number, name):
    assert name == protocol_name(number)


def test_any_protocol_is_written_all():
    assert protocol_name(ANY_PROTOCOL) == "all"


@given(st.integers(-1, 255))
def test_a_protocol_that_is_written_reads_back(number):
    assert number == protocol_number(protocol_name(number))


def test_an_echo_is_answered_by_an_echo_reply():
    assert ICMP_QUERIES[Protocol.ICMP][8] == 0
    assert ICMP_QUERIES[Protocol.ICMPV6][128] == 129


def test_answers_are_queries_read_from_the_other_side():
    for protocol, pairs in ICMP_QUERIES.items():
        assert pairs == {query: answer for answer, query in ICMP_ANSWERS[protocol].items()}


def test_no_icmp_type_is_two_things():
    for protocol in ICMP_QUERIES:
        queries, answers, errors = set(ICMP_QUERIES[protocol]), set(ICMP_ANSWERS[protocol]), set(ICMP_ERRORS[protocol])
        assert len(queries | answers | errors) == len(queries) + len(answers) + len(errors)


def test_icmpv6_errors_are_those_below_128():
    assert all(icmp_type < 128 for icmp_type in ICMP_ERRORS[Protocol.ICMPV6])


def test_neighbour_discovery_and_multicast_listener_types_are_known():
    assert set(range(130, 138)) | {143} == NEIGHBOUR_DISCOVERY_TYPES


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("S", TcpFlags.SYN),
        ("SA", TcpFlags.SYN | TcpFlags.ACK),
        ("fa", TcpFlags.FIN | TcpFlags.ACK),
        ("-", TcpFlags(0)),
        ("FSRPAUEC", TcpFlags(255)),
    ],
)
def test_flags_are_read_as_letters(text, flags):
    assert flags == parse_tcp_flags(text)


def test_a_letter_that_is_no_flag_is_refused():
    with pytest.raises(RuleError) as refused:
        parse_tcp_flags("SX")
    assert str(refused.value) == "TCP flags must be letters of FSRPAUEC or '-' for none, got 'SX'"


@given(st.integers(0, 255))
def test_flags_that_are_written_read_back(flags):
    assert flags == parse_tcp_flags(format_tcp_flags(flags))
