"""What changes between two rule sets, against the engine and against itself."""

from itertools import chain

import pytest
from analysis.random_networks import networks
from attrs import evolve
from builders import group, interface, inventory, packet, prefix_list
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import addresses, ports

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.difference import Kind, Presence
from sgsim.analysis.openings import ORDINARY_PORT, OpeningFinder, impossible
from sgsim.analysis.witness import opening_packet
from sgsim.conntrack.entry import TrackingCause
from sgsim.conntrack.profile import DEFAULT_PROFILE, LINUX
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError, RuleError
from sgsim.model.address import Family, format_address
from sgsim.model.decision import Reason, Verdict
from sgsim.model.states import ConntrackState, Direction
from sgsim.rules.header import Header
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference
from sgsim.rules.rule_region import rule_region
from sgsim.simulation.check import check_packet

COVERED = EngineOptions(profile=DEFAULT_PROFILE.given("open_rules", "covered"))
OTHERS = [
    EngineOptions(profile=DEFAULT_PROFILE.given(name, value))
    for name, value in (
        ("open_rules", "listed"), ("open_own_protocol", False), ("open_across_groups", False),
        ("open_beside_narrow", False), ("group_prefixes", False),
    )
]  # fmt: skip


def fate(known, some_packet, at, direction, options):
    """What the engine says of the first packet at one interface: denied, free (allowed without an entry), tracked."""
    here = evolve(some_packet, taken_at=at, direction=direction)
    (decision,) = check_packet(known, here, options).decisions
    if decision.verdict is not Verdict.ALLOW:
        return "denied"
    return "tracked" if decision.reason is Reason.RULE and decision.state is ConntrackState.NEW else "free"


CLAIMS = {
    Kind.ALLOWED: [("denied", "free"), ("denied", "tracked")],
    Kind.DENIED: [("free", "denied"), ("tracked", "denied")],
    Kind.TRACKED: [("free", "tracked")],
    Kind.UNTRACKED: [("tracked", "free")],
}


def sides(old, new, compared, difference):
    """Both inventories with an interface that shows the difference, and its id."""
    if difference.witness.at is not None:
        return old, new, difference.witness.at
    five_tuple = difference.witness.packet.five_tuple
    own = five_tuple.dst_addr if difference.direction is Direction.INGRESS else five_tuple.src_addr
    sides = []
    for known, group_id in ((old, compared.old_id), (new, compared.new_id)):
        members = {key: OpeningFinder(known).resolver._group(GroupReference(key), "sg-any") for key in known.groups}
        at = interface(
            format_address(own, five_tuple.family),
            interface_id="eni-test",
            groups=(group_id,),
        )
        sides.append(evolve(known, interfaces={"eni-test": at}, members=members))
    return *sides, "eni-test"


def tracks_nothing(some_packet):
    """Whether it is of a kind that makes no entry, so that tracking cannot be told by it."""
    protocol, kind = some_packet.five_tuple.protocol, some_packet.icmp_type
    return (protocol == 1 and kind not in {8, 13, 15, 17}) or (protocol == 58 and kind not in {128, 139})


@settings(max_examples=40)
@given(networks(), networks(), st.sampled_from([EngineOptions(), COVERED, EngineOptions(profile=LINUX), *OTHERS]))
def test_every_example_is_judged_as_claimed(old, new, options):
    """For each difference, the engine judges its example under both rule sets, and differently in the claimed way."""
    for compared, difference in diff_rules(old, new, options).differences():
        witness = difference.witness
        if witness is None:
            continue
        before, after, at = sides(old, new, compared, difference)
        was, becomes = (fate(known, witness.packet, at, difference.direction, options) for known in (before, after))
        if difference.kind in {Kind.ALLOWED, Kind.DENIED} or not tracks_nothing(witness.packet):
            assert (was, becomes) in CLAIMS[difference.kind], (compared.shown_id, difference)


