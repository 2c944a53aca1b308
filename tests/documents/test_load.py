import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from netaddr import IPNetwork

from sgsim.documents import files, load
from sgsim.documents.load import load_sides, load_values
from sgsim.errors import ConfigError, DocumentError, RuleError, SgsimError
from sgsim.model.interface import Interface
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Vpc

REFERENCE = "references whose addresses no document gives are an error where a verdict hinges on them"


def groups(*group_ids, **members):
    return {"SecurityGroups": [{"GroupId": group_id, **members} for group_id in group_ids]}


def test_a_directory_stands_for_its_documents_sorted_by_name(write):
    write("rules/b.json", groups("sg-b"))
    write("rules/a.yml", "groups: {sg-a: {}}\n")
    write("rules/c.YAML", "groups: {sg-c: {}}\n")
    write("rules/notes.txt", "nothing of ours")
    write("rules/deeper/d.json", groups("sg-d"))
    assert list(load("rules").groups) == ["sg-a", "sg-b", "sg-c"]


def test_a_file_given_twice_is_read_once(write):
    path = write("rules/a.json", groups("sg-a", Brand="new"))
    assert len(load(path, "rules", "rules/../rules/a.json").notes) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.json", "missing.json: document must be a readable file, got: No such file or directory"),
        ("empty", "empty: directory must hold documents named *.json, *.yaml, *.yml, got none"),
        ("other", "other/b.json: document must be one of: output of aws ec2 "),
    ],
)
def test_what_cannot_be_read_is_refused(write, path, message):
    write("empty/notes.txt", "")
    write("other/a.json", groups("sg-a"))
    write("other/b.json", {"a": 1})
    with pytest.raises(SgsimError) as refusal:
        load(path)
    assert str(refusal.value).startswith(message)


def test_no_document_at_all_is_refused():
    with pytest.raises(SgsimError) as refusal:
        load()
    assert str(refusal.value) == "rules must be given as at least one file or directory, got none"


def test_two_versions_of_a_group_are_refused(write):
    paths = write("a.json", groups("sg-1")), write("b.json", groups("sg-1", GroupName="web"))
    with pytest.raises(SgsimError) as refusal:
        load(*paths)
    assert str(refusal.value) == (
        "b.json: group must be the same in all documents, got two versions of sg-1: a.json and b.json"
    )


def test_one_vpc_is_kept(write):
    paths = write("a.json", groups("sg-1", VpcId="vpc-1")), write("b.json", groups("sg-2", VpcId="vpc-2"))
    assert list(load(*paths, vpc="vpc-2").groups) == ["sg-2"]
    with pytest.raises(SgsimError) as refusal:
        load(*paths, vpc="vpc-3")
    assert str(refusal.value) == "--vpc vpc-3: VPC must be one of vpc-1, vpc-2, got 'vpc-3'"


@pytest.mark.parametrize(
    ("vpc_ids", "vpc", "expected"),
    [(["vpc-1"], None, "vpc-1"), (["vpc-1", "vpc-2"], "vpc-2", "vpc-2"), (["vpc-1", "vpc-2"], None, "--vpc-cidr")],
)
def test_blocks_given_by_option_belong_to_the_vpc_that_is_meant(write, vpc_ids, vpc, expected):
    paths = [write(f"{vpc_id}.json", groups(f"sg-{vpc_id}", VpcId=vpc_id)) for vpc_id in vpc_ids]
    found = load(*paths, vpc=vpc, vpc_cidrs=["10.0.0.0/16", "2001:db8::/56"])
    assert found.vpcs[expected].networks == (IPNetwork("10.0.0.0/16"), IPNetwork("2001:db8::/56"))


def test_blocks_given_by_option_join_those_of_a_document(write):
    path = write("vpcs.json", {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]})
    found = load(path, vpc_cidrs=["10.1.0.0/16", "10.0.0.0/16"])
    assert found.vpcs["vpc-1"] == Vpc(vpc_id="vpc-1", networks=[IPNetwork("10.0.0.0/16"), IPNetwork("10.1.0.0/16")])


def test_a_vpc_block_that_is_none_is_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(write("a.json", groups("sg-1")), vpc_cidrs=["10.0.0.0"])
    assert str(refusal.value) == (
        "--vpc-cidr 10.0.0.0: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '10.0.0.0'"
    )


