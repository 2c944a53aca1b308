"""Where packets were judged: by interface, by instance and by group, readable with hundreds of each."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from attrs import evolve

from sgsim.report.blocks import Block, Column, Paragraph, Row, Section, Table
from sgsim.report.table_sections import note_on_peaks, table_section
from sgsim.report.units import counted, number
from sgsim.simulation.summary import GroupCount, InstanceCount, InterfaceCount, Summary, TableLoad

MOST_INTERFACES: Final = 20
MOST_INSTANCES: Final = 20
MOST_GROUPS: Final = 20
MOST_TABLES: Final = 4
"""Tables of which the whole load is shown; if there are more, those that refused packets or were fullest."""

_Count = TypeVar("_Count", InterfaceCount, InstanceCount, GroupCount)

_COUNTS: Final = (
    Column("Allowed", is_number=True),
    Column("Denied", is_number=True),
    Column("Skipped", is_number=True),
)


def interface_blocks(summary: Summary) -> Iterator[Block]:
    """Interfaces with their counts: all of a few in the order of the documents, of many those with most denials."""
    columns = [Column("Interface"), *_COUNTS, Column("Groups")]
    shown = _most(summary.interfaces, MOST_INTERFACES)
    if shown:
        yield Table(
            columns,
            [
                Row(
                    (
                        _interface(item.interface_id, item.instance_id),
                        number(item.allowed),
                        number(item.denied),
                        number(item.skipped),
                        ", ".join(item.groups) or "none: nothing is filtered",
                    )
                )
                for item in shown
            ],
        )
    yield from _left(summary.interfaces, shown, "interface")


def _interface(interface_id: str, instance_id: str | None) -> str:
    return interface_id if instance_id in {None, interface_id} else f"{interface_id} on {instance_id}"


def _most(counts: Sequence[_Count], most: int) -> Sequence[_Count]:
    if len(counts) <= most:
        return counts
    return sorted(counts, key=lambda item: (-item.denied, -item.allowed))[:most]


def _left(counts: Sequence[_Count], shown: Sequence[_Count], noun: str) -> Iterator[Paragraph]:
    """What is left out of a table is still counted."""
    left = len(counts) - len(shown)
    if left:
        allowed = sum(item.allowed for item in counts) - sum(item.allowed for item in shown)
        denied = sum(item.denied for item in counts) - sum(item.denied for item in shown)
        yield Paragraph(f"and {counted(left, f'more {noun}')}: {number(allowed)} allowed, {number(denied)} denied")


def whole_sections(summary: Summary) -> Iterator[Section]:
    """Instances and groups, where there are several interfaces."""
    if len(summary.interfaces) > 1:
        yield Section("By group", list(_by_group(summary)))
    if len(summary.instances) > 1:
        yield Section("By instance", list(_by_instance(summary)))


def _by_group(summary: Summary) -> Iterator[Block]:
    columns = [
        Column("Interfaces", is_number=True), *_COUNTS, Column("Rules hit", is_number=True),
        Column("Hits", is_number=True), Column("Group"),
    ]  # fmt: skip
    shown = _most(summary.groups, MOST_GROUPS)
    yield Table(
        columns,
        [
            Row(
                (
                    number(item.interfaces),
                    number(item.allowed),
                    number(item.denied),
                    number(item.skipped),
                    f"{item.rules_hit} of {item.rules}",
                    number(item.hits),
                    f"{item.group_id} ({item.name})" if item.name else item.group_id,
                )
            )
            for item in shown
        ],
    )
    left = len(summary.groups) - len(shown)
    if left:
        yield Paragraph(f"and {counted(left, 'more group')}")
    yield Paragraph(
        "Counts are those of the interfaces that carry a group, so one packet may count for several groups."
    )


def _by_instance(summary: Summary) -> Iterator[Block]:
    columns = [
        Column("Instance"), Column("Interfaces", is_number=True), *_COUNTS, Column("Peak", is_number=True),
        Column("Capacity", is_number=True), Column("Refused", is_number=True),
    ]  # fmt: skip
    shown = _most(summary.instances, MOST_INSTANCES)
    yield from _note_on_peaks(summary)
    yield Table(
        columns,
        [
            Row(
                (
                    item.instance_id,
                    number(len(item.interfaces)),
                    number(item.allowed),
                    number(item.denied),
                    number(item.skipped),
                    number(item.peak),
                    "none" if item.capacity is None else number(item.capacity),
                    number(item.refused),
                )
            )
            for item in shown
        ],
    )
    yield from _left(summary.instances, shown, "instance")


def shown_tables(summary: Summary) -> list[TableLoad]:
    """The tables of which the load is shown in full, in their order."""
    if len(summary.tables) <= MOST_TABLES:
        return list(summary.tables)
    gravest = sorted(summary.tables, key=_gravity, reverse=True)[:MOST_TABLES]
    ids = {table.instance_id for table in gravest}
    return [table for table in summary.tables if table.instance_id in ids]


def _gravity(table: TableLoad) -> tuple[int, float, int]:
    share = table.peak / table.capacity_at_peak if table.capacity_at_peak else 0
    return table.conntrack_allowance_exceeded, share, table.peak


def _note_on_peaks(summary: Summary) -> Iterator[Paragraph]:
    note = note_on_peaks(summary)
    if note is not None:
        yield Paragraph(note, is_warning=True)


def table_sections(summary: Summary) -> Iterator[Section]:
    """The load on tables: on a few in full, on the others in a sentence."""
    shown = shown_tables(summary)
    for number_shown, table in enumerate(shown):
        section = table_section(table, summary)
        is_first = number_shown == 0 and len(summary.instances) <= 1  # else it stands where instances are compared
        yield evolve(section, blocks=[*_note_on_peaks(summary), *section.blocks]) if is_first else section
    others = [table for table in summary.tables if table not in shown]
    if others:
        refused = sum(table.conntrack_allowance_exceeded for table in others)
        peak = max(table.peak for table in others)
        yield Section(
            "Other connection-tracking tables",
            [
                Paragraph(
                    f"{counted(len(others), 'table')} with peaks of at most {counted(peak, 'place')} and "
                    f"{counted(refused, 'packet')} refused in all; the JSON summary has each."
                )
            ],
        )
