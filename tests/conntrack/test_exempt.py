"""Traffic that security groups never filter, in either direction."""

import pytest
from builders import networks, packet

from sgsim.conntrack.exempt import EXEMPT_SERVICES, ExemptTraffic
from sgsim.conntrack.policies import ExemptList
from sgsim.model.address import parse_address
from sgsim.model.standing import Standing
from sgsim.model.states import Direction

IN, OUT = Direction.INGRESS, Direction.EGRESS
NETWORK = ExemptTraffic.of(
    [networks("192.0.2.0/24", "198.51.100.0/24", "2001:db8::/56")],
    networks("192.0.2.128/28", "2001:db8::/64"),
)


def name(text: str, direction: Direction = OUT, traffic: ExemptTraffic = NETWORK) -> str | None:
    service = traffic.service(packet(text), direction)
    return service.name if service else None


@pytest.mark.parametrize(
    ("there", "back", "service"),
    [
        ("udp 192.0.2.10:5000 -> 169.254.169.253:53", "udp 169.254.169.253:53 -> 192.0.2.10:5000", "Amazon DNS"),
        ("udp [2001:db8::10]:5000 -> [fd00:ec2::253]:53", "udp [fd00:ec2::253]:53 -> [2001:db8::10]:1", "Amazon DNS"),
        ("tcp 192.0.2.10:5000 -> 169.254.169.254:80", "tcp 169.254.169.254:80 -> 192.0.2.10:5000", "instance metadata"),
        (
            "tcp [2001:db8::10]:1 -> [fd00:ec2::254]:80",
            "tcp [fd00:ec2::254]:80 -> [2001:db8::10]:1",
            "instance metadata",
        ),
        ("tcp 192.0.2.10:5000 -> 169.254.170.2:80", "tcp 169.254.170.2:80 -> 192.0.2.10:5000", "ECS task metadata"),
        ("udp 192.0.2.10:123 -> 169.254.169.123:123", "udp 169.254.169.123:123 -> 192.0.2.10:123", "Amazon Time Sync"),
        (
            "udp [2001:db8::10]:1 -> [fd00:ec2::123]:123",
            "udp [fd00:ec2::123]:123 -> [2001:db8::10]:1",
            "Amazon Time Sync",
        ),
        ("tcp 192.0.2.10:1 -> 169.254.169.250:1688", "tcp 169.254.169.250:1688 -> 192.0.2.10:1", "Windows activation"),
        ("tcp 192.0.2.10:1 -> 169.254.169.251:1688", "tcp 169.254.169.251:1688 -> 192.0.2.10:1", "Windows activation"),
        ("udp 192.0.2.10:5000 -> 192.0.2.2:53", "udp 192.0.2.2:53 -> 192.0.2.10:5000", "Amazon DNS (VPC+2)"),
        ("tcp 192.0.2.10:5000 -> 192.0.2.2:53", "tcp 192.0.2.2:53 -> 192.0.2.10:5000", "Amazon DNS (VPC+2)"),
        ("icmp 192.0.2.130 -> 192.0.2.129", "icmp 192.0.2.129 -> 192.0.2.130 type 0", "VPC router"),
        ("udp 0.0.0.0:68 -> 255.255.255.255:67", "udp 192.0.2.129:67 -> 192.0.2.130:68", "DHCP"),
        ("udp [fe80::1]:546 -> [ff02::1:2]:547", "udp [fe80::2]:547 -> [fe80::1]:546", "DHCP"),
        ("icmpv6 fe80::1 -> ff02::1 type 135", "icmpv6 fe80::2 -> fe80::1 type 136", "neighbour discovery"),
        ("icmpv6 fe80::1 -> ff02::16 type 143", "icmpv6 fe80::2 -> ff02::1 type 130", "neighbour discovery"),
    ],
)
def test_services_of_the_network_are_exempt_both_ways(there, back, service):
    assert service == name(there, OUT)
    assert service == name(back, IN)


