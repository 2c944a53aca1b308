"""What one rule says."""

import pytest
import strategies
from builders import header, rule
from hypothesis import given
from netaddr import IPNetwork

from sgsim.errors import RuleError
from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, Rule

WEB = "tcp 198.51.100.7:40000 -> 192.0.2.10:{}"
PING = "icmp 198.51.100.7 -> 192.0.2.10 type {} code {}"


def made(**fields) -> Rule:
    """A rule from plain fields, as a reader makes it."""
    whole = {
        "group_id": "sg-web",
        "direction": Direction.INGRESS,
        "protocol": 6,
        "peer": Cidr(IPNetwork("192.0.2.0/24")),
        "ports": PortRange(443, 443),
    }
    return Rule(**{**whole, **fields})


def refusal(**fields) -> str:
    with pytest.raises(RuleError) as refused:
        made(**fields)
    return str(refused.value)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("tcp 443 from 0.0.0.0/0", "sg-web:ingress:tcp:443:0.0.0.0/0"),
            ("udp 22-30 to 10.0.0.0/8", "sg-web:egress:udp:22-30:10.0.0.0/8"),
            ("tcp 0-65535 from ::/0", "sg-web:ingress:tcp:0-65535:::/0"),
            ("icmp 8/0 from 0.0.0.0/0", "sg-web:ingress:icmp:8/0:0.0.0.0/0"),
            ("icmp 8/any from sg-2", "sg-web:ingress:icmp:8/any:sg-2"),
            ("icmpv6 all to ::/0", "sg-web:egress:icmpv6:all:::/0"),
            ("47 from pl-1", "sg-web:ingress:47:all:pl-1"),
            ("all traffic to 0.0.0.0/0", "sg-web:egress:all:all:0.0.0.0/0"),
        ],
    )
    def test_a_rule_without_an_id_is_named_by_what_it_says(self, text, name):
        assert name == rule(text).name
        assert text == rule(text).text

    def test_an_id_of_the_document_is_the_name(self):
        assert rule("tcp 443 from 0.0.0.0/0", rule_id="sgr-1").name == "sgr-1"

    @given(strategies.rules(references=("sg-2", "pl-1")))
    def test_the_text_of_a_rule_reads_back(self, any_rule):
        assert any_rule == rule(any_rule.text)

    def test_host_bits_of_its_block_are_cleared(self):
        assert made(peer=Cidr(IPNetwork("100.68.0.18/18"))) == made(peer=Cidr(IPNetwork("100.68.0.0/18")))


class TestValidation:
    @pytest.mark.parametrize("group_id", ["", None, 7])
    def test_a_rule_has_a_group(self, group_id):
        assert f"group_id must be a non-empty text, got {group_id!r}" == refusal(group_id=group_id)

    @pytest.mark.parametrize("protocol", [-2, 256, "tcp", None, True])
    def test_a_protocol_is_a_number(self, protocol):
        assert f"protocol must be -1..255, got {protocol!r}" == refusal(protocol=protocol)

    def test_tcp_and_udp_need_ports(self):
        assert refusal(ports=None) == "ports must be given for tcp and udp alone, got None for tcp"

    def test_nothing_else_has_ports(self):
        assert refusal(protocol=-1) == "ports must be given for tcp and udp alone, got 443 for all"
        assert refusal(protocol=47) == "ports must be given for tcp and udp alone, got 443 for 47"
        assert refusal(protocol=1) == "ports must be given for tcp and udp alone, got 443 for icmp"

    def test_icmp_needs_a_match(self):
        expected = "icmp must be given for icmp and icmpv6 alone, got None for icmpv6"
        assert expected == refusal(protocol=58, ports=None)

    def test_nothing_else_has_an_icmp_match(self):
        assert refusal(icmp=IcmpMatch(8, 0)) == "icmp must be given for icmp and icmpv6 alone, got 8/0 for tcp"

    @pytest.mark.parametrize(
        ("icmp_type", "code", "message"),
        [
            (256, None, "icmp type must be 0..255 or -1 for any, got 256"),
            (-1, None, "icmp type must be 0..255 or -1 for any, got -1"),
            (8, 65535, "icmp code must be 0..255 or -1 for any, got 65535"),
            (True, None, "icmp type must be 0..255 or -1 for any, got True"),
            (None, 0, "icmp code must be -1 where the type is -1, got 0"),
        ],
    )
    def test_an_icmp_match_has_a_type_and_a_code(self, icmp_type, code, message):
        with pytest.raises(RuleError) as refused:
            IcmpMatch(icmp_type, code)
        assert message == str(refused.value)


