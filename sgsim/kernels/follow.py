"""Packets of tracked flows that go on in peace: what nearly all packets of a capture are.

What `remembered.tracked` does to such a packet, made of the same pieces, in one loop that calls nothing: so all that it
looks at stays in registers. It stops at the first packet for which there is more to do, with nothing done for that.
"""

import numpy as np

from sgsim.kernels import calendar, pressure, tcp
from sgsim.kernels.answers import R_ESTABLISHED, count, emit, goes_back, rule_of
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets
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
    LATE,
    NOW,
    OPENED,
    OWNER,
    STATE,
    STEP_BACK,
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

RESTARTS, STOPS = 16, 32
"""In `Facts.steps`, beside the state after: the timeout is restarted; there is more to do than this loop does."""
_LOW = 0xFFFFFFFF


@kernel(is_entry=False)
def note_steps(facts: Facts) -> None:
    """Fill in `Facts.steps`: what each segment does in each state."""
    for is_reply in range(2):
        for state in range(16):
            for segment in range(8):
                effect, after = tcp.move(facts, state, is_reply, segment)
                stops = (
                    effect == tcp.REOPENED
                    or effect == tcp.DELETED
                    or (effect == tcp.INVALID and facts.options[INVALID] != 0)
                    or after >> 4 != 0  # what the rules of Linux keep beside the state
                )
                step = after & 15
                if restarts(facts, effect, state, after):
                    step |= RESTARTS
                facts.steps[is_reply * 128 + state * 8 + segment] = STOPS if stops else step


@kernel(is_entry=False, inline=True)
def set_clock(m: Memory, time_ns: int) -> None:
    """Let the clock be at a packet, before which nothing is due; it never goes back."""
    if time_ns < m.clock[NOW]:
        m.clock[LATE] += 1
        m.clock[STEP_BACK] = max(m.clock[STEP_BACK], m.clock[NOW] - time_ns)
    else:
        m.clock[NOW] = time_ns


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
        | ((m.pool[word + STATE] >> TRACKING_AT & 3) ^ TRACKED)
    )
    return entry if other == 0 and m.pool[word + FLOW] else -1


@kernel(is_entry=False, inline=True)
def _next_due(m: Memory) -> int:
    """The time at which something may be due, in nanoseconds: a flow, or a tick that begins."""
    if m.clock[DUE_AT] < m.clock[DUE_COUNT]:
        return m.due[m.clock[DUE_AT] * 3]
    return m.clock[BASE] + (m.clock[TICK] + 1 << calendar.TICK_SHIFT)


@kernel(is_entry=False)
def follow(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    end: int,
) -> int:
    """Judge items from `item` on, writing decisions from `at` on, as long as each goes on in peace.

    Returns:
        The first item that does not, or `end`.
    """
    due_ns, version = _next_due(m), m.clock[VERSION]
    asks_rules, asks_again = facts.options[UNANSWERED_RULES], facts.options[UNTRACK_WHEN_OPENED]
    verdict = np.int64(facts.verdicts[R_ESTABLISHED])
    for here in range(item, end):
        row = np.int64(items.row[here])
        if not items.is_plain[here] or p.time_ns[row] >= due_ns:
            return here
        entry = likely_entry(m, items, here)
        if entry < 0:
            return here
        interface, direction = np.int64(items.interface[here]), np.int64(items.direction[here])
        word = entry * ENTRY_WORDS
        before, service = m.pool[word + STATE], items.service[here]
        is_reply = goes_back(m, entry, direction)
        is_answered = is_reply | (before >> ANSWERED_AT & 1)
        step = np.int64(facts.steps[is_reply * 128 + (before & 15) * 8 + segment_of(facts, p, row)])
        if step & STOPS or (asks_again and before >> VERSION_AT != version) or (asks_rules and not is_answered):
            return here
        now_ns = max(p.time_ns[row], m.clock[NOW])
        after = (before & ~15) | (step & 15)
        after |= answered(facts, service, before, is_reply, now_ns - m.pool[word + OPENED])
        if step & RESTARTS:
            expires = now_ns + timeout(net, facts, interface, service, after)
            if calendar.comes_too_late(m, entry, expires):
                return here
            m.pool[word + EXPIRES] = expires
        set_clock(m, p.time_ns[row])
        m.pool[word + STATE] = after
        if before != after:
            table = net.interfaces[interface * IF_WORDS + IF_TABLE]
            pressure.note_state_here(m, table, service, before, after)
        count(m, facts, p, row, direction, entry, verdict)
        state = S_ESTABLISHED if is_answered else S_NEW
        emit(m, out, at, row, interface, direction, R_ESTABLISHED, verdict, state, rule_of(m, entry), entry)
        at += 1
    return end
