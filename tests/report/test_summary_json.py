import json

import pytest
from jsonschema import Draft202012Validator
from report.summaries import summary, table_load

from sgsim import __version__
from sgsim.data import read_schema
from sgsim.report.summary_json import summary_document, summary_json

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
