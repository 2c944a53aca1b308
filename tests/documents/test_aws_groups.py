import pytest
from netaddr import IPNetwork

from sgsim.documents import load
from sgsim.errors import SgsimError
from sgsim.model.states import Direction
from sgsim.rules.inventory import Note
from sgsim.rules.port_range import PortRange
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, PrefixListReference


def group(*permissions, group_id="sg-1", egress=(), **members):
    return {
        "GroupId": group_id,
        "GroupName": "web",
        "Description": "for the web",
        "OwnerId": "123456789012",
        "VpcId": "vpc-1",
        "IpPermissions": list(permissions),
        "IpPermissionsEgress": list(egress),
        **members,
    }


def permission(protocol="tcp", first=80, last=80, **members):
    ports = {key: value for key, value in (("FromPort", first), ("ToPort", last)) if value is not None}
    return {"IpProtocol": protocol, **ports, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], **members}


def groups(*items):
    return {"SecurityGroups": list(items)}


def rule(**members):
    return {
        "SecurityGroupRuleId": "sgr-1",
        "GroupId": "sg-1",
        "GroupOwnerId": "123456789012",
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 80,
        "CidrIpv4": "0.0.0.0/0",
        **members,
    }


def load_rules(write, *permissions):
    return load(write("groups.json", groups(group(*permissions)))).groups["sg-1"].rules


def test_a_group_keeps_what_its_document_says(write):
    found = load(write("groups.json", groups(group(permission(), egress=[permission("-1", None, None)]))))
    assert list(found.groups) == ["sg-1"]
    sg = found.groups["sg-1"]
    assert (sg.name, sg.description, sg.owner_id, sg.vpc_id) == ("web", "for the web", "123456789012", "vpc-1")
    assert sg.origin == "groups.json"
    assert [rule.name for rule in sg.rules] == ["sg-1:ingress:tcp:80:0.0.0.0/0", "sg-1:egress:all:all:0.0.0.0/0"]
    assert found.notes == ()


def test_a_permission_gives_one_rule_for_each_peer_in_the_order_of_its_lists(write):
    rules = load_rules(
        write,
        permission(
            UserIdGroupPairs=[
                {"GroupId": "sg-2", "UserId": "123456789012", "Description": "inner"},
                {"GroupId": "sg-3", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "deleted"},
                {"GroupId": "sg-4", "VpcPeeringConnectionId": "pcx-2", "PeeringStatus": "active"},
            ],
            PrefixListIds=[{"PrefixListId": "pl-1"}],
            Ipv6Ranges=[{"CidrIpv6": "::/0", "Description": "six"}],
            IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "ten"}, {"CidrIp": "10.0.0.0/8"}],
        ),
    )
    assert [rule.peer for rule in rules] == [
        Cidr(IPNetwork("10.0.0.0/8")),
        Cidr(IPNetwork("10.0.0.0/8")),
        Cidr(IPNetwork("::/0")),
        PrefixListReference("pl-1"),
        GroupReference("sg-2", owner_id="123456789012"),
        GroupReference("sg-3", peering_id="pcx-1", is_stale=True),
        GroupReference("sg-4", peering_id="pcx-2"),
    ]
    assert [rule.description for rule in rules] == ["ten", "", "six", "", "inner", "", ""]
    assert {rule.ports for rule in rules} == {PortRange(80, 80)}


