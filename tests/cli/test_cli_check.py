"""`sgsim check` as a user meets it."""

import json
import subprocess
import sys
from importlib.resources import files

import jsonschema
import pytest

RULES = {
    "groups": {
        "sg-web": {
            "name": "web",
            "ingress": [
                {"protocol": "tcp", "ports": 443, "from": "198.51.100.0/24", "description": "partners"},
                {"protocol": "tcp", "ports": "0-65535", "from": "198.51.100.7/32"},
            ],
        },
        "sg-open": {
            "ingress": [{"protocol": "tcp", "ports": 80, "from": "0.0.0.0/0"}],
            "egress": [{"protocol": "all", "to": "0.0.0.0/0"}],
        },
        "sg-db": {"ingress": [{"protocol": "tcp", "ports": 5432, "from": "10.0.1.0/24"}]},
        "sg-out": {"egress": [{"protocol": "udp", "ports": 53, "to": "10.0.2.9/32"}]},
    }
}
WEB = ("-r", "rules.json", "--interface", "192.0.2.10=sg-web")
OPEN = ("-r", "rules.json", "--interface", "192.0.2.20=sg-open")
DB = ("-r", "rules.json", "--interface", "192.0.2.30=sg-db")
TWO = (*DB, "--interface", "10.0.2.9=sg-out")


@pytest.fixture(autouse=True)
def _rules(tmp_path):
    (tmp_path / "rules.json").write_text(json.dumps(RULES), encoding="utf-8")


@pytest.fixture
def says(sgsim):
    """What a check prints on standard output."""

    def run(*args: object) -> str:
        result = sgsim("check", *args)
        assert (result.exit_code, result.stderr) == (0, "")
        return str(result.stdout)

    return run


def test_an_allowed_packet_has_its_rule_the_others_and_why_it_is_tracked(says):
    assert (
        says(*WEB, "tcp 198.51.100.7:50000 -> 192.0.2.10:443")
        == """\
ALLOW  tcp 198.51.100.7:50000 -> 192.0.2.10:443

192.0.2.10, inbound: ALLOW (rule, state new)
  why       A rule admits it; it opens a flow, or is of a kind that opens none.
  rule      tcp 443 from 198.51.100.0/24, "partners"
            sg-web:ingress:tcp:443:198.51.100.0/24, of sg-web (web)
  also      tcp 0-65535 from 198.51.100.7/32 [sg-web:ingress:tcp:0-65535:198.51.100.7/32, of sg-web (web)]
  tracking  tracked: no outbound rule is open to everyone (0.0.0.0/0) on all ports
"""
    )


def test_an_untracked_packet_has_both_open_rules(says):
    assert (
        says(*OPEN, "tcp 203.0.113.9:50000 -> 192.0.2.20:80")
        == """\
ALLOW  tcp 203.0.113.9:50000 -> 192.0.2.20:80

192.0.2.20, inbound: ALLOW (untracked)
  why       Rules open to everyone both ways admit it: its flow is not tracked.
  rule      tcp 80 from 0.0.0.0/0
            sg-open:ingress:tcp:80:0.0.0.0/0, of sg-open
  tracking  untracked: inbound rule 'tcp 80 from 0.0.0.0/0' and outbound rule 'all traffic to 0.0.0.0/0' are
            open to everyone, outbound on all ports, so no entry is made
"""
    )


def test_a_denied_packet_has_the_nearest_rule_and_the_field_that_failed(says):
    assert (
        says(*DB, "tcp 10.0.2.9:40000 -> 192.0.2.30:5432")
        == """\
DENY  tcp 10.0.2.9:40000 -> 192.0.2.30:5432

192.0.2.30, inbound: DENY (no_rule)
  why       No rule of the interface's groups admits it in this direction.
  nearest   tcp 5432 from 10.0.1.0/24
            sg-db:ingress:tcp:5432:10.0.1.0/24, of sg-db
            source 10.0.2.9 is not in 10.0.1.0/24
"""
    )


def test_an_exempt_packet_has_its_service(says):
    told = says(*DB, "udp 192.0.2.30:5000 -> 169.254.169.123:123")
    assert "ALLOW (exempt)" in told
    assert "  service   Amazon Time Sync\n" in told


def test_groups_without_a_rule_of_the_direction_are_told(says):
    told = says(*DB, "tcp 192.0.2.30:40000 -> 10.0.2.9:5432")
    assert "  nearest   none: sg-db has no outbound rule at all\n" in told


def test_a_packet_that_its_sender_may_not_send_does_not_come_to_its_receiver(says):
    told = says(*TWO, "tcp 10.0.2.9:40000 -> 192.0.2.30:5432")
    assert "10.0.2.9, outbound: DENY (no_rule)" in told
    assert told.endswith("\nIt is denied before it comes to 192.0.2.30, whose rules are not asked.\n")


def test_what_the_text_leaves_out_is_said(says):
    told = says(*WEB, "tcp 198.51.100.7 -> 192.0.2.10:443")
    assert told.startswith(
        "ALLOW  tcp 198.51.100.7:40000 -> 192.0.2.10:443\n      taken, as it was left out: source port 40000\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("tcp 198.51.100.7:40000 -> 192.0.2.10:443",),
        ("tcp", "198.51.100.7:40000", "to", "192.0.2.10:443"),
        ("tcp", "198.51.100.7:40000", "->", "192.0.2.10:443"),
        ("TCP 198.51.100.7:40000", "-> 192.0.2.10:443 S"),
    ],
)
def test_a_packet_may_be_several_words(says, words):
    assert says(*words, *WEB).startswith("ALLOW  tcp 198.51.100.7:40000 -> 192.0.2.10:443\n")


