"""What is written reads back as the same groups, lists and interfaces."""

import json

import pytest
from attrs import evolve
from builders import group, interface, inventory, prefix_list
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netaddr import IPNetwork
from strategies import rules

from sgsim.data import demo_path
from sgsim.documents import load
from sgsim.documents.aws_writer import write_describe
from sgsim.documents.yaml_writer import write_yaml
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.path import PathLabel
from sgsim.rules.inventory import Instance, Inventory, Subnet, Vpc
from sgsim.rules.paths import PathRule
from sgsim.rules.rule import GroupReference

WRITERS = {"rules.yaml": write_yaml, "rules.json": write_describe}

TEXTS = st.sampled_from(
    ["", "yes", "2024-01-01", "22:30", "a: b # c", 'it\'s "quoted"', "ends with \\", "Größe", "10.0.0.0/8", "0123"]
)


def content(known):
    return (
        {key: evolve(each, origin="") for key, each in known.groups.items()},
        dict(known.prefix_lists),
        {key: evolve(each, origin="") for key, each in known.interfaces.items()},
    )


@pytest.mark.parametrize("name", WRITERS)
@given(listed=st.lists(rules(references=("sg-other", "pl-1")), max_size=6), text=TEXTS, ids=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rules_read_back_in_order(tmp_path_factory, name, listed, text, ids):
    """load(write(inventory)) == inventory"""
    made = [
        evolve(rule, description=text, rule_id=f"sgr-{i}" if ids else None)
        for i, rule in enumerate(dict.fromkeys(listed))
    ]
    made.sort(key=lambda rule: rule.direction)
    known = inventory(
        group(*made, name=text, description=text, vpc_id="vpc-1", owner_id="012345678901"),
        prefix_list("pl-1", "10.0.0.0/8", name=text, max_entries=5),
    )
    path = tmp_path_factory.mktemp("out") / name
    path.write_text(WRITERS[name](known), encoding="utf-8")
    assert content(load(path)) == content(known)


@pytest.mark.parametrize("name", WRITERS)
def test_interfaces_read_back(tmp_path, name):
    known = inventory(
        group(),
        interface(
            "10.0.0.5", "10.0.0.6", "2001:db8::5", "10.0.1.0/28", "2001:db8:1::/80",
            instance_id="i-1", subnet_id="subnet-1", vpc_id="vpc-1", public_addresses=("203.0.113.1",),
            timeouts=TimeoutOverrides(tcp_established_s=400, udp_stream_s=90),
        ),
    )  # fmt: skip
    path = tmp_path / name
    path.write_text(WRITERS[name](known), encoding="utf-8")
    assert content(load(path)) == content(known)


@pytest.mark.parametrize("name", WRITERS)
def test_the_demo_reads_back_and_writes_the_same_again(tmp_path, name):
    known = load(*(demo_path(part) for part in ("groups.json", "interfaces.json")))
    path = tmp_path / name
    path.write_text(WRITERS[name](known), encoding="utf-8")
    assert content(load(path)) == content(known)
    assert WRITERS[name](load(path)) == WRITERS[name](known)


def test_our_own_form_has_all_the_rest_too(tmp_path):
    known = inventory(
        Vpc(vpc_id="vpc-1", networks=(IPNetwork("10.0.0.0/16"),)),
        Subnet(subnet_id="subnet-1", vpc_id="vpc-1", networks=(IPNetwork("10.0.0.0/24"),)),
        Instance(instance_id="i-1", instance_type="m8i.large", capacity=5),
        paths=(PathRule(PathLabel.NAT_GATEWAY, network=IPNetwork("10.9.0.0/16"), scope="subnet-1"),),
    )
    path = tmp_path / "rules.yaml"
    path.write_text(write_yaml(known), encoding="utf-8")
    found = load(path)
    assert (found.vpcs, found.subnets, found.instances, found.paths) == (
        known.vpcs,
        known.subnets,
        known.instances,
        known.paths,
    )


def test_what_our_own_form_cannot_say_is_a_comment():
    stale = evolve(group("tcp 80 from sg-old").rules[0], peer=GroupReference("sg-old", "123", "pcx-1", is_stale=True))
    assert "from: sg-old}  # stale, over a peering, of account 123\n" in write_yaml(inventory(group(stale)))
    (permission,) = json.loads(write_describe(inventory(group(stale))))["SecurityGroups"][0]["IpPermissions"]
    assert permission["UserIdGroupPairs"] == [
        {"GroupId": "sg-old", "UserId": "123", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "deleted"}
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"subnets": {"subnet-1": {"cidr": "10.0.0.0/24", "vpc": "vpc-1"}}, "network_acls": {
            "acl-1": {"name": "yes", "subnets": ["subnet-1"], "vpc": "vpc-1",
                "ingress": [
                    {"number": 100, "action": "allow", "protocol": "tcp", "ports": "20-25", "from": "0.0.0.0/0"},
                    {"number": 110, "action": "deny", "protocol": "all", "from": "::/0"},
                    {"number": 120, "action": "allow", "protocol": "icmp", "icmp": {"type": 8}, "from": "10.0.0.0/8"},
                ],
                "egress": [{"number": 100, "action": "deny", "protocol": 50, "to": "10.0.0.0/8"}],
            },
            "acl-2": {},
        }},
        {"interfaces": {}},
        {"vpc": {"id": "vpc-1", "cidr": ["10.0.0.0/16"]}},
        {"vpc": ["10.0.0.0/16"], "groups": {"sg-1": {"ingress": []}}},
        {"interfaces": {"eni-1": {"addresses": ["10.0.0.5"], "timeouts": {"tcp_established": 60.123456789}}}},
    ],
)  # fmt: skip
def test_every_part_of_our_own_form_reads_back(tmp_path, document):
    """load(write_yaml(load(document))) == load(document)"""
    (tmp_path / "given.json").write_text(json.dumps(document), encoding="utf-8")
    assert reads_back(tmp_path, load(tmp_path / "given.json"))


