"""The same findings as text, JSON, SARIF and GitHub's workflow commands."""

import json
from datetime import date
from pathlib import Path

import pytest
from attrs import evolve
from builders import group, interface, inventory, rule
from jsonschema import Draft202012Validator

from sgsim.analysis.baseline import accept_all, judge
from sgsim.analysis.finding import KINDS
from sgsim.analysis.lint import lint
from sgsim.data import read_schema
from sgsim.report.github import github_lines
from sgsim.report.lint_json import lint_json
from sgsim.report.lint_text import lint_sections, note_on_places
from sgsim.report.markdown import markdown
from sgsim.report.sarif import sarif_document
from sgsim.report.sentences import peaks_note
from sgsim.report.summary_text import plain_text, text_lines

RULES = (
    rule("tcp 22 from 0.0.0.0/0", place="line 4, column 9"),
    rule("tcp 80 from pl-1", place="SecurityGroups[0].IpPermissions[1].PrefixListIds[0]"),
    rule("all to 0.0.0.0/0"),
)
KNOWN = inventory(group(*RULES, origin="rules/a b.yaml"), interface(public_addresses=("203.0.113.1",)))
LINT = lint(KNOWN)
DAY = date(2027, 1, 1)
JUDGED = judge(LINT.findings, (), DAY)
ACCEPTED = judge(LINT.findings, accept_all(LINT.findings[:1], "planned"), DAY)


def test_text_has_the_worst_first_with_place_and_fix():
    lines = plain_text(text_lines(lint_sections(LINT, JUDGED))).splitlines()
    assert lines[:3] == ["Looked at", "  rules  3 rules of 1 group, 1 interface", "  found  1 error, 1 warning"]
    assert lines[4:8] == [
        "error: Administration port open to the Internet [open-admin-port]",
        "  rules/a b.yaml, line 4, column 9  sg-web  tcp 22 from 0.0.0.0/0",
        "                                      the Internet may reach port 22 (SSH) of eni-a",
        "  Narrow the peer to the addresses that need it, or to a group.",
    ]


def test_text_has_a_long_place_on_a_line_of_its_own():
    place = "SecurityGroups[0].IpPermissions[0].IpRanges[0].CidrIp"
    known = inventory(
        group(rule("tcp 22 from 0.0.0.0/0", place=place), origin="groups.json"),
        interface(public_addresses=("203.0.113.1",)),
    )
    found = lint(known)
    lines = plain_text(text_lines(lint_sections(found, judge(found.findings, (), DAY)))).splitlines()
    assert lines[4:9] == [
        "error: Administration port open to the Internet [open-admin-port]",
        f"  groups.json, {place}",
        "    sg-web  tcp 22 from 0.0.0.0/0",
        "      the Internet may reach port 22 (SSH) of eni-a",
        "  Narrow the peer to the addresses that need it, or to a group.",
    ]


@pytest.mark.parametrize(
    ("origin", "folder", "shown"),
    [
        ("/srv/net/rules.yaml", "/srv/net", "rules.yaml"),
        ("/srv/net/rules.yaml", "/srv/net/dev", "../rules.yaml"),
        ("/a/rules.yaml", "/srv/net/dev/more/still", "/a/rules.yaml"),
        ("net/rules.yaml", "/work", "net/rules.yaml"),
        ("/srv/net/rules.yaml", None, "/srv/net/rules.yaml"),
    ],
)
def test_files_are_named_from_where_the_reader_is(origin, folder, shown):
    known = inventory(group("tcp 22 from pl-1", origin=origin))
    found = lint(known)
    sections = lint_sections(found, judge(found.findings, (), DAY), folder=None if folder is None else Path(folder))
    assert f"  {shown}  sg-web" in plain_text(text_lines(sections))


def test_text_names_what_is_accepted():
    text = plain_text(text_lines(lint_sections(LINT, ACCEPTED)))
    assert "  open-admin-port  sg-web tcp 22 from 0.0.0.0/0  planned" in text
    assert "  accepted  1, by the baseline" in text


