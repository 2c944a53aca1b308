"""`sgsim.search`: the same as on the command line, for programs and notebooks."""

import jsonschema
import pytest
from builders import group, interface, inventory, network_acl
from console_examples import run

import sgsim
from sgsim.data import read_schema

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


KNOWN = inventory(group("tcp 443 from 198.51.100.0/24", "tcp 443 from 198.51.100.0/25"), interface())


def test_a_packet_that_is_found_reads_itself():
    found = sgsim.search(KNOWN, destinations="eni-a", ports=["80", "443"])
    assert found
    assert str(found.packet) == "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"
    assert repr(found).startswith("found: a packet that is allowed\n\nALLOW  tcp 198.51.100.7:40000 -> 192.0.2.10:443")
    assert "To judge it again" not in str(found)
    assert found.document["command"] is None
    jsonschema.validate(found.document, read_schema("search"))


def test_none_says_which_profile():
    found = sgsim.search(KNOWN, destinations="eni-a", ports="80", profile="linux")
    assert not found
    assert found.packet is None
    assert str(found) == f"none: no such packet is allowed, proved over {found.pairs} pair of sender and receiver"
    assert found.document["profile"] == "linux"
    assert sgsim.search(KNOWN, destinations="eni-a", ports="80", action="deny")


def test_network_acls_that_were_not_looked_at_are_told():
    known = inventory(
        *KNOWN.groups.values(), *KNOWN.interfaces.values(), network_acl("100 allow tcp 443 from 0.0.0.0/0")
    )
    for action in ("allow", "deny"):
        found = sgsim.search(known, destinations="eni-a", ports="443", action=action)
        (note,) = found.document["notes"]
        assert note in str(found)
        assert "Network ACLs are known too" in note
    assert sgsim.search(KNOWN).document["notes"] == []


def test_a_diff_tells_that_network_acls_are_not_the_same():
    acl, other = (
        network_acl("100 allow tcp 443 from 0.0.0.0/0", *more) for more in ((), ("110 deny all from 0.0.0.0/0",))
    )
    groups, interfaces = KNOWN.groups.values(), KNOWN.interfaces.values()
    old, new = (inventory(*groups, *interfaces, each) for each in (acl, other))
    assert sgsim.diff(KNOWN, KNOWN).document["notes"] == []
    assert sgsim.diff(old, old).document["notes"] == [
        "Groups alone are compared; the network ACLs are the same on both sides."
    ]
    changed = sgsim.diff(old, new)
    assert "network ACLs are not the same either: acl-1: 1 entry more." in str(changed).replace("\n  ", " ")


def test_fewer_rules_read_themselves():
    found = sgsim.minimize(KNOWN, groups="sg-web")
    assert found
    assert (found.saved, len(found.groups), len(found.inventory.groups["sg-web"].rules)) == (1, 1, 1)
    assert str(found).startswith("Fewest rules\n  2 rules in 1 group can be 1.")
    jsonschema.validate(found.document, read_schema("minimize"))
    assert not sgsim.minimize(found.inventory)
