"""A summary in words: sections in the order in which a reader asks.

What was replayed, what became of it and why, what was denied most, how full the tables were, which rules did the work,
and what else should be known.
"""

from collections.abc import Iterator
from typing import Final

from sgsim.model.protocol import protocol_name
from sgsim.report.blocks import Block, Column, Commands, Facts, Paragraph, Row, Section, Table
from sgsim.report.change_sections import change_sections
from sgsim.report.note_sections import note_blocks
from sgsim.report.record_sections import record_sections
from sgsim.report.rule_sections import WAYS, rule_sections
from sgsim.report.sentences import sentence_of
from sgsim.report.summary_asking import Asking
from sgsim.report.units import counted, duration, number, offset, rfc3339
from sgsim.report.whole_sections import interface_blocks, table_sections, whole_sections
from sgsim.simulation.summary import DeniedGroup, Summary

MOST_DENIED: Final = 10


def sections(summary: Summary, asking: Asking | None = None) -> list[Section]:
    """Put a summary into words.

    Args:
        summary: What came out.
        asking: How to ask further; None where nothing was typed.
    """
    return [
        _replayed(summary),
        _verdicts(summary, asking),
        *record_sections(summary, asking),
        *_denied(summary),
        *change_sections(summary),
        *whole_sections(summary),
        *table_sections(summary),
        *rule_sections(summary),
        *_notes(summary),
    ]


def _noun(summary: Summary) -> str:
    """What the traffic consists of."""
    return "packet" if summary.records is None else "record"


def _head(summary: Summary) -> str:
    return f"{_noun(summary).capitalize()}s"


def _replayed(summary: Summary) -> Section:
    return Section("Replayed", [Facts(list(_replayed_facts(summary)))])


def _replayed_facts(summary: Summary) -> Iterator[tuple[str, str]]:
    packets = summary.packets
    yield "traffic" if len(summary.files) == 1 else "traffic, merged", ", ".join(summary.files)
    if summary.start_ns is not None and summary.end_ns is not None:
        length = duration(summary.end_ns - summary.start_ns)
        yield "time", f"{rfc3339(summary.start_ns)} to {rfc3339(summary.end_ns)} ({length})"
    yield (
        f"{_noun(summary)}s",
        f"{number(packets.read)} read = {number(packets.evaluated)} judged + {number(packets.skipped)} skipped",
    )
    at_each = ", at each interface on its way" if packets.decisions > packets.read else ""
    yield "verdicts", f"{number(packets.allowed)} allowed, {number(packets.denied)} denied{at_each}"
    yield "flows", _flows(summary)
    yield "profile", f"{summary.profile}: {summary.profile_title} ({summary.profile_dated})"
    if summary.given:
        yield "set", ", ".join(f"{name} = {_shown(value)}" for name, value in summary.given.items())
    for change in summary.changes:
        when = "never: the traffic ended before" if change.time_ns is None else offset(change.time_ns, summary.start_ns)
        yield "change", f"{change.text}: {when}"


def _shown(value: str | float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,.15g}" if isinstance(value, int | float) else value


def _flows(summary: Summary) -> str:
    flows = summary.flows
    text = f"{number(flows.tracked)} tracked, {number(flows.untracked)} untracked, {number(flows.refused)} refused (denied at the first packet)"
    others = [
        (flows.presumed, "presumed to be open before the recording"),
        (flows.cut, "cut by a change of rules"),
        (flows.forgotten, "forgotten for want of memory (--remember)"),
    ]
    more = [f"{number(count)} {what}" for count, what in others if count]
    return "; of these ".join([text, ", ".join(more)]) if more else text


def _verdicts(summary: Summary, asking: Asking | None) -> Section:
    columns = [Column(""), Column("Reason"), Column(_head(summary), is_number=True), Column("What it means")]
    rows = [
        Row(
            cells=(
                count.verdict,
                count.reason,
                number(count.decisions),
                sentence_of(count.reason),
            ),
            tone=count.verdict,
        )
        for count in summary.reasons
    ]
    return Section("Verdicts", [Table(columns, rows), *interface_blocks(summary), *_explanations(summary, asking)])


def _explanations(summary: Summary, asking: Asking | None) -> Iterator[Commands]:
    if asking is None:
        return
    lines = [(count.reason, asking.explain(count.first, several=len(summary.files) > 1)) for count in summary.reasons]
    known = [(reason, line) for reason, line in lines if line]
    if known:
        yield Commands(f"Why, step by step, for the first {_noun(summary)} of each", known)


def _denied(summary: Summary) -> Iterator[Section]:
    if not summary.denied:
        return
    shown = summary.denied[:MOST_DENIED]
    has_many = len(summary.interfaces) > 1
    columns = [
        Column(_head(summary), is_number=True), *([Column("Interface")] if has_many else []), Column("Way"),
        Column("Peer"), Column("To"), Column("First reason"), Column(f"First {_noun(summary)}"),
    ]  # fmt: skip
    blocks: list[Block] = [Table(columns, [_denied_row(group, has_many=has_many) for group in shown])]
    left = summary.denied_groups - len(shown)
    if left:
        most = counted(shown[-1].packets, _noun(summary))
        blocks.append(Paragraph(f"and {counted(left, 'more group')} of at most {most}{' each' if left > 1 else ''}"))
    most_too_many = max(group.most_too_many for group in summary.denied)
    if most_too_many:
        blocks.append(
            Paragraph(f"approximate: a count may be too high by up to {counted(most_too_many, _noun(summary))}")
        )
    yield Section("Denied most", blocks)


def _denied_row(group: DeniedGroup, *, has_many: bool) -> Row:
    service = protocol_name(group.protocol)
    return Row(
        (
            ("~" if group.most_too_many else "") + number(group.packets),
            *([group.interface_id] if has_many else []),
            WAYS[group.direction],
            group.peer,
            service if group.dst_port is None else f"{service} {group.dst_port}",
            group.reason,
            f"#{group.first.number} {group.first.text}",
        )
    )


def _notes(summary: Summary) -> Iterator[Section]:
    blocks: list[Block] = []
    packets = summary.packets
    if summary.broken is not None:
        blocks.append(
            Paragraph(
                f"The input could not be read to its end; this is what came before: {summary.broken}", is_warning=True
            )
        )
    if packets.late:
        was, their = ("was", "its") if packets.late == 1 else ("were", "their")
        blocks.append(
            Paragraph(
                f"{counted(packets.late, _noun(summary))} {was} earlier than one before, by up to "
                f"{duration(packets.largest_step_back_ns)}, and judged at {their} predecessor's time."
            )
        )
    for rule_id, count in summary.assumed_empty.items():
        blocks.append(
            Paragraph(
                f"{counted(count, f'denied {_noun(summary)}')} might have been admitted by {rule_id}, whose peer is unknown and "
                "counts as empty (--allow-unresolved).",
                is_warning=True,
            )
        )
    blocks.extend(note_blocks(summary.notes))
    if blocks:
        yield Section("Notes", blocks)
