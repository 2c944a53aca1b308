"""Flows whose opening was denied, in recorded traffic: how they end, whom they name, and what they leave alone."""

import pytest
from builders import group, interface, inventory, network_acl, networks, packet
from engine.walking import HOST, Walk, profile

from sgsim.conntrack.entry import FlowEnd
from sgsim.conntrack.profile import LINUX
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.packet import Fragment
from sgsim.model.states import Direction, Tracking
from sgsim.rules.inventory import Subnet

PEER = "198.51.100.7"
SYN, RST = f"tcp {PEER}:40000 -> {HOST}:443 S", f"tcp {PEER}:40000 -> {HOST}:443 R"
QUERY, RESPONSE = f"udp {PEER}:40000 -> {HOST}:53", f"udp {HOST}:53 -> {PEER}:40000"
EVERYTHING = ("all from 0.0.0.0/0", "all to 0.0.0.0/0")


def ends(walk):
    return [(each.entry.flow, each.end, each.ended_at_ns) for each in walk.ended]


def test_one_that_was_reset_has_closed_when_it_is_opened_anew():
    walk = Walk(recorded=True)
    for at_s, text in enumerate((SYN, RST, SYN)):
        walk.say(text, at_s)
    assert ends(walk) == [(1, FlowEnd.CLOSED, 2 * 10**9)]


def test_one_that_the_other_side_opens_is_replaced():
    walk = Walk(recorded=True)
    walk.say(SYN, 0)
    walk.say(f"tcp {HOST}:443 -> {PEER}:40000 S", 3)
    assert ends(walk) == [(1, FlowEnd.REPLACED, 3 * 10**9)]


def test_one_that_memory_has_no_place_for_is_forgotten_at_that_moment():
    walk = Walk(recorded=True, remember=1)
    walk.say(SYN, 0)
    walk.say(f"tcp {PEER}:40001 -> {HOST}:443 S", 5)
    assert ends(walk) == [(1, FlowEnd.FORGOTTEN, 5 * 10**9)]


def test_what_answers_one_that_memory_has_dropped_was_still_not_sent():
    """A flow that is dropped for want of memory has not ended, so its stragglers are asked who had opened it."""
    walk = Walk(recorded=True, remember=1)
    walk.say(SYN)
    walk.say(f"tcp {PEER}:40001 -> {HOST}:443 S")
    assert walk.say(f"tcp {HOST}:443 -> {PEER}:40000 SA") == "skip not_sent -"


BOTH = inventory(
    group("tcp 443 to 10.0.0.0/8"),
    group("all from 0.0.0.0/0", group_id="sg-b"),
    interface(),
    interface("192.0.2.20", interface_id="eni-b", groups=("sg-b",)),
)
BETWEEN = f"tcp {HOST}:40000 -> 192.0.2.20:443 S"


@pytest.mark.parametrize("ways", [(None,), ("eni-a", "eni-b")], ids=["on its way", "recorded at each end"])
def test_one_that_was_denied_at_its_sender_is_opened_from_outside_at_its_receiver(ways):
    walk = Walk(BOTH, recorded=True)
    for taken_at in ways:
        walk.stops(packet(BETWEEN, taken_at=taken_at))
    assert [
        (entry.key.interface_id, entry.opener, str(entry.five_tuple)) for entry in walk.entries(Tracking.REFUSED)
    ] == [
        ("eni-a", Direction.EGRESS, f"tcp {HOST}:40000 -> 192.0.2.20:443"),
        ("eni-b", Direction.INGRESS, f"tcp {HOST}:40000 -> 192.0.2.20:443"),
    ]


def test_an_answer_that_was_never_sent_opens_nothing_at_the_one_that_it_would_answer():
    """What was not sent leaves nothing at its receiver, even where the flow that it answers is over by then."""
    there, back = f"udp {HOST}:40000 -> 192.0.2.20:50000", f"udp 192.0.2.20:50000 -> {HOST}:40000"
    longer = TimeoutOverrides(udp_s=60)
    walk = Walk(
        inventory(
            group("udp all to 192.0.2.20/32"),
            group(group_id="sg-b"),
            interface(),
            interface("192.0.2.20", interface_id="eni-b", groups=("sg-b",), timeouts=longer),
        ),
        recorded=True,
    )
    assert walk.say_all(there, 0) == ["allow rule new", "deny no_rule new"]
    assert walk.say_all(back, 40) == ["skip not_sent -"]
    assert walk.say_all(there, 41) == ["allow rule new", "deny no_rule new"]


def test_a_fragment_that_its_sender_denies_asks_nothing_of_its_receiver():
    """What has no flow leaves none at the next interface, whose groups need not be known."""
    known = inventory(group(), interface(), interface("192.0.2.20", interface_id="eni-b", groups=("sg-nowhere",)))
    later = packet(f"udp {HOST}:0 -> 192.0.2.20:0", fragment=Fragment(7, 1480, more=False))
    assert Walk(known, recorded=True).say(later) == "deny fragment invalid"


