"""The way of a batch: the clock, then each packet at each interface that it touches.

Compiled twin of `sgsim.engine.reference`. What can be known of a packet without the others is found ahead of it, so that
the memory of its flow can be asked for early.
"""

import numpy as np
from numba import types

from sgsim.kernels.admit import admit
from sgsim.kernels.ahead import locate, look_up, resolve
from sgsim.kernels.answers import ALLOW, DENY, SKIP, emit
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets, Rules
from sgsim.kernels.entries import find_item
from sgsim.kernels.follow import expect_peace, follow, likely_entry, note_steps
from sgsim.kernels.forget import MOVED, ends_with_room, expire_until, forget, has_room_to_end, is_due
from sgsim.kernels.groups import decisions_at, facts_at, items_at, memory_at, network_at, packets_at, rules_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    BASE,
    CHUNK,
    DONE,
    DUE_COUNT,
    DUE_SIZE,
    EARLY_HEAD,
    EARLY_MASK,
    EARLY_TAIL,
    ENTRY_WORDS,
    FORGET_AT,
    FORGET_COUNT,
    FRAGMENTS_MASK,
    FRAGMENTS_USED,
    FREE_COUNT,
    GROW_DUE,
    GROW_EARLY,
    GROW_ENDED,
    GROW_FRAGMENTS,
    GROW_INDEX,
    GROW_POOL,
    HAS_BASE,
    HAS_WIDE,
    INDEX_MASK,
    INDEX_USED,
    LATE,
    NOW,
    OPENER_EGRESS_AT,
    POOL_SIZE,
    POOL_USED,
    START,
    STARTED,
    STATE,
    STEP_BACK,
    TRACKING_AT,
    UNRESOLVED,
)
from sgsim.kernels.locate import INGRESS, WITNESS
from sgsim.kernels.remembered import R_NOT_SENT, STOP
from sgsim.kernels.steps import judge, refuse, send_plain
from sgsim.kernels.table import REFUSED
from sgsim.model.columns import DecisionColumns

_WORD = types.int64


@kernel(is_entry=False, inline=True)
def _has_room_for_packet(m: Memory, facts: Facts, is_ipv6: bool) -> int:
    """Whether memory can take one packet more: `DONE`, or what has to grow first."""
    if m.clock[FREE_COUNT] < 4 and m.clock[POOL_USED] + 4 > m.clock[POOL_SIZE]:
        return GROW_POOL
    if is_ipv6 and not m.clock[HAS_WIDE]:
        return GROW_POOL
    if (m.clock[INDEX_USED] + 4) * 5 > m.clock[INDEX_MASK] * 2:
        return GROW_INDEX
    if m.clock[DUE_COUNT] + 4 > m.clock[DUE_SIZE]:
        return GROW_DUE
    if m.clock[EARLY_TAIL] - m.clock[EARLY_HEAD] + 3 > m.clock[EARLY_MASK]:
        return GROW_EARLY
    if (m.clock[FRAGMENTS_USED] + 4) * 2 > m.clock[FRAGMENTS_MASK]:
        return GROW_FRAGMENTS
    return DONE if has_room_to_end(m, facts) else GROW_ENDED


