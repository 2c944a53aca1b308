"""A sentence or two for each outcome of each step, but for those about remembered flows: `flow_text` has them.

Law: `STEP_SENTENCES` has every outcome that `sgsim.engine` notes; a test reads them out of the engine's source.
"""

from collections.abc import Callable, Mapping
from typing import Final

from sgsim.conntrack.entry import TrackingCause
from sgsim.conntrack.policies import ExemptList, Fragments, Midstream, Unanswered
from sgsim.conntrack.tcp import Segment
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.conntrack.tracking import TrackingChoice
from sgsim.model.address import Family, format_address
from sgsim.model.decision import Reason, Verdict
from sgsim.model.states import Direction
from sgsim.model.trace import Step
from sgsim.report import edge_text, flow_text
from sgsim.report.decision_text import groups_text, length_text, service_text, setting_text, tracking_text
from sgsim.report.told import Told, state_words
from sgsim.report.units import counted
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule

Sentence = Callable[[Told], str]

STEP_NUMBERS: Final = {
    Step.NETWORK_ACL_IN: 0, Step.GROUPS: 0, Step.EXEMPT: 1, Step.EXPIRE: 2, Step.FRAGMENT: 3, Step.RELATED: 4, Step.TRACKED: 5,
    Step.UNTRACKED: 6, Step.RECORDED: 7, Step.RULES: 8, Step.BYPASS: 9, Step.OPENING: 10, Step.ROOM: 11, Step.ENTER: 12,
    Step.NETWORK_ACL_OUT: 13,
}  # fmt: skip
"""As docs/the-way-of-a-packet.md counts them; 0 is before the first, 13 after the last."""


def step_sentence(told: Told) -> str:
    """What happened in a step, for somebody who has not read the code."""
    return STEP_SENTENCES[told.step.step][told.step.outcome](told)


def _no_groups(told: Told) -> str:
    return f"{told.stop.interface.interface_id} has no security group, so nothing filters it."


def _not_exempt(told: Told) -> str:
    if not told.stop.profile.exempt_traffic.value:
        return f"The profile {told.stop.profile.name} filters all traffic; none is exempt."
    is_named = told.stop.profile.exempt_list.value is ExemptList.NAMED
    kinds = "DHCP, metadata and time" if is_named else "DHCP, metadata, time and neighbour"
    return f"No. Groups never filter the network's own DNS, {kinds} services; this is none."


def _exempt(told: Told) -> str:
    service = told.fact("service", str)
    return f"Yes: it is traffic of {service}, which groups never filter, in either direction. Nothing is remembered."


def _none_due(told: Told) -> str:
    return f"No entry has run out at this moment; {_table(told)}."


def _expired(told: Told) -> str:
    number = told.fact("number", int)
    were = "was" if number == 1 else "were"
    return f"{counted(number, 'flow')} had been silent for the timeout and {were} forgotten; {_table(told)}."


def _table(told: Told) -> str:
    capacity = told.step.facts["capacity"]
    return told.table(told.fact("count", int), capacity if isinstance(capacity, int) else None)


def _first_fragment_seen(told: Told) -> str:
    verdict, reason = told.fact("verdict", Verdict), told.fact("reason", Reason)
    return (
        "It is a later fragment, which carries no ports, so it takes the verdict of its datagram's first fragment: "
        f"{verdict} ({reason})."
    )


def _first_fragment_not_seen(told: Told) -> str:
    is_ipv4 = told.stop.packet.five_tuple.family is Family.IPV4
    keep_s = (told.stop.profile.fragment_s if is_ipv4 else told.stop.profile.fragment_ipv6_s).value
    start = (
        "It is a later fragment, which carries no ports, and its datagram's first fragment was not seen here in the "
        f"last {length_text(round(keep_s * NANOSECONDS))}."
    )
    policy = setting_text(told.stop.profile, "fragments")
    if told.fact("policy", Fragments) is Fragments.DENY:
        return f"{start} Nothing tells what it belongs to, so it is denied ({policy})."
    rule = told.step.facts["rule"]
    if isinstance(rule, ResolvedRule):
        return f"{start} {told.way.capitalize()} rule {told.rule(rule.ref)} admits it without ports ({policy})."
    return f"{start} No {told.way} rule admits it without ports ({policy})."


def _admitted(told: Told) -> str:
    rule = told.fact("rule", ResolvedRule).ref
    others = len(told.stop.admitting) - 1
    more = f"; so {'does' if others == 1 else 'do'} {counted(others, 'other rule')}" if others > 0 else ""
    return f"{told.way.capitalize()} rule {told.rule(rule)} admits it{more}."


def _denied(told: Told) -> str:
    header = told.fact("header", Header)
    groups = groups_text(told.stop, told.explanation)
    if not told.stop.rules_count:
        has = "has" if len(told.stop.interface.group_ids) == 1 else "have"
        return f"{groups} {has} no {told.way} rule at all, so nothing is admitted."
    side = "from" if header.direction is Direction.INGRESS else "to"
    peer = format_address(header.peer, header.family)
    number = told.stop.rules_count
    none = f"The only {told.way} rule" if number == 1 else f"None of the {number:,} {told.way} rules"
    admits = "does not admit" if number == 1 else "admits"
    return (
        f"{none} of {groups} {admits} {service_text(header)} {side} {peer}. What no rule admits is dropped without an "
        "answer."
    )


