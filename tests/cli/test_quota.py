import json

import pytest


@pytest.fixture
def full(here):
    rules = [{"protocol": "tcp", "ports": port, "from": "10.0.0.0/8"} for port in range(1, 62)]
    (here / "full.json").write_text(json.dumps({"groups": {"sg-1": {"ingress": rules}}}), encoding="utf-8")
    return ("quota", "-r", "full.json")


def test_over_the_limit_is_exit_code_1(sgsim, full):
    result = sgsim(*full)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "61     60  sg-1  ingress IPv4" in result.stdout
    assert sgsim(*full, "--exit-zero").exit_code == 0
    assert sgsim(*full, "--rules-per-group", "61").exit_code == 0
    assert json.loads(sgsim(*full, "--format", "json").stdout)["over"] == 1


@pytest.mark.parametrize("text", ["pl-1", "pl-1=x", "=3"])
def test_a_weight_has_a_list_and_a_number(refused, full, text):
    assert refused(*full, "--weight", text) == f"--weight must be LIST=N with N a whole number, got {text!r}"


def test_a_weight_is_of_a_list_that_there_is(refused, sgsim, here):
    rules = {"groups": {"sg-1": {"ingress": [{"protocol": "tcp", "ports": 80, "from": "pl-1"}]}}}
    (here / "listed.json").write_text(json.dumps(rules), encoding="utf-8")
    line = refused("quota", "-r", "listed.json", "--weight", "pl-2=70")
    assert line == "weight must be of a known prefix list, got 'pl-2'; known are pl-1"
    assert sgsim("quota", "-r", "listed.json", "--weight", "pl-1=70").exit_code == 1
