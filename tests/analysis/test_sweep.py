"""The least capacity refuses nothing and one place less does; a timeout cuts the flows that were silent for as long."""

import pytest
from builders import group, interface, inventory
from cli.web_traffic import capture
from simulation.batches import ListSource, packets

from sgsim.analysis.sweep import sweep_points
from sgsim.analysis.untracking import opened_back
from sgsim.data import DEMO_CAPTURE, demo_path
from sgsim.documents import load
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError, SgsimError
from sgsim.rules.inventory import Instance
from sgsim.simulation.driver import run

SECOND_NS = 1_000_000_000
OPTIONS = EngineOptions(recorded=True, cold_start=True)
KNOWN = inventory(group("tcp 443 from 0.0.0.0/0"), interface())


def flow(port, *times_s):
    """A flow that is opened, answered, acknowledged, and then sends once at each further time."""
    ends = f"198.51.100.7:{port} -> 192.0.2.10:443", f"192.0.2.10:443 -> 198.51.100.7:{port}"
    texts = [f"tcp {ends[0]} S", f"tcp {ends[1]} SA", f"tcp {ends[0]} A", *(f"tcp {ends[0]} PA" for _ in times_s[3:])]
    return [(round(time * SECOND_NS), text) for time, text in zip(times_s, texts, strict=True)]


def source(*flows):
    rows = sorted(row for each in flows for row in each)
    return ListSource([packets(*(text for _, text in rows), time_ns=[time_ns for time_ns, _ in rows])])


def swept(*flows, known=KNOWN, **how):
    return sweep_points(known, [source(*flows)], OPTIONS, **how)


def test_the_least_capacity_is_proved_by_replays():
    found = swept(*(flow(port, port, port + 0.1, port + 0.2) for port in (1, 2, 3)))
    assert found.least_capacity == 3
    assert found.at_least is not None
    assert found.below_least is not None
    assert (found.at_least.capacity, found.at_least.refused) == (3, 0)
    assert (found.below_least.capacity, found.below_least.refused > 0) == (2, True)


@pytest.mark.parametrize(("gap_s", "cut"), [(349, 0), (350, 1), (351, 1)])
def test_a_timeout_cuts_what_was_silent_for_as_long(gap_s, cut):
    """An entry is gone when it was idle for its timeout, not after."""
    found = swept(flow(1, 0, 0.1, 0.2, gap_s + 0.2), timeouts_s=(350, 3600))
    assert [point.cut_flows for point in found.timeouts] == [cut, 0]
    assert found.longest_idle_ns == gap_s * SECOND_NS
    assert found.nitro_v6 is not None
    assert (found.nitro_v6.cut_flows, found.cut_by_v6) == (cut, cut)
    (idle,) = found.idle
    assert (idle.number, idle.interface_id) == (4, "eni-a")


def test_the_silences_of_a_flow_log_are_those_between_the_ends_of_its_records(tmp_path):
    """From 40 s to 100 s nobody spoke, though records begin 100 s apart."""
    lines = [
        "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action tcp-flags log-status",
        "5 eni-a 198.51.100.7 192.0.2.10 40000 443 6 9 900 0 40 ACCEPT 2 OK",
        "5 eni-a 192.0.2.10 198.51.100.7 443 40000 6 9 900 0 40 ACCEPT 18 OK",
        "5 eni-a 198.51.100.7 192.0.2.10 40000 443 6 1 100 100 100 ACCEPT 0 OK",
    ]
    path = tmp_path / "flows.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = sweep_points(KNOWN, [str(path)], OPTIONS)
    assert found.longest_idle_ns == 60 * SECOND_NS
    assert [(idle.number, idle.gap_ns) for idle in found.idle] == [(4, 60 * SECOND_NS)]