def test_flags_may_follow(says):
    told = says(*WEB, "tcp", "198.51.100.7:40000", "to", "192.0.2.10:443", "A")
    assert told.startswith("DENY  tcp 198.51.100.7:40000 -> 192.0.2.10:443 A\n")
    assert "DENY (midstream)" in told


@pytest.mark.parametrize(
    ("packet", "first"),
    [
        ("icmp 198.51.100.7 -> 192.0.2.20 type 8 code 0", "DENY  icmp 198.51.100.7 -> 192.0.2.20 type 8 code 0"),
        ("47 192.0.2.20 -> 198.51.100.7", "ALLOW  47 192.0.2.20 -> 198.51.100.7"),
        ("udp 192.0.2.20:5000 -> 198.51.100.7:53", "ALLOW  udp 192.0.2.20:5000 -> 198.51.100.7:53"),
        ("tcp 192.0.2.20:5000 -> 192.0.2.20:80", "SKIP  tcp 192.0.2.20:5000 -> 192.0.2.20:80"),
    ],
)
def test_every_kind_of_packet_is_taken(says, packet, first):
    assert says(*OPEN, packet).splitlines()[0] == first


@pytest.mark.parametrize(("expect", "code"), [("allow", 0), ("deny", 1)])
def test_expect_decides_about_the_exit_code(sgsim, expect, code):
    result = sgsim("check", *WEB, "tcp 198.51.100.7:40000 -> 192.0.2.10:443", "--expect", expect)
    assert result.exit_code == code
    assert result.stdout.startswith("ALLOW")
    assert result.stderr == ("" if code == 0 else "sgsim: expected deny, got allow\n")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            (*WEB, "tcp", "198.51.100.7", "-"),
            "packet must be quoted, got 'tcp 198.51.100.7 -': the shell has taken '>' as a redirection; or write 'to'",
        ),
        ((*WEB, "tcp 198.51.100.7 -> 192.0.2.10:70000"), "port must be 0..65535, got 70000"),
        ((*WEB, "tcp 198.51.100.7 -> 192.0.2.10"), "destination must have a port"),
        (("tcp 198.51.100.7 -> 192.0.2.10:443",), "rules must be given as at least one file or directory, got none"),
        (
            (*WEB, "tcp 198.51.100.7 -> 192.0.2.11:443"),
            "packet must go to or come from a known interface, got tcp 198.51.100.7:40000 -> 192.0.2.11:443 S; known are 192.0.2.10 (192.0.2.10)",
        ),
        (
            ("-r", "rules.json", "tcp 198.51.100.7 -> 192.0.2.11:443"),
            "packet must go to or come from a known interface, got tcp 198.51.100.7:40000 -> 192.0.2.11:443 S; known are none: add --interface ADDRESS=GROUP",
        ),
        (
            (*WEB, "--expect", "maybe", "tcp 198.51.100.7 -> 192.0.2.11:443"),
            "--expect must be one of allow, deny, got 'maybe'",
        ),
        (WEB, "missing argument 'PACKET"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_one_line(refused, args, line):
    assert refused("check", *args).startswith(line)


@pytest.mark.parametrize(
    ("options", "packet"),
    [
        (WEB, "tcp 198.51.100.7 -> 192.0.2.10:443"),
        (OPEN, "tcp 198.51.100.7:1 -> 192.0.2.20:80"),
        (DB, "icmp 198.51.100.7 -> 192.0.2.30 type 3 code 4"),
        (TWO, "tcp 10.0.2.9:40000 -> 192.0.2.30:5432"),
        (OPEN, "tcp 192.0.2.20:5000 -> 192.0.2.20:80"),
    ],
)
def test_json_is_what_the_schema_says(says, options, packet):
    document = json.loads(says(*options, packet, "--format", "json"))
    schema = json.loads((files("sgsim.data") / "schemas" / "check.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)


def test_json_has_what_the_text_has(says):
    document = json.loads(says(*DB, "tcp 10.0.2.9 -> 192.0.2.30:5432", "--format", "json"))
    (decision,) = document["decisions"]
    assert (document["verdict"], document["reason"], document["assumed"]) == ("deny", "no_rule", ["source port 40000"])
    assert (document["tool"], document["profile"]) == ("sgsim", "aws-nitro")
    (near,) = decision["nearest"]
    assert near["misses"] == [
        {
            "field": "peer",
            "packet": "10.0.2.9",
            "rule": "10.0.1.0/24",
            "sentence": "source 10.0.2.9 is not in 10.0.1.0/24",
        }
    ]
    assert decision["smallest_rule"]["text"] == "tcp 5432 from 10.0.2.9/32"


@pytest.mark.parametrize("command", ["check", "explain"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_heavy_is_imported(tmp_path, command, form):
    """So that it answers in less than 0.3 s."""
    code = f"""
import sys
from sgsim.cli.main import commands
commands(["{command}", *{WEB!r}, "--format", "{form}", "tcp 198.51.100.7 -> 192.0.2.10:443"], standalone_mode=False)
print(sorted({{"numpy", "polars", "scapy", "numba", "yaml", "rich"}} & set(sys.modules)), file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert result.stderr == "[]\n"
