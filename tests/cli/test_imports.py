"""What each command imports: nobody waits for what the answer does not need."""

import subprocess
import sys

import pytest
from sources.capture_builders import pcap

from sgsim.data import demo_path
from sgsim.kernels.entry_points import ENGINE

HEAVY = {"numpy", "polars", "scapy", "numba", "llvmlite", "altair", "jinja2", "rich"}
RULES = ("-r", str(demo_path("groups.json").parent))
CAPTURE = str(demo_path("demo.pcap"))
PACKET = "tcp 198.51.100.7:40000 -> 10.0.0.5:80"


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """Code that is compiled once runs without numba."""
    ENGINE.prepare()


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--version"], set()),
        (["--help"], set()),
        (["replay", "--help"], set()),
        (["demo", "--help"], set()),
        (["synth", "--help"], set()),
        (["check", *RULES, PACKET], set()),
        (["check", *RULES, "--format", "json", PACKET], set()),
        (["explain", *RULES, PACKET], set()),
        (["convert", "--to", "nftables", *RULES], set()),
        (["explain", "--profile", "linux"], set()),
        (["diff", "--help"], set()),
        (["search", *RULES, "--to", "eni-web", "--dport", "22"], set()),
        (["search", *RULES, "--to", "eni-web", "--dport", "22", "--format", "json"], set()),
        (["test", "--help"], set()),
        (["minimize", *RULES], set()),
        (["diff", *RULES[1:], *RULES[1:]], set()),
        (["diff", *RULES[1:], str(demo_path("interfaces.json")), "--format", "json"], set()),
        (["diff", *RULES, "-t", CAPTURE, str(demo_path("groups.json")), str(demo_path("groups.json"))], {"numpy"}),
        (["explain", *RULES, "--packet", "3", CAPTURE], {"numpy"}),
        (["demo"], {"numpy"}),
        (["usage", *RULES, CAPTURE], {"numpy"}),
        (["tighten", *RULES, "--hold-out", "0", CAPTURE], {"numpy"}),
        (["sweep", *RULES, "--no-advice", "--timeouts", "60", "--capacities", "5", CAPTURE], {"numpy"}),
        (["quota", *RULES], set()),
        (["lint", *RULES], set()),
        (["lint", *RULES, "--format", "sarif"], set()),
        (["lint", *RULES, "-t", CAPTURE], {"numpy"}),
        (["quota", *RULES, "--format", "json"], set()),
        (["conformance", "--help"], set()),
        (["bench", "--help"], set()),
        (["bench", "--packets", "1000", "--flows", "1000", "--rounds", "1"], {"numpy", "llvmlite"}),
        (["conformance", "--engine", "reference", "--format", "junit"], set()),
        (["replay", *RULES, CAPTURE], {"numpy"}),
        (["replay", *RULES, "--engine", "compiled", CAPTURE], {"numpy", "llvmlite"}),
        (["replay", *RULES, "--format", "json", "--show", "3", CAPTURE], {"numpy"}),
        (["replay", *RULES, "--report", "report.md", CAPTURE], {"numpy"}),
        (["synth", "--list"], {"numpy"}),
        (["synth", "dns", "--duration", "1s", "-o", "dns.pcap"], {"numpy"}),
        (["replay", "-r", "web.yaml", "flows.log"], {"numpy"}),
        (["replay", *RULES, "--decisions", "rows.parquet", CAPTURE], {"numpy", "polars"}),
    ],
)
def test_heavy_modules(tmp_path, args, expected):
    (tmp_path / "flows.log").write_text("2 1 10.0.0.5 10.0.0.9 10.0.0.5 40000 443 6 1 40 1 1 ACCEPT OK\n")
    (tmp_path / "web.yaml").write_text(
        "groups: {sg-a: {}}\ninterfaces: {10.0.0.5: {addresses: 10.0.0.5, groups: sg-a}}\n"
    )
    assert imported(tmp_path, *args) & HEAVY == expected


def test_scapy_only_in_parts(tmp_path):
    """Odd link types are read by scapy, but never by all of it."""
    path = tmp_path / "odd.pcap"
    path.write_bytes(pcap(bytes(64), link_type=127))
    modules = imported(tmp_path, "replay", *RULES, path)
    assert "scapy" in modules
    assert "scapy.all" not in modules


def test_readers_of_the_forms_that_are_given_alone(tmp_path):
    modules = imported(tmp_path, "check", *RULES, PACKET)
    assert "sgsim.documents.aws_groups" in modules
    assert not modules & {"sgsim.documents.terraform", "sgsim.documents.cloudformation", "yaml"}


@pytest.mark.parametrize("args", [["replay"], ["replay", "--engine", "compiled"], ["usage"]])
def test_what_reads_flow_logs_is_for_flow_logs(tmp_path, args):
    """Of a capture only the first bytes are looked at, and the list of what could not be read stays empty."""
    (tmp_path / "flows.log").write_text("2 1 10.0.0.5 10.0.0.9 10.0.0.5 40000 443 6 1 40 1 1 ACCEPT OK\n")
    of_capture, of_log = (
        {module for module in modules if module.startswith("sgsim.sources.flow_log")}
        for modules in (
            imported(tmp_path, *args, *RULES, CAPTURE),
            imported(tmp_path, *args, "-r", demo_path("groups.json"), "--interface", "10.0.0.5=sg-web", "flows.log"),
        )
    )
    assert of_capture == {"sgsim.sources.flow_log_problems"}
    assert of_log > of_capture


def imported(tmp_path, *args: object) -> set[str]:
    """Every module that a command has imported, and the packages that they are in."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\n'.join(sys.modules), file=open('modules.txt', 'w')))\n"
        "from sgsim.cli.main import main\n"
        "main()"
    )
    command = [sys.executable, "-c", code, *map(str, args)]
    result = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    assert b"Traceback" not in result.stderr, result.stderr.decode()
    modules = set((tmp_path / "modules.txt").read_text().splitlines())
    return modules | {module.partition(".")[0] for module in modules}
