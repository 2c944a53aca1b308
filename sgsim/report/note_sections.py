"""Notes at the end of an answer: what documents leave open, and what should be known of the traffic."""

from collections.abc import Iterator, Sequence
from typing import Final

from sgsim.report.blocks import Block, Paragraph, Section
from sgsim.report.units import counted

MOST_NOTES: Final = 20


def note_section(notes: Sequence[str], broken: str | None = None) -> Iterator[Section]:
    """One section, if there is anything to note.

    Args:
        notes: In the order in which they are to be read.
        broken: Where and why the input broke off; None if it did not.
    """
    before = [Paragraph(f"The input broke off: {broken}", is_warning=True)] if broken is not None else []
    if before or notes:
        yield Section("Notes", [*before, *note_blocks(notes)])


def note_blocks(notes: Sequence[str]) -> list[Block]:
    """Notes as paragraphs; of many the first, and how many more there are."""
    blocks: list[Block] = [Paragraph(_as_sentence(note)) for note in notes[:MOST_NOTES]]
    left = len(notes) - MOST_NOTES
    return [*blocks, Paragraph(f"And {counted(left, 'more note')}.")] if left > 0 else blocks


def _as_sentence(note: str) -> str:
    """A note with a full stop, and with a capital unless it begins with the name of a file."""
    begin, _, _ = note.partition(" ")
    return (note if "." in begin else note[:1].upper() + note[1:]).removesuffix(".") + "."
