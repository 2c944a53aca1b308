"""Up to the packet that is asked for, an explanation's engine is that of a replay."""

import io

import polars as pl
import pytest
from builders import group, interface, inventory
from cli.web_traffic import capture

from sgsim.data import DEMO_CAPTURE, demo_path
from sgsim.documents import load
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError, SourceError, UnresolvedReferenceError
from sgsim.model.decision import Reason
from sgsim.rules.change import Change
from sgsim.simulation.check import judge_packet
from sgsim.simulation.driver import Wanted, run
from sgsim.simulation.moment import Moment, replay_until

OPENING = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"
ANSWER = "tcp 192.0.2.10:443 -> 198.51.100.7:40000 SA"
WEB = inventory(group("tcp 443 from 198.51.100.0/24"), interface())
RECORDED = EngineOptions(recorded=True)


@pytest.fixture
def web(tmp_path) -> str:
    path = tmp_path / "web.pcap"
    path.write_bytes(capture(OPENING, ANSWER, OPENING.replace("40000", "40001")))
    return str(path)


@pytest.mark.parametrize("number", [1, 2, 3, 114, 300, 500, 600, 768, 900, 1101, 1102])
@pytest.mark.parametrize("capacity", [None, 8])
def test_the_verdict_is_that_of_the_replay(number, capacity):
    known = load(demo_path("groups.json").parent)
    options = EngineOptions(recorded=True, capacity=capacity)
    traffic = [str(demo_path(DEMO_CAPTURE))]
    expected = run(known, traffic, options, wanted=Wanted(in_memory=True)).decisions
    (row,) = expected.filter(pl.col("packet") == number).to_dicts()
    moment = replay_until(known, traffic, options, number)
    assert (moment.number, moment.time_ns) == (number, row["time_ns"])
    if moment.packet is None:
        assert str(moment.unreadable) == row["reason"]
        return
    (decision,) = judge_packet(moment.engine, moment.packet).decisions
    assert (str(decision.verdict), str(decision.reason)) == (row["verdict"], row["reason"])
    assert decision.flow == row["flow"]


def reason_at(moment: Moment) -> Reason:
    """Let the packet be judged."""
    assert moment.packet is not None
    return judge_packet(moment.engine, moment.packet).decisions[0].reason


def test_rules_have_changed_when_the_packet_comes(web):
    closed = Change(2_000_000_000, inventory(group(), interface()), is_relative=True)
    third = replay_until(WEB, [web], RECORDED, 3, changes=[closed])
    assert reason_at(third) is Reason.NO_RULE
    second = replay_until(WEB, [web], RECORDED, 2, changes=[closed])
    assert reason_at(second) is Reason.ESTABLISHED


def test_a_bound_file_keeps_its_interface(web):
    packet = replay_until(WEB, [f"eni-a={web}"], RECORDED, 2).packet
    assert packet is not None
    assert packet.taken_at == "eni-a"


def test_ended_flows_are_known(tmp_path):
    path = tmp_path / "late.pcap"
    path.write_bytes(capture(OPENING, ANSWER.replace("40000", "40001"), times_s=(1, 1000)))
    moment = replay_until(WEB, [str(path)], RECORDED, 2)
    assert reason_at(moment) is Reason.PRESUMED
    assert [str(flow.end) for flow in moment.ended.values()] == ["expired"]


def test_of_several_captures_the_file_is_named(tmp_path, web):
    other = tmp_path / "other.pcap"
    other.write_bytes(capture(OPENING.replace("40000", "40009"), times_s=(1.5,)))
    moment = replay_until(WEB, [web, str(other)], RECORDED, "other.pcap:1")
    assert moment.packet is not None
    assert (moment.file, moment.packet.five_tuple.src_port) == (str(other), 40009)
    assert len(list(moment.engine.entries())) == 1
    assert replay_until(WEB, [web, str(other)], RECORDED, f"{web}:3").number == 3
    with pytest.raises(ConfigError, match="packet must be FILE:NUMBER with several captures, got 1; FILE is one of"):
        replay_until(WEB, [web, str(other)], RECORDED, 1)
    with pytest.raises(ConfigError, match=r"file of the packet must be one of .*, got 'third\.pcap'"):
        replay_until(WEB, [web, str(other)], RECORDED, "third.pcap:1")


def test_a_packet_beyond_the_end_is_refused(web):
    with pytest.raises(ConfigError, match=r"packet must be 1\.\.3, the last of .*web\.pcap, got 4"):
        replay_until(WEB, [web], RECORDED, 4)


@pytest.mark.parametrize("text", ["0", "x", "", "-1", "web.pcap:", "1.5"])
def test_what_is_no_number_is_refused(web, text):
    with pytest.raises(ConfigError, match="packet must be NUMBER or FILE:NUMBER, counted from 1, got"):
        replay_until(WEB, [web], RECORDED, text)


def test_a_packet_behind_a_break_is_refused():
    broken = capture(OPENING, ANSWER)[:-3]
    assert replay_until(WEB, [io.BytesIO(broken)], RECORDED, 1).number == 1
    with pytest.raises(SourceError, match="packet must come before the input breaks off, got 2 of 1: "):
        replay_until(WEB, [io.BytesIO(broken)], RECORDED, 2)


def test_an_unresolved_reference_before_it_is_an_error_that_names_the_packet(web):
    known = inventory(group("tcp 443 from sg-9"), interface())
    with pytest.raises(UnresolvedReferenceError) as caught:
        replay_until(known, [web], RECORDED, 3)
    assert str(caught.value).startswith(f"{web}, packet 1 ({OPENING}): the verdict hinges on sg-9")
