"""Whom references mean: the private addresses of members, and never nobody by silence."""

import pytest
from builders import group, interface, inventory, networks, prefix_list, rule

from sgsim.errors import UnresolvedReferenceError
from sgsim.model.path import PathLabel
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Inventory
from sgsim.rules.paths import PathRule
from sgsim.rules.prefix_list import PrefixList
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import GroupReference

OWN, OTHER = "111111111111", "222222222222"
WEB = group("tcp 443 from sg-db", owner_id=OWN)
DB = group(group_id="sg-db", owner_id=OWN)


def resolved(known: Inventory, text: str = "tcp 443 from sg-db", **fields) -> AddressSet | None:
    return Resolver(known).addresses(rule(text, **fields))


def addresses(*cidrs: str) -> AddressSet:
    return AddressSet.of(networks(*cidrs))


class TestGroups:
    def test_a_group_stands_for_every_private_address_of_its_members(self):
        known = inventory(
            WEB,
            DB,
            interface("192.0.2.10", "192.0.2.11", "2001:db8::10", "192.0.2.128/28", groups=["sg-db"]),
            interface("192.0.2.20", groups=["sg-web", "sg-db"], interface_id="eni-b"),
            interface("192.0.2.30", groups=["sg-web"], interface_id="eni-c"),
        )
        expected = addresses("192.0.2.10/31", "192.0.2.20/32", "192.0.2.128/28", "2001:db8::10/128")
        assert expected == resolved(known)

    def test_without_prefixes_it_stands_for_their_single_addresses_alone(self):
        known = inventory(WEB, DB, interface("192.0.2.10", "192.0.2.128/28", "2001:db8::10", groups=["sg-db"]))
        expected = addresses("192.0.2.10/32", "2001:db8::10/128")
        assert expected == Resolver(known, with_prefixes=False).addresses(rule("tcp 443 from sg-db"))

    def test_members_are_those_that_a_rule_of_the_group_itself_would_mean(self):
        known = inventory(WEB, DB, group(group_id="sg-none", owner_id=OWN), interface("192.0.2.20", groups=["sg-db"]))
        resolver = Resolver(known)
        assert resolver.members("sg-db") == addresses("192.0.2.20/32")
        assert resolver.members("sg-none") == AddressSet()
        assert resolver.members("sg-nowhere") is None

    def test_a_public_address_is_never_meant(self):
        known = inventory(WEB, DB, interface(groups=["sg-db"], public_addresses=["203.0.113.9"]))
        assert addresses("192.0.2.10/32") == resolved(known)

    def test_a_self_reference_includes_the_interface_itself(self):
        known = inventory(WEB, interface("192.0.2.10"), has_interface_document=False)
        assert addresses("192.0.2.10/32") == resolved(known, "all from sg-web")

    def test_addresses_that_the_user_gives_join_those_of_members(self):
        known = inventory(WEB, DB, interface(groups=["sg-db"]), members={"sg-db": addresses("192.0.2.64/26")})
        assert addresses("192.0.2.10/32", "192.0.2.64/26") == resolved(known)

    def test_a_known_group_without_members_is_empty_where_a_document_lists_interfaces(self):
        assert AddressSet() == resolved(inventory(WEB, DB, interface()))

    def test_without_such_a_document_nobody_knows_its_members(self):
        assert resolved(inventory(WEB, DB)) is None

    def test_a_group_that_no_document_describes_is_unknown_even_with_one(self):
        assert resolved(inventory(WEB, interface())) is None

    def test_what_may_count_as_empty_is_still_unknown_here(self):
        assert resolved(inventory(WEB, allow_unresolved=True)) is None

    @pytest.mark.parametrize(
        "reference",
        [
            GroupReference("sg-far", peering_id="pcx-1"),
            GroupReference("sg-far", owner_id=OTHER),
            GroupReference("sg-far", is_stale=True),
        ],
    )
    def test_a_peer_foreign_or_stale_reference_is_empty_unless_the_user_gives_addresses(self, reference):
        given = addresses("198.51.100.0/24")
        assert AddressSet() == resolved(inventory(WEB), peer=reference)
        assert given == resolved(inventory(WEB, members={"sg-far": given}), peer=reference)

    def test_a_reference_within_the_account_is_not_foreign(self):
        assert resolved(inventory(WEB), peer=GroupReference("sg-db", owner_id=OWN)) is None

    def test_nobody_is_foreign_to_a_group_that_is_not_described(self):
        resolver = Resolver(inventory())
        assert not resolver.is_foreign(GroupReference("sg-db", owner_id=OTHER), "sg-nowhere")
        assert resolver.is_foreign(GroupReference("sg-db", peering_id="pcx-1"), "sg-nowhere")

    def test_an_owner_is_foreign_only_to_a_group_whose_owner_is_known(self):
        assert resolved(inventory(group()), peer=GroupReference("sg-db", owner_id=OTHER)) is None

    def test_a_stale_reference_means_nobody_even_if_the_group_has_members(self):
        known = inventory(WEB, DB, interface(groups=["sg-db"]))
        assert AddressSet() == resolved(known, peer=GroupReference("sg-db", is_stale=True))

    def test_one_resolver_tells_references_of_two_groups_apart(self):
        resolver = Resolver(inventory(WEB, group(group_id="sg-far", owner_id=OTHER)))
        reference = GroupReference("sg-x", owner_id=OTHER)
        assert AddressSet() == resolver.addresses(rule("all from sg-x", peer=reference))
        assert resolver.addresses(rule("all from sg-x", peer=reference, group_id="sg-far")) is None


