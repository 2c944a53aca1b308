"""What `sgsim check` prints: the verdict, and for each interface the rule and the tracking behind it."""

from collections.abc import Iterator

from sgsim.analysis.explanation import Explanation, Stop
from sgsim.conntrack.tracking import TrackingChoice
from sgsim.model.decision import Reason, Verdict
from sgsim.model.states import Direction
from sgsim.model.trace import Step
from sgsim.report.decision_text import (
    WAYS,
    group_text,
    misses_text,
    packet_text,
    rule_place,
    rule_text,
    tracking_text,
    wrapped,
)
from sgsim.report.edge_text import answers_sentence
from sgsim.report.sentences import SENTENCES

_INDENT = " " * 12
_UNREAD = {
    Reason.NO_INTERFACE: "a record of an interface that is not known",
    Reason.NO_DATA: "a record without traffic",
    Reason.SKIP_DATA: "a record of traffic that was not recorded",
}
"""What cannot be shown as a packet, where that is not for want of bytes."""


def check_text(explanation: Explanation) -> str:
    """The answer in a few lines; the first one has the verdict and the packet."""
    return "\n".join(_lines(explanation)) + "\n"


def headline(explanation: Explanation) -> Iterator[str]:
    """The verdict and the packet, and what was assumed of it."""
    unread = _UNREAD.get(explanation.decisions[-1].reason, "no packet that can be read")
    packet = packet_text(explanation.packet) if explanation.packet is not None else unread
    yield f"{str(explanation.verdict).upper()}  {packet}"
    if explanation.assumed:
        yield f"      taken, as it was left out: {', '.join(explanation.assumed)}"


def _lines(explanation: Explanation) -> Iterator[str]:
    yield from headline(explanation)
    if not explanation.stops:
        yield ""
        yield f"  why       {SENTENCES[explanation.decisions[-1].reason]}"
    for stop in explanation.stops:
        yield ""
        yield stop_title(stop)
        for name, *texts in _facts(stop, explanation):
            yield from wrapped(texts[0], f"  {name:<10}", _INDENT)
            for text in texts[1:]:
                yield from wrapped(text, _INDENT)
    if explanation.not_reached:
        yield ""
        yield f"It is denied before it comes to {explanation.not_reached}, whose rules are not asked."


def stop_title(stop: Stop) -> str:
    """Where, which way, and what came out."""
    decision = stop.decision
    is_telling = decision.verdict is Verdict.ALLOW and str(decision.state) != str(decision.reason)
    state = f", state {decision.state}" if is_telling else ""
    verdict = str(decision.verdict).upper()
    return f"{stop.interface.interface_id}, {WAYS[stop.direction]}: {verdict} ({decision.reason}{state})"


def _facts(stop: Stop, explanation: Explanation) -> Iterator[tuple[str, ...]]:
    decision = stop.decision
    yield "why", SENTENCES[decision.reason]
    exempt = stop.step(Step.EXEMPT)
    if exempt is not None and "service" in exempt.facts:
        yield "service", str(exempt.facts["service"])
    if decision.rule is not None:
        yield "rule", rule_text(decision.rule), rule_place(decision.rule, explanation)
        others = [rule for rule in stop.admitting if rule != decision.rule]
        if decision.reason is Reason.NETWORK_ACL:
            would = "would let" if stop.direction is Direction.INGRESS else "let"
            yield "groups", f"{would} it pass: {rule_text(others[0])}" if others else "have no rule that admits it"
        elif others:
            yield "also", *(f"{rule_text(rule)} [{rule_place(rule, explanation)}]" for rule in others)
    tracking = flow_tracking(stop)
    if tracking and decision.verdict is Verdict.ALLOW:
        yield "tracking", tracking
    answers = answers_sentence(stop)
    if answers:
        yield "answers", answers
    if stop.near_misses:
        nearest = stop.near_misses[0]
        yield (
            "nearest",
            rule_text(nearest.rule),
            rule_place(nearest.rule, explanation),
            misses_text(nearest, stop.direction),
        )
    elif decision.verdict is Verdict.DENY and decision.reason is not Reason.NETWORK_ACL and not stop.rules_count:
        yield "nearest", f"none: {_groups(stop, explanation)} no {WAYS[stop.direction]} rule at all"


def _groups(stop: Stop, explanation: Explanation) -> str:
    texts = [group_text(group_id, explanation) for group_id in stop.interface.group_ids]
    return f"{', '.join(texts)} {'has' if len(texts) == 1 else 'have'}"


def flow_tracking(stop: Stop) -> str:
    """Whether the packet's flow is tracked and why; empty if it makes none."""
    bypass = stop.step(Step.BYPASS)
    if bypass is None:
        return ""
    choice, opener = bypass.facts["choice"], bypass.facts["opener"]
    if not isinstance(choice, TrackingChoice) or not isinstance(opener, Direction) or not stop.flow:
        return ""
    return tracking_text(stop, choice.cause, opener, choice.open_rule.ref if choice.open_rule else None)
