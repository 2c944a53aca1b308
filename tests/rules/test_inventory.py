"""Everything that documents say, joined, changed and limited to a VPC."""

from typing import Any

import pytest
from attrs import evolve
from builders import group, interface, inventory, network_acl, networks, prefix_list, vpc

from sgsim.errors import ConfigError, RuleError
from sgsim.model.path import PathLabel
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Instance, Inventory, Note, Subnet, check_inventory
from sgsim.rules.paths import PathRule

WEB = group("tcp 443 from 0.0.0.0/0", name="web", vpc_id="vpc-1", origin="groups.json")
DB = group(group_id="sg-db", name="db", vpc_id="vpc-2")


def refusal(action) -> str:
    with pytest.raises(RuleError) as refused:
        action()
    return str(refused.value)


class TestMerge:
    def test_two_documents_become_one(self):
        parts: list[Any] = [WEB, DB, interface(), prefix_list("pl-1", "203.0.113.0/24"), vpc("192.0.2.0/24")]
        parts += [Subnet(subnet_id="subnet-1"), Instance(instance_id="i-1")]
        for cut in range(len(parts) + 1):
            merged = inventory(*parts[:cut]).merge(inventory(*parts[cut:]))
            assert inventory(*parts) == merged

    def test_the_same_thing_twice_is_no_conflict(self):
        again = evolve(WEB, origin="more.json")
        assert inventory(WEB).merge(inventory(again)).groups == {"sg-web": again}

    def test_two_versions_of_a_thing_are_refused_with_both_documents(self):
        other = group("tcp 80 from 0.0.0.0/0", name="web", vpc_id="vpc-1", origin="more.json")
        assert refusal(lambda: inventory(WEB).merge(inventory(other))) == (
            "group must be the same in all documents, got two versions of sg-web: groups.json and more.json"
        )

    def test_a_conflict_without_documents_names_the_id(self):
        one, other = prefix_list("pl-1"), prefix_list("pl-1", "203.0.113.0/24")
        assert refusal(lambda: inventory(one).merge(inventory(other))) == (
            "prefix list must be the same in all documents, got two versions of pl-1"
        )

    @pytest.mark.parametrize(
        ("kind", "one", "other"),
        [
            ("interface eni-a", interface(), interface("192.0.2.11")),
            ("VPC vpc-1", vpc("192.0.2.0/24"), vpc("198.51.100.0/24")),
            ("subnet subnet-1", Subnet(subnet_id="subnet-1"), Subnet(subnet_id="subnet-1", vpc_id="vpc-1")),
            ("instance i-1", Instance(instance_id="i-1"), Instance(instance_id="i-1", capacity=1)),
            ("network ACL acl-1", network_acl(), network_acl("100 allow all from 0.0.0.0/0")),
        ],
    )
    def test_every_kind_of_thing_is_named_in_a_conflict(self, kind, one, other):
        name, _, key = kind.rpartition(" ")
        assert refusal(lambda: inventory(one).merge(inventory(other))) == (
            f"{name} must be the same in all documents, got two versions of {key}"
        )

    def test_members_of_either_are_kept(self):
        one, other = ({key: AddressSet.of(networks("192.0.2.0/24"))} for key in ("sg-1", "sg-2"))
        assert inventory(members=one).merge(inventory(members=other)).members == one | other

    def test_claims_of_either_hold(self):
        for name in ("has_interface_document", "allow_unresolved"):
            for one, other in ((True, False), (False, True)):
                merged = inventory(**{name: one}).merge(inventory(**{name: other}))
                assert getattr(merged, name)

    def test_notes_and_paths_are_kept_in_order(self):
        one = Inventory(notes=(Note("a"),), paths=(PathRule(PathLabel.LAMBDA),))
        other = Inventory(notes=(Note("b"),), paths=(PathRule(PathLabel.DYNAMODB),))
        merged = one.merge(other)
        assert (one.notes + other.notes, one.paths + other.paths) == (merged.notes, merged.paths)


