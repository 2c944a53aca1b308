"""The way of a batch: the clock, then each packet at each interface that it touches.

Compiled twin of `sgsim.engine.reference`. What can be known of a packet without the others is found ahead of it, so that
the memory of its flow can be asked for early.
"""

import numpy as np
from numba import types

from sgsim.kernels.answers import _LOW, ALLOW, DENY, SKIP, emit
from sgsim.kernels.arrays import (
    Facts,
    Items,
    Memory,
    Network,
    Packets,
    decisions_at,
    facts_at,
    items_at,
    memory_at,
    network_at,
    packets_at,
    rules_at,
)
from sgsim.kernels.forget import MOVED, expire_until, forget, has_room_to_end
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    BASE,
    DONE,
    DUE_COUNT,
    DUE_SIZE,
    ENTRY_WORDS,
    EXTRA_WORDS,
    FLOW,
    FRAGMENTS_MASK,
    FRAGMENTS_USED,
    FREE_COUNT,
    GROW_DUE,
    GROW_ENDED,
    GROW_FRAGMENTS,
    GROW_INDEX,
    GROW_POOL,
    HAS_BASE,
    HAS_EXTRA,
    HAS_WIDE,
    INDEX_MASK,
    INDEX_USED,
    LATE,
    NOW,
    OWNER,
    POOL_SIZE,
    POOL_USED,
    START,
    STARTED,
    STEP_BACK,
    UNRESOLVED,
)
from sgsim.kernels.locate import locate
from sgsim.kernels.prefetch import prefetch
from sgsim.kernels.steps import STOP, judge, refuse

PREFETCH_AHEAD = 16
"""How many items ahead the entry of a flow is asked for; its slot of the index twice as many."""
CHUNK = 1024
"""How many packets are located at a time: few enough for their items to stay in the first caches."""
_WORD = types.int64


@kernel(is_entry=False, inline=True)
def _ask_early(m: Memory, items: Items, item: int, count: int) -> None:
    """Ask for the memory of coming items in two steps: the slot of the index, then, by its tag, the entry."""
    mask = np.uint64(m.clock[INDEX_MASK])
    low = np.uint64(_LOW)
    if item + 2 * PREFETCH_AHEAD < count:
        prefetch(m.index, np.int64(items.hashed[item + 2 * PREFETCH_AHEAD] & low & mask))
    ahead = item + PREFETCH_AHEAD
    if ahead < count and items.has_key[ahead]:
        tag = items.hashed[ahead] & low
        at = tag & mask
        slot = m.index[at]
        while slot != np.uint64(0) and slot >> np.uint64(32) != tag:
            at = (at + np.uint64(1)) & mask
            slot = m.index[at]
        if slot != np.uint64(0):
            entry = np.int64(slot & low) - 1
            prefetch(m.pool, entry * ENTRY_WORDS)
            if m.clock[HAS_EXTRA]:
                prefetch(m.extra, entry * EXTRA_WORDS)


@kernel(is_entry=False, inline=True)
def _has_room_for_packet(m: Memory, facts: Facts, is_ipv6: bool) -> int:
    """Whether memory can take one packet more: `DONE`, or what has to grow first."""
    if m.clock[FREE_COUNT] < 4 and m.clock[POOL_USED] + 4 > m.clock[POOL_SIZE]:
        return GROW_POOL
    if is_ipv6 and not m.clock[HAS_WIDE]:
        return GROW_POOL
    if (m.clock[INDEX_USED] + 4) * 3 > m.clock[INDEX_MASK]:
        return GROW_INDEX
    if m.clock[DUE_COUNT] + 4 > m.clock[DUE_SIZE]:
        return GROW_DUE
    if (m.clock[FRAGMENTS_USED] + 4) * 2 > m.clock[FRAGMENTS_MASK]:
        return GROW_FRAGMENTS
    return DONE if has_room_to_end(m, facts) else GROW_ENDED


