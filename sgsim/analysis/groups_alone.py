"""What to say where an answer is about groups alone and network ACLs are known."""

from sgsim.rules.changed_items import changed_acls
from sgsim.rules.inventory import Inventory

MOST_SHOWN = 5
"""How many network ACLs are named that differ."""


def search_note(inventory: Inventory) -> str | None:
    """That a search does not look at network ACLs, where there are any."""
    if not inventory.network_acls:
        return None
    return "Groups alone were asked. Network ACLs are known too; they were not looked at, and may deny it."


def invariant_note(inventory: Inventory) -> str | None:
    """That invariants do not look at network ACLs, where there are any."""
    if not inventory.network_acls:
        return None
    return "Invariants are about groups alone. Network ACLs are known too; they were not looked at, and may deny more."


def diff_note(old: Inventory, new: Inventory) -> str | None:
    """That a diff does not compare network ACLs, where there are any, and which of them are not the same."""
    if not old.network_acls and not new.network_acls:
        return None
    changed = changed_acls(old, new)
    if not changed:
        return "Groups alone are compared; the network ACLs are the same on both sides."
    more = f"; and {len(changed) - MOST_SHOWN} more" if len(changed) > MOST_SHOWN else ""
    listed = "; ".join(changed[:MOST_SHOWN]) + more
    return (
        f"Groups alone are compared, but network ACLs are not the same either: {listed}. Traffic (-t) is replayed "
        "through both."
    )
