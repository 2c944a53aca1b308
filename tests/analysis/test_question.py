"""What the words of a question mean."""

import pytest
from builders import group, interface, inventory, prefix_list

from sgsim.analysis.question import Wording
from sgsim.errors import ConfigError, UnresolvedReferenceError
from sgsim.rules.service import ALL_SERVICES, protocol_services, service_texts

KNOWN = inventory(
    group(group_id="sg-web", name="web"),
    group("tcp 22 from sg-x", group_id="sg-x"),
    interface("10.0.1.5", groups=("sg-web",), instance_id="i-1"),
    interface("10.0.1.6", interface_id="eni-b", groups=("sg-web",), instance_id="i-1"),
    prefix_list("pl-1", "203.0.113.0/24"),
    has_interface_document=False,
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("eni-a",), ["10.0.1.5/32"]),
        (("i-1",), ["10.0.1.5/32", "10.0.1.6/32"]),
        (("sg-web",), ["10.0.1.5/32", "10.0.1.6/32"]),
        (("web",), ["10.0.1.5/32", "10.0.1.6/32"]),
        (("pl-1",), ["203.0.113.0/24"]),
        (("192.0.2.1", "10.0.0.0/8"), ["10.0.0.0/8", "192.0.2.1/32"]),
        (("2001:db8::1",), ["2001:db8::1/128"]),
        (("any",), ["0.0.0.0/0", "::/0"]),
        ((), ["0.0.0.0/0", "::/0"]),
    ],
)
def test_ends(words, expected):
    assert [str(net) for net in Wording(sources=words).question(KNOWN).sources.networks()] == expected
    assert not Wording(sources=words, not_sources=("any",)).question(KNOWN).sources


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, ["all traffic"]),
        ({"protocols": ("any",)}, ["all traffic"]),
        ({"protocols": ("tcp",)}, ["tcp 0-65535"]),
        ({"ports": ("22", "80-90")}, ["tcp 22", "tcp 80-90", "udp 22", "udp 80-90"]),
        ({"protocols": ("tcp",), "not_ports": ("22",)}, ["tcp 0-21", "tcp 23-65535"]),
        ({"icmp_type": 8}, ["icmp 8/any", "icmpv6 8/any"]),
        ({"protocols": ("icmp",), "icmp_type": 3, "icmp_code": 4}, ["icmp 3/4"]),
        ({"protocols": ("47", "tcp")}, ["tcp 0-65535", "protocol 47"]),
    ],
)
def test_services(words, expected):
    assert service_texts(Wording(**words).question(KNOWN).services) == expected


def test_the_source_port_is_an_ordinary_one_unless_it_must_not_be():
    assert Wording().question(KNOWN).src_port == 40000
    assert Wording(src_ports=("1024-65535",)).question(KNOWN).src_port == 40000
    assert Wording(src_ports=("53", "67")).question(KNOWN).src_port == 53
    assert Wording().question(KNOWN).services == ALL_SERVICES
    assert protocol_services(6, 1, 2) == (6 * 65536 + 1, 6 * 65536 + 2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            {"sources": ("sg-no",)},
            "end must be any, an address, a block, or an interface, instance, group or prefix list",
        ),
        ({"ports": ("http",)}, "ports must be a port such as 22 or a range such as 1000-2000, got 'http'"),
        ({"ports": ("9-8",)}, "ports must be"),
        ({"ports": ("22",), "protocols": ("icmp",)}, "ports must go with tcp and udp alone, got icmp"),
        ({"icmp_type": 8, "protocols": ("tcp",)}, "an ICMP type must go with icmp and icmpv6 alone, got tcp"),
        ({"icmp_type": 300}, "ICMP type must be 0..255, got 300"),
        ({"icmp_code": 3}, "an ICMP code must go with a type, got code 3 alone"),
        ({"icmp_type": 3, "ports": ("22",)}, "question must have ports or an ICMP type, got both"),
        ({"protocols": ("tpc",)}, "protocol must be tcp, udp"),
    ],
)
def test_what_is_not_right_is_refused(words, expected):
    with pytest.raises((ConfigError, ValueError), match=expected.replace("(", r"\(")):
        Wording(**words).question(KNOWN)


def test_a_group_without_known_members_is_refused():
    with pytest.raises(UnresolvedReferenceError, match="the question hinges on sg-x, whose addresses nobody gave"):
        Wording(sources=("sg-x",)).question(KNOWN)
