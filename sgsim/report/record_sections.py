"""Flow logs in words: how well verdicts agree with what AWS logged, where they do not and why, and what was not read."""

from collections.abc import Iterator
from typing import Final

from sgsim.model.protocol import protocol_name
from sgsim.report.blocks import Block, Column, Commands, Facts, Paragraph, Row, Section, Table
from sgsim.report.sentences import cause_sentence
from sgsim.report.summary_asking import Asking
from sgsim.report.units import counted, number
from sgsim.simulation.agreement_summary import Agreement, Disagreement, RecordSummary, Weight
from sgsim.simulation.summary import Summary

MOST_DISAGREEMENTS: Final = 10
MOST_EXPLAINED: Final = 5
MOST_MALFORMED: Final = 5
_WAYS: Final = {"ingress": "in", "egress": "out", None: ""}


def record_sections(summary: Summary, asking: Asking | None) -> Iterator[Section]:
    """The sections that only flow logs have."""
    if summary.records is None:
        return
    agreement = summary.records.agreement
    if agreement.compared.records:
        yield Section("Agreement with the log", list(_agreement(agreement, asking, several=len(summary.files) > 1)))
    blocks = [Facts(list(_read(summary.records))), *_malformed(summary.records), *_unknown(summary)]
    yield Section("Flow log", blocks)


def _agreement(agreement: Agreement, asking: Asking | None, *, several: bool) -> Iterator[Block]:
    compared, agreed = agreement.compared, agreement.agreed
    shares = ", ".join(
        f"{_share(part, whole)} of {name}"
        for name, part, whole in (
            ("records", agreed.records, compared.records),
            ("packets", agreed.packets, compared.packets),
            ("bytes", agreed.bytes, compared.bytes),
        )
        if whole
    )
    yield Facts([("agreement", shares), ("compared", _weight(compared))])
    columns = [
        Column("Logged"), Column("Simulated"), Column("Records", is_number=True), Column("Packets", is_number=True),
        Column("Bytes", is_number=True),
    ]  # fmt: skip
    yield Table(
        columns,
        [
            Row((cell.logged, cell.simulated, *_numbers(cell.count)), tone="" if cell.agrees else "deny")
            for cell in agreement.cells
            if cell.agrees or cell.count.records
        ],
    )
    if agreement.not_compared:
        listed = ", ".join(f"{number(count.records)} {reason}" for reason, count in agreement.not_compared.items())
        yield Paragraph(f"Not compared: {listed}.")
    if not agreement.causes:
        yield Paragraph("Every record that was judged has the verdict that AWS logged.")
        return
    yield from _causes(agreement)
    yield from _disagreements(agreement, asking, several=several)


def _share(part: int, whole: int) -> str:
    """A share that is 100 % only if nothing is missing."""
    if part == whole:
        return "100%"
    return f"{min(part / whole, 0.9999):.2%}"


def _weight(weight: Weight) -> str:
    return f"{counted(weight.records, 'record')}, {counted(weight.packets, 'packet')}, {counted(weight.bytes, 'byte')}"


def _numbers(weight: Weight) -> tuple[str, str, str]:
    return number(weight.records), number(weight.packets), number(weight.bytes)


def _causes(agreement: Agreement) -> Iterator[Block]:
    columns = [
        Column("Likely cause"), Column("Accepted, denied here", is_number=True),
        Column("Rejected, allowed here", is_number=True), Column("What it means"),
    ]  # fmt: skip
    yield Table(
        columns,
        [
            Row(
                (
                    each.cause,
                    number(each.accepted_but_denied.records),
                    number(each.rejected_but_allowed.records),
                    cause_sentence(each.cause),
                )
            )
            for each in agreement.causes
        ],
    )


def _disagreements(agreement: Agreement, asking: Asking | None, *, several: bool) -> Iterator[Block]:
    shown = agreement.disagreements[:MOST_DISAGREEMENTS]
    columns = [
        Column("Records", is_number=True), Column("Interface"), Column("Way"), Column("Peer"), Column("To"),
        Column("Logged"), Column("Simulated"), Column("Cause"), Column("First record"),
    ]  # fmt: skip
    yield Table(columns, [_row(each) for each in shown])
    left = agreement.disagreement_groups - len(shown)
    if left:
        yield Paragraph(f"and {counted(left, 'more group')}")
    if asking is not None:
        lines = [(each.cause, asking.explain(each.first, several=several)) for each in shown[:MOST_EXPLAINED]]
        known = [(cause, line) for cause, line in lines if line]
        if known:
            yield Commands("Why, step by step, for the first record of each", known)


def _row(each: Disagreement) -> Row:
    service = protocol_name(each.protocol)
    return Row(
        (
            number(each.count.records),
            each.interface_id or "",
            _WAYS[each.direction],
            each.peer,
            service if each.dst_port is None else f"{service} {each.dst_port}",
            each.logged,
            f"{each.simulated} ({each.reason})",
            each.cause,
            f"#{each.first.number} {each.first.text}",
        )
    )


_ORIENTED: Final = {
    "tcp_flags": "by a SYN or SYN-ACK in tcp-flags (high confidence)",
    "ports": "by ports (medium)",
    "first": "as the first record that was seen of it (low)",
}


def _read(records: RecordSummary) -> Iterator[tuple[str, str]]:
    known = {name: count for name, count in records.oriented_by.items() if count}
    for name, count in known.items():
        yield "who opened a flow", f"{counted(count, 'flow')} {_ORIENTED[name]}"
    if records.reopened:
        yield (
            "opened again",
            f"{counted(records.reopened, 'flow')} came again after the idle timeout, as what the log does not tell; rules judged",
        )
    yield "malformed lines", number(records.malformed)
    if records.passed_over:
        listed = ", ".join(records.passed_over[:3])
        are = "is no flow log" if len(records.passed_over) == 1 else "are no flow logs"
        yield "passed over", f"{counted(len(records.passed_over), 'file')} that {are}: {listed}"


def _malformed(records: RecordSummary) -> Iterator[Block]:
    shown = records.malformed_listed[:MOST_MALFORMED]
    if shown:
        columns = [Column("Malformed"), Column("Problem")]
        yield Table(columns, [Row((f"{each.file}, line {each.line}", each.problem)) for each in shown])
        left = records.malformed - len(shown)
        if left:
            yield Paragraph(f"and {counted(left, 'more line')}")


def _unknown(summary: Summary) -> Iterator[Block]:
    unknown = summary.records.unknown_interfaces if summary.records is not None else {}
    if unknown:
        listed = ", ".join(f"{name} ({counted(count, 'record')})" for name, count in list(unknown.items())[:5])
        more = f" and {counted(len(unknown) - 5, 'more')}" if len(unknown) > 5 else ""
        then = " at the time" if summary.changes else ""
        yield Paragraph(f"Interfaces that no document describes{then}, whose records were skipped: {listed}{more}.")
