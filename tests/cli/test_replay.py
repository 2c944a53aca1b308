import csv
import json
from pathlib import Path

import polars as pl
import pytest
from cli.web_traffic import ANSWER, DENIED, OPENING, capture

from sgsim.data import demo_path

COLUMNS = [
    "packet",
    "file",
    "time_ns",
    "interface_id",
    "direction",
    "protocol",
    "src_addr",
    "src_port",
    "dst_addr",
    "dst_port",
    "length_bytes",
    "verdict",
    "reason",
    "state",
    "tcp_state",
    "opener",
    "rule_id",
    "group_id",
    "flow",
]


def test_summary(sgsim, web):
    result = sgsim("replay", *web, "web.pcap")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "Replayed",
        "  traffic   web.pcap",
        "  time      1970-01-01T00:00:01.000000Z to 1970-01-01T00:00:03.000000Z (2.000 s)",
    ]
    assert "  deny   no_rule            1  No rule of the interface's groups admits it in this direction." in lines
    assert "    no_rule      sgsim explain -r rules.json --interface 192.0.2.10=sg-web --packet 3 web.pcap" in lines
    assert all(len(line) <= 100 for line in lines)
    assert "\x1b" not in result.stdout


def test_the_same_bytes_each_time(sgsim, web):
    assert sgsim("replay", *web, "web.pcap").stdout == sgsim("replay", *web, "web.pcap").stdout


def test_no_capacity_no_headroom(sgsim, web):
    without = sgsim("replay", *web, "web.pcap").stdout
    assert "headroom" not in without
    assert "conntrack_allowance" not in without
    given = sgsim("replay", *web, "--capacity", 4, "web.pcap").stdout
    assert "headroom                       3 places free at the peak, 75% of the capacity" in given
    assert "conntrack_allowance_available  3 at the end" in given
    assert "conntrack_allowance_exceeded   0 packets refused" in given


def test_decisions_on_stdout_are_json_lines_in_the_order_of_the_capture(sgsim, web):
    result = sgsim("replay", *web, "--decisions", "-", "web.pcap")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [list(row) for row in rows] == [COLUMNS] * 3
    assert [(row["packet"], row["verdict"], row["reason"]) for row in rows] == [
        (1, "allow", "rule"),
        (2, "allow", "established"),
        (3, "deny", "no_rule"),
    ]
    assert result.stderr.startswith("Replayed\n")


def test_one_line_for_each_packet_and_interface(sgsim, web):
    two = (*web, "--interface", "198.51.100.7=sg-open")
    result = sgsim("replay", *two, "--decisions", "-", "--quiet", "web.pcap")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["packet"], row["interface_id"], row["direction"]) for row in rows] == [
        (1, "198.51.100.7", "egress"),
        (1, "192.0.2.10", "ingress"),
        (2, "192.0.2.10", "egress"),
        (2, "198.51.100.7", "ingress"),
        (3, "192.0.2.10", "ingress"),
    ]
    assert result.stderr == ""


def test_files_of_all_forms_say_the_same(sgsim, web):
    names = ["rows.jsonl", "rows.csv", "rows.parquet"]
    options = [word for name in names for word in ("--decisions", name)]
    assert sgsim("replay", *web, *options, "--flows", "flows.csv", "--quiet", "web.pcap").output == ""
    lines = [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]
    assert pl.read_parquet("rows.parquet").to_dicts() == lines
    with Path("rows.csv").open(newline="") as stream:
        read = list(csv.DictReader(stream))
    assert read == [{key: "" if value is None else str(value) for key, value in line.items()} for line in lines]
    with Path("flows.csv").open(newline="") as stream:
        assert [row["tracking"] for row in csv.DictReader(stream)] == ["tracked", "refused"]


def test_show(sgsim, web):
    result = sgsim("replay", *web, "--show", 2, "--quiet", "web.pcap")
    assert result.stdout.splitlines() == [
        (
            f"     1  00:00:01.000000  192.0.2.10 in   {OPENING}, length 54: "
            "allow rule (new), tcp 443 from 198.51.100.0/24 (sg-web)"
        ),
        (
            f"     2  00:00:02.000000  192.0.2.10 out  {ANSWER}, length 54: "
            "allow established, tcp 443 from 198.51.100.0/24 (sg-web)"
        ),
    ]


def test_shown_lines_stay_out_of_data(sgsim, web):
    result = sgsim("replay", *web, "--show", 1, "--format", "json", "web.pcap")
    assert json.loads(result.stdout)["packets"]["read"] == 3
    assert OPENING in result.stderr


def test_quiet(sgsim, web):
    result = sgsim("replay", *web, "-q", "web.pcap")
    assert (result.exit_code, result.output) == (0, "")


