"""Recorded traffic under old and new rules."""

import io

import pytest
from analysis.random_networks import networks
from attrs import evolve
from builders import group, interface, inventory
from cli.web_traffic import capture
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPNetwork

from sgsim.analysis.traffic_diff import diff_traffic
from sgsim.analysis.traffic_difference import TrafficKind
from sgsim.data import demo_path
from sgsim.errors import NoTrafficError
from sgsim.rules.change import Change
from sgsim.rules.inventory import Vpc
from sgsim.simulation.api import traffic_options
from sgsim.simulation.driver import Wanted, run

OPTIONS = traffic_options(cold_start=True)
OPEN = ("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0")
TRACKED = ("tcp 443 from 198.51.100.0/24", "all to 0.0.0.0/0")
FLOW = (
    "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S",
    "tcp 192.0.2.10:443 -> 198.51.100.7:40000 SA",
    "tcp 198.51.100.7:40000 -> 192.0.2.10:443 A",
    "tcp 192.0.2.10:443 -> 198.51.100.7:40000 PA",
)
ENGINES = ("reference", "compiled")


def known(*rules):
    return inventory(group(*rules), interface(instance_id="i-1"))


def compared(old, new, *packets, at_s=None, options=OPTIONS, **how):
    change = None if at_s is None else Change(round(at_s * 1_000_000_000), known(*new), is_relative=True)
    return diff_traffic(known(*old), known(*new), [io.BytesIO(capture(*packets))], options, at=change, **how)


def counts(found):
    return {str(each.kind): (each.flows, each.packets) for each in found.counts if each.packets}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_newly_denied_is_counted_with_its_answers(engine):
    found = compared(TRACKED, TRACKED[1:], *FLOW, engine=engine)
    assert counts(found) == {"newly_denied": (1, 4)}
    (denied,) = found.groups
    assert (denied.interface_id, denied.direction, denied.peer, denied.protocol, denied.port) == (
        "eni-a", "ingress", "198.51.100.0/24", 6, 443
    )  # fmt: skip
    assert denied.rule.text == "tcp 443 from 198.51.100.0/24"
    assert (denied.flows, denied.packets, denied.reason, denied.first.number) == (1, 4, "no_rule", 1)
    assert denied.bytes == found.count(TrafficKind.DENIED).bytes == 4 * 54


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_newly_allowed_names_the_new_rule(engine):
    found = compared(TRACKED[1:], TRACKED, *FLOW, engine=engine)
    assert counts(found) == {"newly_allowed": (1, 4)}
    assert [each.rule.text for each in found.groups] == ["tcp 443 from 198.51.100.0/24"]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_untracked_flow_is_cut_at_the_change_and_a_tracked_one_goes_on(engine):
    found = compared(OPEN, OPEN[1:], *FLOW, at_s=2, engine=engine)
    assert counts(found) == {"cut": (1, 2)}
    assert [(each.kind, each.reason, each.first.number) for each in found.groups] == [(TrafficKind.CUT, "cut", 3)]
    assert [(each.fate, each.flows) for each in found.at_change.fates] == [("cut", 1)]
    goes_on = compared(TRACKED, TRACKED[1:], *FLOW, at_s=2, engine=engine)
    assert not goes_on
    assert [(each.fate, each.flows) for each in goes_on.at_change.fates] == [("outlives_rules", 1)]


@pytest.mark.parametrize("engine", ENGINES)
def test_tracking_alone_may_differ(engine):
    found = compared(OPEN, TRACKED, *FLOW, engine=engine)
    assert counts(found) == {"now_tracked": (1, 4)}
    (table,) = found.tables
    assert (table.instance_id, table.old_peak, table.new_peak) == ("i-1", 0, 1)
    assert counts(compared(TRACKED, OPEN, *FLOW, engine=engine)) == {"now_untracked": (1, 4)}


def test_a_table_that_becomes_too_small_is_told():
    others = [text.replace("40000", str(port)) for port in (40001, 40002) for text in FLOW]
    options = traffic_options(cold_start=True, capacity=2)
    found = compared(OPEN, TRACKED, *FLOW, *others, options=options)
    (table,) = found.tables
    assert (table.old_peak, table.new_peak, table.old_exceeded, table.new_exceeded) == (0, 2, 0, 1)
    assert not table.fits
    assert "table_full" in {each.reason for each in found.groups}


def test_an_input_that_ends_before_the_change_says_so():
    found = compared(OPEN, (), *FLOW, at_s=60)
    assert not found
    assert not found.was_reached
    assert found.at_change is None


def test_an_interface_that_only_one_side_has_is_judged_on_that_side_alone():
    new = inventory(group(*OPEN), interface("192.0.2.11", interface_id="eni-b"), interface())
    found = diff_traffic(known(*OPEN), new, [io.BytesIO(capture(*FLOW))], OPTIONS)
    assert not found


