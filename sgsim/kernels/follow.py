"""Packets of tracked flows that go on in peace: what nearly all packets of a capture are.

What `remembered.tracked` does to such a packet, made of the same pieces, in one loop that calls nothing: so what it looks
at stays in registers. It stops at the first packet for which there is more to do, with nothing done for that.
"""

import numpy as np

from sgsim.kernels import calendar, pressure, tcp
from sgsim.kernels.answers import R_ESTABLISHED, count, emit_flow, goes_back, rule_of
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets
from sgsim.kernels.choices import UDP
from sgsim.kernels.entries import answered, restarts, timeout
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ANSWERED_AT,
    BASE,
    DUE_AT,
    DUE_COUNT,
    DUE_TIME,
    DUE_WORDS,
    ENTRY_WORDS,
    EXPIRES,
    FLOW,
    IF_TABLE,
    IF_WORDS,
    INVALID,
    KEY_ADDRESSES,
    KEY_SERVICE,
    NOW,
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
from sgsim.kernels.remembered import S_ESTABLISHED, S_NEW, segment_of
from sgsim.kernels.table import TRACKED
from sgsim.model.columns import DecisionColumns

RESTARTS, STOPS = 1 << 4, 1 << 5
"""In `Facts.steps`, beside bits of the state word: the timeout is restarted; there is more to do than the loop does."""
SETS = 15 | 1 << ANSWERED_AT | 1 << STREAM_AT
"""The bits of the state word in `Facts.steps`."""
NO_SEGMENT, UDP_SEGMENT = 0, 7
"""In place of a TCP segment: a packet of another protocol, of UDP."""
_LOW = 0xFFFFFFFF


@kernel(is_entry=False)
def note_steps(facts: Facts) -> None:
    """Fill in `Facts.steps`: what each segment does in each state, and a packet of a protocol without states."""
    for is_reply in range(2):
        for state in range(16):
            for segment in range(UDP_SEGMENT):
                effect, after = tcp.move(facts, state, is_reply, segment)
                is_more = (
                    effect == tcp.REOPENED
                    or effect == tcp.DELETED
                    or (effect == tcp.INVALID and facts.options[INVALID] != 0)
                    or after >> 4 != 0  # what the rules of Linux keep beside the state
                )
                step = (after & 15) | is_reply << ANSWERED_AT
                if restarts(facts, effect, state, after):
                    step |= RESTARTS
                for was_answered in range(2):
                    asks = not was_answered and not is_reply and facts.options[UNANSWERED_RULES] != 0
                    at = step_at(was_answered, is_reply, state, segment)
                    facts.steps[at] = STOPS if is_more or asks else step
        for was_answered in range(2):
            at = step_at(was_answered, is_reply, 0, UDP_SEGMENT)
            facts.steps[at] = facts.steps[step_at(was_answered, is_reply, 0, NO_SEGMENT)]
            if facts.options[STREAM_BY_AGE] and was_answered:  # which no table tells
                facts.steps[at] = STOPS
            else:
                facts.steps[at] |= answered(facts, UDP << 32, was_answered << ANSWERED_AT, is_reply, 0) & 1 << STREAM_AT


@kernel(is_entry=False, inline=True)
def step_at(was_answered: int, is_reply: int, state: int, segment: int) -> int:
    """Where `Facts.steps` has what a packet does."""
    return ((was_answered * 2 + is_reply) * 16 + state) * 8 + segment


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
def next_due(m: Memory) -> int:
    """The time at which something may be due, in nanoseconds: a flow, or a tick that begins."""
    if m.clock[DUE_AT] < m.clock[DUE_COUNT]:
        return m.due[m.clock[DUE_AT] * DUE_WORDS + DUE_TIME]
    return m.clock[BASE] + (m.clock[TICK] + 1 << calendar.TICK_SHIFT)


@kernel(is_entry=False)
def expect_peace(facts: Facts, out: DecisionColumns, at: int, items: Items, begin: int, end: int) -> None:
    """Write, from `at` on, what `follow` would decide the same for each of these items, each with one decision.

    It holds for `sgsim.kernels.admit` too, but for the reason.
    """
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
    due_ns, now_ns, version = next_due(m), m.clock[NOW], m.clock[VERSION] << VERSION_AT
    # 0 if it does not matter by which version of the rules a flow was last judged.
    versions = ~0 << VERSION_AT if facts.options[UNTRACK_WHEN_OPENED] else 0
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
        protocol = np.int64(p.protocol[row])
        segment = segment_of(facts, p, row) + UDP_SEGMENT * np.int64(protocol == UDP)
        step = np.int64(facts.steps[step_at(was_answered, is_reply, before & 15, segment)])
        if step & STOPS or (before ^ version) & versions:
            break
        after = (before & ~15) | (step & SETS)
        service = items.service[item]
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
        out.state[shift + item] = S_ESTABLISHED if after >> ANSWERED_AT & 1 else S_NEW
        out.rule[shift + item] = rule_of(m, entry)
        emit_flow(out, shift + item, after, m.pool[word + FLOW])
        item += 1
    m.clock[NOW] = now_ns
    return item
