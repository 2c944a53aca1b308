"""What Zeek, Arkime and Suricata say of captures, sgsim says too; `differences.json` lists where not, and why.

It is about who opened each flow, how many packets went each way, and how it ended. A difference that is not listed, and
a listed one that is none any more, are both failures.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from conformance.observers.compare import (
    SURICATA_KEYS,
    SURICATA_OTHER_KEYS,
    Difference,
    arkime_differences,
    suricata_differences,
    zeek_differences,
)
from conformance.observers.seen import Ends, flows_in

from sgsim.model.states import TcpState

LISTED = json.loads((Path(__file__).parent / "differences.json").read_text(encoding="utf-8"))

OBSERVERS = {"zeek": zeek_differences, "arkime": arkime_differences, "suricata": suricata_differences}


@pytest.mark.parametrize("observer", OBSERVERS)
def test_every_difference_is_listed(fixtures_path, observer):
    expected = {
        Difference(*(entry[name] for name in Difference._fields))
        for entry in LISTED["differences"]
        if entry["observer"] == observer
    }
    assert expected == set(OBSERVERS[observer](fixtures_path))


def test_every_difference_has_a_reason():
    reasons = {entry["why"] for entry in LISTED["differences"]}
    assert reasons == LISTED["definitions"].keys()


def test_most_flows_agree(fixtures_path):
    """Counted, so that an empty comparison cannot pass."""
    listed = Counter(entry["observer"] for entry in LISTED["differences"])
    for name, file in (("zeek", "zeek_pairs.json"), ("arkime", "arkime_pairs.json")):
        flows = sum(len(pair["flows"]) for pair in json.loads((fixtures_path / file).read_text())["pairs"])
        assert flows > 170
        assert listed[name] < flows / 10


def test_suricatas_checks_ask_nothing_else(fixtures_path):
    tests = json.loads((fixtures_path / "suricata_flow_checks.json").read_text())["tests"]
    asked = {key for test in tests for check in test["flow_checks"] for key in check["match"]}
    assert asked <= SURICATA_KEYS | SURICATA_OTHER_KEYS


def test_a_flow_is_seen_from_both_ends(fixtures_path):
    seen = flows_in(fixtures_path / "pcaps" / "zeek" / "wikipedia.pcap")
    ends = Ends(6, "141.142.220.118", 48649, "208.80.152.118", 80)
    for at in (ends.src_addr, ends.dst_addr):
        assert seen[at][ends].packets == [4, 3]
        assert ends.turned() not in seen[at]
    assert seen[ends.src_addr][ends].states == [TcpState.ESTABLISHED]
