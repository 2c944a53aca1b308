"""Traffic that was recorded elsewhere: step 7 of the way of a packet, and who opened a flow."""

import pytest
from builders import group, interface, inventory
from engine.walking import HOST, Walk, profile, words

from sgsim.conntrack.entry import FlowEnd
from sgsim.conntrack.profile import LINUX
from sgsim.conntrack.tcp import Segment, TcpFlow
from sgsim.model.states import ConntrackDirection, Direction, TcpState, Tracking

CLIENT, HTTPS = "198.51.100.7:40000", f"{HOST}:443"
TRACKED = ("tcp 443 from 198.51.100.0/24", "udp 53 from 198.51.100.0/24", "icmp 8/0 from 198.51.100.0/24")
OPEN_BACK = ("all to 0.0.0.0/0",)
CLOSED = ("tcp 22 from 203.0.113.1/32", "all to 0.0.0.0/0")
"""Admits nothing that the tests send in, and everything that the host sends out."""

SYN, SYN_ACK = f"tcp {CLIENT} -> {HTTPS} S", f"tcp {HTTPS} -> {CLIENT} SA"
DATA, ANSWER = f"tcp {CLIENT} -> {HTTPS} A", f"tcp {HTTPS} -> {CLIENT} A"
QUERY, RESPONSE = f"udp {CLIENT} -> {HOST}:53", f"udp {HOST}:53 -> {CLIENT}"
PING, PONG = f"icmp 198.51.100.7 -> {HOST} type 8 code 0 id 1", f"icmp {HOST} -> 198.51.100.7 type 0 code 0 id 1"

DAY_S = 86400


def recorded(*rules: str, **options: object) -> Walk:
    return Walk(*rules, recorded=True, **options)


# What answers a denied packet was never sent.


@pytest.mark.parametrize(("opening", "answer"), [(SYN, SYN_ACK), (SYN, ANSWER), (QUERY, RESPONSE), (PING, PONG)])
def test_the_recorded_answer_to_a_denied_packet_was_not_sent(opening, answer):
    walk = recorded(*CLOSED)
    assert walk.say(opening) == "deny no_rule new"
    assert walk.say(answer) == "skip not_sent -"
    assert walk.count == 0


def test_the_answer_names_the_refused_flow():
    walk = recorded(*CLOSED)
    walk.send(SYN)
    answer = walk.send(SYN_ACK)
    assert (answer.interface_id, answer.direction, answer.opener, answer.flow) == (
        "eni-a",
        Direction.EGRESS,
        Direction.INGRESS,
        1,
    )


def test_a_refused_flow_runs_the_state_machine_and_takes_no_place():
    walk = recorded(*CLOSED)
    states = [walk.send(text).tcp_state for text in (SYN, SYN_ACK, DATA)]
    assert states == [TcpState.SYN_SENT, TcpState.SYN_RECV, TcpState.ESTABLISHED]
    (entry,) = walk.entries(Tracking.REFUSED)
    assert (entry.packets, entry.denied, entry.allowed, walk.count) == ([2, 1], 2, 0, 0)


def test_an_answer_is_judged_as_if_it_were_sent_where_the_user_wants_that():
    walk = recorded(*CLOSED, as_recorded=True)
    assert walk.say(SYN) == "deny no_rule new"
    assert walk.say(SYN_ACK) == "deny midstream invalid"
    assert walk.say(QUERY) == "deny no_rule new"
    assert walk.say(RESPONSE) == "allow rule new"
    assert walk.say(QUERY) == "allow established established"


def test_as_recorded_judges_the_answer_to_a_packet_before_the_recording_too():
    walk = recorded(*CLOSED, as_recorded=True)
    assert walk.say(SYN_ACK) == "deny midstream invalid"
    assert walk.say(PONG) == "allow rule untracked"


def test_without_a_recording_an_answer_is_a_packet_like_any_other():
    walk = Walk(*CLOSED)
    walk.say(QUERY)
    assert walk.say(RESPONSE) == "allow rule new"


