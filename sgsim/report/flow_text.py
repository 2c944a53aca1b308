"""Sentences for the steps that look at what is remembered: related, tracked, untracked, recorded."""

from collections.abc import Callable, Mapping
from typing import Final

from sgsim.conntrack.entry import ConntrackEntry, FlowEnd, TrackingCause
from sgsim.conntrack.policies import InvalidSegment, Unanswered
from sgsim.conntrack.tcp import Effect
from sgsim.model.decision import Reason
from sgsim.model.protocol import ICMP_PROTOCOLS
from sgsim.model.states import ConntrackDirection, Direction, TcpState, Tracking
from sgsim.report.decision_text import WAYS, length_text, setting_text, tracking_text
from sgsim.report.told import Told, key_words, state_words
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule

Sentence = Callable[[Told], str]


def _no_quote(_told: Told) -> str:
    return (
        "It is an ICMP error, but it quotes no packet that could be read, so no flow is found for it; rules judge it."
    )


def _no_flow(told: Told) -> str:
    return f"It is an ICMP error about '{told.step.facts['quoted']}'. No flow of that packet is remembered here; rules judge it."


def _covered(told: Told) -> str:
    policy = setting_text(told.stop.profile, "related_icmp")
    return f"It is an ICMP error about a packet of {_flow(told)}, which is {told.entry.tracking}: it passes ({policy})."


def _not_covered(told: Told) -> str:
    policy = setting_text(told.stop.profile, "related_icmp")
    return f"It is an ICMP error about a packet of {_flow(told)}, which is {told.entry.tracking}. That alone does not let it pass ({policy}); rules judge it."


RELATED: Final[Mapping[str, Sentence]] = {
    "no quote": _no_quote,
    "no flow": _no_flow,
    "covered": _covered,
    "not covered": _not_covered,
}


def _flow(told: Told) -> str:
    return f"the flow '{told.entry.five_tuple}'"


def _no_entry(told: Told) -> str:
    stop, entry = told.stop, told.step.facts["entry"]
    if isinstance(entry, ConntrackEntry):
        why = "it is untracked" if entry.tracking is Tracking.UNTRACKED else "what opened it was denied"
        return f"{_sentence(_flow(told))} is remembered, but it has no entry in the table: {why}."
    if stop.key is None:
        return "It belongs to no flow that could be tracked."
    if stop.ended is not None and stop.ended.entry.tracking is not Tracking.REFUSED:
        return f"No flow with {key_words(told)} is remembered any more. {_end(told)}"
    return f"No flow with {key_words(told)} is remembered: the packet must be admitted by itself."


_ENDS: Final = {
    FlowEnd.EXPIRED: "it had been silent for its timeout",
    FlowEnd.CLOSED: "its connection was over",
    FlowEnd.CUT: "a change of rules had cut it",
    FlowEnd.REPLACED: "another had taken its place",
    FlowEnd.FORGOTTEN: "more flows than --remember allows were remembered",
    FlowEnd.LIVE: "it is not known why",
}


