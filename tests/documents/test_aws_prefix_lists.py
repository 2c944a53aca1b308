import pytest

from sgsim.documents import load
from sgsim.errors import SgsimError

LISTS = {
    "PrefixLists": [
        {
            "PrefixListId": "pl-1",
            "PrefixListName": "offices",
            "MaxEntries": 10,
            "OwnerId": "123456789012",
            "Version": 3,
        },
        {"PrefixListId": "pl-12", "PrefixListName": "cloud", "OwnerId": "AWS", "Cidrs": ["52.94.4.0/24"]},
    ]
}
ENTRIES = {"Entries": [{"Cidr": "198.51.100.0/24", "Description": "north"}, {"Cidr": "203.0.113.0/24"}]}


def entries(inventory, prefix_list_id):
    found = inventory.prefix_lists[prefix_list_id].entries
    return None if found is None else [str(network) for network in found]


def test_a_list_without_entries_has_unknown_ones(write):
    found = load(write("lists.json", LISTS))
    assert (found.prefix_lists["pl-1"].name, found.prefix_lists["pl-1"].max_entries) == ("offices", 10)
    assert entries(found, "pl-1") is None
    assert entries(found, "pl-12") == ["52.94.4.0/24"]


@pytest.mark.parametrize("name", ["pl-1.json", "offices-pl-1.json", "2024-pl-1-entries.json"])
def test_the_file_name_tells_whose_entries_these_are(write, name):
    found = load(write(name, ENTRIES))
    assert entries(found, "pl-1") == ["198.51.100.0/24", "203.0.113.0/24"]


def test_entries_complete_a_described_list(write):
    found = load(write("lists.json", LISTS), write("pl-1.json", ENTRIES))
    assert found.prefix_lists["pl-1"].name == "offices"
    assert entries(found, "pl-1") == ["198.51.100.0/24", "203.0.113.0/24"]


def test_of_described_ids_in_the_name_the_longest_counts(write):
    lists = {"PrefixLists": [{"PrefixListId": "pl-1"}, {"PrefixListId": "pl-12"}]}
    found = load(write("lists.json", lists), write("pl-12.json", ENTRIES))
    assert entries(found, "pl-1") is None
    assert entries(found, "pl-12") is not None


def test_the_only_list_that_lacks_entries_gets_them(write):
    found = load(write("lists.json", LISTS), write("entries.json", ENTRIES))
    assert entries(found, "pl-1") == ["198.51.100.0/24", "203.0.113.0/24"]


def test_entries_that_nobody_owns_are_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(write("entries.json", ENTRIES))
    assert str(refusal.value) == (
        "entries.json: file of prefix list entries must have the list's id in its name, such as pl-0123.json, because the "
        "document does not say whose they are, got 'entries.json'"
    )


def test_two_versions_of_a_list_are_refused(write):
    other = {"Entries": [{"Cidr": "192.0.2.0/24"}]}
    with pytest.raises(SgsimError) as refusal:
        load(write("pl-1.json", ENTRIES), write("old/pl-1.json", other))
    assert str(refusal.value) == (
        "old/pl-1.json: prefix list must be the same in all documents, got two versions of pl-1"
    )


def test_an_entry_that_is_no_block_is_refused(write):
    with pytest.raises(SgsimError) as refusal:
        load(write("pl-1.json", {"Entries": [{"Cidr": "198.51.100.0"}]}))
    assert str(refusal.value) == (
        "pl-1.json, Entries[0].Cidr: CIDR must be an IPv4 or IPv6 block such as 10.0.0.0/16, got '198.51.100.0'"
    )
