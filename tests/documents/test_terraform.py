"""Plans have two sides; rules stand in groups or by themselves; what is not known is told by references or refused."""

import pytest
from documents.five_forms import ATTRIBUTES, block, change, plan, resource

from sgsim.documents import load
from sgsim.errors import SgsimError

SSH = block("tcp", 22, 22, cidr_blocks=["203.0.113.0/24"])
RULE = {
    "type": "ingress",
    "from_port": 22,
    "to_port": 22,
    "protocol": "tcp",
    "security_group_id": "sg-web",
    "cidr_blocks": ["203.0.113.0/24"],
    "ipv6_cidr_blocks": None,
    "prefix_list_ids": None,
    "source_security_group_id": None,
    "self": False,
}


def group(**values):
    return {"id": "sg-web", "name": "web", "ingress": [], "egress": [], **values}


def texts(inventory, group_id="sg-web"):
    return [rule.text for rule in inventory.groups[group_id].rules]


def refusal(*arguments, **options):
    with pytest.raises(SgsimError) as caught:
        load(*arguments, **options)
    return str(caught.value)


def test_a_plan_is_read_as_it_will_be_unless_asked_otherwise(write):
    write("plan.json", plan(change("web", group(), group(ingress=[SSH]))))
    assert texts(load("plan.json")) == texts(load("plan.json#after")) == ["tcp 22 from 203.0.113.0/24"]
    assert texts(load("plan.json#before")) == []


def test_a_group_that_will_be_created_or_deleted_is_on_one_side(write):
    write(
        "plan.json",
        plan(change("new", None, group(id=None), unknown={"id": True}), change("old", group(id="sg-old"), None)),
    )
    assert list(load("plan.json").groups) == ["aws_security_group.new"]
    assert list(load("plan.json#before").groups) == ["sg-old"]


def test_only_a_plan_has_sides(write):
    write("groups.json", {"SecurityGroups": []})
    assert refusal("groups.json#before").startswith(
        "groups.json#before: document must be a Terraform plan to have a side"
    )


def test_a_file_whose_name_has_a_side_is_that_file(write):
    write("plan.json#before", plan(change("web", None, group(ingress=[SSH]))))
    with pytest.raises(SgsimError):  # the ending is not .json, and YAML reads the same text
        load("plan.json")
    assert texts(load("plan.json#before")) == ["tcp 22 from 203.0.113.0/24"]


def test_rules_by_themselves_join_their_group_once(write):
    """A group's own lists hold, once read back, the rules that are resources of their own too."""
    single = {
        "security_group_id": "sg-web",
        "ip_protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "cidr_ipv4": "0.0.0.0/0",
        "security_group_rule_id": "sgr-1",
    }
    resources = [
        resource("web", group(ingress=[SSH])),
        resource("ssh", RULE, "aws_security_group_rule"),
        resource("https", single, "aws_vpc_security_group_ingress_rule"),
        resource(
            "out",
            {**single, "ip_protocol": "-1", "from_port": None, "to_port": None, "security_group_rule_id": "sgr-2"},
            "aws_vpc_security_group_egress_rule",
        ),
    ]
    write(
        "state.json",
        {"format_version": "1.0", "terraform_version": "1", "values": {"root_module": {"resources": resources}}},
    )
    found = load("state.json")
    assert texts(found) == ["tcp 22 from 203.0.113.0/24", "tcp 443 from 0.0.0.0/0", "all traffic to 0.0.0.0/0"]
    assert [rule.rule_id for rule in found.groups["sg-web"].rules] == [None, "sgr-1", "sgr-2"]


def test_a_rule_resource_that_is_deleted_is_gone_though_the_group_still_lists_it(write):
    changes = (
        change("web", group(ingress=[SSH]), group(ingress=[SSH])),
        change("ssh", RULE, None, "aws_security_group_rule"),
    )
    configuration = {
        "resources": [{"type": "aws_security_group", "name": "web", "mode": "managed", "expressions": {"name": {}}}]
    }
    write("plan.json", plan(*changes, configuration=configuration))
    assert texts(load("plan.json")) == []
    assert texts(load("plan.json#before")) == ["tcp 22 from 203.0.113.0/24"]


def test_a_rule_resource_that_stays_keeps_its_place_among_the_others(write):
    https = block("tcp", 443, 443, cidr_blocks=["0.0.0.0/0"])
    both = group(ingress=[SSH, https])
    write(
        "plan.json",
        plan(change("web", both, both), change("ssh", RULE, {**RULE, "id": "x"}, "aws_security_group_rule")),
    )
    assert texts(load("plan.json")) == ["tcp 22 from 203.0.113.0/24", "tcp 443 from 0.0.0.0/0"]


def test_modules_and_keys_are_part_of_an_address(write):
    web = resource("web", group(), address='module.app["a.b"].aws_security_group.web[0]', index=0)
    del web["values"]["id"]
    child = {"address": 'module.app["a.b"]', "resources": [web]}
    values = {"root_module": {"child_modules": [{"address": "module.outer", "child_modules": [child]}]}}
    write("state.json", {"format_version": "1.0", "terraform_version": "1", "values": values})
    assert list(load("state.json").groups) == ['module.app["a.b"].aws_security_group.web[0]']


