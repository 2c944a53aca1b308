"""Which flows are tracked, how long, and what a full table does."""

from typing import Any

import pytest
from builders import group, interface, inventory, networks, packet
from engine.walking import HOST, Walk, profile, words

from sgsim.conntrack.entry import FlowEnd, TrackingCause
from sgsim.conntrack.profile import AWS_NITRO, AWS_NITRO_V6, LINUX
from sgsim.model.path import PathLabel
from sgsim.model.states import Direction, TcpState, Tracking
from sgsim.rules.paths import PathRule

WEB = ("tcp 80 from 0.0.0.0/0", "all to 0.0.0.0/0")
ONE_NET = ("tcp 443 from 198.51.100.0/24",)
"""Everything that these admit is tracked: they are not open to everyone."""

CLIENT, SERVER = "198.51.100.7:40000", f"{HOST}:443"


def test_inbound_http_is_untracked_and_so_is_its_reply():
    walk = Walk(*WEB)
    assert walk.connect("198.51.100.7:40000", f"{HOST}:80") == ["allow untracked untracked"] * 3
    assert walk.count == 0
    (entry,) = walk.entries(Tracking.UNTRACKED)
    assert (entry.opener, entry.tcp_state, entry.cause) == (
        Direction.INGRESS,
        TcpState.ESTABLISHED,
        TrackingCause.OPEN_RULES,
    )


def test_the_rule_of_an_untracked_reply_is_the_one_that_admitted_the_flow():
    walk = Walk(*WEB)
    rules = [
        walk.send(f"tcp 198.51.100.7:40000 -> {HOST}:80").rule,
        walk.send(f"tcp {HOST}:80 -> 198.51.100.7:40000 SA").rule,
    ]
    assert [rule and rule.text for rule in rules] == ["tcp 80 from 0.0.0.0/0"] * 2


def test_an_outbound_call_of_the_same_host_is_tracked():
    walk = Walk(*WEB)
    assert walk.connect(f"{HOST}:40000", "203.0.113.5:80") == [
        "allow rule new",
        "allow established established",
        "allow established established",
    ]
    (entry,) = walk.entries()
    assert (entry.tracking, entry.opener, entry.cause) == (
        Tracking.TRACKED,
        Direction.EGRESS,
        TrackingCause.RETURN_RULE,
    )


def test_a_reply_to_allowed_inbound_traffic_needs_no_outbound_rule():
    walk = Walk(*ONE_NET)
    assert walk.connect(CLIENT, SERVER) == ["allow rule new"] + ["allow established established"] * 2


def test_packets_of_a_flow_that_nobody_has_answered_are_new():
    walk = Walk(*ONE_NET)
    answers = [walk.say(f"tcp {CLIENT} -> {SERVER} S", at_s) for at_s in (0, 1, 3)]
    assert answers == ["allow rule new", "allow established new", "allow established new"]
    assert walk.count == 1


def test_a_udp_server_that_sends_first_opens_a_flow_of_its_own():
    walk = Walk("udp 123 from 0.0.0.0/0", "all to 0.0.0.0/0")
    first = walk.send(f"udp {HOST}:123 -> 198.51.100.7:40000")
    assert (words(first), first.opener) == ("allow rule new", Direction.EGRESS)
    assert walk.say(f"udp 198.51.100.7:40000 -> {HOST}:123") == "allow established established"
    assert walk.count == 1


def test_a_recorded_udp_server_that_sends_first_is_taken_to_answer():
    """Within the first 180 s its client may have asked before the recording began: port 40000 is the client's."""
    walk = Walk("udp 123 from 0.0.0.0/0", "all to 0.0.0.0/0", recorded=True)
    first = walk.send(f"udp {HOST}:123 -> 198.51.100.7:40000")
    assert (words(first), first.opener) == ("allow presumed untracked", Direction.INGRESS)
    assert walk.say(f"udp 198.51.100.7:40000 -> {HOST}:123") == "allow untracked untracked"
    assert walk.count == 0


