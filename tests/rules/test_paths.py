"""Which path leads to a peer."""

import pytest
import strategies
from builders import interface, networks
from hypothesis import given
from hypothesis import strategies as st

from sgsim.model.address import Family, parse_address
from sgsim.model.path import PathLabel
from sgsim.rules.paths import PathMap, PathRule

NAT, LB, DYNAMO, DIRECT = PathLabel.NAT_GATEWAY, PathLabel.NETWORK_LOAD_BALANCER, PathLabel.DYNAMODB, PathLabel.DIRECT


def path_map(*labelled: tuple[PathLabel, str] | tuple[PathLabel, str, str]) -> PathMap:
    rules = [(PathRule(label, scope=scope[0] if scope else None), networks(cidr)) for label, cidr, *scope in labelled]
    return PathMap.of(rules, interface(subnet_id="subnet-1"))


def label(paths: PathMap, peer: str) -> PathLabel:
    return paths.label(*parse_address(peer))


def test_a_peer_without_a_label_is_reached_directly():
    assert label(path_map(), "198.51.100.7") is DIRECT
    assert label(path_map((NAT, "198.51.100.0/24")), "203.0.113.7") is DIRECT


@pytest.mark.parametrize("order", [1, -1])
def test_the_longest_prefix_wins(order):
    labelled = [(NAT, "0.0.0.0/0"), (LB, "198.51.100.0/24"), (DYNAMO, "198.51.100.7/32")][::order]
    paths = path_map(*labelled)
    assert [NAT, LB, DYNAMO] == [label(paths, peer) for peer in ("203.0.113.1", "198.51.100.8", "198.51.100.7")]


def test_a_longer_prefix_may_say_direct_again():
    paths = path_map((NAT, "0.0.0.0/0"), (DIRECT, "198.51.100.0/24"))
    assert label(paths, "198.51.100.7") is DIRECT


def test_of_equal_prefixes_the_last_given_wins():
    assert label(path_map((NAT, "198.51.100.0/24"), (LB, "198.51.100.0/24")), "198.51.100.7") is LB


@pytest.mark.parametrize("order", [1, -1])
def test_of_equal_prefixes_one_with_a_scope_wins(order):
    labelled = [PathRule(NAT, scope="eni-a"), PathRule(LB)][::order]
    paths = PathMap.of([(each, networks("198.51.100.0/24")) for each in labelled], interface())
    assert label(paths, "198.51.100.7") is NAT


@pytest.mark.parametrize(
    ("scope", "expected"), [("eni-a", NAT), ("subnet-1", NAT), ("eni-b", DIRECT), ("subnet-2", DIRECT)]
)
def test_a_scope_is_an_interface_or_a_subnet(scope, expected):
    assert expected is label(path_map((NAT, "198.51.100.0/24", scope)), "198.51.100.7")


def test_families_never_mix():
    paths = path_map((NAT, "0.0.0.0/0"))
    assert paths.label(7, Family.IPV4) is NAT
    assert paths.label(7, Family.IPV6) is DIRECT
    assert (paths.automatic(Family.IPV4), paths.automatic(Family.IPV6)) == (((0, (1 << 32) - 1),), ())


def test_peers_that_a_longer_prefix_calls_direct_are_not_automatic():
    paths = path_map((NAT, "0.0.0.0/30"), (DYNAMO, "0.0.0.8/32"), (LB, "0.0.0.0/31"), (DIRECT, "0.0.0.1/32"))
    assert paths.automatic(Family.IPV4) == ((0, 0), (2, 3), (8, 8))


@given(st.lists(st.tuples(st.sampled_from(PathLabel), strategies.networks(), st.none() | st.just("eni-a"))), st.data())
def test_blocks_tell_of_every_peer_what_its_label_tells(labelled, data):
    """The first ranked block that holds a peer has its label; automatic(family) has it if that label is automatic."""
    paths = PathMap.of([(PathRule(each, scope=scope), [block]) for each, block, scope in labelled], interface())
    family = data.draw(strategies.families)
    peer = data.draw(strategies.addresses(family))
    automatic = any(first <= peer <= last for first, last in paths.automatic(family))
    assert automatic == paths.label(peer, family).is_automatic
    holding = (each for block, each in paths.ranked() if block.version == family and block.first <= peer <= block.last)
    assert next(holding, DIRECT) is paths.label(peer, family)
