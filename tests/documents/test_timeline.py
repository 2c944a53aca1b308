"""Timelines: what each part of a change does, and what is refused, with its place."""

import json

import pytest
from attrs import evolve
from builders import group, interface, inventory, prefix_list

from sgsim.documents.timeline import load_timeline
from sgsim.errors import SgsimError
from sgsim.model.interface import TimeoutOverrides

BEFORE = inventory(
    group("tcp 443 from 0.0.0.0/0", "tcp 22 from sg-admin", name="web"),
    group("tcp 5432 from sg-web", "tcp 80 from pl-1", group_id="sg-admin"),
    group(group_id="sg-spare"),
    interface(),
    interface("192.0.2.11", interface_id="eni-b", groups=("sg-admin",)),
    prefix_list("pl-1", "198.51.100.0/24"),
    prefix_list("pl-2", "203.0.113.0/24"),
)


@pytest.fixture
def made(tmp_path):
    def load(text, before=BEFORE):
        (tmp_path / "timeline.yaml").write_text(text)
        return load_timeline(tmp_path / "timeline.yaml", before)

    return load


def rules_of(change, group_id="sg-web"):
    return [rule.text for rule in change.inventory.groups[group_id].rules]


def test_times_titles_and_settings(made):
    later, sooner = made("- {at: 7.5, title: tight, capacity: 10, timeouts: {udp: 60}}\n- {at: 2, capacity: 20}\n")[
        ::-1
    ]
    assert (2_000_000_000, True, 20) == (sooner.time_ns, sooner.is_relative, sooner.capacity)
    assert "timeline.yaml, change 1: tight" == later.origin
    assert TimeoutOverrides(udp_s=60) == later.timeouts
    (absolute,) = made('- {at: "2026-01-31T12:00:00Z", capacity: 5}\n')
    assert (1_769_860_800_000_000_000, False) == (absolute.time_ns, absolute.is_relative)


def test_rules_are_added_behind_those_that_are_there(made):
    (change,) = made("- at: 1\n  add:\n    web:\n      ingress: [{protocol: udp, ports: 53, from: pl-1}]\n")
    assert ["tcp 443 from 0.0.0.0/0", "tcp 22 from sg-admin", "udp 53 from pl-1"] == rules_of(change)
    assert ["group sg-web: 1 rule more"] == [each.text for each in change.changed_items]


def test_rules_are_removed_by_their_names(made):
    (change,) = made("- {at: 1, remove: {rules: 'sg-web:ingress:tcp:443:0.0.0.0/0'}}\n")
    assert ["tcp 22 from sg-admin"] == rules_of(change)


def test_changes_build_on_each_other(made):
    first, second = made(
        "- {at: 1, remove: {rules: 'sg-web:ingress:tcp:443:0.0.0.0/0'}}\n- {at: 2, attach: {eni-b: [web, sg-spare]}}\n"
    )
    assert ("sg-admin",) == first.inventory.interfaces["eni-b"].group_ids
    assert ("sg-web", "sg-spare") == second.inventory.interfaces["eni-b"].group_ids
    assert ["tcp 22 from sg-admin"] == rules_of(second)


def test_things_are_removed(made):
    (change,) = made("- {at: 1, remove: {groups: sg-spare, interfaces: [eni-b], prefix_lists: pl-2}}\n")
    left = change.inventory
    assert ({"sg-web", "sg-admin"}, {"eni-a"}, {"pl-1"}) == (
        set(left.groups),
        set(left.interfaces),
        set(left.prefix_lists),
    )


def test_parts_of_our_own_form_replace_what_has_the_same_id(made):
    (change,) = made(
        "- at: 1\n  interfaces: {eni-b: {addresses: 192.0.2.99, groups: sg-web}}\n  prefix_lists: {pl-1: []}\n"
    )
    assert "192.0.2.99/32" == str(change.inventory.interfaces["eni-b"].addresses[0])
    assert not change.inventory.prefix_lists["pl-1"].entries
    assert "eni-a" in change.inventory.interfaces


def test_documents_are_found_beside_the_timeline(made, tmp_path):
    (tmp_path / "new.json").write_text(json.dumps({"groups": {"sg-web": {"ingress": []}}}))
    (change,) = made("- {at: 1, documents: new.json}\n")
    assert [] == rules_of(change)


