"""Which rules are used, in words and as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence

from attrs import fields

from sgsim.analysis.usage import RuleUse, Usage
from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.note_sections import note_section
from sgsim.report.rule_sections import held_cell, held_column
from sgsim.report.units import counted, duration, number, offset, rfc3339


def usage_sections(usage: Usage) -> list[Section]:
    """Put the use of rules into words: what was seen, rules with hits, rules without."""
    hit = sorted((rule for rule in usage.rules if rule.hits), key=lambda rule: -rule.hits)
    idle = [rule for rule in usage.never_hit if rule.saw_traffic]
    unseen = [rule for rule in usage.never_hit if not rule.saw_traffic]
    found = [Section("Traffic", [Facts(list(_facts(usage)))])]
    if hit:
        found.append(Section("Rules that were hit", list(_hit(hit, usage))))
    if idle:
        found.append(Section("Rules never hit", [_listed(idle, usage.start_ns)]))
    if unseen:
        told = Paragraph("The traffic met none of the interfaces that carry these, so it says nothing of them.")
        found.append(Section("Rules that nothing is known of", [_listed(unseen, usage.start_ns), told]))
    return [*found, *note_section(usage.notes, usage.broken)]


def _facts(usage: Usage) -> Iterator[tuple[str, str]]:
    skipped = f", {number(usage.packets.skipped)} of them skipped" if usage.packets.skipped else ""
    yield "read", f"{', '.join(usage.files)}: {counted(usage.packets.read, usage.unit)}{skipped}"
    if usage.start_ns is not None and usage.end_ns is not None:
        length = duration(usage.end_ns - usage.start_ns)
        yield "time", f"{rfc3339(usage.start_ns)} to {rfc3339(usage.end_ns)} ({length})"
    yield "rules", f"{counted(len(usage.rules), 'rule')}, {number(len(usage.never_hit))} never hit"


def _hit(rules: Sequence[RuleUse], usage: Usage) -> Iterator[Block]:
    start_ns, counted_things = usage.start_ns, f"{usage.unit}s"
    heads = ("Hits", "Unique", "Carried", "Bytes", "Last hit")
    columns = [*(Column(head, is_number=True) for head in heads), *held_column(rules), Column("Group"), Column("Rule")]
    rows = [
        Row(
            (
                number(rule.hits),
                number(rule.unique_hits),
                number(rule.carried_packets),
                number(rule.carried_bytes),
                offset(rule.last_hit_ns or 0, start_ns),
                *held_cell(rule, rules, start_ns),
                rule.group_id,
                _worded(rule),
            )
        )
        for rule in rules
    ]
    yield Table(columns, rows)
    yield Paragraph(
        f"Hits: {counted_things} that the rule itself let pass; {counted_things} of a tracked flow need no rule. Unique: "
        "hits that no other rule of the interface admits; a rule with none could go. Carried, Bytes: with all "
        f"{counted_things} of the flows that it admitted."
    )


def _listed(rules: Sequence[RuleUse], start_ns: int | None) -> Table:
    has_places = any(rule.place for rule in rules)
    columns = [*held_column(rules), Column("Group"), *([Column("Place")] if has_places else []), Column("Rule")]
    rows = [
        Row(
            (
                *held_cell(rule, rules, start_ns),
                rule.group_id,
                *([rule.place] if has_places else []),
                _worded(rule),
            )
        )
        for rule in rules
    ]
    return Table(columns, rows)


def _worded(rule: RuleUse) -> str:
    own_id = f"{rule.rule_id}: " if rule.rule_id.startswith("sgr-") else ""
    return f"{own_id}{rule.text}" + (f'  "{rule.description}"' if rule.description else "")


def usage_csv(usage: Usage) -> str:
    """One line for each rule, under the names of its fields."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [attribute.name for attribute in fields(RuleUse)]
    writer.writerow(names)
    writer.writerows([_cell(getattr(rule, name)) for name in names] for rule in usage.rules)
    return text.getvalue()


def _cell(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
