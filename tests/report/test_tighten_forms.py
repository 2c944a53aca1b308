import json

import pytest
from attrs import evolve
from builders import group, interface, inventory
from jsonschema import Draft202012Validator
from simulation.batches import ListSource, packets

from sgsim.analysis.tighten import tighten_rules
from sgsim.data import read_schema
from sgsim.engine.options import EngineOptions
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.report.tighten_json import tighten_json
from sgsim.report.tighten_text import apply_script, tighten_sections

KNOWN = inventory(group("tcp 443 from 0.0.0.0/0", "tcp 22 from 10.0.0.0/8", "udp 53 to 10.0.0.2/32"), interface())
TEXTS = (
    "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S",
    "tcp 203.0.113.9:40001 -> 192.0.2.10:443 S",
    "udp 192.0.2.10:40000 -> 10.0.0.2:53",
)


@pytest.fixture(scope="module")
def found():
    return tighten_rules(KNOWN, [ListSource([packets(*TEXTS)])], EngineOptions(recorded=True), hold_out=0.3)


def test_text_shows_the_change_and_the_proof(found):
    lines = plain_text(text_lines(tighten_sections(found))).splitlines()
    for line in (
        "  rules         3 before, 2 after",
        "  -      2  sg-web  tcp 443 from 0.0.0.0/0",
        "  +                 tcp 443 from 198.51.100.7/32",
        "  learned from  0 of 2 packets that passed would be denied",
        "  held out      1 of 1 packet that passed would be denied",
        "  list:3            eni-a      udp 192.0.2.10:40000 -> 10.0.0.2:53",
    ):
        assert line in lines


def test_records_of_flow_logs_are_counted_as_records(found):
    lines = plain_text(text_lines(tighten_sections(evolve(found, unit="record")))).splitlines()
    assert "  learned from  0 of 2 records that passed would be denied" in lines
    assert not [line for line in lines if "packet" in line.lower()]


def test_json_is_as_the_schema_says(found):
    schema = Draft202012Validator(read_schema("tighten"))
    document = json.loads(tighten_json(found))
    schema.validate(document)
    assert not schema.is_valid(document | {"more": 1})


def test_peaks_of_a_log_without_flags_are_said_to_be_bounds(found):
    """In text beside the peaks, which are told where they differ; in JSON they always are."""
    blind = evolve(found, tcp=8, tcp_without_flags=8, peak_before=2, peak_after=2)
    assert json.loads(tighten_json(blind))["peaks_note"].startswith("No TCP record tells its tcp-flags, so")
    assert "tcp-flags" not in plain_text(text_lines(tighten_sections(blind)))
    text = plain_text(text_lines(tighten_sections(evolve(blind, peak_after=3))))
    assert text.startswith("Tightened\n  No TCP record tells its tcp-flags, so connections are not seen to close")
    assert "  tracking      2 places of the tables at the peak before, 3 after: narrow rules" in text
    for exact in (evolve(blind, tcp_without_flags=0), evolve(blind, peak_before=0, peak_after=0)):
        assert json.loads(tighten_json(exact))["peaks_note"] is None


def test_notes_of_the_replay_are_told(found):
    text = plain_text(text_lines(tighten_sections(evolve(found, notes=("a.json: something was left open",)))))
    assert text.endswith("Notes\n  a.json: something was left open.\n")


def test_commands_add_before_they_take_away(found):
    lines = apply_script(KNOWN, found.inventory).splitlines()
    verbs = [line.split()[2] for line in lines if line.startswith("aws")]
    assert verbs == [
        "authorize-security-group-ingress",
        "revoke-security-group-ingress",
        "revoke-security-group-ingress",
        "revoke-security-group-egress",
    ]
    assert lines[1] == (
        "aws ec2 authorize-security-group-ingress --group-id sg-web --ip-permissions "
        '\'[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "198.51.100.7/32"}, {"CidrIp": "203.0.113.9/32"}]}]\''
    )


def test_a_part_in_which_nothing_passed_is_said_to_prove_nothing(found):
    empty = evolve(found, held_out=evolve(found.learned, passed=0, newly_denied=0))
    text = plain_text(text_lines(tighten_sections(empty)))
    assert "  held out      no packet passed under the old rules, so nothing is proved by it\n" in text
