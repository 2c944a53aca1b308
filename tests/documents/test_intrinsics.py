"""Every function of CloudFormation that can be worked out is; of the others it is said what is missing."""

import pytest

from sgsim.documents.assumptions import Assumptions
from sgsim.documents.intrinsics import Evaluator
from sgsim.documents.node import Misread

TEMPLATE = {
    "Parameters": {
        "Net": {"Type": "String", "Default": "10.0.0.0"},
        "Zones": {"Type": "List<String>", "Default": "a, b"},
        "Bits": {"Type": "Number", "Default": 8},
        "Open": {"Type": "String"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"},
    },
    "Mappings": {"Prefixes": {"eu": {"List": "pl-1"}, "true": {"List": "pl-2"}}},
    "Conditions": {
        "IsNet": {"Fn::Equals": [{"Ref": "Net"}, "10.0.0.0"]},
        "IsOpen": {"Fn::Equals": [{"Ref": "Open"}, "x"]},
        "Either": {"Fn::Or": [{"Condition": "IsOpen"}, {"Condition": "IsNet"}]},
        "Both": {"Fn::And": [{"Condition": "IsOpen"}, {"Fn::Not": [{"Condition": "IsNet"}]}]},
        "Loop": {"Condition": "Loop"},
        "Odd": {"Fn::Contains": [["a"], "a"]},
    },
    "Resources": {
        "Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "Net"}}},
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Fn::Sub": "${Net}/16"}}},
        "Ring": {"Type": "AWS::X", "Properties": {"A": {"Fn::GetAtt": "Ring.A"}}},
    },
}


def value(raw, *assumed):
    return Evaluator.of(TEMPLATE, Assumptions.parse(assumed)).value(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"Ref": "Net"}, "10.0.0.0"),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "Web"}, "Web"),
        ({"Fn::GetAtt": ["Web", "GroupId"]}, "Web"),
        ({"Fn::GetAtt": "Web.VpcId"}, "10.0.0.0"),
        ({"Fn::GetAtt": "Vpc.CidrBlock"}, "10.0.0.0/16"),
        ({"Fn::Sub": "${Net}/${Bits} ${!Net}"}, "10.0.0.0/8 ${Net}"),
        ({"Fn::Sub": ["${A}/${Web.GroupId}", {"A": {"Ref": "Net"}}]}, "10.0.0.0/Web"),
        ({"Fn::Join": ["/", [{"Ref": "Net"}, 8]]}, "10.0.0.0/8"),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::Split": [".", {"Ref": "Net"}]}]}, "10"),
        ({"Fn::FindInMap": ["Prefixes", "eu", "List"]}, "pl-1"),
        ({"Fn::FindInMap": ["Prefixes", {"Condition": "IsNet"}, "List"]}, "pl-2"),
        ({"Fn::FindInMap": ["Prefixes", "us", "List", {"DefaultValue": "pl-9"}]}, "pl-9"),
        ({"Fn::If": ["IsNet", "yes", "no"]}, "yes"),
        ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
        ({"Fn::If": ["Both", "yes", "no"]}, "no"),
        ({"Fn::If": ["IsOpen", "same", "same"]}, "same"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Ref": "Net", "Other": 1}, {"Ref": "Net", "Other": 1}),
    ],
)
def test_a_function_is_worked_out(raw, expected):
    assert value(raw) == expected


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"Ref": "Open"}, "Open"),
        ({"Ref": "Stored"}, "Stored"),
        ({"Ref": "AWS::Region"}, "AWS::Region"),
        ({"Fn::GetAtt": "Web.Arn"}, "Web.Arn"),
        ({"Fn::GetAtt": "Ring.A"}, "Ring.A"),
        ({"Fn::ImportValue": "shared-group"}, "shared-group"),
        ({"Fn::Select": [1, {"Ref": "Open"}]}, "Open[1]"),
        ("{{resolve:ssm:x}}", "{{resolve:ssm:x}}"),
    ],
)
def test_what_is_open_has_a_name_and_can_be_assumed(raw, name):
    found = value(raw)
    assert isinstance(found, Misread)
    assert found.stands_for == name
    assert f"give --assume {name}=VALUE" in found.refusal
    assert value(raw, f"{name}=given") == "given"


@pytest.mark.parametrize(
    "raw",
    [
        {"Fn::Sub": "${Open}/32"},
        {"Fn::Join": ["/", [{"Ref": "Open"}, 32]]},
        {"Fn::FindInMap": ["Prefixes", {"Ref": "Open"}, "List"]},
        {"Fn::If": ["IsOpen", "yes", "no"]},
        {"Fn::Split": [",", {"Ref": "Open"}]},
    ],
)
def test_what_hinges_on_something_open_is_refused_and_has_no_name(raw):
    found = value(raw)
    assert isinstance(found, Misread)
    assert found.stands_for == ""
    assert "Open" in found.refusal


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"Ref": "Nobody"}, "Ref must name a parameter or a resource of the template, got 'Nobody'"),
        ({"Fn::GetAtt": "Nobody.Id"}, "Fn::GetAtt must name a resource of the template, got 'Nobody'"),
        ({"Fn::GetAtt": "Web"}, "Fn::GetAtt must name a resource and an attribute, got 'Web'"),
        ({"Fn::Select": [5, ["a"]]}, "Fn::Select must have an index of its list, got 5"),
        ({"Fn::FindInMap": ["Prefixes", "us", "List"]}, "key must be one of the mapping's, got 'us'"),
        ({"Fn::If": ["Nobody", 1, 2]}, "condition must be one of the template's, got 'Nobody'"),
        ({"Fn::If": ["Loop", 1, 2]}, "condition must be one of the template's, got 'Loop'"),
        (
            {"Fn::If": ["Odd", 1, 2]},
            "condition must be Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition, got Fn::Contains",
        ),
        ({"Fn::Cidr": ["x", 1, 8]}, "Fn::Cidr must divide a block of addresses, got "),
        ({"Fn::Transform": {}}, "function must be one that can be worked out here, got Fn::Transform"),
    ],
)
def test_a_slip_is_said(raw, message):
    found = value(raw)
    assert isinstance(found, Misread)
    assert found.refusal.startswith(message)
