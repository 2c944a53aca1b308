"""Packets at the edge of a subnet. A reply is judged like any other packet: an ACL has no memory."""

import pytest
from builders import group, interface, inventory, network_acl, networks, packet
from engine.walking import HOST, Walk, icmp_error, profile

from sgsim.model.packet import Fragment
from sgsim.model.states import Tracking
from sgsim.model.trace import Step, Trace
from sgsim.rules.inventory import Subnet

PEER = "198.51.100.7"
SYN, SYN_ACK, ACK = (
    f"tcp {PEER}:40000 -> {HOST}:443 S", f"tcp {HOST}:443 -> {PEER}:40000 SA", f"tcp {PEER}:40000 -> {HOST}:443 A",
)  # fmt: skip
OUT_SYN, OUT_SYN_ACK, OUT_ACK = (
    f"tcp {HOST}:50000 -> {PEER}:80 S", f"tcp {PEER}:80 -> {HOST}:50000 SA", f"tcp {HOST}:50000 -> {PEER}:80 A",
)  # fmt: skip
RULES = ("tcp 443 from 0.0.0.0/0", "tcp 80 to 0.0.0.0/0", "icmp 8/0 from 0.0.0.0/0")
EDGE = (Step.NETWORK_ACL_IN, Step.NETWORK_ACL_OUT)
OPEN = ("900 allow all from 0.0.0.0/0", "900 allow all to 0.0.0.0/0")
DENIED, NOT_SENT = "deny network_acl -", "skip not_sent -"


def network(*entries, rules=RULES, **fields):
    """One interface in a subnet of its own with a network ACL."""
    subnet = Subnet(subnet_id="subnet-1", networks=networks("192.0.2.0/24"))
    made = interface(HOST, "2001:db8::10", subnet_id="subnet-1", **fields)
    return inventory(group(*rules), made, subnet, network_acl(*entries))


def walk(*entries, rules=RULES, **options):
    return Walk(network(*entries, rules=rules), **options)


def test_an_open_acl_changes_nothing():
    steps = walk(*OPEN)
    assert ["allow rule new", "allow established established", "allow established established"] == [
        steps.say(each) for each in (SYN, SYN_ACK, ACK)
    ]


def test_what_is_denied_on_its_way_in_never_reaches_the_groups():
    steps = walk("100 deny tcp 443 from 198.51.100.0/24", *OPEN)
    decision = steps.send(SYN)
    assert ("network_acl", "acl-1:ingress:100", None) == (str(decision.reason), decision.rule.rule_id, decision.flow)
    assert (0, []) == (steps.count, steps.entries())


def test_an_acl_judges_answers_of_tracked_flows():
    steps = walk("900 allow all from 0.0.0.0/0")
    assert "allow rule new" == steps.say(SYN)
    answer = steps.send(SYN_ACK)
    assert ("deny", "network_acl", "established") == (str(answer.verdict), str(answer.reason), str(answer.state))
    assert "*: deny all traffic to 0.0.0.0/0" == answer.rule.text


def test_what_is_denied_on_its_way_out_has_passed_the_groups_and_keeps_its_entry():
    steps = walk("900 allow all from 0.0.0.0/0")
    decision = steps.send(OUT_SYN)
    assert ("deny", "network_acl", "new", 1) == (
        str(decision.verdict), str(decision.reason), str(decision.state), decision.flow,
    )  # fmt: skip
    (entry,) = steps.entries(Tracking.TRACKED)
    assert (0, 1) == (entry.allowed, entry.denied)


def test_a_denial_on_the_way_in_refreshes_no_entry():
    steps = walk(*OPEN)
    steps.connect(f"{PEER}:40000", f"{HOST}:443", 0)
    expires_at_ns = steps.entries()[0].expires_at_ns
    steps.change(network("100 deny all from 198.51.100.0/24", *OPEN), at_s=5)
    assert DENIED == steps.say(ACK, 10)
    (entry,) = steps.entries()
    assert (expires_at_ns, 3) == (entry.expires_at_ns, sum(entry.packets))


def test_groups_deny_before_the_acl_on_the_way_out():
    steps = walk(rules=())
    assert "deny no_rule new" == steps.say(OUT_SYN)


def test_the_acl_denies_before_the_groups_on_the_way_in():
    assert DENIED == walk(rules=()).say(SYN)


def test_what_stays_in_the_subnet_never_comes_to_its_edge():
    assert "allow rule new" == walk().say(f"tcp 192.0.2.99:40000 -> {HOST}:443")


def test_what_is_exempt_from_groups_is_exempt_from_acls():
    steps = walk(rules=())
    assert "allow exempt exempt" == steps.say(f"udp {HOST}:1000 -> 169.254.169.123:123")
    assert "allow exempt exempt" == steps.say(f"udp 169.254.169.123:123 -> {HOST}:1000")


