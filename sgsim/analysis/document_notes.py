"""What documents leave open and what was taken for it, for answers that say nothing of it otherwise; and what traffic does."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from sgsim.rules.inventory import Inventory

if TYPE_CHECKING:
    from sgsim.simulation.summary import Summary


def document_notes(*inventories: Inventory, without: Collection[str] = ()) -> tuple[str, ...]:
    """The notes of readers, each once, as whole sentences that begin with the document.

    Args:
        inventories: What was read.
        without: Kinds of notes that are told otherwise.
    """
    notes = dict.fromkeys(
        note for each in inventories for note in each.notes if note.origin and note.kind not in without
    )
    return tuple(f"{note}." for note in notes)


def notes_on_traffic(summary: "Summary", inventory: Inventory) -> tuple[str, ...]:
    """Those notes of a replay that are not of the documents: of its files and options."""
    of_documents = set(map(str, inventory.notes))
    return tuple(note for note in summary.notes if note not in of_documents)
