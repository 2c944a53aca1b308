"""Flow logs while interfaces come, move and go: each record is of the interfaces of its time."""

import pytest
from attrs import evolve
from builders import group, interface, inventory
from scapy.layers.inet import IP, TCP
from scapy.utils import wrpcap
from simulation.flow_log_texts import default_lines, log, record

import sgsim
from sgsim.analysis.traffic_diff import diff_traffic
from sgsim.engine.options import EngineOptions
from sgsim.model.interface import TimeoutOverrides
from sgsim.rules.change import Change

SECOND_NS = 10**9
START_NS = 1_700_000_000 * SECOND_NS
ENGINES = ("reference", "compiled")

WEB = group("tcp 443 from 0.0.0.0/0")
A = interface("10.0.0.5", interface_id="eni-a")
B = interface("10.0.0.6", interface_id="eni-b")
ONE, BOTH = inventory(WEB, A), inventory(WEB, A, B)
COMES_AT_60 = Change(60 * SECOND_NS, BOTH, is_relative=True)

AT_B = (
    record("198.51.100.7:40000 10.0.0.5:443", flags=2, start=0),
    record("198.51.100.7:40001 10.0.0.6:443", flags=2, start=30, eni="eni-b", length=20),
    record("198.51.100.7:40002 10.0.0.6:443", flags=2, start=60, eni="eni-b"),
    record("198.51.100.7:40003 10.0.0.6:22", flags=2, start=90, eni="eni-b", action="REJECT"),
)


def replayed(tmp_path, rules, text, changes=(), **options):
    path = tmp_path / "flows.log"
    path.write_text(text)
    return sgsim.replay(rules, path, changes=changes, **options)


def rows(replay, *columns):
    return replay.decisions.select(columns).rows()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("has_flags", [True, False])
@pytest.mark.parametrize("change", [COMES_AT_60, Change(START_NS + 60 * SECOND_NS, BOTH)])
def test_an_interface_that_a_change_brings_has_records_from_then_on(tmp_path, engine, has_flags, change):
    text = log(*AT_B) if has_flags else default_lines(AT_B)
    result = replayed(tmp_path, ONE, text, [change], engine=engine)
    expected = [
        ("eni-a", "ingress", "allow", "rule"),
        (None, None, "skip", "no_interface"),
        ("eni-b", "ingress", "allow", "rule"),
        ("eni-b", "ingress", "deny", "no_rule"),
    ]
    assert expected == rows(result, "interface_id", "direction", "verdict", "reason")
    assert result.summary.records.unknown_interfaces == {"eni-b": 1}
    assert ["eni-a", "eni-b"] == [each.interface_id for each in result.summary.interfaces]
    assert result.summary.records.agreement.causes == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_one_that_a_change_takes_has_none_from_then_on(tmp_path, engine):
    result = replayed(tmp_path, BOTH, log(*AT_B), [Change(60 * SECOND_NS, ONE, is_relative=True)], engine=engine)
    assert ["rule", "rule", "no_interface", "no_interface"] == result.decisions["reason"].to_list()
    assert result.summary.records.unknown_interfaces == {"eni-b": 2}


@pytest.mark.parametrize("engine", ENGINES)
def test_several_changes_in_any_order(tmp_path, engine):
    third = interface("10.0.0.7", interface_id="eni-c")
    later = Change(80 * SECOND_NS, inventory(WEB, third, A), is_relative=True)
    lines = (*AT_B[:3], record("198.51.100.7:40004 10.0.0.7:443", flags=2, start=85, eni="eni-c"), AT_B[3])
    result = replayed(tmp_path, ONE, log(*lines), [later, COMES_AT_60], engine=engine)
    expected = [("eni-a", "rule"), (None, "no_interface"), ("eni-b", "rule"), ("eni-c", "rule"), (None, "no_interface")]
    assert expected == rows(result, "interface_id", "reason")


@pytest.mark.parametrize("engine", ENGINES)
def test_an_address_that_moves_tells_the_way_by_its_owner_of_the_moment(tmp_path, engine):
    """Without flow-direction; both interfaces log the flow between the old address of the one and the new one."""
    moved = inventory(WEB, interface("10.0.0.9", interface_id="eni-a"), interface("10.0.0.5", interface_id="eni-b"))
    flow = "10.0.0.9:40000 10.0.0.5:443"
    lines = (
        record("198.51.100.7:40000 10.0.0.5:443", start=0),
        record(flow, start=70),
        record(flow, start=70, eni="eni-b"),
    )
    result = replayed(
        tmp_path, BOTH, default_lines(lines), [Change(60 * SECOND_NS, moved, is_relative=True)], engine=engine
    )
    expected = [("eni-a", "ingress"), ("eni-a", "egress"), ("eni-b", "ingress")]
    assert expected == rows(result, "interface_id", "direction")


NAMELESS = "srcaddr dstaddr srcport dstport protocol packets bytes start end action tcp-flags pkt-srcaddr pkt-dstaddr"


