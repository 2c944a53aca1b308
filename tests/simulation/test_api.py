"""What people call from Python."""

import io

import pytest
from builders import group, interface, inventory, packet
from scapy.layers.inet import IP, TCP
from scapy.packet import Packet
from scapy.plist import PacketList

import sgsim
from sgsim.errors import ConfigError, NoTrafficError, RuleError
from sgsim.simulation.api import filter_options, traffic_options

SYN = "tcp 198.51.100.7:40000 -> 192.0.2.10:443"
WEB = inventory(group("tcp 443 from 198.51.100.0/24"), interface())


def frames(*pairs: tuple[str, str], flags="S") -> list[Packet]:
    """Packets to port 443, a second apart."""
    made: list[Packet] = [IP(src=src, dst=dst) / TCP(sport=40000, dport=443, flags=flags) for src, dst in pairs]
    for time, frame in enumerate(made):
        frame.time = time
    return made


TO_WEB = ("198.51.100.7", "192.0.2.10")


def test_check_says_whether_and_by_which_rule():
    answer = sgsim.check(WEB, SYN)
    assert answer.verdict is sgsim.Verdict.ALLOW
    (decision,) = answer.decisions
    assert decision.rule is not None
    assert decision.rule.text == "tcp 443 from 198.51.100.0/24"


def test_check_takes_a_packet_as_an_object():
    assert sgsim.check(WEB, packet(SYN, flags="A")).decisions[0].reason is sgsim.Reason.MIDSTREAM


def test_check_can_be_bound_to_one_interface():
    two = inventory(
        group("all to 0.0.0.0/0"), interface(), interface("198.51.100.7", interface_id="eni-b", groups=("sg-web",))
    )
    assert [decision.interface_id for decision in sgsim.check(two, SYN).decisions] == ["eni-b", "eni-a"]
    assert [decision.interface_id for decision in sgsim.check(two, SYN, interface="eni-b").decisions] == ["eni-b"]
    with pytest.raises(ConfigError, match=r"interface must be one of eni-a, eni-b, got 'eni-c'"):
        sgsim.check(two, SYN, interface="eni-c")


def test_check_refuses_what_touches_no_interface():
    with pytest.raises(NoTrafficError, match=r"packet must go to or come from a known interface"):
        sgsim.check(WEB, "tcp 198.51.100.7:1 -> 192.0.2.11:443")
    with pytest.raises(RuleError, match=r"packet must be PROTOCOL"):
        sgsim.check(WEB, "tcp")


def test_options_choose_profile_capacity_timeouts_and_settings():
    options = filter_options(
        profile="aws-nitro-v6", capacity=3, tcp_established_s=60, udp_s=40, settings={"midstream": "pickup"}
    )
    assert (options.profile.name, options.capacity, options.timeouts.tcp_established_s) == ("aws-nitro-v6", 3, 60)
    assert str(options.profile.midstream.value) == "pickup"
    assert sgsim.check(WEB, f"{SYN} A", settings={"midstream": "pickup"}).verdict is sgsim.Verdict.ALLOW
    assert filter_options(profile=sgsim.PROFILES["linux"]).profile.name == "linux"


def test_options_out_of_bounds_are_refused():
    with pytest.raises(ConfigError, match="capacity must be at least 1, got 0"):
        filter_options(capacity=0)
    with pytest.raises(ConfigError, match="profile must be one of aws-nitro, aws-nitro-v6, linux, got 'bsd'"):
        filter_options(profile="bsd")


def test_traffic_is_taken_as_recorded_unless_told_otherwise():
    assert traffic_options().recorded
    assert not traffic_options(recorded=False, capacity=2).recorded
    assert traffic_options(cold_start=True, as_recorded=True, remember=7).remember == 7


