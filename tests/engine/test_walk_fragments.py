"""Fragments in any order: step 3 of the way of a packet."""

from typing import Any

from builders import group, interface, inventory, packet, vpc
from engine.walking import HOST, HOST_V6, Walk, profile, words

from sgsim.model.packet import Fragment, Packet
from sgsim.model.states import TcpState

PEER, PEER_V6 = "198.51.100.7", "2001:db8::99"
QUERY = f"udp {PEER}:40000 -> {HOST}:53"
DNS = ("udp 53 from 198.51.100.0/24",)


def first(text: str = QUERY, identification: int = 7, **fields: Any) -> Packet:
    return packet(text, fragment=Fragment(identification, 0, more=True), **fields)


def later(text: str = QUERY, identification: int = 7, offset: int = 1480, **fields: Any) -> Packet:
    """A later fragment, which has no ports and no ICMP type."""
    whole = packet(text, **fields)
    return Packet(
        whole.five_tuple._replace(src_port=0, dst_port=0),
        time_ns=whole.time_ns,
        length_bytes=whole.length_bytes,
        fragment=Fragment(identification, offset, more=False),
    )


def at(made: Packet, seconds: float) -> Packet:
    return Packet(made.five_tuple, time_ns=round(seconds * 1e9), fragment=made.fragment)


def test_a_later_fragment_takes_the_verdict_of_the_first():
    walk = Walk(*DNS)
    assert walk.say(first()) == "allow rule new"
    assert walk.say(later()) == "allow fragment new"
    denied = f"udp 203.0.113.9:40000 -> {HOST}:53"
    assert walk.say(first(denied)) == "deny no_rule new"
    assert walk.say(later(denied)) == "deny fragment new"


def test_fragments_after_the_first_may_come_in_any_order():
    walk = Walk(*DNS)
    walk.say(first())
    assert {walk.say(later(offset=offset)) for offset in (4440, 1480, 2960)} == {"allow fragment new"}


def test_a_later_fragment_before_the_first_is_denied_and_one_after_it_is_not():
    walk = Walk("all from 0.0.0.0/0", profile=profile(fragments="deny"))
    assert walk.say(later()) == "deny fragment invalid"
    walk.say(first())
    assert walk.say(later(offset=2960)) == "allow fragment new"


def test_a_later_fragment_before_the_first_may_be_judged_without_ports():
    """Only a rule of all ports admits what has none."""
    for rule, answer in (
        ("udp 53 from 0.0.0.0/0", "deny fragment invalid"),
        ("udp all from 0.0.0.0/0", "allow fragment untracked"),
        ("all from 0.0.0.0/0", "allow fragment untracked"),
        ("tcp all from 0.0.0.0/0", "deny fragment invalid"),
    ):
        assert Walk(rule, profile=profile(fragments="rules")).say(later()) == answer


def test_a_later_fragment_of_icmp_has_no_type_that_a_rule_could_name():
    ping = f"icmp {PEER} -> {HOST} type 0 code 0"
    for rule, answer in (("icmp 0/0 from 0.0.0.0/0", "deny"), ("icmp all from 0.0.0.0/0", "allow")):
        walk = Walk(rule, profile=profile(fragments="rules"))
        assert str(walk.send(later(ping)).verdict) == answer
        typed = Packet(later(ping).five_tuple, icmp_type=0, icmp_code=0, fragment=Fragment(7, 1480, more=False))
        assert str(walk.send(typed).verdict) == answer


def test_nor_one_that_a_rule_of_every_code_could_name():
    typed = Packet(
        later().five_tuple._replace(protocol=1), icmp_type=8, icmp_code=0, fragment=Fragment(7, 1480, more=False)
    )
    assert Walk("icmp 8 from 0.0.0.0/0", profile=profile(fragments="rules")).say(typed) == "deny fragment invalid"


def test_the_verdict_of_a_first_fragment_is_kept_for_thirty_seconds():
    walk = Walk(*DNS)
    walk.say(at(first(), 0))
    assert walk.say(at(later(), 29.999999999)) == "allow fragment new"
    assert walk.say(at(later(), 30)) == "deny fragment invalid"


def test_of_ipv6_it_is_kept_for_sixty_seconds():
    text = f"udp [{PEER_V6}]:40000 -> [{HOST_V6}]:53"
    walk = Walk("udp 53 from ::/0")
    walk.say(at(first(text), 0))
    assert walk.say(at(later(text), 59.999999999)) == "allow fragment new"
    assert walk.say(at(later(text), 60)) == "deny fragment invalid"


def test_fragments_belong_together_by_addresses_protocol_direction_and_identification():
    walk = Walk(*DNS)
    walk.say(first())
    strangers = [
        later(identification=8),
        later("udp 198.51.100.8:40000 -> 192.0.2.10:53"),
        later(f"tcp {PEER}:40000 -> {HOST}:53"),
        later(f"udp {HOST}:53 -> {PEER}:40000"),
    ]
    assert {walk.say(fragment) for fragment in strangers} == {"deny fragment invalid"}


def test_a_first_fragment_with_a_known_identification_takes_the_place_of_the_older():
    walk = Walk(*DNS)
    walk.say(first())
    walk.say(first(f"udp {PEER}:40000 -> {HOST}:123"))
    assert walk.say(later()) == "deny fragment new"


def test_an_atomic_fragment_is_a_whole_packet():
    """RFC 6946: offset 0 and no more to come."""
    walk = Walk(*DNS)
    assert walk.say(packet(QUERY, fragment=Fragment(7, 0, more=False))) == "allow rule new"
    assert walk.say(later()) == "deny fragment invalid"


def test_a_later_fragment_counts_on_the_flow_of_the_first_and_makes_none_of_its_own():
    walk = Walk(*DNS)
    walk.say(first(length_bytes=1500))
    answer = walk.send(later(length_bytes=100))
    (entry,) = walk.entries()
    assert (answer.flow, entry.packets, entry.bytes, walk.count) == (1, [2, 0], [1600, 0], 1)


def test_a_later_fragment_of_an_established_flow_repeats_its_state():
    walk = Walk("tcp 443 from 198.51.100.0/24")
    walk.connect(f"{PEER}:40000", f"{HOST}:443")
    text = f"tcp {PEER}:40000 -> {HOST}:443 A"
    walk.say(first(text))
    answer = walk.send(later(text))
    assert (words(answer), answer.tcp_state) == ("allow fragment established", TcpState.ESTABLISHED)


def test_a_later_fragment_of_exempt_traffic_passes_as_the_first_did():
    """Only the first tells that it comes from port 53 of the Amazon DNS server at VPC+2."""
    walk = Walk(inventory(group(), interface(), vpc("10.0.0.0/16")))
    answer = f"udp 10.0.0.2:53 -> {HOST}:40000"
    assert walk.say(first(answer)) == "allow exempt exempt"
    assert walk.say(later(answer)) == "allow fragment exempt"


def test_a_change_of_rules_does_not_change_the_verdict_of_a_datagram_on_its_way():
    walk = Walk(*DNS)
    walk.say(first())
    walk.change("tcp 22 from 203.0.113.1/32", at_s=1)
    assert walk.say(at(later(), 1)) == "allow fragment new"


def test_a_later_fragment_of_what_was_never_sent_was_not_sent_either():
    walk = Walk("tcp 22 from 203.0.113.1/32", recorded=True)
    walk.say(QUERY)
    reply = f"udp {HOST}:53 -> {PEER}:40000"
    assert walk.say(first(reply)) == "skip not_sent -"
    assert walk.say(later(reply)) == "skip not_sent -"
