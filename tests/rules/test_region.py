"""Regions, against every packet of a toy space and against the rules that they are made of."""

import pytest
import z3
from builders import group as group_of
from builders import interface, inventory, matcher, rule
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rules.toy_space import (
    ADDRESSES,
    ALL,
    UNIVERSE,
    boxes,
    intervals,
    is_canonical,
    numbers,
    packets,
    packets_of,
    region,
)
from strategies import headers, rules

from sgsim.model.address import Family
from sgsim.model.states import Direction
from sgsim.rules.region import Point, Region
from sgsim.rules.rule_region import product_of, rule_region
from sgsim.rules.service import ALL_SERVICES


@given(boxes)
def test_a_region_is_its_boxes(toy):
    """region(boxes) == the packets of the boxes, in canonical form."""
    found = region(toy)
    assert packets_of(found) == packets(toy)
    assert is_canonical(found.ipv4)
    assert found.ipv6 == ()


@given(boxes, boxes)
def test_algebra_is_that_of_sets(left, right):
    """|, &, - and ~ of regions == those of sets of packets, in canonical form."""
    mine, theirs = region(left), region(right)
    for found, expected in (
        (mine | theirs, packets(left) | packets(right)),
        (mine & theirs, packets(left) & packets(right)),
        (mine - theirs, packets(left) - packets(right)),
        (~mine & UNIVERSE, ALL - packets(left)),
    ):
        assert packets_of(found) == expected
        assert is_canonical(found.ipv4)


@given(boxes, boxes)
def test_equality_and_order_are_those_of_sets(left, right):
    """Regions are equal, empty or within each other exactly if their packets are."""
    mine, theirs = region(left), region(right)
    assert (mine == theirs) == (packets(left) == packets(right))
    assert bool(mine) == bool(packets(left))
    assert mine.covers(theirs) == (packets(right) <= packets(left))


@given(boxes, boxes, intervals(8))
def test_meeting_is_having_something_in_common(toy, others, services):
    """region.meets(addresses, services) == bool(region & addresses x services)"""
    found, addresses = region(toy), region(others).addresses()
    assert found.meets(addresses, services) == bool(found & Region.of([(addresses, (services,))]))


@given(boxes)
def test_complement_twice_is_nothing_done(toy):
    """~~region == region, and a region and its complement are everything and share nothing."""
    found = region(toy)
    assert ~~found == found
    assert found | ~found == Region.everything()
    assert not found & ~found


