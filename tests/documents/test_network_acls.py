"""Network ACLs as AWS prints them, and in our own form."""

import json

import pytest

import sgsim
from sgsim.errors import SgsimError
from sgsim.model.states import Direction

ENTRY = {"RuleNumber": 100, "Protocol": "6", "RuleAction": "allow", "Egress": False, "CidrBlock": "0.0.0.0/0",
         "PortRange": {"From": 443, "To": 443}}  # fmt: skip


def document(*entries, **members):
    acl = {
        "NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": False, "OwnerId": "123456789012",
        "Tags": [{"Key": "Name", "Value": "edge"}], "Entries": list(entries),
        "Associations": [
            {"NetworkAclAssociationId": "aclassoc-1", "NetworkAclId": "acl-1", "SubnetId": "subnet-1"},
        ],
    }  # fmt: skip
    return {"NetworkAcls": [acl | members]}


@pytest.fixture
def load(tmp_path):
    def loaded(content, name="acls.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return sgsim.load(path)

    return loaded


def texts(rules, direction=Direction.INGRESS):
    return [entry.text for entry in rules.network_acls["acl-1"].entries_of(direction)]


STARS = ["*: deny all traffic from 0.0.0.0/0", "*: deny all traffic from ::/0"]


def test_what_aws_prints_is_read(load):
    star = {"RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    out = ENTRY | {"Egress": True, "PortRange": {"From": 1024, "To": 65535}}
    rules = load(document(ENTRY, star, out))
    acl = rules.network_acls["acl-1"]
    assert ("edge", ("subnet-1",), "vpc-1") == (acl.name, acl.subnet_ids, acl.vpc_id)
    assert ["100: allow tcp 443 from 0.0.0.0/0", *STARS] == texts(rules)
    assert "100: allow tcp 1024-65535 to 0.0.0.0/0" == texts(rules, Direction.EGRESS)[0]
    assert () == rules.notes


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}}, "icmp 8/any from 0.0.0.0/0"),
        ({"Protocol": "1", "IcmpTypeCode": {"Type": -1, "Code": -1}}, "icmp all from 0.0.0.0/0"),
        ({"Protocol": "58", "IcmpTypeCode": {"Type": 128, "Code": 0}}, "icmp all from 0.0.0.0/0"),
        ({"Protocol": "58", "CidrBlock": None, "Ipv6CidrBlock": "::/0", "IcmpTypeCode": {"Type": 128, "Code": 0}},
         "icmpv6 128/0 from ::/0"),
        ({"Protocol": "47"}, "47 from 0.0.0.0/0"),
        ({"Protocol": "-1"}, "all traffic from 0.0.0.0/0"),
        ({"CidrBlock": "100.68.0.18/18"}, "tcp 443 from 100.68.0.0/18"),
    ],
)  # fmt: skip
def test_what_an_entry_is_about(load, members, text):
    assert f"100: allow {text}" == texts(load(document(ENTRY | members)))[0]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"PortRange": None}, "tcp must have PortRange, got none"),
        ({"PortRange": {"From": 9, "To": 5}}, "first port must be at most the last, got 9 > 5"),
        ({"RuleAction": "drop"}, "RuleAction must be allow or deny, got 'drop'"),
        ({"RuleNumber": 0}, r"number of an entry must be 1..32766, got 0"),
        ({"Protocol": "tcpx"}, "Protocol must be a number of 0..255 or -1, got 'tcpx'"),
        ({"Egress": "no"}, "Egress must be true or false, got 'no'"),
        ({"CidrBlock": None}, "must have either CidrBlock or Ipv6CidrBlock, got neither"),
        ({"Ipv6CidrBlock": "::/0"}, "must have either CidrBlock or Ipv6CidrBlock, got both"),
    ],
)  # fmt: skip
def test_what_ec2_would_refuse_is_refused(load, members, message):
    with pytest.raises(SgsimError, match=message):
        load(document(ENTRY | members))


def test_two_acls_before_one_subnet_are_refused(load):
    two = document()
    two["NetworkAcls"].append(two["NetworkAcls"][0] | {"NetworkAclId": "acl-2"})
    with pytest.raises(SgsimError, match="subnet must have one network ACL, got acl-1 and acl-2 for subnet-1"):
        load(two)


OWN = """
network_acls:
  acl-1:
    name: edge
    subnets: [subnet-1]
    ingress:
      - {number: 200, action: allow, protocol: all, from: 0.0.0.0/0}
      - {number: 100, action: deny, protocol: tcp, ports: 22-23, from: 198.51.100.7}
      - {number: 300, action: allow, protocol: icmpv6, icmp: {type: 128}, from: "::/0"}
    egress:
      - {number: 100, action: allow, protocol: udp, ports: 53, to: 10.0.0.0/8}
interfaces:
  eni-a: {addresses: 192.0.2.10, subnet: subnet-1}
  eni-b: {addresses: 192.0.2.11, subnet: subnet-2}
  eni-c: {addresses: 192.0.2.12}
"""


def test_our_own_form_is_read(load):
    rules = load(OWN, "net.yaml")
    expected = ["100: deny tcp 22-23 from 198.51.100.7/32", "200: allow all traffic from 0.0.0.0/0"]
    assert [*expected, "300: allow icmpv6 128/any from ::/0", *STARS] == texts(rules)
    assert "100: allow udp 53 to 10.0.0.0/8" == texts(rules, Direction.EGRESS)[0]


def test_where_no_acl_stands_a_note_says_so(load):
    notes = [note.text for note in load(OWN, "net.yaml").notes]
    assert [
        "subnets before which no known network ACL stands are open: subnet-2",
        "no network ACL stands before interfaces whose subnet is unknown: eni-c",
    ] == notes


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{number: 100, action: deny, protocol: tcp, ports: 22, to: 0.0.0.0/0}", ": ingress entries say from"),
        ("{number: 40000, action: deny, protocol: all, from: 0.0.0.0/0}", r"number must be 1..32766, got 40000"),
        ("{number: 100, action: deny, protocol: all, from: sg-web}", "peer of an entry must be a block of addresses"),
        ("{number: 100, protocol: all, from: 0.0.0.0/0}", r"must have action"),
    ],
)
def test_slips_are_refused(load, entry, message):
    with pytest.raises(SgsimError, match=message):
        load(f"network_acls:\n  acl-1:\n    ingress:\n      - {entry}\n", "net.yaml")
