"""The same group in every form is the same group."""

import itertools
from textwrap import dedent

import pytest
import yaml
from attrs import evolve
from documents.five_forms import ASSUMED, DESCRIBE, GROUP_ID, PLAN, SHOWN_STATE, STATE, TEMPLATE, YAML

from sgsim.analysis.diff import diff_rules
from sgsim.documents import load
from sgsim.documents.combine import meaning
from sgsim.documents.yaml_syntax import _Builder
from sgsim.model.states import Direction

FORMS = {
    "yaml": ("groups.yaml", YAML, ()),
    "describe": ("groups.json", DESCRIBE, ()),
    "plan": ("plan.json", PLAN, ()),
    "state": ("terraform.tfstate", STATE, ()),
    "shown-state": ("state.json", SHOWN_STATE, ()),
    "template": ("template.yaml", TEMPLATE, ASSUMED),
}


@pytest.fixture
def group_of(write):
    def _group_of(form):
        name, content, assumed = FORMS[form]
        found = load(write(name, content), assume=assumed)
        assert list(found.groups) == [GROUP_ID]
        return found.groups[GROUP_ID]

    return _group_of


@pytest.mark.parametrize(("form", "other"), list(itertools.combinations(FORMS, 2)))
def test_two_forms_of_a_group_are_equal(group_of, form, other):
    one, two = (evolve(group_of(each), origin="") for each in (form, other))
    assert one == two


@pytest.mark.parametrize(("form", "other"), list(itertools.combinations(FORMS, 2)))
def test_two_forms_of_a_group_do_not_differ(write, form, other):
    """diff(a, b) is empty for every pair of forms."""
    sides = []
    for each in (form, other):
        name, content, assumed = FORMS[each]
        sides.append(load(write(name, content), assume=assumed))
    one, two = sides
    assert not diff_rules(one, two)


def test_another_group_does_differ(write):
    changed = YAML.replace("ports: 443", "ports: 444")
    assert diff_rules(load(write("a.yaml", YAML)), load(write("b.yaml", changed)))


def test_rules_by_themselves_have_the_same_meaning(write, group_of):
    listed = []
    for number, rule in enumerate(group_of("describe").rules):
        service = {"IpProtocol": str(rule.protocol), "FromPort": -1, "ToPort": -1}
        if rule.ports is not None:
            service |= {"FromPort": rule.ports.first, "ToPort": rule.ports.last}
        if rule.icmp is not None and rule.icmp.icmp_type is not None:
            service["FromPort"] = rule.icmp.icmp_type
        peer = str(rule.peer)
        key = "PrefixListId" if peer.startswith("pl-") else "CidrIpv6" if ":" in peer else "CidrIpv4"
        named = {"ReferencedGroupInfo": {"GroupId": peer}} if peer.startswith("sg-") else {key: peer}
        listed.append(
            {
                "SecurityGroupRuleId": f"sgr-{number}",
                "GroupId": GROUP_ID,
                "IsEgress": rule.direction is Direction.EGRESS,
                **service,
                **named,
            }
        )
    found = load(write("rules.json", {"SecurityGroupRules": listed})).groups[GROUP_ID]
    assert list(map(meaning, found.rules)) == list(map(meaning, group_of("describe").rules))


def test_the_template_in_json_is_the_template_in_yaml(write, group_of):
    text = dedent(TEMPLATE).replace("2010-09-09", '"2010-09-09"')
    document = _Builder(has_functions=True).build(yaml.compose(text, yaml.SafeLoader))
    found = load(write("template.json", document), assume=ASSUMED).groups[GROUP_ID]
    assert evolve(found, origin="") == evolve(group_of("template"), origin="")


def test_every_rule_knows_its_place(group_of):
    assert group_of("describe").rules[0].place == "SecurityGroups[0].IpPermissions[0].IpRanges[0]"
    assert group_of("plan").rules[1].place == "aws_security_group.web.ingress[1]"
    assert group_of("yaml").rules[0].place == "line 8, column 9"
    assert group_of("template").rules[0].place == "line 15, column 11"
