"""A packet in one line: every form."""

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import RuleError
from sgsim.model.address import Family, format_address
from sgsim.model.packet import Packet
from sgsim.model.protocol import TcpFlags
from sgsim.model.shorthand import DEFAULT_SOURCE_PORT, parse_packet

FORM = "PROTOCOL SOURCE[:PORT] -> DESTINATION[:PORT], such as tcp 198.51.100.7:40000 -> 10.0.0.5:443"
ICMP_FORM = "ICMP packet must go on with 'type N code N [id N]', got "


def ends(packet: Packet) -> tuple[str, int, str, int]:
    five_tuple = packet.five_tuple
    src, dst = (format_address(each, five_tuple.family) for each in (five_tuple.src_addr, five_tuple.dst_addr))
    return src, five_tuple.src_port, dst, five_tuple.dst_port


def refusal(text: str) -> str:
    with pytest.raises(RuleError) as refused:
        parse_packet(text)
    return str(refused.value)


def test_a_tcp_packet_is_a_lone_syn():
    parsed = parse_packet("tcp 198.51.100.7:40000 -> 10.0.0.5:443")
    assert ends(parsed.packet) == ("198.51.100.7", 40000, "10.0.0.5", 443)
    assert (parsed.packet.five_tuple.protocol, parsed.packet.tcp_flags, parsed.assumed) == (6, TcpFlags.SYN, ())


def test_tcp_flags_may_follow():
    parsed = parse_packet("tcp 198.51.100.7:40000 -> 10.0.0.5:443 SA")
    assert TcpFlags.SYN | TcpFlags.ACK == parsed.packet.tcp_flags


@pytest.mark.parametrize("arrow", ["->", "to"])
def test_to_may_stand_for_the_arrow(arrow):
    parsed = parse_packet(f"udp 198.51.100.7:40000 {arrow} 10.0.0.5:53")
    assert ends(parsed.packet) == ("198.51.100.7", 40000, "10.0.0.5", 53)


def test_ipv6_addresses_with_ports_stand_in_brackets():
    parsed = parse_packet("udp [2001:db8::1]:53 -> [fd00::5]:4000")
    assert ends(parsed.packet) == ("2001:db8::1", 53, "fd00::5", 4000)
    assert parsed.packet.five_tuple.family is Family.IPV6


def test_the_source_port_may_be_left_out_and_that_is_said():
    for text in ("tcp 198.51.100.7 -> 10.0.0.5:443", "udp 2001:db8::1 -> [2001:db8::5]:53", "udp [::1] -> [::2]:53"):
        parsed = parse_packet(text)
        assert parsed.packet.five_tuple.src_port == DEFAULT_SOURCE_PORT == 40000
        assert parsed.assumed == ("source port 40000",)


def test_an_icmp_packet_has_a_type_and_a_code():
    parsed = parse_packet("icmp 192.0.2.1 -> 10.0.0.5 type 3 code 4")
    assert (3, 4) == (parsed.packet.icmp_type, parsed.packet.icmp_code)
    assert ends(parsed.packet) == ("192.0.2.1", 0, "10.0.0.5", 0)
    assert parsed.assumed == ()


def test_an_icmp_packet_without_a_type_is_an_echo_request_and_that_is_said():
    parsed = parse_packet("icmp 192.0.2.1 -> 10.0.0.5")
    assert (8, 0) == (parsed.packet.icmp_type, parsed.packet.icmp_code)
    assert parsed.assumed == ("type 8 code 0, an echo request",)
    assert parse_packet("icmpv6 2001:db8::1 -> 2001:db8::5").assumed == ("type 128 code 0, an echo request",)
    assert parse_packet("icmp 192.0.2.1 -> 10.0.0.5 code 5").assumed == ("type 8 code 5, an echo request",)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("icmp 192.0.2.1 -> 10.0.0.5 type 8 code 0 id 7", (7, 0)),
        ("icmp 192.0.2.1 -> 10.0.0.5 type 0 code 0 id 7", (0, 7)),
        ("icmp 192.0.2.1 -> 10.0.0.5 type 8 code 0 id 0", (0, 0)),
        ("icmp 192.0.2.1 -> 10.0.0.5 type 8 code 0", (1, 0)),
        ("icmpv6 2001:db8::1 -> 2001:db8::5 type 129 code 0 id 65535", (0, 65535)),
    ],
)
def test_the_identifier_of_an_icmp_query_stands_in_place_of_a_port(text, ports):
    five_tuple = parse_packet(text).packet.five_tuple
    assert ports == (five_tuple.src_port, five_tuple.dst_port)


def test_another_protocol_is_a_number_and_two_addresses():
    parsed = parse_packet("47 192.0.2.1 -> 10.0.0.5")
    assert parsed.packet.five_tuple.protocol == 47
    assert ends(parsed.packet) == ("192.0.2.1", 0, "10.0.0.5", 0)


def test_a_protocol_may_be_a_number_that_has_a_name():
    assert parse_packet("tcp 192.0.2.1:1 -> 10.0.0.5:2") == parse_packet("6 192.0.2.1:1 -> 10.0.0.5:2")


