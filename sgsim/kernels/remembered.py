"""Packets of flows that are remembered, or that may have been open before the recording began.

Compiled twin of the steps `later_fragment`, `related`, `tracked`, `untracked` and `recorded` of `sgsim.engine.steps`.
"""

import numpy as np

from sgsim.kernels import pressure, tcp
from sgsim.kernels.answers import (
    ALLOW,
    DENY,
    R_ESTABLISHED,
    R_NETWORK_ACL,
    R_UNTRACKED,
    SKIP,
    answer,
    answer_here,
    count,
    emit,
    goes_back,
    rule_of,
)
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets, Rules
from sgsim.kernels.choices import (
    SYN,
    TCP,
    UNRESOLVED_RULE,
    choose,
    find_opener,
    first_admitting,
    has_room,
    opening_service,
    path,
    peer,
)
from sgsim.kernels.entries import (
    ST_SYN_SENT,
    first_tcp,
    insert,
    move,
    progress,
    progress_here,
)
from sgsim.kernels.forget import CLOSE, CLOSED, CUT, REPLACED, TIME_WAIT, forget, untrack
from sgsim.kernels.fragments import recall_fragment
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ANSWERED_AT,
    AS_RECORDED,
    AUTOMATIC_AT,
    BARRED_BY,
    ENTRY_WORDS,
    FLOW,
    FRAGMENTS_RULES,
    IF_TABLE,
    IF_WORDS,
    INVALID,
    KEY_IPV6,
    NOW,
    OPENER_EGRESS_AT,
    OWNER,
    STATE,
    UNANSWERED_RULES,
    UNTRACK_WHEN_OPENED,
    VERSION,
    VERSION_AT,
)
from sgsim.kernels.locate import INGRESS
from sgsim.kernels.match import service_number
from sgsim.kernels.table import TRACKED, UNTRACKED
from sgsim.model.columns import DecisionColumns
from sgsim.model.decision import Reason
from sgsim.model.protocol import TcpFlags
from sgsim.model.states import ConntrackState

R_EXEMPT, R_NO_GROUPS, R_PRESUMED, R_FRAGMENT = (
    int(Reason.EXEMPT), int(Reason.NO_GROUPS), int(Reason.PRESUMED), int(Reason.FRAGMENT),
)  # fmt: skip
R_NO_RULE, R_TABLE_FULL, R_MIDSTREAM, R_CUT, R_INVALID, R_NOT_SENT = (
    int(Reason.NO_RULE), int(Reason.TABLE_FULL), int(Reason.MIDSTREAM), int(Reason.CUT), int(Reason.INVALID),
    int(Reason.NOT_SENT),
)  # fmt: skip
S_NEW, S_ESTABLISHED, S_RELATED, S_UNTRACKED, S_INVALID, S_EXEMPT = (
    int(ConntrackState.NEW), int(ConntrackState.ESTABLISHED), int(ConntrackState.RELATED),
    int(ConntrackState.UNTRACKED), int(ConntrackState.INVALID), int(ConntrackState.EXEMPT),
)  # fmt: skip
FLAG_ACK, FLAGS_SYN_RST = int(TcpFlags.ACK), int(TcpFlags.SYN | TcpFlags.RST)
AS_NEW, WAS_CUT, IS_INVALID, IS_UNANSWERED, IS_DELETED = 1, 2, 4, 8, 16
"""What the steps before the rules found, as in `sgsim.engine.passage`."""
GO_ON = 0
"""In place of a verdict: the next step goes on."""
STOP = -1
"""In place of a verdict: it hinges on a reference whose addresses nobody gave."""


