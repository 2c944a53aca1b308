"""`sgsim search` as a user meets it."""

import json
from importlib.resources import files

import jsonschema
import pytest

RULES = """
groups:
  sg-web: {name: web, ingress: [{protocol: tcp, ports: 443, from: 0.0.0.0/0}], egress: [{protocol: all, to: 0.0.0.0/0}]}
  sg-db: {ingress: [{protocol: tcp, ports: 5432, from: sg-web, id: sgr-9}]}
interfaces:
  eni-web: {addresses: 10.0.1.5, groups: sg-web}
  eni-db: {addresses: 10.0.2.9, groups: sg-db}
"""
SCHEMA = json.loads((files("sgsim.data") / "schemas" / "search.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def search(sgsim, here):
    (here / "rules.yaml").write_text(RULES, encoding="utf-8")
    return lambda *args: sgsim("search", "-r", "rules.yaml", *args)


def test_a_packet_is_shown_with_both_rules_and_its_command(search, golden, sgsim):
    result = search("--to", "sg-db")
    assert result.exit_code == 0
    golden("search.txt", result.stdout)
    assert "\n  sgsim check -r rules.yaml 'tcp 10.0.1.5:40000 -> 10.0.2.9:5432'\n" in result.stdout
    assert sgsim("check", "-r", "rules.yaml", "tcp 10.0.1.5:40000 -> 10.0.2.9:5432").stdout in result.stdout


def test_none_is_said_with_its_proof(search):
    result = search("--to", "sg-db", "--from-not", "web,10.9.0.0/16", "--proto", "tcp", "--dport", "1-65535")
    assert (result.exit_code, result.stdout) == (
        0, "none: no such packet is allowed, proved over 1 pair of sender and receiver\n"
    )  # fmt: skip


def test_expectations_decide_the_exit_code(search):
    assert search("--to", "sg-db", "--expect", "some").exit_code == 0
    result = search("--to", "sg-db", "--expect", "none")
    assert (result.exit_code, result.stderr) == (1, "sgsim: expected none, got some\n")
    assert search("--to", "sg-db", "--dport", "22", "--expect", "none").exit_code == 0


def test_json_is_what_the_schema_says(search):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = json.loads(search("--from", "eni-web", "--to", "eni-db", "--action", "deny", "--format", "json").stdout)
    jsonschema.validate(found, SCHEMA)
    assert (found["found"], found["check"]["verdict"], found["action"]) == (True, "deny", "deny")
    none = json.loads(search("--to", "sg-db", "--dport", "22", "--format", "json").stdout)
    jsonschema.validate(none, SCHEMA)
    assert (none["found"], none["check"], none["command"], none["pairs"]) == (False, None, None, 2)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--to", "sg-no"), "got 'sg-no'; known are eni-web, eni-db, sg-web, sg-db"),
        (("--dport", "x"), "got 'x'"),
        (("--action", "drop"), "drop"),
    ],
)
def test_bad_input_is_refused(refused, here, args, expected):
    (here / "rules.yaml").write_text(RULES, encoding="utf-8")
    assert expected in refused("search", "-r", "rules.yaml", *args)