def test_the_opener_of_a_refused_flow_may_try_again():
    walk = recorded(*CLOSED)
    walk.say(QUERY)
    walk.change(*TRACKED, at_s=1)
    assert walk.say(QUERY, 1) == "allow rule new"
    assert walk.say(RESPONSE, 1) == "allow established established"
    assert [end.end for end in walk.ended] == [FlowEnd.REPLACED]


def test_after_a_full_table_the_next_try_is_entered_as_soon_as_there_is_room():
    walk = recorded(*TRACKED, capacity=1)
    walk.say(f"udp 198.51.100.8:40000 -> {HOST}:53", 0)
    assert walk.say(QUERY, 29) == "deny table_full new"
    assert walk.say(RESPONSE, 29) == "skip not_sent -"
    assert walk.say(QUERY, 30) == "allow rule new"
    assert walk.say(RESPONSE, 30) == "allow established established"
    assert walk.exceeded == 1


def test_after_a_full_table_data_of_the_refused_connection_opens_nothing():
    walk = recorded(*TRACKED, capacity=1)
    walk.say(f"udp 198.51.100.8:40000 -> {HOST}:53", 0)
    assert walk.say(SYN, 1) == "deny table_full new"
    assert walk.say(SYN_ACK, 1) == "skip not_sent -"
    assert walk.say(DATA, 31) == "deny midstream invalid"
    assert walk.say(ANSWER, 31) == "skip not_sent -"


def test_a_refused_flow_is_forgotten_after_its_timeout():
    walk = recorded(*CLOSED, cold_start=True)
    walk.say(QUERY, 0)
    assert walk.say(RESPONSE, 30) == "allow rule new"


def test_each_denied_try_restarts_the_timeout_of_a_refused_flow():
    walk = recorded(*CLOSED)
    walk.say(QUERY, 0)
    walk.say(QUERY, 29)
    assert walk.say(RESPONSE, 58) == "skip not_sent -"
    assert [entry.flow for entry in walk.entries()] == [1]


def test_a_syn_after_a_recorded_reset_begins_another_refused_flow():
    """A scanner's second try on a closed port: its SYN must not stay in the CLOSE of the first."""
    walk = recorded(*CLOSED)
    walk.say(SYN, 0)
    walk.say(f"tcp {HTTPS} -> {CLIENT} RA", 0)
    again = walk.send(SYN, 9)
    assert (words(again), again.tcp_state, again.flow) == ("deny no_rule new", TcpState.SYN_SENT, 2)
    assert walk.say(SYN_ACK, 20) == "skip not_sent -"


def test_a_lone_syn_from_the_other_side_of_a_refused_flow_answers_nothing():
    walk = recorded(*CLOSED)
    walk.say(f"tcp 198.51.100.7:443 -> {HOST}:443 S")
    answer = walk.send(f"tcp {HOST}:443 -> 198.51.100.7:443 S")
    assert (words(answer), answer.opener) == ("allow rule new", Direction.EGRESS)


def test_a_denied_answer_makes_no_flow_that_its_question_would_be_skipped_for():
    """Port 53 to port 40000 is an answer at any time, so it refuses nobody's question."""
    walk = recorded(*CLOSED)
    walk.say(f"tcp 203.0.113.1:40000 -> {HOST}:22", 0)
    assert walk.say(f"udp 198.51.100.53:53 -> {HOST}:40000", DAY_S) == "deny no_rule new"
    assert walk.say(f"udp {HOST}:40000 -> 198.51.100.53:53", DAY_S) == "allow rule new"


def test_a_cut_flow_that_is_denied_is_refused_from_then_on():
    walk = recorded("tcp 443 from 0.0.0.0/0", *OPEN_BACK)
    walk.connect(CLIENT, HTTPS)
    walk.change(*OPEN_BACK, at_s=1)
    assert walk.say(DATA, 1) == "deny cut invalid"
    assert walk.say(ANSWER, 1) == "skip not_sent -"


# Two interfaces in one recording.


