"""A template makes groups; what it leaves open is refused where a rule needs it."""

import pytest

from sgsim.documents import load
from sgsim.errors import SgsimError

GROUP = "{Type: 'AWS::EC2::SecurityGroup', Properties: {GroupDescription: web, %s}}"
OPEN = ["all traffic to 0.0.0.0/0", "all traffic to ::/0"]


def template(resources, head=""):
    return f"AWSTemplateFormatVersion: 2010-09-09\n{head}\nResources:\n" + "".join(
        f"  {name}: {text}\n" for name, text in resources.items()
    )


def texts(inventory, group_id="Web"):
    return [rule.text for rule in inventory.groups[group_id].rules]


def refusal(*arguments, **options):
    with pytest.raises(SgsimError) as caught:
        load(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("properties", ["VpcId: vpc-1", "SecurityGroupEgress: []"])
def test_a_group_without_egress_rules_gets_the_default_and_a_note(write, properties):
    write("t.yaml", template({"Web": GROUP % properties}))
    found = load("t.yaml")
    assert texts(found) == OPEN
    assert [note.text for note in found.notes] == [
        "groups without SecurityGroupEgress get CloudFormation's default: all traffic to 0.0.0.0/0 and ::/0: Web"
    ]


def test_an_egress_rule_replaces_the_default(write):
    rule = "SecurityGroupEgress: [{IpProtocol: '-1', CidrIp: 127.0.0.1/32}]"
    write("t.yaml", template({"Web": GROUP % rule}))
    assert texts(load("t.yaml")) == ["all traffic to 127.0.0.1/32"]


def test_an_egress_rule_of_its_own_stands_beside_the_default(write):
    rule = "{Type: 'AWS::EC2::SecurityGroupEgress', Properties: {GroupId: !Ref Web, IpProtocol: tcp, FromPort: 80, ToPort: 80, DestinationPrefixListId: !Ref List}}"
    entries = "{Type: 'AWS::EC2::PrefixList', Properties: {PrefixListName: offices, AddressFamily: IPv4, MaxEntries: 5, Entries: [{Cidr: 192.0.2.0/24}]}}"
    write("t.yaml", template({"Web": GROUP % "", "Out": rule, "List": entries}))
    found = load("t.yaml")
    assert texts(found) == [*OPEN, "tcp 80 to List"]
    assert (found.prefix_lists["List"].max_entries, len(found.prefix_lists["List"].entries or ())) == (5, 1)


def test_rules_may_be_added_to_a_group_of_another_document(write):
    rule = "{Type: 'AWS::EC2::SecurityGroupIngress', Properties: {GroupId: sg-1, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}}"
    write("t.yaml", template({"In": rule}))
    write("groups.json", {"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "a"}]})
    found = load("groups.json", "t.yaml")
    assert texts(found, "sg-1") == ["tcp 22 from 10.0.0.0/8"]


def test_interfaces_have_addresses_groups_and_timeouts(write):
    interface = "{Type: 'AWS::EC2::NetworkInterface', Properties: {SubnetId: !Ref Net, GroupSet: [!Ref Web], PrivateIpAddress: 10.0.0.5, ConnectionTrackingSpecification: {TcpEstablishedTimeout: 400}}}"
    instance = "{Type: 'AWS::EC2::Instance', Properties: {InstanceType: m8i.large, NetworkInterfaces: [{DeviceIndex: '0', GroupSet: [!GetAtt Web.GroupId], PrivateIpAddress: 10.0.0.9}]}}"
    net = "{Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]}}"
    vpc = "{Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}"
    lone = "{Type: 'AWS::EC2::Instance', Properties: {SecurityGroupIds: [!Ref Web]}}"
    write(
        "t.yaml", template({"Web": GROUP % "", "Eni": interface, "Box": instance, "Net": net, "Vpc": vpc, "Lone": lone})
    )
    found = load("t.yaml")
    assert {key: each.group_ids for key, each in found.interfaces.items()} == {"Eni": ("Web",), "Box.eni0": ("Web",)}
    assert found.interfaces["Eni"].timeouts.tcp_established_s == 400
    assert found.instances["Box"].instance_type == "m8i.large"
    assert [str(net) for net in found.subnets["Net"].networks] == ["10.0.0.0/24"]
    assert [str(net) for net in found.vpcs["Vpc"].networks] == ["10.0.0.0/16"]
    assert any(
        "interfaces whose addresses are not known yet are left out: Lone.eni0" in note.text for note in found.notes
    )


def test_an_open_value_is_refused_with_place_and_name(write):
    rule = "SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Office}]"
    write("t.yaml", template({"Web": GROUP % rule}, "Parameters: {Office: {Type: String}}"))
    assert refusal("t.yaml") == (
        "t.yaml, line 4, column 153: value must be known, got Office, a parameter without a default that says it: "
        "give --assume Office=VALUE"
    )
    assert texts(load("t.yaml", assume=["Office=192.0.2.0/24"])) == ["tcp 22 from 192.0.2.0/24", *OPEN]


def test_an_open_group_is_a_reference_like_any_other(write):
    rule = "SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, SourceSecurityGroupId: !Ref Admin}]"
    write("t.yaml", template({"Web": GROUP % rule}, "Parameters: {Admin: {Type: 'AWS::EC2::SecurityGroup::Id'}}"))
    assert texts(load("t.yaml")) == ["tcp 22 from Admin", *OPEN]
    assert texts(load("t.yaml", assume=["Admin=sg-1"])) == ["tcp 22 from sg-1", *OPEN]


@pytest.mark.parametrize(
    ("peers", "found"),
    [("Description: none", "none"), ("CidrIp: 10.0.0.0/8, CidrIpv6: '::/0'", "CidrIp and CidrIpv6")],
)
def test_a_rule_has_one_peer(write, peers, found):
    write("t.yaml", template({"Web": GROUP % f"SecurityGroupIngress: [{{IpProtocol: '-1', {peers}}}]"}))
    assert refusal("t.yaml").endswith(f"SourceSecurityGroupName, got {found}")


def test_a_resource_whose_condition_fails_does_not_exist(write):
    head = "Conditions: {IsTest: !Equals [!Ref Stage, test]}\nParameters: {Stage: {Type: String, Default: test}}"
    group = GROUP.replace("Properties", "Condition: IsTest, Properties") % ""
    write("t.yaml", template({"Web": group}, head))
    assert list(load("t.yaml").groups) == ["Web"]
    assert list(load("t.yaml", assume=["Stage=live"]).groups) == []


def test_what_get_template_prints_is_a_template(write):
    write("t.json", {"TemplateBody": {"Resources": {"Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": {}}}}})
    assert texts(load("t.json")) == OPEN
    write("t.json", {"TemplateBody": "Resources: {}"})
    assert refusal("t.json") == (
        "t.json, TemplateBody: TemplateBody must be an object, got a text: save it with --query TemplateBody --output text"
    )


def test_loops_of_a_template_must_be_written_out(write):
    write("t.json", {"Resources": {"Fn::ForEach::Groups": []}})
    assert "resources must be written out, got Fn::ForEach::Groups" in refusal("t.json")
