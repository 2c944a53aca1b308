"""ICMP queries and errors: steps 4 and 10 of the way of a packet."""

import pytest
from attrs import evolve
from builders import group, interface, inventory, networks
from engine.walking import HOST, HOST_V6, Walk, icmp_error, profile

from sgsim.conntrack.profile import LINUX
from sgsim.model.packet import Packet
from sgsim.model.path import PathLabel
from sgsim.model.states import Direction, Tracking
from sgsim.rules.inventory import Inventory
from sgsim.rules.paths import PathRule

PEER = "198.51.100.7"
PING = "icmp 8/0 from 0.0.0.0/0"


def ping(src: str, dst: str, identifier: int = 0) -> str:
    return f"icmp {src} -> {dst} type 8 code 0 id {identifier}"


def pong(src: str, dst: str, identifier: int = 0) -> str:
    return f"icmp {src} -> {dst} type 0 code 0 id {identifier}"


def test_an_echo_reply_needs_no_rule():
    walk = Walk(PING)
    assert walk.say(ping(PEER, HOST, 9)) == "allow rule new"
    assert walk.say(pong(HOST, PEER, 9)) == "allow established established"


def test_ping_is_tracked_even_where_everything_is_open():
    walk = Walk("all from 0.0.0.0/0", "all to 0.0.0.0/0", "all from ::/0", "all to ::/0")
    assert walk.say(ping(PEER, HOST)) == "allow rule new"
    assert walk.say(f"icmpv6 2001:db8::99 -> {HOST_V6} type 128 code 0 id 0") == "allow rule new"
    assert walk.count == 2


def test_an_echo_reply_with_another_identifier_belongs_to_nobody():
    walk = Walk(PING)
    walk.say(ping(PEER, HOST, 9))
    assert walk.say(pong(HOST, PEER, 8)) == "deny no_rule untracked"


def test_pings_both_ways_with_identifier_zero_are_two_flows():
    walk = Walk(PING, "icmp 8/0 to 0.0.0.0/0")
    assert walk.say(ping(PEER, HOST)) == "allow rule new"
    assert walk.say(ping(HOST, PEER)) == "allow rule new"
    answers = [walk.send(pong(HOST, PEER)), walk.send(pong(PEER, HOST))]
    assert [(str(answer.reason), answer.opener, answer.flow) for answer in answers] == [
        ("established", Direction.INGRESS, 1),
        ("established", Direction.EGRESS, 2),
    ]


def test_a_ping_of_the_host_is_not_let_out_by_a_ping_that_came_in_with_the_same_identifier():
    walk = Walk(PING)
    walk.say(ping(PEER, HOST))
    assert walk.say(ping(HOST, PEER)) == "deny no_rule new"


def test_a_ping_goes_on_after_its_rule_is_removed():
    walk = Walk(PING)
    walk.say(ping(PEER, HOST), 0)
    walk.change("tcp 22 from 198.51.100.99/32", at_s=1)
    assert walk.say(ping(PEER, HOST), 2) == "allow established new"
    assert walk.say(pong(HOST, PEER), 2) == "allow established established"


def test_a_ping_is_forgotten_after_thirty_seconds_of_silence():
    walk = Walk(PING)
    walk.say(ping(PEER, HOST), 0)
    assert walk.say(pong(HOST, PEER), 30) == "deny no_rule untracked"


def test_an_answer_that_a_rule_admits_makes_no_entry():
    walk = Walk("icmp 0/0 from 0.0.0.0/0")
    assert walk.say(pong(PEER, HOST)) == "allow rule untracked"
    assert walk.count == 0


def test_a_message_that_is_neither_query_nor_error_is_left_to_the_rules():
    walk = Walk("icmp 9 from 0.0.0.0/0")
    assert walk.say(f"icmp {PEER} -> {HOST} type 9 code 0") == "allow rule untracked"
    assert walk.say(f"icmp {PEER} -> {HOST} type 10 code 0") == "deny no_rule untracked"
    assert walk.count == 0


def test_linux_calls_an_answer_without_its_question_invalid():
    walk = Walk("icmp 0/0 from 0.0.0.0/0", profile=LINUX)
    assert walk.say(pong(PEER, HOST)) == "allow rule invalid"
    assert walk.say(pong(HOST, PEER)) == "deny no_rule invalid"


def test_linux_tells_codes_apart():
    walk = Walk(PING, profile=LINUX)
    walk.say(ping(PEER, HOST))
    assert walk.say(f"icmp {HOST} -> {PEER} type 0 code 1 id 0") == "deny no_rule invalid"


