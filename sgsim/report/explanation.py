"""What `sgsim explain` prints: the way of a packet, step by step, in plain words."""

from collections.abc import Iterator
from typing import Final

from sgsim.analysis.explanation import Explanation, Frame, Stop
from sgsim.analysis.near_miss import NearMiss
from sgsim.conntrack.tcp import Segment
from sgsim.model.address import format_address
from sgsim.model.decision import Reason
from sgsim.model.states import Direction
from sgsim.model.trace import Step
from sgsim.report.check_text import headline, stop_title
from sgsim.report.decision_text import (
    SEGMENTS,
    WAYS,
    groups_text,
    length_text,
    misses_text,
    rule_place,
    rule_text,
    wrapped,
)
from sgsim.report.edge_text import acl_remedy, answers_sentence
from sgsim.report.sentences import SENTENCES
from sgsim.report.step_text import STEP_NUMBERS, step_sentence
from sgsim.report.told import Told

MOST_NEAREST: Final = 3

_STEP_INDENT: Final = " " * 17


def explanation_text(explanation: Explanation) -> str:
    """The whole way, for a terminal."""
    return "\n".join(_lines(explanation)) + "\n"


def _lines(explanation: Explanation) -> Iterator[str]:
    yield from headline(explanation)
    if explanation.frame is not None:
        yield from _frame(explanation.frame)
    for stop in explanation.stops:
        yield ""
        yield from _stop(stop, explanation)
    if not explanation.stops:
        yield ""
        yield from wrapped(nowhere_sentence(explanation), "")
    if explanation.not_reached:
        yield ""
        yield f"It is denied before it comes to {explanation.not_reached}, whose rules are not asked."
    if explanation.stops:
        yield ""
        yield "Numbers are those of the twelve steps; steps that do not concern this packet are left out."


def _frame(frame: Frame) -> Iterator[str]:
    noun, where = ("record", "the record on line") if frame.is_record else ("packet", "packet")
    yield f"      {where} {frame.number} of {frame.file}, {length_text(frame.after_ns)} after the first"
    if frame.late_ns:
        yield f"      its time is {length_text(frame.late_ns)} before that of an earlier {noun}; it is judged at the later time"
    for note in frame.notes:
        yield from wrapped(note, "      ")


def nowhere_sentence(explanation: Explanation) -> str:
    """Why no interface judged the packet."""
    decision = explanation.decisions[-1]
    text = SENTENCES[decision.reason]
    if decision.reason is Reason.LOCAL:
        return f"{text} That is {decision.interface_id}; what it sends to itself passes no filter."
    if decision.reason is Reason.NO_INTERFACE:
        return f"{text} Name one with --interface ADDRESS=GROUP, or add its document."
    return f"{text} No filter judges it."


def _stop(stop: Stop, explanation: Explanation) -> Iterator[str]:
    yield stop_title(stop)
    yield from wrapped(SENTENCES[stop.decision.reason], "  ")
    yield from wrapped(where_sentence(stop, explanation), "  ")
    yield ""
    for step in stop.steps:
        text = step_sentence(Told(stop, step, explanation))
        yield from wrapped(text, f"  {STEP_NUMBERS[step.step]:>2}  {step.step.value:<11}", _STEP_INDENT)
    if stop.near_misses:
        yield ""
        yield from _nearest(stop, explanation)
    for sentence in (remedy_sentence(stop), answers_sentence(stop)):
        if sentence:
            yield ""
            yield from wrapped(sentence, "  ")


def where_sentence(stop: Stop, explanation: Explanation) -> str:
    """Why the packet is judged at this interface, and by which groups."""
    five_tuple, interface_id = stop.packet.five_tuple, stop.interface.interface_id
    is_source = stop.direction is Direction.EGRESS
    own = five_tuple.src_addr if is_source else five_tuple.dst_addr
    role = "source" if is_source else "destination"
    if any(first <= own <= last for first, last in stop.interface.owned_ranges(five_tuple.family)):
        owns = f"{interface_id} owns the {role} {format_address(own, five_tuple.family)}"
    else:
        is_record = explanation.frame is not None and explanation.frame.is_record
        taken = "The record is of" if is_record else "The capture was taken at"
        owns = f"{taken} {interface_id} and says that the packet is {WAYS[stop.direction]}"
    if not stop.interface.group_ids:
        return f"{owns}."
    groups = groups_text(stop, explanation)
    number = "Its group is" if len(stop.interface.group_ids) == 1 else "Its groups are"
    return f"{owns}. {number} {groups}."


def _nearest(stop: Stop, explanation: Explanation) -> Iterator[str]:
    shown = stop.near_misses[:MOST_NEAREST]
    what = "what it answers" if stop.decision.reason is Reason.NOT_SENT else "it"
    yield f"  Rules that come nearest to admitting {what}:"
    for near in shown:
        yield from wrapped(near_sentence(near, stop), "    - ", "      ")
        yield f"      {rule_place(near.rule, explanation)}"
    if len(stop.near_misses) > len(shown):
        yield f"    and {len(stop.near_misses) - len(shown)} more, further away"


def near_sentence(near: NearMiss, stop: Stop) -> str:
    """A rule and the fields in which it fails."""
    return f"{rule_text(near.rule)}: {misses_text(near, near_direction(stop))}"


def near_direction(stop: Stop) -> Direction:
    """Which way the packet goes that a stop's nearest rules were compared with: for an answer, what it answers."""
    return stop.direction.opposite if stop.decision.reason is Reason.NOT_SENT else stop.direction


def remedy_sentence(stop: Stop) -> str:
    """What would have let a packet pass that rules or a network ACL deny; empty if they do not."""
    if stop.smallest_rule is not None:
        rule = stop.smallest_rule
        return f"The smallest rule that would let it pass here: {WAYS[rule.direction]}, {rule.text}."
    if stop.decision.reason is Reason.NETWORK_ACL:
        return acl_remedy(stop)
    rules = stop.step(Step.RULES)
    if rules is None or rules.outcome != "denied":
        return ""
    if stop.segment not in {None, Segment.SYN}:
        return (
            f"No rule alone would let it pass: only a SYN opens a tracked connection, and this is {SEGMENTS[stop.segment]}. "
            "Its connection must be in the table."
        )
    if stop.packet.is_later_fragment:
        return ""
    return "No rule alone would let it pass: the table has no room for its flow."