@given(boxes, st.permutations(range(8)))
def test_order_and_splitting_make_no_difference(toy, order):
    """region(boxes) == region(boxes in another order, each cut in two)."""
    shuffled = [toy[place] for place in order if place < len(toy)]
    cut = [
        (part, services)
        for (first, last), services in shuffled
        for part in (
            [(first, (first + last) // 2), ((first + last) // 2 + 1, last)] if first < last else [(first, last)]
        )
    ]
    assert region(cut) == region(toy)


@given(boxes)
def test_look_ups_agree_with_the_packets(toy):
    """contains, services, services_of_all, addresses and points tell what the packets tell."""
    found, expected = region(toy), packets(toy)
    assert {(a, s) for a, s in ALL if found.contains(Point(Family.IPV4, a, s))} == expected
    everywhere = region([*toy, ((0, ADDRESSES - 1), (3, 3))]) | ~UNIVERSE
    common = {s for s in range(16) if all((a, s) in expected or s == 3 for a in range(ADDRESSES))}
    assert set(numbers(everywhere.services_of_all(Family.IPV4))) == common
    addresses = found.addresses()
    assert {a for a in range(ADDRESSES) if addresses.contains(a, Family.IPV4)} == {a for a, _ in expected}
    slabs = {(first, min(s for a, s in expected if a == first)) for first, _, _ in found.ipv4}
    assert list(found.points()) == [Point(Family.IPV4, *each) for each in sorted(slabs)]
    assert region([*toy, ((0, ADDRESSES - 1), (3, 3))]).services_of_all(Family.IPV4) == ()


@given(boxes)
def test_services_are_the_same_up_to_where_they_next_change(toy):
    """region.same_until(a) == the address before the first after a that has other services than a."""
    found, until = region(toy), (1 << 32) - 1
    for address in reversed(range(ADDRESSES)):
        if found.services(address, Family.IPV4) != found.services(address + 1, Family.IPV4):
            until = address
        assert found.same_until(address, Family.IPV4) == until
    assert found.same_until(7, Family.IPV6) == (1 << 128) - 1


def test_families_never_mix():
    v4 = rule_region(resolved("all from 0.0.0.0/0")).known
    assert v4.services_of_all(Family.IPV4) == ALL_SERVICES
    assert v4.ipv6 == ()
    assert ~v4 == rule_region(resolved("all from ::/0")).known


def resolved(*texts, **known):
    parts = (group_of(*texts), interface())
    return matcher(inventory(*parts, **known)).rules[Direction.INGRESS]


@settings(max_examples=200)
@given(st.lists(rules(), max_size=6), st.lists(headers(), min_size=1, max_size=12))
def test_a_region_admits_what_its_rules_admit(some_rules, some_headers):
    """rule_region(rules) has a packet exactly if one of the rules admits it, each rule has what it admits."""
    known = matcher(inventory(group_of(*some_rules), interface()))
    for direction in Direction:
        found = rule_region(known.rules[direction]).known
        for header in some_headers:
            if header.direction is not direction or not is_whole(header):
                continue
            assert found.admits(header) == any(known.admitting(header))
            for each in known.rules[direction]:
                assert product_of(each).admits(header) == each.admits(header)


def is_whole(header):
    return header.port is not None or header.protocol not in {6, 17}


def test_peers_of_unknown_addresses_are_kept_apart():
    found = rule_region(resolved("tcp 22 from sg-app", "tcp 80 from 10.0.0.0/8", "icmp all from sg-app"))
    assert found.known == rule_region(resolved("tcp 80 from 10.0.0.0/8")).known
    assert list(found.unknown) == ["sg-app"]
    assert (
        found.unknown["sg-app"]
        == rule_region(resolved("tcp 22 from 0.0.0.0/0", "tcp 22 from ::/0", "icmp all from 0.0.0.0/0")).known
    )
    assert rule_region(resolved("tcp 22 from sg-app"), {"sg-app"}).known == Region()


@settings(max_examples=25)
@given(st.lists(rules(), max_size=4), st.lists(rules(), max_size=4))
def test_z3_finds_no_packet_that_the_algebra_overlooks(left, right):
    """Difference of two rule sets == what a solver says of the rules' own formulas: no packet is in only one of both."""
    for direction in Direction:
        mine, theirs = (matcher(inventory(group_of(*some), interface())).rules[direction] for some in (left, right))
        found = rule_region(mine).known - rule_region(theirs).known
        for family in Family:
            peer, service = z3.BitVec("peer", family.bits), z3.BitVec("service", 24)
            solver = z3.Solver()
            expected = z3.And(formula(mine, family, peer, service), z3.Not(formula(theirs, family, peer, service)))
            actual = z3.Or(
                [
                    z3.And(within(peer, first, last), z3.Or([within(service, *each) for each in services]))
                    for first, last, services in found.slabs(family)
                ]
            )
            solver.add(expected != actual)
            assert solver.check() == z3.unsat, solver.model()


def formula(some_rules, family, peer, service):
    """What rules say, field by field, without a region: protocol is the upper byte, the port the lower two."""
    protocol, detail = z3.Extract(23, 16, service), z3.Extract(15, 0, service)
    icmp_type, icmp_code = z3.Extract(15, 8, service), z3.Extract(7, 0, service)
    admitted = []
    for each in some_rules:
        conditions = [z3.Or([within(peer, *block) for block in each.addresses.ranges(family)])]
        if each.rule.protocol != -1:
            conditions.append(protocol == each.rule.protocol)
        if each.rule.ports is not None:
            conditions.append(within(detail, each.rule.ports.first, each.rule.ports.last))
        if each.rule.icmp is not None:
            conditions.append(z3.BoolVal((each.rule.protocol == 1) == (family is Family.IPV4)))
            if each.rule.icmp.icmp_type is not None:
                conditions.append(icmp_type == each.rule.icmp.icmp_type)
            if each.rule.icmp.icmp_code is not None:
                conditions.append(icmp_code == each.rule.icmp.icmp_code)
        admitted.append(z3.And(conditions))
    return z3.Or(admitted)


def within(number, first, last):
    return z3.And(z3.UGE(number, first), z3.ULE(number, last))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp 443 from 10.0.0.0/8", [(6 << 16) + 443] * 2),
        ("icmp 8/0 from 10.0.0.0/8", [(1 << 16) + 8 * 256] * 2),
        ("icmp 8 from 10.0.0.0/8", [(1 << 16) + 8 * 256, (1 << 16) + 8 * 256 + 255]),
        ("47 from 10.0.0.0/8", [47 << 16, (48 << 16) - 1]),
    ],
)
def test_a_rule_is_one_interval_of_services(text, expected):
    (slab,) = product_of(*resolved(text)).ipv4
    assert [*slab[2][0]] == expected
    assert rule(text).protocol == slab[2][0][0] >> 16


