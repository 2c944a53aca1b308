"""The way of a packet at one interface.

Compiled twin of `sgsim.engine.steps`: the same steps in the same order. Where the reference keeps a `Passage`, these
functions pass a few numbers.
"""

import numpy as np

from sgsim.kernels.answers import (
    DENY,
    R_NETWORK_ACL,
    R_RULE,
    R_UNTRACKED,
    answer,
    answer_here,
    count,
    goes_back,
    rule_of,
)
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets, Rules
from sgsim.kernels.choices import (
    CAUSE_PROTOCOL,
    ICMP,
    ICMPV6,
    SYN,
    UNRESOLVED_RULE,
    choose_here,
    find_opener,
    first_admitting_here,
    has_room,
    may_presume,
    path,
    peer,
    told_opener,
)
from sgsim.kernels.entries import (
    continue_refused,
    find_item,
    first_tcp,
    insert_here,
    insert_refused,
    makes_refusal,
)
from sgsim.kernels.forget import CLOSED, REPLACED, forget
from sgsim.kernels.fragments import remember_fragment
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    AS_RECORDED,
    ENTRY_WORDS,
    FLOW,
    FRAGMENT_IPV6_NS,
    FRAGMENT_NS,
    FULL_UNTRACKED,
    HAS_EDGES,
    HINGE_INTERFACE,
    HINGE_SERVICE,
    IF_HAS_GROUPS,
    IF_TABLE,
    IF_WORDS,
    IN_USE,
    INVALID,
    KEY_IPV6,
    LAST_SEGMENT_AT,
    MIDSTREAM_UNTRACKED,
    NOW,
    OPENER_EGRESS_AT,
    PICKUP,
    PICKUP_AFTER_CUT,
    RECORDED,
    STATE,
    TABLE_WORDS,
    TRACKING_AT,
)
from sgsim.kernels.locate import ANSWER, INGRESS
from sgsim.kernels.match import service_number
from sgsim.kernels.network_acl import answers_barred, look_at_edge, network_acl_in
from sgsim.kernels.related import refresh_quoted, related
from sgsim.kernels.remembered import (
    AS_NEW,
    GO_ON,
    IS_DELETED,
    IS_INVALID,
    IS_UNANSWERED,
    R_CUT,
    R_EXEMPT,
    R_INVALID,
    R_MIDSTREAM,
    R_NO_GROUPS,
    R_NO_RULE,
    R_NOT_SENT,
    S_EXEMPT,
    S_INVALID,
    S_NEW,
    S_UNTRACKED,
    STOP,
    WAS_CUT,
    deny_for_room,
    later_fragment,
    presume,
    segment_of,
    tracked,
    untracked,
)
from sgsim.kernels.table import REFUSED, TRACKED, UNTRACKED, find
from sgsim.model.columns import DecisionColumns

MAY_PRESUME = 32
"""Beside what `remembered` finds: the flow may have been open before the recording began."""


