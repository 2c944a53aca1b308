import json

from builders import group, interface, inventory, prefix_list
from jsonschema import Draft202012Validator

from sgsim.analysis.quota import quota
from sgsim.data import read_schema
from sgsim.report.analysis_json import analysis_json
from sgsim.report.quota_text import quota_sections
from sgsim.report.summary_text import plain_text, text_lines

KNOWN = inventory(
    group("tcp 80 from pl-1", "tcp 443 from pl-1", "tcp 22 from sg-lb"),
    interface(),
    prefix_list("pl-1", max_entries=48),
)


def test_what_is_over_stands_first():
    lines = plain_text(text_lines(quota_sections(quota(KNOWN)))).splitlines()
    place = lines.index("Over the limit")
    assert lines[place + 2] == "    97     60  sg-web  ingress IPv4  1 reference to a group, 96 for pl-1"
    assert "  found   2 counts over the limit" in lines


def test_json_is_as_the_schema_says():
    schema = Draft202012Validator(read_schema("quota"))
    document = json.loads(analysis_json(quota(KNOWN)))
    schema.validate(document)
    assert not schema.is_valid(document | {"more": 1})
