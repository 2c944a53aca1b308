"""What lint found, in words: the worst first, each with its place and what to do."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sgsim.analysis.baseline import Accepted, Judged
from sgsim.analysis.finding import KIND_OF, Finding
from sgsim.analysis.lint import Lint
from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.note_sections import note_section
from sgsim.report.sentences import peaks_note
from sgsim.report.units import counted, number

_TONES = {"error": "deny", "warning": "skip", "note": ""}


MOST_PLACE: Final = 48
"""From this many characters on, a place stands on a line of its own."""


def lint_sections(lint: Lint, judged: Judged, *, is_table: bool = False, folder: Path | None = None) -> list[Section]:
    """One section for each kind that occurs, behind what was looked at.

    Args:
        lint: What was found.
        judged: The same against a baseline.
        is_table: Whether each finding is to be one row, as Markdown wants it.
        folder: Where its reader is: files are named from there, where that is shorter; None to name them as they were.
    """
    found = [Section("Looked at", [Facts(list(_facts(lint, judged)))])]
    for severity, kind, findings in _by_kind(judged.open):
        about = KIND_OF[kind]
        note = note_on_places(lint, findings)
        blocks: list[Block] = [Paragraph(note, is_warning=True)] if note is not None else []
        blocks.append(_table(findings, folder) if is_table else _lines(findings, folder))
        if not is_table and all(each.fix == about.fix for each in findings) and about.fix:
            blocks.append(Paragraph(about.fix))
        found.append(Section(f"{severity}: {about.title} [{kind}]", blocks))
    if judged.accepted:
        found.append(
            Section(
                "Accepted",
                [Table([Column("Finding"), Column("About"), Column("Reason")], list(map(_accepted, judged.accepted)))],
            )
        )
    if judged.gone:
        gone = [
            Paragraph(f"{each.finding} {each.fingerprint} is in the baseline and is no longer found: {each.about}")
            for each in judged.gone
        ]
        found.append(Section("Baseline", gone))
    return [*found, *note_section(lint.notes, lint.broken)]


def note_on_places(lint: Lint, findings: Iterable[Finding]) -> str | None:
    """What should be known of the places that findings tell; None if they are as exact as the traffic, or none tells any."""
    has_places = any(each.saved_entries for each in findings)
    return peaks_note(lint.tcp, lint.tcp_without_flags) if has_places else None


def _facts(lint: Lint, judged: Judged) -> Iterator[tuple[str, str]]:
    yield (
        "rules",
        f"{counted(lint.rules, 'rule')} of {counted(lint.groups, 'group')}, {counted(lint.interfaces, 'interface')}",
    )
    counts = {severity: sum(each.severity == severity for each in judged.open) for severity in _TONES}
    told = ", ".join(counted(count, severity) for severity, count in counts.items() if count)
    yield "found", told or "nothing"
    if judged.accepted:
        yield "accepted", f"{number(len(judged.accepted))}, by the baseline"


def _by_kind(findings: Sequence[Finding]) -> Iterator[tuple[str, str, list[Finding]]]:
    """Findings of one severity and kind, in the order of the first of each."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        grouped.setdefault((each.severity, each.id), []).append(each)
    for (severity, kind), found in grouped.items():
        yield severity, kind, found


def _lines(findings: Sequence[Finding], folder: Path | None) -> Table:
    """Where each stands and what it is about; below, what is wrong and what to do."""
    places = [_where(each, folder) for each in findings]
    if any(len(place) > MOST_PLACE for place in places):
        return Table(
            [Column("")], [row for each, place in zip(findings, places, strict=True) for row in _below(each, place)]
        )
    rows = [row for each, place in zip(findings, places, strict=True) for row in _beside(each, place)]
    return Table([Column(""), Column("")], rows)


def _beside(each: Finding, place: str) -> Iterator[Row]:
    first, *others = _texts(each)
    yield Row((place, first), _TONES[each.severity])
    yield from (Row(("", f"  {line}")) for line in others)


def _below(each: Finding, place: str) -> Iterator[Row]:
    first, *others = _texts(each)
    if place:
        yield Row((place,), _TONES[each.severity])
    yield Row((f"  {first}",))
    yield from (Row((f"    {line}",)) for line in others)


def _texts(each: Finding) -> list[str]:
    lines = (_about(each), each.message, each.fix if each.fix != KIND_OF[each.id].fix else "")
    return [line for line in lines if line]


def _table(findings: Sequence[Finding], folder: Path | None) -> Table:
    columns = [Column("Where"), Column("What"), Column("Finding"), Column("Fix")]
    return Table(columns, [Row((_where(each, folder), _about(each), each.message, each.fix)) for each in findings])


def _where(each: Finding, folder: Path | None) -> str:
    return ", ".join(part for part in (_named_from(each.file, folder), each.place) if part)


def _named_from(file: str, folder: Path | None) -> str:
    if folder is None or not Path(file).is_absolute():
        return file
    try:
        relative = os.path.relpath(file, folder)
    except ValueError:  # on another drive
        return file
    return min(file, relative, key=len)


def _about(each: Finding) -> str:
    return "  ".join(part for part in (each.group_id, each.rule) if part)


def _accepted(each: Accepted) -> Row:
    until = f" (until {each.expires})" if each.expires else ""
    owner = f", {each.owner}" if each.owner else ""
    about = " ".join(part for part in (each.finding.group_id, each.finding.rule) if part)
    return Row((each.finding.id, about, f"{each.reason}{owner}{until}"))
