import json

import pytest

from sgsim.documents import load


@pytest.mark.parametrize("name", ["tight.yaml", "tight.json"])
def test_the_new_rules_are_a_document(sgsim, web, name):
    result = sgsim("tighten", *web, "--hold-out", "0", "-o", name, "web.pcap")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [rule.text for rule in load(name).groups["sg-web"].rules] == ["tcp 443 from 198.51.100.7/32"]


def test_other_forms(sgsim, web):
    document = json.loads(
        sgsim("tighten", *web, "--hold-out", "0", "--prefix4", "24", "--format", "json", "web.pcap").stdout
    )
    assert document["learned"]["newly_denied"] == 0
    assert document["replacements"][0]["outcome"] == "kept"
    assert sgsim("tighten", *web, "--format", "aws-cli", "web.pcap").stdout.startswith("# Add what is new")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-",), "traffic must be files, because it is read several times, got '-'"),
        (("--hold-out", "1", "web.pcap"), "--hold-out must be less than 1, got 1"),
        (("--prefix4", "33", "web.pcap"), "prefix4 must be 0..32, got 33"),
        (("-o", "rules.tf", "web.pcap"), "--output must end in .yaml, .yml or .json, got 'rules.tf'"),
        (("-o", "no/such.yaml", "web.pcap"), "--output must be a file that can be written, got 'no/such.yaml': "),
    ],
)
def test_bad_options_are_one_line(refused, web, args, message):
    assert refused("tighten", *web, *args).startswith(message)
