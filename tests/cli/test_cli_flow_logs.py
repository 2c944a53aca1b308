"""Flow logs on the command line: what is printed, in every form, and what is refused."""

import json

import jsonschema
import pytest
from cli.web_traffic import OPENING, capture
from simulation.flow_log_texts import log, record

from sgsim.data import read_schema

RULES = {
    "groups": {"sg-web": {"ingress": [{"protocol": "tcp", "ports": 443, "from": "0.0.0.0/0"}]}},
    "interfaces": {"eni-a": {"addresses": "10.0.0.5", "groups": "sg-web"}},
}
LINES = (
    record("198.51.100.7:40000 10.0.0.5:443", flags=2, action="REJECT"),
    record("198.51.100.8:40000 10.0.0.5:22", flags=2),
    record("198.51.100.9:40000 10.0.0.5:443", flags=2),
    record("198.51.100.9:40000 10.0.0.5:443", flags=2, eni="eni-z"),
    "bogus",
)


@pytest.fixture
def logged(here):
    (here / "rules.yaml").write_text(json.dumps(RULES), encoding="utf-8")
    (here / "flows.log").write_text(log(*LINES), encoding="utf-8")
    return ("-r", "rules.yaml")


def test_the_summary_speaks_of_records(sgsim, logged):
    text = sgsim("replay", *logged, "flows.log").output
    for line in (
        "records   5 read = 3 judged + 2 skipped",
        "agreement  33.33% of records, 33.33% of packets, 33.33% of bytes",
        "Not compared: 1 malformed, 1 no_interface.",
        "network_acl                       0                       1  A network ACL may have refused it",
        "rules                             1                       0  No rule at hand admits",
        "network_acl  sgsim explain -r rules.yaml --packet 2 flows.log",
        "flows.log, line 6  line must have 16 fields, got 1",
        "whose records were skipped: eni-z (1 record).",
        "who opened a flow  3 flows by a SYN or SYN-ACK in tcp-flags (high confidence)",
    ):
        assert line in text


def test_json_is_as_its_schema_says(sgsim, logged):
    document = json.loads(sgsim("replay", *logged, "--format", "json", "flows.log").stdout)
    jsonschema.validate(document, read_schema("replay-summary"))
    agreement = document["records"]["agreement"]
    assert (agreement["compared"]["records"], agreement["agreed"]["records"]) == (3, 1)
    assert [2, 3] == sorted(group["first"]["number"] for group in agreement["disagreements"])
    assert agreement["causes"][0]["sentence"]


@pytest.mark.parametrize("report", ["report.md", "report.html"])
def test_reports_have_the_agreement(sgsim, here, logged, report):
    sgsim("replay", *logged, "--quiet", "--report", report, "flows.log")
    text = (here / report).read_text(encoding="utf-8")
    assert "Agreement with the log" in text
    assert "33.33% of records" in text


def test_tables_have_one_row_for_each_record(sgsim, logged):
    rows = sgsim("replay", *logged, "--quiet", "--decisions", "-", "flows.log").stdout.splitlines()
    assert [2, 3, 4, 5, 6] == sorted(json.loads(row)["packet"] for row in rows)


def test_a_record_is_explained_by_its_line(sgsim, logged):
    text = sgsim("explain", *logged, "--packet", 3, "flows.log").stdout
    assert text.startswith("DENY  tcp 198.51.100.8:40000 -> 10.0.0.5:22\n")


def test_a_log_from_standard_input(sgsim, logged, here):
    text = sgsim("replay", *logged, "-", stdin=(here / "flows.log").read_bytes()).output
    assert "records   5 read = 3 judged + 2 skipped" in text