@kernel(is_entry=False)
def _packets_with_room(m: Memory, facts: Facts) -> int:
    """How many plain packets more memory can certainly take."""
    clock = m.clock
    entries = max(clock[FREE_COUNT], clock[POOL_SIZE] - clock[POOL_USED]) // 4
    slots = (clock[INDEX_MASK] * 2 // 5 - clock[INDEX_USED]) // 4
    due = (clock[DUE_SIZE] - clock[DUE_COUNT]) // 4
    early = (clock[EARLY_MASK] + 1 + clock[EARLY_HEAD] - clock[EARLY_TAIL]) // 4
    return min(entries, slots, due, early, ends_with_room(m, facts))


@kernel(is_entry=False, inline=True)
def _begin(m: Memory, time_ns: int) -> None:
    """Begin the calendar with the first time seen."""
    if not m.clock[HAS_BASE]:
        m.clock[HAS_BASE], m.clock[BASE], m.clock[NOW] = 1, time_ns, time_ns


@kernel(is_entry=False, inline=True)
def _set_clock(m: Memory, time_ns: int) -> None:
    """Let the clock be at a packet, before which nothing is due; it never goes back."""
    if time_ns < m.clock[NOW]:
        m.clock[LATE] += 1
        m.clock[STEP_BACK] = max(m.clock[STEP_BACK], m.clock[NOW] - time_ns)
    else:
        m.clock[NOW] = time_ns


@kernel(is_entry=False)
def _tick(m: Memory, net: Network, facts: Facts, time_ns: int, is_ipv6: bool) -> int:
    """Set the clock by a packet: what is due expires. `DONE`, or what has to grow before that can go on."""
    _begin(m, time_ns)
    now_ns = max(time_ns, m.clock[NOW])
    if is_due(m, now_ns) and not expire_until(m, net, facts, now_ns):
        return GROW_ENDED
    need = _has_room_for_packet(m, facts, is_ipv6)
    if need != DONE:
        return need
    _set_clock(m, time_ns)
    if not m.clock[STARTED]:
        m.clock[STARTED], m.clock[START] = 1, now_ns
    return DONE


@kernel(is_entry=False, inline=True)
def _judge_items(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    count: int,
    room: int,
) -> tuple[int, int, int, int]:
    """Judge the items of a chunk.

    Returns:
        `DONE` or what has to grow; the row to go on with; where to write on; and for how many packets there is room, which
        is 0 if nobody knows.
    """
    begin, expected, expired_for = 0, -1, -1
    while begin < count:
        item = begin
        if items.is_plain[item] and at - begin != expected:
            expected = at - begin
            expect_peace(facts, out, at, items, begin, count)
        if items.is_plain[item] and items.entry[item] >= 0:
            item = follow(m, net, facts, p, out, at, items, begin, count)
            at += item - begin
            if item == count:
                break
        if items.is_plain[item] and items.entry[item] < 0 and items.rule[item] >= 0:
            begin = item
            item = admit(m, net, rules, facts, p, out, at, items, begin, count)
            at, room = at + item - begin, 0
            if item == count:
                break
            if item > begin and items.entry[item] >= 0:
                begin = item
                continue
        begin = item + 1
        row = np.int64(items.row[item])
        if items.is_plain[item] and item != expired_for and m.clock[STARTED] and is_due(m, p.time_ns[row]):
            if not expire_until(m, net, facts, p.time_ns[row]):
                return GROW_ENDED, row, at, 0
            begin, room, expired_for = item, 0, item
            continue
        if p.skip[row]:
            emit(m, out, at, row, -1, 0, np.int64(items.skip[item]), SKIP, 0, -1, -1)
            at += 1
            continue
        time_ns = p.time_ns[row]
        if room > 0 and items.is_plain[item]:
            room -= 1
            _set_clock(m, time_ns)
        else:
            need = _tick(m, net, facts, time_ns, p.family[row] == 6)
            if need != DONE:
                return need, row, at, room
            room = _packets_with_room(m, facts) - 1
        if items.is_plain[item]:
            verdict = send_plain(m, net, rules, facts, p, out, at, items, item, likely_entry(m, items, item))
            if verdict == STOP:
                return UNRESOLVED, row, at, room
            at += 1
            continue
        second = item + CHUNK if items.has_second[item] else -1
        if items.skip[item] == WITNESS:
            entry = find_item(m, p, items, item) if items.has_key[item] else -1
            item, second = second, -1
            state = m.pool[entry * ENTRY_WORDS + STATE] if entry >= 0 else np.int64(0)
            if state >> TRACKING_AT & 3 == REFUSED and state >> OPENER_EGRESS_AT & 1:
                if not refuse(m, net, facts, p, items, item):
                    return UNRESOLVED, row, at, room
                emit(m, out, at, row, np.int64(items.interface[item]), INGRESS, R_NOT_SENT, SKIP, 0, -1, -1)
                at += 1
                continue
        if items.skip[item]:
            interface = np.int64(items.interface[item])
            emit(m, out, at, row, interface, 0, np.int64(items.skip[item]), SKIP, 0, -1, -1)
            at += 1
            continue
        verdict = judge(m, net, rules, facts, p, out, at, items, item)
        if verdict == STOP:
            return UNRESOLVED, row, at, room
        at += 1
        if second >= 0:
            if verdict == ALLOW:
                verdict = judge(m, net, rules, facts, p, out, at, items, second)
                if verdict == STOP:
                    return UNRESOLVED, row, at, room
                at += 1
            elif verdict == DENY and not p.fragment_offset[row]:
                if not refuse(m, net, facts, p, items, second):
                    return UNRESOLVED, row, at, room
    return DONE, 0, at, room


@kernel(signature=types.UniTuple(_WORD, 3)(*(_WORD,) * 10))
def filter_batch(
    memory: int,
    network: int,
    lowered: int,
    known: int,
    packets: int,
    decisions: int,
    located: int,
    rows: int,
    begin: int,
    at: int,
) -> tuple[int, int, int]:
    """Judge packets from row `begin` to `rows`, writing decisions from `at` on.

    Args:
        memory: Address of the list of addresses of `Memory`; so the next ones of `Network`, `Rules`, `Facts`, `Packets`,
            `DecisionColumns` and `Items`.
        network: See `memory`.
        lowered: See `memory`.
        known: See `memory`.
        packets: See `memory`.
        decisions: See `memory`.
        located: See `memory`; with room for two items for each packet of a chunk.
        rows: How many packets there are.
        begin: The first to judge.
        at: Where to write its decisions.

    Returns:
        `DONE` or what has to grow, the row to go on with, and where to write on. Nothing of that row is done yet.
    """
    m, net, rules, facts = memory_at(memory), network_at(network), rules_at(lowered), facts_at(known)
    p, out, items = packets_at(packets), decisions_at(decisions), items_at(located)
    room = 0
    note_steps(facts)
    for chunk in range(begin, rows, CHUNK):
        count = min(CHUNK, rows - chunk)
        locate(m, net, facts, p, chunk, count, items)
        opening = resolve(m, items, count)
        if opening:
            look_up(net, rules, p, items, opening)
        need, row, at, room = _judge_items(m, net, rules, facts, p, out, at, items, count, room)
        if need != DONE:
            return need, row, at
    return DONE, rows, at


@kernel(signature=_WORD(*(_WORD,) * 4))
def advance(memory: int, network: int, known: int, now_ns: int) -> int:
    """Set the clock forward without a packet: `DONE`, or what has to grow before that can go on.

    Args:
        memory: Address of the list of addresses of `Memory`.
        network: That of `Network`.
        known: That of `Facts`.
        now_ns: The time to come to.
    """
    m, net, facts = memory_at(memory), network_at(network), facts_at(known)
    _begin(m, now_ns)
    if is_due(m, now_ns) and not expire_until(m, net, facts, now_ns):
        return GROW_ENDED
    m.clock[NOW] = now_ns
    return DONE


@kernel(signature=_WORD(*(_WORD,) * 3))
def forget_queued(memory: int, network: int, known: int) -> int:
    """Forget the flows that the queue of `Memory.forget` names: those of an interface that leaves its instance.

    Args:
        memory: Address of the list of addresses of `Memory`.
        network: That of `Network`.
        known: That of `Facts`.

    Returns:
        `DONE`, or what has to grow before the rest can be forgotten.
    """
    m, net, facts = memory_at(memory), network_at(network), facts_at(known)
    while m.clock[FORGET_AT] < m.clock[FORGET_COUNT]:
        if not has_room_to_end(m, facts):
            return GROW_ENDED
        at = m.clock[FORGET_AT]
        m.clock[FORGET_AT] = at + 1
        forget(m, net, facts, m.forget[at * 2 + 1], MOVED, m.clock[NOW])
    return DONE