def test_options_join_documents(write):
    path = write(
        "lesson.yaml",
        """\
        groups:
          sg-1: {name: web, ingress: [{protocol: all, from: [sg-9, pl-9]}]}
          sg-2: {name: db}
        """,
    )
    found = load(
        path,
        interfaces=["10.0.0.5=web", Interface(interface_id="eni-b", addresses=["10.0.0.6"])],
        members=["sg-9=10.0.3.0/24", "sg-9=10.0.4.1", "pl-9=2001:db8::/32"],
        paths=["10.0.0.5:10.0.9.0/24=nat-gateway"],
        allow_unresolved=True,
    )
    assert list(found.interfaces) == ["10.0.0.5", "eni-b"]
    assert found.members == {
        "sg-9": AddressSet.of([IPNetwork("10.0.3.0/24"), IPNetwork("10.0.4.1/32")]),
        "pl-9": AddressSet.of([IPNetwork("2001:db8::/32")]),
    }
    assert [path.scope for path in found.paths] == ["10.0.0.5"]
    assert found.allow_unresolved
    assert found.notes == ()


def test_a_region_wide_listing_works_without_interfaces_and_notes_its_references(write):
    pairs = [{"GroupId": "sg-1", "UserId": "1"}, {"GroupId": "sg-2", "UserId": "1"}, {"GroupId": "sg-3", "UserId": "2"}]
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": pairs, "PrefixListIds": [{"PrefixListId": "pl-1"}]}
    path = write("groups.json", groups("sg-1", "sg-2", OwnerId="1", IpPermissions=[permission]))
    assert [(note.text, note.count) for note in load(path).notes] == [
        (f"{REFERENCE}: pl-1, sg-1, sg-2", 6),
        ("references across a peering or to another account resolve to nothing: sg-3", 2),
    ]
    assert [(note.text, note.count) for note in load(path, interfaces=["10.0.0.5=sg-1"]).notes] == [
        (f"{REFERENCE}: pl-1, sg-2", 4),
        ("references across a peering or to another account resolve to nothing: sg-3", 2),
        ("the members of sg-1 are taken to be those that --interface names: 10.0.0.5", 1),
    ]


def test_members_known_from_interface_options_alone_are_noted_once_for_each_group_that_rules_in_use_mean(write):
    permissions = [
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
    ]
    path = write("groups.json", groups("sg-1", "sg-2", IpPermissions=permissions))
    text = "the members of sg-1 are taken to be those that --interface names: "
    both = ["10.0.0.5=sg-1", "10.0.0.6=sg-1"]
    assert [(note.text, note.count) for note in load(path, interfaces=both).notes] == [(f"{text}10.0.0.5, 10.0.0.6", 2)]
    assert load(path, interfaces=both, members=["sg-1=10.0.0.7"]).notes == ()
    listing = write("interfaces.json", {"NetworkInterfaces": []})
    assert load(path, listing, interfaces=both).notes == ()


def test_a_path_may_lead_to_a_prefix_list_whose_addresses_an_option_gives(write):
    permission = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]}
    path = write("groups.json", groups("sg-1", IpPermissions=[permission]))
    (found,) = load(path, members=["pl-1=10.9.0.0/16"], paths=["pl-1=nat-gateway"]).paths
    assert found.prefix_list_id == "pl-1"


def test_references_with_members_given_are_not_noted(write):
    pairs = [{"GroupId": "sg-2", "UserId": "2"}, {"GroupId": "sg-3", "PeeringStatus": "deleted"}]
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": pairs}
    path = write("groups.json", groups("sg-1", OwnerId="1", IpPermissions=[permission]))
    assert len(load(path).notes) == 2
    assert load(path, members=["sg-2=10.0.0.1", "sg-3=10.0.0.2"]).notes == ()


def test_known_groups_without_members_are_empty_and_not_noted(write):
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1"}]}
    paths = (
        write("groups.json", groups("sg-1", IpPermissions=[permission])),
        write("interfaces.json", {"NetworkInterfaces": []}),
    )
    assert load(*paths).notes == ()


def test_documents_that_are_parsed_already_are_read_as_files_are(write):
    known = {
        "groups": groups("sg-a", Brand="new"),
        "list": {"PrefixLists": [{"PrefixListId": "pl-1", "Cidrs": ["192.0.2.0/24"]}]},
    }
    paths = [write(f"{name}.json", value) for name, value in known.items()]
    expected, actual = load(*paths), load_values(known)
    assert (list(expected.groups), expected.prefix_lists) == (list(actual.groups), actual.prefix_lists)
    assert [note.text for note in expected.notes] == [note.text for note in actual.notes]