NAT, FAR = "203.0.113.5", "192.0.2.99"
"""A peer over an automatic path, and a router on the way that reports an error."""

RULES = ("tcp 80 from 0.0.0.0/0", "tcp 443 from 198.51.100.0/24", "all to 0.0.0.0/0")


def network() -> Inventory:
    nat = PathRule(PathLabel.NAT_GATEWAY, network=networks(f"{NAT}/32")[0])
    return inventory(group(*RULES), interface(), paths=(nat,))


def with_flows(related_icmp: str) -> Walk:
    """One flow that is untracked, one that rules make tracked, and one on an automatic path."""
    walk = Walk(network(), profile=profile(related_icmp=related_icmp))
    assert walk.say(f"tcp {PEER}:40000 -> {HOST}:80 S") == "allow untracked untracked"
    assert walk.say(f"tcp {PEER}:40000 -> {HOST}:443 S") == "allow rule new"
    assert walk.say(f"tcp {NAT}:40000 -> {HOST}:80 S") == "allow rule new"
    return walk


def too_big(quoted: str) -> Packet:
    return icmp_error(f"icmp {FAR} -> {HOST} type 3 code 4", quoted)


ABOUT_UNTRACKED = too_big(f"tcp {HOST}:80 -> {PEER}:40000 A")
ABOUT_TRACKED = too_big(f"tcp {HOST}:443 -> {PEER}:40000 A")
ABOUT_AUTOMATIC = too_big(f"tcp {HOST}:80 -> {NAT}:40000 A")
ABOUT_UNKNOWN = too_big(f"tcp {HOST}:80 -> {PEER}:50000 A")

PASSES, BLOCKED = "allow related related", "deny no_rule untracked"


@pytest.mark.parametrize(
    ("related_icmp", "untracked", "automatic", "tracked"),
    [
        ("never", BLOCKED, BLOCKED, BLOCKED),
        ("automatic-or-untracked", PASSES, PASSES, BLOCKED),
        ("always", PASSES, PASSES, PASSES),
    ],
)
def test_the_profile_says_for_which_flows_an_icmp_error_passes(related_icmp, untracked, automatic, tracked):
    walk = with_flows(related_icmp)
    assert walk.say(ABOUT_UNTRACKED) == untracked
    assert walk.say(ABOUT_AUTOMATIC) == automatic
    assert walk.say(ABOUT_TRACKED) == tracked
    assert walk.say(ABOUT_UNKNOWN) == BLOCKED


def test_an_icmp_error_that_is_not_covered_is_left_to_the_rules():
    walk = Walk(*RULES, "icmp 3/4 from 0.0.0.0/0")
    walk.say(f"tcp {PEER}:40000 -> {HOST}:443 S")
    assert walk.say(ABOUT_TRACKED) == "allow rule untracked"
    assert walk.say(ABOUT_UNKNOWN) == "allow rule untracked"


def test_an_icmp_error_names_the_flow_that_it_is_about_and_restarts_no_timeout():
    walk = Walk(*RULES)
    walk.say(f"tcp {PEER}:40000 -> {HOST}:80 S", 0)
    walk.wait_until(100)
    answer = walk.send(ABOUT_UNTRACKED)
    assert (answer.flow, answer.opener) == (1, Direction.INGRESS)
    (entry,) = walk.entries(Tracking.UNTRACKED)
    assert (sum(entry.packets), entry.last_seen_ns) == (1, 0)
    walk.wait_until(120)
    assert walk.entries() == []


def test_an_icmp_error_to_another_host_than_the_quoted_sender_is_not_related():
    """pf's inner-match case: the outer destination must be the sender of the quoted packet."""
    walk = with_flows("always")
    astray = icmp_error(f"icmp {HOST} -> 198.51.100.8 type 3 code 1", f"tcp {PEER}:40000 -> {HOST}:443 A")
    assert walk.say(astray) == "allow rule untracked"


def test_an_icmp_error_of_the_host_about_what_it_received_is_related():
    walk = Walk("udp 53 from 198.51.100.0/24", profile=profile(related_icmp="always"))
    walk.say(f"udp {PEER}:40000 -> {HOST}:53")
    unreachable = icmp_error(f"icmp {HOST} -> {PEER} type 3 code 3", f"udp {PEER}:40000 -> {HOST}:53")
    assert walk.say(unreachable) == PASSES


