"""Which capacity and timeouts some traffic needs, in words."""

from collections.abc import Iterator, Sequence

from sgsim.analysis.sweep import Advice, Point, Sweep
from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.note_sections import note_section
from sgsim.report.sentences import peaks_note
from sgsim.report.units import counted, duration, number, rfc3339


def sweep_sections(sweep: Sweep) -> list[Section]:
    """What the traffic needs; then capacities, timeouts, Nitro v6, and what would untrack flows."""
    note = note_on_capacity(sweep)
    warnings = [Paragraph(note, is_warning=True)] if note is not None else []
    found = [Section("What this traffic needs", [*warnings, Facts(list(_facts(sweep)))])]
    if sweep.capacities or sweep.at_least:
        found.append(Section("Capacity, with the timeouts as they are", [_capacities(sweep)]))
    found.append(Section("Idle timeout of established TCP, without limit of capacity", list(_timeouts(sweep))))
    if sweep.idle:
        found.append(Section("Longest silences of established TCP", [_idle(sweep)]))
    if sweep.advice:
        found.append(Section("What would be untracked", list(_advice(sweep.advice))))
    return [*found, *note_section(sweep.notes, sweep.broken)]


def note_on_capacity(sweep: Sweep) -> str | None:
    """What should be known of the least capacity; None if it is as exact as the traffic."""
    return peaks_note(sweep.tcp, sweep.tcp_without_flags) if sweep.least_capacity else None


def _facts(sweep: Sweep) -> Iterator[tuple[str, str]]:
    yield "traffic", ", ".join(sweep.files)
    if sweep.start_ns is not None and sweep.end_ns is not None:
        yield "time", f"{rfc3339(sweep.start_ns)}, {duration(sweep.end_ns - sweep.start_ns)} long"
    yield "profile", sweep.profile
    yield "capacity", f"a table of {counted(sweep.least_capacity, 'place')} refuses nothing{_proof(sweep)}"
    if sweep.longest_idle_ns:
        yield (
            "timeout",
            (
                f"an established TCP flow was silent for {duration(sweep.longest_idle_ns)} and went on; "
                "a timeout that is not longer cuts it"
            ),
        )
    else:
        yield "timeout", "no established TCP flow was silent for a second and then went on"
    if sweep.nitro_v6 is not None:
        yield "Nitro v6", _v6(sweep, sweep.nitro_v6)


def _proof(sweep: Sweep) -> str:
    if sweep.at_least is None:
        return ", because nothing is tracked"
    below = sweep.below_least
    told = (
        f"; with {number(below.capacity or 0)}, {counted(below.refused, sweep.unit)} refused"
        if below is not None
        else ""
    )
    return f" (replayed: {number(sweep.at_least.refused)} refused{told})"


def _v6(sweep: Sweep, point: Point) -> str:
    silent = f"{counted(sweep.cut_by_v6, 'flow')} silent for 350 s or longer"
    if not point.cut_flows:
        return f"its timeout of {point.tcp_established_s:g} s cuts nothing of this traffic ({silent})"
    return (
        f"its timeout of {point.tcp_established_s:g} s cuts {counted(point.cut_flows, 'flow')} and denies "
        f"{counted(point.cut_packets, sweep.unit)} of them ({silent}): send keepalives more often than that, or set a longer "
        "timeout at the interface"
    )


def _capacities(sweep: Sweep) -> Table:
    points = [*sweep.capacities, *(each for each in (sweep.below_least, sweep.at_least) if each is not None)]
    distinct = {point.capacity: point for point in points}
    rows = [
        Row(
            (
                number(point.capacity or 0),
                number(point.peak),
                number(point.refused),
                number(point.allowed),
                number(point.denied),
            ),
            "deny" if point.refused else "allow",
        )
        for point in sorted(distinct.values(), key=lambda each: each.capacity or 0)
    ]
    heads = ("Capacity", "Peak", f"Refused {sweep.unit}s", "Allowed", "Denied")
    return Table([Column(head, is_number=True) for head in heads], rows)


def _timeouts(sweep: Sweep) -> Iterator[Block]:
    rows = [
        Row(
            (
                f"{point.tcp_established_s:g} s" if point.tcp_established_s is not None else "as it is",
                number(point.peak),
                number(point.cut_flows),
                number(point.cut_packets),
            ),
            "deny" if point.cut_flows else "allow",
        )
        for point in sweep.timeouts
    ]
    heads = ("Timeout", "Peak", "Cut flows", f"Denied {sweep.unit}s of them")
    yield Table([Column(head, is_number=True) for head in heads], rows)
    yield Paragraph(
        "Peak: places of the fullest table, and so the least capacity with this timeout. Cut: flows that went on after "
        "their entry had expired, compared with the longest timeout."
    )


def _idle(sweep: Sweep) -> Table:
    rows = [
        Row((duration(each.gap_ns), f"{each.file}:{each.number}", each.interface_id, each.packet))
        for each in sweep.idle
    ]
    return Table(
        [Column("Silent", is_number=True), Column("Ended by"), Column("Interface"), Column(sweep.unit.capitalize())],
        rows,
    )


def _advice(advice: Sequence[Advice]) -> Iterator[Block]:
    rows = []
    for each in advice:
        rows.append(
            Row(
                (
                    number(each.places),
                    f"{number(each.peak_before)} to {number(each.peak_after)}",
                    each.group_id,
                    each.rule,
                )
            )
        )
        rows.append(Row(("", "", "", f"  {each.change}")))
        if each.peak_after >= each.peak_before:
            rows.append(Row(("", "", "", "  But it does not help here: it lets more flows pass that take places.")))
        if each.warning:
            rows.append(Row(("", "", "", f"  But {each.warning}.")))
    columns = [Column("Places", is_number=True), Column("Peak"), Column("Group"), Column("Rule")]
    yield Table(columns, rows)
    yield Paragraph(
        "Places: what flows of the rule take at the peak. Peak: of all tables together, before and after, found by a "
        "replay with the change; what the change newly lets pass counts too."
    )
