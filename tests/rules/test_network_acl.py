import pytest
from attrs import evolve
from builders import network_acl, rule

from sgsim.errors import RuleError
from sgsim.model.decision import Verdict
from sgsim.model.states import Direction
from sgsim.rules.network_acl import AclEntry


def texts(acl, direction=Direction.INGRESS):
    return [entry.text for entry in acl.entries_of(direction)]


STARS = ["*: deny all traffic from 0.0.0.0/0", "*: deny all traffic from ::/0"]


def test_entries_are_asked_by_number_and_the_stars_last():
    acl = network_acl("200 allow tcp 80 from 0.0.0.0/0", "100 deny tcp 22 from 0.0.0.0/0", "7 allow udp 53 to ::/0")
    assert ["100: deny tcp 22 from 0.0.0.0/0", "200: allow tcp 80 from 0.0.0.0/0", *STARS] == texts(acl)


def test_stars_that_a_document_lists_are_not_added_again():
    acl = network_acl("32767 deny all from 0.0.0.0/0", "100 allow all from 0.0.0.0/0")
    assert ["100: allow all traffic from 0.0.0.0/0", *STARS] == texts(acl)


def test_an_acl_without_entries_denies_everything():
    assert STARS == texts(network_acl())


def test_an_entry_is_named_by_its_number():
    (entry, *_) = network_acl("100 deny tcp 22 from 0.0.0.0/0").entries_of(Direction.INGRESS)
    ref = evolve(entry, rule=evolve(entry.rule, description="no logins")).ref()
    assert ("acl-1:ingress:100", "acl-1", Direction.INGRESS) == (ref.rule_id, ref.group_id, ref.direction)
    assert ("100: deny tcp 22 from 0.0.0.0/0", "no logins") == (ref.text, ref.description)


def test_the_last_number_of_a_user_is_no_star():
    assert "32766: allow all traffic from 0.0.0.0/0" == texts(network_acl("32766 allow all from 0.0.0.0/0"))[0]


def test_two_entries_of_one_number_are_refused():
    expected = "ingress entries of acl-1 must have numbers of their own, got 100 2 times"
    with pytest.raises(RuleError, match=expected):
        network_acl("100 deny tcp 22 from 0.0.0.0/0", "100 allow udp 53 from ::/0")


def test_the_two_directions_count_apart():
    network_acl("100 deny tcp 22 from 0.0.0.0/0", "100 allow udp 53 to ::/0")


@pytest.mark.parametrize("number", [0, -1, 32769, True])
def test_a_number_out_of_bounds_is_refused(number):
    with pytest.raises(RuleError, match=r"number of an entry must be 1\.\.32766, got"):
        AclEntry(number=number, verdict=Verdict.DENY, rule=rule("all from 0.0.0.0/0"))


@pytest.mark.parametrize("peer", ["sg-app", "pl-1"])
def test_an_entry_about_anything_but_a_block_is_refused(peer):
    """A network ACL knows no references: an entry with one would silently fit nothing."""
    with pytest.raises(RuleError, match=f"^peer of an entry must be a block, got {peer}$"):
        AclEntry(number=100, verdict=Verdict.DENY, rule=rule(f"all from {peer}"))


def test_an_acl_needs_an_id():
    with pytest.raises(RuleError, match="network_acl_id must be a non-empty text, got ''"):
        network_acl(network_acl_id="")
