import pytest

from sgsim.documents import load
from sgsim.errors import SgsimError
from sgsim.rules.inventory import Instance

GROUPS = {
    "SecurityGroups": [
        {
            "GroupId": "sg-1",
            "GroupName": "web",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 80,
                    "ToPort": 80,
                    "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}],
                    "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                    "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "1"}],
                }
            ],
            "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        }
    ]
}


def rule(rule_id, *, egress=False, **peer):
    ports = {"FromPort": -1, "ToPort": -1} if egress else {"FromPort": 80, "ToPort": 80}
    return {
        "SecurityGroupRuleId": rule_id,
        "GroupId": "sg-1",
        "IsEgress": egress,
        "IpProtocol": "-1" if egress else "tcp",
        **ports,
        **peer,
    }


RULES = {
    "SecurityGroupRules": [
        rule("sgr-4", egress=True, CidrIpv4="0.0.0.0/0"),
        rule("sgr-3", ReferencedGroupInfo={"GroupId": "sg-2"}),
        rule("sgr-2", CidrIpv6="::/0", Description="six"),
        rule("sgr-1", CidrIpv4="0.0.0.0/0", Description="other words"),
    ]
}


def names(inventory):
    return [rule.name for rule in inventory.groups["sg-1"].rules]


@pytest.mark.parametrize("order", [("groups.json", "rules.json"), ("rules.json", "groups.json")])
def test_the_same_rules_get_their_ids_in_the_order_of_the_groups_document(write, order):
    write("groups.json", GROUPS)
    write("rules.json", RULES)
    found = load(*order, allow_unresolved=True)
    assert names(found) == ["sgr-1", "sgr-2", "sgr-3", "sgr-4"]
    assert [rule.description for rule in found.groups["sg-1"].rules] == ["all", "six", "", ""]
    assert found.groups["sg-1"].name == "web"
    assert not any("kept" in note.text for note in found.notes)


def test_rules_of_one_document_alone_are_kept_and_noted(write):
    rules = {"SecurityGroupRules": [*RULES["SecurityGroupRules"][:3], rule("sgr-5", CidrIpv4="10.0.0.0/8")]}
    found = load(write("groups.json", GROUPS), write("rules.json", rules), allow_unresolved=True)
    assert names(found) == ["sg-1:ingress:tcp:80:0.0.0.0/0", "sgr-2", "sgr-3", "sgr-4", "sgr-5"]
    assert [(note.text, note.count, note.origin) for note in found.notes[:2]] == [
        ("rules that rules.json does not have are kept: sg-1:ingress:tcp:80:0.0.0.0/0", 1, "groups.json"),
        ("rules that groups.json does not have are kept: sgr-5", 1, "rules.json"),
    ]


def test_duplicate_rules_stay_duplicate_and_take_one_id_each(write):
    permission = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}] * 3}
    groups = {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [permission]}]}
    rules = [rule(f"sgr-{number}", CidrIpv4="10.0.0.0/8") | {"IpProtocol": "-1"} for number in (1, 2)]
    found = load(write("groups.json", groups), write("rules.json", {"SecurityGroupRules": rules}))
    assert names(found) == ["sgr-1", "sgr-2", "sg-1:ingress:all:all:10.0.0.0/8"]


def test_ids_are_told_apart_by_direction_and_by_peering(write):
    pair = {"GroupId": "sg-2"}
    peered = pair | {"VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active"}
    group = {
        "GroupId": "sg-1",
        "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [pair, peered]}],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "UserIdGroupPairs": [pair]}],
    }
    rules = [
        rule("sgr-out", egress=True, ReferencedGroupInfo=pair),
        rule("sgr-peered", ReferencedGroupInfo=peered) | {"IpProtocol": "-1"},
        rule("sgr-in", ReferencedGroupInfo=pair) | {"IpProtocol": "-1"},
    ]
    paths = write("groups.json", {"SecurityGroups": [group]}), write("rules.json", {"SecurityGroupRules": rules})
    assert names(load(*paths)) == ["sgr-in", "sgr-peered", "sgr-out"]


def test_a_rule_in_two_documents_is_one_and_two_versions_are_refused(write):
    first, second = write("a.json", RULES), write("b.json", RULES)
    assert len(names(load(first, second))) == 4
    other = write("c.json", {"SecurityGroupRules": [rule("sgr-1", CidrIpv4="10.0.0.0/8")]})
    with pytest.raises(SgsimError) as refusal:
        load(first, other)
    assert str(refusal.value) == (
        "c.json: rule must be the same in all documents, got two versions of sgr-1: a.json and c.json"
    )


def test_documents_complete_each_other_on_instances(write):
    aws = {"Reservations": [{"Instances": [{"InstanceId": "i-1", "InstanceType": "m7i.large"}]}]}
    ours = "instances: {i-1: {capacity: 50000}}\n"
    found = load(write("instances.json", aws), write("ours.yaml", ours))
    assert found.instances["i-1"] == Instance(instance_id="i-1", instance_type="m7i.large", capacity=50000)


def test_documents_that_contradict_each_other_are_refused(write):
    first = write("a.yaml", "instances: {i-1: {capacity: 50000}}\n")
    second = write("b.yaml", "instances: {i-1: {capacity: 60000}}\n")
    with pytest.raises(SgsimError) as refusal:
        load(first, second)
    assert str(refusal.value) == "b.yaml: instance must be the same in all documents, got two versions of i-1"


def test_names_of_groups_in_other_documents_become_ids(write):
    aws = {"SecurityGroups": [{"GroupId": "sg-9", "GroupName": "admin"}]}
    ours = """\
        groups:
          sg-1: {ingress: [{protocol: all, from: admin}]}
        interfaces:
          eni-a: {addresses: 10.0.0.5, groups: [sg-1, admin]}
        """
    found = load(write("ours.yaml", ours), write("groups.json", aws))
    assert names(found) == ["sg-1:ingress:all:all:sg-9"]
    assert found.interfaces["eni-a"].group_ids == ("sg-1", "sg-9")


def test_a_name_of_two_groups_in_other_documents_is_refused(write):
    aws = {"SecurityGroups": [{"GroupId": "sg-8", "GroupName": "admin"}, {"GroupId": "sg-9", "GroupName": "admin"}]}
    ours = "interfaces: {eni-a: {addresses: 10.0.0.5, groups: admin}}\n"
    with pytest.raises(SgsimError) as refusal:
        load(write("ours.yaml", ours), write("groups.json", aws))
    assert str(refusal.value) == (
        "ours.yaml: group name must be unique, got 'admin', the name of sg-8, sg-9: give the id"
    )