def test_a_folder_and_a_file_in_it(sgsim, logged, here):
    (here / "logs").mkdir()
    for name in ("a.log", "b.log"):
        (here / "logs" / name).write_text(log(*LINES[:3]), encoding="utf-8")
    text = sgsim("replay", *logged, "logs").output
    assert "sgsim explain -r rules.yaml --packet logs/a.log:2 logs" in text
    assert sgsim("explain", *logged, "--packet", "logs/b.log:3", "logs").stdout.startswith("DENY")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("--log-format", "${srcadr}", "flows.log"), "--log-format: log format must name fields of VPC flow logs, got 'srcadr'"),
        (("--log-format", "default", "flows.log"), "flows.log, line 1: header must be that of --log-format, 'version account-id"),
        (("flows.log", "some.pcap"), "traffic must be captures or flow logs, not both in one run"),
        (("empty",), "folder must hold captures or flow logs, got none in 'empty'"),
        (("broken.log",), "broken.log, line 1: flow log must have a line that can be read, got none: start must be a number"),
        (("tgw.log",), "tgw.log, line 1: log format must be one of VPC flow logs, got 'tgw-id'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_one_line(refused, logged, here, args, line):
    (here / "some.pcap").write_bytes(capture(OPENING))
    (here / "empty").mkdir()
    (here / "broken.log").write_text("2 1 eni-a 10.0.0.9 10.0.0.5 1 2 6 1 1 x 2 ACCEPT OK\n", encoding="utf-8")
    (here / "tgw.log").write_text("version srcaddr dstaddr protocol start end tgw-id\n", encoding="utf-8")
    assert refused("replay", *logged, *args).startswith(line)


def test_a_log_that_breaks_off_is_replayed_as_far_as_it_goes(sgsim, logged, here):
    import gzip  # noqa: PLC0415  # for this test alone

    whole = gzip.compress(log(*LINES * 500).encode(), 1)
    (here / "cut.log.gz").write_bytes(whole[:-200])
    result = sgsim("replay", *logged, "cut.log.gz")
    assert result.exit_code == 2
    assert "gzip data must be whole" in result.stderr
    assert "records" in result.stdout


def test_an_interface_that_a_change_brings_is_told_with_its_time(sgsim, here):
    """Its record before is skipped, and can be explained."""
    group = "groups: {sg-web: {ingress: [{protocol: tcp, ports: 443, from: 0.0.0.0/0}]}}\n"
    (here / "one.yaml").write_text(group + "interfaces: {eni-a: {addresses: 10.0.0.5, groups: sg-web}}\n")
    (here / "new.yaml").write_text("interfaces: {eni-b: {addresses: 10.0.0.6, groups: sg-web}}\n")
    flows = [
        record("198.51.100.7:40000 10.0.0.5:443", flags=2),
        record("198.51.100.7:40001 10.0.0.6:443", flags=2, start=30, eni="eni-b", length=20),
        record("198.51.100.7:40002 10.0.0.6:443", flags=2, start=60, eni="eni-b"),
    ]
    (here / "flows.log").write_text(log(*flows))
    given = ("-r", "one.yaml", "--change", "60=new.yaml")
    told = sgsim("replay", *given, "flows.log").stdout
    assert "3 read = 2 judged + 1 skipped" in told
    assert "Interfaces that no document describes at the time, whose records were skipped: eni-b (1 record)." in told
    before, after = (sgsim("explain", *given, "--packet", number, "flows.log").stdout for number in (3, 4))
    assert before.startswith("SKIP  a record of an interface that is not known\n")
    assert "the record on line 4 of flows.log, 60 s after the first" in after
    assert "eni-b, inbound: ALLOW (rule, state new)" in after


def test_a_diff_says_that_peaks_of_a_log_without_flags_are_bounds(sgsim, here):
    rules = "groups: {{sg-web: {{ingress: [{{protocol: tcp, ports: {}, from: 0.0.0.0/0}}]}}}}\n"
    interfaces = "interfaces: {eni-a: {addresses: 10.0.0.5, groups: sg-web}}\n"
    for name, port in (("old.yaml", 443), ("new.yaml", 444)):
        (here / name).write_text(rules.format(port) + interfaces)
    flow = "198.51.100.7:40000 10.0.0.5:443"
    for flags, is_told in (("-", True), (2, False)):
        (here / "flows.log").write_text(log(record(flow, flags=flags)))
        text = sgsim("diff", "old.yaml", "new.yaml", "-t", "flows.log").stdout
        assert ("Tracking tables\n  No TCP record tells its tcp-flags" in text) == is_told
        document = json.loads(sgsim("diff", "old.yaml", "new.yaml", "-t", "flows.log", "--format", "json").stdout)
        jsonschema.validate(document, read_schema("diff"))
        assert (document["traffic"]["peaks_note"] is not None) == is_told


def test_lint_says_that_places_of_a_log_without_flags_are_bounds(sgsim, here):
    (here / "rules.yaml").write_text(
        "groups: {sg-web: {ingress: [{protocol: tcp, ports: 443, from: 0.0.0.0/0}]}}\n"
        "interfaces: {eni-a: {addresses: 10.0.0.5, groups: sg-web}}\n"
    )
    for flags, is_told in (("-", True), (2, False)):
        (here / "flows.log").write_text(log(record("198.51.100.7:40000 10.0.0.5:443", flags=flags)))
        asked = ("lint", "-r", "rules.yaml", "-t", "flows.log", "--format")
        for form in ("text", "markdown", "github", "sarif"):
            assert ("No TCP record tells its tcp-flags" in sgsim(*asked, form).stdout) == is_told
        document = json.loads(sgsim(*asked, "json").stdout)
        jsonschema.validate(document, read_schema("lint"))
        assert (document["peaks_note"] is not None) == is_told
