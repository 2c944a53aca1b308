"""What few packets ever meet: interfaces that move, groups that nobody describes, ends and names of odd flows."""

import pytest
from builders import group, interface, inventory, packet, vpc
from engine.walking import HOST, Walk, profile, words

from sgsim.conntrack.entry import ConntrackEntry, FlowEnd, TrackingCause
from sgsim.conntrack.profile import LINUX
from sgsim.engine.reference import ReferenceEngine
from sgsim.errors import UnresolvedReferenceError
from sgsim.model.packet import Fragment
from sgsim.model.states import Direction, TcpState
from sgsim.model.trace import Trace
from sgsim.rules.inventory import Inventory

WEB = "tcp 443 from 198.51.100.0/24"
CLIENT = "198.51.100.7:40000"


def two(*rules: str, instance_id: str = "i-1") -> Inventory:
    """Two interfaces of one instance."""
    return inventory(
        group(*rules),
        interface("192.0.2.10", interface_id="eni-a", instance_id="i-1"),
        interface("192.0.2.11", interface_id="eni-b", instance_id=instance_id),
    )


def test_an_engine_that_has_seen_nothing_remembers_nothing():
    assert list(ReferenceEngine(two(WEB)).entries()) == []


def test_an_interface_that_goes_to_another_instance_forgets_its_own_flows_alone():
    walk = Walk(two(WEB))
    for address in ("192.0.2.10", "192.0.2.11"):
        walk.say(f"tcp {CLIENT} -> {address}:443 S", 0)
    walk.change(two(WEB, instance_id="i-2"), at_s=5)
    assert [str(entry.five_tuple) for entry in walk.entries()] == [f"tcp {CLIENT} -> 192.0.2.10:443"]
    (ended,) = walk.ended
    assert (ended.entry.key.interface_id, ended.end, ended.ended_at_ns) == ("eni-b", FlowEnd.MOVED, 5_000_000_000)
    assert walk.say(f"tcp 192.0.2.11:443 -> {CLIENT} SA") == "deny no_rule new"
    assert walk.say(f"tcp 192.0.2.10:443 -> {CLIENT} SA") == "allow established established"


def test_a_change_reaches_interfaces_behind_one_that_has_seen_nothing():
    walk = Walk(two(WEB))
    assert walk.say(f"tcp {CLIENT} -> 192.0.2.11:443 S") == "allow rule new"
    walk.change(two("tcp 80 from 198.51.100.0/24"))
    assert walk.say("tcp 198.51.100.7:40001 -> 192.0.2.11:443 S") == "deny no_rule new"


def undescribed(group_id: str) -> Inventory:
    return inventory(
        group(WEB),
        interface("192.0.2.10", interface_id="eni-a"),
        interface("192.0.2.11", interface_id="eni-b", groups=(group_id,)),
    )


def test_a_group_that_nobody_describes_is_an_error_when_a_packet_comes_there():
    walk = Walk(undescribed("sg-nowhere"))
    for at_s in (0, 1):
        assert words(walk.send(f"tcp {CLIENT} -> 192.0.2.10:443 S", at_s)).startswith("allow")
        with pytest.raises(
            UnresolvedReferenceError, match="groups of eni-b must be described by a document, got sg-nowhere"
        ):
            walk.send(f"tcp {CLIENT} -> 192.0.2.11:443 S", at_s)
    walk.change(undescribed("sg-web"), at_s=2)
    assert walk.say(f"tcp {CLIENT} -> 192.0.2.11:443 S") == "allow rule new"


def test_a_later_fragment_alone_has_no_port_that_a_rule_could_name():
    """Its five-tuple holds a 0 in place of the port; a rule for port 0 does not mean that."""
    later = packet(f"udp 198.51.100.7:0 -> {HOST}:0", fragment=Fragment(1, 1480, more=False))
    for rule, answer in (("udp 0-53", "deny fragment invalid"), ("udp all", "allow fragment untracked")):
        walk = Walk(f"{rule} from 198.51.100.0/24", profile=profile(fragments="rules"))
        decision = walk.send(later)
        assert words(decision) == answer
        assert (decision.interface_id, decision.direction) == ("eni-a", Direction.INGRESS)
        assert (decision.rule is not None) is answer.startswith("allow")


def test_fragments_count_on_their_flow():
    walk = Walk("udp 53 from 198.51.100.0/24")
    for offset, more in ((0, True), (1480, False)):
        part = Fragment(1, offset, more=more)
        walk.say(packet(f"udp 198.51.100.7:9 -> {HOST}:{53 if not offset else 0}", fragment=part, length_bytes=100))
    (entry,) = walk.entries()
    assert (entry.packets, entry.bytes, entry.allowed, entry.denied) == ([2, 0], [200, 0], 2, 0)


def test_to_linux_an_rst_that_deletes_a_flow_closes_it():
    walk = Walk(WEB, profile=LINUX)
    walk.say(f"tcp {CLIENT} -> {HOST}:443 S")
    walk.say(f"tcp {CLIENT} -> {HOST}:443 R")
    assert [ended.end for ended in walk.ended] == [FlowEnd.CLOSED]


