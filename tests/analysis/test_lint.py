"""One finding for each seeded fault, none for rules that are as they should be."""

import pytest
from builders import group, interface, inventory, prefix_list, rule
from netaddr import IPNetwork

from sgsim.analysis.finding import KINDS
from sgsim.analysis.lint import lint
from sgsim.data import demo_path
from sgsim.documents import load
from sgsim.errors import ConfigError
from sgsim.model.path import PathLabel
from sgsim.rules.paths import PathRule
from sgsim.rules.rule import GroupReference

PUBLIC = {"public_addresses": ("203.0.113.10",)}


def found(known, **how):
    return [(each.id, each.severity, each.rule or each.group_id) for each in lint(known, **how).findings]


def web(*rules, **fields):
    return inventory(group(*rules), interface(**fields))


def test_the_demo_is_clean():
    assert found(load(*(demo_path(name) for name in ("groups.json", "interfaces.json")))) == []


@pytest.mark.parametrize(
    ("rules", "fields", "expected"),
    [
        (
            ("tcp 22 from 0.0.0.0/0", "all to 0.0.0.0/0"),
            PUBLIC,
            [("open-admin-port", "error", "tcp 22 from 0.0.0.0/0")],
        ),
        (
            ("all from 0.0.0.0/0", "all to 0.0.0.0/0"),
            PUBLIC,
            [("open-admin-port", "error", "all traffic from 0.0.0.0/0")],
        ),
        (("tcp 22 from 0.0.0.0/0", "all to 0.0.0.0/0"), {}, [("open-admin-port", "warning", "tcp 22 from 0.0.0.0/0")]),
        (("tcp 22 from 20.0.0.0/8",), PUBLIC, [("open-admin-port", "warning", "tcp 22 from 20.0.0.0/8")]),
        (("tcp 22 from 20.0.0.0/9",), PUBLIC, []),
        (("tcp 22 from 10.0.0.0/8", "tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0"), PUBLIC, []),
        (("tcp 443 from 0.0.0.0/0",), {}, [("forces-tracking", "note", "tcp 443 from 0.0.0.0/0")]),
        (("tcp 443 from 0.0.0.0/0", "tcp 0-65535 to 0.0.0.0/0"), {}, []),
        (
            ("tcp 443 from 0.0.0.0/0", "udp 0-65535 to 0.0.0.0/0"),
            {},
            [("forces-tracking", "note", "tcp 443 from 0.0.0.0/0")],
        ),
        (("all to 0.0.0.0/0",), {}, []),
        (("icmp all from 0.0.0.0/0",), {}, []),
        (
            ("icmp all from 10.0.0.0/8", "icmp all from ::/0"),
            {},
            [("impossible-peer", "warning", "icmp all from ::/0")],
        ),
        (("tcp 80 from 2001:db8::/32",), {}, [("impossible-peer", "warning", "tcp 80 from 2001:db8::/32")]),
        (("tcp 80 from 224.0.0.0/8",), {}, [("impossible-peer", "warning", "tcp 80 from 224.0.0.0/8")]),
        (("all to 127.0.0.1/32", "udp 5353 to 224.0.0.0/4"), {}, []),
        (("tcp 80 from pl-9",), {}, [("unresolved-reference", "warning", "tcp 80 from pl-9")]),
        (("tcp 80 from sg-web",), {}, []),
    ],
)
def test_rules_of_one_group(rules, fields, expected):
    assert found(web(*rules, **fields)) == expected


def test_split_blocks_are_seen_together():
    """Access counts, not how it is written."""
    rules = ("tcp 22 from 0.0.0.0/1", "tcp 20-30 from 128.0.0.0/1")
    assert [each[:2] for each in found(web(*rules, **PUBLIC))] == [("open-admin-port", "error")] * 2


@pytest.mark.parametrize("wide", [("tcp 22 from 0.0.0.0/0",), ("tcp 22 from 0.0.0.0/1", "tcp 22 from 128.0.0.0/1")])
def test_rules_for_few_addresses_are_not_named_beside_those_that_let_all_in(wide):
    """They open nothing, and narrowing them would help nobody."""
    few = ("tcp 22 from 8.8.8.8/32", "tcp 22 from 9.9.9.0/24")
    named = [each[2] for each in found(web(*few, *wide, **PUBLIC)) if each[0] == "open-admin-port"]
    assert named == list(wide)


def test_rules_for_few_addresses_are_named_where_only_they_let_them_in():
    rules = ("tcp 22 from 8.8.8.8/32", "tcp 22 from 128.0.0.0/1")
    assert [each[2] for each in found(web(*rules, **PUBLIC)) if each[0] == "open-admin-port"] == list(rules)