@pytest.mark.parametrize(
    ("protocol", "first", "last", "ports", "icmp"),
    [
        ("tcp", 0, 65535, PortRange.all(), None),
        ("6", 22, 22, PortRange(22, 22), None),
        ("udp", 53, 53, PortRange(53, 53), None),
        ("icmp", 8, -1, None, IcmpMatch(8)),
        ("icmp", 3, 4, None, IcmpMatch(3, 4)),
        ("icmp", -1, -1, None, IcmpMatch()),
        ("icmpv6", None, None, None, IcmpMatch()),
        ("58", 128, 0, None, IcmpMatch(128, 0)),
        ("-1", 80, 80, None, None),
        ("-1", None, None, None, None),
        ("50", 1, 2, None, None),
        ("50", None, None, None, None),
    ],
)
def test_services(write, protocol, first, last, ports, icmp):
    (found,) = load_rules(write, permission(protocol, first, last))
    assert (found.ports, found.icmp) == (ports, icmp)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (permission(first=70000), "FromPort: first port must be 0..65535, got 70000"),
        (permission(last=70000), "ToPort: last port must be 0..65535, got 70000"),
        (permission(first=-1, last=-1), "FromPort: first port must be 0..65535, got -1"),
        (permission(first=90), "FromPort: first port must be at most the last, got 90 > 80"),
        (permission(first="80"), "FromPort: FromPort must be a whole number, got '80'"),
        (permission(first=True), "FromPort: FromPort must be a whole number, got true"),
        (permission(first=80.0), "FromPort: FromPort must be a whole number, got 80.0"),
        (
            permission("bogus"),
            "IpProtocol: protocol must be tcp, udp, icmp, icmpv6, -1, all or a number 0..255, got 'bogus'",
        ),
        (permission("icmp", 256), "FromPort: icmp type must be 0..255 or -1 for any, got 256"),
        (permission("icmp", 8, 65535), "ToPort: icmp code must be 0..255 or -1 for any, got 65535"),
        (permission("icmp", -1, 4), "ToPort: icmp code must be -1 where the type is -1, got 4"),
        (
            permission(IpRanges=[{"CidrIp": "10.0.0.0/33"}]),
            "IpRanges[0].CidrIp: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.0.0/33'",
        ),
        (
            permission(IpRanges=[{"CidrIp": "10.0.0.0"}]),
            "IpRanges[0].CidrIp: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.0.0'",
        ),
        (permission(IpRanges=[{"CidrIp": "::/0"}]), "IpRanges[0].CidrIp: CidrIp must be an IPv4 block, got '::/0'"),
        (
            permission(Ipv6Ranges=[{"CidrIpv6": "0.0.0.0/0"}]),
            "Ipv6Ranges[0].CidrIpv6: CidrIpv6 must be an IPv6 block, got '0.0.0.0/0'",
        ),
        (permission(IpRanges=[{}]), "IpRanges[0]: IpRanges[0] must have CidrIp, got nothing"),
        (permission(IpRanges={}), "IpRanges: IpRanges must be a list, got an object"),
        (permission(IpRanges=["10.0.0.0/8"]), "IpRanges[0]: IpRanges[0] must be an object, got '10.0.0.0/8'"),
    ],
)
def test_what_no_permission_can_say_is_refused_at_its_place(write, broken, message):
    path = write("groups.json", groups(group(), group(permission(), permission(), broken, group_id="sg-2")))
    with pytest.raises(SgsimError) as refusal:
        load(path)
    assert str(refusal.value) == f"groups.json, SecurityGroups[1].IpPermissions[2].{message}"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (permission(first=None, last=None), "tcp must have FromPort and ToPort, got neither"),
        (permission(last=None), "tcp must have FromPort and ToPort, got only FromPort"),
        (permission("udp", first=None), "udp must have FromPort and ToPort, got only ToPort"),
        (permission("icmp", None, None), "icmp must have FromPort and ToPort, got neither"),
        ({"FromPort": 80}, "IpPermissions[0] must have IpProtocol, got only FromPort"),
    ],
)
def test_a_permission_must_be_complete(write, broken, message):
    with pytest.raises(SgsimError) as refusal:
        load_rules(write, broken)
    assert str(refusal.value) == f"groups.json, SecurityGroups[0].IpPermissions[0]: {message}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"SecurityGroups": {}}, "SecurityGroups: SecurityGroups must be a list, got an object"),
        ({"SecurityGroups": [1]}, "SecurityGroups[0]: SecurityGroups[0] must be an object, got 1"),
        (groups({"GroupName": "web"}), "SecurityGroups[0]: SecurityGroups[0] must have GroupId, got only GroupName"),
        (groups(group(group_id="")), "SecurityGroups[0].GroupId: GroupId must be a non-empty text, got ''"),
        (groups(group(group_id=5)), "SecurityGroups[0].GroupId: GroupId must be a non-empty text, got 5"),
        (
            groups(group(), group(permission())),
            "SecurityGroups[1]: group must be the same wherever it is described, got another sg-1",
        ),
    ],
)
def test_a_listing_of_another_shape_is_refused(write, document, message):
    with pytest.raises(SgsimError) as refusal:
        load(write("groups.json", document))
    assert str(refusal.value) == f"groups.json, {message}"


def test_ids_are_opaque(write):
    found = load(write("groups.json", groups(group(group_id="any thing/at all"))))
    assert list(found.groups) == ["any thing/at all"]


def test_missing_and_null_lists_are_empty(write):
    bare = {"GroupId": "sg-1"}
    null = {"GroupId": "sg-2", "IpPermissions": None}
    found = load(write("groups.json", groups(bare, null)))
    assert [sg.rules for sg in found.groups.values()] == [(), ()]


def test_a_group_twice_with_the_same_content_is_one(write):
    assert len(load(write("groups.json", groups(group(), group()))).groups) == 1


def test_unknown_members_are_counted_and_known_ones_are_not(write):
    document = groups(
        group(permission(Brand="new"), Tags=[{"Key": "a", "Value": "b"}], SecurityGroupArn="arn:..."),
        group(permission(Brand="new", Other=1), group_id="sg-2"),
    )
    assert load(write("groups.json", document)).notes == (
        Note("unknown members are ignored: Brand, Other", 3, "groups.json"),
    )


def test_host_bits_are_cleared_and_counted(write):
    found = load(write("groups.json", groups(group(permission(IpRanges=[{"CidrIp": "100.68.0.18/18"}])))))
    assert found.groups["sg-1"].rules[0].peer == Cidr(IPNetwork("100.68.0.0/18"))
    assert found.notes == (
        Note("host bits of CIDR blocks are cleared, as EC2 does: 100.68.0.18/18 is 100.68.0.0/18", 1, "groups.json"),
    )


