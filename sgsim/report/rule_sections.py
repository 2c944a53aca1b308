"""Which rules did the work, and which none."""

from collections.abc import Iterator, Sequence
from typing import Final

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
        yield Section("Rules never hit", list(_never_hit(idle)))


def _hit(rules: Sequence[RuleUsage], start_ns: int | None) -> Iterator[Block]:
    columns = [
        Column("Hits", is_number=True), Column("Bytes", is_number=True), Column("Last hit", is_number=True),
        Column("Group"), Column("Rule"),
    ]  # fmt: skip
    rows = [
        Row(
            (
                number(rule.hits),
                number(rule.bytes),
                offset(rule.last_hit_ns or 0, start_ns),
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


def _never_hit(rules: Sequence[RuleUsage]) -> Iterator[Block]:
    yield Table(
        [Column("Group"), Column("Rule")], [Row((rule.group_id, _worded(rule))) for rule in rules[:MOST_NEVER_HIT]]
    )
    if len(rules) > MOST_NEVER_HIT:
        yield Paragraph(f"and {counted(len(rules) - MOST_NEVER_HIT, 'more rule')}")


def _worded(rule: RuleUsage) -> str:
    """What a rule says; its id where it has one of its own, and its description."""
    own_id = f"{rule.rule_id}: " if rule.rule_id.startswith("sgr-") else ""
    return f"{own_id}{rule.text}" + (f'  "{rule.description}"' if rule.description else "")