@pytest.mark.parametrize("at_s", [None, 1])
@pytest.mark.parametrize("mapping", [{}, {"sg-web": "aws.web"}])
def test_groups_with_other_ids_are_the_same_groups_for_traffic(at_s, mapping):
    """An interface document of the old side serves the new one, as it does without traffic."""
    old = inventory(group(*OPEN, name="web"), interface(instance_id="i-1"))
    other = group(*OPEN, group_id="aws.web", name="" if mapping else "web")
    new = inventory(other, interface(instance_id="i-1"))
    change = None if at_s is None else Change(at_s, new, is_relative=True)
    found = diff_traffic(old, new, [io.BytesIO(capture(*FLOW))], OPTIONS, at=change, mapping=mapping)
    assert not found
    assert found.packets == len(FLOW)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_network_that_one_side_tells_is_that_of_both_for_traffic(engine):
    old = inventory(group(), interface(instance_id="i-1"))
    new = evolve(old, vpcs={"vpc-1": Vpc(vpc_id="vpc-1", networks=(IPNetwork("192.0.2.0/24"),))})
    packets = ("udp 192.0.2.10:40000 -> 192.0.2.2:53", "udp 192.0.2.2:53 -> 192.0.2.10:40000")
    for sides in ((old, new), (new, old)):
        assert not diff_traffic(*sides, [io.BytesIO(capture(*packets))], OPTIONS, engine=engine)


def test_traffic_that_meets_no_interface_is_refused():
    with pytest.raises(NoTrafficError, match="198"):
        compared(OPEN, OPEN, "tcp 198.51.100.7:40000 -> 198.51.100.8:443 S")


@settings(max_examples=10)
@given(networks(), networks(), st.sampled_from([None, 5.0]), st.sampled_from([True, False]))
def test_the_demo_differs_exactly_where_two_replays_do(old, new, at_s, cold):
    """Counts of one pass == counts of the decisions of two replays put side by side; the same rules differ nowhere."""
    demo, options = [str(demo_path("demo.pcap"))], traffic_options(cold_start=cold)
    old, new = (with_demo_addresses(each) for each in (old, new))
    change = None if at_s is None else Change(round(at_s * 1_000_000_000), new, is_relative=True)
    found = diff_traffic(old, new, demo, options, engine="reference", at=change)
    before, after = decided(old, demo, options, []), decided(new if change is None else old, demo, options, change)
    shared = before.keys() & after.keys()
    lost = {key for key in shared if before[key] == 1 and after[key] != 1}
    gained = {key for key in shared if before[key] != 1 and after[key] == 1}
    got = {each.kind: each.packets for each in found.counts}
    assert got[TrafficKind.CUT] + got[TrafficKind.DENIED] == len(lost)
    assert got[TrafficKind.ALLOWED] == len(gained)
    assert sum(each.packets for each in found.groups) == sum(got.values())
    assert found.packets == 1102
    assert not diff_traffic(
        old, old, demo, options, engine="reference", at=change and Change(change.time_ns, old, is_relative=True)
    )


def with_demo_addresses(known_):
    interfaces = {
        "eni-a": evolve(known_.interfaces["eni-a"], addresses=("10.0.0.5", "2001:db8:10::5")),
        "eni-b": known_.interfaces["eni-b"],
    }
    return evolve(known_, interfaces=interfaces)


def decided(known_, demo, options, change):
    """The verdict of each packet at each interface."""
    seen = {}

    def see(packets, decisions, engine):
        for row, at, verdict in zip(
            decisions.row.tolist(), decisions.interface.tolist(), decisions.verdict.tolist(), strict=True
        ):
            if at >= 0:
                seen[int(packets.number[row]), engine.interface_ids[at]] = verdict

    changes = [change] if change else []
    run(known_, demo, options, engine="reference", wanted=Wanted(see=see), changes=changes)
    return seen


def test_records_of_flow_logs_count_the_packets_that_they_stand_for(tmp_path):
    path = tmp_path / "vpc.log"
    path.write_text(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        "log-status\n"
        "2 123456789012 eni-a 198.51.100.7 192.0.2.10 40000 443 6 9 900 1418530010 1418530070 ACCEPT OK\n"
        "2 123456789012 eni-a 192.0.2.10 198.51.100.7 443 40000 6 8 8000 1418530010 1418530070 ACCEPT OK\n"
    )
    found = diff_traffic(known(*TRACKED), known(*TRACKED[1:]), [str(path)], OPTIONS)
    assert (found.has_records, found.packets) == (True, 2)
    denied = found.count(TrafficKind.DENIED)
    assert (denied.flows, denied.packets, denied.bytes) == (1, 17, 8900)
