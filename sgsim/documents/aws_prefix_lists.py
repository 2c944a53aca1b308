"""Prefix lists as AWS prints them: the lists in one document, the entries of each in another.

`describe-prefix-lists` (of AWS's own lists) has both in one. Source: `[aws-api]` ManagedPrefixList.
"""

from sgsim.documents import aws_members as known
from sgsim.documents.contents import Contents
from sgsim.documents.node import Node
from sgsim.documents.scalars import read_cidr
from sgsim.rules.inventory import Inventory
from sgsim.rules.prefix_list import PrefixList


def read_prefix_lists(listing: Node) -> Contents:
    """Read `PrefixLists`, the list of describe-managed-prefix-lists and describe-prefix-lists.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If a block of addresses is none.
    """
    lists = [_read_prefix_list(node) for node in listing.each()]
    return Contents(
        origin=listing.document.origin,
        inventory=Inventory(prefix_lists={item.prefix_list_id: item for item in lists}),
    )


def _read_prefix_list(node: Node) -> PrefixList:
    node.count_unknown(known.PREFIX_LIST)
    max_entries = node.get("MaxEntries")
    return PrefixList(
        prefix_list_id=node.text("PrefixListId"),
        name=node.text_or_none("PrefixListName") or "",
        entries=tuple(read_cidr(cidr) for cidr in node.items("Cidrs")) if node.get("Cidrs") else None,
        max_entries=None if max_entries is None else max_entries.as_whole_number(),
        owner_id=node.text_or_none("OwnerId"),
    )


def read_entries(listing: Node) -> Contents:
    """Read `Entries`, the list of get-managed-prefix-list-entries, which does not say whose they are.

    Raises:
        DocumentError: If it has another shape.
        RuleError: If a block of addresses is none.
    """
    nodes = list(listing.each())
    for node in nodes:
        node.count_unknown(known.PREFIX_LIST_ENTRY)
    return Contents(origin=listing.document.origin, entries=tuple(read_cidr(node.need("Cidr")) for node in nodes))
