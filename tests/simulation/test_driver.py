import io

import polars as pl
import pytest
from builders import group, interface, inventory, vpc
from cli.web_traffic import ANSWER, DENIED, OPENING, capture
from simulation.batches import SECOND_NS, ListSource, packets

from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError, NoTrafficError, SourceError
from sgsim.model.spread import Spread
from sgsim.report.summary_sections import sections
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.rules.change import Change
from sgsim.rules.inventory import Instance
from sgsim.simulation.driver import Wanted, run

OPTIONS = EngineOptions(recorded=True)
TRACKED = inventory(group("tcp 443 from 198.51.100.0/24"), interface())
CLOSED = inventory(group(), interface())


IN_MEMORY = Wanted(in_memory=True)


def replayed(*texts, known=TRACKED, wanted=IN_MEMORY, **how):
    return run(known, [ListSource([packets(*texts)])], OPTIONS, wanted=wanted, **how)


def verdicts(replay) -> list[str]:
    return list(replay.decisions["verdict"])


def test_decisions_flows_and_summary():
    replay = replayed(OPENING, ANSWER, DENIED, "-")
    assert verdicts(replay) == ["allow", "allow", "deny", "skip"]
    assert replay.flows["tracking"].to_list() == ["tracked", "refused"]
    assert replay.flows["end"].to_list() == ["live", "live"]
    counts = replay.summary.packets
    assert (counts.read, counts.evaluated, counts.skipped) == (4, 3, 1)
    assert (replay.summary.start_ns, replay.summary.end_ns) == (SECOND_NS, 4 * SECOND_NS)
    assert replay.summary.flows.live == 1


def test_nothing_is_kept_that_is_not_wanted():
    replay = replayed(OPENING, wanted=Wanted())
    with pytest.raises(ConfigError, match="must be kept in memory to be read"):
        _ = replay.decisions
    with pytest.raises(ConfigError, match="must be kept in memory to be read"):
        _ = replay.flows


def test_batches_do_not_matter():
    texts = (OPENING, ANSWER, DENIED)
    seen = packets(*texts)
    cut = [seen._replace(**{name: getattr(seen, name)[at : at + 1] for name in seen._fields[:-1]}) for at in range(3)]
    whole = replayed(*texts)
    parts = run(TRACKED, [ListSource(cut)], OPTIONS, wanted=Wanted(in_memory=True))
    assert whole.decisions.equals(parts.decisions)
    assert whole.flows.equals(parts.flows)
    assert whole.summary == parts.summary


def test_a_change_holds_from_its_time_on():
    change = Change(2 * SECOND_NS, CLOSED, is_relative=True, origin="2=closed")
    texts = [OPENING.replace("40000", str(port)) for port in range(1, 6)]
    replay = replayed(*texts, changes=[change])
    assert verdicts(replay) == ["allow", "allow", "deny", "deny", "deny"]
    assert [(made.text, made.time_ns) for made in replay.summary.changes] == [("2=closed", 3 * SECOND_NS)]


def test_changes_at_absolute_times_in_any_order():
    changes = [Change(5 * SECOND_NS, TRACKED), Change(3 * SECOND_NS, CLOSED), Change(99 * SECOND_NS, CLOSED)]
    texts = [OPENING.replace("40000", str(port)) for port in range(1, 6)]
    replay = replayed(*texts, changes=changes)
    assert verdicts(replay) == ["allow", "allow", "deny", "deny", "allow"]
    assert [made.time_ns for made in replay.summary.changes] == [3 * SECOND_NS, 5 * SECOND_NS, None]


def test_a_change_before_the_first_packet_holds_at_once():
    assert verdicts(replayed(OPENING, changes=[Change(0, CLOSED)])) == ["deny"]