def two_hosts(first: tuple[str, ...], second: tuple[str, ...], **options: object) -> Walk:
    known = inventory(
        group(*first, group_id="sg-a"),
        group(*second, group_id="sg-b"),
        interface("192.0.2.10", groups=("sg-a",)),
        interface("192.0.2.20", groups=("sg-b",), interface_id="eni-b"),
    )
    return Walk(known, **options)


HERE_TO_THERE, THERE_TO_HERE = "tcp 192.0.2.10:40000 -> 192.0.2.20:443", "tcp 192.0.2.20:443 -> 192.0.2.10:40000"
CALLER, CALLED = ("all to 0.0.0.0/0",), ("tcp 443 from 192.0.2.10/32", "all to 0.0.0.0/0")


def test_what_the_sender_may_send_and_the_receiver_denies_has_no_answer():
    walk = two_hosts(CALLER, CLOSED, recorded=True)
    assert walk.say_all(HERE_TO_THERE) == ["allow rule new", "deny no_rule new"]
    answers = walk.stops(f"{THERE_TO_HERE} SA")
    assert [(words(answer), answer.interface_id) for answer in answers] == [("skip not_sent -", "eni-b")]


def test_what_is_denied_at_its_sender_has_no_answer_at_its_receiver():
    walk = two_hosts(("tcp 22 to 192.0.2.20/32",), CALLED, recorded=True)
    assert walk.say_all(HERE_TO_THERE) == ["deny no_rule new"]
    answers = walk.stops(f"{THERE_TO_HERE} SA")
    assert [(words(answer), answer.interface_id) for answer in answers] == [("skip not_sent -", "eni-b")]


def test_each_try_that_is_denied_at_its_sender_keeps_it_refused_at_its_receiver():
    walk = two_hosts(("tcp 22 to 192.0.2.20/32",), ("udp 53 from 192.0.2.10/32", "all to 0.0.0.0/0"), recorded=True)
    for at_s in (0, 20):
        walk.stops("udp 192.0.2.10:40000 -> 192.0.2.20:53", at_s)
    assert walk.say_all("udp 192.0.2.20:53 -> 192.0.2.10:40000", 35) == ["skip not_sent -"]


def test_what_is_allowed_at_both_is_answered_at_both():
    walk = two_hosts(CALLER, CALLED, recorded=True)
    assert walk.say_all(HERE_TO_THERE) == ["allow rule new"] * 2
    assert walk.say_all(f"{THERE_TO_HERE} SA") == ["allow established established"] * 2


# A recording that begins in the middle.


def test_a_recording_that_starts_on_a_reply_presumes_the_flow_that_rules_admit():
    walk = recorded(*TRACKED)
    reply = walk.send(SYN_ACK)
    assert (words(reply), reply.opener, reply.tcp_state) == (
        "allow presumed established",
        Direction.INGRESS,
        TcpState.ESTABLISHED,
    )
    assert reply.rule is not None
    assert reply.rule.text == "tcp 443 from 198.51.100.0/24"
    assert walk.count == 1
    assert [entry.is_presumed for entry in walk.entries()] == [True]
    assert walk.say(DATA) == "allow established established"


@pytest.mark.parametrize("text", [ANSWER, RESPONSE, PONG, f"tcp {HTTPS} -> {CLIENT} RA", f"tcp {HTTPS} -> {CLIENT} FA"])
def test_any_reply_may_be_the_first_of_a_recording(text):
    assert recorded(*TRACKED).say(text) == "allow presumed established"


def test_a_reset_that_starts_a_recording_closes_the_flow_that_it_presumes():
    walk = recorded(*TRACKED)
    assert walk.send(f"tcp {HTTPS} -> {CLIENT} RA").tcp_state is TcpState.CLOSE


def test_data_of_the_opener_presumes_its_flow_too():
    walk = recorded(*TRACKED)
    assert walk.say(DATA) == "allow presumed established"
    assert walk.say(ANSWER) == "allow established established"


