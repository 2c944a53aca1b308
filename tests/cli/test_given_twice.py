"""Every command that takes traffic says that a file is given twice, in the same words."""

import json

import pytest
from cli.web_traffic import WITH_TRAFFIC

NOTE = "web.pcap is given twice; its packets count twice"
LINKED = "web.pcap and link.pcap are the same file, given twice; its packets count twice"
COMMANDS = {"replay": ("replay", "--capacity", "9"), **WITH_TRAFFIC}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_it(sgsim, web, here, name):
    (here / "link.pcap").symlink_to("web.pcap")
    command = (*COMMANDS[name], *web)
    for other, note in (("web.pcap", NOTE), ("link.pcap", LINKED)):
        result = sgsim(*command, "-t", "web.pcap", "-t", other)
        assert result.exit_code == 0, result.output
        assert f"{note}." in " ".join(result.stdout.partition("\nNotes\n")[2].split())
        document = json.loads(sgsim(*command, "-t", "web.pcap", "-t", other, "--format", "json").stdout)
        assert note in document.get("traffic", document)["notes"]
    assert "twice" not in sgsim(*command, "-t", "web.pcap").stdout


def test_a_diff_says_that_captures_hold_the_same_packets(sgsim, web, here):
    (here / "other.pcap").write_bytes((here / "web.pcap").read_bytes())
    told = sgsim("diff", "rules.json", "rules.json", *web, "-t", "web.pcap", "-t", "other.pcap").stdout
    assert "web.pcap and other.pcap seem to hold the same packets, taken at both ends: 3 of 3" in told


def test_an_explanation_tells_it_too(sgsim, refused, web, here):
    (here / "link.pcap").symlink_to("web.pcap")
    asked = ("explain", *web, "--packet", "link.pcap:2", "web.pcap", "link.pcap")
    assert LINKED in " ".join(sgsim(*asked).stdout.split())
    assert json.loads(sgsim(*asked, "--format", "json").stdout)["notes"][-1] == LINKED
    line = refused("explain", *web, "--packet", "web.pcap:2", "web.pcap", "web.pcap")
    assert line == "file of the packet must be given once, got 'web.pcap' 2 times"