@pytest.mark.parametrize("judged", [JUDGED, ACCEPTED])
def test_json_is_as_the_schema_says(judged):
    schema = Draft202012Validator(read_schema("lint"))
    document = json.loads(lint_json(LINT, judged))
    schema.validate(document)
    assert not schema.is_valid(document | {"more": 1})
    assert len(document["findings"]) + len(document["accepted"]) == len(LINT.findings)


def test_sarif_has_rules_results_places_and_fingerprints():
    (run,) = sarif_document(ACCEPTED)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == [kind.id for kind in KINDS]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["partialFingerprints"]["sgsim/v1"]
    warning, error = run["results"]
    assert error["suppressions"] == [{"kind": "external", "justification": "planned"}]
    assert error["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "rules/a%20b.yaml"},
                "region": {"startLine": 4, "startColumn": 9},
            },
            "logicalLocations": [{"fullyQualifiedName": "sg-web:ingress:tcp:22:0.0.0.0/0"}],
        }
    ]
    assert warning["locations"] == [
        {
            "physicalLocation": {"artifactLocation": {"uri": "rules/a%20b.yaml"}},
            "logicalLocations": [{"fullyQualifiedName": "SecurityGroups[0].IpPermissions[1].PrefixListIds[0]"}],
        }
    ]


def test_github_has_one_line_for_each():
    first, second = github_lines(JUDGED.open).splitlines()
    assert first == (
        "::error file=rules/a b.yaml,title=Administration port open to the Internet [open-admin-port],line=4,col=9::"
        "sg-web tcp 22 from 0.0.0.0/0: the Internet may reach port 22 (SSH) of eni-a. "
        "Narrow the peer to the addresses that need it, or to a group."
    )
    assert second.startswith(
        "::warning file=rules/a b.yaml,title=Reference that no document resolves [unresolved-reference]::"
    )


def test_github_escapes_what_would_end_a_command():
    (line,) = github_lines([evolve(JUDGED.open[0], file="a:b,c.yaml", message="50 %\nand more")]).splitlines()
    assert "file=a%3Ab%2Cc.yaml," in line
    assert "50 %25%0Aand more" in line


def test_places_of_a_log_without_flags_are_said_to_be_bounds():
    """In each form that shows a finding with places, in the words of other commands; nowhere else."""
    finding = evolve(LINT.findings[0], id="forces-tracking", saved_entries=7)
    blind = evolve(LINT, findings=(finding,), tcp=8, tcp_without_flags=8)
    note = peaks_note(8, 8) or ""
    assert note
    for accepted in ((), accept_all([finding], "planned")):
        judged = judge(blind.findings, accepted, DAY)
        assert json.loads(lint_json(blind, judged))["peaks_note"] == note
        text = " ".join(plain_text(text_lines(lint_sections(blind, judged))).split())
        assert (f"[forces-tracking] {note} rules/a b.yaml" in text) == (not accepted)
        assert (note in markdown("sgsim lint", lint_sections(blind, judged, is_table=True))) == (not accepted)
        assert note_on_places(blind, judged.open) == (None if accepted else note)
    for exact in (evolve(blind, tcp_without_flags=0), evolve(blind, findings=LINT.findings)):
        judged = judge(exact.findings, (), DAY)
        assert json.loads(lint_json(exact, judged))["peaks_note"] is None
        assert "tcp-flags" not in plain_text(text_lines(lint_sections(exact, judged)))


def test_notes_on_figures_have_their_place_in_forms_for_programs():
    assert github_lines([], ["peaks are bounds"]) == "::notice title=sgsim lint::peaks are bounds\n"
    (invocation,) = sarif_document(JUDGED, ["peaks are bounds"])["runs"][0]["invocations"]
    assert invocation["toolExecutionNotifications"] == [{"level": "note", "message": {"text": "peaks are bounds"}}]
    assert "invocations" not in sarif_document(JUDGED)["runs"][0]