def test_an_icmp_error_with_a_quote_that_went_its_own_way_is_not_related():
    """It would be about a packet that its own receiver sent, yet passes the interface in the same direction."""
    walk = Walk("udp 53 from 198.51.100.0/24", profile=profile(related_icmp="always"))
    walk.say(f"udp {PEER}:40000 -> {HOST}:53")
    forged = icmp_error(f"icmp 203.0.113.9 -> {HOST} type 3 code 3", f"udp {PEER}:40000 -> {HOST}:53")
    assert walk.say(forged) == BLOCKED


def test_an_icmp_error_about_a_ping_is_related_to_it():
    walk = Walk("icmp 8/0 to 0.0.0.0/0", profile=profile(related_icmp="always"))
    walk.say(ping(HOST, PEER, 5))
    assert walk.say(icmp_error(f"icmp {FAR} -> {HOST} type 11 code 0", ping(HOST, PEER, 5))) == PASSES
    assert walk.say(icmp_error(f"icmp {FAR} -> {HOST} type 11 code 0", ping(HOST, PEER, 6))) == BLOCKED


def test_packet_too_big_of_ipv6_is_related():
    walk = Walk("tcp 80 from ::/0", "all to ::/0")
    walk.say(f"tcp [2001:db8::99]:40000 -> [{HOST_V6}]:80 S")
    error = icmp_error(
        f"icmpv6 2001:db8:1::1 -> {HOST_V6} type 2 code 0", f"tcp [{HOST_V6}]:80 -> [2001:db8::99]:40000 A"
    )
    assert walk.say(error) == PASSES


def test_a_message_with_a_quote_that_is_no_error_is_not_related():
    walk = Walk(*RULES)
    walk.say(f"tcp {PEER}:40000 -> {HOST}:80 S")
    odd = icmp_error(f"icmp {FAR} -> {HOST} type 9 code 0", f"tcp {HOST}:80 -> {PEER}:40000 A")
    assert walk.say(odd) == BLOCKED


def test_an_icmp_error_about_a_refused_flow_is_left_to_the_rules():
    walk = Walk("tcp 22 from 203.0.113.1/32", recorded=True, profile=profile(related_icmp="always"))
    assert walk.say(f"udp {PEER}:40000 -> {HOST}:53") == "deny no_rule new"
    unreachable = icmp_error(f"icmp {HOST} -> {PEER} type 3 code 3", f"udp {PEER}:40000 -> {HOST}:53")
    assert walk.say(unreachable) == BLOCKED


def test_an_error_that_restarts_the_timeout_does_so_where_ignored_segments_do_not():
    walk = Walk("udp 53 from 198.51.100.0/24", profile=profile(LINUX, related_refresh=True))
    walk.say(f"udp {PEER}:40000 -> {HOST}:53", 0)
    walk.say(
        evolve(icmp_error(f"icmp {HOST} -> {PEER} type 3 code 3", f"udp {PEER}:40000 -> {HOST}:53"), time_ns=20 * 10**9)
    )
    assert [entry.expires_at_ns for entry in walk.entries()] == [50 * 10**9]


def test_an_error_about_a_query_is_told_by_its_code_where_codes_are_in_the_key():
    walk = Walk("icmp all from 0.0.0.0/0", profile=LINUX)
    quoted = f"icmp {PEER} -> {HOST} type 8 code 1 id 7"
    assert walk.say(quoted) == "allow rule new"
    assert walk.say(icmp_error(f"icmp {HOST} -> {PEER} type 3 code 3", quoted)) == "allow related related"
    assert (
        walk.say(icmp_error(f"icmp {HOST} -> {PEER} type 3 code 3", quoted.replace("code 1", "code 0")))
        == "deny no_rule invalid"
    )


def test_a_path_that_becomes_automatic_has_errors_pass_from_the_flows_next_packet_on():
    """A change is looked at with the first packet after it."""
    rules = ("tcp 443 from 198.51.100.0/24",)
    opening, error = f"tcp {PEER}:40000 -> {HOST}:443 S", f"icmp 203.0.113.9 -> {HOST} type 3 code 4"
    answer = f"tcp {HOST}:443 -> {PEER}:40000 SA"
    walk = Walk(*rules)
    walk.say(opening)
    path = PathRule(PathLabel.NAT_GATEWAY, networks(f"{PEER}/32")[0])
    walk.change(inventory(group(*rules), interface(HOST), paths=(path,)), at_s=1)
    assert walk.say(icmp_error(error, answer)) == "deny no_rule untracked"
    walk.say(answer)
    assert walk.say(icmp_error(error, answer)) == "allow related related"