def test_a_parsed_document_that_is_none_is_refused_by_its_name():
    with pytest.raises(SgsimError) as refusal:
        load_values({"mine": {"Groups": []}})
    assert str(refusal.value).startswith("mine: document must be one of: output of aws ec2 ")
    with pytest.raises(SgsimError, match=r"mine, SecurityGroups\[0\]: SecurityGroups\[0\] must have GroupId"):
        load_values({"mine": {"SecurityGroups": [{"GroupName": "web"}]}})


OLD = "groups: {sg-1: {name: web, ingress: [{protocol: tcp, ports: 22, from: 10.0.0.0/8}]}}"
NEW = "groups: {aws.web: {name: web, ingress: [{protocol: tcp, ports: 22, from: sg-9}]}}"
SHARED = "prefix_lists: {pl-1: [192.0.2.0/24]}"


@pytest.fixture
def both(write):
    return [write("shared.yaml", SHARED)], write("old.yaml", OLD), write("new.yaml", NEW)


def test_what_both_sides_share_is_read_once(both):
    old, new = load_sides(*both)
    assert (list(old.groups), list(new.groups)) == (["sg-1"], ["aws.web"])
    assert old.prefix_lists["pl-1"] is new.prefix_lists["pl-1"]


def test_an_option_may_name_what_one_side_alone_knows(both):
    old, new = load_sides(*both, members=["sg-9=10.0.0.9"], interfaces=["10.0.0.5=sg-1"], allow_unresolved=True)
    assert (list(old.members), list(new.members)) == ([], ["sg-9"])
    assert [side.interfaces["10.0.0.5"].group_ids for side in (old, new)] == [("sg-1",), ("sg-1",)]
    assert old.allow_unresolved
    assert new.allow_unresolved


def test_an_option_by_name_means_each_side_s_own_group(both):
    sides = load_sides(*both, interfaces=["10.0.0.5=web"], paths=["10.0.9.0/24=nat-gateway"], vpc_cidrs=["10.0.0.0/16"])
    assert [side.interfaces["10.0.0.5"].group_ids for side in sides] == [("sg-1",), ("aws.web",)]
    assert [len(side.paths) for side in sides] == [len(side.vpcs) for side in sides] == [1, 1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"members": ["sg-nobody=10.0.0.9"]}, RuleError, "--members sg-nobody=10.0.0.9: group must be one that"),
        ({"interfaces": ["10.0.0.5=nobody"]}, RuleError, "--interface 10.0.0.5=nobody: group must be one that"),
        ({"assume": ["nothing=1"]}, ConfigError, "--assume must name a value that a document leaves open, got nothing"),
    ],
)
def test_an_option_that_neither_side_knows_is_refused(both, options, error, message):
    with pytest.raises(error, match=message):
        load_sides(*both, **options)


def test_a_value_may_be_left_open_by_one_side_alone(write):
    plan = {
        "resource_changes": [
            {
                "address": "aws_security_group.web", "type": "aws_security_group", "name": "web", "mode": "managed",
                "change": {
                    "actions": ["create"], "before": None,
                    "after": {"name": "web", "ingress": [], "egress": []}, "after_unknown": {"id": True, "vpc_id": True},
                },
            }
        ],
        "format_version": "1.2", "planned_values": {},
    }  # fmt: skip
    template = """\
    Parameters: {Office: {Type: String}}
    Resources:
      Web:
        Type: AWS::EC2::SecurityGroup
        Properties:
          GroupDescription: web
          SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Office}]
    """
    for sides in itertools.permutations([write("plan.json", plan), write("template.yaml", template)]):
        found = load_sides([], *sides, assume=["Office=203.0.113.0/24"])
        assert {key for side in found for key in side.groups} == {"aws_security_group.web", "Web"}


@pytest.mark.parametrize("device", ["/dev/full", "/dev/zero", "/dev/null"])
def test_a_device_is_no_document(device):
    """The first two have no end."""
    if not Path(device).exists():
        pytest.skip(f"this system has no {device}")
    with pytest.raises(DocumentError, match="must be a file or a pipe, got a device or socket"):
        load(device)


def test_a_pipe_is_one(write, tmp_path):
    """As in `-r <(aws ec2 describe-security-groups)`."""
    text = write("a.json", groups("sg-a")).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(pipe.write_bytes, text)
        assert list(load(pipe).groups) == ["sg-a"]


def test_a_document_has_an_end(write, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    with pytest.raises(DocumentError, match="document must have at most 10 bytes, got more"):
        load(write("a.json", groups("sg-a")))
