"""What a report is made of, before it takes a form: sections of paragraphs, facts, tables and commands.

Every cell is text already, so that all forms show the same numbers.
"""

from collections.abc import Sequence

from attrs import field, frozen


@frozen
class Paragraph:
    """A few sentences."""

    text: str
    is_warning: bool = False


@frozen
class Facts:
    """Names and what is said of each."""

    facts: Sequence[tuple[str, str]]


@frozen
class Column:
    """The head of a column."""

    title: str
    is_number: bool = False
    """Numbers stand to the right."""


@frozen
class Row:
    """One line of a table."""

    cells: Sequence[str]
    tone: str = ""
    """`allow`, `deny` or `skip`: what colour the first cell may have."""


@frozen
class Table:
    """Rows under heads; the last column is the one that may wrap. In a single column, leading spaces say what is below what."""

    columns: Sequence[Column]
    rows: Sequence[Row]


@frozen
class Commands:
    """Lines to paste into a shell, each with a name."""

    title: str
    lines: Sequence[tuple[str, str]]


Block = Paragraph | Facts | Table | Commands


@frozen
class Section:
    """A title and what stands under it."""

    title: str
    blocks: Sequence[Block]
    chart: str = field(default="")
    """The table whose load a form that can draw draws here."""