@pytest.mark.parametrize("group_vpc", [None, "vpc-1"])
@pytest.mark.parametrize("ids", [(), ("vpc-1",), ("vpc-1", "vpc-2")])
def test_vpcs_read_back_however_many_they_are(tmp_path, group_vpc, ids):
    blocks = {"vpc-1": ("10.0.0.0/16", "2001:db8::/56"), "vpc-2": ()}
    vpcs = {key: Vpc(vpc_id=key, networks=tuple(map(IPNetwork, blocks[key]))) for key in ids}
    assert reads_back(tmp_path, evolve(inventory(group(vpc_id=group_vpc)), vpcs=vpcs))
    assert reads_back(tmp_path, Inventory(vpcs=vpcs))


@pytest.mark.parametrize("text", ["\x00", "\x7f", "\x85", "a\u2028b", "\ufeff", "\u200b", "\U0001f512", "\n\t"])
def test_characters_that_yaml_does_not_let_stand_read_back(tmp_path, text):
    assert reads_back(tmp_path, inventory(group(description=text)))


def reads_back(folder, known):
    """Whether what is written as YAML reads back as the same, but for origins, and is written as the same again."""
    (folder / "written.yaml").write_text(write_yaml(known), encoding="utf-8")
    again = load(folder / "written.yaml")
    parts = ("groups", "prefix_lists", "interfaces", "vpcs", "subnets", "instances", "network_acls", "paths")
    is_same = all(without_origins(getattr(again, part)) == without_origins(getattr(known, part)) for part in parts)
    is_same &= again.has_interface_document == known.has_interface_document
    return is_same and write_yaml(again) == write_yaml(known)


def without_origins(items):
    if not isinstance(items, dict):
        return items
    return {key: evolve(item, origin="") if hasattr(item, "origin") else item for key, item in items.items()}
