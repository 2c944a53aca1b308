"""A named list of blocks."""

import pytest
from builders import networks, prefix_list

from sgsim.errors import RuleError
from sgsim.rules.address_set import AddressSet
from sgsim.rules.prefix_list import PrefixList


def test_entries_keep_their_order():
    blocks = ("203.0.113.0/24", "198.51.100.0/24")
    assert networks(*blocks) == prefix_list("pl-1", *blocks).entries


def test_a_list_may_be_known_without_its_entries():
    assert PrefixList(prefix_list_id="pl-1", entries=None).entries is None


def test_its_addresses_are_the_union_of_its_blocks_made_once():
    known = prefix_list("pl-1", "203.0.113.0/25", "203.0.113.128/25")
    assert known.addresses == AddressSet.of(networks("203.0.113.0/24"))
    assert known.addresses is known.addresses
    assert PrefixList(prefix_list_id="pl-1", entries=None).addresses is None
    assert PrefixList(prefix_list_id="pl-1", entries=()).addresses == AddressSet()


@pytest.mark.parametrize("prefix_list_id", ["", None])
def test_an_id_must_be_a_text(prefix_list_id):
    with pytest.raises(RuleError) as refused:
        prefix_list(prefix_list_id)
    assert f"prefix_list_id must be a non-empty text, got {prefix_list_id!r}" == str(refused.value)
