"""`near_misses(rules, packet)` has a failing field for each rule that does not admit the packet, nearest first."""

import pytest
from attrs import evolve
from builders import group, header, interface, inventory, matcher, prefix_list, rule
from hypothesis import given
from hypothesis import strategies as st
from strategies import headers, rules

from sgsim.analysis.near_miss import Field, near_misses, smallest_rule
from sgsim.model.protocol import ANY_PROTOCOL, PORT_PROTOCOLS
from sgsim.model.states import Direction
from sgsim.report.decision_text import misses_text
from sgsim.rules.rule import GroupReference

POSTGRES = "tcp 10.0.2.9:40000 -> 192.0.2.10:5432"


def nearest(packet: str, *rules_: str, **known: object) -> list[str]:
    """Each rule with what fails, the nearest first."""
    found = near_misses(matcher(inventory(group(*rules_), interface(), **known)), header(packet))
    return [f"{near.rule.text}: {misses_text(near, Direction.INGRESS)}" for near in found]


@pytest.mark.parametrize(
    ("packet", "text", "expected"),
    [
        (POSTGRES, "tcp 5432 from 10.0.1.0/24", "source 10.0.2.9 is not in 10.0.1.0/24"),
        (POSTGRES, "tcp 5432 from 2001:db8::/32", "source 10.0.2.9 is not in 2001:db8::/32, which is IPv6 alone"),
        (POSTGRES, "tcp 22-80 from 10.0.0.0/8", "port 5432 is not in 22-80"),
        ("udp 10.0.2.9:53 -> 192.0.2.10:5432", "tcp 5432 from 10.0.0.0/8", "protocol udp is not tcp"),
        ("47 10.0.2.9 -> 192.0.2.10", "tcp 22 from 10.0.0.0/8", "protocol 47 is not tcp"),
        ("icmp 10.0.2.9 -> 192.0.2.10 type 3 code 1", "icmp 3/4 from 10.0.0.0/8", "code 1 is not 4"),
        ("icmp 10.0.2.9 -> 192.0.2.10 type 8 code 0", "icmp 3/4 from 10.0.0.0/8", "type 8 is not 3"),
        (POSTGRES, "tcp 22 from 10.0.1.0/24", "source 10.0.2.9 is not in 10.0.1.0/24; port 5432 is not in 22"),
    ],
)
def test_each_field_that_fails_is_named(packet, text, expected):
    (found,) = nearest(packet, text)
    assert set(found.removeprefix(f"{text}: ").split("; ")) == set(expected.split("; "))


def test_a_group_is_shown_with_its_members():
    known = inventory(
        group("tcp 5432 from sg-app"),
        interface(),
        interface("10.0.1.5", "10.0.1.6", "10.0.1.8", "10.0.1.10", interface_id="eni-app", groups=("sg-app",)),
    )
    (near,) = near_misses(matcher(known), header(POSTGRES))
    expected = "source 10.0.2.9 is not in sg-app (10.0.1.5, 10.0.1.6, 10.0.1.8 and 1 more)"
    assert expected == misses_text(near, Direction.INGRESS)


def test_a_member_that_is_met_by_its_public_address_is_told():
    app = interface("10.0.1.5", interface_id="eni-app", groups=("sg-app",), public_addresses=("203.0.113.5",))
    known = inventory(group("tcp 5432 from sg-app"), interface(), app)
    (near,) = near_misses(matcher(known), header("tcp 203.0.113.5:40000 -> 192.0.2.10:5432"))
    expected = "source 203.0.113.5 is not in sg-app, which means private addresses; this is the public one of eni-app"
    assert expected == misses_text(near, Direction.INGRESS)


def test_a_group_without_members_a_stale_one_and_an_unknown_one_are_told():
    text = "tcp 5432 from sg-app"
    known = inventory(group(text), group(group_id="sg-app"), interface())
    assert misses_of(known) == "source 10.0.2.9 is not in sg-app, which has no IPv4 address here"
    stale = evolve(rule(text), peer=GroupReference("sg-app", is_stale=True))
    assert misses_of(inventory(group(stale), interface())) == (
        "source 10.0.2.9 is not in sg-app, which is stale: the group or its peering is gone"
    )
    unknown = inventory(group(text), interface(), allow_unresolved=True)
    assert misses_of(unknown) == (
        "source 10.0.2.9 is not in sg-app, whose addresses nobody gave, so that it counts as empty"
    )