def test_a_change_within_a_change_is_made_before_removal(made):
    (change,) = made(
        "- {at: 1, attach: {eni-a: sg-spare, eni-b: sg-spare}, remove: {rules: ['sg-admin:ingress:tcp:5432:sg-web'], groups: sg-web}}\n"
    )
    assert "sg-web" not in change.inventory.groups


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("at: 1\n", "timeline must be a list of changes, each with at, got an object"),
        ("- {capacity: 5}\n", "must have at, got only capacity"),
        ("- {at: soon, capacity: 5}\n", "at must be a time in seconds from the first packet or as 2026-01-31T12:00:00Z, got 'soon'"),
        ("- {at: 1}\n", "change must change something, got only a time"),
        ("- {at: 1, rules: x}\n", "key must be one of at, title, documents, add"),
        ("- {at: 1, capacity: 0}\n", "capacity must be at least 1, or none for no limit, got 0"),
        ("- {at: '\u0661\u0662', capacity: 5}\n", "at must be a time in seconds from the first packet"),
        ("- {at: 1, capacity: none}\n- {at: 1, capacity: 5}\n", "must not say different things of one option, got capacity"),
        ("- {at: 1, remove: {groups: sg-web}}\n", "group to be removed must not be carried by an interface, as EC2 has it, got sg-web, which eni-a carries"),
        ("- {at: 1, attach: {eni-b: sg-spare}, remove: {groups: sg-admin}}\n", "group to be removed must not be referred to, as EC2 has it, got sg-admin, which sg-web:ingress:tcp:22:sg-admin"),
        ("- {at: 1, remove: {prefix_lists: pl-1}}\n", "prefix list to be removed must not be referred to"),
        ("- {at: 1, remove: {rules: sg-web:ingress:tcp:80:0.0.0.0/0}}\n", "rule to be removed must be a known one, got 'sg-web:ingress:tcp:80:0.0.0.0/0'; that group has sg-web:ingress:tcp:443"),
        ("- {at: 1, remove: {interfaces: eni-x}}\n", "interface to be removed must be a known one, got 'eni-x'; known are eni-a, eni-b"),
        ("- {at: 1, attach: {eni-x: sg-web}}\n", "interface must be a known one, got 'eni-x'; known are eni-a, eni-b"),
        ("- {at: 1, attach: {eni-a: []}}\n", "an interface must keep at least one group"),
        ("- {at: 1, add: {sg-x: {ingress: []}}}\n", "group must be one that a document describes, got 'sg-x'"),
        ("- {at: 1, capacity: 5}\n- {at: '2026-01-31T12:00:00Z', capacity: 6}\n", "times of changes must be all seconds or all times of day"),
    ],
)  # fmt: skip
def test_what_is_refused(made, text, message):
    with pytest.raises(SgsimError) as refusal:
        made(text)
    assert message in str(refusal.value)
    assert any("timeline.yaml" in note for note in getattr(refusal.value, "__notes__", ())) or "timeline.yaml" in str(
        refusal.value
    )


def test_two_changes_of_one_instant_must_not_contradict_each_other(made):
    text = "- {at: 1, prefix_lists: {pl-1: []}}\n- {at: 1.0, title: again, prefix_lists: {pl-1: [192.0.2.0/24]}}\n"
    with pytest.raises(
        SgsimError,
        match=r"must not say different things of one prefix list, got pl-1 in timeline\.yaml, change 1 and in timeline\.yaml, change 2: again",
    ):
        made(text)
    assert 2 == len(made(text.replace("1.0", "2")))
    assert 2 == len(made(text.replace("[192.0.2.0/24]", "[]"))), "the same said twice is no contradiction"


@pytest.mark.parametrize("setting", ["capacity: 5", "timeouts: {udp: 40}"])
def test_settings_must_not_contradict_each_other_either(made, setting):
    other = setting.replace("5", "6").replace("40", "50")
    with pytest.raises(SgsimError, match="must not say different things of one option"):
        made(f"- {{at: 1, {setting}}}\n- {{at: 1, {other}}}\n")


def test_what_nobody_uses_is_told_apart(made):
    (change,) = made(
        "- {at: 1, prefix_lists: {pl-2: []}, add: {sg-spare: {egress: [{protocol: all, to: 0.0.0.0/0}]}}}\n"
    )
    assert [("group sg-spare: 1 rule more", False), ("prefix list pl-2: other entries", False)] == [
        (each.text, each.is_in_use) for each in change.changed_items
    ]


def test_a_carried_group_is_in_use(made):
    (change,) = made("- {at: 1, remove: {rules: 'sg-web:ingress:tcp:443:0.0.0.0/0'}}\n", evolve(BEFORE))
    assert [True] == [each.is_in_use for each in change.changed_items]


@pytest.mark.parametrize("text", ["none", "null", "~", "'none'"])
def test_a_capacity_may_be_lifted(made, text):
    (change,) = made(f"- {{at: 1, capacity: {text}}}\n")
    assert (change.capacity, change.lifts_capacity) == (None, True)
    assert not made("- {at: 1, timeouts: {udp: 40}}\n")[0].lifts_capacity
