"""Every SARIF document is what the schema of OASIS says."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from builders import group, interface, inventory, rule
from jsonschema import Draft4Validator

from sgsim.analysis.baseline import accept_all, judge
from sgsim.analysis.lint import lint
from sgsim.documents import load
from sgsim.errors import SgsimError
from sgsim.report.sarif import file_uri, sarif_document, sarif_json

SCHEMA = Draft4Validator(
    json.loads((Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
)
DAY = date(2027, 1, 1)
FIXTURES = Path(os.environ.get("SGSIM_FIXTURES") or Path(__file__).parents[2].parent / "shared" / "fixtures") / "sg"


def judged(known, *, accepted=0):
    findings = lint(known).findings
    return judge(findings, accept_all(findings[:accepted], "planned"), DAY)


def network(origin, *places):
    """Rules with something to find, at places of a document."""
    texts = ("tcp 22 from 0.0.0.0/0", "tcp 80 from pl-1", "tcp 80 from 10.0.0.0/8", "tcp 80-81 from 10.0.0.0/8")
    rules = (rule(text, place=place) for text, place in zip(texts, places, strict=False))
    return inventory(group(*rules, origin=origin), interface(public_addresses=("203.0.113.1",)))


@pytest.mark.parametrize("accepted", [0, 1, 99])
@pytest.mark.parametrize(
    ("origin", "place"),
    [
        ("rules/a b.yaml", "line 4, column 9"),
        ("/rules/groups.json", "SecurityGroups[0].IpPermissions[1]"),
        ("plan.json#after", "aws_security_group.web.ingress[1]"),
        ("C:\\rules\\groups.json", ""),
        ("", ""),
    ],
)
def test_findings_are_a_valid_document(origin, place, accepted):
    document = sarif_document(judged(network(origin, *[place] * 4), accepted=accepted))
    assert document["runs"][0]["results"]
    SCHEMA.validate(document)


def test_no_findings_are_a_valid_document():
    document = json.loads(sarif_json(judged(inventory())))
    assert document["runs"][0]["results"] == []
    SCHEMA.validate(document)


def test_what_is_no_sarif_is_refused():
    """The schema is a schema, and would tell."""
    Draft4Validator.check_schema(SCHEMA.schema)
    document = sarif_document(judged(network("groups.json", *[""] * 4)))
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert not SCHEMA.is_valid(document)


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("plan.json#after", "plan.json"),
        ("/a/b.json", "file:///a/b.json"),
        ("a#b.json", "a%23b.json"),
        ("C:\\rules\\a b.json", "file:///C:/rules/a%20b.json"),
        ("rules\\a.json", "rules/a.json"),
        ("a:b.json", "a%3Ab.json"),
        ("//server/share/a.json", "file:////server/share/a.json"),
    ],
)
def test_a_file_is_a_uri_without_its_side(name, uri):
    assert file_uri(name) == uri


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no fixtures at {FIXTURES}")
def test_findings_in_published_documents_are_valid_documents():
    found = set()
    for path in sorted(FIXTURES.rglob("*")):
        if path.suffix not in {".json", ".yaml", ".yml"}:
            continue
        try:
            known = load(path)
        except SgsimError:
            continue  # what is refused, and why, is tested with the documents
        document = sarif_document(judged(known))
        SCHEMA.validate(document)
        found |= {each["ruleId"] for each in document["runs"][0]["results"]}
    assert len(found) > 5
