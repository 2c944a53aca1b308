"""Nothing that was seen is denied; what was held out is told."""

import pytest
from builders import group, interface, inventory
from simulation.batches import ListSource, packets

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.difference import Kind
from sgsim.analysis.narrowing import Knobs
from sgsim.analysis.tighten import tighten_rules
from sgsim.data import DEMO_CAPTURE, demo_path
from sgsim.documents import load
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.simulation.driver import Wanted, run
from sgsim.sources.flow_log_format import DEFAULT_FORMAT

OPTIONS = EngineOptions(recorded=True)
FIRST = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"
ANSWER = "tcp 192.0.2.10:443 -> 198.51.100.7:40000 SA"
SECOND = "tcp 203.0.113.9:40001 -> 192.0.2.10:443 S"


def tightened(known, *texts, **how):
    return tighten_rules(known, [ListSource([packets(*texts)])], OPTIONS, **{"hold_out": 0, **how})


def outcomes(found):
    return {each.text: (each.outcome, each.flows, each.new) for each in found.replacements}


def test_rules_are_narrowed_removed_and_left_alone():
    known = inventory(
        group("tcp 1-1000 from 198.51.0.0/16", "tcp 22 from 10.0.0.0/8"),
        group("tcp 5432 from sg-web", group_id="sg-db"),
        interface(),
        interface("192.0.2.11", groups=("sg-db",), interface_id="eni-b"),
    )
    found = tightened(known, FIRST, ANSWER)
    assert outcomes(found) == {
        "tcp 1-1000 from 198.51.0.0/16": ("narrowed", 1, ("tcp 443 from 198.51.100.7/32",)),
        "tcp 22 from 10.0.0.0/8": ("removed", 0, ()),
        "tcp 5432 from sg-web": ("not seen", 0, ("tcp 5432 from sg-web",)),
    }
    assert (found.rules_before, found.rules_after) == (3, 2)
    assert (found.learned.passed, found.learned.newly_denied, found.held_out) == (2, 0, None)


def test_what_is_held_out_is_not_learned_from():
    found = tightened(inventory(group("tcp 443 from 0.0.0.0/0"), interface()), FIRST, ANSWER, SECOND, hold_out=0.3)
    assert outcomes(found)["tcp 443 from 0.0.0.0/0"][2] == ("tcp 443 from 198.51.100.7/32",)
    assert found.learned.newly_denied == 0
    assert found.held_out is not None
    assert (found.held_out.passed, found.held_out.newly_denied) == (1, 1)
    (example,) = found.held_out.examples
    assert (example.number, example.interface_id, example.rule_id) == (3, "eni-a", "sg-web:ingress:tcp:443:0.0.0.0/0")


@pytest.mark.parametrize(
    ("hold_out", "text", "message"),
    [
        (0.9, FIRST, r"traffic must have packets that pass, to learn from, got none outside the part that is held out"),
        (0, SECOND.replace("443", "80"), r"traffic must have packets that pass, to learn from, got none$"),
    ],
)
def test_nothing_is_learned_from_traffic_of_which_nothing_passes(hold_out, text, message):
    """Rules that nothing has been seen of are not useless."""
    known = inventory(group("tcp 443 from 0.0.0.0/0"), interface())
    late = ListSource([packets("tcp 203.0.113.9:1 -> 192.0.2.10:80 S", text, time_ns=[0, 10**9])])
    with pytest.raises(ConfigError, match=message):
        tighten_rules(known, [late], OPTIONS, hold_out=hold_out)


def test_what_is_counted_of_flow_logs_are_records(tmp_path):
    log = tmp_path / "flows.log"
    log.write_text("2 123456789012 eni-a 198.51.100.7 192.0.2.10 40000 443 6 10 840 100 110 ACCEPT OK\n")
    known = inventory(group("tcp 443 from 0.0.0.0/0"), interface())
    found = tighten_rules(known, [str(log)], OPTIONS, hold_out=0)
    assert (found.unit, found.learned.passed) == ("record", 1)


