"""`sgsim.search`: the same as on the command line, for programs and notebooks."""

import pytest
from console_examples import run

import sgsim

RULES = """
groups:
  sg-web:
    name: web
    egress:
      - {protocol: all, to: 0.0.0.0/0}
  sg-db:
    name: db
    ingress:
      - {protocol: tcp, ports: 5432, from: sg-web}
interfaces:
  eni-web: {addresses: 10.0.1.5, groups: sg-web}
  eni-db: {addresses: 10.0.2.9, groups: sg-db}
"""


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    return sgsim.load(tmp_path / "rules.yaml")


def test_none_is_a_proof(rules):
    found = sgsim.search(rules, destinations="db", not_sources=["web"])
    assert not found
    assert found.packet is None
    assert str(found) == "none: no such packet is allowed, proved over 1 pair of sender and receiver"


def test_what_is_found_is_judged_alike_by_check(rules):
    found = sgsim.search(rules, sources="eni-web", destinations="10.0.2.9")
    assert found
    assert found.packet is not None
    assert sgsim.check(rules, found.packet).verdict is sgsim.Verdict.ALLOW
    denied = sgsim.search(rules, destinations="db", protocols="tcp", ports="5432", action="deny")
    assert denied.packet is not None
    assert sgsim.check(rules, denied.packet).verdict is sgsim.Verdict.DENY


def test_it_reads_as_the_command_prints(rules, tmp_path):
    printed, _ = run("sgsim search -r rules.yaml --from web --to db", tmp_path)
    assert (
        printed.partition("\nTo judge it again")[0] == str(sgsim.search(rules, sources="web", destinations="db")) + "\n"
    )


def test_options_of_the_filter_hold(rules):
    assert "this profile tracks every flow" in str(sgsim.search(rules, destinations="db", profile="linux"))


def test_what_is_no_action_is_refused(rules):
    with pytest.raises(sgsim.ConfigError, match="action must be allow or deny, got 'drop'"):
        sgsim.search(rules, action="drop")


@pytest.mark.parametrize(
    "ask",
    [
        lambda rules: sgsim.search(rules, port="22"),  # type: ignore[call-arg]  # as a typo is
        lambda rules: sgsim.check(rules, "tcp 10.0.1.5 -> 10.0.2.9:5432", capcity=8),  # type: ignore[call-arg]  # as a typo is
        lambda rules: sgsim.replay(rules, "capture.pcap", capcity=8),  # type: ignore[call-arg]  # as a typo is
    ],
)
def test_an_option_that_is_none_is_not_passed_over(rules, ask):
    with pytest.raises(TypeError, match=r"option must be one of .*profile.*, got '"):
        ask(rules)