def test_rules_of_several_groups_are_seen_together():
    known = inventory(
        group("tcp 22 from 0.0.0.0/1", group_id="sg-a"),
        group("tcp 22 from 128.0.0.0/1", group_id="sg-b"),
        interface(groups=("sg-a", "sg-b"), **PUBLIC),
        interface("192.0.2.11", groups=("sg-a",), interface_id="eni-b"),
    )
    (first, second) = lint(known).findings
    assert {first.severity, second.severity} == {"error"}
    assert (first.interfaces, second.interfaces) == (("eni-a", "eni-b"), ("eni-a",))


def test_admin_ports_may_be_others():
    known = web("tcp 22 from 0.0.0.0/0", "tcp 8000 from 0.0.0.0/0", "all to 0.0.0.0/0", **PUBLIC)
    assert found(known, admin_ports=[8000]) == [("open-admin-port", "error", "tcp 8000 from 0.0.0.0/0")]


def test_references_that_lead_nowhere():
    stale = rule("tcp 80 from sg-old", peer=GroupReference("sg-old", is_stale=True))
    foreign = rule("tcp 81 from sg-far", peer=GroupReference("sg-far", peering_id="pcx-1"))
    known = inventory(
        group(stale, foreign, "tcp 82 from sg-empty", group_id="sg-web"), group(group_id="sg-empty"), interface()
    )
    assert found(known) == [
        ("stale-reference", "warning", "tcp 80 from sg-old"),
        ("reference-to-nobody", "warning", "tcp 82 from sg-empty"),
        ("unresolved-reference", "note", "tcp 81 from sg-far"),
        ("group-without-members", "note", "sg-empty"),
    ]


def test_a_group_that_names_itself_alone_is_told_so():
    known = inventory(group("tcp 82 from sg-own", group_id="sg-own", name="default"), group(), interface())
    assert [each.message for each in lint(known).findings] == [
        "it names its own group, which no interface carries",
        "no interface carries sg-own (default); only its own rules refer to it",
    ]


def test_without_an_interface_document_groups_may_have_members():
    known = inventory(group("tcp 82 from sg-empty"), group(group_id="sg-empty"))
    assert found(known) == [("unresolved-reference", "warning", "tcp 82 from sg-empty")]


def test_a_group_that_no_document_describes():
    (only,) = lint(inventory(group(), interface(groups=("sg-web", "sg-x")))).findings
    assert (only.id, only.group_id, only.interfaces) == ("undescribed-group", "sg-x", ("eni-a",))


@pytest.mark.parametrize(("label", "expected"), [(PathLabel.NETWORK_FIREWALL, 1), (PathLabel.PRIVATELINK, 0)])
def test_a_reference_through_a_middlebox(label, expected):
    known = inventory(
        group("tcp 80 from sg-app"),
        group(group_id="sg-app"),
        interface(),
        interface("192.0.2.11", groups=("sg-app",), interface_id="eni-b"),
        paths=(PathRule(label, network=IPNetwork("192.0.2.11/32")),),
    )
    assert [each[0] for each in found(known)] == ["reference-through-middlebox"] * expected


def test_host_bits_have_their_place(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text("groups: {sg-1: {ingress: [{protocol: tcp, ports: 80, from: 10.0.0.5/8}]}}", encoding="utf-8")
    (only,) = lint(load(path)).findings
    assert (only.id, only.message, only.place, only.file) == (
        "host-bits",
        "10.0.0.5/8 is 10.0.0.0/8",
        "line 1, column 60",
        str(path),
    )


def test_kinds_can_be_disabled_by_id():
    known = web("tcp 22 from 0.0.0.0/0", "tcp 22 from 10.0.0.0/8", **PUBLIC)
    assert [each[0] for each in found(known, disable=["open-admin-port", "forces-tracking"])] == ["implied-rule"]
    with pytest.raises(ConfigError, match=r"finding must be one of open-admin-port, .*, got 'no-such'"):
        lint(known, disable=["no-such"])


def test_linux_leaves_nothing_untracked():
    assert found(web("tcp 443 from 0.0.0.0/0"), profile="linux") == []


def test_ids_are_distinct_and_told_in_full():
    assert len({kind.id for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind.meaning.endswith(".")
        assert kind.fix.endswith(".")


def test_a_fingerprint_outlives_other_changes():
    before = web("tcp 22 from 0.0.0.0/0", "all to 0.0.0.0/0", **PUBLIC)
    after = web(
        "tcp 1 from 10.0.0.0/8",
        rule("tcp 22 from 0.0.0.0/0", rule_id="sgr-9", description="new"),
        "all to 0.0.0.0/0",
        **PUBLIC,
    )
    assert [each.fingerprint for each in lint(before).findings] == [each.fingerprint for each in lint(after).findings]


def test_prefix_lists_are_peers_like_others():
    known = inventory(
        group("tcp 22 from pl-1", "all to 0.0.0.0/0"), prefix_list("pl-1", "0.0.0.0/0"), interface(**PUBLIC)
    )
    assert found(known) == [("open-admin-port", "error", "tcp 22 from pl-1")]
