"""Sections as Markdown, for pull requests and wikis."""

from collections.abc import Iterator, Sequence

from sgsim.report.blocks import Block, Commands, Facts, Paragraph, Section, Table
from sgsim.report.summary_asking import Asking
from sgsim.report.summary_sections import sections
from sgsim.simulation.summary import Summary

_SPECIAL = "\\`*_{}[]<>#|~"


def summary_markdown(summary: Summary, asking: Asking | None = None) -> str:
    """A summary as one Markdown document."""
    return markdown("sgsim replay", sections(summary, asking))


def markdown(title: str, parts: Sequence[Section]) -> str:
    """Sections as one Markdown document."""
    lines = [f"# {_escaped(title)}", ""]
    for section in parts:
        lines += [f"## {_escaped(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines[:-1]) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text, is_warning):
            yield f"**{_escaped(text)}**" if is_warning else _escaped(text)
        case Facts(items):
            yield from (f"- {_escaped(name)}: {_escaped(text)}" for name, text in items)
        case Commands(title, lines):
            yield from (f"{_escaped(title)}:", "", "```sh", *(line for _, line in lines), "```")
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    yield _row([_escaped(column.title) for column in table.columns])
    yield _row(["---:" if column.is_number else "---" for column in table.columns])
    for row in table.rows:
        yield _row([_escaped(cell) for cell in row.cells])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    """Text in which nothing is taken for markup."""
    return "".join("\\" + character if character in _SPECIAL else character for character in text.replace("\n", " "))