@given(st.sets(st.integers(0, ADDRESSES // 4 - 1), max_size=12), st.lists(boxes.map(lambda toy: toy[:1]), max_size=2))
@example(set(), [[((5, 6), (0, 15))]])
@example({1}, [[((3, 9), (0, 15))], [((252, 252), (15, 15))]])
def test_few_against_many_is_as_many_against_many(holes, few):
    """Short ways for regions of very different length give what sets of packets give."""
    finely = [((a * 4, a * 4 + a % 2), (a % 16, a % 16)) for a in range(ADDRESSES // 4) if a not in holes]
    coarsely = [box for some in few for box in some]
    mine, theirs = region(finely), region(coarsely)
    assert packets_of(mine | theirs) == packets_of(theirs | mine) == packets(finely) | packets(coarsely)
    services = (0, 7)
    for found, other in ((mine, theirs), (theirs, mine)):
        meeting = Region.of([(other.addresses(), (services,))])
        assert found.meets(other.addresses(), services) == bool(packets_of(found) & packets_of(meeting))
    assert packets_of(mine - theirs) == packets(finely) - packets(coarsely)
    assert packets_of(theirs - mine) == packets(coarsely) - packets(finely)
    assert packets_of(mine & theirs) == packets_of(theirs & mine) == packets(finely) & packets(coarsely)
    assert all(is_canonical(each.ipv4) for each in (mine - theirs, theirs - mine, mine & theirs))


MANY = tuple((ten, ten + 4, ((ten % 7, 9),)) for ten in range(0, 1000, 10))
"""So many slabs that a few others are searched for in them."""


def test_the_last_service_of_an_interval_is_in_it():
    found = Region(ipv6=((3, 4, ((2, 5), (8, 9))),))
    inside = [service for service in range(12) if found.contains(Point(Family.IPV6, 3, service))]
    assert inside == [2, 3, 4, 5, 8, 9]


def test_points_are_of_their_family():
    found = Region(ipv4=((3, 4, ((2, 5),)),), ipv6=((6, 9, ((1, 1),)),))
    assert list(found.points()) == [Point(Family.IPV4, 3, 2), Point(Family.IPV6, 6, 1)]


def test_services_of_all_are_none_where_the_last_addresses_have_none():
    part = Region(ipv4=((0, 5, ((1, 3),)),))
    assert part.services_of_all(Family.IPV4) == ()


def test_a_few_slabs_are_taken_from_many_wherever_they_meet_them():
    few = Region(ipv4=((2, 2, ((0, 9),)), (504, 512, ((0, 9),)), (2000, 2001, ((0, 9),))))
    expected = [slab for slab in MANY if slab[0] not in {0, 500, 510}]
    expected += [(0, 1, MANY[0][2]), (3, 4, MANY[0][2]), (500, 503, MANY[50][2]), (513, 514, MANY[51][2])]
    assert (Region(ipv4=MANY) - few).ipv4 == tuple(sorted(expected))
    assert (few - Region(ipv4=MANY)).ipv4[-1] == (2000, 2001, ((0, 9),))


def test_slabs_that_many_have_in_common_with_many_are_taken_away():
    """Slabs that are the same in both leave nothing, those of one alone stay, others leave the services they differ by."""
    every_other = Region(ipv4=MANY[::2])
    assert (Region(ipv4=MANY) - every_other).ipv4 == MANY[1::2]
    narrower = Region(ipv4=tuple((first, last, ((8, 9),)) for first, last, _ in MANY))
    assert (Region(ipv4=MANY) - narrower).ipv4 == tuple((first, last, ((first % 7, 7),)) for first, last, _ in MANY)


def test_slabs_that_meet_none_of_many_are_left_as_they_are():
    beside = Region(ipv4=((5, 9, ((0, 9),)),))
    assert Region(ipv4=MANY) - beside == Region(ipv4=MANY)
    assert beside - Region(ipv4=MANY) == beside
    assert not beside & Region(ipv4=MANY)