@pytest.mark.parametrize(
    "traffic",
    [
        frames(TO_WEB),
        PacketList(frames(TO_WEB)),
        tuple(frames(TO_WEB)),
        [PacketList(frames(TO_WEB))],
        frames(TO_WEB)[0],
    ],
    ids=["list", "PacketList", "tuple", "list of lists", "one packet"],
)
def test_replay_takes_scapy_packets_in_every_shape(traffic):
    result = sgsim.replay(WEB, traffic)
    assert result.summary.packets.read == 1
    assert result.decisions["verdict"].to_list() == ["allow"]


def test_replay_keeps_decisions_flows_pressure_and_usage():
    result = sgsim.replay(WEB, frames(TO_WEB, ("203.0.113.9", "192.0.2.10")), capacity=5)
    assert result.decisions["reason"].to_list() == ["rule", "no_rule"]
    assert result.flows["tracking"].to_list() == ["tracked", "refused"]
    assert [(table.peak, table.capacity) for table in result.pressure] == [(1, 5)]
    assert [(rule.text, rule.hits) for rule in result.usage] == [("tcp 443 from 198.51.100.0/24", 1)]
    assert hasattr(result.decisions, "__arrow_c_stream__")


def test_replay_writes_tables_and_keeps_nothing_if_told_so(tmp_path):
    result = sgsim.replay(WEB, frames(TO_WEB), decisions=tmp_path / "d.csv", flows=[tmp_path / "f.csv"], keep=False)
    assert (tmp_path / "d.csv").read_text().count("\n") == 2
    assert (tmp_path / "f.csv").read_text().count("\n") == 2
    with pytest.raises(ConfigError, match="must be kept in memory"):
        _ = result.decisions


def test_replay_changes_rules_on_the_way():
    closed = inventory(group(), interface())
    change = sgsim.Change(1_000_000_000, closed, is_relative=True)
    other = ("198.51.100.8", "192.0.2.10")
    result = sgsim.replay(WEB, frames(TO_WEB, other), changes=[change])
    assert result.decisions["reason"].to_list() == ["rule", "no_rule"]


def test_replay_refuses_no_traffic_and_what_is_none():
    with pytest.raises(ConfigError, match="traffic must be at least one capture or flow log, got none"):
        sgsim.replay(WEB, [])
    with pytest.raises(sgsim.SourceError):
        sgsim.replay(WEB, io.BytesIO(b"nothing"))


def test_explain_reads_itself():
    told = sgsim.explain(WEB, "tcp 203.0.113.9 -> 192.0.2.10:443")
    assert str(told).startswith("DENY  tcp 203.0.113.9:40000 -> 192.0.2.10:443\n")
    assert repr(told) == str(told)
    assert (told.verdict, told.decisions[0].reason) == (sgsim.Verdict.DENY, sgsim.Reason.NO_RULE)
    assert told.document["assumed"] == ["source port 40000"]
    assert sgsim.explain(WEB, packet(SYN), interface="eni-a").verdict is sgsim.Verdict.ALLOW


def test_explain_recorded_knows_what_came_before():
    traffic = [*frames(TO_WEB), *frames(("192.0.2.10", "198.51.100.7"))]
    traffic[1][TCP].sport, traffic[1][TCP].dport, traffic[1][TCP].flags = 443, 40000, "SA"
    traffic[1].time = 2
    told = sgsim.explain_recorded(WEB, traffic, 2)
    assert told.decisions[0].reason is sgsim.Reason.ESTABLISHED
    assert told.document["frame"] == {"file": "packets", "number": 2, "after_s": 2.0, "late_s": 0.0}
    with pytest.raises(ConfigError, match=r"packet must be 1\.\.2, the last of packets, got 3"):
        sgsim.explain_recorded(WEB, traffic, 3)
    with pytest.raises(ConfigError, match=r"packet must be a number or FILE:NUMBER, got 2\.0"):
        sgsim.explain_recorded(WEB, traffic, 2.0)  # type: ignore[arg-type]  # what somebody may give
