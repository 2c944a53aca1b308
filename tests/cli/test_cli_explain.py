"""`sgsim explain` as a user meets it."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from cli.web_traffic import ANSWER, DENIED, capture

from sgsim.conntrack.profile import PROFILES

ANSWER_TO_DENIED = "tcp 192.0.2.10:22 -> 203.0.113.9:50000 RA"


@pytest.fixture
def says(sgsim):
    """What an explanation prints on standard output."""

    def run(*args: object) -> str:
        result = sgsim("explain", *args)
        assert (result.exit_code, result.stderr) == (0, "")
        return str(result.stdout)

    return run


def test_a_packet_is_explained_as_the_first_of_its_flow(says, web):
    told = says(*web, "tcp 203.0.113.9 -> 192.0.2.10:443")
    assert told.startswith(
        "DENY  tcp 203.0.113.9:40000 -> 192.0.2.10:443\n      taken, as it was left out: source port 40000\n"
    )
    assert "source 203.0.113.9 is not in 198.51.100.0/24" in told
    assert "The smallest rule that would let it pass here: inbound, tcp 443 from 203.0.113.9/32." in told


def test_a_packet_may_be_several_words(says, web):
    assert says(*web, "tcp", "198.51.100.7", "to", "192.0.2.10:443").startswith("ALLOW  tcp 198.51.100.7:40000")


def test_a_recorded_packet_is_explained_past_the_table_of_its_time(says, web):
    told = says(*web, "--packet", 2, "web.pcap")
    assert told.startswith(f"ALLOW  {ANSWER}\n      packet 2 of web.pcap, 1 s after the first\n")
    assert "moves it from SYN_SENT to SYN_RECV" in " ".join(told.split())


def test_recorded_traffic_is_understood_as_in_a_replay(says, web):
    Path("scan.pcap").write_bytes(capture(DENIED, ANSWER_TO_DENIED))
    assert "outbound: SKIP (not_sent)" in says(*web, "--packet", 2, "scan.pcap")
    assert "outbound: DENY (no_rule)" in says(*web, "--packet", 2, "--as-recorded", "scan.pcap")
    Path("middle.pcap").write_bytes(capture(ANSWER))
    assert "outbound: ALLOW (presumed, state established)" in says(*web, "--packet", 1, "middle.pcap")
    assert "outbound: DENY (no_rule)" in says(*web, "--packet", 1, "--cold-start", "middle.pcap")


def test_rules_may_have_changed_before_the_packet(says, web):
    Path("closed.json").write_text(json.dumps({"groups": {"sg-web": {"name": "web"}}}), encoding="utf-8")
    Path("twice.pcap").write_bytes(capture(*(f"tcp 198.51.100.7:{port} -> 192.0.2.10:443 S" for port in (1, 2))))
    assert says(*web, "--packet", 2, "twice.pcap").startswith("ALLOW")
    told = says(*web, "--packet", 2, "--change", "1=closed.json", "twice.pcap")
    assert "sg-web (web) has no inbound rule at all, so nothing is admitted." in " ".join(told.split())


def test_a_frame_that_no_filter_judges_says_why(says, demo_files):
    assert "It is not an IP packet: ARP, LLDP and the like." in says("--packet", 1, *demo_files)
    assert "No known interface sent or received it." in says("--packet", 40, *demo_files)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_alone_is_listed(says, name):
    told = says("--profile", name)
    assert told.startswith(f"{name}: ")
    assert "midstream " in told
    assert says("--profile", name, "--profile-settings") == told


def test_the_default_profile_is_listed_on_request_and_with_what_was_set(says):
    told = says("--profile-settings", "--midstream", "pickup", "--set", "fragments=rules")
    assert told.startswith("aws-nitro: ")
    rows = [line.split() for line in told.splitlines()]
    assert ["midstream", "pickup", "(deny)", "given", "option"] in rows
    assert ["fragments", "rules", "(deny)", "given", "option"] in rows


@pytest.mark.parametrize(
    "args",
    [("tcp 203.0.113.9 -> 192.0.2.10:443",), ("--packet", "2", "web.pcap"), ("--packet", "3", "web.pcap")],
)
def test_json_is_what_the_schema_says(says, web, args):
    document = json.loads(says(*web, *args, "--format", "json"))
    schema = json.loads((files("sgsim.data") / "schemas" / "explain.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert (document["frame"] is None) is (args[0] != "--packet")


def test_json_of_a_profile_is_what_the_schema_says(says):
    document = json.loads(says("--profile", "linux", "--format", "json"))
    schema = json.loads((files("sgsim.data") / "schemas" / "profile.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert document["profile"] == "linux"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ((), "PACKET must be given, got none"),
        (("--packet", "3"), "--packet must be followed by at least one capture or flow log, got none"),
        (("--packet", "4", "web.pcap"), "packet must be 1..3, the last of web.pcap, got 4"),
        (("--packet", "x", "web.pcap"), "packet must be NUMBER or FILE:NUMBER, counted from 1, got 'x'"),
        (("--packet", "1", "none.pcap"), "none.pcap: "),
        (
            ("--cold-start", "tcp 198.51.100.7 -> 192.0.2.10:443"),
            "options of recorded traffic must go with --packet N, got --cold-start",
        ),
        (("tcp", "198.51.100.7", "-"), "packet must be quoted, got 'tcp 198.51.100.7 -'"),
        (("--profile", "bsd", "--profile-settings"), "--profile bsd: profile must be one of"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_one_line(refused, web, args, line):
    assert refused("explain", *web, *args).startswith(line)
