"""Examples that people know."""

import pytest
from builders import networks

from sgsim.analysis.witness import witness_packet
from sgsim.model.address import Family, parse_address
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.region_cover import Product
from sgsim.rules.service import ALL_SERVICES, protocol_services

LOCAL = {Family.IPV4: [parse_address("192.0.2.10")[0]], Family.IPV6: [parse_address("2001:db8::10")[0]]}
TCP, UDP, ICMP, GRE = protocol_services(6), protocol_services(17), protocol_services(1), protocol_services(47)


@pytest.mark.parametrize(
    ("blocks", "services", "expected"),
    [
        (["0.0.0.0/0"], ALL_SERVICES, "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"),
        (["10.0.0.0/8"], (protocol_services(6, 22, 30),), "tcp 10.0.0.1:40000 -> 192.0.2.10:22 S"),
        (["10.0.0.1/32"], (protocol_services(6, 0, 100),), "tcp 10.0.0.1:40000 -> 192.0.2.10:80 S"),
        (["10.0.0.0/8"], (ICMP, UDP), "udp 10.0.0.1:40000 -> 192.0.2.10:53"),
        (["10.0.0.0/8"], (ICMP, GRE), "icmp 10.0.0.1 -> 192.0.2.10 type 8 code 0"),
        (["10.0.0.0/8"], (GRE,), "47 10.0.0.1 -> 192.0.2.10"),
        (["::/0"], (ICMP, protocol_services(58)), "icmpv6 2001:db8::7 -> 2001:db8::10 type 128 code 0"),
        (["192.0.2.10/31"], (TCP,), "tcp 192.0.2.11:40000 -> 192.0.2.10:443 S"),
    ],
)
def test_the_packet_is_a_usual_one(blocks, services, expected):
    product = Product(AddressSet.of(networks(*blocks)), services)
    packet = witness_packet(product, product.region(), Direction.INGRESS, LOCAL, 40000)
    assert str(packet) == expected


def test_the_packet_is_in_the_region_where_the_usual_one_is_not():
    product = Product(AddressSet.of(networks("0.0.0.0/0")), ALL_SERVICES)
    part = Product(AddressSet.of(networks("203.0.113.0/24")), (protocol_services(6, 8080, 8080),))
    packet = witness_packet(product, part.region(), Direction.EGRESS, LOCAL, 40000)
    assert str(packet) == "tcp 192.0.2.10:40000 -> 203.0.113.7:8080 S"


def test_without_an_address_of_the_family_there_is_none():
    product = Product(AddressSet.of(networks("::/0")), ALL_SERVICES)
    assert witness_packet(product, product.region(), Direction.INGRESS, {Family.IPV4: LOCAL[Family.IPV4]}, 1) is None
    alone = Product(AddressSet.of(networks("192.0.2.10/32")), ALL_SERVICES)
    assert witness_packet(alone, alone.region(), Direction.INGRESS, LOCAL, 1) is None