class TestPrefixLists:
    def test_a_list_stands_for_its_entries(self):
        known = inventory(prefix_list("pl-1", "203.0.113.0/25", "203.0.113.128/25"))
        assert addresses("203.0.113.0/24") == resolved(known, "tcp 443 from pl-1")

    def test_a_list_with_no_entries_is_empty(self):
        assert AddressSet() == resolved(inventory(prefix_list("pl-1")), "tcp 443 from pl-1")

    def test_members_that_the_user_gives_join_the_entries(self):
        known = inventory(prefix_list("pl-1", "203.0.113.0/24"), members={"pl-1": addresses("192.0.2.0/24")})
        assert addresses("192.0.2.0/24", "203.0.113.0/24") == resolved(known, "tcp 443 from pl-1")

    @pytest.mark.parametrize("lists", [(), (PrefixList(prefix_list_id="pl-1", entries=None),)])
    def test_a_list_without_its_entries_is_unknown_unless_the_user_gives_them(self, lists):
        given = addresses("203.0.113.0/24")
        assert resolved(inventory(*lists), "tcp 443 from pl-1") is None
        assert given == resolved(inventory(*lists, members={"pl-1": given}), "tcp 443 from pl-1")


class TestPaths:
    def test_a_label_on_a_list_is_on_each_of_its_entries(self):
        resolver = Resolver(inventory(prefix_list("pl-1", "203.0.113.0/24", "198.51.100.0/24")))
        path_rule = PathRule(PathLabel.DYNAMODB, prefix_list_id="pl-1")
        assert networks("203.0.113.0/24", "198.51.100.0/24") == resolver.path_networks(path_rule)

    @pytest.mark.parametrize("lists", [(), (PrefixList(prefix_list_id="pl-1", entries=None),)])
    def test_a_label_on_a_list_is_on_the_addresses_that_the_user_gives_it(self, lists):
        given = addresses("203.0.113.0/24", "198.51.100.7/32")
        path_rule = PathRule(PathLabel.DYNAMODB, prefix_list_id="pl-1")
        resolver = Resolver(inventory(*lists, members={"pl-1": given}))
        assert networks("198.51.100.7/32", "203.0.113.0/24") == resolver.path_networks(path_rule)
        resolver = Resolver(inventory(prefix_list("pl-1", "192.0.2.0/24"), members={"pl-1": given}))
        assert networks("192.0.2.0/24", "198.51.100.7/32", "203.0.113.0/24") == resolver.path_networks(path_rule)

    def test_a_label_on_a_block_is_on_that(self):
        (block,) = networks("203.0.113.0/24")
        assert (block,) == Resolver(inventory()).path_networks(PathRule(PathLabel.LAMBDA, network=block))

    def test_a_label_on_an_unknown_list_is_refused(self):
        with pytest.raises(UnresolvedReferenceError) as refused:
            Resolver(inventory()).path_networks(PathRule(PathLabel.DYNAMODB, prefix_list_id="pl-1"))
        assert (
            str(refused.value)
            == "the prefix list of path dynamodb must have entries in a document or by --members, got pl-1"
        )


def test_a_block_stands_for_itself():
    assert addresses("192.0.2.0/24") == resolved(inventory(), "tcp 443 from 192.0.2.0/24")
