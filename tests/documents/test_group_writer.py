"""Groups as documents."""

import json

import pytest
from attrs import evolve
from builders import group, rule
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rules

from sgsim.documents import load
from sgsim.documents.group_writer import groups_json, groups_yaml
from sgsim.errors import ConfigError
from sgsim.rules.rule import GroupReference

WRITERS = {".yaml": groups_yaml, ".json": groups_json}


@settings(max_examples=60)
@given(
    st.lists(rules(references=("sg-b", "pl-1")), max_size=6),
    st.lists(st.text("abc: #'\"-é0", max_size=9), min_size=6, max_size=6),
    st.sampled_from(sorted(WRITERS)),
)
def test_what_is_written_is_read_as_the_same_groups(tmp_path_factory, some, descriptions, ending):
    """load(written(groups)) == groups, in both forms."""
    described = [evolve(each, description=text.strip()) for each, text in zip(some, descriptions, strict=False)]
    ordered = sorted(described, key=lambda each: each.direction)
    written = [group(*ordered, name="web: #1", description="a 'b'", vpc_id="vpc-1", owner_id="123456789012")]
    path = tmp_path_factory.mktemp("written") / f"groups{ending}"
    path.write_text(WRITERS[ending](written), encoding="utf-8")
    (found,) = load(path).groups.values()
    assert evolve(found, origin="") == written[0]


def test_yaml_is_a_line_for_each_rule():
    text = groups_yaml(
        [group(evolve(rule("tcp 80 from 10.0.0.0/8"), rule_id="sgr-1"), "icmp 8/0 from ::/0", name="web")]
    )
    assert text == (
        "groups:\n"
        "  sg-web:\n"
        "    name: web\n"
        "    ingress:\n"
        "    - {protocol: tcp, ports: 80, from: 10.0.0.0/8, id: sgr-1}\n"
        "    - protocol: icmp\n"
        "      icmp: {type: 8, code: 0}\n"
        "      from: ::/0\n"
    )


def test_a_peering_is_written_as_json_alone():
    far = evolve(rule("tcp 80 from sg-far"), peer=GroupReference("sg-far", owner_id="9", peering_id="pcx-1"))
    with pytest.raises(ConfigError, match=r"rules over a peering must be written as \.json, got tcp 80 from sg-far"):
        groups_yaml([group(far)])
    (found,) = json.loads(groups_json([group(far)]))["SecurityGroups"]
    assert found["IpPermissions"][0]["UserIdGroupPairs"] == [
        {"GroupId": "sg-far", "UserId": "9", "VpcPeeringConnectionId": "pcx-1"}
    ]
