"""Decisions in one line each, much as tcpdump prints packets, with verdict, reason, state and rule."""

from collections.abc import Iterator, Sequence
from typing import Final

from sgsim.model.columns import DecisionColumns, PacketColumns, packet_at
from sgsim.model.decision import Reason, Verdict
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackState, Direction
from sgsim.report.summary_text import Line, Span
from sgsim.report.units import rfc3339

_WAYS: Final = {Direction.INGRESS: "in ", Direction.EGRESS: "out"}


def decision_lines(
    packets: PacketColumns,
    decisions: DecisionColumns,
    interface_ids: Sequence[str],
    rules: Sequence[RuleRef],
    most: int,
) -> Iterator[Line]:
    """Write the first decisions of a batch: number, time of day (UTC), interface, packet, and what became of it."""
    for index in range(min(most, len(decisions.row))):
        row = int(decisions.row[index])
        time = rfc3339(int(packets.time_ns[row]))[11:-1]
        verdict = Verdict(int(decisions.verdict[index]))
        yield (
            Span(f"{int(packets.number[row]):>6}  {time}  {_place(decisions, index, interface_ids)}"),
            Span(f"{_packet(packets, row)}: "),
            Span(str(verdict), str(verdict)),
            Span(f" {_why(decisions, index, rules)}"),
        )


def _place(decisions: DecisionColumns, index: int, interface_ids: Sequence[str]) -> str:
    if decisions.interface[index] < 0:
        return ""
    way = Direction(int(decisions.direction[index])) if decisions.direction[index] else None
    return " ".join(filter(None, (interface_ids[decisions.interface[index]], _WAYS.get(way) if way else None))) + "  "


def _packet(packets: PacketColumns, row: int) -> str:
    packet = packet_at(packets, row)
    return f"{packet or 'frame'}, length {int(packets.length_bytes[row])}"


def _why(decisions: DecisionColumns, index: int, rules: Sequence[RuleRef]) -> str:
    text = str(Reason(int(decisions.reason[index])))
    state = decisions.state[index]
    if state and str(ConntrackState(int(state))) != text:
        text += f" ({ConntrackState(int(state))})"
    rule = decisions.rule[index]
    return f"{text}, {rule_text(rules[rule])}" if rule >= 0 else text


def rule_text(rule: RuleRef) -> str:
    """What a rule says and where it stands; its id only where that says more."""
    own_id = f"{rule.rule_id} of " if rule.rule_id.startswith("sgr-") else ""
    return f"{rule.text} ({own_id}{rule.group_id})"