@pytest.mark.parametrize(
    "text",
    [
        "tcp 192.0.2.10:5000 -> 192.0.2.2:80",  # not DNS
        "icmp 192.0.2.10 -> 192.0.2.2",  # nor this
        "udp 192.0.2.10:5000 -> 198.51.100.2:53",  # of a secondary block
        "udp 192.0.2.10:5000 -> 203.0.113.2:53",  # of no block
        "udp [2001:db8::10]:5000 -> [2001:db8::2]:53",  # IPv6 has no such address
        "icmpv6 2001:db8::10 -> 2001:db8::1",  # nor this
        "tcp 192.0.2.10:5000 -> 169.254.169.250:80",  # activation has one port
        "udp 192.0.2.10:5000 -> 169.254.169.251:1688",  # and one protocol
        "tcp 192.0.2.10:68 -> 192.0.2.11:67",  # DHCP is UDP
        "udp 192.0.2.10:68 -> 192.0.2.11:69",
        "udp 192.0.2.10:546 -> 192.0.2.11:547",  # these are ports of IPv6
        "udp [fe80::1]:68 -> [fe80::2]:67",  # and those of IPv4
        "icmpv6 fe80::1 -> fe80::2 type 128",
        "tcp 192.0.2.10:5000 -> 169.254.170.23:80",  # EKS Pod Identity is not in the list
    ],
)
@pytest.mark.parametrize("direction", Direction)
def test_all_else_is_filtered(text, direction):
    assert name(text, direction) is None


def test_the_service_is_at_the_peer_not_at_the_interface():
    assert name("udp 192.0.2.2:53 -> 192.0.2.10:5000", OUT) is None
    assert name("udp 192.0.2.10:5000 -> 192.0.2.2:53", IN) is None


def test_without_a_vpc_its_dns_is_not_known_but_link_local_services_are():
    nothing = ExemptTraffic.of([], [])
    assert name("udp 192.0.2.10:5000 -> 192.0.2.2:53", traffic=nothing) is None
    assert name("udp 192.0.2.10:5000 -> 169.254.169.253:53", traffic=nothing) == "Amazon DNS"


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("udp 192.0.2.10:5000 -> 169.254.169.253:53", "named implied wide"),
        ("udp [2001:db8::10]:5000 -> [fd00:ec2::253]:53", "implied wide"),
        ("icmpv6 2001:db8::10 -> 2001:db8::1 type 135 code 0", "implied wide"),
        ("tcp 192.0.2.10:5000 -> 169.254.170.23:80", "wide"),
        ("tcp 192.0.2.10:5000 -> 169.254.169.249:1702", "wide"),
        ("tcp 192.0.2.10:5000 -> 169.254.169.248:80", ""),
    ],
)
def test_each_list_has_what_those_before_it_have(text, lists):
    assert [str(each) for each in ExemptList if name(text, traffic=ExemptTraffic.of([], [], each))] == lists.split()


def test_the_dns_server_is_in_the_first_ipv4_block_even_behind_an_ipv6_block():
    traffic = ExemptTraffic.of([networks("2001:db8::/56", "192.0.2.0/24")], [])
    assert name("udp 192.0.2.10:5000 -> 192.0.2.2:53", traffic=traffic) == "Amazon DNS (VPC+2)"


def test_services_that_have_addresses_are_listed_by_them():
    listed = NETWORK.services()
    assert listed[parse_address("192.0.2.2")].name == "Amazon DNS (VPC+2)"
    assert listed[parse_address("192.0.2.129")].name == "VPC router"
    assert {"DHCP", "neighbour discovery"}.isdisjoint(service.name for service in listed.values())


def test_each_service_has_a_standing_and_a_source():
    assert all(service.source and isinstance(service.standing, Standing) for service in EXEMPT_SERVICES)
    assumed = {service.name for service in EXEMPT_SERVICES if service.standing is Standing.ASSUMED}
    assert {"Amazon DNS", "neighbour discovery", "EKS Pod Identity", "GRID licences"} == assumed