def test_a_flood_finds_no_place_and_established_flows_go_on():
    walk = Walk(*ONE_NET, capacity=2)
    walk.connect("198.51.100.7:40000", SERVER)
    flood = [walk.say(f"tcp 198.51.100.66:{port} -> {SERVER} S") for port in range(1000, 1004)]
    assert flood == ["allow rule new"] + ["deny table_full new"] * 3
    assert walk.say(f"tcp {SERVER} -> 198.51.100.7:40000 A") == "allow established established"
    pressure = walk.engine.tables["eni-a"].pressure
    assert (walk.count, pressure.exceeded, pressure.available) == (2, 3, 0)


def test_a_place_is_free_again_the_moment_that_its_entry_expires():
    walk = Walk(*ONE_NET, capacity=1)
    walk.say(f"tcp 198.51.100.66:1000 -> {SERVER} S", 0)
    assert walk.say(f"tcp {CLIENT} -> {SERVER} S", 119.999999999) == "deny table_full new"
    assert walk.say(f"tcp {CLIENT} -> {SERVER} S", 120) == "allow rule new"


def test_a_full_table_does_not_stop_untracked_flows():
    walk = Walk(*WEB, *ONE_NET, capacity=0)
    assert walk.say(f"tcp {CLIENT} -> {HOST}:80 S") == "allow untracked untracked"
    assert walk.exceeded == 0


def test_what_no_rule_admits_is_denied_by_the_rules_even_when_the_table_is_full():
    walk = Walk(*ONE_NET, capacity=0)
    assert walk.say(f"tcp 203.0.113.9:40000 -> {SERVER} S") == "deny no_rule new"
    assert walk.exceeded == 0


def closed(walk: Walk) -> Walk:
    """A connection that was opened and closed in good order, in TIME_WAIT."""
    walk.connect(CLIENT, SERVER)
    for src, dst in ((CLIENT, SERVER), (SERVER, CLIENT)):
        walk.say(f"tcp {src} -> {dst} FA")
    walk.say(f"tcp {CLIENT} -> {SERVER} A")
    assert [entry.tcp_state for entry in walk.entries()] == [TcpState.TIME_WAIT]
    return walk


def test_a_port_reused_in_time_wait_takes_over_its_own_place_in_a_full_table():
    walk = closed(Walk(*ONE_NET, capacity=1))
    assert walk.say(f"tcp 198.51.100.8:40000 -> {SERVER} S", 1) == "deny table_full new"
    assert walk.say(f"tcp {CLIENT} -> {SERVER} S", 2) == "allow rule new"
    assert [entry.tcp_state for entry in walk.entries()] == [TcpState.SYN_SENT]
    assert [end.end for end in walk.ended] == [FlowEnd.CLOSED]


def test_a_port_reused_from_the_other_side_makes_that_side_the_opener():
    walk = closed(Walk(*ONE_NET, "tcp 40000 to 198.51.100.0/24"))
    assert walk.send(f"tcp {SERVER} -> {CLIENT} S", 1).opener is Direction.EGRESS


def test_a_port_reused_in_time_wait_needs_a_rule_like_any_new_flow():
    walk = closed(Walk(*ONE_NET))
    walk.change("tcp 22 from 198.51.100.0/24", at_s=1)
    assert walk.say(f"tcp {CLIENT} -> {SERVER} A", 1) == "allow established established"
    assert walk.say(f"tcp {CLIENT} -> {SERVER} S", 2) == "deny no_rule new"
    assert walk.count == 0


def test_packets_late_after_an_rst_pass_for_ten_seconds_and_do_not_prolong_them():
    walk = Walk(*ONE_NET)
    walk.connect(CLIENT, SERVER)
    walk.say(f"tcp {SERVER} -> {CLIENT} RA", 1)
    late = [walk.say(f"tcp {CLIENT} -> {SERVER} A", at_s) for at_s in (2, 10.999999999, 11)]
    assert late == ["allow established established"] * 2 + ["deny midstream invalid"]
    assert [end.end for end in walk.ended] == [FlowEnd.CLOSED]


def test_packets_late_in_time_wait_do_not_prolong_it():
    walk = closed(Walk(*ONE_NET))
    late = [walk.say(f"tcp {SERVER} -> {CLIENT} A", at_s) for at_s in (100, 119.999999999)]
    assert late == ["allow established established"] * 2
    walk.wait_until(120)
    assert walk.count == 0