def test_what_answers_one_as_recorded_opens_a_flow_whatever_the_ports():
    """A client's port would tell that the other side had opened it before the recording; but its opening was seen."""
    walk = Walk(recorded=True, as_recorded=True)
    walk.say(QUERY, 0)
    walk.change(*EVERYTHING, at_s=1)
    assert walk.say(RESPONSE, 1) == "allow untracked untracked"
    assert [entry.opener for entry in walk.entries(Tracking.UNTRACKED)] == [Direction.EGRESS]


def test_what_passes_without_a_flow_makes_none():
    walk = Walk(recorded=True, profile=profile(exempt_traffic=True))
    assert walk.say(f"udp {HOST}:1000 -> 169.254.169.123:123") == "allow exempt exempt"
    assert walk.entries() == []


def test_a_recording_begins_with_its_first_packet_wherever_that_is():
    """At an interface whose first packet comes late, no flow is presumed that would have been forgotten by then."""
    both = inventory(group("tcp 443 from 0.0.0.0/0"), interface(), interface("192.0.2.20", interface_id="eni-b"))
    walk = Walk(both, recorded=True)
    assert walk.say(f"tcp {PEER}:40000 -> {HOST}:443 A", 0) == "allow presumed established"
    assert walk.say(f"tcp {PEER}:40000 -> 192.0.2.20:443 A", 432000) == "deny midstream invalid"


def test_a_flow_that_memory_has_dropped_when_it_became_untracked_was_seen_and_is_not_presumed():
    walk = Walk("udp 53 from 198.51.100.0/24", recorded=True, remember=1)
    walk.say(QUERY, 0)
    walk.change(*EVERYTHING, at_s=1)
    walk.say(f"udp 203.0.113.9:40000 -> {HOST}:53", 1)
    assert walk.say(RESPONSE, 2) == "allow untracked untracked"
    assert ends(walk)[0] == (1, FlowEnd.FORGOTTEN, 2 * 10**9)


def test_an_untracked_flow_ends_when_a_syn_opens_it_anew():
    walk = Walk(*EVERYTHING)
    for at_s, text in ((0, SYN), (1, f"tcp {HOST}:443 -> {PEER}:40000 SA"), (5, SYN)):
        walk.say(text, at_s)
    assert ends(walk) == [(1, FlowEnd.REPLACED, 5 * 10**9)]


# At the edge of a subnet


def behind(*entries, rules=("udp 53 from 0.0.0.0/0", "tcp 80 to 0.0.0.0/0")):
    subnet = Subnet(subnet_id="subnet-1", networks=networks("192.0.2.0/24"))
    return inventory(group(*rules), interface(HOST, subnet_id="subnet-1"), subnet, network_acl(*entries))


OPEN = ("900 allow all from 0.0.0.0/0", "900 allow all to 0.0.0.0/0")
FIRST = packet(QUERY, fragment=Fragment(7, 0, more=True), length_bytes=1500)
LATER = packet(f"udp {PEER}:0 -> {HOST}:0", fragment=Fragment(7, 1480, more=False), length_bytes=100)


def test_fragments_that_are_kept_out_are_counted_on_no_flow_that_goes_on():
    walk = Walk(behind(*OPEN))
    walk.say(QUERY)
    walk.change(behind("100 deny udp 53 from 198.51.100.0/24", *OPEN))
    assert [walk.say(each) for each in (FIRST, LATER)] == ["deny network_acl -", "deny fragment -"]
    (entry,) = walk.entries()
    assert (entry.packets, entry.allowed, entry.denied) == ([1, 0], 1, 0)


def test_but_they_are_on_one_that_they_opened_in_vain():
    walk = Walk(behind("100 deny udp 53 from 198.51.100.0/24", *OPEN), recorded=True)
    assert [walk.say(each) for each in (FIRST, LATER)] == ["deny network_acl -", "deny fragment -"]
    (entry,) = walk.entries(Tracking.REFUSED)
    assert (entry.packets, entry.bytes, entry.denied) == ([2, 0], [1600, 0], 2)


def test_an_opener_that_groups_deny_meanwhile_is_still_kept_from_leaving():
    """Only a packet that the groups let go tells anew whether its opener's packets leave the subnet."""
    closed = "900 allow all from 0.0.0.0/0"
    walk = Walk(behind(closed), recorded=True, profile=LINUX)
    syn, syn_ack = f"tcp {HOST}:50000 -> {PEER}:80 S", f"tcp {PEER}:80 -> {HOST}:50000 SA"
    assert walk.say(syn) == "deny network_acl new"
    walk.change(behind(closed, rules=()))
    assert [walk.say(each) for each in (syn, syn_ack)] == ["deny no_rule new", "skip not_sent -"]