def test_a_permission_without_peers_is_counted(write):
    found = load(write("groups.json", groups(group(permission(IpRanges=[])))))
    assert found.groups["sg-1"].rules == ()
    assert found.notes == (
        Note("permissions without a peer admit nothing: SecurityGroups[0].IpPermissions[0]", 1, "groups.json"),
    )


def test_a_reference_by_name_alone_is_resolved_in_its_document(write):
    pair = permission(IpRanges=[], UserIdGroupPairs=[{"GroupName": "db"}])
    found = load(write("groups.json", groups(group(pair), group(group_id="sg-2", GroupName="db"))))
    assert found.groups["sg-1"].rules[0].peer == GroupReference("sg-2")


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([], "which no group of this document has"),
        ([group(group_id="sg-2", GroupName="db"), group(group_id="sg-3", GroupName="db")], "the name of sg-2, sg-3"),
    ],
)
def test_a_reference_by_a_name_that_is_not_of_one_group_is_refused(write, others, found):
    pair = permission(IpRanges=[], UserIdGroupPairs=[{"GroupName": "db"}])
    with pytest.raises(SgsimError) as refusal:
        load(write("groups.json", groups(group(pair), *others)))
    assert str(refusal.value) == (
        "groups.json, SecurityGroups[0].IpPermissions[0].UserIdGroupPairs[0]: GroupName without GroupId must be the name "
        f"of one group, got 'db', {found}"
    )


def test_rules_with_ids_make_a_group_by_themselves(write):
    document = {
        "SecurityGroupRules": [
            rule(Description="web"),
            rule(SecurityGroupRuleId="sgr-2", IsEgress=True, IpProtocol="-1", FromPort=-1, ToPort=-1),
            rule(SecurityGroupRuleId="sgr-3", CidrIpv4=None, ReferencedGroupInfo={"GroupId": "sg-9", "UserId": "1"}),
            rule(SecurityGroupRuleId="sgr-4", CidrIpv4=None, CidrIpv6="::/0", Tags=[]),
            rule(SecurityGroupRuleId="sgr-5", CidrIpv4=None, PrefixListId="pl-1"),
        ]
    }
    found = load(write("rules.json", document)).groups["sg-1"]
    assert found.owner_id == "123456789012"
    assert [(item.name, item.direction, item.peer) for item in found.rules] == [
        ("sgr-1", Direction.INGRESS, Cidr(IPNetwork("0.0.0.0/0"))),
        ("sgr-2", Direction.EGRESS, Cidr(IPNetwork("0.0.0.0/0"))),
        ("sgr-3", Direction.INGRESS, GroupReference("sg-9", owner_id="1")),
        ("sgr-4", Direction.INGRESS, Cidr(IPNetwork("::/0"))),
        ("sgr-5", Direction.INGRESS, PrefixListReference("pl-1")),
    ]
    assert found.rules[0].description == "web"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            rule(CidrIpv4=None),
            ": rule must have one of CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo, got none",
        ),
        (
            rule(CidrIpv6="::/0"),
            ": rule must have one of CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo, got CidrIpv4 and CidrIpv6",
        ),
        (rule(IsEgress="no"), ".IsEgress: IsEgress must be true or false, got 'no'"),
        (rule(FromPort=-1, ToPort=-1), ".FromPort: first port must be 0..65535, got -1"),
        (
            rule(CidrIpv4="nonsense"),
            ".CidrIpv4: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got 'nonsense'",
        ),
    ],
)
def test_what_no_rule_can_say_is_refused_at_its_place(write, broken, message):
    with pytest.raises(SgsimError) as refusal:
        load(write("rules.json", {"SecurityGroupRules": [rule(), broken]}))
    assert str(refusal.value) == f"rules.json, SecurityGroupRules[1]{message}"


def test_stale_references_are_marked(write):
    pairs = permission(IpRanges=[], UserIdGroupPairs=[{"GroupId": "sg-2"}, {"GroupId": "sg-3"}])
    stale = {
        "StaleSecurityGroupSet": [
            {
                "GroupId": "sg-1",
                "GroupName": "web",
                "StaleIpPermissions": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": 80,
                        "ToPort": 80,
                        "IpRanges": [],
                        "UserIdGroupPairs": [{"GroupId": "sg-2"}],
                    }
                ],
                "StaleIpPermissionsEgress": [{"UserIdGroupPairs": [{"GroupId": "sg-2"}]}],
            }
        ]
    }
    found = load(write("groups.json", groups(group(pairs))), write("stale.json", stale), allow_unresolved=True)
    assert [item.peer for item in found.groups["sg-1"].rules] == [
        GroupReference("sg-2", is_stale=True),
        GroupReference("sg-3"),
    ]
    assert [(note.text, note.count) for note in found.notes] == [
        ("stale references that no rule makes are ignored: sg-1 to sg-2", 1),
        ("stale references resolve to nothing: sg-2", 1),
        ("references whose addresses no document gives count as empty: sg-3", 1),
    ]
