"""Laws that hold for every stream, every rule set and every option; each is shown to catch a planted fault.

Written as functions of a stream, so that a fault can be planted under one fixed example.
"""

from collections.abc import Sequence
from itertools import count

import pytest
from attrs import evolve
from builders import group, interface, inventory, packet
from engine.streams import SECOND_NS, START_NS, Changed, Event, options, rule_sets, streams
from engine.walking import HOST, host, words
from hypothesis import given
from hypothesis import strategies as st

from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.pressure import TablePressure
from sgsim.conntrack.table import ConntrackTable
from sgsim.engine import interface_filter
from sgsim.engine.interface_filter import InterfaceFilter
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference import ReferenceEngine
from sgsim.model.decision import VERDICT_OF_REASON, Decision, Reason, Verdict
from sgsim.model.packet import Packet
from sgsim.model.states import Tracking
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import ResolvedRule, RuleMatcher

Rules = tuple[str, ...]


def step(engine: ReferenceEngine, event: Event) -> list[Decision]:
    if isinstance(event, Changed):
        engine.change(event.inventory, event.time_ns)
        return []
    return engine.judge(event)


def judged(rules: Rules | Inventory, stream: Sequence[Event], chosen: EngineOptions) -> list[Decision]:
    engine = ReferenceEngine(rules if isinstance(rules, Inventory) else host(*rules), chosen)
    return [decision for event in stream for decision in step(engine, event)]


def packets_of(stream: Sequence[Event]) -> list[Packet]:
    return [event for event in stream if isinstance(event, Packet)]


# The laws.


def law_every_verdict_is_that_of_its_reason(rules: Rules, stream: Sequence[Event], chosen: EngineOptions) -> None:
    for decision in judged(rules, stream, chosen):
        assert decision.reason is Reason.FRAGMENT or decision.verdict is VERDICT_OF_REASON[decision.reason]
        assert (decision.verdict is Verdict.SKIP) == (decision.state is None)


def law_tables_are_valid_after_every_step(rules: Rules, stream: Sequence[Event], chosen: EngineOptions) -> None:
    engine = ReferenceEngine(host(*rules), chosen)
    for event in stream:
        step(engine, event)
        for table in engine.tables.values():
            table.check_valid()


def law_the_same_input_gives_the_same_decisions(rules: Rules, stream: Sequence[Event], chosen: EngineOptions) -> None:
    assert judged(rules, stream, chosen) == judged(rules, stream, chosen)


def law_a_shift_of_all_times_changes_nothing(
    rules: Rules, stream: Sequence[Event], chosen: EngineOptions, shift_ns: int
) -> None:
    shifted = [evolve(event, time_ns=event.time_ns + shift_ns) for event in stream]
    assert judged(rules, shifted, chosen) == judged(rules, stream, chosen)


