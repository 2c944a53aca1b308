"""What each change of rules meant for the flows that were live when it came."""

from collections.abc import Iterator, Sequence
from typing import Final

from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.units import counted, number, offset
from sgsim.simulation.summary import ChangeReport, FlowFate, RuleFate, Summary

MOST_CHANGES: Final = 12
MOST_DIFFERENCES: Final = 8
MOST_RULES: Final = 8
MOST_FLOWS: Final = 8

FATES: Final = {
    "forgotten": "forgotten at once: its interface came to another instance",
    "cut": "denied from its next packet on, until rules let it pass again",
    "blocked": "denied by the network ACL, from its next packet on",
    "left_behind": "judged elsewhere from now on: its interface or address is gone from here",
    "outlives_rules": "goes on although no rule admits it, until it is silent for its timeout",
    "becomes_tracked": "untracked so far; its next packet makes an entry",
    "becomes_untracked": "tracked so far; gives up its entry at its next packet",
    "exempt": "passes unfiltered: groups never filter its service now",
    "kept": "tracked, and admitted as before",
    "stays_untracked": "untracked, and admitted as before",
}
"""What each `Fate` means for a flow; a test holds them against the enum."""

TONES: Final = {"forgotten": "deny", "cut": "deny", "blocked": "deny", "left_behind": "skip", "exempt": "allow", "kept": "allow",
                "stays_untracked": "allow"}  # fmt: skip

SETTINGS: Final = {
    "capacity": "capacity", "tcp_established_s": "tcp_established", "udp_s": "udp", "udp_stream_s": "udp_stream",
}  # fmt: skip


def change_sections(summary: Summary) -> Iterator[Section]:
    """One for each change that came, the first of them."""
    made = [change for change in summary.changes if change.time_ns is not None]
    for change in made[:MOST_CHANGES]:
        yield Section(f"Change at {offset(change.time_ns or 0, summary.start_ns)}", list(_blocks(change, summary)))
    if len(made) > MOST_CHANGES:
        left = counted(len(made) - MOST_CHANGES, "more change")
        yield Section("Later changes", [Paragraph(f"{left}; the JSON summary has them all.")])


def _blocks(change: ChangeReport, summary: Summary) -> Iterator[Block]:
    yield Facts(list(_facts(change)))
    if change.fates:
        yield _fates(change, summary)
    untouched = {"kept", "stays_untracked"}
    rules = [rule for rule in change.rules if rule.fate not in untouched]
    if rules:
        yield from _by_rule(rules, change)
    if change.flows:
        yield from _flows(change.flows, change.flows_left, summary)


def _facts(change: ChangeReport) -> Iterator[tuple[str, str]]:
    yield "change", change.text
    for difference in change.differences[:MOST_DIFFERENCES]:
        yield "different", difference
    left = len(change.differences) - MOST_DIFFERENCES
    if left > 0:
        yield "different", f"and {counted(left, 'more thing')}"
    for name, value in change.settings.items():
        places = "place" if value == 1 else "places"
        what = (
            f"{places}; entries that are there stay"
            if name == "capacity"
            else "s, for each flow from its next packet on"
        )
        yield "set", f"{SETTINGS[name]} = " + (f"{value:,.15g} {what}" if value is not None else "none: without limit")
    yield "live flows", number(change.live) if change.live else "none, so nothing is cut"


def _fates(change: ChangeReport, summary: Summary) -> Table:
    columns = [
        Column("Fate"), Column("Flows", is_number=True), Column("Gone, if idle, by", is_number=True),
        Column("What it means"),
    ]  # fmt: skip
    rows = [
        Row(
            (
                count.fate,
                number(count.flows),
                offset(count.last_expiry_ns, summary.start_ns),
                FATES[count.fate],
            ),
            tone=TONES.get(count.fate, ""),
        )
        for count in change.fates
    ]
    return Table(columns, rows)


def _by_rule(rules: Sequence[RuleFate], change: ChangeReport) -> Iterator[Block]:
    columns = [Column("Flows", is_number=True), Column("Fate"), Column("Group"), Column("Rule that had admitted them")]
    yield Table(
        columns,
        [Row((number(rule.flows), rule.fate, rule.group_id or "", rule.text)) for rule in rules[:MOST_RULES]],
    )
    left = len(rules) - MOST_RULES + change.rules_left
    if left > 0:
        yield Paragraph(f"and {counted(left, 'more rule')}")


def _flows(flows: Sequence[FlowFate], left: int, summary: Summary) -> Iterator[Block]:
    columns = [
        Column("Flow", is_number=True), Column("Fate"), Column("State"), Column("Gone, if idle, at", is_number=True),
        Column("At"), Column("Opened as"),
    ]  # fmt: skip
    yield Table(
        columns,
        [
            Row(
                (
                    str(flow.flow),
                    flow.fate,
                    flow.tcp_state or flow.tracking,
                    offset(flow.expires_at_ns, summary.start_ns),
                    flow.interface_id,
                    flow.text,
                )
            )
            for flow in flows[:MOST_FLOWS]
        ],
    )
    left += len(flows) - min(len(flows), MOST_FLOWS)
    if left:
        yield Paragraph(f"and {counted(left, 'more flow')} that {'does' if left == 1 else 'do'} not go on as before")