class TestService:
    @pytest.mark.parametrize(("port", "expected"), [(21, False), (22, True), (30, True), (31, False)])
    def test_a_range_of_ports_has_both_its_ends(self, port, expected):
        assert expected == rule("tcp 22-30 from 0.0.0.0/0").admits_service(header(WEB.format(port)))

    def test_only_the_destination_port_counts(self):
        assert not rule("tcp 40000 from 0.0.0.0/0").admits_service(header(WEB.format(443)))

    def test_a_protocol_admits_no_other(self):
        assert not rule("udp 443 from 0.0.0.0/0").admits_service(header(WEB.format(443)))

    def test_all_traffic_admits_every_protocol(self):
        everything = rule("all from 0.0.0.0/0")
        for text in (WEB.format(443), PING.format(3, 4), "47 198.51.100.7 -> 192.0.2.10"):
            assert everything.admits_service(header(text))

    def test_a_protocol_number_admits_all_of_it(self):
        assert rule("47 from 0.0.0.0/0").admits_service(header("47 198.51.100.7 -> 192.0.2.10"))
        assert not rule("47 from 0.0.0.0/0").admits_service(header("50 198.51.100.7 -> 192.0.2.10"))

    @pytest.mark.parametrize(
        ("service", "admitted"),
        [
            ("icmp 8/0", {(8, 0)}),
            ("icmp 8/any", {(8, 0), (8, 1)}),
            ("icmp all", {(8, 0), (8, 1), (3, 3), (3, 4)}),
            ("icmp 3/4", {(3, 4)}),
        ],
    )
    def test_icmp_has_a_type_and_a_code_and_never_a_range(self, service, admitted):
        of = rule(f"{service} from 0.0.0.0/0")
        messages = {(8, 0), (8, 1), (3, 3), (3, 4)}
        assert admitted == {each for each in messages if of.admits_service(header(PING.format(*each)))}

    def test_icmp_is_of_ipv4_and_icmpv6_of_ipv6(self):
        for protocol, family, other in ((1, Family.IPV4, Family.IPV6), (58, Family.IPV6, Family.IPV4)):
            of = made(protocol=protocol, ports=None, icmp=IcmpMatch())
            assert of.admits_service(Header(Direction.INGRESS, family, 1, protocol, None, 8, 0))
            assert not of.admits_service(Header(Direction.INGRESS, other, 1, protocol, None, 8, 0))

    @pytest.mark.parametrize(
        ("service", "expected"), [("tcp 443", False), ("tcp 1-65535", False), ("tcp all", True), ("all", True)]
    )
    def test_a_later_fragment_fits_only_where_every_port_does(self, service, expected):
        later = header(WEB.format(443))._replace(port=None)
        assert expected == rule(f"{service} from 0.0.0.0/0").admits_service(later)

    @pytest.mark.parametrize(("service", "expected"), [("icmp 8/0", False), ("icmp 8/any", False), ("icmp all", True)])
    def test_a_later_icmp_fragment_fits_only_where_every_type_does(self, service, expected):
        later = header(PING.format(8, 0))._replace(icmp_type=None, icmp_code=None)
        assert expected == rule(f"{service} from 0.0.0.0/0").admits_service(later)


class TestOpenness:
    @pytest.mark.parametrize(
        ("peer", "families"),
        [
            ("0.0.0.0/0", {Family.IPV4}),
            ("::/0", {Family.IPV6}),
            ("0.0.0.0/1", set()),
            ("pl-1", set()),
            ("sg-2", set()),
        ],
    )
    def test_only_the_literal_block_is_open(self, peer, families):
        assert families == {family for family in Family if rule(f"tcp 80 from {peer}").is_open_to(family)}

    @pytest.mark.parametrize(
        ("service", "expected"),
        [("all", True), ("tcp all", True), ("tcp 0-65534", False), ("tcp 443", False), ("udp all", False)],
    )
    def test_all_ports_of_tcp_are_covered_by_all_traffic_or_every_port(self, service, expected):
        assert expected == rule(f"{service} from 0.0.0.0/0").covers_protocol(6)

    @pytest.mark.parametrize(("service", "expected"), [("icmp all", True), ("icmp 8/any", False), ("all", True)])
    def test_all_of_icmp_is_every_type(self, service, expected):
        assert expected == rule(f"{service} from 0.0.0.0/0").covers_protocol(1)


def test_references_are_told_apart_by_everything_they_say():
    assert GroupReference("sg-2") != GroupReference("sg-2", peering_id="pcx-1")
    assert str(GroupReference("sg-2", owner_id="123456789012")) == "sg-2"
