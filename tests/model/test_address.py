"""Addresses as integers and as text."""

import pytest
import strategies
from hypothesis import given

from sgsim.errors import RuleError
from sgsim.model.address import Family, format_address, parse_address


@pytest.mark.parametrize(
    ("text", "address", "family"),
    [
        ("192.0.2.1", 0xC0000201, Family.IPV4),
        ("0.0.0.0", 0, Family.IPV4),  # noqa: S104  # nothing is bound to it
        ("255.255.255.255", 2**32 - 1, Family.IPV4),
        ("::", 0, Family.IPV6),
        ("2001:db8::1", (0x20010DB8 << 96) + 1, Family.IPV6),
    ],
)
def test_an_address_is_a_number_and_a_family(text, address, family):
    assert (address, family) == parse_address(text)
    assert text == format_address(address, family)


@given(strategies.addresses(Family.IPV4))
def test_an_ipv4_address_that_is_written_reads_back(address):
    assert (address, Family.IPV4) == parse_address(format_address(address, Family.IPV4))


@given(strategies.addresses(Family.IPV6))
def test_an_ipv6_address_that_is_written_reads_back(address):
    assert (address, Family.IPV6) == parse_address(format_address(address, Family.IPV6))


@pytest.mark.parametrize(
    "text", ["", "192.0.2", "192.0.2.256", "192.0.2.01", "host", "2001:db8::1::2", "fe80::1%eth0", "192.0.2.1/32", "\0"]
)
def test_what_is_no_whole_address_is_refused(text):
    with pytest.raises(RuleError) as refused:
        parse_address(text)
    assert f"address must be IPv4 or IPv6, got {text!r}" == str(refused.value)


@pytest.mark.parametrize(("family", "bits"), [(Family.IPV4, 32), (Family.IPV6, 128)])
def test_a_family_knows_its_length(family, bits):
    assert bits == family.bits
