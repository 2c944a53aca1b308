import pytest
from builders import group, interface, inventory, packet
from engine.walking import HOST, Walk, host

from sgsim.conntrack.entry import FlowEnd
from sgsim.engine.reference import ReferenceEngine
from sgsim.errors import TimeOrderError, UnresolvedReferenceError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.trace import Step, Trace
from sgsim.rules.inventory import Instance, Inventory

DNS = "udp 53 from 198.51.100.0/24"
QUERY = f"udp 198.51.100.7:40000 -> {HOST}:53"


def test_an_engine_that_has_seen_nothing_has_no_clock():
    assert ReferenceEngine(host(DNS)).now_ns is None


def test_the_clock_is_never_set_back():
    engine = ReferenceEngine(host(DNS))
    engine.advance(10)
    with pytest.raises(TimeOrderError, match="time_ns must be at least the clock's 10, got 9"):
        engine.advance(9)
    with pytest.raises(TimeOrderError, match="time_ns must be at least the clock's 10, got 9"):
        engine.change(host(DNS), 9)
    assert engine.late_packets == 0


def test_entries_are_right_between_packets_of_other_instances():
    known = inventory(
        group("udp 53 from 198.51.100.0/24"),
        interface(instance_id="i-1"),
        interface("192.0.2.20", interface_id="eni-b", instance_id="i-2"),
    )
    walk = Walk(known)
    walk.say(QUERY, 0)
    assert walk.engine.judging == {"i-1"}
    walk.say("udp 198.51.100.7:40000 -> 192.0.2.20:53", 30)
    assert walk.engine.judging == {"i-1", "i-2"}
    assert [entry.key.interface_id for entry in walk.entries()] == ["eni-b"]


def test_each_flow_is_told_when_it_ends_at_the_moment_of_its_end():
    walk = Walk(DNS)
    walk.say(QUERY, 0)
    walk.say(f"udp 198.51.100.8:40000 -> {HOST}:53", 10)
    walk.wait_until(1000)
    assert [(ended.entry.flow, ended.end, ended.ended_at_ns) for ended in walk.ended] == [
        (1, FlowEnd.EXPIRED, 30_000_000_000),
        (2, FlowEnd.EXPIRED, 40_000_000_000),
    ]


def test_a_timeout_that_changes_holds_from_the_next_packet():
    def of_udp(seconds: float | None) -> Inventory:
        return inventory(group(DNS), interface(timeouts=TimeoutOverrides(udp_s=seconds)))

    walk = Walk(of_udp(None))
    walk.say(QUERY, 0)
    walk.change(of_udp(60), at_s=10)
    walk.wait_until(29.999999999)
    assert len(walk.entries()) == 1
    walk.say(QUERY, 29.999999999)
    walk.wait_until(89.999999)
    assert len(walk.entries()) == 1
    walk.wait_until(90)
    assert walk.entries() == []


@pytest.mark.parametrize(
    ("option_s", "interface_s", "instance_type", "expected_s"),
    [
        (100, 200, "m8i.large", 100),
        (None, 200, "m8i.large", 200),
        (None, None, "m8i.large", 350),
        (None, None, "m7i.large", 432000),
        (None, None, None, 432000),
    ],
)
def test_an_option_beats_the_interface_that_the_instance_type_that_the_profile(
    option_s, interface_s, instance_type, expected_s
):
    known = inventory(
        group("tcp 22 from 203.0.113.1/32"),
        interface(instance_id="i-1", timeouts=TimeoutOverrides(tcp_established_s=interface_s)),
        Instance(instance_id="i-1", instance_type=instance_type),
    )
    walk = Walk(known, timeouts=TimeoutOverrides(tcp_established_s=option_s))
    walk.connect("203.0.113.1:40000", f"{HOST}:22", 0)
    (entry,) = walk.entries()
    assert entry.expires_at_ns == expected_s * 1_000_000_000


