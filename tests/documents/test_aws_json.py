import json

import pytest

from sgsim.documents import load
from sgsim.errors import SgsimError

EXPECTED = (
    "document must be one of: output of aws ec2 describe-security-groups, describe-security-group-rules, "
    "describe-network-interfaces, describe-managed-prefix-lists, describe-prefix-lists, get-managed-prefix-list-entries, "
    "describe-vpcs, describe-subnets, describe-network-acls, describe-instances, describe-stale-security-groups; a Terraform plan (terraform "
    "show -json) or state; a CloudFormation template; or sgsim's own form (vpc, groups, prefix_lists, interfaces, instances, subnets, network_acls, paths), got "
)


def page(*group_ids, **members):
    return {"SecurityGroups": [{"GroupId": group_id} for group_id in group_ids], **members}


def test_a_document_is_recognised_by_its_content_whatever_its_name(write):
    assert list(load(write("notes.txt", page("sg-1"))).groups) == ["sg-1"]


def test_several_lists_in_one_document_are_all_read(write):
    document = page("sg-1") | {"Vpcs": [{"VpcId": "vpc-1"}], "ResponseMetadata": {}}
    found = load(write("all.json", document))
    assert (list(found.groups), list(found.vpcs), found.notes) == (["sg-1"], ["vpc-1"], ())


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([page("sg-1"), page("sg-2")]),
        json.dumps(page("sg-1")) + "\n" + json.dumps(page("sg-2"), indent=1) + "\n",
        json.dumps({"status_code": 200, "data": page("sg-1", "sg-2")}),
    ],
    ids=["list of pages", "one after the other", "recorded"],
)
def test_pages_and_recorded_responses(write, text):
    assert list(load(write("groups.json", text)).groups) == ["sg-1", "sg-2"]


def test_places_in_later_pages(write):
    broken = {"SecurityGroups": [{"GroupId": 1}]}
    path = write("groups.json", json.dumps(page("sg-1")) + json.dumps(broken))
    with pytest.raises(SgsimError, match=r"^groups.json, document 2, SecurityGroups\[0\].GroupId: GroupId must be"):
        load(path)
    with pytest.raises(SgsimError, match=r"^pages.json, \[1\].SecurityGroups\[0\].GroupId: GroupId must be"):
        load(write("pages.json", [page("sg-1"), broken]))


def test_a_page_that_is_not_the_last_is_noted(write):
    found = load(write("groups.json", page("sg-1", NextToken="abc")))
    assert [(note.text, note.count) for note in found.notes] == [
        ("NextToken says that more pages follow which are not here: document", 1)
    ]


def test_yaml_output_of_the_aws_cli(write):
    path = write(
        "groups.yaml",
        """\
        SecurityGroups:
        - GroupId: sg-1
          OwnerId: '012345678901'
          IpPermissions:
          - IpProtocol: '-1'
            IpRanges:
            - CidrIp: 10.0.0.0/8
          - IpProtocol: tcp
            FromPort: 70000
            ToPort: 80
        """,
    )
    with pytest.raises(SgsimError) as refusal:
        load(path)
    assert str(refusal.value) == "groups.yaml, line 9, column 15: first port must be 0..65535, got 70000"


def test_a_recorded_failure_is_refused(write):
    failure = {"Code": "UnauthorizedOperation", "Message": "You are not authorized"}
    with pytest.raises(SgsimError) as refusal:
        load(write("groups.json", {"status_code": 403, "data": {"Error": failure}}))
    assert str(refusal.value) == (
        "groups.json, data.Error: recorded response must be a success, got UnauthorizedOperation: You are not authorized"
    )


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}, "an object with keys a, b, c, d, e and 1 more"),
        ({}, "an object without keys"),
        ([], "a list of 0"),
        ([1, 2], "a list of 2"),
        (None, "nothing"),
        ([{"SecurityGroups": []}, {"other": 1}], "a list of 2"),
    ],
)
def test_other_documents_are_refused(write, document, found):
    with pytest.raises(SgsimError) as refusal:
        load(write("other.json", document))
    assert str(refusal.value) == f"other.json: {EXPECTED}{found}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"SecurityGroups": [\n  {"GroupId": "sg-1",}\n]}',
            "line 2, column 22: document must be well-formed JSON, got an error here: ",
        ),
        ("", "line 1, column 1: document must be well-formed JSON, got an error here: Expecting value"),
        (
            '{"SecurityGroups": []} trailing',
            "line 1, column 24: document must be well-formed JSON, got an error here: ",
        ),
        (
            '{"SecurityGroups": [{"GroupId": "a", "GroupId": "b"}]}',
            "member must occur once in an object, got 'GroupId' twice",
        ),
        ("[" * 100_000, "document must be nested less deep, got more levels than can be read"),
        ('{"SecurityGroups": ' + "1" * 5000 + "}", "document must be JSON with numbers of usual length, got: "),
    ],
    ids=["comma", "empty", "trailing", "duplicate", "deep", "digits"],
)
def test_malformed_json_is_refused(write, text, message):
    with pytest.raises(SgsimError) as refusal:
        load(write("groups.json", text))
    separator = ", " if message.startswith("line") else ": "
    assert str(refusal.value).startswith(f"groups.json{separator}{message}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_shells_write(write, encoding):
    content = json.dumps(page("sg-ü"), ensure_ascii=False).encode(encoding)
    assert list(load(write("groups.json", content)).groups) == ["sg-ü"]


def test_bytes_that_are_no_text_are_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(write("groups.json", b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00"))
    assert str(refusal.value) == "groups.json: document must be text in UTF-8 or UTF-16, got other bytes"