def test_data_after_idle_expiry_is_lost_from_the_client_although_a_rule_admits_it():
    walk = Walk(*ONE_NET, profile=AWS_NITRO_V6)
    walk.connect(CLIENT, SERVER)
    assert walk.say(f"tcp {CLIENT} -> {SERVER} A", 349.999999999) == "allow established established"
    lost = walk.send(f"tcp {CLIENT} -> {SERVER} PA", 2 * 350)
    assert words(lost) == "deny midstream invalid"
    assert lost.rule is not None
    assert lost.rule.text == "tcp 443 from 198.51.100.0/24"


def test_data_after_idle_expiry_is_lost_from_the_server_too():
    walk = Walk(*ONE_NET, "tcp all to 198.51.100.0/24", profile=AWS_NITRO_V6)
    walk.connect(CLIENT, SERVER)
    assert walk.say(f"tcp {SERVER} -> {CLIENT} PA", 350) == "deny midstream invalid"


def test_without_an_outbound_rule_the_rules_deny_the_server_after_idle_expiry():
    walk = Walk(*ONE_NET, profile=AWS_NITRO_V6)
    walk.connect(CLIENT, SERVER)
    assert walk.say(f"tcp {SERVER} -> {CLIENT} PA", 350) == "deny no_rule new"


def test_untracked_tcp_has_no_state_that_data_could_be_late_for():
    walk = Walk(*WEB)
    walk.connect("198.51.100.7:40000", f"{HOST}:80")
    week_s = 7 * 86400
    assert walk.say(f"tcp 198.51.100.7:40000 -> {HOST}:80 PA", week_s) == "allow untracked untracked"
    assert walk.say(f"tcp {HOST}:80 -> 198.51.100.8:40000 RA", week_s) == "allow untracked untracked"


def test_the_one_orientation_that_is_untracked_tells_who_opened_a_flow():
    walk = Walk(*WEB)
    reply = walk.send(f"tcp {HOST}:80 -> 198.51.100.7:80 A")
    assert (words(reply), reply.opener) == ("allow untracked untracked", Direction.INGRESS)


def test_a_lone_syn_begins_an_untracked_flow_anew():
    walk = Walk(*WEB)
    walk.connect("198.51.100.7:40000", f"{HOST}:80")
    again = walk.send(f"tcp 198.51.100.7:40000 -> {HOST}:80 S", 1)
    assert (words(again), again.flow, again.tcp_state) == ("allow untracked untracked", 2, TcpState.SYN_SENT)
    assert [end.end for end in walk.ended] == [FlowEnd.REPLACED]


def test_a_syn_sent_again_before_the_answer_stays_in_its_untracked_flow():
    walk = Walk(*WEB)
    syns = [walk.send(f"tcp 198.51.100.7:40000 -> {HOST}:80 S", at_s) for at_s in (0, 1, 3)]
    assert [syn.flow for syn in syns] == [1, 1, 1]


OVER_DYNAMODB = (PathRule(PathLabel.DYNAMODB, network=networks("203.0.113.0/24")[0]),)


def over_paths(*rules: str, paths: tuple[PathRule, ...] = OVER_DYNAMODB, **options: Any) -> Walk:
    known = inventory(group(*rules), interface(), paths=paths)
    return Walk(known, **options)


def test_a_dynamodb_flow_takes_two_places_and_finds_none_at_capacity_minus_one():
    walk = over_paths("tcp 443 to 0.0.0.0/0", capacity=3)
    assert walk.say(f"tcp {HOST}:40000 -> 203.0.113.5:443") == "allow rule new"
    assert walk.count == 2
    assert walk.say(f"tcp {HOST}:40001 -> 203.0.113.5:443") == "deny table_full new"
    assert walk.say(f"tcp {HOST}:40001 -> 198.51.100.7:443") == "allow rule new"
    assert (walk.count, walk.exceeded) == (3, 1)


def test_a_dynamodb_flow_frees_both_its_places():
    walk = over_paths("tcp 443 to 0.0.0.0/0", capacity=2)
    walk.say(f"tcp {HOST}:40000 -> 203.0.113.5:443", 0)
    walk.wait_until(120)
    assert walk.count == 0


