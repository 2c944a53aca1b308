"""Regions in few boxes."""

from unittest.mock import patch

import pytest
from hypothesis import given
from rules.toy_space import boxes, region

from sgsim.model.address import Family
from sgsim.rules import region_cover
from sgsim.rules.address_set import AddressSet
from sgsim.rules.region import Region
from sgsim.rules.region_cover import Box, Product, cover
from sgsim.rules.service import protocol_services


def together(products):
    return Region.of((product.addresses, product.services) for product in products)


@given(boxes)
def test_a_cover_is_exact(toy):
    """The union of cover(region) == region, and without any one of its products it is less."""
    products = cover(region(toy))
    assert together(products) == region(toy)
    for left_out in products:
        assert together(each for each in products if each is not left_out) != region(toy)


@given(boxes)
def test_a_cover_is_at_most_one_product_for_each_set_of_services(toy):
    """len(cover(region)) <= the number of different sets of services that addresses may use."""
    found = region(toy)
    assert len(cover(found)) <= len({services for _, _, services in found.ipv4})


@pytest.mark.parametrize(
    ("toy", "expected"),
    [
        ([((0, 255), (5, 5)), ((7, 7), (0, 15))], 2),
        ([((0, 9), (0, 9)), ((5, 14), (5, 14)), ((10, 19), (0, 9))], 2),
        ([((0, 99), (0, 0)), ((0, 49), (1, 1)), ((50, 99), (1, 1))], 1),
        ([((address, address), (address % 4, address % 4)) for address in range(32)], 4),
        ([((0, 99), (service, service)) for service in range(0, 16, 2)] + [((9, 9), (0, 15))], 2),
        ([((address, address), (0, 0)) for address in range(0, 32, 2)] + [((0, 31), (5, 5))], 2),
        (
            [((address, address), (1 + address // 2, 1 + address // 2)) for address in range(0, 20, 2)]
            + [((0, 19), (0, 0))],
            11,
        ),
    ],
)
def test_few_boxes_stay_few(toy, expected):
    assert len(cover(region(toy))) == expected


@given(boxes)
def test_large_regions_are_covered_exactly_too(toy):
    """What is too large for the search is still covered exactly."""
    with patch.object(region_cover, "MOST_CELLS", 0):
        assert together(cover(region(toy))) == region(toy)
        assert together(cover(swapped(region(toy)))) == swapped(region(toy))


def test_what_is_too_large_for_the_search_is_told_by_what_has_fewer_classes():
    """Each class of addresses, or of services, is one product."""
    three = region([((0, 0), (0, 1)), ((1, 1), (1, 2)), ((2, 2), (0, 2))])
    assert len(cover(three)) == 2
    for limit in ("MOST_CELLS", "MOST_CLASSES"):
        with patch.object(region_cover, limit, 5):
            assert len(cover(three)) == 3
    five = region([((0, 0), (0, 0)), ((1, 1), (1, 1)), ((2, 2), (2, 2)), ((3, 3), (0, 2)), ((4, 4), (0, 1))])
    with patch.object(region_cover, "MOST_CELLS", 0):
        assert (len(cover(five)), len(cover(swapped(five)))) == (3, 3)


def test_a_region_as_large_as_the_search_may_be_is_searched():
    three = region([((0, 0), (0, 1)), ((1, 1), (1, 2)), ((2, 2), (0, 2))])
    with patch.multiple(region_cover, MOST_CELLS=9, MOST_CLASSES=6):
        assert len(cover(three)) == 2


def swapped(found):
    """The same with addresses as services and services as addresses, as far as the toy space goes."""
    return Region.of((AddressSet(services), ((first, last),)) for first, last, services in found.ipv4)


def test_what_both_families_have_in_common_is_one_product():
    services = (protocol_services(6, 443, 443),)
    everyone = AddressSet(((0, (1 << 32) - 1),), ((0, (1 << 128) - 1),))
    assert cover(Region.of([(everyone, services)])) == (Product(everyone, services),)


def test_boxes_are_of_one_protocol_and_one_interval():
    product = Product(AddressSet(((1, 2), (9, 9))), (protocol_services(6, 443, 443), protocol_services(47)))
    assert list(region_cover.boxes([product])) == [
        Box(Family.IPV4, first, last, *service)
        for first, last in ((1, 2), (9, 9))
        for service in ((6, 443, 443), (47, 0, 65535))
    ]


def test_a_product_leaves_to_others_what_makes_it_longer():
    holed = region([((0, 255), (0, 15))]) - region([((0, 255), (4, 4)), ((9, 9), (8, 8))])
    assert [(each.addresses.ipv4, each.services) for each in cover(holed)] == [
        (((0, 255),), ((0, 3), (5, 7), (9, 15))),
        (((0, 8), (10, 255)), ((8, 8),)),
    ]