def _bypass(told: Told) -> str:
    choice, opener = told.fact("choice", TrackingChoice), told.fact("opener", Direction)
    text = tracking_text(told.stop, choice.cause, opener, choice.open_rule.ref if choice.open_rule else None)
    first = f"The flow is {text}."
    if choice.cause is TrackingCause.OPEN_RULES:
        return f"{first} Each of its packets is judged by these rules, and a change that closes one cuts it."
    return first


def _no_query(_told: Told) -> str:
    return "An ICMP message that is no query opens no flow: a rule admits it, and nothing is remembered."


def _opens(told: Told) -> str:
    if told.fact("segment", Segment) is Segment.SYN:
        return "A SYN opens a connection."
    profile = told.stop.profile
    if profile.midstream.value is Midstream.PICKUP:
        return f"It is no SYN, but the profile takes up flows in the middle ({setting_text(profile, 'midstream')})."
    policy = setting_text(profile, "midstream_after_cut")
    return f"It is no SYN, but the profile takes up in the middle what a change has just cut ({policy})."


def _not_picked_up(told: Told) -> str:
    return f"No flow can be taken up in the middle at {told.packet_words}; nothing is entered."


def _mid_stream(told: Told) -> str:
    policy = setting_text(told.stop.profile, "midstream")
    if _is_open(told):
        also = setting_text(told.stop.profile, "midstream_untracked")
        return (
            f"Only a SYN opens a connection, also one that open rules leave untracked ({also}), and this is "
            f"{told.packet_words}. It is denied although a rule admits it ({policy})."
        )
    return (
        f"Only a SYN opens a tracked connection, and this is {told.packet_words}. It is denied although a rule admits "
        f"it ({policy}). It would have passed with an entry: that is, after the SYN that opens the connection, and "
        "before the entry ran out."
    )


def _room(told: Told) -> str:
    if told.step.facts["capacity"] is None:
        return "There is room: no capacity is given, so the table has no limit."
    return f"There is room: {_table(told)}, and the flow takes {counted(told.stop.path.places, 'place')}."


def _is_open(told: Told) -> bool:
    """Whether open rules would leave its flow untracked."""
    bypass = told.stop.step(Step.BYPASS)
    return bypass is not None and bypass.outcome == str(TrackingCause.OPEN_RULES)


def _full(told: Told) -> str:
    if _is_open(told):
        also = setting_text(told.stop.profile, "full_untracked")
        return (
            f"The table is full: {_table(told)}. It refuses new untracked flows too ({also}): the packet is dropped and "
            "counted in conntrack_allowance_exceeded."
        )
    text = (
        f"The table is full: {_table(told)}, and the flow would take {counted(told.stop.path.places, 'place')}. The "
        "packet is dropped and counted in conntrack_allowance_exceeded; flows that have an entry go on."
    )
    if told.stop.table.next_free_ns is None:
        return text
    free = length_text(told.stop.table.next_free_ns - told.stop.now_ns)
    return f"{text} If its flows stay silent, the next place is free in {free}."


def _entered(told: Told) -> str:
    entry, stop = told.entry, told.stop
    state = f" in state {state_words(entry.tcp_state)}" if entry.tcp_state is not None else ""
    since = "once the other side has answered" if stop.profile.unanswered.value is Unanswered.RULES else "from now on"
    return (
        f"The flow gets an entry{state}: {since} its packets pass both ways, whatever the rules say. It runs out after "
        f"{length_text(entry.expires_at_ns - stop.now_ns)} of silence."
    )


STEP_SENTENCES: Final[Mapping[Step, Mapping[str, Sentence]]] = {
    Step.NETWORK_ACL_IN: edge_text.ACL_IN,
    Step.GROUPS: {"none": _no_groups},
    Step.EXEMPT: {"no": _not_exempt, "yes": _exempt},
    Step.EXPIRE: {"none due": _none_due, "expired": _expired},
    Step.FRAGMENT: {"first seen": _first_fragment_seen, "first not seen": _first_fragment_not_seen},
    Step.RELATED: flow_text.RELATED,
    Step.TRACKED: flow_text.TRACKED,
    Step.UNTRACKED: flow_text.UNTRACKED,
    Step.RECORDED: flow_text.RECORDED,
    Step.RULES: {"admitted": _admitted, "denied": _denied},
    Step.BYPASS: {str(cause): _bypass for cause in TrackingCause if cause is not TrackingCause.DENIED},
    Step.OPENING: {
        "no query": _no_query,
        "opens": _opens,
        "cannot be picked up": _not_picked_up,
        "mid-stream": _mid_stream,
    },
    Step.ROOM: {"yes": _room, "full": _full},
    Step.ENTER: {"entered": _entered},
    Step.NETWORK_ACL_OUT: edge_text.ACL_OUT,
}
"""For each step and outcome, what to say."""
