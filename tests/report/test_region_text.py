"""Peers and services in words."""

import pytest
from builders import networks

from sgsim.report.region_text import addresses_text, cidrs, services_text
from sgsim.rules.address_set import AddressSet
from sgsim.rules.ranges import difference, merged
from sgsim.rules.service import ALL_SERVICES, protocol_services

EVERYONE = AddressSet.of(networks("0.0.0.0/0"))


def without(*blocks):
    return AddressSet(difference(EVERYONE.ipv4, AddressSet.of(networks(*blocks)).ipv4))


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (AddressSet.of(networks("10.0.0.0/8", "192.0.2.7/32", "::/0")), "10.0.0.0/8, 192.0.2.7, ::/0"),
        (AddressSet(((1, 3),)), "0.0.0.1-0.0.0.3"),
        (without("10.0.0.0/8"), "0.0.0.0/0 except 10.0.0.0/8"),
        (without("0.0.0.0/1"), "128.0.0.0/1"),
        (AddressSet.of(networks(*(f"10.{n}.0.0/16" for n in range(0, 20, 2)))), "10.0.0.0/16, 10.2.0.0/16, 10.4.0.0/16, 10.6.0.0/16, 10.8.0.0/16 and 5 more"),
    ],
)  # fmt: skip
def test_addresses(addresses, expected):
    assert addresses_text(addresses) == expected


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (ALL_SERVICES, "all traffic"),
        (merged([protocol_services(6, 80, 80), protocol_services(17, 53, 53)]), "tcp 80, udp 53"),
        (difference(ALL_SERVICES, (protocol_services(6, 25, 25),)), "all traffic except tcp 25"),
    ],
)
def test_services(services, expected):
    assert services_text(services) == expected


def test_blocks_for_programs():
    assert cidrs(AddressSet(((1, 3),), ((0, 1),))) == ("0.0.0.1/32", "0.0.0.2/31", "::/127")