class TestChange:
    def test_what_is_named_again_replaces_and_all_else_stays(self):
        narrower = group("tcp 22 from 192.0.2.0/24")
        changed = inventory(WEB, DB, interface()).replaced_by(inventory(narrower))
        assert {"sg-web": narrower, "sg-db": DB} == changed.groups
        assert {"eni-a": interface()} == changed.interfaces
        assert changed.has_interface_document

    def test_members_given_by_the_user_stay(self):
        members = {"sg-2": AddressSet.of(networks("192.0.2.0/24"))}
        assert members == inventory(members=members).replaced_by(inventory(WEB)).members

    def test_things_of_every_kind_are_replaced_or_stay(self):
        def parts(number: int, note: str) -> Inventory:
            blocks = AddressSet.of(networks(f"192.0.{number}.0/24"))
            return inventory(
                group(group_id=f"sg-{number}"), prefix_list(f"pl-{number}", f"192.0.{number}.0/24"),
                interface(f"192.0.{number}.1", interface_id=f"eni-{number}"), vpc(vpc_id=f"vpc-{number}"),
                Subnet(subnet_id=f"subnet-{number}"), Instance(instance_id=f"i-{number}"),
                members={f"sg-{number}": blocks}, notes=(Note("both"), Note(note)),
            )  # fmt: skip

        one, other = parts(1, "one"), parts(2, "other")
        changed = one.replaced_by(other)
        for name in ("groups", "prefix_lists", "interfaces", "vpcs", "subnets", "instances", "members"):
            assert {**getattr(one, name), **getattr(other, name)} == getattr(changed, name)
        assert changed.notes == (Note("both"), Note("one"), Note("other"))

    def test_an_interface_document_of_either_counts(self):
        assert inventory().replaced_by(inventory(has_interface_document=True)).has_interface_document
        assert inventory(has_interface_document=True).replaced_by(inventory()).has_interface_document
        assert not inventory().replaced_by(inventory()).has_interface_document

    def test_paths_stay_unless_others_are_given(self):
        old, new = (PathRule(PathLabel.LAMBDA),), (PathRule(PathLabel.DYNAMODB),)
        assert old == Inventory(paths=old).replaced_by(Inventory()).paths
        assert new == Inventory(paths=old).replaced_by(Inventory(paths=new)).paths

    def test_an_option_of_the_run_is_not_changed(self):
        assert not Inventory().replaced_by(Inventory(allow_unresolved=True)).allow_unresolved
        assert Inventory(allow_unresolved=True).replaced_by(Inventory()).allow_unresolved


class TestVpc:
    def test_only_what_belongs_to_it_or_to_none_stays(self):
        known = inventory(
            WEB,
            DB,
            group(group_id="sg-any"),
            interface(vpc_id="vpc-1"),
            interface(interface_id="eni-b", vpc_id="vpc-2"),
            vpc("192.0.2.0/24"),
            vpc("198.51.100.0/24", vpc_id="vpc-2"),
            Subnet(subnet_id="subnet-1", vpc_id="vpc-1"),
            Subnet(subnet_id="subnet-2", vpc_id="vpc-2"),
            evolve(network_acl(), vpc_id="vpc-1"),
            evolve(network_acl(network_acl_id="acl-2"), vpc_id="vpc-2"),
        ).in_vpc("vpc-1")
        assert (["sg-web", "sg-any"], ["eni-a"]) == ([*known.groups], [*known.interfaces])
        assert (["vpc-1"], ["subnet-1"]) == ([*known.vpcs], [*known.subnets])
        assert ["acl-1"] == [*known.network_acls]

    def test_an_unknown_vpc_is_refused_with_those_that_are_known(self):
        assert refusal(lambda: inventory(WEB, DB).in_vpc("vpc-9")) == "VPC must be one of vpc-1, vpc-2, got 'vpc-9'"
        expected = "VPC must be one of (no document names any), got 'vpc-9'"
        assert expected == refusal(lambda: inventory().in_vpc("vpc-9"))

    def test_its_blocks_are_known(self):
        known = inventory(vpc("192.0.2.0/24", "2001:db8::/56"), vpc("198.51.100.0/24", vpc_id="vpc-2"))
        assert networks("192.0.2.0/24", "2001:db8::/56", "198.51.100.0/24") == tuple(known.networks)


def test_what_is_no_inventory_is_refused_by_the_name_of_the_argument():
    check_inventory(inventory())
    for names, name in (((), "rules"), (("after",), "after")):
        with pytest.raises(ConfigError) as refused:
            check_inventory("rules.json", *names)
        assert str(refused.value) == f"{name} must be an Inventory, as sgsim.load gives it, got 'rules.json'"


class TestFindGroup:
    def test_a_group_is_found_by_id_or_by_its_unique_name(self):
        assert inventory(WEB, DB).find_group("sg-web") is WEB
        assert inventory(WEB, DB).find_group("db") is DB

    def test_an_id_wins_over_a_name(self):
        odd = group(group_id="sg-odd", name="sg-web")
        assert inventory(odd, WEB).find_group("sg-web") is WEB

    def test_a_name_that_several_have_is_refused_with_their_ids(self):
        known = inventory(WEB, group(group_id="sg-2", name="web"))
        assert refusal(lambda: known.find_group("web")) == (
            "group name must be unique, got 'web', the name of sg-web, sg-2: give the id"
        )

    def test_a_group_that_does_not_exist_is_refused_with_those_that_do(self):
        message = "group must be one that a document describes, got 'sg-9'; known are "
        assert refusal(lambda: inventory().find_group("sg-9")) == message + "none"
        assert refusal(lambda: inventory(WEB, DB).find_group("sg-9")) == message + "sg-web, sg-db"
        many = inventory(*(group(group_id=f"sg-{letter}") for letter in "abcdefg"))
        expected = message + "sg-a, sg-b, sg-c, sg-d, sg-e and 2 more"
        assert expected == refusal(lambda: many.find_group("sg-9"))
        five = inventory(*(group(group_id=f"sg-{letter}") for letter in "abcde"))
        assert refusal(lambda: five.find_group("sg-9")) == message + "sg-a, sg-b, sg-c, sg-d, sg-e"