def test_bound_files_are_judged_at_their_interface(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(capture(OPENING))
    known = inventory(
        group("tcp 443 from 198.51.100.0/24", "all to 0.0.0.0/0"),
        interface(),
        interface("198.51.100.7", interface_id="eni-b"),
    )
    both = run(known, [str(path)], OPTIONS, wanted=Wanted(in_memory=True))
    bound = run(known, [f"eni-a={path}"], OPTIONS, wanted=Wanted(in_memory=True))
    assert both.decisions["interface_id"].to_list() == ["eni-b", "eni-a"]
    assert bound.decisions["interface_id"].to_list() == ["eni-a"]


def test_merged_files_keep_their_own_numbers(tmp_path):
    (tmp_path / "a.pcap").write_bytes(capture(OPENING, DENIED, times_s=(1, 3)))
    (tmp_path / "b.pcap").write_bytes(capture(ANSWER, times_s=(2,)))
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    replay = run(TRACKED, paths, OPTIONS, wanted=Wanted(in_memory=True))
    assert replay.decisions["packet"].to_list() == [1, 1, 2]
    assert replay.decisions["file"].to_list() == [str(paths[0]), str(paths[1]), str(paths[0])]
    assert verdicts(replay) == ["allow", "allow", "deny"]


def test_streams_and_several_tables(tmp_path):
    tables = [tmp_path / name for name in ("a.csv", "b.parquet")]
    stdout = io.BytesIO()
    wanted = Wanted(decisions=[*tables, "-"], in_memory=True, stdout=stdout)
    replay = run(TRACKED, [io.BytesIO(capture(OPENING, ANSWER))], OPTIONS, wanted=wanted)
    assert pl.read_parquet(tables[1]).equals(replay.decisions)
    assert len(stdout.getvalue().splitlines()) == len(replay.decisions) == 2


def test_a_break_after_the_beginning_is_reported_with_all_before(tmp_path):
    source = ListSource([packets(OPENING)], breaks_with=SourceError("gone"))
    table = tmp_path / "rows.csv"
    replay = run(TRACKED, [source], OPTIONS, wanted=Wanted(decisions=[table]))
    assert (replay.summary.broken, replay.summary.packets.read) == ("gone", 1)
    assert len(table.read_text().splitlines()) == 2


def test_a_break_at_the_beginning_is_an_error():
    with pytest.raises(SourceError, match="gone"):
        run(TRACKED, [ListSource([], breaks_with=SourceError("gone"))], OPTIONS)


def test_no_packet_at_an_interface_leaves_no_files(tmp_path):
    wanted = Wanted(decisions=[tmp_path / "rows.csv"], flows=[tmp_path / "flows.parquet"])
    with pytest.raises(NoTrafficError):
        replayed("udp 203.0.113.1:1 -> 203.0.113.2:2", wanted=wanted)
    assert list(tmp_path.iterdir()) == []


def test_no_packet_at_an_interface_and_a_break():
    source = ListSource([packets("udp 203.0.113.1:1 -> 203.0.113.2:2")], breaks_with=SourceError("gone"))
    with pytest.raises(NoTrafficError, match="; then the input broke off: gone"):
        run(TRACKED, [source], OPTIONS)


def test_traffic_must_be_given():
    with pytest.raises(ConfigError, match="traffic must be at least one capture or flow log, got none"):
        run(TRACKED, [], OPTIONS)


def test_rules_never_hit_are_listed_in_their_order():
    known = inventory(group("tcp 443 from 198.51.100.0/24", "udp 53 from ::/0", "all to 0.0.0.0/0"), interface())
    usage = replayed(OPENING, known=known).summary.rules
    assert [(rule.text, rule.hits) for rule in usage] == [
        ("tcp 443 from 198.51.100.0/24", 1),
        ("udp 53 from ::/0", 0),
        ("all traffic to 0.0.0.0/0", 0),
    ]


def test_rules_of_before_a_change_keep_their_hits():
    usage = replayed(OPENING, DENIED, changes=[Change(SECOND_NS, CLOSED, is_relative=True)]).summary.rules
    assert [(rule.text, rule.hits) for rule in usage] == [("tcp 443 from 198.51.100.0/24", 1)]


def test_what_was_set_is_in_the_summary():
    profile = OPTIONS.profile.given("fragments", "rules")
    options = EngineOptions(
        profile=profile, capacity=3, recorded=True, cold_start=True, remember=9, client_port=1024, spread=Spread.ENDS
    )
    summary = run(TRACKED, [ListSource([packets(OPENING)])], options).summary
    given = {
        "capacity": 3,
        "remember": 9,
        "client_port": 1024,
        "spread": "ends",
        "cold_start": True,
        "fragments": "rules",
    }
    assert summary.given == given


def test_everyone_is_told_of_progress_and_decisions():
    told: list[int] = []
    seen: list[tuple[int, int]] = []
    wanted = Wanted(see=lambda batch, judged, _: seen.append((len(batch.time_ns), len(judged.row))))
    run(TRACKED, [ListSource([packets(OPENING), packets(ANSWER)])], OPTIONS, wanted=wanted, watch=told.append)
    assert (told, seen) == ([1, 2], [(1, 1), (1, 1)])


def test_the_clock_and_late_packets():
    summary = replayed(OPENING, ANSWER, ANSWER, wanted=Wanted()).summary
    assert summary.packets.late == 0
    late = run(TRACKED, [ListSource([packets(OPENING, ANSWER, time_ns=[9, 4])])], OPTIONS).summary
    assert (late.packets.late, late.packets.largest_step_back_ns) == (1, 5)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_change_may_lift_the_capacity(engine):
    """One place, then as many as are needed, then one again: entries that are there stay."""
    texts = [f"tcp 198.51.100.{at}:40000 -> 192.0.2.10:443 S" for at in range(1, 7)]
    known = inventory(
        group("tcp 443 from 0.0.0.0/0"), interface(instance_id="i-1"), Instance(instance_id="i-1", capacity=1)
    )
    lifted, limited = (
        Change(at * SECOND_NS, known, is_relative=True, capacity=capacity, lifts_capacity=capacity is None)
        for at, capacity in ((2, None), (4, 1))
    )
    result = run(
        known, [ListSource([packets(*texts)])], EngineOptions(capacity=1), engine=engine,
        wanted=Wanted(in_memory=True), changes=[lifted, limited],
    )  # fmt: skip
    assert ["rule", "table_full", "rule", "rule", "table_full", "table_full"] == result.decisions["reason"].to_list()
    (table,) = result.pressure
    assert [1, None, 1] == [step.capacity for step in table.capacities]
    assert [{"capacity": None}, {"capacity": 1}] == [change.settings for change in result.changes]
    assert "capacity = none: without limit" in plain_text(text_lines(sections(result.summary)))


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_what_one_vpc_keeps_for_itself_is_never_filtered_in_another(engine):
    """As docs/limits.md says: the second packet goes to a host of the first VPC, but the second VPC keeps its address."""
    known = inventory(
        group(),
        interface("192.0.2.10", vpc_id="vpc-1"),
        vpc("192.0.2.0/24"),
        vpc("192.0.2.64/26", vpc_id="vpc-2"),
    )
    asked = packets(*(f"udp 192.0.2.10:4000 -> 192.0.2.{host}:53" for host in (65, 66)))
    result = run(known, [ListSource([asked])], OPTIONS, engine=engine, wanted=Wanted(in_memory=True))
    assert [reason for (reason,) in result.decisions.select("reason").rows()] == ["no_rule", "exempt"]
