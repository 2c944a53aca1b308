"""New rules lie inside the old one and admit what was seen."""

import pytest
from builders import group, interface, inventory, rule
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress

from sgsim.analysis.narrowing import Knobs, Seen, narrowed
from sgsim.errors import ConfigError
from sgsim.model.address import Family
from sgsim.model.protocol import protocol_number
from sgsim.rules.match import RuleMatcher
from sgsim.rules.region import Point
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule_region import rule_region
from sgsim.rules.service import protocol_services


def seen(*texts):
    """`tcp 80 203.0.113.9`, with flows behind it where they are not one."""
    found = Seen()
    for text in texts:
        name, detail, peer, *flows = text.split()
        address = IPAddress(peer)
        service = protocol_services(protocol_number(name), int(detail), int(detail))[0]
        found.add(address.version, int(address), service, int(flows[0]) if flows else 1)
    return found


def texts(old, *what, **knobs):
    return [each.text for each in narrowed(rule(old), seen(*what), Knobs(**knobs))]


@pytest.mark.parametrize(
    ("old", "what", "knobs", "new"),
    [
        ("tcp 1-1000 from 0.0.0.0/0", ["tcp 80 203.0.113.9"], {}, ["tcp 80 from 203.0.113.9/32"]),
        ("tcp 1-1000 from 0.0.0.0/0", ["tcp 80 203.0.113.9"], {"prefix4": 24}, ["tcp 80 from 203.0.113.0/24"]),
        ("tcp 80 from 203.0.113.8/30", ["tcp 80 203.0.113.9"], {"prefix4": 24}, ["tcp 80 from 203.0.113.8/30"]),
        ("tcp 80 from ::/0", ["tcp 80 2001:db8::9"], {"prefix6": 64}, ["tcp 80 from 2001:db8::/64"]),
        ("tcp 80 from 10.0.0.0/8", ["tcp 80 10.0.0.0", "tcp 80 10.0.0.1"], {}, ["tcp 80 from 10.0.0.0/31"]),
        ("tcp 80 from 10.0.0.0/8", [], {}, []),
        ("all from 10.0.0.0/8", ["tcp 80 10.0.0.1", "udp 53 10.0.0.1"], {}, ["tcp 80 from 10.0.0.1/32", "udp 53 from 10.0.0.1/32"]),
        ("all from 10.0.0.0/8", ["icmp 2048 10.0.0.1", "50 0 10.0.0.1"], {}, ["icmp 8/0 from 10.0.0.1/32", "50 from 10.0.0.1/32"]),
        ("tcp 1-100 from sg-app", ["tcp 80 10.0.0.1", "tcp 81 10.0.0.2", "tcp 90 10.0.0.2"], {}, ["tcp 80-81 from sg-app", "tcp 90 from sg-app"]),
        ("tcp 1-100 from sg-app", ["tcp 80 10.0.0.1", "tcp 90 10.0.0.2"], {"port_gap": 9}, ["tcp 80-90 from sg-app"]),
        ("tcp 1-100 from pl-1", ["tcp 80 10.0.0.1 1", "tcp 90 10.0.0.2 5"], {"least": 2}, ["tcp 90 from pl-1"]),
        ("tcp all from pl-1", ["tcp 80 10.0.0.1", "tcp 40000 10.0.0.1", "tcp 50000 10.0.0.1"], {"ephemeral": 2}, ["tcp 80 from pl-1", "tcp 32768-65535 from pl-1"]),
        ("tcp 40000-60000 from pl-1", ["tcp 50000 10.0.0.1", "tcp 50002 10.0.0.1"], {"ephemeral": 2}, ["tcp 40000-60000 from pl-1"]),
        ("tcp all from pl-1", ["tcp 40000 10.0.0.1", "tcp 50000 10.0.0.1"], {"ephemeral": 0}, ["tcp 40000 from pl-1", "tcp 50000 from pl-1"]),
    ],
)  # fmt: skip
def test_a_rule_becomes_narrower(old, what, knobs, new):
    assert texts(old, *what, **knobs) == new


def test_blocks_are_widened_until_there_are_few_enough():
    peers = [f"tcp 80 10.{number}.0.1" for number in (0, 2, 64, 66)]
    assert texts("tcp 80 from 10.0.0.0/8", *peers, most=2) == ["tcp 80 from 10.0.0.0/14", "tcp 80 from 10.64.0.0/14"]


def test_a_rule_for_everyone_keeps_its_peer_where_many_come():
    peers = [f"tcp 80 {number}.0.0.1" for number in range(1, 220, 7)]
    assert texts("tcp all from 0.0.0.0/0", *peers, most=1) == ["tcp 80 from 0.0.0.0/0"]


def test_a_rule_that_is_narrow_already_stays_as_it_is():
    old = rule("tcp 80 from 10.0.0.1/32", rule_id="sgr-1")
    assert narrowed(old, seen("tcp 80 10.0.0.1"), Knobs()) == (old,)
    (new,) = narrowed(
        rule("tcp 80 from 10.0.0.0/8", rule_id="sgr-1", description="web"), seen("tcp 80 10.0.0.1"), Knobs()
    )
    assert (new.rule_id, new.description) == (None, "web")


@pytest.mark.parametrize(("knob", "value"), [("prefix4", 33), ("prefix6", -1), ("most", 0), ("least", 0)])
def test_a_knob_has_bounds(knob, value):
    with pytest.raises(ConfigError, match=f"{knob} must be "):
        Knobs(**{knob: value})


KNOBS = st.builds(
    Knobs, prefix4=st.integers(24, 32), port_gap=st.integers(0, 3), ephemeral=st.integers(0, 3), most=st.integers(1, 6)
)
PORTS = st.one_of(st.integers(75, 90), st.integers(32765, 32775))


@given(
    st.sampled_from(["tcp 70-40000 from 10.0.0.0/24", "all from 10.0.0.0/16", "tcp all from 10.0.0.0/28"]),
    st.lists(st.tuples(st.integers(0, 15), PORTS), min_size=1, max_size=12),
    KNOBS,
)
def test_new_rules_are_inside_and_carry_what_was_seen(old, found, knobs):
    """seen is in region(narrowed(rule)), which is in region(rule), and there are at most `most` of them."""
    what = Seen()
    for host, port in found:
        what.add(4, int(IPAddress("10.0.0.0")) + host, protocol_services(6, port, port)[0], 1)
    new = narrowed(rule(old), what, knobs)
    assert 1 <= len(new) <= knobs.most

    def region(*listed):
        known = inventory(group(*listed), interface())
        return rule_region(RuleMatcher(known.interfaces["eni-a"], Resolver(known)).rules[rule(old).direction]).known

    assert region(rule(old)).covers(region(*new))
    for _, peer, service in what.counts:
        assert region(*new).contains(Point(Family.IPV4, peer, service))