@settings(max_examples=60)
@given(
    networks(),
    networks(),
    st.sampled_from(Direction),
    st.sampled_from(Family).flatmap(lambda family: st.tuples(st.just(family), addresses(family))),
    st.one_of(
        st.tuples(st.sampled_from([6, 17]), ports), st.sampled_from([(1, 8 * 256), (58, 128 * 256), (47, 0), (50, 0)])
    ),
    st.sampled_from([EngineOptions(), COVERED, *OTHERS]),
)
def test_no_packet_that_differs_is_left_out(old, new, direction, peer, service, options):
    """A packet is in a region of its interface's differences exactly if the engine judges it differently."""
    diff = diff_rules(old, new, options)
    (compared,) = [each for each in diff.interfaces if each.old_id == "eni-a"]
    family, address = peer
    own = old.interfaces["eni-a"].owned_ranges(family)[0][0]
    if address == own or (service[0] == 1) is (family is Family.IPV6) is True:
        return
    source, destination = (address, own) if direction is Direction.INGRESS else (own, address)
    probe = opening_packet(source, destination, family, service[0] * 65536 + service[1], ORDINARY_PORT)
    was, becomes = (fate(known, probe, "eni-a", direction, options) for known in (old, new))
    header = Header.of(probe.five_tuple, direction, probe.icmp_type, probe.icmp_code)
    kinds = [each.kind for each in compared.differences if each.direction is direction and each.region.admits(header)]
    expected = [kind for kind, claims in CLAIMS.items() if (was, becomes) in claims]
    assert kinds[:1] == expected, (was, becomes)


@given(networks(), st.sampled_from([EngineOptions(), COVERED, *OTHERS]))
def test_nothing_differs_from_itself(known, options):
    """diff(a, a) is empty."""
    diff = diff_rules(known, known, options)
    assert not diff
    assert not list(diff.differences())


@given(networks(), networks())
def test_exchanging_the_sides_exchanges_the_kinds(old, new):
    """diff(b, a) == diff(a, b) with allowed and denied, and tracked and untracked, exchanged."""
    for forth, back in zip(*(contents(diff_rules(*pair)) for pair in ((old, new), (new, old))), strict=True):
        assert {(kind.opposite, *rest) for kind, *rest in forth} == set(map(tuple, back))


def contents(diff):
    return [
        [(each.kind, each.direction, each.peer, each.region) for each in compared.differences]
        for compared in sorted((*diff.groups, *diff.interfaces), key=lambda each: each.shown_id)
    ]


@given(networks(), st.randoms(use_true_random=False))
def test_order_splitting_and_merging_make_no_difference(known, random):
    """diff(a, a with rules shuffled, repeated, and cut by ports or into two blocks) is empty."""
    groups = {}
    for key, each in known.groups.items():
        parts = list(chain.from_iterable(split(one) for one in each.rules))
        random.shuffle(parts)
        groups[key] = evolve(each, rules=(*parts, *each.rules[:1]))
    assert not diff_rules(known, evolve(known, groups=groups))
    assert not diff_rules(evolve(known, groups=groups), known)


def split(one):
    """A rule as two that mean the same, where that leaves tracking alone: open rules stay whole."""
    if isinstance(one.peer, Cidr) and not any(one.is_open_to(family) for family in Family):
        network = one.peer.network
        if network.prefixlen < network.version * 32 - 96 * (network.version == 6) and network.first != network.last:
            return [evolve(one, peer=Cidr(half)) for half in network.subnet(network.prefixlen + 1)]
        return [one]
    if isinstance(one.peer, Cidr):
        return [one]
    if one.ports is not None and one.ports.first < one.ports.last:
        middle = (one.ports.first + one.ports.last) // 2
        return [
            evolve(one, ports=PortRange(one.ports.first, middle)),
            evolve(one, ports=PortRange(middle + 1, one.ports.last)),
        ]
    return [one]


@given(networks(), networks())
def test_products_say_the_regions(old, new):
    """A difference's product holds its region, and beside it only what nobody can send or no group filters."""
    options = EngineOptions()
    for compared, each in diff_rules(old, new, options).differences():
        free = OpeningFinder(old, options).exempt(each.direction) | OpeningFinder(new, options).exempt(each.direction)
        if compared.old_id in old.interfaces:
            free |= impossible([old.interfaces[compared.old_id]])
        assert each.product.region().covers(each.region)
        others = [
            other.region
            for other in compared.differences
            if (other.kind, other.direction, other.peer) == (each.kind, each.direction, each.peer)
        ]
        said = each.product.region() - free
        for other in others:
            said -= other
        assert not said
        assert each.region


def the_diff(old_rules, new_rules, **parts):
    old, new = (inventory(group(*texts), interface(), **parts) for texts in (old_rules, new_rules))
    return diff_rules(old, new)