@pytest.mark.parametrize(
    ("segments", "end"), [(">S <R", FlowEnd.CLOSED), (">S <SA >A", FlowEnd.REPLACED)], ids=["closed", "established"]
)
def test_a_syn_ends_an_untracked_flow_as_it_stood(segments, end):
    walk = Walk("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0")
    for word in (*segments.split(), ">S"):
        ends = (CLIENT, f"{HOST}:443") if word[0] == ">" else (f"{HOST}:443", CLIENT)
        walk.say(f"tcp {ends[0]} -> {ends[1]} {word[1:]}")
    assert [ended.end for ended in walk.ended] == [end]


def test_a_refused_flow_knows_why_and_where_it_stands():
    walk = Walk(WEB, recorded=True)
    decision = walk.send(f"tcp 203.0.113.9:40000 -> {HOST}:22 S")
    assert (decision.opener, decision.tcp_state, decision.flow) == (Direction.INGRESS, TcpState.SYN_SENT, 1)
    (entry,) = walk.entries()
    assert (entry.cause, entry.places, entry.denied) == (TrackingCause.DENIED, 0, 1)


def test_an_untracked_flow_takes_no_place():
    walk = Walk("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0")
    walk.say(f"tcp {CLIENT} -> {HOST}:443 S")
    assert [entry.places for entry in walk.entries()] == [0]


def test_a_packet_that_is_denied_in_a_flow_still_names_it():
    """To Linux the opener's packets are judged by the rules of today until somebody answers."""
    walk = Walk(WEB, profile=LINUX)
    opened = walk.send(f"tcp {CLIENT} -> {HOST}:443 S")
    again = walk.send(f"tcp {CLIENT} -> {HOST}:443 S")
    assert (words(again), again.flow, again.tcp_state) == ("allow rule new", opened.flow, TcpState.SYN_SENT)
    walk.change("tcp 80 from 198.51.100.0/24")
    denied = walk.send(f"tcp {CLIENT} -> {HOST}:443 S")
    assert (words(denied), denied.flow, denied.opener) == ("deny no_rule new", opened.flow, Direction.INGRESS)


def test_a_segment_that_fits_no_state_names_the_flow_where_it_is_denied():
    walk = Walk(WEB, profile=profile(invalid="deny"))
    opened = walk.send(f"tcp {CLIENT} -> {HOST}:443 S")
    wrong = walk.send(f"tcp {CLIENT} -> {HOST}:443 FA")
    assert (words(wrong), wrong.flow, wrong.tcp_state) == ("deny invalid invalid", opened.flow, TcpState.SYN_SENT)


def test_a_trace_holds_flows_as_they_were():
    """What a step has noted does not change with the packets that follow."""
    walk = Walk(WEB)
    traces: list[Trace] = []
    walk.say(f"tcp {CLIENT} -> {HOST}:443 S")
    walk.engine.judge(packet(f"tcp {HOST}:443 -> {CLIENT} SA", length_bytes=60), traces)
    walk.say(f"tcp {CLIENT} -> {HOST}:443 A")
    (noted,) = [line.facts["entry"] for trace in traces for line in trace.steps if "entry" in line.facts]
    assert isinstance(noted, ConntrackEntry)
    assert (noted.tcp_state, noted.packets, noted.bytes) == (TcpState.SYN_SENT, [1, 0], [0, 0])


def test_a_trace_tells_why_a_packet_touches_no_interface():
    walk = Walk(WEB)
    traces: list[Trace] = []
    between_strangers = packet(f"tcp {CLIENT} -> 203.0.113.9:443 S")
    walk.engine.judge(between_strangers, traces)
    (line,) = traces[0].steps
    assert (line.outcome, line.facts) == (
        "no_interface", {"five_tuple": between_strangers.five_tuple, "interface": None}
    )  # fmt: skip


def test_a_trace_tells_at_which_interface_a_packet_stays():
    walk = Walk(inventory(group(WEB), interface("192.0.2.10", "192.0.2.11")))
    traces: list[Trace] = []
    walk.engine.judge(packet("tcp 192.0.2.10:1 -> 192.0.2.11:443 S"), traces)
    (line,) = traces[0].steps
    assert (line.outcome, getattr(line.facts["interface"], "interface_id", None)) == ("local", "eni-a")


def test_a_flow_that_opened_rules_untrack_names_the_open_rule_from_then_on():
    walk = Walk(WEB)
    walk.connect(CLIENT, f"{HOST}:443")
    walk.change("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0")
    for _ in range(2):
        decision = walk.send(f"tcp {CLIENT} -> {HOST}:443 A")
        assert words(decision) == "allow untracked untracked"
        assert decision.rule is not None
        assert decision.rule.text == "tcp 443 from 0.0.0.0/0"


def test_rules_behind_a_group_that_counts_as_empty_hold():
    known = inventory(group(WEB), interface(groups=("sg-nowhere", "sg-web")), allow_unresolved=True)
    assert Walk(known).say(f"tcp {CLIENT} -> {HOST}:443 S") == "allow rule new"


def test_only_the_first_ipv4_block_of_a_network_has_its_name_server():
    known = inventory(group(WEB), interface(), vpc("10.1.0.0/16", "10.2.0.0/16"))
    assert Walk(known).say(f"udp {HOST}:40000 -> 10.1.0.2:53") == "allow exempt exempt"
    assert Walk(known).say(f"udp {HOST}:40000 -> 10.2.0.2:53") == "deny no_rule new"