def test_standard_input(sgsim, web):
    result = sgsim("replay", *web, "-", stdin=Path("web.pcap").read_bytes())
    assert "3 read = 3 judged + 0 skipped" in result.stdout
    assert "sgsim explain" not in result.stdout  # what was piped in cannot be read again


def test_a_file_bound_to_an_interface(sgsim, web):
    result = sgsim("replay", *web, "--interface", "198.51.100.7=sg-open", "--decisions", "-", "192.0.2.10=web.pcap")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["interface_id"] for row in rows] == ["192.0.2.10"] * 3
    assert "--packet 3 192.0.2.10=web.pcap" in result.stderr


def test_several_files_are_merged_by_time(sgsim, web):
    Path("a.pcap").write_bytes(capture(OPENING, DENIED, times_s=(1, 3)))
    Path("b.pcap").write_bytes(capture(ANSWER, times_s=(2,)))
    result = sgsim("replay", *web, "--decisions", "-", "a.pcap", "b.pcap")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["file"], row["packet"], row["verdict"]) for row in rows] == [
        ("a.pcap", 1, "allow"),
        ("b.pcap", 1, "allow"),
        ("a.pcap", 2, "deny"),
    ]
    assert "traffic, merged  a.pcap, b.pcap" in result.stderr
    assert "--packet b.pcap:1 a.pcap b.pcap" in result.stderr


def test_the_explain_commands_of_the_summary_work(sgsim, web):
    Path("a.pcap").write_bytes(capture(OPENING, DENIED, times_s=(1, 3)))
    Path("b.pcap").write_bytes(capture(ANSWER, times_s=(2,)))
    document = json.loads(sgsim("replay", *web, "--format", "json", "a.pcap", "b.pcap").stdout)
    for reason in document["reasons"]:
        result = sgsim(*reason["explain"].split()[1:])
        assert result.exit_code == 0, result.output
        assert reason["reason"] in result.stdout


def test_words_that_need_quotes_have_them(sgsim, web):
    Path("my capture.pcap").write_bytes(capture(OPENING))
    assert "--packet 1 'my capture.pcap'" in sgsim("replay", *web, "my capture.pcap").stdout


def test_a_change_on_the_way(sgsim, web):
    """From it on nothing new opens; what is tracked goes on."""
    Path("closed.json").write_text(json.dumps({"groups": {"sg-web": {"name": "web", "ingress": []}}}))
    other = OPENING.replace("40000", "40001")
    Path("long.pcap").write_bytes(capture(OPENING, ANSWER, other, ANSWER))
    result = sgsim("replay", *web, "--change", "2=closed.json", "--decisions", "-", "long.pcap")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["verdict"] for row in rows] == ["allow", "allow", "deny", "allow"]
    assert "  change    2=closed.json: +2.000 s\n" in result.stderr


def test_a_change_that_never_came(sgsim, web):
    Path("closed.json").write_text(json.dumps({"groups": {"sg-web": {"name": "web", "ingress": []}}}))
    result = sgsim("replay", *web, "--change", "60=closed.json", "web.pcap")
    assert "  change    60=closed.json: never: the traffic ended before\n" in result.stdout


@pytest.mark.parametrize("ending", ["json", "md", "html"])
def test_reports(sgsim, web, ending):
    assert sgsim("replay", *web, "--quiet", "--report", f"out.{ending}", "web.pcap").output == ""
    assert "192.0.2.10" in Path(f"out.{ending}").read_text(encoding="utf-8")


@pytest.mark.usefixtures("web")
def test_an_unread_reference_is_a_line_of_the_summary(sgsim):
    rules = {"groups": {"sg-web": {"ingress": [{"protocol": "tcp", "ports": 443, "from": "sg-elsewhere"}]}}}
    Path("lost.json").write_text(json.dumps(rules))
    lost = ("-r", "lost.json", "--interface", "192.0.2.10=sg-web")
    refused = sgsim("replay", *lost, "web.pcap")
    assert refused.exit_code == 2
    assert "--members sg-elsewhere=" in refused.stderr
    allowed = sgsim("replay", *lost, "--allow-unresolved", "web.pcap")
    assert "1 denied packet might have been admitted by sg-web:ingress:tcp:443:sg-elsewhere" in " ".join(
        allowed.stdout.split()
    )


def test_late_packets_are_counted(sgsim, web):
    Path("late.pcap").write_bytes(capture(OPENING, ANSWER, ANSWER, times_s=(1, 3, 2.5)))
    text = " ".join(sgsim("replay", *web, "late.pcap").stdout.split())
    assert "1 packet was earlier than one before, by up to 500 ms, and judged at its predecessor's time." in text


def test_the_demo_by_hand(sgsim):
    result = sgsim("replay", "-r", demo_path("groups.json").parent, "--capacity", 8, demo_path("demo.pcap"))
    assert "conntrack_allowance_exceeded   10 packets refused" in result.stdout
