import json

import pytest
from analysis.test_sweep import KNOWN, OPTIONS, flow, source
from attrs import evolve
from jsonschema import Draft202012Validator

from sgsim.analysis.sweep import sweep_points
from sgsim.data import read_schema
from sgsim.report.analysis_json import analysis_json
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.report.sweep_text import note_on_capacity, sweep_sections


@pytest.fixture(scope="module")
def found():
    flows = [flow(port, port, port + 0.1, port + 0.2) for port in (1, 2, 3)]
    return sweep_points(KNOWN, [source(*flows, flow(4, 0, 0.1, 0.2, 400.2))], OPTIONS, timeouts_s=(60, 432000))


def test_text_says_what_is_needed_and_shows_it(found):
    text = plain_text(text_lines(sweep_sections(found)))
    for line in (
        "  capacity  a table of 4 places refuses nothing (replayed: 0 refused; with 3, ",
        "  Nitro v6  its timeout of 350 s cuts 1 flow and denies 1 packet of them (1 flow silent for",
        "      60 s     4          1                       1\n",
        "  432000 s     4          0                       0\n",
        "  6 min 40 s  list:13   eni-a      tcp 198.51.100.7:4 -> 192.0.2.10:443 PA\n",
        "       4  4 to 0  sg-web  tcp 443 from 0.0.0.0/0\n",
    ):
        assert line in text


def test_records_of_flow_logs_are_counted_as_records(found):
    """What is counted has its name wherever it is told."""
    text = plain_text(text_lines(sweep_sections(evolve(found, unit="record"))))
    assert "Refused records" in text
    assert "Denied records of them" in text
    assert "cuts 1 flow and denies 1 record of them" in text
    assert "packet" not in text.lower()


def test_json_is_as_the_schema_says(found):
    schema = Draft202012Validator(read_schema("sweep"))
    document = json.loads(analysis_json(found, peaks_note=note_on_capacity(found)))
    schema.validate(document)
    assert not schema.is_valid(document | {"more": 1})


def test_advice_that_does_not_help_is_told_as_such(found):
    (advice,) = found.advice
    worse = evolve(found, advice=(evolve(advice, peak_after=advice.peak_before + 1),))
    assert "But it does not help here" in plain_text(text_lines(sweep_sections(worse)))
    assert "does not help" not in plain_text(text_lines(sweep_sections(found)))


def test_a_log_without_flags_is_said_to_give_a_bound(found):
    """None is seen to close; where nothing is tracked there is nothing to say."""
    blind = evolve(found, tcp=8, tcp_without_flags=8)
    text = plain_text(text_lines(sweep_sections(blind)))
    assert "What this traffic needs\n  No TCP record tells its tcp-flags, so connections are not seen to close" in text
    assert note_on_capacity(found) is None
    assert note_on_capacity(evolve(blind, least_capacity=0)) is None