@kernel(is_entry=False, inline=True)
def by_rules(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    entry: int,
    refused: int,
    segment: int,
    found: int,
) -> int:
    """The steps from the rules on: rules, bypass, opening, room, entry."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    word, protocol = items.service[item], np.int64(p.protocol[row])
    is_icmp = protocol == ICMP or protocol == ICMPV6
    role = np.int64(facts.roles[(256 if protocol == ICMPV6 else 0) + np.int64(p.icmp_type[row])]) if is_icmp else 0
    makes_no_flow = is_icmp and role != 1
    hi, lo = peer(p, items, item)
    is_ipv6 = np.int64(word & KEY_IPV6 != 0)
    port = np.int64(p.dst_port[row])
    service = service_number(protocol, port, np.int64(p.icmp_type[row]), np.int64(p.icmp_code[row]))
    rule = first_admitting_here(m, net, rules, facts, interface, direction, is_ipv6, hi, lo, service)
    if rule == UNRESOLVED_RULE:
        return STOP
    state = S_UNTRACKED if makes_no_flow else S_NEW
    if found & IS_INVALID or (makes_no_flow and facts.options[INVALID] == 1):
        state = S_INVALID
    if rule < 0:
        return answer(m, facts, p, out, at, row, interface, direction, R_NO_RULE, state, -1, entry)
    if found & IS_INVALID:
        return answer(m, facts, p, out, at, row, interface, direction, R_RULE, S_INVALID, rule, -1)
    if found & IS_UNANSWERED:
        return answer(m, facts, p, out, at, row, interface, direction, R_RULE, S_NEW, rule, entry)
    picks_up = facts.options[PICKUP] != 0 or (found & WAS_CUT != 0 and facts.options[PICKUP_AFTER_CUT] != 0)
    is_midstream = segment > SYN and not picks_up
    is_automatic, places = path(net, interface, is_ipv6, hi, lo)
    opener, open_rule, cause = direction, -1, CAUSE_PROTOCOL
    if items.has_key[item]:
        opener = told_opener(word, direction, segment)
        if not opener:
            opener = find_opener(net, rules, facts, p, items, item, segment, found & MAY_PRESUME != 0)
        open_rule, cause = choose_here(net, rules, facts, interface, word, opener, is_ipv6, hi, lo, is_automatic)
    is_open = open_rule >= 0
    if not is_open and (not items.has_key[item] or role == ANSWER):
        return answer(m, facts, p, out, at, row, interface, direction, R_RULE, state, rule, -1)
    if is_midstream and (not is_open or facts.options[MIDSTREAM_UNTRACKED]):
        return answer(m, facts, p, out, at, row, interface, direction, R_MIDSTREAM, S_INVALID, rule, -1)
    bits = first_tcp(facts, segment, 0, 0) if is_open else 0
    if segment and not is_open:
        bits = np.int64(facts.pickup[segment])
        if not bits:
            reason = R_RULE if facts.options[INVALID] == 1 else R_INVALID
            return answer(m, facts, p, out, at, row, interface, direction, reason, S_INVALID, rule, -1)
        bits |= segment << LAST_SEGMENT_AT
    if (not is_open or facts.options[FULL_UNTRACKED]) and not has_room(m, net, interface, places):
        return deny_for_room(m, net, facts, p, out, at, row, interface, direction, rule)
    if refused >= 0:
        forget(m, net, facts, refused, REPLACED, m.clock[NOW])
    tracking, reason, state = TRACKED, R_RULE, S_NEW
    if is_open:
        tracking, reason, state, rule = UNTRACKED, R_UNTRACKED, S_UNTRACKED, open_rule
    else:
        opener = direction
    entry, _ = insert_here(
        m, net, facts, p, items, item, tracking, opener, rule, cause, bits, 0, is_ipv6, is_automatic, places
    )
    return answer_here(m, facts, p, out, at, row, interface, direction, reason, state, rule, entry)


@kernel(is_entry=False)
def after_denial(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    refused: int,
    segment: int,
    found: int,
) -> None:
    """A denial of a flow that was just cut says so; what opens a recorded flow is remembered as refused."""
    if found & WAS_CUT:
        out.reason[at] = R_CUT
        out.state[at] = S_INVALID
    if refused < 0 and makes_refusal(facts, p, items, item, segment) and find_item(m, p, items, item) < 0:
        refused = insert_refused(m, net, facts, p, items, item, segment)
    if refused >= 0:
        count(m, facts, p, np.int64(items.row[item]), np.int64(items.direction[item]), refused, DENY, m.clock[NOW])
        word = m.pool[refused * ENTRY_WORDS + STATE]
        out.tcp_state[at] = word & 15
        out.opener[at] = INGRESS + (word >> OPENER_EGRESS_AT & 1)
        out.flow[at] = m.pool[refused * ENTRY_WORDS + FLOW]


@kernel(is_entry=False, inline=True)
def send(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
) -> int:
    """The steps from related ICMP on, for a packet that is filtered."""
    row = np.int64(items.row[item])
    if p.quote[row] >= 0:
        verdict = related(m, facts, p, out, at, items, item)
        if verdict != GO_ON:
            refresh_quoted(m, net, facts, p, items, item, verdict)
            return verdict
    segment = segment_of(facts, p, row)
    entry = find_item(m, p, items, item) if items.has_key[item] else -1
    verdict, found = GO_ON, 0
    if entry >= 0 and m.clock[HAS_EDGES]:
        interface, direction = np.int64(items.interface[item]), np.int64(items.direction[item])
        if answers_barred(m, facts, entry, direction, segment):
            rule = rule_of(m, entry)
            return answer(m, facts, p, out, at, row, interface, direction, R_NOT_SENT, 0, rule, entry)
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == TRACKED:
        verdict, found = tracked(m, net, rules, facts, p, out, at, items, item, entry, segment)
    verdict = go_on(m, net, rules, facts, p, out, at, items, item, entry, segment, verdict, found)
    if p.quote[row] >= 0:
        refresh_quoted(m, net, facts, p, items, item, verdict)
    return verdict


@kernel(is_entry=False, inline=True)
def send_plain(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    entry: int,
) -> int:
    """The way of a plain packet, of which the entry may be known; gives the verdict, or `STOP`."""
    interface = np.int64(items.interface[item])
    segment = segment_of(facts, p, np.int64(items.row[item]))
    if entry < 0:
        m.tables[net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS + IN_USE] = 1
        entry = find(m, items.addresses[item], items.service[item], interface, items.hashed[item])
    verdict, found = GO_ON, 0
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == TRACKED:
        verdict, found = tracked(m, net, rules, facts, p, out, at, items, item, entry, segment)
        if verdict != GO_ON and not found:
            return verdict
    return go_on(m, net, rules, facts, p, out, at, items, item, entry, segment, verdict, found)


@kernel(is_entry=False)
def go_on(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    entry: int,
    segment: int,
    verdict: int,
    found: int,
) -> int:
    """The steps after that of a tracked flow, which gave a verdict, or `GO_ON` also where there is none."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    if verdict != GO_ON:
        if found & IS_DELETED:
            forget(m, net, facts, entry, CLOSED, m.clock[NOW])
        return verdict
    if found & (AS_NEW | IS_INVALID):
        entry = -1
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == UNTRACKED:
        verdict, found = untracked(m, net, rules, facts, p, out, at, items, item, entry, segment)
        if verdict != GO_ON:
            return verdict
        entry = -1
    refused = -1
    if facts.options[RECORDED] and found == 0:
        if entry >= 0:
            is_reply = goes_back(m, entry, direction)
            if not continue_refused(m, net, facts, items, item, entry, segment):
                found = AS_NEW
            elif is_reply and not facts.options[AS_RECORDED]:
                return answer(m, facts, p, out, at, row, interface, direction, R_NOT_SENT, 0, -1, entry)
            else:
                refused = entry
            entry = -1
        elif items.has_key[item] and may_presume(m, net, facts, p, items, item, segment):
            found = MAY_PRESUME
            verdict = presume(m, net, rules, facts, p, out, at, items, item, segment)
    if verdict == GO_ON:
        verdict = by_rules(m, net, rules, facts, p, out, at, items, item, entry, refused, segment, found)
    if found & IS_DELETED:
        forget(m, net, facts, entry, CLOSED, m.clock[NOW])
    if verdict == DENY and out.reason[at] != R_NETWORK_ACL:
        after_denial(m, net, facts, p, out, at, items, item, refused, segment, found)
    return verdict


