"""The way of a packet at one interface, step by step.

Each function is one step of docs/the-way-of-a-packet.md. It either answers with a `Decision`, or returns None and the
next step goes on. `STEPS` has them in order; the first answer ends the way.

Sources are those of the profile's settings and of the pages that `sgsim.conntrack` names.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import evolve

from sgsim.conntrack import tcp
from sgsim.conntrack.entry import ConntrackEntry, FlowEnd
from sgsim.conntrack.icmp import query_direction
from sgsim.conntrack.policies import Fragments, InvalidSegment, Midstream, RelatedIcmp, Unanswered
from sgsim.conntrack.tcp import Effect, Segment
from sgsim.engine.memory import FragmentKey
from sgsim.engine.passage import Passage
from sgsim.model.decision import Decision, Reason, Verdict
from sgsim.model.protocol import ICMP_ERRORS, ICMP_PROTOCOLS, TcpFlags
from sgsim.model.states import ConntrackDirection, ConntrackState, TcpState, Tracking
from sgsim.model.trace import Step

if TYPE_CHECKING:
    from sgsim.engine.interface_filter import InterfaceFilter

StepFunction = Callable[["InterfaceFilter", Passage], Decision | None]


def groups(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """An interface without groups filters nothing."""
    if at.interface.group_ids:
        return None
    passage.note(Step.GROUPS, "none")
    return at.answer(passage, Reason.NO_GROUPS, ConntrackState.EXEMPT)


def exempt(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """Some services are never filtered; nothing of them is remembered."""
    service = at.exempt_service(passage)
    if service is None:
        passage.note(Step.EXEMPT, "no")
        return None
    passage.note(Step.EXEMPT, "yes", service=service.name)
    return at.answer(passage, Reason.EXEMPT, ConntrackState.EXEMPT)


def later_fragment(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """A fragment without ports shares the verdict of the first one."""
    if not passage.packet.is_later_fragment:
        return None
    known = at.fragments.recall(FragmentKey.of(passage.packet, passage.direction), passage.now_ns)
    if known is not None:
        decision, entry = known
        passage.note(Step.FRAGMENT, "first seen", verdict=decision.verdict, reason=decision.reason)
        at.count(passage, entry, decision.verdict)
        if decision.verdict is Verdict.SKIP:
            return decision
        return evolve(decision, reason=Reason.FRAGMENT)
    admitting = None
    if at.profile.fragments.value is Fragments.RULES:
        admitting = at.matcher.first_admitting(passage.header)
    passage.note(Step.FRAGMENT, "first not seen", policy=at.profile.fragments.value, rule=admitting)
    barred_by = passage.barred_by if admitting else None
    rule = admitting.ref if admitting else None
    return Decision(
        Verdict.ALLOW if admitting and not barred_by else Verdict.DENY,
        Reason.NETWORK_ACL if barred_by else Reason.FRAGMENT,
        ConntrackState.UNTRACKED if admitting else ConntrackState.INVALID,
        barred_by or rule,
        at.interface.interface_id,
        passage.direction,
    )


def related(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """An ICMP error about a remembered flow, sent to the sender of the packet that it quotes.

    Unless `related_refresh` says otherwise, it restarts no timeout. Source: `[aws-mtu]`, whose text has held four positions.
    """
    packet = passage.packet
    if packet.icmp_type not in ICMP_ERRORS.get(packet.five_tuple.protocol, ()):
        return None
    if packet.quote is None:
        passage.note(Step.RELATED, "no quote")
        return None
    entry = _quoted_flow(at, passage)
    if entry is None or entry.tracking is Tracking.REFUSED:
        passage.note(Step.RELATED, "no flow", quoted=packet.quote.five_tuple)
        return None
    passage.quoted = entry
    policy = at.profile.related_icmp.value
    covered = policy is RelatedIcmp.ALWAYS or (
        policy is RelatedIcmp.AUTOMATIC_OR_UNTRACKED
        and (entry.tracking is Tracking.UNTRACKED or entry.path.is_automatic)
    )
    passage.note(Step.RELATED, "covered" if covered else "not covered", policy=policy, entry=entry)
    if not covered:
        return None
    return at.answer(passage, Reason.RELATED, ConntrackState.RELATED, entry)


def refresh_quoted(at: "InterfaceFilter", passage: Passage, decision: Decision) -> None:
    """An ICMP error that passes, by a rule or as related, may restart the timeout of the flow that it is about."""
    entry = passage.quoted
    if entry is None or decision.verdict is not Verdict.ALLOW or not at.profile.related_refresh.value:
        return
    if at.restarts(entry, Effect.MOVED):
        at.table.refresh(entry, passage.now_ns + at.timeout_ns(entry))


def _quoted_flow(at: "InterfaceFilter", passage: Passage) -> ConntrackEntry | None:
    """The flow of the quoted packet, if it went against the error's direction and from the error's receiver."""
    quote = passage.packet.quote
    if quote is None or quote.five_tuple.src_addr != passage.packet.five_tuple.dst_addr:
        return None
    return at.table.lookup(at.key(quote.five_tuple, passage.direction.opposite, quote.icmp_type, quote.icmp_code))


def barred(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """Recorded traffic: an answer to what a network ACL has just kept from leaving was never sent."""
    entry = passage.entry
    if entry is None or not entry.is_barred or not at.options.recorded or at.options.as_recorded:
        return None
    if entry.direction_of(passage.direction) is ConntrackDirection.ORIGINAL or passage.segment is Segment.SYN:
        return None
    passage.note(Step.RECORDED, "barred", entry=entry)
    return at.answer(passage, Reason.NOT_SENT, None, entry)


def tracked(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """A packet of a tracked flow passes, whatever the rules say now."""
    entry = passage.entry
    if entry is None or entry.tracking is not Tracking.TRACKED:
        passage.note(Step.TRACKED, "no entry", entry=entry)
        return None
    if _opened_rules_untrack(at, passage, entry):
        if at.table.lookup(entry.key) is not entry:  # memory had no place beside the table for so old a flow
            passage.judge_as_new()
        return None
    direction = entry.direction_of(passage.direction)
    move = at.move(entry, direction, passage.segment)
    passage.note(
        Step.TRACKED, move.effect.value, entry=entry, before=entry.tcp_state, after=move.flow and move.flow.state
    )
    if move.effect is Effect.REOPENED:
        at.table.forget(entry, FlowEnd.CLOSED, passage.now_ns)
        passage.judge_as_new()
        return None
    if move.effect is Effect.INVALID and at.profile.invalid.value is not InvalidSegment.PASS:
        return _not_of_the_flow(at, passage, entry)
    is_answered = entry.answered or direction is ConntrackDirection.REPLY
    at.progress(passage, entry, direction, move)
    passage.deleted = entry if move.effect is Effect.DELETED else None
    if not is_answered and at.profile.unanswered.value is Unanswered.RULES:
        passage.is_unanswered = True
        return None
    state = ConntrackState.ESTABLISHED if is_answered else ConntrackState.NEW
    return at.answer(passage, Reason.ESTABLISHED, state, entry)


def _not_of_the_flow(at: "InterfaceFilter", passage: Passage, entry: ConntrackEntry) -> Decision | None:
    """A segment that fits no state of its flow, where the profile does not let it pass: it moves nothing."""
    if at.profile.invalid.value is InvalidSegment.DENY:
        return at.answer(passage, Reason.INVALID, ConntrackState.INVALID, entry)
    passage.entry, passage.is_invalid, passage.opener = None, True, passage.direction
    return None


def _opened_rules_untrack(at: "InterfaceFilter", passage: Passage, entry: ConntrackEntry) -> bool:
    """After a change of rules, a tracked flow becomes untracked if today's leave it so (`[aws-contain]`)."""
    if entry.judged_at_version == at.version or not at.profile.untrack_when_opened.value:
        return False
    entry.judged_at_version = at.version
    entry.path = at.paths.label(entry.key.five_tuple.dst_addr, entry.key.five_tuple.family)
    choice = at.choose_tracking(entry.key, entry.opener)
    if choice.open_rule is None:
        return False
    at.table.untrack(entry, choice.open_rule.ref, at.version, passage.now_ns)
    passage.note(Step.TRACKED, "opened", entry=entry, rule=choice.open_rule)
    return True


