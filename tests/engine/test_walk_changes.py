"""Rules that change under live flows: steps 5 and 6 of the way of a packet."""

from builders import group, interface, inventory, networks
from engine.walking import HOST, Walk, host, profile, words

from sgsim.conntrack.entry import FlowEnd
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.path import PathLabel
from sgsim.model.states import Direction, Tracking
from sgsim.rules.inventory import Instance, Inventory
from sgsim.rules.paths import PathRule

ADMIN, SSH = "203.0.113.1:40000", f"{HOST}:22"
NARROW = ("tcp 22 from 203.0.113.1/32", "all to 0.0.0.0/0")
OPEN = ("all from 0.0.0.0/0", "all to 0.0.0.0/0")
CONTAINED = ("tcp 22 from 198.51.100.99/32",)
"""A containment group: it admits one investigator and nothing else."""

CLIENT, HTTP = "198.51.100.7:40000", f"{HOST}:80"
WEB = ("tcp 80 from 0.0.0.0/0", "all to 0.0.0.0/0")


def logged_in() -> Walk:
    walk = Walk(*NARROW)
    walk.connect(ADMIN, SSH)
    return walk


def browsing() -> Walk:
    walk = Walk(*WEB)
    walk.connect(CLIENT, HTTP)
    return walk


def test_a_tracked_flow_survives_the_removal_of_its_rule_in_both_directions():
    walk = logged_in()
    walk.change(*CONTAINED, at_s=10)
    assert walk.say(f"tcp {ADMIN} -> {SSH} A") == "allow established established"
    assert walk.say(f"tcp {SSH} -> {ADMIN} A") == "allow established established"
    assert walk.say(f"tcp 203.0.113.1:40001 -> {SSH} S") == "deny no_rule new"


def test_a_tracked_flow_whose_rule_was_removed_is_still_named_by_that_rule():
    walk = logged_in()
    walk.change(*CONTAINED, at_s=10)
    rule = walk.send(f"tcp {ADMIN} -> {SSH} A").rule
    assert rule is not None
    assert rule.text == "tcp 22 from 203.0.113.1/32"


def test_a_rule_removed_and_added_again_leaves_a_tracked_flow_as_it_was():
    walk = logged_in()
    for at_s, rules in ((10, CONTAINED), (20, NARROW)):
        walk.change(*rules, at_s=at_s)
        assert walk.say(f"tcp {ADMIN} -> {SSH} A") == "allow established established"
    assert [entry.flow for entry in walk.entries()] == [1]


def test_a_tracked_flow_is_judged_once_by_the_rules_of_each_version():
    """An entry tells the version of the rules that last decided how it is tracked."""
    walk = logged_in()
    for version in (1, 2):
        walk.change(*NARROW, at_s=version)
        walk.say(f"tcp {ADMIN} -> {SSH} A")
        assert [entry.judged_at_version for entry in walk.entries()] == [version]


def test_a_tracked_flow_of_opened_rules_becomes_untracked_at_its_next_packet():
    walk = logged_in()
    walk.change(*OPEN, at_s=10)
    assert walk.count == 1
    answer = walk.send(f"tcp {SSH} -> {ADMIN} A", 11)
    assert (words(answer), answer.opener, answer.flow) == ("allow untracked untracked", Direction.INGRESS, 1)
    assert walk.count == 0


def test_opened_then_narrowed_cuts_a_flow_that_sent_a_packet_in_between():
    walk = logged_in()
    walk.change(*OPEN, at_s=10)
    walk.say(f"tcp {ADMIN} -> {SSH} A", 11)
    walk.change(*NARROW, at_s=12)
    assert walk.say(f"tcp {ADMIN} -> {SSH} A", 13) == "deny cut invalid"


def test_opened_then_narrowed_leaves_a_flow_that_was_silent_in_between():
    walk = logged_in()
    walk.change(*OPEN, at_s=10)
    walk.change(*CONTAINED, at_s=70)
    assert walk.say(f"tcp {ADMIN} -> {SSH} A", 71) == "allow established established"


