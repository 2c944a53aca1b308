import csv
import io
import json

import pytest
from attrs import evolve
from builders import group, interface, inventory
from jsonschema import Draft202012Validator
from simulation.batches import ListSource, packets

from sgsim.analysis.usage import usage_of
from sgsim.data import read_schema
from sgsim.engine.options import EngineOptions
from sgsim.report.analysis_json import analysis_json
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.report.usage_text import usage_csv, usage_sections


@pytest.fixture(scope="module")
def found():
    known = inventory(
        group("tcp 443 from 198.51.100.0/24", "tcp 22 from 198.51.100.0/24"),
        group("tcp 5432 from sg-web", group_id="sg-db"),
        interface(),
        interface("192.0.2.11", groups=("sg-db",), interface_id="eni-b"),
    )
    texts = ("tcp 198.51.100.7:40000 -> 192.0.2.10:443 S", "tcp 192.0.2.10:443 -> 198.51.100.7:40000 SA")
    return usage_of(known, [ListSource([packets(*texts)])], EngineOptions(recorded=True))


def test_text_has_rules_by_what_is_known_of_them(found):
    text = plain_text(text_lines(usage_sections(found)))
    assert [line for line in text.splitlines() if not line.startswith(" ") and line] == [
        "Traffic", "Rules that were hit", "Rules never hit", "Rules that nothing is known of", "Notes",
    ]  # fmt: skip
    assert "  rules  3 rules, 2 never hit" in text
    assert "     1       1        2    200  +0.000 s  sg-web  tcp 443 from 198.51.100.0/24" in text


def test_csv_has_a_line_for_each_rule(found):
    rows = list(csv.DictReader(io.StringIO(usage_csv(found))))
    assert [(row["text"], row["hits"], row["last_hit_ns"], row["saw_traffic"]) for row in rows] == [
        ("tcp 443 from 198.51.100.0/24", "1", "1000000000", "true"),
        ("tcp 22 from 198.51.100.0/24", "0", "", "true"),
        ("tcp 5432 from sg-web", "0", "", "false"),
    ]


def test_json_is_as_the_schema_says(found):
    schema = Draft202012Validator(read_schema("usage"))
    document = json.loads(analysis_json(found))
    schema.validate(document)
    assert not schema.is_valid(document | {"more": 1})


@pytest.mark.parametrize("unit", ["packet", "record"])
def test_what_is_counted_has_its_name(found, unit):
    told = plain_text(text_lines(usage_sections(evolve(found, unit=unit))))
    assert f": {found.packets.read:,} {unit}s\n" in told
    assert f"Hits: {unit}s that the rule itself let pass; {unit}s of a tracked flow" in told


def test_what_was_skipped_is_told_beside_what_was_read(found):
    text = plain_text(text_lines(usage_sections(evolve(found, packets=evolve(found.packets, read=3, skipped=1)))))
    assert ": 3 packets, 1 of them skipped\n" in text
    assert "skipped" not in plain_text(text_lines(usage_sections(found)))