@pytest.mark.parametrize("flags", ["RA", "R", "SA", "SF", "F", "U"])
def test_only_a_segment_with_ack_and_without_syn_or_rst_is_data(flags):
    walk = recorded(*TRACKED)
    assert walk.say(f"tcp {CLIENT} -> {HTTPS} {flags}") != "allow presumed established"


def test_a_question_is_not_presumed_to_be_open():
    walk = recorded(*TRACKED)
    assert [walk.say(text) for text in (SYN, QUERY, PING)] == ["allow rule new"] * 3


def test_a_presumed_flow_is_untracked_where_open_rules_leave_it_so():
    walk = recorded("tcp 443 from 0.0.0.0/0", *OPEN_BACK)
    reply = walk.send(SYN_ACK)
    assert (words(reply), reply.opener) == ("allow presumed untracked", Direction.INGRESS)
    assert walk.count == 0
    assert walk.say(DATA) == "allow untracked untracked"


def test_a_presumed_flow_needs_a_place():
    walk = recorded(*TRACKED, capacity=0)
    assert walk.say(SYN_ACK) == "deny table_full new"
    assert walk.exceeded == 1


@pytest.mark.parametrize("reply", [SYN_ACK, ANSWER, RESPONSE, PONG])
def test_a_reply_whose_opening_rules_would_not_admit_was_not_sent(reply):
    walk = recorded(*CLOSED)
    assert walk.say(reply) == "skip not_sent -"
    assert walk.entries() == []


def test_data_of_an_opener_that_rules_would_not_admit_is_left_to_the_rules():
    assert recorded(*CLOSED).say(DATA) == "deny no_rule new"


def test_after_a_cold_start_nothing_is_presumed():
    walk = recorded(*TRACKED, *OPEN_BACK, cold_start=True)
    assert walk.say(DATA) == "deny midstream invalid"
    assert walk.say(f"tcp {HTTPS} -> 198.51.100.8:40000 SA") == "deny midstream invalid"


def test_after_a_cold_start_the_first_sender_is_the_opener_whatever_its_port():
    """Nobody can have asked before, so port 53 to port 40000 is no answer."""
    walk = recorded("udp all from 0.0.0.0/0", "udp 40000 to 0.0.0.0/0", cold_start=True)
    first = walk.send(RESPONSE)
    assert (words(first), first.opener) == ("allow untracked untracked", Direction.EGRESS)
    assert [entry.tracking for entry in walk.entries()] == [Tracking.UNTRACKED]


def test_where_flows_are_picked_up_in_the_middle_nothing_is_presumed():
    walk = recorded(*TRACKED, profile=profile(midstream="pickup"))
    assert walk.say(DATA) == "allow rule new"


@pytest.mark.parametrize(("text", "longest_s"), [(DATA, 5 * DAY_S), (RESPONSE, 180), (PONG, 30)])
def test_a_flow_is_presumed_within_the_longest_timeout_of_its_protocol_from_the_start(text, longest_s):
    def after(seconds: float) -> str:
        walk = recorded(*TRACKED, *OPEN_BACK)
        walk.say(f"tcp 198.51.100.99:40000 -> {HOST}:443 S", 100)
        return words(walk.send(text, 100 + seconds))

    assert after(longest_s - 1e-6) == "allow presumed established"
    assert after(longest_s) != "allow presumed established"


def test_rules_that_hold_before_the_first_packet_do_not_begin_the_recording():
    walk = recorded(*CLOSED)
    walk.change(*TRACKED, at_s=0)
    assert walk.say(RESPONSE, 1000) == "allow presumed established"


def test_a_flow_that_ended_within_that_time_is_not_presumed():
    walk = recorded(*TRACKED, *OPEN_BACK)
    walk.connect(CLIENT, HTTPS, 0)
    walk.say(f"tcp {CLIENT} -> {HTTPS} RA", 1)
    assert walk.say(ANSWER, 11) == "deny midstream invalid"
    assert walk.say(DATA, 11) == "deny midstream invalid"


def test_a_late_answer_to_a_flow_that_ended_is_opened_by_its_sender():
    walk = recorded(*TRACKED, *OPEN_BACK)
    walk.say(QUERY, 0)
    late = walk.send(RESPONSE, 30)
    assert (words(late), late.opener) == ("allow rule new", Direction.EGRESS)


