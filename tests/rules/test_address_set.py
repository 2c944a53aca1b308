"""`union` and `contains` agree with plain sets of addresses."""

from itertools import pairwise

import pytest
import strategies
from builders import networks
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork, IPRange

from sgsim.errors import RuleError
from sgsim.model.address import Family, parse_address
from sgsim.rules.address_set import AddressSet, parse_cidr
from sgsim.rules.ranges import merged

SMALL = 0xC0000200
"""192.0.2.0: properties look at its 16 addresses, and at one to either side."""

small_blocks = st.integers(28, 32).flatmap(
    lambda length: st.integers(SMALL, SMALL + 15).map(lambda address: IPNetwork((address, length), version=4).cidr)
)
blocks = st.lists(strategies.networks(), max_size=5)


def members(networks_: list[IPNetwork]) -> set[int]:
    return {address for network in networks_ for address in range(network.first, network.last + 1)}


@given(st.lists(small_blocks, max_size=6))
def test_a_set_has_the_addresses_of_its_blocks_and_no_others(cidrs):
    actual = {a for a in range(SMALL - 1, SMALL + 17) if AddressSet.of(cidrs).contains(a, Family.IPV4)}
    assert members(cidrs) == actual


@given(st.lists(small_blocks, max_size=4), st.lists(small_blocks, max_size=4))
def test_a_union_has_the_addresses_of_both(left, right):
    union = AddressSet.of(left).union(AddressSet.of(right))
    assert AddressSet.of(left + right) == union
    actual = {a for a in range(SMALL - 1, SMALL + 17) if union.contains(a, Family.IPV4)}
    assert members(left) | members(right) == actual


@given(st.lists(st.tuples(strategies.families, st.integers(0, (1 << 32) - 1), st.integers(0, 300)), max_size=4))
def test_networks_are_the_fewest_blocks(pieces):
    """networks == those that netaddr makes of each interval, and make up the set again."""
    intervals = {
        family: merged((first, min(first + more, (1 << 32) - 1)) for each, first, more in pieces if each is family)
        for family in Family
    }
    known = AddressSet(*intervals.values())
    expected = [
        cidr
        for family, found in intervals.items()
        for first, last in found
        for cidr in IPRange(IPAddress(first, family), IPAddress(last, family)).cidrs()
    ]
    assert list(known.networks()) == expected
    assert AddressSet.of(known.networks()) == known


def test_everything_is_one_block():
    everything = AddressSet(*(((0, (1 << family.bits) - 1),) for family in Family))
    assert [str(network) for network in everything.networks()] == ["0.0.0.0/0", "::/0"]


@given(blocks, st.data())
def test_containing_an_address_is_lying_in_one_of_the_blocks(cidrs, data):
    family = data.draw(strategies.families)
    edges = [edge + step for cidr in cidrs for edge in (cidr.first, cidr.last) for step in (-1, 0, 1)]
    address = data.draw(st.sampled_from(edges) if edges else strategies.addresses(family))
    expected = any(cidr.version == family and cidr.first <= address <= cidr.last for cidr in cidrs)
    assert expected == AddressSet.of(cidrs).contains(address, family)


@given(blocks)
def test_ranges_are_sorted_and_never_touch(cidrs):
    for family in Family:
        ranges = AddressSet.of(cidrs).ranges(family)
        assert all(first <= last for first, last in ranges)
        assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))


@given(st.permutations(networks("192.0.2.0/25", "192.0.2.128/25", "2001:db8::/64", "192.0.2.7/32")))
def test_sets_are_equal_however_they_were_made_and_can_be_keys(cidrs):
    expected = AddressSet.of(networks("192.0.2.0/24", "2001:db8::/64"))
    assert expected == AddressSet.of(cidrs)
    assert len({expected, AddressSet.of(cidrs)}) == 1


def test_an_address_counts_as_a_block_of_one():
    assert AddressSet.of([IPAddress("192.0.2.1")]) == AddressSet.of(networks("192.0.2.1/32"))


def test_families_never_mix():
    address, _ = parse_address("0.0.0.7")
    assert AddressSet.of(networks("0.0.0.0/0")).contains(address, Family.IPV4)
    assert not AddressSet.of(networks("0.0.0.0/0")).contains(address, Family.IPV6)
    assert not AddressSet.of(networks("::/0")).contains(address, Family.IPV4)


@pytest.mark.parametrize(
    ("cidrs", "everything"),
    [
        (["0.0.0.0/0"], {Family.IPV4}),
        (["::/0"], {Family.IPV6}),
        (["0.0.0.0/1", "128.0.0.0/1"], {Family.IPV4}),
        (["0.0.0.0/1", "::/1", "8000::/1"], {Family.IPV6}),
        ([], set()),
    ],
)
def test_everything_is_every_address_of_a_family(cidrs, everything):
    addresses = AddressSet.of(networks(*cidrs))
    assert everything == {family for family in Family if addresses.is_everything(family)}


def test_a_set_is_true_if_it_has_any_address():
    assert not AddressSet()
    assert AddressSet.of(networks("::1/128"))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("100.68.0.18/18", "100.68.0.0/18"),
        ("192.0.2.255/32", "192.0.2.255/32"),
        ("192.0.2.255/0", "0.0.0.0/0"),
        ("2001:DB8:0:0::1/32", "2001:db8::/32"),
        ("2001:db8::1/128", "2001:db8::1/128"),
    ],
)
def test_host_bits_are_cleared_as_ec2_does_on_write(text, canonical):
    assert canonical == str(parse_cidr(text))


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1",
        "192.0.2.0/33",
        "::/129",
        "192.0.2/24",
        "10/8",
        "192.0.2.0/255.255.255.0",
        "192.0.2.0/+8",
        "192.0.2.0/-1",
        "192.0.2.0/",
        "192.0.2.0/8/9",
        " 192.0.2.0/24",
        "192.0.2.0/24 ",
        "192.0.2.0/²",
        "host/24",
        "/24",
        "",
    ],
)
def test_what_is_no_block_is_refused_with_its_value(text):
    with pytest.raises(RuleError) as refused:
        parse_cidr(text)
    assert f"CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got {text!r}" == str(refused.value)


@given(st.text(max_size=20))
def test_any_text_is_a_block_or_refused(text):
    try:
        assert parse_cidr(text) == parse_cidr(text).cidr
    except RuleError as refused:
        assert repr(text) in str(refused)  # noqa: PT017  # either outcome is right


def test_the_lowest_ipv6_addresses_are_not_taken_for_ipv4():
    """As integers they are no larger than those of IPv4."""
    lowest = AddressSet.of([parse_cidr("::/127"), parse_cidr("::ffff/128")])
    assert [str(network) for network in lowest.networks()] == ["::/127", "::ffff/128"]
    assert lowest.ipv4 == ()