@pytest.mark.parametrize("engine", ENGINES)
def test_records_that_name_no_interface_go_to_the_owner_of_the_moment(tmp_path, engine):
    moved = inventory(WEB, evolve(A, addresses=("10.0.0.8",)), interface("10.0.0.5", "10.0.0.50", interface_id="eni-b"))
    lines = [
        f"198.51.100.7 10.0.0.5 {40_000 + at} 443 6 9 900 {1_700_000_000 + at} {1_700_000_000 + at} ACCEPT 2 198.51.100.7 {to}"
        for at, to in ((0, "10.0.0.5"), (59, "10.0.0.5"), (60, "10.0.0.50"))
    ]
    changes = [Change(60 * SECOND_NS, moved, is_relative=True)]
    result = replayed(tmp_path, ONE, log(*lines, header=NAMELESS), changes, engine=engine)
    expected = [("eni-a", "10.0.0.5"), ("eni-a", "10.0.0.5"), ("eni-b", "10.0.0.50")]
    assert expected == rows(result, "interface_id", "dst_addr")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_timeout_that_a_change_sets_tells_whether_a_flow_is_opened_anew(tmp_path, engine):
    silent = (
        record("198.51.100.7:40000 10.0.0.5:443", start=0),
        record("10.0.0.5:443 198.51.100.7:40000", start=1),
        record("198.51.100.7:40000 10.0.0.5:443", start=600),
    )
    short = Change(10 * SECOND_NS, ONE, is_relative=True, timeouts=TimeoutOverrides(tcp_established_s=100))
    found = [
        replayed(tmp_path, ONE, default_lines(silent), changes, engine=engine).summary.records.reopened
        for changes in ((), [short])
    ]
    assert found == [0, 1]


@pytest.mark.parametrize("engine", ENGINES)
def test_causes_are_found_by_the_rules_of_the_moment(tmp_path, engine):
    """A group that refers to another one comes by the change; only then may members be stale."""
    referring = inventory(group("tcp 443 from sg-other"), A, group(group_id="sg-other"))
    closed = inventory(group("tcp 22 from 0.0.0.0/0"), A)
    lines = [record(f"198.51.100.7:4000{at} 10.0.0.5:443", flags=2, start=60 * at) for at in (0, 1)]
    changes = [Change(60 * SECOND_NS, referring, is_relative=True)]
    agreement = replayed(tmp_path, closed, log(*lines), changes, engine=engine).summary.records.agreement
    assert {"rules": 1, "stale_members": 1} == {
        each.cause: each.accepted_but_denied.records for each in agreement.causes
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_a_capture_may_be_bound_to_an_interface_that_a_change_brings(tmp_path, engine):
    path = tmp_path / "b.pcap"
    sent = [IP(src="198.51.100.7", dst="10.0.0.6") / TCP(sport=40_000 + at, dport=443) for at in (0, 59, 60)]
    for at, each in zip((0, 59, 60), sent, strict=True):
        each.time = at
    wrpcap(str(path), sent)
    result = sgsim.replay(ONE, f"eni-b={path}", changes=[COMES_AT_60], engine=engine)
    assert [None, None, "eni-b"] == result.decisions["interface_id"].to_list()
    assert ["no_interface", "no_interface", "rule"] == result.decisions["reason"].to_list()


def test_a_record_of_it_can_be_explained(tmp_path):
    path = tmp_path / "flows.log"
    path.write_text(log(*AT_B))
    assert "eni-b" in str(sgsim.explain_recorded(ONE, path, 4, changes=[COMES_AT_60]))


def test_a_timeline_brings_one(tmp_path):
    timeline = tmp_path / "timeline.yaml"
    timeline.write_text("- at: 60\n  interfaces:\n    eni-b: {addresses: 10.0.0.6, groups: sg-web}\n")
    result = replayed(tmp_path, ONE, log(*AT_B), timeline)
    assert ["rule", "no_interface", "rule", "no_rule"] == result.decisions["reason"].to_list()
    told = str(sgsim.explain_recorded(ONE, tmp_path / "flows.log", 4, changes=timeline))
    assert "eni-b, inbound: ALLOW" in told


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("is_new", [True, False])
def test_two_rule_sets_may_know_different_interfaces(tmp_path, engine, is_new):
    """What only one side knows is judged on that side; the law of equal sides holds for all else."""
    path = tmp_path / "flows.log"
    path.write_text(log(*AT_B))
    sides = (ONE, BOTH) if is_new else (BOTH, ONE)
    difference = diff_traffic(*sides, [path], EngineOptions(recorded=True), engine=engine)
    assert (difference.packets, bool(difference)) == (4, False)
    peaks = {each.instance_id: (each.old_peak, each.new_peak) for each in difference.tables}
    assert peaks == {"eni-a": (1, 1), "eni-b": (0, 2) if is_new else (2, 0)}
