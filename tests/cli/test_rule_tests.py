"""`sgsim test` as a user meets it."""

import json
from importlib.resources import files
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from cli.test_search import RULES  # isort: skip

TESTS = """
rules: rules.yaml
allow:
  - tcp 198.51.100.7 -> 10.0.1.5:443
  - {packet: tcp 10.0.1.5 -> 10.0.2.9:5432, name: web reaches db, rule: sgr-9, state: new}
deny:
  - tcp 198.51.100.7 -> 10.0.1.5:22
invariants:
  - {name: only web reaches db, never: {to: sg-db, from_not: web}}
  - {name: the site is open, always: {to: web, from_not: sg-db, proto: tcp, dport: 443}}
  - {name: no ping, never: {to: web, proto: icmp, icmp_type: 8, icmp_code: 0}}
"""
FAILING = """
rules: rules.yaml
allow:
  - tcp 198.51.100.7 -> 10.0.1.5:22
  - {packet: tcp 10.0.1.5 -> 10.0.2.9:5432, rule: sgr-1, state: untracked}
invariants:
  - {name: nobody reaches db, never: {to: [eni-db], dport: [22, 5000-6000]}}
  - {name: everybody reaches the site, always: {to: web, dport: 443, proto: tcp}}
"""
SCHEMA = json.loads((files("sgsim.data") / "schemas" / "test.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def folder(here):
    (here / "net").mkdir()
    for name, text in (("rules.yaml", RULES), ("tests.yaml", TESTS), ("failing.yaml", FAILING)):
        (here / "net" / name).write_text(text, encoding="utf-8")
    return here


@pytest.mark.usefixtures("folder")
def test_what_passes_is_counted(sgsim):
    result = sgsim("test", "net/tests.yaml")
    assert (result.exit_code, result.stdout) == (0, "6 tests (3 packets, 3 invariants): 6 passed, 0 failed\n")
    named = sgsim("test", "--all", "net/tests.yaml").stdout.splitlines()
    assert named[1] == "pass  web reaches db"
    assert named[3] == "pass  only web reaches db  (proved over 1 pair)"


@pytest.mark.usefixtures("folder")
def test_what_fails_is_shown_with_its_packet(sgsim, golden):
    result = sgsim("test", "net/tests.yaml", "net/failing.yaml")
    assert result.exit_code == 1
    golden("rule-tests.txt", result.stdout)


@pytest.mark.usefixtures("folder")
def test_json_is_what_the_schema_says(sgsim):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(sgsim("test", "--format", "json", "net/tests.yaml", "net/failing.yaml").stdout)
    jsonschema.validate(document, SCHEMA)
    assert (document["passed"], document["failed"]) == (6, 4)
    assert document["tests"][1]["rules"] == ["sg-web:egress:all:all:0.0.0.0/0", "sgr-9"]


@pytest.mark.usefixtures("folder")
def test_junit_has_a_suite_for_each_file(sgsim):
    result = sgsim("test", "--format", "junit", "net/tests.yaml", "net/failing.yaml")
    assert result.exit_code == 1
    root = ET.fromstring(result.stdout.split("?>", 1)[1])  # noqa: S314  # made here
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("net/tests.yaml", "6", "0"), ("net/failing.yaml", "4", "4"),
    ]  # fmt: skip


def test_invariants_say_that_network_acls_are_not_looked_at(sgsim, folder):
    """But where there is no invariant or no network ACL, there is nothing to say."""
    acls = RULES + "network_acls: {acl-1: {subnets: subnet-1}}\n"
    (folder / "net" / "rules.yaml").write_text(acls, encoding="utf-8")
    note = "Invariants are about groups alone. Network ACLs are known too; they were not looked at, and may deny more."
    assert f"note  net/tests.yaml: {note}\n" in sgsim("test", "net/tests.yaml").stdout
    document = json.loads(sgsim("test", "--format", "json", "net/tests.yaml").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["notes"] == [{"file": "net/tests.yaml", "text": note}]
    junit = sgsim("test", "--format", "junit", "net/tests.yaml").stdout
    assert f"<system-out>{note}</system-out>" in junit
    (folder / "bare.yaml").write_text(
        "rules: net/rules.yaml\ndeny: ['tcp 10.0.2.9 -> 10.0.1.5:443']\n", encoding="utf-8"
    )
    assert "note" not in sgsim("test", "bare.yaml").stdout


@pytest.mark.usefixtures("folder")
def test_rules_may_come_from_the_command_line(sgsim, folder):
    (folder / "bare.yaml").write_text("deny: ['tcp 10.0.2.9 -> 10.0.1.5:443']\n", encoding="utf-8")
    assert sgsim("test", "-r", "net/rules.yaml", "bare.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "file of tests must have allow, deny or invariants, got none of them"),
        ("permit: []", "key must be one of rules, allow, deny, invariants, got 'permit'"),
        ("allow: [{name: x}]", "must have packet, got only name"),
        ("allow: [{packet: p, state: open}]", "state must be one of new, established"),
        ("invariants: [{name: x}]", "invariant must have never or always, got neither"),
        ("invariants: [{name: x, never: {}}]", "question must say which packets are meant, got nothing"),
        ("invariants: [{name: x, never: {port: 22}}]", "key must be one of from, from_not"),
        ("{rules: net/rules.yaml, allow: [tcp 10.0.0.1]}", "line 1, column 33: packet must be PROTOCOL SOURCE"),
        ("{rules: net/rules.yaml, invariants: [{name: x, never: {to: nobody}}]}", "column 38: end must be any"),
        ("allow: ['tcp 1.1.1.1 -> 10.0.1.5:22']", "rules must be given by -r or by the file's own list"),
    ],
)
def test_a_wrong_file_is_refused(refused, folder, text, expected):
    (folder / "wrong.yaml").write_text(text, encoding="utf-8")
    assert expected in refused("test", "wrong.yaml")
