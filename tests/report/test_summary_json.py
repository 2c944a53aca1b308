import json

import pytest
from jsonschema import Draft202012Validator
from report.summaries import summary, table_load

from sgsim import __version__
from sgsim.data import read_schema
from sgsim.report.change_sections import FATES
from sgsim.report.summary_json import summary_document, summary_json
from sgsim.rules.inventory import Inventory
from sgsim.simulation.summary import AclUsage, ChangeReport, FateCount, FlowFate, InterfaceCount, RuleFate
from sgsim.simulation.whole import group_counts, instance_counts

SCHEMA = Draft202012Validator(read_schema("replay-summary"))


@pytest.mark.parametrize("name", ["replay-summary", "decision", "flow"])
def test_schemas_are_schemas(name):
    Draft202012Validator.check_schema(read_schema(name))


def test_the_demo_is_as_the_schema_says(demo_summary, asking):
    document = json.loads(summary_json(demo_summary, asking))
    SCHEMA.validate(document)
    assert (document["schema_version"], document["tool"], document["version"]) == (1, "sgsim", __version__)
    assert document["profile"] == "aws-nitro"
    assert document["tables"][0]["peak_time"].startswith("2026-11-23T")


def test_other_summaries_are_too():
    bare = summary(start_ns=None, end_ns=None, reasons=(), broken="cut", tables=(table_load(capacity=None),))
    SCHEMA.validate(json.loads(summary_json(bare)))


def test_a_summary_of_a_whole_network_is_too():
    interfaces = (
        InterfaceCount(interface_id="eni-a", instance_id=None, groups=("sg-web",), allowed=1, denied=2, skipped=3),
    )
    (change,) = (ChangeReport(
        text="2=b", time_ns=3, differences=("group sg-web: new",), settings={"udp_s": 30.0}, live=1,
        fates=(FateCount(fate="cut", flows=1, last_expiry_ns=9),),
        rules=(RuleFate(rule_id=None, group_id=None, text="", fate="cut", flows=1),),
        flows=(FlowFate(flow=1, interface_id="eni-a", text="udp 192.0.2.1:1 -> 192.0.2.2:2", tracking="untracked",
                        tcp_state=None, rule_id=None, fate="cut", last_seen_ns=1, expires_at_ns=9),),
    ),)  # fmt: skip
    acl = AclUsage(
        rule_id="acl-1:ingress:100", network_acl_id="acl-1", direction="ingress", text="", packets=1, bytes=9
    )
    whole = summary(
        interfaces=interfaces, instances=instance_counts(interfaces, (table_load(instance_id="eni-a"),)),
        groups=group_counts(interfaces, (), Inventory()), changes=(change, ChangeReport(text="9=c", time_ns=None)),
        network_acls=(acl,),
    )  # fmt: skip
    document = json.loads(summary_json(whole))
    SCHEMA.validate(document)
    assert FATES["cut"] == document["changes"][0]["fates"][0]["sentence"]


def test_a_key_that_the_schema_lacks_is_refused(demo_summary):
    document = json.loads(summary_json(demo_summary)) | {"more": 1}
    assert not SCHEMA.is_valid(document)


def test_it_has_a_sentence_and_a_command_for_each_reason(demo_summary, asking):
    reasons = {reason["reason"]: reason for reason in summary_document(demo_summary, asking)["reasons"]}
    assert reasons["table_full"]["explain"] == "sgsim explain -r rules --packet 768 demo.pcap"
    assert all(reason["sentence"] for reason in reasons.values())
    assert summary_document(demo_summary)["reasons"][0]["explain"] is None


def test_the_same_bytes_each_time(demo_summary):
    assert summary_json(demo_summary) == summary_json(demo_summary)
