"""Sections as text for a terminal or a pipe: about 100 columns, the same bytes each time.

Lines are made of spans with a style; only who writes to a terminal turns styles into colours.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from sgsim.report.blocks import Block, Column, Commands, Facts, Paragraph, Row, Section, Table

WIDTH: Final = 100
LEAST_LAST_COLUMN: Final = 30
"""The last column is never wrapped narrower than this."""

_INDENT: Final = "  "
_GAP: Final = "  "


@frozen
class Span:
    """Characters that have a style in common."""

    text: str
    style: str = ""
    """`title`, `head`, `command`, `warning`, `allow`, `deny`, `skip`, or none."""


Line = tuple[Span, ...]


def plain_text(lines: Iterable[Line]) -> str:
    """Lines without styles."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def text_lines(sections: Iterable[Section]) -> Iterator[Line]:
    """Write sections one after the other."""
    for position, section in enumerate(sections):
        if position:
            yield ()
        yield (Span(section.title, "title"),)
        previous: Block | None = None
        for block in section.blocks:
            if isinstance(block, Table | Commands) and previous is not None:
                yield ()
            yield from _block_lines(block)
            previous = block


def _block_lines(block: Block) -> Iterator[Line]:
    match block:
        case Paragraph(text, is_warning):
            for line in textwrap.wrap(text, WIDTH - len(_INDENT), break_long_words=False, break_on_hyphens=False):
                yield (Span(_INDENT), Span(line, "warning" if is_warning else ""))
        case Facts(items):
            yield from _facts_lines(items)
        case Table():
            yield from _table_lines(block)
        case Commands(title, lines):
            yield (Span(f"{_INDENT}{title}:"),)
            width = max(len(name) for name, _ in lines)
            for name, line in lines:
                yield (Span(_INDENT * 2), Span(name.ljust(width) + _GAP, "head"), Span(line, "command"))


def _facts_lines(items: Sequence[tuple[str, str]]) -> Iterator[Line]:
    width = max((len(name) for name, _ in items), default=0)
    begin = len(_INDENT) + width + len(_GAP)
    previous = ""
    for name, text in items:
        shown = "" if name == previous else name
        previous = name
        for position, line in enumerate(_wrapped(text, WIDTH - begin)):
            yield (Span(_INDENT), Span((shown if not position else "").ljust(width), "head"), Span(_GAP + line))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, LEAST_LAST_COLUMN), break_long_words=False, break_on_hyphens=False) or [""]


def _table_lines(table: Table) -> Iterator[Line]:
    widths = [
        max(len(column.title), *(len(row.cells[place]) for row in table.rows), 0)
        for place, column in enumerate(table.columns)
    ]
    if any(column.title for column in table.columns):
        heads = [_aligned(column.title, width, column) for column, width in zip(table.columns, widths, strict=True)]
        yield (Span(_INDENT), Span(_GAP.join(heads), "head"))
    for row in table.rows:
        yield from _row_lines(row, table.columns, widths) if len(table.columns) > 1 else _single_lines(row)


def _row_lines(row: Row, columns: Sequence[Column], widths: Sequence[int]) -> Iterator[Line]:
    begin = len(_INDENT) + sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    cells = [_aligned(cell, width, column) for cell, width, column in zip(row.cells, widths, columns, strict=True)]
    first, *others = [cells[-1]] if columns[-1].is_number else _wrapped_below(row.cells[-1], WIDTH - begin)
    middle = "".join(_GAP + cell for cell in (*cells[1:-1], first))
    yield (Span(_INDENT), Span(cells[0], row.tone), Span(middle))
    for line in others:
        yield (Span(" " * begin + line),)


def _single_lines(row: Row) -> Iterator[Line]:
    """A row of one cell."""
    (cell,) = row.cells
    for line in _wrapped_below(cell, WIDTH - len(_INDENT)):
        text = line.lstrip()
        yield (Span(_INDENT + line[: len(line) - len(text)]), Span(text, row.tone))


def _wrapped_below(cell: str, width: int) -> list[str]:
    """Lines of a cell; what is wrapped stands below where its text begins."""
    margin = " " * (len(cell) - len(cell.lstrip()))
    return [margin + line for line in _wrapped(cell.strip(), width - len(margin))]


def _aligned(text: str, width: int, column: Column) -> str:
    return text.rjust(width) if column.is_number else text.ljust(width)