def test_presumed_orientation_follows_open_rules_before_ports():
    """Both ports are a client's; only the flow that comes in to 40443 would be untracked."""
    walk = recorded("tcp 40443 from 0.0.0.0/0", *OPEN_BACK)
    reply = walk.send(f"tcp {HOST}:40443 -> {CLIENT} A")
    assert (words(reply), reply.opener) == ("allow presumed untracked", Direction.INGRESS)


@pytest.mark.parametrize(("src_port", "opener"), [(32768, Direction.EGRESS), (32767, Direction.INGRESS)])
def test_a_port_from_32768_up_against_one_below_is_the_openers(src_port, opener):
    other = 443 if opener is Direction.EGRESS else 32768
    walk = recorded("tcp all from 198.51.100.0/24", "tcp all to 198.51.100.0/24")
    assert walk.send(f"tcp {HOST}:{src_port} -> 198.51.100.7:{other} A").opener is opener


def test_between_two_ports_of_one_kind_the_sender_is_the_opener():
    walk = recorded("tcp all from 198.51.100.0/24", "tcp all to 198.51.100.0/24")
    assert walk.send(f"tcp {HOST}:40000 -> 198.51.100.7:50000 A").opener is Direction.EGRESS
    assert walk.send(f"tcp {HOST}:22 -> 198.51.100.7:1000 A").opener is Direction.EGRESS
    assert walk.send(f"tcp {HOST}:32768 -> 198.51.100.7:50000 A").opener is Direction.EGRESS


def test_a_packet_that_never_came_to_its_receiver_is_counted_on_no_flow_there():
    walk = two_hosts(("tcp 22 to 192.0.2.20/32",), CALLED, recorded=True)
    walk.stops(HERE_TO_THERE)
    assert {entry.key.interface_id: sum(entry.packets) for entry in walk.entries()} == {"eni-a": 1, "eni-b": 0}


def test_a_presumed_flow_knows_whose_segment_came_last():
    """What is presumed of a flow is that it was open; what its first recorded segment does is not."""
    walk = recorded(*TRACKED, profile=profile(LINUX, midstream="deny"))
    assert walk.say(DATA) == "allow presumed established"
    (entry,) = walk.entries()
    expected = TcpFlow(TcpState.ESTABLISHED, last_segment=Segment.ACK, last_direction=ConntrackDirection.ORIGINAL)
    assert entry.tcp == expected


@pytest.mark.parametrize(("first", "opener"), [(1024, Direction.INGRESS), (1025, Direction.EGRESS)])
def test_where_ports_of_clients_begin_can_be_told(first, opener):
    walk = recorded("tcp all from 198.51.100.0/24", "tcp all to 198.51.100.0/24", client_port=first)
    assert walk.send(f"tcp {HOST}:443 -> 198.51.100.7:1024 A").opener is opener


def test_a_segment_that_rules_judge_beside_its_flow_is_not_presumed_to_be_of_another():
    walk = recorded(*TRACKED, profile=profile(invalid="rules"))
    assert [walk.say(SYN), walk.say(DATA)] == ["allow rule new", "allow rule invalid"]
    assert [entry.flow for entry in walk.entries()] == [1]


def test_a_packet_that_rules_judge_before_an_answer_stays_with_its_flow():
    walk = recorded(*TRACKED, profile=profile(unanswered="rules"))
    answers = [walk.send(SYN), walk.send(SYN)]
    assert [(words(answer), answer.flow) for answer in answers] == [("allow rule new", 1)] * 2
    (entry,) = walk.entries()
    assert entry.packets == [2, 0]


def test_a_reset_that_nothing_is_picked_up_at_is_told_as_invalid():
    walk = recorded(*TRACKED, profile=profile(midstream="pickup", invalid="rules"))
    assert walk.say(f"tcp {CLIENT} -> {HTTPS} R") == "allow rule invalid"
    assert walk.entries() == []