def test_a_prefix_list_is_shown_with_its_entries():
    known = inventory(group("tcp 5432 from pl-1"), interface(), prefix_list("pl-1", "198.51.100.0/24"))
    assert misses_of(known) == "source 10.0.2.9 is not in pl-1 (198.51.100.0/24)"


def misses_of(known) -> str:
    (near,) = near_misses(matcher(known), header(POSTGRES))
    return misses_text(near, Direction.INGRESS)


def test_fewer_failing_fields_are_nearer_and_then_source_port_protocol():
    found = nearest(
        POSTGRES,
        "icmp 8 from 10.0.0.0/8",
        "tcp 22 from 10.1.0.0/16",
        "udp 5432 from 10.0.0.0/8",
        "tcp 22 from 10.0.0.0/8",
        "tcp 5433 from 10.0.0.0/8",
        "tcp 5432 from 10.200.0.0/16",
        "tcp 5432 from 10.0.3.0/24",
    )
    assert [text.partition(":")[0] for text in found] == [
        "tcp 5432 from 10.0.3.0/24",
        "tcp 5432 from 10.200.0.0/16",
        "tcp 5433 from 10.0.0.0/8",
        "tcp 22 from 10.0.0.0/8",
        "udp 5432 from 10.0.0.0/8",
        "tcp 22 from 10.1.0.0/16",
        "icmp 8/any from 10.0.0.0/8",
    ]


def test_a_rule_of_the_other_direction_comes_last_and_only_if_it_says_something():
    assert nearest(POSTGRES, "all to 0.0.0.0/0", "tcp 5432 to 10.0.0.0/8", "tcp 22 from 192.0.2.0/24") == [
        "tcp 22 from 192.0.2.0/24: port 5432 is not in 22; source 10.0.2.9 is not in 192.0.2.0/24",
        "tcp 5432 to 10.0.0.0/8: it is an outbound rule, and the packet is inbound",
    ]


@given(st.lists(rules(), max_size=6), headers())
def test_a_rule_is_a_near_miss_just_if_it_does_not_admit_the_packet(some, packet):
    known = matcher(inventory(group(*some), interface()))
    admitting = {rule_.ref for rule_ in known.admitting(packet)}
    for near in near_misses(known, packet):
        fails_in_direction = any(miss.field is Field.DIRECTION for miss in near.misses)
        assert fails_in_direction or bool(near.misses) is (near.rule not in admitting)


@given(st.lists(rules(), max_size=6), headers())
def test_the_smallest_rule_admits_the_packet_and_nothing_beside_it(some, packet):
    smallest = smallest_rule(packet, "sg-web")
    if packet.protocol in PORT_PROTOCOLS and packet.port is None:
        assert smallest is None
        return
    assert smallest is not None
    known = matcher(inventory(group(*some, smallest), interface()))
    assert smallest.ref() in {rule_.ref for rule_ in known.admitting(packet)}
    others = [packet._replace(peer=packet.peer ^ 1), packet._replace(direction=packet.direction.opposite)]
    if smallest.protocol != ANY_PROTOCOL:
        others.append(packet._replace(protocol=(packet.protocol + 100) % 256, port=None))
    if packet.port is not None:
        others.append(packet._replace(port=packet.port ^ 1))
    if smallest.icmp is not None:
        others.append(packet._replace(icmp_code=packet.icmp_code ^ 1))
    alone = matcher(inventory(group(smallest), interface()))
    assert [list(alone.admitting(other)) for other in others] == [[] for _ in others]


def test_a_later_fragment_has_no_smallest_rule_and_no_port():
    later = header(POSTGRES)._replace(port=None)
    known = matcher(inventory(group("tcp 5432 from 10.0.0.0/8"), interface()))
    (near,) = near_misses(known, later)
    assert misses_text(near, Direction.INGRESS) == "a later fragment tells no port, and the rule names 5432"
    assert smallest_rule(later, "sg-web") is None
