"""Whose address it is."""

import pytest
from builders import interface
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPNetwork

from sgsim.errors import RuleError
from sgsim.model.address import Family, parse_address
from sgsim.rules.ownership import Ownership

BASE = 0xC0000200


def owner_id(ownership: Ownership, text: str) -> str | None:
    owner = ownership.owner(*parse_address(text))
    return owner.interface_id if owner else None


def refusal(*interfaces) -> str:
    with pytest.raises(RuleError) as refused:
        Ownership(interfaces)
    return str(refused.value)


def test_private_secondary_ipv6_addresses_and_delegated_prefixes_are_owned():
    ownership = Ownership(
        [
            interface("192.0.2.10", "192.0.2.11", "2001:db8::10", "192.0.2.128/28", "2001:db8:0:1::/80"),
            interface("192.0.2.20", interface_id="eni-b"),
        ]
    )
    for address in ("192.0.2.10", "192.0.2.11", "2001:db8::10", "192.0.2.128", "192.0.2.143", "2001:db8:0:1::ffff"):
        assert owner_id(ownership, address) == "eni-a"
    assert owner_id(ownership, "192.0.2.20") == "eni-b"
    for address in ("192.0.2.9", "192.0.2.12", "192.0.2.127", "192.0.2.144", "2001:db8::11", "2001:db8:0:1:1::"):
        assert owner_id(ownership, address) is None


def test_a_public_address_is_owned_by_nobody():
    assert owner_id(Ownership([interface(public_addresses=["203.0.113.9"])]), "203.0.113.9") is None


def test_an_ipv6_address_with_the_number_of_an_ipv4_address_is_another():
    ownership = Ownership([interface("192.0.2.10")])
    assert ownership.owner(parse_address("192.0.2.10")[0], Family.IPV6) is None


def test_an_address_in_a_prefix_of_its_own_interface_is_no_conflict():
    ownership = Ownership([interface("192.0.2.16/28", "192.0.2.17", "192.0.2.0/26", "192.0.2.17")])
    for address in ("192.0.2.0", "192.0.2.17", "192.0.2.31", "192.0.2.32", "192.0.2.63"):
        assert owner_id(ownership, address) == "eni-a"
    assert owner_id(ownership, "192.0.2.64") is None


def test_an_address_owned_twice_names_both_and_the_vpc_option():
    one = interface("192.0.2.10", vpc_id="vpc-1")
    other = interface("192.0.2.10", interface_id="eni-b", vpc_id="vpc-2")
    assert refusal(one, other) == (
        "address must be owned by one interface, got 192.0.2.10 owned by eni-a and eni-b: "
        "choose one with --vpc, they are in vpc-1 and vpc-2"
    )


def test_an_address_owned_twice_in_one_vpc_is_a_mistake_of_the_documents():
    assert refusal(interface("192.0.2.10"), interface("192.0.2.10", interface_id="eni-b")) == (
        "address must be owned by one interface, got 192.0.2.10 owned by eni-a and eni-b: correct the documents"
    )


def test_an_address_in_a_prefix_of_another_interface_is_owned_twice_even_behind_a_neighbour_of_its_own():
    message = refusal(interface("192.0.2.0/28", "192.0.2.2"), interface("192.0.2.5", interface_id="eni-b"))
    assert "got 192.0.2.5 owned by eni-a and eni-b" in message


blocks = st.lists(
    st.tuples(st.integers(0, 15), st.integers(28, 32)).map(lambda pair: str(IPNetwork((BASE + pair[0], pair[1])).cidr)),
    min_size=1,
    max_size=3,
)


@given(blocks, blocks)
def test_an_owner_is_found_for_exactly_what_is_owned_or_both_owners_are_refused(first, second):
    owned = [
        {a for text in each for a in range(IPNetwork(text).first, IPNetwork(text).last + 1)} for each in (first, second)
    ]
    one, other = interface(*first), interface(*second, interface_id="eni-b")
    if owned[0] & owned[1]:
        assert "owned by eni-" in refusal(one, other)
        return
    ownership = Ownership([one, other])
    for address in range(BASE - 1, BASE + 17):
        expected = one if address in owned[0] else other if address in owned[1] else None
        assert expected is ownership.owner(address, Family.IPV4)


def test_the_first_address_that_two_interfaces_own_is_told():
    message = refusal(interface("192.0.2.16/28"), interface("192.0.2.24/29", interface_id="eni-b"))
    assert message.startswith("address must be owned by one interface, got 192.0.2.24 owned by eni-a and eni-b")