def test_a_flow_over_an_automatic_path_is_tracked_whatever_the_rules():
    nat = (PathRule(PathLabel.NAT_GATEWAY, network=networks("203.0.113.0/24")[0]),)
    walk = over_paths("all from 0.0.0.0/0", "all to 0.0.0.0/0", paths=nat)
    assert walk.say(f"tcp {HOST}:40000 -> 198.51.100.7:443") == "allow untracked untracked"
    assert walk.say(f"tcp {HOST}:40000 -> 203.0.113.5:443") == "allow rule new"
    (entry,) = walk.entries(Tracking.TRACKED)
    assert (entry.cause, entry.path) == (TrackingCause.PATH, PathLabel.NAT_GATEWAY)


def test_midstream_pickup_lets_a_flow_begin_with_an_ack():
    walk = Walk(*ONE_NET, profile=profile(midstream="pickup"))
    first = walk.send(f"tcp {CLIENT} -> {SERVER} A")
    assert (words(first), first.tcp_state) == ("allow rule new", TcpState.ESTABLISHED)
    assert walk.say(f"tcp {SERVER} -> {CLIENT} A") == "allow established established"


def test_midstream_pickup_makes_the_sender_the_opener():
    walk = Walk(*ONE_NET, "tcp all to 198.51.100.0/24", profile=profile(midstream="pickup"))
    assert walk.send(f"tcp {SERVER} -> {CLIENT} A").opener is Direction.EGRESS


def test_midstream_pickup_takes_no_segment_that_opens_nothing():
    walk = Walk(*ONE_NET, profile=profile(midstream="pickup"))
    answers = {walk.say(f"tcp {CLIENT} -> {SERVER}", flags=flags) for flags in ("SA", "FA", "RA", "SF", "")}
    assert answers == {"deny invalid invalid"}
    assert walk.count == 0


def test_midstream_pickup_needs_a_place_like_any_new_flow():
    walk = Walk(*ONE_NET, profile=profile(midstream="pickup"), capacity=0)
    assert walk.say(f"tcp {CLIENT} -> {SERVER} A") == "deny table_full new"


def after_handshake(**settings: Any) -> Walk:
    walk = Walk(*ONE_NET, profile=profile(**settings))
    walk.connect(CLIENT, SERVER)
    return walk


def test_an_invalid_segment_passes_with_its_flow_and_moves_nothing():
    """A SYN-ACK of the opener has no place in an established connection; AWS documents no check of flags."""
    walk = after_handshake(invalid="pass")
    answer = walk.send(f"tcp {CLIENT} -> {SERVER} SA")
    assert (words(answer), answer.tcp_state) == ("allow established established", TcpState.ESTABLISHED)


def test_an_invalid_segment_can_be_left_to_the_rules():
    walk = after_handshake(invalid="rules")
    assert walk.say(f"tcp {CLIENT} -> {SERVER} SA") == "allow rule invalid"
    assert walk.say(f"tcp {SERVER} -> {CLIENT} SF") == "deny no_rule invalid"
    (entry,) = walk.entries()
    assert (entry.tcp_state, sum(entry.packets)) == (TcpState.ESTABLISHED, 3)


def test_an_invalid_segment_can_be_denied():
    walk = after_handshake(invalid="deny")
    assert walk.say(f"tcp {CLIENT} -> {SERVER} SA") == "deny invalid invalid"
    assert [entry.tcp_state for entry in walk.entries()] == [TcpState.ESTABLISHED]


def test_linux_lets_rules_judge_what_its_opener_sends_before_an_answer():
    walk = Walk(*ONE_NET, profile=LINUX)
    walk.say(f"tcp {CLIENT} -> {SERVER} S", 0)
    walk.change("tcp 22 from 198.51.100.0/24", at_s=1)
    assert walk.say(f"tcp {CLIENT} -> {SERVER} S", 1) == "deny no_rule new"
    assert walk.say(f"tcp {SERVER} -> {CLIENT} SA", 1) == "allow established established"
    assert walk.say(f"tcp {CLIENT} -> {SERVER} A", 1) == "allow established established"


def test_linux_tracks_open_flows_and_filters_every_service():
    walk = Walk("all from 0.0.0.0/0", "all to 0.0.0.0/0", profile=LINUX)
    assert walk.say(f"tcp {CLIENT} -> {HOST}:80 S") == "allow rule new"
    assert walk.say(f"udp {HOST}:40000 -> 169.254.169.253:53") == "allow rule new"