@kernel(is_entry=False, inline=True)
def _begin(m: Memory, time_ns: int) -> None:
    """Begin the calendar with the first time seen."""
    if not m.clock[HAS_BASE]:
        m.clock[HAS_BASE], m.clock[BASE], m.clock[NOW] = 1, time_ns, time_ns


@kernel(is_entry=False, inline=True)
def _tick(m: Memory, net: Network, facts: Facts, p: Packets, row: int) -> int:
    """Set the clock by a packet: what is due expires. `DONE`, or what has to grow before that can go on."""
    time_ns = p.time_ns[row]
    _begin(m, time_ns)
    now_ns = max(time_ns, m.clock[NOW])
    if not expire_until(m, net, facts, now_ns):
        return GROW_ENDED
    need = _has_room_for_packet(m, facts, p.family[row] == 6)
    if need != DONE:
        return need
    if time_ns < m.clock[NOW]:
        m.clock[LATE] += 1
        m.clock[STEP_BACK] = max(m.clock[STEP_BACK], m.clock[NOW] - time_ns)
    m.clock[NOW] = now_ns
    if not m.clock[STARTED]:
        m.clock[STARTED], m.clock[START] = 1, now_ns
    return DONE


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
    for chunk in range(begin, rows, CHUNK):
        count = locate(net, facts, p, chunk, min(chunk + CHUNK, rows), items)
        item = 0
        while item < count:
            row = np.int64(items.row[item])
            is_two = item + 1 < count and items.row[item + 1] == row
            _ask_early(m, items, item, count)
            if items.skip[item] and p.skip[row]:
                emit(m, out, at, row, -1, 0, np.int64(items.skip[item]), SKIP, 0, -1, -1)
                at += 1
                item += 1
                continue
            need = _tick(m, net, facts, p, row)
            if need != DONE:
                return need, row, at
            if items.skip[item]:
                interface = np.int64(items.interface[item])
                emit(m, out, at, row, interface, 0, np.int64(items.skip[item]), SKIP, 0, -1, -1)
                at += 1
                item += 1
                continue
            verdict = judge(m, net, rules, facts, p, out, at, items, item)
            if verdict == STOP:
                return UNRESOLVED, row, at
            at += 1
            if is_two:
                _ask_early(m, items, item + 1, count)
                if verdict == ALLOW:
                    verdict = judge(m, net, rules, facts, p, out, at, items, item + 1)
                    if verdict == STOP:
                        return UNRESOLVED, row, at
                    at += 1
                elif verdict == DENY and not p.fragment_offset[row]:
                    if not refuse(m, net, facts, p, items, item + 1):
                        return UNRESOLVED, row, at
                item += 1
            item += 1
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
    if not expire_until(m, net, facts, now_ns):
        return GROW_ENDED
    m.clock[NOW] = now_ns
    return DONE


@kernel(signature=_WORD(*(_WORD,) * 5))
def forget_interface(memory: int, network: int, known: int, interface: int, begin: int) -> int:
    """Forget the flows of an interface that leaves its instance, in the order of their numbers.

    Args:
        memory: Address of the list of addresses of `Memory`.
        network: That of `Network`.
        known: That of `Facts`.
        interface: Which.
        begin: The number of the flow to go on after; 0 at first.

    Returns:
        -1 when all are forgotten, else the number of the last flow forgotten before there was no more room.
    """
    m, net, facts = memory_at(memory), network_at(network), facts_at(known)
    flows, entries = np.empty(m.clock[POOL_USED], np.int64), np.empty(m.clock[POOL_USED], np.int64)
    count = 0
    for entry in range(m.clock[POOL_USED]):
        word = entry * ENTRY_WORDS
        if m.pool[word + FLOW] > begin and m.pool[word + OWNER] & _LOW == interface:
            flows[count], entries[count] = m.pool[word + FLOW], entry
            count += 1
    last = begin
    for at in np.argsort(flows[:count]):
        if not has_room_to_end(m, facts):
            return last
        forget(m, net, facts, entries[at], MOVED, m.clock[NOW])
        last = flows[at]
    return -1
