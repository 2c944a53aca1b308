"""The facts of an explanation; `tests/report` has its words."""

from attrs import evolve
from builders import group, interface, inventory, packet
from hypothesis import given
from hypothesis import strategies as st
from strategies import directions, packets, rules

from sgsim.analysis.explain import explain_packet
from sgsim.analysis.explanation import Explanation
from sgsim.analysis.near_miss import smallest_rule
from sgsim.conntrack.profile import AWS_NITRO, LINUX
from sgsim.engine.options import EngineOptions
from sgsim.model.decision import Reason, Verdict
from sgsim.model.trace import Step
from sgsim.rules.header import Header

SYN = "tcp 198.51.100.7:40000 -> 192.0.2.10:443"

taken = st.builds(
    lambda packet_, way: evolve(packet_, taken_at="eni-a", direction=way, time_ns=0), packets(("eni-a",)), directions
).filter(lambda packet_: packet_.five_tuple.src_addr != packet_.five_tuple.dst_addr)
"""Packets at one interface, whoever owns their addresses, but for those that it sends to itself."""


def at_one(some, packet_, options) -> Explanation:
    """Explain a packet that one interface judges."""
    return explain_packet(inventory(group(*some), interface()), packet_, options)


@given(st.lists(rules(), max_size=5), taken, st.sampled_from([AWS_NITRO, LINUX]))
def test_the_smallest_rule_is_named_just_if_it_would_let_the_packet_pass(some, packet_, profile):
    options = EngineOptions(profile=profile)
    explanation = at_one(some, packet_, options)
    (stop,) = explanation.stops
    if stop.decision.reason is not Reason.NO_RULE:
        assert (stop.near_misses, stop.smallest_rule) == ((), None)
        return
    header = Header.of(packet_.five_tuple, stop.direction, packet_.icmp_type, packet_.icmp_code)
    smallest = smallest_rule(header, "sg-web")
    with_it = at_one([*some, smallest], packet_, options)
    assert (with_it.verdict is Verdict.ALLOW) is (stop.smallest_rule is not None)
    if stop.smallest_rule is not None:
        assert evolve(stop.smallest_rule, group_id="sg-web") == smallest


@given(st.lists(rules(), max_size=5), taken)
def test_every_rule_of_the_direction_admits_or_comes_near(some, packet_):
    (stop,) = at_one(some, packet_, EngineOptions()).stops
    assert stop.rules_count == sum(rule_.direction is stop.direction for rule_ in some)
    if stop.decision.reason is Reason.NO_RULE:
        assert stop.admitting == ()
        near = [miss.rule for miss in stop.near_misses if miss.rule.direction is stop.direction]
        assert len(near) == stop.rules_count


def test_a_full_table_is_not_healed_by_a_rule():
    full = EngineOptions(capacity=0)
    explanation = at_one([], packet("tcp 198.51.100.7:1 -> 192.0.2.10:443"), full)
    assert explanation.stops[0].smallest_rule is None


def test_the_smallest_rule_is_for_the_group_of_the_nearest():
    known = inventory(
        group(group_id="sg-base"),
        group("tcp 443 from 203.0.113.0/24", group_id="sg-app"),
        interface(groups=("sg-base", "sg-app")),
    )
    (stop,) = explain_packet(known, packet(SYN)).stops
    assert stop.smallest_rule is not None
    assert stop.smallest_rule.group_id == "sg-app"


def test_steps_are_in_the_order_of_the_text_and_end_with_the_answer():
    (stop,) = at_one(["tcp 443 from 198.51.100.0/24"], packet(SYN), EngineOptions()).stops
    taken_ = [step.step for step in stop.steps]
    assert taken_ == [
        Step.EXEMPT, Step.EXPIRE, Step.TRACKED, Step.RULES, Step.BYPASS, Step.OPENING, Step.ROOM, Step.ENTER
    ]  # fmt: skip
    (stop,) = at_one([], packet("udp 192.0.2.10:5000 -> 169.254.169.254:80"), EngineOptions()).stops
    assert [step.step for step in stop.steps] == [Step.EXEMPT]


def test_both_interfaces_are_told_and_the_one_that_is_not_reached_named():
    known = inventory(
        group("tcp 443 from 0.0.0.0/0"),
        group("all to 0.0.0.0/0", group_id="sg-out"),
        interface(),
        interface("198.51.100.7", interface_id="eni-b", groups=("sg-out",)),
    )
    explanation = explain_packet(known, packet(SYN))
    assert [(stop.interface.interface_id, str(stop.direction)) for stop in explanation.stops] == [
        ("eni-b", "egress"),
        ("eni-a", "ingress"),
    ]
    assert explanation.not_reached is None
    back = explain_packet(known, packet("tcp 192.0.2.10:443 -> 198.51.100.7:40000"))
    assert [stop.interface.interface_id for stop in back.stops] == ["eni-a"]
    assert (back.verdict, back.not_reached) == (Verdict.DENY, "eni-b")


def test_a_packet_between_addresses_of_one_interface_stops_nowhere():
    explanation = at_one([], packet("tcp 192.0.2.10:1 -> 192.0.2.10:2"), EngineOptions())
    assert (explanation.stops, explanation.decisions[0].reason) == ((), Reason.LOCAL)
