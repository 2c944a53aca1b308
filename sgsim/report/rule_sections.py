"""Which rules did the work, and which none."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from sgsim.report.blocks import Block, Column, Paragraph, Row, Section, Table
from sgsim.report.units import counted, number, offset
from sgsim.simulation.summary import AclUsage, RuleUsage, Summary

MOST_HIT: Final = 20
WAYS: Final = {"ingress": "in", "egress": "out"}
MOST_NEVER_HIT: Final = 20


def rule_sections(summary: Summary) -> Iterator[Section]:
    """Rules with hits, and rules without."""
    hit = sorted((rule for rule in summary.rules if rule.hits), key=lambda rule: -rule.hits)
    idle = [rule for rule in summary.rules if not rule.hits]
    if hit:
        yield Section("Rules that were hit", list(_hit(hit, summary.start_ns)))
    if summary.network_acls:
        yield Section("Denied by network ACLs", list(_by_acls(summary.network_acls)))
    if idle:
        yield Section("Rules never hit", list(_never_hit(idle, summary.start_ns)))


def _hit(rules: Sequence[RuleUsage], start_ns: int | None) -> Iterator[Block]:
    columns = [
        Column("Hits", is_number=True), Column("Bytes", is_number=True), Column("Last hit", is_number=True),
        *held_column(rules), Column("Group"), Column("Rule"),
    ]  # fmt: skip
    rows = [
        Row(
            (
                number(rule.hits),
                number(rule.bytes),
                offset(rule.last_hit_ns or 0, start_ns),
                *held_cell(rule, rules, start_ns),
                rule.group_id,
                _worded(rule),
            )
        )
        for rule in rules[:MOST_HIT]
    ]
    yield Table(columns, rows)
    if len(rules) > MOST_HIT:
        yield Paragraph(f"and {counted(len(rules) - MOST_HIT, 'more rule')} with fewer hits")
    yield Paragraph("Rules do not judge packets of a tracked flow, so these are no hits.")


def _by_acls(entries: Sequence[AclUsage]) -> Iterator[Block]:
    columns = [
        Column("Packets", is_number=True), Column("Bytes", is_number=True), Column("Way"), Column("Network ACL"),
        Column("Entry"),
    ]  # fmt: skip
    yield Table(
        columns,
        [
            Row((number(entry.packets), number(entry.bytes), WAYS[entry.direction], entry.network_acl_id, entry.text))
            for entry in entries[:MOST_HIT]
        ],
    )
    if len(entries) > MOST_HIT:
        yield Paragraph(f"and {counted(len(entries) - MOST_HIT, 'more entry', 'more entries')}")


def _never_hit(rules: Sequence[RuleUsage], start_ns: int | None) -> Iterator[Block]:
    columns = [*held_column(rules), Column("Group"), Column("Rule")]
    rows = [Row((*held_cell(rule, rules, start_ns), rule.group_id, _worded(rule))) for rule in rules[:MOST_NEVER_HIT]]
    yield Table(columns, rows)
    if len(rules) > MOST_NEVER_HIT:
        yield Paragraph(f"and {counted(len(rules) - MOST_NEVER_HIT, 'more rule')}")


class _Held(Protocol):
    """What says when a rule held."""

    @property
    def held_from_ns(self) -> int | None:
        """The change that brought it."""

    @property
    def held_until_ns(self) -> int | None:
        """The change that took it away."""


def held_column(rules: Sequence[_Held]) -> list[Column]:
    """A column for when rules held, if a change has brought or taken away any of them."""
    return [Column("Held")] if _any_came_or_went(rules) else []


def held_cell(rule: _Held, rules: Sequence[_Held], start_ns: int | None) -> list[str]:
    """When a rule held, for that column."""
    if not _any_came_or_went(rules):
        return []
    ends = (("from", rule.held_from_ns), ("until", rule.held_until_ns))
    return [" ".join(f"{word} {offset(at_ns, start_ns)}" for word, at_ns in ends if at_ns is not None) or "throughout"]


def _any_came_or_went(rules: Sequence[_Held]) -> bool:
    return any(rule.held_from_ns is not None or rule.held_until_ns is not None for rule in rules)


def _worded(rule: RuleUsage) -> str:
    """What a rule says; its id where it has one of its own, and its description."""
    own_id = f"{rule.rule_id}: " if rule.rule_id.startswith("sgr-") else ""
    return f"{own_id}{rule.text}" + (f'  "{rule.description}"' if rule.description else "")