def test_an_interface_without_groups_is_still_behind_the_acl():
    steps = Walk(network("100 deny tcp 443 from 0.0.0.0/0", *OPEN, groups=()), recorded=True)
    assert DENIED == steps.say(SYN)
    assert "allow no_groups exempt" == steps.say(f"tcp {PEER}:1 -> {HOST}:22")
    assert [] == steps.entries()


def test_ipv6_has_entries_of_its_own():
    steps = walk(*OPEN, rules=("tcp 443 from ::/0", "tcp 443 from 0.0.0.0/0"))
    assert "allow rule new" == steps.say(SYN)
    assert DENIED == steps.say("tcp [2001:db8:9::7]:40000 -> [2001:db8::10]:443")


def test_a_related_error_is_judged_like_any_packet():
    steps = walk("100 deny icmp all from 0.0.0.0/0", *OPEN, profile=profile(related_icmp="always"))
    steps.say(SYN)
    steps.say(SYN_ACK)
    assert DENIED == steps.say(icmp_error(f"icmp 203.0.113.1 -> {HOST} type 3 code 4", SYN_ACK))


def test_the_story_of_a_ping_that_aws_tells():
    """A group lets the ping in; its answer needs no rule, but the ACL must let it out. Source: [aws-fle]."""
    denying = walk("100 allow all from 0.0.0.0/0", rules=("icmp all from 0.0.0.0/0",), recorded=True)
    ping, answer = (
        "icmp 203.0.113.12 -> 192.0.2.10 type 8 code 0 id 7", "icmp 192.0.2.10 -> 203.0.113.12 type 0 code 0 id 7",
    )  # fmt: skip
    said = [denying.say(packet(ping)), str(denying.send(packet(answer)).reason)]
    assert ["allow rule new", "network_acl"] == said
    allowing = walk(*OPEN, rules=("icmp all from 0.0.0.0/0",), recorded=True)
    assert ["allow rule new", "allow established established"] == [
        allowing.say(packet(each)) for each in (ping, answer)
    ]


# Fragments


def fragments(source, target):
    first = packet(f"udp {source}:40000 -> {target}:443", fragment=Fragment(7, 0, more=True))
    return first, packet(f"udp {source}:0 -> {target}:0", fragment=Fragment(7, 1480, more=False))


@pytest.mark.parametrize("ends", [(PEER, HOST), (HOST, PEER)])
def test_a_later_fragment_goes_the_way_of_its_first(ends):
    way = "from" if ends[0] == PEER else "to"
    rules = ("udp 443 from 0.0.0.0/0", "udp 443 to 0.0.0.0/0")
    steps = walk(f"100 deny udp 443 {way} 0.0.0.0/0", *OPEN, rules=rules)
    first, later = fragments(*ends)
    assert ["deny", "network_acl"] == steps.say(first).split()[:2]
    assert ["deny", "fragment"] == steps.say(later).split()[:2]


@pytest.mark.parametrize("ends", [(PEER, HOST), (HOST, PEER)])
def test_a_fragment_without_its_first_is_judged_without_ports(ends):
    rules = ("udp all from 0.0.0.0/0", "udp all to 0.0.0.0/0")
    _, later = fragments(*ends)
    steps = walk("100 deny udp 443 from 0.0.0.0/0", "100 deny udp 443 to 0.0.0.0/0", *OPEN, rules=rules,
                 profile=profile(fragments="rules"))  # fmt: skip
    assert "allow fragment untracked" == steps.say(later)
    closed = walk(rules=rules, profile=profile(fragments="rules"))
    assert ["deny", "network_acl"] == closed.say(later).split()[:2]
    assert "deny fragment invalid" == walk(rules=rules).say(later)


@pytest.mark.parametrize("ends", [(PEER, HOST), (HOST, PEER)])
def test_a_fragment_whose_first_was_seen_is_not_judged_without_ports(ends):
    """Without ports no entry would allow it, and the last one would deny it."""
    rules = ("udp 443 from 0.0.0.0/0", "udp 443 to 0.0.0.0/0")
    steps = walk("100 allow udp 443 from 0.0.0.0/0", "100 allow udp 443 to 0.0.0.0/0", rules=rules,
                 profile=profile(fragments="rules"))  # fmt: skip
    assert ["allow rule new", "allow fragment new"] == [steps.say(each) for each in fragments(*ends)]


def test_a_fragment_that_groups_deny_without_ports_is_not_denied_by_the_acl_that_it_would_meet_next():
    _, later = fragments(HOST, PEER)
    assert "deny fragment invalid" == walk(rules=(), profile=profile(fragments="rules")).say(later)


# What is told of the edge