def _end(told: Told) -> str:
    ended = told.stop.ended
    if ended is None:
        return ""
    entry = ended.entry
    silence = f", {length_text(ended.ended_at_ns - entry.last_seen_ns)}" if ended.end is FlowEnd.EXPIRED else ""
    state = f" in state {state_words(entry.tcp_state)}" if entry.tcp_state is not None else ""
    return (
        f"The last one ended{state} {told.ago(ended.ended_at_ns)}: {_ENDS[ended.end]}{silence}. Nobody is told of that."
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _belongs(told: Told) -> str:
    entry = told.entry
    way = "from outside" if entry.opener is Direction.INGRESS else "from here"
    by = f", admitted by {told.rule(entry.rule)}" if entry.rule is not None else ""
    when = told.ago(entry.opened_at_ns)
    presumed = "presumed open since before the recording" if entry.is_presumed else f"opened {way} {when}"
    return f"Yes: it belongs to {_flow(told)}, {presumed}{by}."


def _moved(told: Told) -> str:
    if told.stop.profile.unanswered.value is Unanswered.RULES and not _is_answered(told):
        unanswered = setting_text(told.stop.profile, "unanswered")
        return f"{_belongs(told)} {_step_of_state(told)} The other side has not answered yet, and until then rules judge each packet ({unanswered})."
    return f"{_belongs(told)} {_step_of_state(told)} {_timing(told)} {_today(told)}"


def _is_answered(told: Told) -> bool:
    entry = told.entry
    return entry.answered or entry.direction_of(told.stop.direction) is ConntrackDirection.REPLY


def _step_of_state(told: Told) -> str:
    before, after = told.step.facts["before"], told.step.facts["after"]
    if isinstance(before, TcpState) and isinstance(after, TcpState):
        if before is after:
            return f"{_sentence(told.packet_words)} from {told.side} leaves it in state {state_words(before)}."
        return f"{_sentence(told.packet_words)} from {told.side} moves it from {state_words(before)} to {state_words(after)}."
    if _answers_first(told):
        return "It is the first answer of the other side."
    flow = told.stop.flow
    if flow is not None and flow.is_stream and not told.entry.is_stream:
        return "There has been more than one exchange, so the flow is a stream now."
    return f"It comes from {told.side}."


def _answers_first(told: Told) -> bool:
    is_reply = told.entry.direction_of(told.stop.direction) is ConntrackDirection.REPLY
    return is_reply and not told.entry.answered


def _timing(told: Told) -> str:
    flow, now_ns = told.stop.flow, told.stop.now_ns
    left = length_text(told.entry.expires_at_ns - now_ns)
    if flow is None:
        return "Its entry is dropped."
    if flow.expires_at_ns == told.entry.expires_at_ns:
        return f"That does not restart its timeout; its entry runs out in {left}."
    return f"Its entry would have run out in {left}, and now does in {length_text(flow.expires_at_ns - now_ns)}."


def _today(told: Told) -> str:
    if told.stop.admitting:
        return "Rules are not asked."
    return f"Rules are not asked, and need not be: no {told.way} rule would admit it."


def _ignored(told: Told) -> str:
    before = told.entry.tcp_state
    state = f" in state {state_words(before)}" if before is not None else ""
    return (
        f"{_belongs(told)} {_sentence(told.packet_words)} from {told.side}{state} may be late or repeated: it passes "
        f"and leaves the state as it is. {_timing(told)} {_today(told)}"
    )


def _invalid(told: Told) -> str:
    before = told.entry.tcp_state
    state = state_words(before) if before is not None else "its state"
    policy = setting_text(told.stop.profile, "invalid")
    start = f"{_belongs(told)} {_sentence(told.packet_words)} from {told.side} does not fit {state}."
    match told.stop.profile.invalid.value:
        case InvalidSegment.PASS:
            return f"{start} It passes nevertheless, and moves nothing ({policy}). {_timing(told)}"
        case InvalidSegment.RULES:
            return f"{start} Rules judge it by itself, and it makes no entry ({policy})."
        case InvalidSegment.DENY:
            return f"{start} It is denied ({policy})."


def _reopened(told: Told) -> str:
    before = told.entry.tcp_state
    state = f" ({state_words(before)})" if before is not None else ""
    return (
        f"A connection with these addresses and ports was over{state}, and this SYN opens it anew: the old entry is "
        "dropped and its place is free. The packet must be admitted by itself."
    )


def _deleted(told: Told) -> str:
    return f"{_belongs(told)} An RST ends a connection that nobody answered: it passes, and the entry is dropped."


def _opened(told: Told) -> str:
    rule = told.fact("rule", ResolvedRule).ref
    policy = setting_text(told.stop.profile, "untrack_when_opened")
    return (
        f"{_sentence(_flow(told))} was tracked. The rules have changed since, and today's leave it untracked: "
        f"{told.rule(rule)} is open to everyone, and so is the way back. Its entry is given up at this packet ({policy})."
    )


TRACKED: Final[Mapping[str, Sentence]] = {
    "no entry": _no_entry,
    "opened": _opened,
    Effect.MOVED.value: _moved,
    Effect.IGNORED.value: _ignored,
    Effect.INVALID.value: _invalid,
    Effect.REOPENED.value: _reopened,
    Effect.DELETED.value: _deleted,
}


def _opened_anew(told: Told) -> str:
    return f"A SYN begins another connection with the addresses and ports of {_flow(told)}, which is forgotten. The packet must be admitted by itself."


def _cut(told: Told) -> str:
    cause = told.fact("cause", TrackingCause)
    today = tracking_text(told.stop, cause, told.entry.opener, None)
    return (
        f"{_sentence(_flow(told))} had no entry and lived on open rules both ways. They have changed, and a new flow "
        f"would be {today}. So this one is cut, and the packet must be admitted by itself."
    )


def _still_open(told: Told) -> str:
    rule = told.stop.flow.rule if told.stop.flow is not None else told.entry.rule
    by = f" by {told.rule(rule)} and the open way back" if rule is not None else " by open rules both ways"
    return f"{_sentence(_flow(told))} is untracked, and still admitted{by}. It passes and takes no place in the table."


UNTRACKED: Final[Mapping[str, Sentence]] = {"opened anew": _opened_anew, "cut": _cut, "still open": _still_open}


def _refused_anew(told: Told) -> str:
    return f"What opened {_flow(told)} was denied. This packet opens it anew and must be admitted by itself."


def _not_sent(told: Told) -> str:
    return (
        f"What opened {_flow(told)} was denied here, {told.ago(told.entry.opened_at_ns)}. So the other side would never "
        "have seen it, and this answer would not have been sent: it is skipped. (--as-recorded judges it.)"
    )


def _barred(told: Told) -> str:
    return (
        f"What its opener sent last in {_flow(told)} was kept from leaving the subnet by the network ACL. So the other side "
        "would not have seen it, and this answer would not have been sent: it is skipped. (--as-recorded judges it.)"
    )


def _sender_denied(told: Told) -> str:
    return (
        f"What opened {_flow(told)} was denied at its sender's interface, {told.entry.key.interface_id}, "
        f"{told.ago(told.entry.opened_at_ns)}. So it would never have come here: it is skipped. (--as-recorded judges it.)"
    )


def _judged_as_recorded(_told: Told) -> str:
    return "It answers packets that are denied here; --as-recorded has it judged as if somebody had sent it."


def _tries_again(_told: Told) -> str:
    return "What this side sent before in this flow was denied. It tries again, and rules judge it again."


def _presumed(told: Told) -> str:
    opener, rule = told.fact("opener", Direction), told.fact("rule", ResolvedRule).ref
    return (
        "The recording begins in the middle of this flow: nothing before it was seen. "
        f"{WAYS[opener].capitalize()} rule {told.rule(rule)} would have let it open, so it is presumed to have been "
        "open already. (--cold-start presumes nothing.)"
    )


def _not_presumed(told: Told) -> str:
    opener, opening = told.fact("opener", Direction), told.fact("opening", Header)
    start = f"The recording may begin in the middle of this flow, but no {WAYS[opener]} rule would have let it open"
    if told.stop.decision.reason is Reason.NOT_SENT:
        return f"{start}. What this packet answers would never have arrived, so it would not have been sent: it is skipped."
    kind = "query" if opening.protocol in ICMP_PROTOCOLS else "packet"
    return f"{start}. So nothing is presumed, and this {kind} must be admitted by itself."


RECORDED: Final[Mapping[str, Sentence]] = {
    "opened anew": _refused_anew,
    "not sent": _not_sent,
    "sender denied": _sender_denied,
    "barred": _barred,
    "judged as recorded": _judged_as_recorded,
    "tries again": _tries_again,
    "presumed": _presumed,
    "not presumed": _not_presumed,
}
