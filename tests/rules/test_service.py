"""Services as numbers and in words."""

import pytest
from builders import header, rule
from hypothesis import given
from strategies import headers, rules

from sgsim.model.address import Family
from sgsim.rules.service import (
    ALL_SERVICES,
    by_protocol,
    header_service,
    protocol_services,
    rule_services,
    service_texts,
)


@given(rules(), headers())
def test_a_rule_admits_the_services_of_its_interval(some_rule, some_header):
    """rule_services(rule) holds header_service(header) exactly if the rule admits the service of a whole packet."""
    if some_header.port is None and some_header.protocol in {6, 17}:
        return
    if some_rule.icmp is not None and (some_rule.protocol == 1) != (some_header.family is Family.IPV4):
        return
    first, last = rule_services(some_rule)
    assert (first <= header_service(some_header) <= last) == some_rule.admits_service(some_header)


def test_a_rule_about_one_type_and_code_is_one_service():
    assert rule_services(rule("icmp 3/4 from 0.0.0.0/0")) == protocol_services(1, 3 * 256 + 4, 3 * 256 + 4)


def test_what_a_packet_does_not_tell_counts_as_0():
    untold = header("icmp 192.0.2.1 -> 192.0.2.10 type 3 code 4")._replace(icmp_type=None, icmp_code=None)
    assert header_service(untold) == 65536


def test_the_service_of_a_packet():
    assert header_service(header("tcp 192.0.2.1 -> 192.0.2.10:443")) == 6 * 65536 + 443
    assert header_service(header("icmp 192.0.2.1 -> 192.0.2.10 type 3 code 4")) == 65536 + 3 * 256 + 4
    assert header_service(header("47 192.0.2.1 -> 192.0.2.10")) == 47 * 65536


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (ALL_SERVICES, ["all traffic"]),
        ((protocol_services(6, 22, 30), protocol_services(17)), ["tcp 22-30", "udp 0-65535"]),
        ((protocol_services(1),), ["icmp all"]),
        ((protocol_services(1, 8 * 256, 8 * 256),), ["icmp 8/0"]),
        ((protocol_services(1, 8 * 256, 8 * 256 + 255),), ["icmp 8/any"]),
        ((protocol_services(1, 8 * 256, 10 * 256 + 255),), ["icmp 8-10/any"]),
        ((protocol_services(1, 8 * 256, 8 * 256 + 3),), ["icmp 8/0-3"]),
        ((protocol_services(58, 3, 256),), ["icmpv6 0/3-1/0"]),
        ((protocol_services(47),), ["protocol 47"]),
        ((protocol_services(47), protocol_services(50)), ["protocol 47", "protocol 50"]),
        (((2 * 65536, 6 * 65536 + 80),), ["protocols 2-5", "tcp 0-80"]),
        (((2 * 65536, 6 * 65536 + 80), protocol_services(47)), ["protocols 2-5", "tcp 0-80", "protocol 47"]),
    ],
)
def test_services_in_words(services, expected):
    assert service_texts(services) == expected


def test_pieces_are_cut_at_protocols():
    assert list(by_protocol(ALL_SERVICES)) == [(-1, 0, 65535)]
    assert list(by_protocol(((6 * 65536 + 80, 7 * 65536 + 65535),))) == [(6, 80, 65535), (7, 0, 65535)]


def test_a_rule_in_words_is_its_services_in_words():
    for text in ("tcp 443", "udp 22-30", "icmp 8/0", "icmp 8/any", "icmp all"):
        assert service_texts((rule_services(rule(f"{text} from 10.0.0.0/8")),)) == [text]