@kernel(is_entry=False)
def judge(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
) -> int:
    """Send one packet past one interface; gives the verdict, or `STOP`."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    has_groups = net.interfaces[interface * IF_WORDS + IF_HAS_GROUPS]
    if has_groups == 2:
        m.clock[HINGE_INTERFACE], m.clock[HINGE_SERVICE] = interface, -1
        return STOP
    m.tables[net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS + IN_USE] = 1
    denying, is_stopped = -1, False
    if m.clock[HAS_EDGES]:
        denying = look_at_edge(m, net, rules, facts, p, items, item)
    if denying >= 0:
        verdict, refused, segment = network_acl_in(m, net, facts, p, out, at, items, item, denying)
        is_stopped = verdict == DENY
        if is_stopped and has_groups:
            after_denial(m, net, facts, p, out, at, items, item, refused, segment, 0)
    elif not has_groups:
        verdict = answer(m, facts, p, out, at, row, interface, direction, R_NO_GROUPS, S_EXEMPT, -1, -1)
    elif items.is_exempt[item]:
        verdict = answer(m, facts, p, out, at, row, interface, direction, R_EXEMPT, S_EXEMPT, -1, -1)
    elif p.fragment_offset[row]:
        return later_fragment(m, net, rules, facts, p, out, at, items, item)
    else:
        verdict = send(m, net, rules, facts, p, out, at, items, item)
    if p.more_fragments[row] and not p.fragment_offset[row] and verdict > 0:
        keep_ns = facts.options[FRAGMENT_NS if p.family[row] == 4 else FRAGMENT_IPV6_NS]
        entry = find_item(m, p, items, item) if items.has_key[item] else -1
        if is_stopped and entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 != REFUSED:
            entry = -1
        remember_fragment(m, p, out, at, row, entry, m.clock[NOW] + keep_ns)
    return verdict


@kernel(is_entry=False)
def refuse(m: Memory, net: Network, facts: Facts, p: Packets, items: Items, item: int) -> bool:
    """Remember that a packet was denied before it came to this interface; False if it has an unknown group."""
    row, interface = np.int64(items.row[item]), np.int64(items.interface[item])
    if net.interfaces[interface * IF_WORDS + IF_HAS_GROUPS] == 2:
        m.clock[HINGE_INTERFACE], m.clock[HINGE_SERVICE] = interface, -1
        return False
    m.tables[net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS + IN_USE] = 1
    segment = segment_of(facts, p, row)
    entry = find_item(m, p, items, item) if items.has_key[item] else -1
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == REFUSED:
        continue_refused(m, net, facts, items, item, entry, segment)
    if makes_refusal(facts, p, items, item, segment) and find_item(m, p, items, item) < 0:
        insert_refused(m, net, facts, p, items, item, segment)
    return True
