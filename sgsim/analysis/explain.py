"""The whole way of one packet: which steps it took at each interface, what they rest on, and what would have helped.

What is computed here are facts; `sgsim.report.explanation` puts them into words. What an explanation is made of is
in `sgsim.analysis.explanation`; read that first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve

from sgsim.analysis.explanation import Explanation, Frame, Stop, TableNow
from sgsim.analysis.near_miss import near_misses, smallest_rule
from sgsim.conntrack.entry import FlowKey
from sgsim.conntrack.icmp import query_direction
from sgsim.conntrack.policies import InvalidSegment, Midstream
from sgsim.conntrack.tcp import TCP_PICKUP, Effect, Segment
from sgsim.engine.interface_filter import InterfaceFilter
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.engine.reference import EndedFlow, ReferenceEngine
from sgsim.model.decision import Decision, Reason, Verdict
from sgsim.model.packet import Packet
from sgsim.model.protocol import ICMP_PROTOCOLS, ICMP_QUERIES
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackDirection, Direction, Tracking
from sgsim.model.trace import Step, Trace, TraceStep
from sgsim.rules.change import Change
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.ownership import Ownership
from sgsim.simulation.check import Answer, check_first, judge_packet


def explain_packet(
    inventory: Inventory,
    packet: Packet,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    assumed: tuple[str, ...] = (),
) -> Explanation:
    """Tell the way of a packet that meets an empty table.

    Raises:
        NoTrafficError: If no known interface sends or receives it.
        UnresolvedReferenceError: If the verdict hinges on a reference whose addresses nobody gave.
    """
    engine = ReferenceEngine(inventory, options)
    answer = check_first(engine, packet)
    return evolve(_explained(engine, answer, {}), assumed=assumed)


def explain_frame(
    inventory: Inventory,
    traffic: Sequence[Any],
    options: EngineOptions,
    packet: str | int,
    *,
    changes: Sequence[Change] = (),
) -> Explanation:
    """Tell the way of a recorded packet past the table as it stood when it came.

    Args:
        inventory: Rules and interfaces.
        traffic: As `sgsim.simulation.driver.run` takes it.
        options: How the engine is to run, as for a replay.
        packet: Its number in the capture; `FILE:NUMBER` where there are several captures.
        changes: Changes of rules.

    Raises:
        ConfigError: If there is no such packet.
        SourceError: If the traffic cannot be read up to it.
        UnresolvedReferenceError: If a verdict up to it hinges on a reference whose addresses nobody gave.
    """
    from sgsim.simulation.moment import replay_until  # noqa: PLC0415  # numpy is only for those who read captures

    moment = replay_until(inventory, traffic, options, packet, changes=changes)
    clock_ns = moment.engine.now_ns
    late_ns = 0 if clock_ns is None else max(0, clock_ns - moment.time_ns)
    frame = Frame(
        file=moment.file,
        number=moment.number,
        after_ns=moment.time_ns - moment.start_ns,
        late_ns=late_ns,
        is_record=moment.is_record,
        notes=moment.notes,
    )
    if moment.packet is None or moment.unreadable is not None:
        return Explanation(
            packet=None,
            verdict=Verdict.SKIP,
            decisions=(Decision(Verdict.SKIP, moment.unreadable or Reason.MALFORMED),),
            profile=options.profile,
            stops=(),
            frame=frame,
            group_names={},
        )
    return evolve(explain_next(moment.engine, moment.packet, moment.ended), frame=frame)


def explain_next(
    engine: ReferenceEngine, packet: Packet, ended: Mapping[FlowKey, EndedFlow] | None = None
) -> Explanation:
    """Let an engine judge a packet by what it remembers, and tell its way.

    Args:
        engine: Has judged everything before.
        packet: What comes next.
        ended: How flows ended that are remembered no more, kept by the engine's `on_flow_end`.

    Raises:
        UnresolvedReferenceError: If the verdict hinges on a reference whose addresses nobody gave.
    """
    return _explained(engine, judge_packet(engine, packet), ended if ended is not None else {})


def _explained(engine: ReferenceEngine, answer: Answer, ended: Mapping[FlowKey, EndedFlow]) -> Explanation:
    inventory = engine.inventory
    stops = tuple(
        stop
        for decision, trace in zip(answer.decisions, answer.traces, strict=True)
        if (stop := _stop(engine, answer.packet, decision, trace, ended)) is not None
    )
    return Explanation(
        packet=answer.packet,
        verdict=answer.verdict,
        decisions=answer.decisions,
        profile=engine.options.profile,
        stops=stops,
        not_reached=_not_reached(inventory, answer),
        group_names={group.group_id: group.name for group in inventory.groups.values() if group.name},
        notes=tuple(map(str, inventory.notes)),
    )


def _not_reached(inventory: Inventory, answer: Answer) -> str | None:
    """The receiver's interface, if the sender's is the only one that judged the packet."""
    five_tuple, last = answer.packet.five_tuple, answer.decisions[-1]
    if last.verdict is Verdict.ALLOW or last.direction is not Direction.EGRESS or answer.packet.taken_at is not None:
        return None
    receiver = Ownership(inventory.interfaces.values()).owner(five_tuple.dst_addr, five_tuple.family)
    return receiver.interface_id if receiver is not None else None


def _stop(
    engine: ReferenceEngine,
    packet: Packet,
    decision: Decision,
    trace: Trace,
    ended: Mapping[FlowKey, EndedFlow],
) -> Stop | None:
    """What one interface made of the packet; None if it was judged nowhere."""
    at = engine.filter_at(decision.interface_id) if decision.interface_id is not None else None
    if at is None or decision.direction is None or engine.now_ns is None:
        return None
    direction = decision.direction
    header = Header.of(packet.five_tuple, direction, packet.icmp_type, packet.icmp_code)
    key = None
    if not packet.is_later_fragment:
        key = at.key(packet.five_tuple, direction, packet.icmp_type, packet.icmp_code)
    flow = at.table.lookup(key) if key is not None else None
    stop = Stop(
        interface=at.interface,
        direction=direction,
        decision=decision,
        packet=packet,
        now_ns=engine.now_ns,
        profile=at.profile,
        timeouts=at.timeouts,
        steps=_in_order(trace, decision),
        path=at.paths.label(header.peer, header.family),
        key=key,
        flow=evolve(flow) if flow is not None else None,
        ended=ended.get(key) if key is not None else None,
        table=_table_now(at),
        admitting=tuple(rule.ref for rule in at.matcher.admitting(header)) if not packet.is_later_fragment else (),
        rules_count=len(at.matcher.rules[direction]),
        answers_denied_by=_answers_denied_by(at, packet, decision),
        way_back={opener: rule for opener in Direction if (rule := _open_back(at, header, opener)) is not None},
    )
    return _with_near_misses(stop, at)


def _answers_denied_by(at: InterfaceFilter, packet: Packet, decision: Decision) -> RuleRef | None:
    """The entry of the network ACL that denies what answers a packet, for a packet that passes."""
    five_tuple, edge = packet.five_tuple, at.edge
    is_asked = edge is not None and decision.verdict is Verdict.ALLOW and decision.reason is not Reason.EXEMPT
    if edge is None or not is_asked or packet.is_later_fragment or decision.direction is None:
        return None
    answer_type = None
    if five_tuple.protocol in ICMP_PROTOCOLS:
        answer_type = ICMP_QUERIES[five_tuple.protocol].get(packet.icmp_type or 0)
        if answer_type is None:
            return None
    code = None if answer_type is None else 0
    header = Header.of(five_tuple.reply(), decision.direction.opposite, answer_type, code)
    if edge.is_inside(header):
        return None
    line = edge.deciding(header)
    return line.fits.ref if line.entry.verdict is Verdict.DENY else None


def _in_order(trace: Trace, decision: Decision) -> tuple[TraceStep, ...]:
    """The steps as they are counted; the engine's clock lets the table expire before all of them."""
    is_kept_out = decision.reason is Reason.NETWORK_ACL and decision.direction is Direction.INGRESS
    is_before_expiry = is_kept_out or decision.reason in {Reason.NO_GROUPS, Reason.EXEMPT}
    steps = (step for step in trace.steps if not (is_before_expiry and step.step is Step.EXPIRE))
    return tuple(sorted(steps, key=lambda step: _ORDER[step.step]))