def edge_told(steps, what):
    """What is noted of the network ACL for a packet."""
    traces: list[Trace] = []
    steps.engine.judge(packet(what) if isinstance(what, str) else what, traces)
    return [f"{each.step.value}: {each.outcome}" for trace in traces for each in trace.steps if each.step in EDGE]


def test_the_edge_is_told_where_it_is_asked_and_nowhere_else():
    first, later = fragments(PEER, HOST)
    steps = walk(*OPEN, rules=("udp 443 from 0.0.0.0/0",))
    assert ["acl_in: allowed"] == edge_told(steps, first)
    assert [] == edge_told(steps, later)
    assert [] == edge_told(steps, OUT_SYN), "the groups denied it"
    assert [] == edge_told(steps, f"udp 169.254.169.123:123 -> {HOST}:1000"), "it is exempt"
    assert [] == edge_told(steps, f"udp {HOST}:1000 -> 169.254.169.123:123"), "it is exempt"
    assert ["acl_in: same subnet"] == edge_told(steps, f"udp 192.0.2.99:1 -> {HOST}:443")


# What a recording holds after a denial


def test_an_answer_to_what_was_kept_out_was_not_sent():
    steps = walk("100 deny tcp 443 from 198.51.100.0/24", *OPEN, recorded=True)
    assert [DENIED, NOT_SENT, DENIED] == [steps.say(each) for each in (SYN, SYN_ACK, ACK)]
    (entry,) = steps.entries()
    assert (Tracking.REFUSED, 0) == (entry.tracking, steps.count)


def test_an_answer_to_what_never_left_was_not_sent():
    steps = walk("900 allow all from 0.0.0.0/0", recorded=True)
    said = [steps.say(each) for each in (OUT_SYN, OUT_SYN_ACK, OUT_ACK)]
    assert ["deny network_acl new", NOT_SENT, "deny network_acl new"] == said
    (entry,) = steps.entries()
    assert (Tracking.TRACKED, [2, 1]) == (entry.tracking, entry.packets)
    assert 1 == steps.send(OUT_SYN_ACK).flow


def test_such_an_answer_is_not_denied_on_its_way_in_either():
    steps = walk(recorded=True)
    assert ["deny network_acl new", NOT_SENT] == [steps.say(each) for each in (OUT_SYN, OUT_SYN_ACK)]
    assert DENIED == steps.say(f"tcp {PEER}:80 -> {HOST}:50000 S"), "a SYN answers nothing"


def test_an_answer_to_what_groups_kept_from_leaving_was_not_sent_whatever_the_acl_says():
    steps = walk(rules=(), recorded=True)
    assert ["deny no_rule new", NOT_SENT] == [steps.say(each) for each in (OUT_SYN, OUT_SYN_ACK)]


def test_as_recorded_judges_such_answers():
    steps = walk("900 allow all from 0.0.0.0/0", recorded=True, as_recorded=True)
    said = [steps.say(each) for each in (OUT_SYN, OUT_SYN_ACK)]
    assert ["deny network_acl new", "allow established established"] == said


def test_once_a_packet_leaves_its_answers_are_real_again():
    closed, opened = network("900 allow all from 0.0.0.0/0"), network(*OPEN)
    steps = Walk(closed, recorded=True)
    steps.say(OUT_SYN, 0)
    steps.change(opened, at_s=1)
    said = [steps.say(OUT_SYN, 2), steps.say(OUT_SYN_ACK, 3)]
    assert ["allow established new", "allow established established"] == said
    steps.change(closed, at_s=4)
    said = [steps.say(OUT_ACK, 5), steps.say(OUT_SYN_ACK, 6)]
    assert ["deny network_acl established", NOT_SENT] == said


def test_what_is_denied_at_its_senders_edge_does_not_come_to_its_receiver():
    both = inventory(
        group("all from 0.0.0.0/0", "tcp all to 0.0.0.0/0"),
        interface("192.0.2.10", subnet_id="subnet-1"),
        interface("198.51.100.7", interface_id="eni-b", subnet_id="subnet-2"),
        network_acl("900 allow all from 0.0.0.0/0"),
    )
    steps = Walk(both, recorded=True)
    assert ["deny network_acl untracked"] == steps.say_all(OUT_SYN)
    assert [NOT_SENT] == steps.say_all(OUT_SYN_ACK)


def test_a_cut_flow_that_the_acl_stops_is_denied_by_the_acl():
    opened = ("udp all to 0.0.0.0/0", "udp all from 0.0.0.0/0")
    steps = walk(*OPEN, rules=opened)
    sent = f"udp {HOST}:5000 -> {PEER}:53"
    assert "allow untracked untracked" == steps.say(sent, 0)
    steps.change(network("900 allow all from 0.0.0.0/0", rules=("udp 53 to 198.51.100.0/24",)), at_s=1)
    assert "deny network_acl new" == steps.say(sent, 2)