@kernel(is_entry=False)
def later_fragment(
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
    """A fragment without ports shares the verdict of the first one."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    packed, rule, flow, entry = recall_fragment(m, p, row, interface, direction, m.clock[NOW])
    if packed:
        verdict = packed & 255
        count(m, facts, p, row, direction, entry, verdict, m.clock[NOW])
        reason = packed >> 8 & 255 if verdict == SKIP else R_FRAGMENT
        emit(m, out, at, row, interface, direction, reason, verdict, packed >> 16 & 255, rule, -1)
        out.tcp_state[at] = packed >> 24 & 255
        out.opener[at] = packed >> 32 & 255
        out.flow[at] = flow
        return verdict
    rule = -1
    if facts.options[FRAGMENTS_RULES]:
        hi, lo = peer(p, items, item)
        service = service_number(np.int64(p.protocol[row]), -1, 0, 0)
        is_ipv6 = np.int64(p.family[row] != 4)
        rule = first_admitting(m, net, rules, facts, interface, direction, is_ipv6, hi, lo, service)
        if rule == UNRESOLVED_RULE:
            return STOP
    verdict, state, reason = (ALLOW, S_UNTRACKED, R_FRAGMENT) if rule >= 0 else (DENY, S_INVALID, R_FRAGMENT)
    if rule >= 0 and m.clock[BARRED_BY]:
        verdict, reason, rule = DENY, R_NETWORK_ACL, m.clock[BARRED_BY] - 1
    emit(m, out, at, row, interface, direction, reason, verdict, state, rule, -1)
    return verdict


@kernel(is_entry=False)
def label_again(m: Memory, net: Network, p: Packets, items: Items, item: int, entry: int) -> None:
    """After a change, the path to a flow's peer may have another label."""
    word = entry * ENTRY_WORDS + STATE
    hi, lo = peer(p, items, item)
    is_ipv6 = np.int64(items.service[item] & KEY_IPV6 != 0)
    automatic = path(net, np.int64(items.interface[item]), is_ipv6, hi, lo)[0]
    m.pool[word] = (m.pool[word] & ~(1 << AUTOMATIC_AT)) | automatic << AUTOMATIC_AT


@kernel(is_entry=False)
def judge_again(
    m: Memory, net: Network, rules: Rules, facts: Facts, p: Packets, items: Items, item: int, entry: int
) -> tuple[int, int]:
    """How rules would have a flow remembered after they changed: the open rule, else -1, and the cause."""
    label_again(m, net, p, items, item, entry)
    hi, lo = peer(p, items, item)
    opener = INGRESS + (m.pool[entry * ENTRY_WORDS + STATE] >> OPENER_EGRESS_AT & 1)
    return choose(net, rules, facts, np.int64(items.interface[item]), items.service[item], opener, hi, lo)


@kernel(is_entry=False)
def mark_judged(m: Memory, entry: int) -> None:
    """Note that today's rules have decided about a flow."""
    word = entry * ENTRY_WORDS + STATE
    m.pool[word] = (m.pool[word] & ~(~0 << VERSION_AT)) | m.clock[VERSION] << VERSION_AT


@kernel(is_entry=False)
def untracks(
    m: Memory, net: Network, rules: Rules, facts: Facts, p: Packets, items: Items, item: int, entry: int
) -> bool:
    """Whether rules that have changed leave a tracked flow untracked; then it goes on so, if it is remembered at all."""
    mark_judged(m, entry)
    rule, _cause = judge_again(m, net, rules, facts, p, items, item, entry)
    if rule >= 0:
        untrack(m, net, facts, entry, rule, m.clock[VERSION], m.clock[NOW])
    return rule >= 0


@kernel(is_entry=False, inline=True)
def segment_of(facts: Facts, p: Packets, row: int) -> int:
    """The segment that a packet is by its TCP flags, 0 if it is not TCP."""
    return np.int64(facts.segments[p.tcp_flags[row]]) * np.int64(p.protocol[row] == TCP)


@kernel(is_entry=False, inline=True)
def tracked(
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
) -> tuple[int, int]:
    """A packet of a tracked flow: the verdict or `GO_ON`, and what was found."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    state = m.pool[entry * ENTRY_WORDS + STATE]
    if state >> VERSION_AT != m.clock[VERSION] and facts.options[UNTRACK_WHEN_OPENED]:
        if untracks(m, net, rules, facts, p, items, item, entry):
            return GO_ON, (0 if m.pool[entry * ENTRY_WORDS + FLOW] else AS_NEW)
        state = m.pool[entry * ENTRY_WORDS + STATE]
    is_reply = goes_back(m, entry, direction)
    effect, after = move(m, facts, entry, is_reply, segment)
    if effect == tcp.REOPENED:
        forget(m, net, facts, entry, CLOSED, m.clock[NOW])
        return GO_ON, AS_NEW
    if effect == tcp.INVALID:
        if facts.options[INVALID] == 1:
            return GO_ON, IS_INVALID
        if facts.options[INVALID] == 2:
            return answer(m, facts, p, out, at, row, interface, direction, R_INVALID, S_INVALID, -1, entry), 0
    is_answered = is_reply | (state >> ANSWERED_AT & 1)
    progress_here(m, net, facts, interface, entry, is_reply, effect, after)
    found = IS_DELETED if effect == tcp.DELETED else 0
    if not is_answered and facts.options[UNANSWERED_RULES]:
        return GO_ON, IS_UNANSWERED | found
    word = S_ESTABLISHED if is_answered else S_NEW
    verdict = answer_here(
        m, facts, p, out, at, row, interface, direction, R_ESTABLISHED, word, rule_of(m, entry), entry
    )
    return verdict, found


@kernel(is_entry=False)
def untracked(
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
) -> tuple[int, int]:
    """A packet of an untracked flow: the verdict or `GO_ON`, and what was found."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    word = entry * ENTRY_WORDS
    is_reply, state = goes_back(m, entry, direction), m.pool[word + STATE]
    if segment == SYN and (is_reply or state & 15 != ST_SYN_SENT):
        is_over = state & 15 == TIME_WAIT or state & 15 == CLOSE
        forget(m, net, facts, entry, CLOSED if is_over else REPLACED, m.clock[NOW])
        return GO_ON, AS_NEW
    if state >> VERSION_AT != m.clock[VERSION]:
        rule, _cause = judge_again(m, net, rules, facts, p, items, item, entry)
        if rule < 0:
            forget(m, net, facts, entry, CUT, m.clock[NOW])
            return GO_ON, AS_NEW | WAS_CUT
        m.pool[word + OWNER] = interface | (rule + 1) << 32
        mark_judged(m, entry)
    effect, after = move(m, facts, entry, is_reply, segment)
    progress(m, net, facts, interface, entry, is_reply, effect, after)
    rule = rule_of(m, entry)
    return answer(m, facts, p, out, at, row, interface, direction, R_UNTRACKED, S_UNTRACKED, rule, entry), 0


@kernel(is_entry=False)
def deny_for_room(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    row: int,
    interface: int,
    direction: int,
    rule: int,
) -> int:
    """Deny a packet that finds no place, and count it."""
    pressure.note_refused(m, net.interfaces[interface * IF_WORDS + IF_TABLE], m.clock[NOW])
    return answer(m, facts, p, out, at, row, interface, direction, R_TABLE_FULL, S_NEW, rule, -1)


@kernel(is_entry=False, inline=True)
def presume(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    segment: int,
) -> int:
    """A flow that may have been open before the recording began, if the rules would have let it open."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    word = items.service[item]
    opener = find_opener(net, rules, facts, p, items, item, segment, True)
    is_reply = np.int64(opener != direction)
    flags = np.int64(p.tcp_flags[row])
    is_data = segment != 0 and flags & FLAG_ACK != 0 and flags & FLAGS_SYN_RST == 0
    if not is_reply and not is_data:
        return GO_ON
    hi, lo = peer(p, items, item)
    is_ipv6 = np.int64(word & KEY_IPV6 != 0)
    rule = first_admitting(m, net, rules, facts, interface, opener, is_ipv6, hi, lo, opening_service(word, opener))
    if rule == UNRESOLVED_RULE:
        return STOP
    if rule < 0:
        if is_reply and not facts.options[AS_RECORDED]:
            return answer(m, facts, p, out, at, row, interface, direction, R_NOT_SENT, 0, -1, -1)
        return GO_ON
    open_rule, cause = choose(net, rules, facts, interface, word, opener, hi, lo)
    if open_rule < 0 and not has_room(m, net, interface, path(net, interface, is_ipv6, hi, lo)[1]):
        return deny_for_room(m, net, facts, p, out, at, row, interface, direction, rule)
    tracking, state = (UNTRACKED, S_UNTRACKED) if open_rule >= 0 else (TRACKED, S_ESTABLISHED)
    if open_rule >= 0:
        rule = open_rule
    bits = first_tcp(facts, segment, 1, is_reply)
    entry = insert(m, net, facts, p, items, item, tracking, opener, rule, cause, bits, 1)
    return answer(m, facts, p, out, at, row, interface, direction, R_PRESUMED, state, rule, entry)