_ORDER: Final = {step: number for number, step in enumerate(Step)}


def _open_back(at: InterfaceFilter, header: Header, opener: Direction) -> RuleRef | None:
    """The rule that opens the way back of the rule that is open there."""
    opening = header._replace(direction=opener)
    there = at.matcher.open_rule(opening)
    group_id = there.ref.group_id if there is not None and not at.matcher.openness.across_groups else None
    rule = at.matcher.way_back(opening, group_id)
    return rule.ref if rule is not None else None


def _table_now(at: InterfaceFilter) -> TableNow:
    tracked = (entry.expires_at_ns for entry in at.table if entry.tracking is Tracking.TRACKED)
    return TableNow(count=at.table.count, capacity=at.table.capacity, next_free_ns=min(tracked, default=None))


def _with_near_misses(stop: Stop, at: InterfaceFilter) -> Stop:
    """What would have let the packet pass, if it is rules that it failed."""
    rules, recorded = stop.step(Step.RULES), stop.step(Step.RECORDED)
    if rules is not None and rules.outcome == "denied":
        header = rules.facts["header"]
        assert isinstance(header, Header), "this step notes what it looked at"  # noqa: S101  # a law of the steps
        misses = near_misses(at.matcher, header)
        group_ids = [miss.rule.group_id for miss in misses] + list(at.interface.group_ids)
        rule = smallest_rule(header, group_ids[0]) if _would_pass(stop, at) else None
        return evolve(stop, near_misses=misses, smallest_rule=rule)
    is_answer = recorded is not None and recorded.outcome != "sender denied"
    if stop.decision.reason is Reason.NOT_SENT and stop.key is not None and is_answer:
        opening = at.opening_header(stop.key, stop.direction.opposite)
        if not any(at.matcher.admitting(opening)):
            return evolve(stop, near_misses=near_misses(at.matcher, opening))
    return stop


def _would_pass(stop: Stop, at: InterfaceFilter) -> bool:
    """Whether a rule that admits the packet is all that it lacks: it may be no opening, or find no room."""
    tracked = stop.step(Step.TRACKED)
    is_judged_alone = tracked is not None and tracked.outcome in {
        Effect.MOVED.value,
        Effect.IGNORED.value,
        Effect.INVALID.value,
    }
    role = query_direction(stop.packet.five_tuple.protocol, stop.packet.icmp_type)
    if is_judged_alone or stop.key is None or role is ConntrackDirection.REPLY:
        return True
    if stop.segment is None or stop.segment is Segment.SYN:
        return at.table.has_room(stop.path.places)
    if at.profile.midstream.value is not Midstream.PICKUP:
        return False
    if stop.segment in TCP_PICKUP:
        return at.table.has_room(stop.path.places)
    return at.profile.invalid.value is InvalidSegment.RULES