def test_narrowing_the_open_block_of_the_temporary_group_defeats_the_conversion():
    """[aws-forensic]: 0.0.0.0/0 on all ports converts flows, a narrower block does not."""
    walk = logged_in()
    walk.change("all from 203.0.113.0/24", "all to 0.0.0.0/0", at_s=10)
    walk.say(f"tcp {ADMIN} -> {SSH} A", 11)
    walk.change(*CONTAINED, at_s=12)
    assert walk.say(f"tcp {ADMIN} -> {SSH} A", 13) == "allow established established"


def test_a_place_is_free_once_opened_rules_untrack_its_flow():
    walk = Walk(*NARROW, capacity=1)
    walk.connect(ADMIN, SSH)
    walk.change(*OPEN, *NARROW, at_s=10)
    walk.say(f"tcp {ADMIN} -> {SSH} A", 11)
    assert walk.say(f"icmp 198.51.100.7 -> {HOST} type 8 code 0") == "allow rule new"


def test_an_untracked_flow_is_cut_once_when_its_opening_rule_goes():
    walk = browsing()
    walk.change("all to 0.0.0.0/0", at_s=10)
    answers = [walk.say(f"tcp {CLIENT} -> {HTTP} A") for _ in range(3)]
    assert answers == ["deny cut invalid", "deny no_rule new", "deny no_rule new"]
    assert [end.end for end in walk.ended] == [FlowEnd.CUT]


def test_an_untracked_flow_is_cut_once_when_its_return_rule_goes():
    """The client's segments are still admitted, but only a lone SYN opens a flow that is tracked now."""
    walk = browsing()
    walk.change("tcp 80 from 0.0.0.0/0", at_s=10)
    answers = [walk.say(f"tcp {CLIENT} -> {HTTP} A") for _ in range(2)]
    assert answers == ["deny cut invalid", "deny midstream invalid"]


def test_the_reply_of_an_untracked_flow_is_cut_too():
    walk = browsing()
    walk.change("tcp 80 from 0.0.0.0/0", at_s=10)
    assert walk.say(f"tcp {HTTP} -> {CLIENT} A") == "deny cut invalid"
    assert walk.say(f"tcp {HTTP} -> {CLIENT} A") == "deny no_rule new"


def test_a_cut_is_an_event_and_not_a_ban():
    walk = browsing()
    walk.change("all to 0.0.0.0/0", at_s=10)
    walk.say(f"tcp {CLIENT} -> {HTTP} A")
    walk.change(*WEB, at_s=20)
    assert walk.say(f"tcp {CLIENT} -> {HTTP} A") == "allow untracked untracked"


def test_a_cut_connection_may_be_opened_anew_and_is_tracked_now():
    walk = browsing()
    walk.change("tcp 80 from 0.0.0.0/0", at_s=10)
    walk.say(f"tcp {CLIENT} -> {HTTP} A")
    assert walk.say(f"tcp {CLIENT} -> {HTTP} S") == "allow rule new"
    assert walk.count == 1


def test_a_syn_on_an_untracked_flow_after_a_change_is_new_and_not_cut():
    walk = browsing()
    walk.change("all to 0.0.0.0/0", at_s=10)
    assert walk.say(f"tcp {CLIENT} -> {HTTP} S") == "deny no_rule new"


def test_a_rule_removed_and_added_again_while_nothing_was_sent_leaves_an_untracked_flow():
    walk = browsing()
    walk.change("all to 0.0.0.0/0", at_s=10)
    walk.change(*WEB, at_s=20)
    answer = walk.send(f"tcp {CLIENT} -> {HTTP} A")
    assert (words(answer), answer.flow) == ("allow untracked untracked", 1)