def test_each_flow_has_its_own_silences():
    found = swept(flow(1, 0, 1, 2, 100), flow(2, 0, 1, 2, 50, 300), flow(3, 0, 1, 2))
    assert [idle.gap_ns // SECOND_NS for idle in found.idle] == [250, 98]
    assert found.idle_flows == 2


def test_a_silence_names_its_file_in_a_folder(tmp_path):
    opening, answer, again = (f"tcp {ends}" for ends in (
        "198.51.100.7:1 -> 192.0.2.10:443 S", "192.0.2.10:443 -> 198.51.100.7:1 SA", "198.51.100.7:1 -> 192.0.2.10:443 A",
    ))  # fmt: skip
    (tmp_path / "a.pcap").write_bytes(capture(opening, answer, again, times_s=(0, 1, 2)))
    (tmp_path / "b.pcap").write_bytes(capture(again, times_s=(300,)))
    (idle,) = sweep_points(KNOWN, [str(tmp_path)], OPTIONS).idle
    assert (idle.file, idle.number, idle.gap_ns) == (str(tmp_path / "b.pcap"), 1, 298 * SECOND_NS)


def test_a_silence_across_batches_is_seen():
    rows = flow(1, 0, 1, 2, 100)
    cut = ListSource([packets(text, time_ns=time_ns) for time_ns, text in rows])
    whole = swept(rows)
    assert sweep_points(KNOWN, [cut], OPTIONS).longest_idle_ns == whole.longest_idle_ns == 98 * SECOND_NS


def test_the_silence_of_a_closing_flow_is_none():
    """Once a side has said FIN, another timeout holds; also where each packet comes in a batch of its own."""
    rows = flow(1, 0, 1, 2)
    rows += [(3 * SECOND_NS, rows[0][1].replace(" S", " FA")), (103 * SECOND_NS, rows[2][1])]
    batches = ListSource([packets(text, time_ns=time_ns) for time_ns, text in rows])
    for found in (sweep_points(KNOWN, [batches], OPTIONS), swept(rows)):
        assert (found.idle_flows, found.longest_idle_ns) == (1, SECOND_NS)


def test_a_longer_timeout_never_needs_less_and_never_cuts_more():
    flows = [
        flow(port, port * 40, port * 40 + 1, port * 40 + 2, port * 40 + gap)
        for port, gap in ((1, 70), (2, 500), (3, 100), (4, 4000))
    ]
    points = swept(*flows, timeouts_s=(60, 90, 600, 5000)).timeouts
    assert [point.peak for point in points] == sorted(point.peak for point in points)
    assert [point.cut_flows for point in points] == [4, 3, 1, 0]


def test_capacities_of_documents_do_not_hide_the_peak():
    known = inventory(
        group("tcp 443 from 0.0.0.0/0"), interface(instance_id="i-1"), Instance(instance_id="i-1", capacity=1)
    )
    assert swept(flow(1, 0, 1, 2), flow(2, 0, 1, 2), known=known).least_capacity == 2


def test_advice_is_what_a_replay_finds():
    flows = [flow(port, port, port + 0.1, port + 0.2) for port in (1, 2, 3)]
    (advice,) = swept(*flows).advice
    assert (advice.rule, advice.places, advice.peak_before, advice.peak_after, advice.warning) == (
        "tcp 443 from 0.0.0.0/0",
        3,
        3,
        0,
        "",
    )
    opened = opened_back(KNOWN, "sg-web:ingress:tcp:443:0.0.0.0/0")
    assert [rule.text for rule in opened.groups["sg-web"].rules] == [
        "tcp 443 from 0.0.0.0/0",
        "tcp 0-65535 to 0.0.0.0/0",
    ]
    assert run(opened, [source(*flows)], OPTIONS).summary.flows.untracked == 3
    assert swept(*flows, advise=False).advice == ()


def test_where_nothing_is_tracked_nothing_is_needed():
    known = inventory(group("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0"), interface())
    found = swept(flow(1, 0, 1, 2), known=known)
    assert (found.least_capacity, found.at_least, found.below_least, found.capacities) == (0, None, None, ())


def test_the_answer_does_not_depend_on_the_number_of_processes():
    known = load(*(demo_path(name) for name in ("groups.json", "interfaces.json")))
    capture = [str(demo_path(DEMO_CAPTURE))]
    options = EngineOptions(recorded=True)

    def swept_by(jobs):
        how = (known, capture, options)
        return sweep_points(*how, timeouts_s=(60,), capacities=(5,), advise=False, engine="reference", jobs=jobs)

    assert swept_by(2) == swept_by(1)


def test_processes_need_files():
    with pytest.raises(ConfigError, match="traffic must be files to be replayed by several processes"):
        swept(flow(1, 0, 1, 2), jobs=2)


def test_a_timeout_is_within_the_profile_s_bounds():
    with pytest.raises(SgsimError, match=r"tcp_established_s must be 60\.\.432000 seconds, got 59"):
        swept(flow(1, 0, 1, 2), timeouts_s=(59,))
