import pytest
from builders import group, interface, inventory, packet
from engine.walking import HOST, host

from sgsim.engine.firewall import Firewall
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError, TimeOrderError
from sgsim.model.decision import Reason
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.states import Direction, TcpState, Tracking

WEB = ("tcp 443 from 198.51.100.0/24",)
SYN, SYN_ACK = f"tcp 198.51.100.7:40000 -> {HOST}:443 S", f"tcp {HOST}:443 -> 198.51.100.7:40000 SA"

TWO = inventory(group(*WEB), interface(), interface("192.0.2.20", interface_id="eni-b", groups=()))


def test_a_packet_is_sent_as_text_or_whole():
    assert Firewall(host(*WEB)).send(SYN) == Firewall(host(*WEB)).send(packet(SYN))


def test_the_time_of_a_packet_is_not_looked_at():
    firewall = Firewall(host(*WEB))
    firewall.wait(5)
    firewall.send(packet(SYN, time_ns=10**18))
    assert firewall.time_s == 5
    assert firewall._engine.late_packets == 0


def test_the_clock_starts_at_zero_and_moves_as_told():
    firewall = Firewall(host(*WEB))
    firewall.send(SYN)
    firewall.change(host(*WEB))
    assert (firewall.time_s, firewall.table[0].remaining_s) == (0, 120)
    firewall.wait(1.5)
    firewall.wait(0.25)
    assert firewall.time_s == 1.75


def test_the_clock_does_not_go_back():
    firewall = Firewall(host(*WEB))
    firewall.wait(1)
    with pytest.raises(TimeOrderError, match="time_ns must be at least the clock's 1000000000, got 0"):
        firewall.wait(-1)


def test_the_table_shows_flows_with_states_and_remaining_seconds():
    firewall = Firewall(host(*WEB))
    firewall.send(SYN)
    firewall.wait(20)
    (entry,) = firewall.table
    assert (entry.tracking, entry.tcp_state, entry.opener, entry.answered, entry.remaining_s) == (
        Tracking.TRACKED,
        TcpState.SYN_SENT,
        Direction.INGRESS,
        False,
        100,
    )
    assert str(entry) == (
        f"tracked  tcp 198.51.100.7:40000 -> {HOST}:443  syn_sent  100 s left  by sg-web:ingress:tcp:443:198.51.100.0/24"
    )


def test_a_flow_that_the_host_opens_is_shown_as_the_host_sent_it():
    firewall = Firewall(host("udp 53 to 0.0.0.0/0"))
    firewall.send(f"udp {HOST}:40000 -> 198.51.100.53:53")
    assert [str(entry) for entry in firewall.table] == [
        f"tracked  udp {HOST}:40000 -> 198.51.100.53:53  unanswered  30 s left  by sg-web:egress:udp:53:0.0.0.0/0"
    ]
    firewall.send(f"udp 198.51.100.53:53 -> {HOST}:40000")
    assert [str(entry).split("  ")[2] for entry in firewall.table] == ["answered"]


def test_a_recorded_flow_that_was_denied_is_shown_without_a_rule():
    firewall = Firewall(host(*WEB), options=EngineOptions(recorded=True))
    firewall.send(f"tcp 198.51.100.7:40000 -> {HOST}:22 S")
    assert [(entry.tracking, entry.rule_id) for entry in firewall.table] == [(Tracking.REFUSED, None)]


def test_an_entry_leaves_the_table_as_time_passes():
    firewall = Firewall(host(*WEB))
    firewall.send(SYN)
    firewall.wait(119.999999999)
    assert firewall.count == 1
    firewall.wait(0.000000001)
    assert (firewall.count, firewall.table) == (0, [])


def test_untracked_flows_are_shown_and_take_no_place():
    firewall = Firewall(host("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0"))
    firewall.send(SYN)
    assert ([entry.tracking for entry in firewall.table], firewall.count) == ([Tracking.UNTRACKED], 0)


def test_an_untracked_udp_flow_is_a_stream_after_its_answer():
    """It is remembered for 30 s, and for 180 s from the second request on, as a tracked one (aws-ct)."""
    firewall = Firewall(host("udp 53 from 0.0.0.0/0", "all to 0.0.0.0/0"))
    query, reply = f"udp 198.51.100.7:40000 -> {HOST}:53", f"udp {HOST}:53 -> 198.51.100.7:40000"
    for sent, answered, remaining_s in ((query, False, 30), (query, False, 30), (reply, True, 30), (query, True, 180)):
        firewall.send(sent)
        (entry,) = firewall.table
        assert entry.tracking is Tracking.UNTRACKED
        assert (entry.answered, entry.remaining_s) == (answered, remaining_s)


def test_other_rules_hold_from_now_on():
    firewall = Firewall(host())
    assert firewall.send(SYN).reason is Reason.NO_RULE
    firewall.change(host(*WEB))
    assert firewall.send(SYN).reason is Reason.RULE


def test_another_capacity_and_other_timeouts_hold_from_now_on():
    firewall = Firewall(host(*WEB))
    firewall.send(SYN)
    firewall.change(host(*WEB), EngineOptions(capacity=1))
    assert firewall.send(f"tcp 198.51.100.7:40001 -> {HOST}:443 S").reason is Reason.TABLE_FULL
    firewall.send(SYN_ACK)
    firewall.change(host(*WEB), EngineOptions(timeouts=TimeoutOverrides(tcp_established_s=100)))
    firewall.send(SYN.removesuffix("S") + "A")
    assert [entry.remaining_s for entry in firewall.table] == [100]
    firewall.change(host(*WEB))
    firewall.send(SYN.removesuffix("S") + "A")
    assert [entry.remaining_s for entry in firewall.table] == [100], "options stay unless others are given"


def test_nothing_is_presumed_and_nothing_was_not_sent():
    firewall = Firewall(host(*WEB, "udp all to 0.0.0.0/0"))
    assert firewall.send(SYN_ACK).reason is Reason.NO_RULE
    assert firewall.send(f"udp {HOST}:53 -> 198.51.100.7:40000").reason is Reason.RULE


def test_one_of_several_interfaces_must_be_named():
    with pytest.raises(ConfigError, match="interface must be one of eni-a, eni-b, got None"):
        Firewall(TWO)
    assert Firewall(TWO, interface="eni-a").send(SYN).reason is Reason.RULE


def test_an_unknown_interface_is_refused():
    with pytest.raises(ConfigError, match="interface must be one of eni-a, eni-b, got 'eni-x'"):
        Firewall(TWO, interface="eni-x")
    with pytest.raises(ConfigError, match=r"interface must be one of \(none is given\), got None"):
        Firewall(inventory())


def test_a_packet_is_judged_at_the_chosen_interface_alone():
    firewall = Firewall(TWO, interface="eni-b")
    decision = firewall.send(f"tcp {HOST}:40000 -> 192.0.2.20:443")
    assert (decision.interface_id, decision.reason) == ("eni-b", Reason.NO_GROUPS)


def test_a_packet_that_does_not_touch_the_interface_is_refused():
    with pytest.raises(ConfigError, match="packet must go to or come from eni-a, got tcp 198"):
        Firewall(host(*WEB)).send("tcp 198.51.100.7:40000 -> 203.0.113.9:443")


def test_packets_dropped_by_a_full_table_are_counted():
    firewall = Firewall(host(*WEB), options=EngineOptions(capacity=0))
    assert firewall.exceeded == 0
    firewall.send(SYN)
    assert firewall.exceeded == 1
