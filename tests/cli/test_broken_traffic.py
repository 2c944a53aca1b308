"""Traffic that breaks off: every command reports what came before, names the break, and exits with 2."""

import json

import jsonschema
import pytest

from sgsim.data import read_schema

COMMANDS = {
    "usage": ("usage",),
    "tighten": ("tighten", "--hold-out", "0"),
    "sweep": ("sweep", "--no-advice"),
    "lint": ("lint", "--exit-zero"),
    "diff": ("diff", "rules.json", "rules.json"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_break_is_named(sgsim, web, here, name):
    (here / "cut.pcap").write_bytes((here / "web.pcap").read_bytes()[:-10])
    command = (*COMMANDS[name], *web, "-t", "cut.pcap")
    text = sgsim(*command)
    assert text.exit_code == 2
    assert text.stderr.startswith("sgsim: cut.pcap, packet 3 at byte ")
    assert text.stderr.count("\n") == 1
    broken = text.stderr.removeprefix("sgsim: ").rstrip("\n")
    assert f"The input broke off: {broken}" in " ".join(text.stdout.split())
    document = json.loads(sgsim(*command, "--format", "json").stdout)
    jsonschema.validate(document, read_schema(name))
    assert document.get("traffic", document)["broken"] == broken


def test_new_rules_are_written_all_the_same(sgsim, web, here):
    (here / "cut.pcap").write_bytes((here / "web.pcap").read_bytes()[:-10])
    assert sgsim("tighten", "--hold-out", "0", *web, "cut.pcap", "-o", "tight.yaml").exit_code == 2
    assert "198.51.100.7/32" in (here / "tight.yaml").read_text(encoding="utf-8")