@pytest.mark.parametrize(("flags", "name", "without"), [("", "", 2), (" 2", " tcp-flags", 0)])
def test_records_that_hide_the_ends_of_connections_are_counted(tmp_path, flags, name, without):
    path = tmp_path / "flows.log"
    lines = [f"2 1 eni-a 198.51.100.7 192.0.2.10 4000{port} 443 6 1 60 0 0 ACCEPT OK{flags}" for port in (1, 2)]
    path.write_text("\n".join([f"{DEFAULT_FORMAT.header}{name}", *lines, ""]), encoding="utf-8")
    known = inventory(group("tcp 443 from 0.0.0.0/0"), interface())
    found = tighten_rules(known, [str(path)], OPTIONS, hold_out=0)
    assert (found.tcp, found.tcp_without_flags) == (2, without)
    assert (found.peak_before, found.peak_after) == (2, 2)


def test_a_rule_whose_narrowing_would_deny_what_was_seen_is_given_back():
    """Open both ways the flow is untracked and its late segment passes; narrower, it is tracked and has expired by then."""
    known = inventory(group("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0"), interface())
    late = packets(FIRST, FIRST.replace(" S", " A"), time_ns=[0, 600_000_000_000])
    options = EngineOptions(recorded=True, cold_start=True)
    found = tighten_rules(known, [ListSource([late])], options, hold_out=0)
    assert (found.learned.passed, found.learned.newly_denied) == (2, 0)
    assert [each.outcome for each in found.replacements] == ["given back", "given back"]
    assert found.inventory == known


def test_a_flow_counts_once_however_many_of_its_packets_open_rules_judge():
    """And in whatever batch they come."""
    known = inventory(group("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0"), interface())
    ack = FIRST.replace(" S", " A")
    parts = [packets(FIRST, ANSWER, ack, SECOND), packets(ack, ANSWER, time_ns=[5 * 10**9, 6 * 10**9])]
    found = tighten_rules(known, [ListSource(parts)], OPTIONS, hold_out=0, knobs=Knobs(least=2))
    assert outcomes(found)["tcp 443 from 0.0.0.0/0"] == ("removed", 2, ())


def test_a_least_count_leaves_rare_peers_out_and_says_so():
    more = [f"tcp 198.51.100.7:{port} -> 192.0.2.10:443 S" for port in (40002, 40003)]
    known = inventory(group("tcp 443 from 0.0.0.0/0"), interface())
    found = tightened(known, FIRST, *more, SECOND, knobs=Knobs(least=2))
    assert outcomes(found)["tcp 443 from 0.0.0.0/0"][2] == ("tcp 443 from 198.51.100.7/32",)
    assert found.learned.newly_denied == 1


@pytest.fixture(scope="module")
def demo():
    known = load(*(demo_path(name) for name in ("groups.json", "interfaces.json")))
    return known, tighten_rules(known, [str(demo_path(DEMO_CAPTURE))], OPTIONS, hold_out=0)


def test_the_demo_is_carried_whole(demo):
    """Every packet of the capture that passes under the old rules passes under the new ones."""
    known, found = demo
    assert found.learned.newly_denied == 0
    wanted = Wanted(in_memory=True)
    before, after = (
        run(each, [str(demo_path(DEMO_CAPTURE))], OPTIONS, wanted=wanted).decisions for each in (known, found.inventory)
    )
    assert before["packet"].equals(after["packet"])
    newly_denied = (before["verdict"] == "allow") & (after["verdict"] == "deny")
    assert newly_denied.sum() == 0


def test_nothing_is_newly_allowed(demo):
    known, found = demo
    kinds = {
        difference.kind for compared in diff_rules(known, found.inventory).groups for difference in compared.differences
    }
    assert kinds
    assert Kind.ALLOWED not in kinds