def told(compared):
    return [
        (str(each.kind), str(each.direction), [str(net) for net in each.product.addresses.networks()])
        for each in compared.differences
    ]


def test_a_wider_block_is_one_new_part():
    diff = the_diff(["tcp 22 from 10.0.0.0/27"], ["tcp 22 from 10.0.0.0/26"])
    (found,) = diff.groups
    assert told(found) == [("newly_allowed", "ingress", ["10.0.0.32/27"])]
    assert str(found.differences[0].witness.packet) == "tcp 10.0.0.33:40000 -> 192.0.2.10:22 S"
    assert [each.text for each in found.differences[0].new_rules] == ["tcp 22 from 10.0.0.0/26"]
    assert found.differences[0].old_rules == ()


def test_split_open_blocks_are_the_same_packets_but_tracked():
    diff = the_diff(
        ["tcp 80 from 0.0.0.0/0", "all to 0.0.0.0/0"],
        ["tcp 80 from 0.0.0.0/1", "tcp 80 from 128.0.0.0/1", "all to 0.0.0.0/0"],
    )
    (difference,) = diff.groups[0].differences
    assert difference.kind is Kind.TRACKED
    assert (difference.old_cause, difference.new_cause) == (TrackingCause.OPEN_RULES, TrackingCause.OPENING_RULE)


def test_what_groups_never_filter_is_no_difference():
    assert not the_diff([], ["udp 53 to 169.254.169.253/32", "all from 169.254.169.254/32"])


def test_what_another_group_allows_is_no_difference_at_the_interface():
    old, new = (
        inventory(
            group(*texts), group("tcp 20-30 from 10.0.0.0/8", group_id="sg-b"), interface(groups=("sg-web", "sg-b"))
        )
        for texts in (["tcp 22 from 10.0.0.0/8"], [])
    )
    diff = diff_rules(old, new)
    assert [told(each) for each in diff.groups] == [[("newly_denied", "ingress", ["10.0.0.0/8"])], []]
    assert diff.interfaces[0].differences == ()
    assert diff


def test_a_new_member_of_a_referenced_group_is_a_difference():
    parts = group("tcp 5432 from sg-app"), group(group_id="sg-app"), interface()
    old = inventory(*parts)
    new = inventory(*parts, interface("192.0.2.20", interface_id="eni-app", groups=("sg-app",)))
    diff = diff_rules(old, new)
    assert told(diff.groups[0]) == [("newly_allowed", "ingress", ["192.0.2.20/32"])]
    assert [(each.shown_id, each.presence) for each in diff.interfaces] == [
        ("eni-a", Presence.BOTH), ("eni-app", Presence.ADDED)
    ]  # fmt: skip


def test_a_longer_prefix_list_is_a_difference():
    parts = group("tcp 443 from pl-1"), interface()
    old, new = (
        inventory(*parts, prefix_list("pl-1", *blocks))
        for blocks in (["203.0.113.0/25"], ["203.0.113.0/25", "198.51.100.0/24"])
    )
    assert told(diff_rules(old, new).groups[0]) == [("newly_allowed", "ingress", ["198.51.100.0/24"])]


def test_an_interface_without_groups_admits_all_and_tracks_nothing():
    old = inventory(group("tcp 22 from 10.0.0.0/8"), interface())
    new = evolve(old, interfaces={"eni-a": evolve(old.interfaces["eni-a"], group_ids=())})
    diff = diff_rules(old, new)
    assert {each.kind for each in diff.interfaces[0].differences} == {Kind.ALLOWED, Kind.UNTRACKED}


def test_peers_of_unknown_addresses_are_compared_by_name():
    old = inventory(group("tcp 22 from sg-x", "tcp 80 from sg-x"))
    same = inventory(group("tcp 80 from sg-x", "tcp 22 from sg-x"))
    assert not diff_rules(old, same)
    new = inventory(group("tcp 80-81 from sg-x", "tcp 22 from 0.0.0.0/0"))
    diff = diff_rules(old, new)
    assert diff.unknown_peers == ("sg-x",)
    found = [(each.kind, each.peer, each.product.addresses.ipv6 != ()) for each in diff.groups[0].differences]
    assert found == [(Kind.ALLOWED, None, False), (Kind.ALLOWED, "sg-x", True), (Kind.DENIED, "sg-x", True)]


