"""What there is to see in the bundled example."""

from collections.abc import Iterator
from typing import Final

from sgsim.report.blocks import Facts, Section
from sgsim.report.units import counted
from sgsim.simulation.summary import ReasonCount, Summary

_TRACKED: Final = (
    "its rule names one address, so the flow takes an entry in the table; from then on its packets pass both ways as "
    "established, whatever the rules say."
)
_UNTRACKED: Final = (
    "HTTP is open to everyone, and so is every call out. AWS does not track such flows, and they take no entry;"
)
_SCAN: Final = (
    "What is denied takes no entry either. The answers in the capture are skipped as not_sent: with these groups there "
    "would have been none."
)
_REFUSED: Final = "A real instance counts it in conntrack_allowance_exceeded."


def things_to_see(summary: Summary) -> Section:
    """Point out one packet for each of four things."""
    return Section("Four things to see here", [Facts(list(_things(summary)))])


def _things(summary: Summary) -> Iterator[tuple[str, str]]:
    reasons = {count.reason: count for count in summary.reasons}
    tracked, untracked, scan = reasons["rule"], reasons["untracked"], reasons["no_rule"]
    yield from (
        ("a tracked flow", f"{_first(tracked)}: {_TRACKED}"),
        ("an untracked flow", f"{_first(untracked)}: {_UNTRACKED} {counted(untracked.decisions, 'packet')} passed so."),
        ("a denied scan", f"{_first(scan)}: {counted(scan.decisions, 'probe')} met no rule. {_SCAN}"),
    )
    table = summary.tables[0]
    if "table_full" in reasons:
        places = f"all {counted(table.capacity or 0, 'place')} were taken."
        yield "a refused entry", f"{_first(reasons['table_full'])}: a rule admits it, but {places} {_REFUSED}"
    else:
        yield "no refused entry", f"the table never held more than {table.peak}: try --capacity {table.peak - 1}."


def _first(count: ReasonCount) -> str:
    return f"#{count.first.number} {count.first.text}"