@pytest.mark.parametrize("text", ["tcp 198.51.100.7:40000 -", "tcp 198.51.100.7 - ", "-"])
def test_a_lone_dash_at_the_end_means_that_the_shell_took_the_arrow(text):
    expected = f"packet must be quoted, got {text!r}: the shell has taken '>' as a redirection; or write 'to'"
    assert expected == refusal(text)


def test_a_dash_in_place_of_flags_means_none():
    assert parse_packet("tcp 192.0.2.1:1 -> 10.0.0.5:2 -").packet.tcp_flags == 0


@pytest.mark.parametrize("text", ["", "tcp", "tcp 192.0.2.1:1 10.0.0.5:2", "tcp 192.0.2.1:1 => 10.0.0.5:2"])
def test_what_is_not_of_the_form_is_refused(text):
    assert f"packet must be {FORM}, got {text!r}" == refusal(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("udp 192.0.2.1:1 -> 10.0.0.5:2 S", "S"),
        ("tcp 192.0.2.1:1 -> 10.0.0.5:2 S now", "now"),
        ("47 192.0.2.1 -> 10.0.0.5 S A", "S A"),
    ],
)
def test_what_follows_the_packet_is_refused(text, rest):
    assert f"packet must be {FORM}, got {rest!r} after it" == refusal(text)


@pytest.mark.parametrize("name", ["all", "-1"])
def test_a_packet_has_one_protocol(name):
    assert f"protocol of a packet must be one protocol, got {name!r}" == refusal(f"{name} 192.0.2.1 -> 10.0.0.5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "tpc 192.0.2.1:1 -> 10.0.0.5:2",
            "protocol must be tcp, udp, icmp, icmpv6, -1, all or a number 0..255, got 'tpc'",
        ),
        (
            "tcp 192.0.2.1:1 -> 10.0.0.5",
            "destination must have a port, such as 10.0.0.5:443 or [2001:db8::5]:443, got '10.0.0.5'",
        ),
        (
            "tcp ::1 -> 2001:db8::5:443",
            "destination must have a port, such as 10.0.0.5:443 or [2001:db8::5]:443, got '2001:db8::5:443'",
        ),
        ("tcp 192.0.2.1:1 -> 10.0.0.5:65536", "port must be 0..65535, got 65536"),
        ("tcp 192.0.2.1:1 -> [::5]:70000", "port must be 0..65535, got 70000"),
        ("tcp 192.0.2.1:1 -> web:80", "address must be IPv4 or IPv6, got 'web'"),
        ("tcp 192.0.2.1: -> 10.0.0.5:80", "address must be IPv4 or IPv6, got '192.0.2.1:'"),
        ("tcp [::1:5 -> [::5]:80", "address must be ADDRESS[:PORT] or [IPV6]:PORT, got '[::1:5'"),
        ("tcp 192.0.2.1:1 -> 10.0.0.5:80 X", "TCP flags must be letters of FSRPAUEC or '-' for none, got 'X'"),
        ("icmp 192.0.2.1:7 -> 10.0.0.5", "icmp has no ports, got '192.0.2.1:7'"),
        ("47 192.0.2.1 -> 10.0.0.5:7", "47 has no ports, got '10.0.0.5:7'"),
        (
            "tcp 192.0.2.1:1 -> [2001:db8::5]:80",
            "source and destination must be of one family, got 192.0.2.1 and 2001:db8::5",
        ),
        (
            "icmp 2001:db8::1 -> 2001:db8::5",
            "protocol must be icmpv6 with IPv6 addresses, got icmp with 2001:db8::1",
        ),
        (
            "icmpv6 192.0.2.1 -> 10.0.0.5",
            "protocol must be icmp with IPv4 addresses, got icmpv6 with 192.0.2.1",
        ),
    ],
)
def test_a_wrong_part_is_named_with_its_value(text, message):
    assert message == refusal(text)


@pytest.mark.parametrize(
    "rest",
    ["type", "type 8 code", "type 256", "type -1", "kind 8", "8 0", "type ² code 0", "type 8 type 0", "id 65536"],
)
def test_icmp_must_go_on_with_type_and_code(rest):
    assert f"{ICMP_FORM}{rest!r}" == refusal(f"icmp 192.0.2.1 -> 10.0.0.5 {rest}")


@given(strategies.five_tuples(), st.integers(1, 255))
def test_what_a_packet_is_written_as_reads_back(five_tuple, flags):
    if five_tuple.protocol in {1, 58}:
        return
    packet = Packet(five_tuple, tcp_flags=flags if five_tuple.protocol == 6 else 0)
    assert packet == parse_packet(str(packet)).packet


def is_read_or_refused(text: str) -> bool:
    try:
        parse_packet(text)
    except RuleError as refused:
        return "\n" not in str(refused)
    return True


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text):
    assert is_read_or_refused(text)


@given(st.lists(st.sampled_from(["tcp", "icmp", "->", "to", "192.0.2.1:1", "[::1]:2", "::1", "type", "8", "²", "-"])))
def test_any_words_are_read_or_refused_in_one_line(words):
    assert is_read_or_refused(" ".join(words))
