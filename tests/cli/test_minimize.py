"""`sgsim minimize` as a user meets it."""

import json
from importlib.resources import files

import jsonschema
import pytest

RULES = """
groups:
  sg-web:
    name: web
    ingress:
      - {protocol: tcp, ports: 80, from: 10.0.0.0/25, description: east, id: sgr-1}
      - {protocol: tcp, ports: 80, from: 10.0.0.128/25, description: west, id: sgr-2}
      - {protocol: tcp, ports: 443, from: 0.0.0.0/0}
      - {protocol: tcp, ports: 443, from: 192.0.2.0/24}
  sg-db:
    ingress:
      - {protocol: tcp, ports: 5432, from: sg-web}
"""
SCHEMA = json.loads((files("sgsim.data") / "schemas" / "minimize.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def minimize(sgsim, here):
    (here / "rules.yaml").write_text(RULES, encoding="utf-8")
    return lambda *args: sgsim("minimize", "-r", "rules.yaml", *args)


def test_text_tells_which_became_which(minimize, golden):
    result = minimize()
    assert result.exit_code == 0
    golden("minimize.txt", result.stdout)


@pytest.mark.parametrize("name", ["small.yaml", "small.json"])
def test_what_is_written_differs_in_nothing_and_cannot_be_less(minimize, sgsim, name):
    assert minimize("-o", name).exit_code == 0
    assert sgsim("diff", "rules.yaml", name).exit_code == 0
    again = sgsim("minimize", "-r", name)
    assert again.stdout == "Fewest rules\n  None of 3 rules in 2 groups can be left out or joined.\n"


def test_json_is_what_the_schema_says(minimize):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(minimize("--format", "json", "--group", "web").stdout)
    jsonschema.validate(document, SCHEMA)
    (found,) = document["groups"]
    assert (document["saved"], found["before"], found["after"]) == (2, 4, 2)
    assert [each["rule_id"] for each in found["merged"][0]["replaced"]] == ["sgr-1", "sgr-2"]
    assert [each["text"] for each in found["implied"]] == ["tcp 443 from 192.0.2.0/24"]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--group", "sg-no"), "got 'sg-no'; known are sg-web, sg-db"),
        (("-o", "small.txt"), "--output must end in .yaml, .yml or .json, got 'small.txt'"),
        (("-o", "no/where.json"), "--output must be a file that can be written, got 'no/where.json'"),
    ],
)
def test_bad_input_is_refused(refused, here, args, expected):
    (here / "rules.yaml").write_text(RULES, encoding="utf-8")
    assert expected in refused("minimize", "-r", "rules.yaml", *args)