def test_an_open_rule_makes_up_for_unknown_members():
    old = inventory(group("tcp 22 from sg-x", "tcp 22 from 0.0.0.0/0", "tcp 22 from ::/0"))
    new = inventory(group("tcp 22 from 0.0.0.0/0", "tcp 22 from ::/0"))
    assert not diff_rules(old, new)


@settings(max_examples=40)
@given(networks(("sg-web", "sg-x", "pl-1")), networks(("sg-web", "sg-x", "pl-1")), st.sampled_from(Family))
def test_what_is_said_of_unknown_members_holds_once_they_are_known(old, new, family):
    """A difference for members of a group holds for its example if that group has exactly this member."""
    options = EngineOptions()
    for compared, difference in diff_rules(old, new, options).differences():
        witness = difference.witness
        if witness is None or witness.member_of is None or witness.at is None:
            continue
        five_tuple = witness.packet.five_tuple
        peer = five_tuple.src_addr if difference.direction is Direction.INGRESS else five_tuple.dst_addr
        member = rule_region([]).known.addresses()
        member = evolve(member, **{f"ipv{five_tuple.family.value}": ((peer, peer),)})
        was, becomes = (
            fate(evolve(known, members={"sg-x": member}), witness.packet, witness.at, difference.direction, options)
            for known in (old, new)
        )
        if difference.kind in {Kind.ALLOWED, Kind.DENIED} or not tracks_nothing(witness.packet):
            assert (was, becomes) in CLAIMS[difference.kind], (compared.shown_id, difference)
    assert family in Family


def test_groups_are_paired_by_id_then_name_then_map():
    old = inventory(group(group_id="sg-1"), group(group_id="sg-2", name="app"), group(group_id="sg-3", name="x"))
    new = inventory(group(group_id="sg-1"), group(group_id="aws.app", name="app"), group(group_id="aws.y", name="y"))
    diff = diff_rules(old, new, mapping={"x": "y"})
    assert [(each.old_id, each.new_id, each.paired_by) for each in diff.groups] == [
        ("sg-1", "sg-1", "id"), ("sg-2", "aws.app", "name"), ("sg-3", "aws.y", "map"),
    ]  # fmt: skip
    assert not diff
    unpaired = diff_rules(old, new).groups
    assert [(each.old_id, each.new_id) for each in unpaired[2:]] == [("sg-3", None), (None, "aws.y")]


def test_an_interface_document_of_the_other_side_serves_both():
    shared = interface(groups=("sg-1",))
    old = inventory(group("tcp 22 from sg-1", group_id="sg-1", name="web"), shared)
    new = inventory(group("tcp 22 from aws.web", group_id="aws.web", name="web"), shared)
    assert not diff_rules(old, new)


def test_references_to_a_group_with_another_id_are_the_same_where_nobody_knows_its_members():
    old = inventory(group("tcp 22 from sg-9", group_id="sg-1", name="web"), group(group_id="sg-9", name="app"))
    new = inventory(group("tcp 22 from aws.app", group_id="aws.web", name="web"), group(group_id="aws.app", name="app"))
    diff = diff_rules(old, new)
    assert not diff
    assert diff.unknown_peers == ("sg-9",)


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        ({"sg-web": "sg-web", "sg-b": "sg-web"}, ConfigError, "one old group, got several for sg-web"),
        ({"sg-nobody": "sg-web"}, RuleError, "got 'sg-nobody'"),
    ],
)
def test_a_wrong_mapping_is_refused(mapping, error, message):
    known = inventory(group(), group(group_id="sg-b"))
    with pytest.raises(error, match=message):
        diff_rules(known, known, mapping=mapping)


def test_examples_are_packets_that_people_type():
    diff = the_diff([], ["icmp 8/0 from 10.0.0.0/8", "udp all to 10.0.0.0/8", "47 from 10.0.0.0/8"])
    texts = {str(each.witness.packet) for each in diff.groups[0].differences}
    assert texts == {
        "47 10.0.0.1 -> 192.0.2.10",
        "icmp 10.0.0.1 -> 192.0.2.10 type 8 code 0",
        "udp 192.0.2.10:40000 -> 10.0.0.1:53",
    } or all(packet(text) for text in texts)
