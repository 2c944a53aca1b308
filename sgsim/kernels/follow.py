"""Packets of tracked flows that go on in peace: what nearly all packets of a capture are.

What `remembered.tracked` does to such a packet, made of the same pieces, in one loop that calls nothing: so what it looks
at stays in registers. It stops at the first packet for which there is more to do, with nothing done for that.
"""

import numpy as np

from sgsim.kernels import calendar, pressure, tcp
from sgsim.kernels.answers import R_ESTABLISHED, count, goes_back, rule_of
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets
from sgsim.kernels.choices import UDP
from sgsim.kernels.entries import answered, restarts, timeout
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ANSWERED_AT,
    BASE,
    DUE_AT,
    DUE_COUNT,
    ENTRY_WORDS,
    EXPIRES,
    FLOW,
    IF_TABLE,
    IF_WORDS,
    INVALID,
    KEY_ADDRESSES,
    KEY_SERVICE,
    NOW,
    OPENER_EGRESS_AT,
    OWNER,
    STATE,
    STREAM_AT,
    STREAM_BY_AGE,
    TICK,
    TRACKING_AT,
    UNANSWERED_RULES,
    UNTRACK_WHEN_OPENED,
    VERSION,
    VERSION_AT,
)
from sgsim.kernels.locate import INGRESS
from sgsim.kernels.remembered import S_ESTABLISHED, S_NEW, segment_of
from sgsim.kernels.table import TRACKED
from sgsim.model.columns import DecisionColumns

RESTARTS, STOPS, STREAMS = 16, 32, 64
"""In `Facts.steps`, beside the state after: the timeout is restarted; there is more to do than the loop does; a UDP flow is
a stream."""
_LOW = 0xFFFFFFFF


@kernel(is_entry=False)
def note_steps(facts: Facts) -> None:
    """Fill in `Facts.steps`: what each segment does in each state, and a packet of a protocol without states."""
    for is_reply in range(2):
        for state in range(16):
            for segment in range(8):
                effect, after = tcp.move(facts, state, is_reply, segment)
                step = after & 15
                if restarts(facts, effect, state, after):
                    step |= RESTARTS
                is_more = (
                    effect == tcp.REOPENED
                    or effect == tcp.DELETED
                    or (effect == tcp.INVALID and facts.options[INVALID] != 0)
                    or after >> 4 != 0  # what the rules of Linux keep beside the state
                )
                for is_answered in range(2):
                    at = ((is_answered * 2 + is_reply) * 16 + state) * 8 + segment
                    facts.steps[at] = STOPS if is_more else step
    for is_reply in range(2):
        # Whether a flow is a stream by its age is not told by a table.
        bits = answered(facts, UDP << 32, 1 << ANSWERED_AT, is_reply, 0)
        streams = STREAMS if bits >> STREAM_AT & 1 else 0
        facts.steps[(2 + is_reply) * 128] |= STOPS if facts.options[STREAM_BY_AGE] else streams


@kernel(is_entry=False, inline=True)
def likely_entry(m: Memory, items: Items, item: int) -> int:
    """The entry of an item's tracked flow if it is the one that its tag led to, else -1; IPv4 alone."""
    entry = np.int64(items.entry[item])
    if entry < 0:
        return -1
    word = entry * ENTRY_WORDS
    other = (
        (m.pool[word + KEY_ADDRESSES] ^ items.addresses[item])
        | (m.pool[word + KEY_SERVICE] ^ items.service[item])
        | ((m.pool[word + OWNER] ^ np.int64(items.interface[item])) & _LOW)
        | ((m.pool[word + STATE] >> TRACKING_AT & 3) ^ TRACKED)  # which is 0 of a free entry
    )
    return entry if other == 0 else -1


@kernel(is_entry=False, inline=True)
def _next_due(m: Memory) -> int:
    """The time at which something may be due, in nanoseconds: a flow, or a tick that begins."""
    if m.clock[DUE_AT] < m.clock[DUE_COUNT]:
        return m.due[m.clock[DUE_AT] * 3]
    return m.clock[BASE] + (m.clock[TICK] + 1 << calendar.TICK_SHIFT)


@kernel(is_entry=False)
def expect_peace(facts: Facts, out: DecisionColumns, at: int, items: Items, begin: int, end: int) -> None:
    """Write, from `at` on, what `follow` would decide the same for each of these items, each with one decision."""
    verdict, shift = np.int64(facts.verdicts[R_ESTABLISHED]), at - begin
    for item in range(begin, end):
        out.row[shift + item] = items.row[item]
        out.interface[shift + item] = items.interface[item]
        out.direction[shift + item] = items.direction[item]
        out.verdict[shift + item] = verdict
        out.reason[shift + item] = R_ESTABLISHED


@kernel(is_entry=False)
def follow(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    begin: int,
    end: int,
) -> int:
    """Judge items from `begin` on as long as each goes on in peace, where that was expected, decisions from `at` on.

    Returns:
        The first item that does not, or `end`.
    """
    due_ns, now_ns, version = _next_due(m), m.clock[NOW], m.clock[VERSION]
    asks_rules, asks_again = facts.options[UNANSWERED_RULES], facts.options[UNTRACK_WHEN_OPENED]
    verdict = np.int64(facts.verdicts[R_ESTABLISHED])
    first_row, shift = np.int64(items.row[begin]) - begin, at - begin
    item = begin
    while item < end and items.is_plain[item]:
        row = first_row + item
        time_ns = p.time_ns[row]
        if time_ns < now_ns or time_ns >= due_ns:
            break
        entry = likely_entry(m, items, item)
        if entry < 0:
            break
        interface, direction = np.int64(items.interface[item]), np.int64(items.direction[item])
        word = entry * ENTRY_WORDS
        before = m.pool[word + STATE]
        is_reply, was_answered = goes_back(m, entry, direction), before >> ANSWERED_AT & 1
        place = ((was_answered * 2 + is_reply) * 16 + (before & 15)) * 8 + segment_of(facts, p, row)
        step = np.int64(facts.steps[place])
        is_answered = is_reply | was_answered
        if step & STOPS or (asks_again and before >> VERSION_AT != version) or (asks_rules and not is_answered):
            break
        after = (before & ~15) | (step & 15) | is_reply << ANSWERED_AT
        service = items.service[item]
        after |= (np.int64(step & STREAMS != 0) & np.int64(service >> 32 & 255 == UDP)) << STREAM_AT
        if step & RESTARTS:
            expires = time_ns + timeout(net, facts, interface, service, after)
            if calendar.comes_too_late(m, entry, expires):
                break
            m.pool[word + EXPIRES] = expires
        now_ns = time_ns
        m.pool[word + STATE] = after
        if before != after:
            table = net.interfaces[interface * IF_WORDS + IF_TABLE]
            pressure.note_state_here(m, table, service, before, after)
        count(m, facts, p, row, direction, entry, verdict, time_ns)
        out.state[shift + item] = S_ESTABLISHED if is_answered else S_NEW
        out.rule[shift + item] = rule_of(m, entry)
        out.tcp_state[shift + item] = after & 15
        out.opener[shift + item] = INGRESS + (after >> OPENER_EGRESS_AT & 1)
        out.flow[shift + item] = m.pool[word + FLOW]
        item += 1
    m.clock[NOW] = now_ns
    return item
