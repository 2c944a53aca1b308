"""Traffic that breaks off: every command reports what came before, names the break, and exits with 2."""

import json

import jsonschema
import pytest
from cli.web_traffic import WITH_TRAFFIC

from sgsim.data import read_schema


@pytest.mark.parametrize("name", WITH_TRAFFIC)
def test_the_break_is_named(sgsim, web, here, name):
    (here / "cut.pcap").write_bytes((here / "web.pcap").read_bytes()[:-10])
    command = (*WITH_TRAFFIC[name], *web, "-t", "cut.pcap")
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
