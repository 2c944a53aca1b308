"""`sgsim synth`."""

import json
import re
from importlib.resources import files

import jsonschema
import pytest

from sgsim.data import demo_path
from sgsim.sources.synthetic.scenarios import SCENARIOS

RULES = ("-r", str(demo_path("groups.json").parent))


def schema(name):
    return json.loads((files("sgsim.data") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def test_it_writes_a_capture_and_says_what(sgsim, tmp_path):
    path = tmp_path / "web.pcap"
    done = sgsim("synth", "web", "--rate", "5", "--duration", "2s", "-o", str(path))
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.search(r"packets +\d+ packets, [\d,]+ bytes", done.stdout)
    assert path.stat().st_size > 1000


def test_the_same_seed_gives_the_same_bytes(sgsim, tmp_path):
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        sgsim("synth", "dns", "--seed", seed, "--duration", "1s", "-q", "-o", str(tmp_path / f"{name}.pcap.gz"))
    first, again, other = ((tmp_path / f"{name}.pcap.gz").read_bytes() for name in "abc")
    assert first == again != other


def test_it_is_bound_to_the_interfaces_of_rules(sgsim, tmp_path):
    path = tmp_path / "scan.pcap"
    sgsim("synth", "port-scan", *RULES, "--port", "75-85", "--duration", "1s", "-o", str(path))
    done = sgsim("replay", *RULES, "--cold-start", str(path))
    assert "eni-web on i-web" in done.stdout


@pytest.mark.parametrize(("name", "which"), [("web.pcap", "first 1,000 packets"), ("web.log", "3,584 packets")])
def test_a_note_says_that_the_rules_let_nothing_pass(sgsim, tmp_path, name, which):
    asked = ("synth", "web", *RULES, "--rate", "5", "--duration", "10s", "-o", str(tmp_path / name))
    note = f"one of its {which} passes under these rules: inbound tcp 443 at eni-web is denied (no_rule)."
    assert f"N{note}" in " ".join(sgsim(*asked).stdout.split())
    document = json.loads(sgsim(*asked, "--format", "json").stdout)
    jsonschema.validate(document, schema("synth"))
    assert document["notes"][0].startswith(f"n{note}")
    assert "Notes" not in sgsim(*asked, "--port", "80").stdout
    assert sgsim(*asked, "-q").stdout == ""


def test_json_is_what_the_schema_says(sgsim, tmp_path):
    done = sgsim("synth", "ping", "-o", str(tmp_path / "p.pcap"), "--format", "json")
    jsonschema.validate(json.loads(done.stdout), schema("synth"))
    assert json.loads(done.stdout)["packets"] == 1200


def test_scenarios_are_listed(sgsim):
    done = sgsim("synth", "--list")
    assert all(f"  {name} " in done.stdout for name in SCENARIOS)
    assert "exponential 500ms" in sgsim("synth", "--list", "web").stdout
    document = json.loads(sgsim("synth", "--list", "--format", "json").stdout)
    jsonschema.validate(document, schema("synth-scenarios"))
    assert [each["name"] for each in document["scenarios"]] == list(SCENARIOS)


def test_a_mix_is_a_file(sgsim, tmp_path):
    mix = tmp_path / "mix.yaml"
    mix.write_text("duration: 1s\nparts: {a: {scenario: web}, b: {scenario: dns}}\n")
    done = sgsim("synth", str(mix), "-o", str(tmp_path / "m.pcap"))
    assert "parts    a, b" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "SCENARIO must be one of sgsim synth --list, or a YAML file, got none"),
        (["web"], "output must be given as -o FILE, got none"),
        (["nothing", "-o", "x.pcap"], "SCENARIO must be one of web, "),
        (["web", "-o", "x.doc"], "capture must end in .pcap, .pcap.gz, or be '-', got 'x.doc'"),
        (["web", "--with", "rate", "-o", "x.pcap"], "--with must be NAME=VALUE, got 'rate'"),
        (["web", "--with", "colour=1", "-o", "x.pcap"], "setting must be one of protocol,"),
        (["web", "--rate", "fast", "-o", "x.pcap"], "rate: rate must be flows per second"),
        (["web", "--start", "noon", "-o", "x.pcap"], "--start must be seconds since the epoch or such as"),
        (["web", "--start", "\u0661", "-o", "x.pcap"], "--start must be seconds since the epoch or such as"),
        (["web", "--snaplen", "\u0669\u0669", "-o", "x.pcap"], "--snaplen must be a whole number of bytes"),
        (["web", "--seed", "x", "-o", "x.pcap"], "--seed must be a whole number"),
        (["none.yaml", "-o", "x.pcap"], "none.yaml: document must be a readable file, got: No such file or directory"),
        (["web", "--snaplen", "9", "-o", "x.pcap"], "snaplen must be 74..65535 bytes, got 9"),
        (
            ["web", "--as", "log", "-o", "x.pcap"],
            "--as must be for standard output, -o -; the ending of a file tells it",
        ),
        (
            ["web", "--log-format", "${srcaddr}", "-o", "-"],
            "--log-format must be for a flow log, got -o - without --as log",
        ),
        (["web", "--as", "parquet", "-o", "-"], "--as must be one of pcap, pcap.gz, log, log.gz, got 'parquet'"),
        (["web", "--as", "log", "-o", "-"], "flow log must be one of interfaces that rules name, got none"),
        (["mix.yaml", "--rate", "9", "-o", "x.pcap"], "settings of a mix must stand in its file, got rate"),
    ],
)
def test_what_is_wrong_is_one_line(refused, args, message):
    assert refused("synth", *args).startswith(message)


def test_a_start_is_a_time_or_a_number(sgsim, tmp_path):
    for text in ("1700000000", "2023-11-14T22:13:20Z"):
        done = sgsim("synth", "ping", "--start", text, "--duration", "2s", "-o", str(tmp_path / "p.pcap"))
        assert "2023-11-14T22:13:20.000000Z to" in done.stdout


SMALL = ("synth", "web", *RULES, "--rate", "5", "--duration", "2s", "--with", "port=80")


@pytest.mark.parametrize("kind", ["pcap", "pcap.gz", "log", "log.gz"])
def test_standard_output_has_the_bytes_of_a_file_and_is_replayed_from_there(sgsim, tmp_path, kind):
    path = tmp_path / f"web.{kind}"
    sgsim(*SMALL, "-o", str(path))
    done = sgsim(*SMALL, "-o", "-", "--as", kind)
    assert path.read_bytes() == done.stdout_bytes
    assert "Written" in done.stderr
    piped, filed = (
        sgsim("replay", *RULES, "--cold-start", traffic, stdin=done.stdout_bytes).stdout for traffic in ("-", str(path))
    )
    assert piped.replace("standard input", str(path)).splitlines()[2:7] == filed.splitlines()[2:7]
    assert "0 denied" in piped
