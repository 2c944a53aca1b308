"""How much of AWS's quotas is used, in words."""

from collections.abc import Iterator, Sequence
from typing import Final

from sgsim.analysis.quota import Count, Quota
from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.note_sections import note_section
from sgsim.report.units import counted, number

MOST_ROWS: Final = 20


def quota_sections(quota: Quota, *, show_all: bool = False) -> list[Section]:
    """What is over its limit, then what is fullest."""
    over = [count for count in quota.counts if count.is_over]
    others = [count for count in quota.counts if not count.is_over and count.subject != "account"]
    others = sorted((each for each in others if each.used or show_all), key=lambda count: -count.used / count.limit)
    found = [Section("Quotas", [Facts(list(_facts(quota)))])]
    if over:
        found.append(Section("Over the limit", [_table(over)]))
    if others:
        shown = others if show_all else others[:MOST_ROWS]
        left = len(others) - len(shown)
        more: list[Block] = [Paragraph(f"and {number(left)} more, less full: --all lists them")] if left else []
        found.append(Section("Within the limit", [_table(shown), *more]))
    return [*found, *note_section(quota.notes)]


def _facts(quota: Quota) -> Iterator[tuple[str, str]]:
    limits = quota.limits
    yield "rules", f"at most {number(limits.rules_per_group)} in each direction and family of a group"
    product = limits.rules_per_group * limits.groups_per_interface
    yield (
        "groups",
        f"at most {limits.groups_per_interface} on an interface; times rules {number(product)} of {number(limits.product)}",
    )
    yield "found", f"{counted(quota.over, 'count')} over the limit" if quota.over else "nothing over its limit"


def _table(counts: Sequence[Count]) -> Table:
    columns = [
        Column("Used", is_number=True), Column("Limit", is_number=True), Column("Of"), Column("What"), Column("Made of"),
    ]  # fmt: skip
    return Table(columns, [_row(count) for count in counts])


def _row(count: Count) -> Row:
    what = " ".join(part for part in (count.direction, count.family) if part) or count.what
    used = f"{number(count.used)}{'+' if count.is_least else ''}"
    parts = ", ".join(_part(name, amount) for name, amount in count.parts.items())
    return Row((used, number(count.limit), count.subject, what, parts), "deny" if count.is_over else "")


def _part(name: str, amount: int) -> str:
    nouns = {"blocks": "block of addresses", "groups": "reference to a group"}
    plurals = {"blocks": "blocks of addresses", "groups": "references to groups"}
    return counted(amount, nouns[name], plurals[name]) if name in nouns else f"{number(amount)} for {name}"
