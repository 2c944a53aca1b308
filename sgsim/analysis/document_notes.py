"""What documents leave open and what was taken for it, for answers that say nothing of it otherwise."""

from collections.abc import Collection

from sgsim.rules.inventory import Inventory


def document_notes(*inventories: Inventory, without: Collection[str] = ()) -> tuple[str, ...]:
    """The notes of readers, each once, as whole sentences that begin with the document.

    Args:
        inventories: What was read.
        without: Kinds of notes that are told otherwise.
    """
    notes = dict.fromkeys(
        note for each in inventories for note in each.notes if note.origin and note.kind not in without
    )
    return tuple(f"{note.origin}: {note.text}." for note in notes)