def test_a_state_file_names_instances_by_their_keys(write):
    instances = [{"index_key": key, "attributes": {**group(), "id": None}} for key in (0, 1)]
    part = {
        "module": "module.app",
        "mode": "managed",
        "type": "aws_security_group",
        "name": "web",
        "instances": instances,
    }
    write("terraform.tfstate", {"version": 4, "terraform_version": "1", "resources": [part]})
    assert list(load("terraform.tfstate").groups) == [
        "module.app.aws_security_group.web[0]",
        "module.app.aws_security_group.web[1]",
    ]


def test_prefix_lists_have_entries_of_their_own_and_from_other_resources(write):
    entries = [{"cidr": "10.0.0.0/8", "description": ""}]
    resources = [
        resource(
            "l", {"id": "pl-1", "name": "offices", "max_entries": 5, "entry": entries}, "aws_ec2_managed_prefix_list"
        ),
        resource("e", {"prefix_list_id": "pl-1", "cidr": "192.0.2.0/24"}, "aws_ec2_managed_prefix_list_entry"),
    ]
    write(
        "state.json",
        {"format_version": "1.0", "terraform_version": "1", "values": {"root_module": {"resources": resources}}},
    )
    found = load("state.json").prefix_lists["pl-1"]
    assert (found.name, found.max_entries, [str(entry) for entry in found.entries or ()]) == (
        "offices",
        5,
        ["10.0.0.0/8", "192.0.2.0/24"],
    )


def test_interfaces_and_instances_have_addresses_and_groups(write):
    interface = {
        "id": "eni-1",
        "private_ip": "10.0.0.5",
        "private_ips": ["10.0.0.5", "10.0.0.6"],
        "security_groups": ["sg-web"],
        "subnet_id": "subnet-1",
        "attachment": [{"instance": "i-1", "device_index": 1}],
    }
    instance = {
        "id": "i-1",
        "instance_type": "m8i.large",
        "private_ip": "10.0.0.9",
        "primary_network_interface_id": "eni-0",
        "vpc_security_group_ids": ["sg-web"],
    }
    resources = [resource("e", interface, "aws_network_interface"), resource("i", instance, "aws_instance")]
    write(
        "state.json",
        {"format_version": "1.0", "terraform_version": "1", "values": {"root_module": {"resources": resources}}},
    )
    found = load("state.json")
    assert {key: [str(net.ip) for net in each.addresses] for key, each in found.interfaces.items()} == {
        "eni-1": ["10.0.0.5", "10.0.0.6"],
        "eni-0": ["10.0.0.9"],
    }
    assert {each.instance_id for each in found.interfaces.values()} == {"i-1"}
    assert found.instances["i-1"].instance_type == "m8i.large"


def test_an_interface_without_known_address_is_left_out_and_noted(write):
    new = change(
        "i",
        None,
        {"instance_type": "m8i.large"},
        "aws_instance",
        unknown={"id": True, "private_ip": True, "vpc_security_group_ids": True, "primary_network_interface_id": True},
    )
    write("plan.json", plan(new))
    found = load("plan.json")
    assert not found.interfaces
    assert any(
        "interfaces whose addresses are not known yet are left out: aws_instance.i.eni0" in note.text
        for note in found.notes
    )
    known = load(
        "plan.json", assume=["aws_instance.i.private_ip=10.0.0.9", "aws_instance.i.vpc_security_group_ids=sg-1"]
    )
    assert known.interfaces["aws_instance.i.eni0"].group_ids == ("sg-1",)


@pytest.mark.parametrize("source", ["aws_eip.office.public_ip", None])
def test_an_unknown_block_of_addresses_is_refused_with_its_place(write, source):
    after = group(ingress=[block("tcp", 22, 22, cidr_blocks=None)])
    expressions = {
        "ingress": [
            {
                "from_port": {"constant_value": 22},
                "cidr_blocks": {"references": [source, "aws_eip.office"] if source else []},
            }
        ]
    }
    configuration = {
        "resources": [{"type": "aws_security_group", "name": "web", "mode": "managed", "expressions": expressions}]
    }
    write(
        "plan.json",
        plan(change("web", None, after, unknown={"ingress": [{"cidr_blocks": True}]}), configuration=configuration),
    )
    told = f", which refers to {source}" if source else ""
    assert refusal("plan.json") == (
        "plan.json, aws_security_group.web.ingress[0].cidr_blocks: value must be known, got one that Terraform does not know "
        f"before it applies{told}: give --assume 'aws_security_group.web.ingress[0].cidr_blocks=VALUE'"
    )
    given = load("plan.json", assume=["aws_security_group.web.ingress[0].cidr_blocks=203.0.113.5/32,192.0.2.0/24"])
    assert texts(given) == ["tcp 22 from 203.0.113.5/32", "tcp 22 from 192.0.2.0/24"]
    if source:
        assert texts(load("plan.json", assume=[f"{source}=203.0.113.5/32"])) == ["tcp 22 from 203.0.113.5/32"]


def test_an_assumption_that_nobody_needs_is_refused(write):
    write("plan.json", plan(change("web", None, ATTRIBUTES)))
    assert refusal("plan.json", assume=["aws_vpc.x.id=vpc-1"]) == (
        "--assume must name a value that a document leaves open, got aws_vpc.x.id, which none does"
    )


@pytest.mark.parametrize("text", ["name", "=value", "name="])
def test_an_assumption_has_a_name_and_a_value(text):
    assert refusal("plan.json", assume=[text]) == f"--assume must be NAME=VALUE, got {text!r}"