def test_an_untracked_udp_flow_becomes_tracked_where_rules_still_admit_it_as_new():
    walk = Walk("udp 53 from 0.0.0.0/0", "all to 0.0.0.0/0")
    walk.say(f"udp {CLIENT} -> {HOST}:53")
    walk.change("udp 53 from 0.0.0.0/0", at_s=10)
    assert walk.say(f"udp {CLIENT} -> {HOST}:53") == "allow rule new"
    assert walk.say(f"udp {HOST}:53 -> {CLIENT}") == "allow established established"
    assert [entry.tracking for entry in walk.entries()] == [Tracking.TRACKED]


def test_an_untracked_flow_may_change_the_open_rule_that_it_stands_on():
    walk = browsing()
    walk.change("all from 0.0.0.0/0", "tcp all to 0.0.0.0/0", at_s=10)
    rule = walk.send(f"tcp {CLIENT} -> {HTTP} A").rule
    assert rule is not None
    assert rule.text == "all traffic from 0.0.0.0/0"


def test_groups_of_an_interface_replaced_are_a_change_of_rules():
    """Tracked flows survive the swap, untracked ones are cut."""
    walk = Walk("tcp 22 from 203.0.113.1/32", *WEB)
    walk.connect(ADMIN, SSH)
    walk.connect(CLIENT, HTTP)
    lockdown = inventory(group(*CONTAINED, group_id="sg-contained"), interface(groups=("sg-contained",)))
    walk.change(lockdown, at_s=10)
    assert walk.say(f"tcp {ADMIN} -> {SSH} A") == "allow established established"
    assert walk.say(f"tcp {CLIENT} -> {HTTP} A") == "deny cut invalid"


def test_a_path_label_given_later_tracks_no_flow_that_was_open_before():
    """The flow is no more untracked by the rules of today, so it is cut."""
    walk = browsing()
    paths = (PathRule(PathLabel.NETWORK_LOAD_BALANCER, network=networks("198.51.100.0/24")[0]),)
    walk.change(host(*WEB, paths=paths), at_s=10)
    assert walk.say(f"tcp {CLIENT} -> {HTTP} A") == "deny cut invalid"


def test_at_one_instant_expiry_comes_first_then_the_change_then_packets():
    walk = Walk("udp 53 from 198.51.100.0/24")
    walk.say(f"udp {CLIENT} -> {HOST}:53", 0)
    walk.change("tcp 22 from 198.51.100.0/24", at_s=30)
    assert walk.count == 0
    assert walk.say(f"udp {CLIENT} -> {HOST}:53", 30) == "deny no_rule new"


def test_changed_timeouts_hold_at_once_at_each_interface_of_an_instance():
    """Flows of another interface in the same table, wherever they stand, do not keep those of this one from it."""

    def both(seconds: float) -> Inventory:
        given = TimeoutOverrides(udp_s=seconds)
        here, there = (
            interface(address, interface_id=name, instance_id="i-1", timeouts=given)
            for name, address in (("eni-a", HOST), ("eni-b", other))
        )
        return inventory(group("udp 53 from 198.51.100.0/24"), here, there)

    other = "192.0.2.20"
    walk = Walk(both(60), profile=profile(timeout_change="at-once"))
    for address in (HOST, other, HOST):
        walk.say(f"udp 198.51.100.7:{40000 + walk.count} -> {address}:53", 0)
    walk.change(both(30), at_s=1)
    assert [entry.expires_at_ns for entry in walk.entries()] == [30_000_000_000] * 3


def test_a_smaller_instance_keeps_what_is_entered_and_refuses_what_is_new():
    def of_capacity(capacity: int) -> Inventory:
        machine = Instance(instance_id="i-1", capacity=capacity)
        return inventory(group(*NARROW), interface(instance_id="i-1"), machine)

    walk = Walk(of_capacity(2))
    walk.connect(ADMIN, SSH)
    walk.connect("203.0.113.1:40001", SSH)
    walk.change(of_capacity(1), at_s=1)
    assert walk.say(f"tcp 203.0.113.1:40002 -> {SSH} S") == "deny table_full new"
    assert walk.say(f"tcp {ADMIN} -> {SSH} A") == "allow established established"
    assert walk.engine.tables["i-1"].pressure.available == 0