def law_time_that_passes_step_by_step_changes_nothing(
    rules: Rules, stream: Sequence[Event], chosen: EngineOptions
) -> None:
    """Judging a stream in one go is judging it with the clock set forward, and all flows looked at, in between."""
    engine, decisions = ReferenceEngine(host(*rules), chosen), []
    for event in stream:
        if engine.now_ns is not None and event.time_ns > engine.now_ns:
            for part in (3, 2, 1):
                engine.advance(event.time_ns - (event.time_ns - engine.now_ns) * part // 4)
                list(engine.entries())
        decisions += step(engine, event)
    assert decisions == judged(rules, stream, chosen)


def law_the_count_of_flows_is_right_at_every_instant(
    rules: Rules, packets: Sequence[Packet], chosen: EngineOptions
) -> None:
    """The places taken at an instant are those of the flows that began at or before it and end after it.

    When each flow ends is known once all is over; the count is asked between packets. Times go forward here.
    """
    ends: dict[int, tuple[ConntrackEntry, int]] = {}
    engine = ReferenceEngine(
        host(*rules), chosen, lambda end: ends.update({end.entry.flow: (end.entry, end.ended_at_ns)})
    )
    seen = []
    for event, following in zip(packets, [*packets[1:], None], strict=True):
        engine.judge(event)
        now_ns = engine.now_ns or 0
        until_ns = following.time_ns if following is not None else now_ns + 10 * 86400 * SECOND_NS
        for entry in list(engine.entries()):
            ends[entry.flow] = (entry, entry.expires_at_ns)
        due_ns = [end_ns for _, end_ns in ends.values() if now_ns < end_ns < until_ns]
        for instant_ns in sorted({moment_ns + step_ns for moment_ns in due_ns for step_ns in (-1, 0, 1)}):
            if now_ns <= instant_ns < until_ns:
                engine.advance(instant_ns)
                seen.append((instant_ns, sum(table.count for table in engine.tables.values())))
    for instant_ns, places in seen:
        live = [entry for entry, end_ns in ends.values() if entry.opened_at_ns <= instant_ns < end_ns]
        assert places == sum(entry.places for entry in live if entry.tracking is Tracking.TRACKED)


def law_the_order_of_rules_and_groups_changes_no_answer(
    rules: Rules, order: Sequence[int], stream: Sequence[Event], chosen: EngineOptions
) -> None:
    """Only which of several admitting rules is named may change."""
    ordered = [rules[index] for index in order]
    half = len(ordered) // 2
    other = inventory(
        group(*ordered[:half], group_id="sg-1"),
        group(*ordered[half:], group_id="sg-2"),
        interface(groups=("sg-2", "sg-1")),
    )
    assert [words(answer) for answer in judged(other, stream, chosen)] == [
        words(answer) for answer in judged(rules, stream, chosen)
    ]


def law_a_rule_more_denies_nothing(rules: Rules, more: Rules, packets: Sequence[Packet]) -> None:
    """Without a limit and without changes, what some rules allow is allowed by these and others too.

    It holds for all packets but TCP's, and of TCP for lone SYNs; `test_a_rule_more_may_deny_a_tcp_segment` shows why.
    """
    chosen = EngineOptions()
    fewer, all_of_them = judged(rules, packets, chosen), judged(rules + more, packets, chosen)
    for sent, before, after in zip(packets, fewer, all_of_them, strict=True):
        if sent.tcp_flags in {0, 2}:
            assert (before.verdict, after.verdict) != (Verdict.ALLOW, Verdict.DENY)


# Each of them for every stream.


@given(rule_sets, streams(), options)
def test_every_verdict_is_that_of_its_reason(rules, stream, chosen):
    law_every_verdict_is_that_of_its_reason(rules, stream, chosen)


@given(rule_sets, streams(), options)
def test_tables_are_valid_after_every_step(rules, stream, chosen):
    law_tables_are_valid_after_every_step(rules, stream, chosen)


@given(rule_sets, streams(), options)
def test_the_same_input_gives_the_same_decisions(rules, stream, chosen):
    law_the_same_input_gives_the_same_decisions(rules, stream, chosen)


@given(rule_sets, streams(), options, st.sampled_from([1, SECOND_NS, 2**60, -START_NS]))
def test_a_shift_of_all_times_changes_nothing(rules, stream, chosen, shift_ns):
    law_a_shift_of_all_times_changes_nothing(rules, stream, chosen, shift_ns)


@given(rule_sets, streams(), options)
def test_time_that_passes_step_by_step_changes_nothing(rules, stream, chosen):
    law_time_that_passes_step_by_step_changes_nothing(rules, stream, chosen)


@given(rule_sets, streams(with_changes=False), options)
def test_the_count_of_flows_is_right_at_every_instant(rules, stream, chosen):
    in_order = sorted(packets_of(stream), key=lambda sent: sent.time_ns)
    law_the_count_of_flows_is_right_at_every_instant(rules, in_order, chosen)


@given(rule_sets, streams(), options, st.randoms(use_true_random=False))
def test_the_order_of_rules_and_groups_changes_no_answer(rules, stream, chosen, shuffler):
    order = shuffler.sample(range(len(rules)), len(rules))
    law_the_order_of_rules_and_groups_changes_no_answer(rules, order, packets_of(stream), chosen)


@given(rule_sets, rule_sets, streams(("udp", "icmp", "47"), with_changes=False))
def test_a_rule_more_denies_nothing(rules, more, stream):
    law_a_rule_more_denies_nothing(rules, more, packets_of(stream))


@given(rule_sets, rule_sets, streams(("tcp",), with_changes=False))
def test_a_rule_more_denies_no_syn(rules, more, stream):
    law_a_rule_more_denies_nothing(rules, more, [evolve(sent, fragment=None) for sent in packets_of(stream)])


# Why the last law stops short of TCP.


def test_a_rule_more_may_deny_a_tcp_segment():
    """A flow that the added rule lets begin and end still holds the five-tuple when the other side opens its own.

    Its SYN then passes as an invalid segment of the old flow, and when that is gone the SYN-ACK has none to belong to.
    """
    inbound, outbound = f"tcp 198.51.100.7:40000 -> {HOST}:22", f"tcp {HOST}:22 -> 198.51.100.7:40000"
    stream = [
        packet(text, time_ns=at_s * SECOND_NS)
        for at_s, text in ((0, f"{outbound} S"), (1, f"{outbound} R"), (2, f"{inbound} S"), (12, f"{outbound} SA"))
    ]
    rules = ("tcp 22 from 198.51.100.0/24",)
    assert [words(answer) for answer in judged(rules, stream, EngineOptions())] == [
        "deny no_rule new",
        "deny no_rule new",
        "allow rule new",
        "allow established established",
    ]
    assert [words(answer) for answer in judged((*rules, "tcp all to 198.51.100.0/24"), stream, EngineOptions())] == [
        "allow rule new",
        "allow established new",
        "allow established established",
        "deny midstream invalid",
    ]


# Planted faults: each law sees the one that it is there for.

PLAIN = EngineOptions()
TRACKED_DNS: Rules = ("udp 53 from 198.51.100.0/24",)


def queries(*seconds: float) -> list[Packet]:
    return [
        packet(f"udp 198.51.100.7:40000 -> {HOST}:53", time_ns=START_NS + round(second * SECOND_NS))
        for second in seconds
    ]


def test_a_wrong_verdict_is_caught(monkeypatch):
    monkeypatch.setattr(interface_filter, "VERDICT_OF_REASON", VERDICT_OF_REASON | {Reason.NO_RULE: Verdict.ALLOW})
    with pytest.raises(AssertionError):
        law_every_verdict_is_that_of_its_reason((), queries(0), PLAIN)


def test_a_place_that_is_not_freed_is_caught(monkeypatch):
    monkeypatch.setattr(TablePressure, "note_removed", lambda *_: None)
    with pytest.raises(AssertionError):
        law_tables_are_valid_after_every_step(TRACKED_DNS, queries(0, 30), PLAIN)


def test_chance_is_caught(monkeypatch):
    coin = count()
    monkeypatch.setattr(ConntrackTable, "has_room", lambda _table, _places: next(coin) % 3 == 0)
    with pytest.raises(AssertionError):
        law_the_same_input_gives_the_same_decisions(TRACKED_DNS, queries(*range(0, 300, 30)), PLAIN)


def test_a_clock_on_the_wall_is_caught(monkeypatch):
    def timeout_ns(_at: InterfaceFilter, entry: ConntrackEntry) -> int:
        return (30 + (entry.opened_at_ns > START_NS)) * SECOND_NS

    monkeypatch.setattr(InterfaceFilter, "timeout_ns", timeout_ns)
    with pytest.raises(AssertionError):
        law_a_shift_of_all_times_changes_nothing(TRACKED_DNS, queries(0, 30), PLAIN, 1)


def test_time_that_wears_a_flow_down_is_caught(monkeypatch):
    genuine = ReferenceEngine._expire

    def expire(engine: ReferenceEngine, now_ns: int) -> dict[str, int]:
        for table in engine.tables.values():
            for entry in list(table):
                table.refresh(entry, entry.expires_at_ns - SECOND_NS)
        return genuine(engine, now_ns)

    monkeypatch.setattr(ReferenceEngine, "_expire", expire)
    with pytest.raises(AssertionError):
        law_time_that_passes_step_by_step_changes_nothing(TRACKED_DNS, queries(0, 27), PLAIN)


def test_an_expiry_one_nanosecond_late_is_caught(monkeypatch):
    genuine = ConntrackTable.expire
    monkeypatch.setattr(ConntrackTable, "expire", lambda table, now_ns: genuine(table, now_ns - 1))
    with pytest.raises(AssertionError):
        law_the_count_of_flows_is_right_at_every_instant(TRACKED_DNS, queries(0), PLAIN)


def test_a_first_rule_that_decides_alone_is_caught(monkeypatch):
    """As in a network ACL, where order matters."""

    def first_of_the_service(matcher: RuleMatcher, header: Header) -> ResolvedRule | None:
        for rule in matcher.rules[header.direction]:
            if rule.rule.admits_service(header):
                return rule if rule.admits(header) else None
        return None

    monkeypatch.setattr(RuleMatcher, "first_admitting", first_of_the_service)
    rules = ("udp 53 from 198.51.100.0/24", "udp 53 from 203.0.113.0/24")
    with pytest.raises(AssertionError):
        law_the_order_of_rules_and_groups_changes_no_answer(rules, (0, 1), queries(0), PLAIN)


def test_a_rule_that_takes_away_is_caught(monkeypatch):
    genuine = RuleMatcher.first_admitting

    def fickle(matcher: RuleMatcher, header: Header) -> ResolvedRule | None:
        return genuine(matcher, header) if len(matcher.rules[header.direction]) < 2 else None

    monkeypatch.setattr(RuleMatcher, "first_admitting", fickle)
    with pytest.raises(AssertionError):
        law_a_rule_more_denies_nothing(TRACKED_DNS, ("udp 53 from 203.0.113.0/24",), queries(0))