def untracked(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """A packet of an untracked flow passes as long as the open rules on both sides hold; else the flow is cut."""
    entry = passage.entry
    if entry is None or entry.tracking is not Tracking.UNTRACKED:
        return None
    direction = entry.direction_of(passage.direction)
    if passage.segment is Segment.SYN and not _repeats_opening(entry, direction):
        end = FlowEnd.CLOSED if entry.tcp_state in tcp.ENDED_STATES else FlowEnd.REPLACED
        at.table.forget(entry, end, passage.now_ns)
        passage.note(Step.UNTRACKED, "opened anew", entry=entry)
        passage.judge_as_new()
        return None
    if entry.judged_at_version != at.version:
        choice = at.choose_tracking(entry.key, entry.opener)
        if choice.open_rule is None:
            at.table.forget(entry, FlowEnd.CUT, passage.now_ns)
            passage.note(Step.UNTRACKED, "cut", entry=entry, cause=choice.cause)
            passage.judge_as_new()
            passage.was_cut = True
            return None
        entry.rule, entry.judged_at_version = choice.open_rule.ref, at.version
    passage.note(Step.UNTRACKED, "still open", entry=entry)
    at.progress(passage, entry, direction, at.move(entry, direction, passage.segment))
    return at.answer(passage, Reason.UNTRACKED, ConntrackState.UNTRACKED, entry)


def _repeats_opening(entry: ConntrackEntry, direction: ConntrackDirection) -> bool:
    return direction is ConntrackDirection.ORIGINAL and entry.tcp_state is TcpState.SYN_SENT


def recorded(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """What a recording holds although it would not have been sent, or although its opening is not in it."""
    if not at.options.recorded or passage.as_new or passage.is_invalid or passage.is_unanswered:
        return None
    entry = passage.entry
    if entry is not None:
        return after_refusal(at, passage, entry)
    return _presume(at, passage)


def after_refusal(at: "InterfaceFilter", passage: Passage, entry: ConntrackEntry) -> Decision | None:
    """An answer to packets that were denied was never sent; the opener may try again."""
    if not at.continue_refused(passage, entry):
        passage.note(Step.RECORDED, "opened anew", entry=entry)
        passage.judge_as_new()
        return None
    is_reply = entry.direction_of(passage.direction) is ConntrackDirection.REPLY
    if is_reply and not at.options.as_recorded:
        passage.note(Step.RECORDED, "not sent", entry=entry)
        return at.answer(passage, Reason.NOT_SENT, None, entry)
    passage.note(Step.RECORDED, "judged as recorded" if is_reply else "tries again", entry=entry)
    passage.refused, passage.entry = entry, None
    return None


def _presume(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """A flow that was open before the recording began, if the rules would have let it open."""
    if passage.key is None or not at.may_presume(passage):
        return None
    opener = at.opener(passage)
    is_reply = opener is not passage.direction
    if not is_reply and not _is_midstream_data(passage):
        return None
    opening = at.opening_header(passage.key, opener)
    rule = at.matcher.first_admitting(opening)
    if rule is None:
        passage.note(Step.RECORDED, "not presumed", opener=opener, opening=opening)
        was_not_sent = is_reply and not at.options.as_recorded
        return at.answer(passage, Reason.NOT_SENT, None) if was_not_sent else None
    choice = at.choose_tracking(passage.key, opener)
    passage.note(Step.RECORDED, "presumed", opener=opener, rule=choice.open_rule or rule, choice=choice)
    passage.opener, passage.rule = opener, choice.open_rule or rule
    if choice.open_rule is None and not at.has_room(passage):
        passage.note(Step.ROOM, "full", count=at.table.count, capacity=at.table.capacity)
        return at.deny_for_room(passage)
    entry = at.enter(passage, choice, presumed=True)
    state = ConntrackState.ESTABLISHED if entry.tracking is Tracking.TRACKED else ConntrackState.UNTRACKED
    return at.answer(passage, Reason.PRESUMED, state, entry)


def _is_midstream_data(passage: Passage) -> bool:
    flags = passage.packet.tcp_flags
    return passage.segment is not None and bool(flags & TcpFlags.ACK) and not flags & (TcpFlags.SYN | TcpFlags.RST)


def rules(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """Rules of the packet's direction admit it, or it is denied."""
    rule = at.matcher.first_admitting(passage.header)
    passage.note(Step.RULES, "admitted" if rule else "denied", header=passage.header, rule=rule, matcher=at.matcher)
    passage.rule = rule
    if rule is None:
        return at.answer(passage, Reason.NO_RULE, _state_without_entry(at, passage), passage.entry)
    if passage.is_invalid:
        return at.answer(passage, Reason.RULE, ConntrackState.INVALID)
    if passage.is_unanswered:
        return at.answer(passage, Reason.RULE, ConntrackState.NEW, passage.entry)
    return None


def bypass(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """Open rules on both sides leave the flow untracked."""
    if passage.key is None:
        return None
    opener = passage.opener or at.opener(passage)
    passage.opener = opener
    choice = at.choose_tracking(passage.key, opener)
    passage.note(Step.BYPASS, str(choice.cause), opener=opener, choice=choice)
    passage.choice = choice
    if choice.open_rule is None:
        return None
    if at.profile.midstream_untracked.value and _is_midstream(at, passage):
        return opening(at, passage)
    if at.profile.full_untracked.value and not at.has_room(passage):
        return room(at, passage)
    passage.rule = choice.open_rule
    return at.answer(passage, Reason.UNTRACKED, ConntrackState.UNTRACKED, at.enter(passage, choice))


def _is_midstream(at: "InterfaceFilter", passage: Passage) -> bool:
    """Whether a segment is one that opens no flow."""
    if passage.segment in {None, Segment.SYN}:
        return False
    policies = (at.profile.midstream.value, at.profile.midstream_after_cut.value if passage.was_cut else Midstream.DENY)
    return Midstream.PICKUP not in policies


def opening(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """Only some packets can open a tracked flow."""
    if passage.key is None or _is_answer(passage):
        passage.note(Step.OPENING, "no query")
        return at.answer(passage, Reason.RULE, _state_without_entry(at, passage))
    if passage.segment is None:
        return None
    if not _is_midstream(at, passage):
        opens = passage.segment in tcp.TCP_PICKUP
        passage.note(Step.OPENING, "opens" if opens else "cannot be picked up", segment=passage.segment)
        return None if opens else _not_picked_up(at, passage)
    passage.note(Step.OPENING, "mid-stream", segment=passage.segment)
    return at.answer(passage, Reason.MIDSTREAM, ConntrackState.INVALID)


def _is_answer(passage: Passage) -> bool:
    return query_direction(passage.packet.five_tuple.protocol, passage.packet.icmp_type) is ConntrackDirection.REPLY


def _not_picked_up(at: "InterfaceFilter", passage: Passage) -> Decision:
    if at.profile.invalid.value is InvalidSegment.RULES:
        return at.answer(passage, Reason.RULE, ConntrackState.INVALID)
    return at.answer(passage, Reason.INVALID, ConntrackState.INVALID)


def _state_without_entry(at: "InterfaceFilter", passage: Passage) -> ConntrackState:
    """The state of a packet that rules alone judge."""
    makes_no_flow = passage.packet.five_tuple.protocol in ICMP_PROTOCOLS and (
        passage.key is None or _is_answer(passage)
    )
    if passage.is_invalid or (makes_no_flow and at.profile.invalid.value is InvalidSegment.RULES):
        return ConntrackState.INVALID
    return ConntrackState.UNTRACKED if makes_no_flow else ConntrackState.NEW


def room(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """A full table takes no new entry; flows that it has go on (`[aws-ct]`, `[aws-ena-mon]`)."""
    has_room = at.has_room(passage)
    passage.note(Step.ROOM, "yes" if has_room else "full", count=at.table.count, capacity=at.table.capacity)
    return None if has_room else at.deny_for_room(passage)


def enter(at: "InterfaceFilter", passage: Passage) -> Decision | None:
    """The flow gets its entry, opened by this packet's sender."""
    assert passage.choice is not None, "what comes here has asked for a bypass"  # noqa: S101  # a law of the order
    passage.opener = passage.direction
    entry = at.enter(passage, passage.choice)
    passage.note(Step.ENTER, "entered", entry=entry)
    return at.answer(passage, Reason.RULE, ConntrackState.NEW, entry)


STEPS: Final[tuple[StepFunction, ...]] = (
    groups,
    exempt,
    later_fragment,
    related,
    barred,
    tracked,
    untracked,
    recorded,
    rules,
    bypass,
    opening,
    room,
    enter,
)
"""In order. Expiry, the second step of the text, comes before them all: the engine's clock does it. Those at the edge of
the subnet, before the first and after the last, are in `edge_steps`."""