def test_a_verdict_that_hinges_on_an_unknown_reference_stops():
    walk = Walk(host("tcp 443 from sg-unknown", "tcp 22 from 203.0.113.1/32", has_interface_document=False))
    assert walk.say(f"tcp 203.0.113.1:40000 -> {HOST}:22") == "allow rule new"
    with pytest.raises(UnresolvedReferenceError, match="sg-unknown"):
        walk.say(f"tcp 203.0.113.1:40000 -> {HOST}:443")


def test_denials_that_hinge_on_what_counts_as_empty_stay_counted_over_a_change():
    known = host("tcp 443 from sg-unknown", has_interface_document=False, allow_unresolved=True)
    walk = Walk(known)
    assert walk.say(f"tcp 203.0.113.1:40000 -> {HOST}:443") == "deny no_rule new"
    walk.change(known, at_s=1)
    assert walk.say(f"tcp 203.0.113.1:40000 -> {HOST}:443") == "deny no_rule new"
    at = walk.engine.filter_at("eni-a")
    assert at is not None
    assert at.matcher.assumed_empty == {"sg-web:ingress:tcp:443:sg-unknown": 2}


def steps(trace: Trace) -> list[tuple[Step, str]]:
    return [(step.step, step.outcome) for step in trace.steps]


def traced(known: Inventory, *texts: str) -> list[Trace]:
    """The steps of the last of these packets."""
    engine = ReferenceEngine(known)
    traces: list[Trace] = []
    for text in texts:
        traces = []
        engine.judge(packet(text), traces)
    return traces


def test_a_trace_tells_the_steps_in_their_order():
    (trace,) = traced(host(DNS), QUERY)
    assert steps(trace) == [
        (Step.EXPIRE, "none due"),
        (Step.EXEMPT, "no"),
        (Step.TRACKED, "no entry"),
        (Step.RULES, "admitted"),
        (Step.BYPASS, "return_rule"),
        (Step.ROOM, "yes"),
        (Step.ENTER, "entered"),
    ]


def test_a_trace_ends_with_the_step_that_answers():
    (trace,) = traced(host(DNS), f"udp 203.0.113.9:40000 -> {HOST}:53")
    assert steps(trace)[-1] == (Step.RULES, "denied")


def test_each_interface_has_its_trace_and_a_skip_has_one():
    known = inventory(
        group("all from 0.0.0.0/0", "all to 0.0.0.0/0"), interface(), interface("192.0.2.20", interface_id="eni-b")
    )
    assert len(traced(known, f"udp {HOST}:40000 -> 192.0.2.20:53")) == 2
    (trace,) = traced(known, "udp 198.51.100.7:40000 -> 198.51.100.8:53")
    assert steps(trace) == [(Step.LOCATE, "no_interface")]


def test_a_trace_tells_what_a_remembered_flow_makes_of_a_packet():
    (trace,) = traced(host(DNS), QUERY, QUERY)
    assert steps(trace) == [(Step.EXPIRE, "none due"), (Step.EXEMPT, "no"), (Step.TRACKED, "moved")]
    web = host("tcp 80 from 0.0.0.0/0", "all to 0.0.0.0/0")
    (trace,) = traced(web, f"tcp 198.51.100.7:40000 -> {HOST}:80 S", f"tcp 198.51.100.7:40000 -> {HOST}:80 A")
    assert steps(trace)[2:] == [(Step.TRACKED, "no entry"), (Step.UNTRACKED, "still open")]


def test_a_change_that_names_an_unknown_group_stops_no_packet_but_those_that_come_there():
    walk = Walk(DNS)
    walk.say(QUERY, 0)
    walk.change(inventory(group(DNS), interface(groups=("sg-web", "sg-unknown"))), at_s=1)
    with pytest.raises(UnresolvedReferenceError, match="sg-unknown"):
        walk.say(QUERY, 2)
    walk.change(host(DNS), at_s=3)
    assert walk.say(QUERY, 3) == "allow established new"
