"""How full a connection-tracking table was."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Final

from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.sentences import peaks_note
from sgsim.report.units import counted, duration, number, offset, rfc3339
from sgsim.simulation.summary import Summary, TableLoad

MOST_AT_PEAK: Final = 5


def table_section(table: TableLoad, summary: Summary) -> Section:
    """The load on one table."""
    title = f"Connection tracking of {table.instance_id}"
    if table.peak_time_ns is None:
        never = Paragraph("No flow was ever entered in the table.")
        return Section(title, [never] if table.capacity is None else [never, Facts(list(_allowance(table)))])
    blocks: list[Block] = [Facts([*_peak(table, summary), *_allowance(table)])]
    return Section(title, [*blocks, _at_peak(table, summary)], chart=table.instance_id)


def note_on_peaks(summary: Summary) -> str | None:
    """What should be known of all peaks; None if they are as exact as the traffic."""
    records = summary.records
    if records is None or not any(table.peak for table in summary.tables):
        return None
    return peaks_note(records.tcp, records.tcp_without_flags)


def _peak(table: TableLoad, summary: Summary) -> Iterator[tuple[str, str]]:
    time_ns = table.peak_time_ns or 0
    capacity = table.capacity_at_peak
    of_capacity = f" of {number(capacity)}" if capacity is not None else ""
    at_most = "at most " if note_on_peaks(summary) else ""
    yield (
        "peak",
        f"{at_most}{number(table.peak)}{of_capacity} at {offset(time_ns, summary.start_ns)} ({rfc3339(time_ns)})",
    )
    if len(table.capacities) > 1:
        yield "capacity", ", ".join(_capacity_steps(table, summary.start_ns))
    elif capacity is None:
        yield "capacity", "none given, so nothing is refused: add --capacity N"
    if table.headroom is not None and capacity is not None:
        share = f", {table.headroom / capacity:.0%} of the capacity" if table.headroom else ""
        yield "headroom", f"{counted(table.headroom, 'place')} free at the peak{share}"
    if table.time_to_full_ns is not None:
        yield "time to full", f"{duration(table.time_to_full_ns)} from the first entry to the first packet refused"
    yield "entries", f"{number(table.inserted)} entered, {number(table.count)} at the end"


def _capacity_steps(table: TableLoad, start_ns: int | None) -> Iterator[str]:
    for step in table.capacities:
        since = f" from {offset(step.from_ns, start_ns)} on" if step.from_ns is not None else ""
        yield (number(step.capacity) if step.capacity is not None else "without limit") + since


def _allowance(table: TableLoad) -> Iterator[tuple[str, str]]:
    """AWS's two metrics; without a capacity they say nothing."""
    if table.conntrack_allowance_available is None:
        return
    yield "conntrack_allowance_available", f"{number(table.conntrack_allowance_available)} at the end"
    exceeded = table.conntrack_allowance_exceeded
    yield "conntrack_allowance_exceeded", f"{counted(exceeded, 'packet')} refused"


def _at_peak(table: TableLoad, summary: Summary) -> Table:
    texts = {rule.rule_id: f"{rule.text} ({rule.group_id})" for rule in summary.rules}
    rows = [
        *_ranking("by rule", table.peak_by_rule, texts),
        *_ranking("by peer", table.peak_by_peer, {}),
        *_ranking("by state", table.peak_by_state, {}),
    ]
    return Table([Column("At the peak"), Column("Places", is_number=True), Column("")], rows)


def _ranking(title: str, places: Mapping[str, int], names: Mapping[str, str]) -> Iterator[Row]:
    ranked = list(places.items())
    titles = itertools.chain([title], itertools.repeat(""))
    for name, count in ranked[:MOST_AT_PEAK]:
        yield Row((next(titles), number(count), names.get(name, name)))
    left = ranked[MOST_AT_PEAK:]
    if left:
        yield Row((next(titles), number(sum(count for _, count in left)), counted(len(left), "other")))
