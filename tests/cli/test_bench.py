import json

import jsonschema
import pytest

from sgsim.data import read_schema
from sgsim.engine.compiled import CompiledEngine

SMALL = ("--packets", "3000", "--flows", "2000", "--rounds", "2")
RATES = ("decode", "judge", "replay_one_thread", "replay_two_threads", "hits", "reference")


def test_json_is_of_its_schema(sgsim):
    result = sgsim("bench", *SMALL, "--format", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    jsonschema.validate(document, read_schema("bench"), jsonschema.Draft202012Validator)
    assert 1500 < document["packets"] < 4500
    assert document["checked_packets"] == document["packets"]
    assert 0 < document["flows"] < document["packets"]
    assert (document["live_flows"], document["rounds"], document["rules"]) == (2000, 2, 60)
    for name in RATES:
        assert 0 < document[name]["least"] <= document[name]["median"] <= document[name]["greatest"]
    assert document["compiled_to_reference"] == document["judge"]["median"] / document["reference"]["median"]
    assert document["bytes_per_flow"] > 64  # an entry has that many


def test_text_has_every_figure(sgsim):
    result = sgsim("bench", *SMALL)
    assert result.exit_code == 0, result.output
    told = " ".join(result.stdout.split())
    assert "both engines decide alike on the first" in told
    assert "times as fast as the reference engine" in told
    assert "judge packets of 2,000 live flows, in no order" in told
    assert told.endswith("all else by what one thread takes of the processor.")


def test_engines_that_disagree_are_not_timed(refused, monkeypatch):
    honest = CompiledEngine.filter

    def lie(self, packets):
        decisions = honest(self, packets)
        decisions.reason[7] += 1
        return decisions

    monkeypatch.setattr(CompiledEngine, "filter", lie)
    assert refused("bench", *SMALL) == (
        "the engines must decide alike before they are timed, got other answers in decision 8; "
        "sgsim conformance says which engine is wrong"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--packets", "10"), "--packets must be a whole number of packets, at least 1000, got '10'"),
        (("--flows", "0"), "--flows must be a whole number of flows, at least 1, got '0'"),
        (("--flows", "1000000000"), "--flows must be at most 268,435,456, got 1,000,000,000"),
        (("--rounds", "none"), "--rounds must be a whole number of rounds, at least 1, got 'none'"),
    ],
)
def test_bad_input_is_one_line(refused, args, message):
    assert refused("bench", *args) == message