def test_other_protocols_are_one_flow_for_each_pair_of_addresses():
    walk = Walk("47 to 203.0.113.5/32")
    assert walk.say(f"47 {HOST} -> 203.0.113.5", 0) == "allow rule new"
    assert walk.say(f"47 203.0.113.5 -> {HOST}", 599.999999999) == "allow established established"
    assert walk.say(f"50 203.0.113.5 -> {HOST}") == "deny no_rule new"
    assert walk.say(f"47 203.0.113.6 -> {HOST}") == "deny no_rule new"


def test_more_untracked_flows_than_are_remembered_push_out_the_next_to_expire():
    walk = Walk(*WEB, remember=2)
    for at_s, port in enumerate((40000, 40001, 40002)):
        walk.say(f"tcp 198.51.100.7:{port} -> {HOST}:80 S", at_s)
    assert [entry.key.five_tuple.dst_port for entry in walk.entries()] == [40001, 40002]
    assert [end.end for end in walk.ended] == [FlowEnd.FORGOTTEN]
    assert walk.engine.tables["eni-a"].forgotten == 1


def test_tracked_flows_do_not_count_against_what_is_remembered_beside_the_table():
    walk = Walk(*ONE_NET, remember=1)
    for port in (22, 23):
        walk.say(f"tcp {CLIENT.partition(':')[0]}:{40000 + port} -> {SERVER} S")
    assert walk.count == 2


def test_a_packet_counts_on_its_flow():
    walk = Walk(*ONE_NET)
    walk.say(packet(f"tcp {CLIENT} -> {SERVER} S", length_bytes=60))
    walk.say(packet(f"tcp {SERVER} -> {CLIENT} SA", length_bytes=52))
    walk.say(packet(f"tcp {CLIENT} -> {SERVER} A", length_bytes=40))
    (entry,) = walk.entries()
    assert (entry.packets, entry.bytes, entry.allowed, entry.denied) == ([2, 1], [100, 52], 3, 0)


def test_to_linux_a_repeated_syn_does_not_prolong_a_flow_that_nobody_answers():
    """The kernel's rule R5; AWS profiles restart the timeout."""
    for behaviour, left in ((LINUX, 0), (AWS_NITRO, 1)):
        walk = Walk(*ONE_NET, profile=behaviour)
        for at_s in (0, 100):
            walk.say(f"tcp {CLIENT} -> {SERVER} S", at_s)
        walk.wait_until(120)
        assert walk.count == left


def test_to_linux_a_simultaneous_open_has_the_time_of_its_first_syn():
    walk = Walk(*ONE_NET, profile=LINUX)
    walk.say(f"tcp {CLIENT} -> {SERVER} S", 0)
    walk.say(f"tcp {SERVER} -> {CLIENT} S", 100)
    walk.wait_until(120)
    assert walk.count == 0


def test_a_flow_is_old_by_its_own_age_and_not_by_the_clock():
    """On Linux a flow that was answered is a stream once it is more than two seconds old, whenever it began."""
    walk = Walk("udp 53 from 198.51.100.0/24", profile=LINUX)
    query, answer = f"udp {CLIENT} -> {HOST}:53", f"udp {HOST}:53 -> {CLIENT}"
    left_s = []
    for at_s, text in ((100, query), (101, answer), (102, query), (102.000000001, query)):
        walk.say(text, at_s)
        left_s.append(round((walk.entries()[0].expires_at_ns - at_s * 1e9) / 1e9))
    assert left_s == [30, 30, 30, 120]


def test_on_linux_a_reset_ends_an_answered_connection_and_leaves_its_entry():
    walk = Walk(*ONE_NET, profile=LINUX)
    walk.connect(CLIENT, SERVER)
    assert walk.say(f"tcp {CLIENT} -> {SERVER} R") == "allow established established"
    assert [entry.tcp_state for entry in walk.entries()] == [TcpState.CLOSE]


@pytest.mark.parametrize(("syn_reopens", "said"), [(True, "allow rule new"), (False, "allow established established")])
def test_on_linux_a_syn_reopens_a_live_connection_that_is_closing_only_where_the_profile_says_so(syn_reopens, said):
    walk = Walk(*ONE_NET, profile=profile(LINUX, syn_reopens=syn_reopens))
    walk.connect(CLIENT, SERVER)
    walk.say(f"tcp {CLIENT} -> {SERVER} FA")
    assert walk.say(f"tcp {CLIENT} -> {SERVER} S") == said
