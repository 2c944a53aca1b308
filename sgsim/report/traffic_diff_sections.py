"""What breaks of recorded traffic, in words."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from sgsim.model.protocol import protocol_name
from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.change_sections import FATES, TONES
from sgsim.report.sentences import peaks_note
from sgsim.report.units import counted, duration, number, offset

if TYPE_CHECKING:
    from sgsim.analysis.traffic_difference import TableChange, TrafficDiff, TrafficGroup
    from sgsim.simulation.summary import ChangeReport

MOST_GROUPS: Final = 15
"""How many groups of one kind are shown."""

SENTENCES: Final = {
    "cut": "These flows were open and untracked; the change ends them at their next packet.",
    "newly_denied": "What passed under the old rules and does not pass under the new ones.",
    "newly_allowed": "What did not pass under the old rules and passes under the new ones.",
    "now_tracked": "What passes under both; these flows now take places in the table.",
    "now_untracked": "What passes under both; these flows take no place in the table any more.",
}

TITLES: Final = {
    "cut": "Traffic cut",
    "newly_denied": "Traffic newly denied",
    "newly_allowed": "Traffic newly allowed",
    "now_tracked": "Traffic now tracked",
    "now_untracked": "Traffic now untracked",
}
MOST_NAMES: Final = 5
_TONES: Final = {"cut": "deny", "newly_denied": "deny", "newly_allowed": "allow"}
_WAYS: Final = {"ingress": "in", "egress": "out"}


def traffic_sections(found: "TrafficDiff") -> Iterator[Section]:
    """Put the difference for traffic into words: the whole, the open flows, each kind, the tables."""
    yield Section("Recorded traffic", list(_summary(found)))
    for count in found.counts:
        groups = [group for group in found.groups if group.kind is count.kind]
        if groups:
            yield Section(TITLES[str(count.kind)], list(_kind(str(count.kind), groups)))
    if found.tables:
        note = note_on_tables(found)
        warnings = [Paragraph(note, is_warning=True)] if note is not None else []
        yield Section("Tracking tables", [*warnings, _tables(found.tables, found)])


def note_on_tables(found: "TrafficDiff") -> str | None:
    """What should be known of the peaks of tables; None if they are as exact as the traffic."""
    has_peaks = any(table.old_peak or table.new_peak for table in found.tables)
    return peaks_note(found.tcp, found.tcp_without_flags) if has_peaks else None


def _summary(found: "TrafficDiff") -> Iterator[Block]:
    length = "" if found.start_ns is None or found.end_ns is None else duration(found.end_ns - found.start_ns)
    facts = [
        ("traffic", ", ".join(found.files)),
        ("records" if found.has_records else "packets", f"{number(found.packets)} in {length}"),
    ]
    changed = [count for count in found.counts if count.packets or count.flows]
    for count in changed:
        share = f"{counted(count.flows, 'flow')}, {counted(count.packets, 'packet')}, {counted(count.bytes, 'byte')}"
        facts.append((str(count.kind).replace("_", " "), share))
    if not changed:
        none = "none at interfaces of both sides" if found.one_sided else "none: everything fares the same"
        facts.append(("difference", none))
    if found.one_sided:
        facts.append(("not compared", f"packets at {_few(found.one_sided)}, which only one side has"))
    yield Facts(facts)
    if not found.was_reached:
        yield Paragraph("The traffic ends before the change is made.", is_warning=True)
    if found.at_change is not None:
        yield from _at_change(found.at_change, found)
    if found.broken is not None:
        yield Paragraph(f"The input broke off: {found.broken}", is_warning=True)


def _few(names: Sequence[str]) -> str:
    left = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {left} more" if left > 0 else "")


def _at_change(change: "ChangeReport", found: "TrafficDiff") -> Iterator[Block]:
    live = counted(change.live, "flow") + (" is live." if change.live == 1 else " are live.")
    yield Paragraph(f"When the rules change, at {offset(change.time_ns or 0, found.start_ns)}, {live}")
    if change.fates:
        columns = [Column("Fate"), Column("Flows", is_number=True), Column("What it means")]
        rows = [
            Row((each.fate, number(each.flows), FATES[each.fate]), TONES.get(each.fate, "")) for each in change.fates
        ]
        yield Table(columns, rows)


def _kind(kind: str, groups: "list[TrafficGroup]") -> Iterator[Block]:
    yield Paragraph(SENTENCES[kind])
    columns = [
        Column("Interface"),
        Column("Peer"),
        Column("Service"),
        Column("Flows", is_number=True),
        Column("Packets", is_number=True),
        Column("Bytes", is_number=True),
        Column("New rule" if kind == "newly_allowed" else "Old rule"),
    ]
    yield Table(
        columns,
        [
            Row(
                (
                    f"{group.interface_id} {_WAYS[group.direction]}",
                    group.peer,
                    protocol_name(group.protocol) + ("" if group.port is None else f" {group.port}"),
                    number(group.flows),
                    number(group.packets),
                    number(group.bytes),
                    _rule(group),
                ),
                _TONES.get(kind, "skip"),
            )
            for group in groups[:MOST_GROUPS]
        ],
    )
    if len(groups) > MOST_GROUPS:
        yield Paragraph(f"and {counted(len(groups) - MOST_GROUPS, 'group')} more; --format json has all")


def _rule(group: "TrafficGroup") -> str:
    rule = "none" if group.rule is None else f"{group.rule.text} [{group.rule.group_id}]"
    why = f"; first {group.reason}" if group.reason else ""
    return f"{rule}{why} at #{group.first.number}"


def _tables(tables: "tuple[TableChange, ...]", found: "TrafficDiff") -> Table:
    columns = [
        Column("Instance"),
        Column("Peak before", is_number=True),
        Column("Peak after", is_number=True),
        Column("Capacity", is_number=True),
        Column("Refused before", is_number=True),
        Column("Refused after", is_number=True),
        Column("Peak after is at"),
    ]
    rows = [
        Row(
            (
                table.instance_id,
                number(table.old_peak),
                number(table.new_peak),
                "none" if table.capacity is None else number(table.capacity),
                number(table.old_exceeded),
                number(table.new_exceeded),
                "" if table.new_peak_time_ns is None else offset(table.new_peak_time_ns, found.start_ns),
            ),
            "" if table.fits else "deny",
        )
        for table in tables
    ]
    return Table(columns, rows)
