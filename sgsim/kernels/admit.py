"""Packets that open flows which rules admit and track, with nothing else to do: what nearly all first packets are.

What `steps.send_plain` does to such a packet, made of the same pieces, in one loop. It stops at the first packet for which
there is more to do, with nothing done for that: of which something may be remembered, that may go on in a flow from
before the recording, that no rule admits, that rules leave untracked, or that finds no room.
"""

import numpy as np

from sgsim.kernels.answers import R_RULE, count, emit_flow
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets, Rules
from sgsim.kernels.choices import SYN, UDP, choose_here, goes_to_client, has_room, path
from sgsim.kernels.entries import insert_here
from sgsim.kernels.follow import UDP_SEGMENT, next_due
from sgsim.kernels.forget import expire_until
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    DUE_COUNT,
    DUE_SIZE,
    EARLY_HEAD,
    EARLY_MASK,
    EARLY_TAIL,
    ENTRY_WORDS,
    EXPIRES,
    FREE_COUNT,
    IF_TABLE,
    IF_WORDS,
    IN_USE,
    INDEX_MASK,
    INDEX_USED,
    LAST_SEGMENT_AT,
    NEXT_FLOW,
    NOW,
    POOL_SIZE,
    POOL_USED,
    STARTED,
    TABLE_WORDS,
)
from sgsim.kernels.prefetch import prefetch
from sgsim.kernels.remembered import S_NEW, segment_of
from sgsim.kernels.table import TRACKED, empty_slots, home, with_tag
from sgsim.model.columns import DecisionColumns

OPENING = 1 << SYN | 1 << UDP_SEGMENT
"""A bit for each segment that may open a flow, whoever sends it; of UDP, only what does not go back to a client."""

LINES_AHEAD = 4
"""How many items ahead a line of the index is asked for once more: what was done since may have put it out of the first cache."""


@kernel(is_entry=False, inline=True)
def _flows_with_room(m: Memory) -> int:
    """How many more flows memory can take; none before the first packet, which sets the clock."""
    clock = m.clock
    entries = clock[FREE_COUNT] + clock[POOL_SIZE] - clock[POOL_USED]
    slots, due = clock[INDEX_MASK] * 2 // 5 - clock[INDEX_USED], clock[DUE_SIZE] - clock[DUE_COUNT]
    early = clock[EARLY_MASK] + 1 + clock[EARLY_HEAD] - clock[EARLY_TAIL]
    return min(entries, slots, due, early) * clock[STARTED]


@kernel(is_entry=False)
def admit(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    begin: int,
    end: int,
) -> int:
    """Judge items from `begin` on as long as each opens a flow and memory has room for it, decisions from `at` on.

    What is due at their times expires.

    Returns:
        The first item that does not, or `end`.
    """
    due_ns, now_ns = next_due(m), m.clock[NOW]
    verdict, opened = np.int64(facts.verdicts[R_RULE]), np.int64(facts.pickup[SYN]) | SYN << LAST_SEGMENT_AT
    no_address = np.uint64(0)
    shift = at - begin
    item, last = begin, min(end, begin + _flows_with_room(m))
    while item < last and items.is_plain[item] and items.entry[item] < 0:
        row, interface, direction = (
            np.int64(items.row[item]),
            np.int64(items.interface[item]),
            np.int64(items.direction[item]),
        )
        time_ns, protocol = p.time_ns[row], np.int64(p.protocol[row])
        # Whether the next one is TCP is anyone's guess, so nothing branches on it.
        is_udp = np.int64(protocol == UDP)
        segment = segment_of(facts, p, row) + UDP_SEGMENT * is_udp
        opens = OPENING >> segment & 1 & ~(is_udp & np.int64(goes_to_client(facts, p, row)))
        if time_ns < now_ns or not opens:
            break
        if time_ns >= due_ns:
            if not expire_until(m, net, facts, time_ns):
                break
            due_ns, last = next_due(m), min(end, item + _flows_with_room(m))
        prefetch(m.index, np.int64(home(m, items.hashed[item + LINES_AHEAD])))
        line = home(m, items.hashed[item])
        if with_tag(m, line, items.hashed[item]) or not empty_slots(m, line):
            break
        word = items.service[item]
        remote = np.uint64(items.addresses[item]) >> np.uint64(32)
        rule = np.int64(items.rule[item])
        is_automatic, places = path(net, interface, 0, no_address, remote)
        if rule < 0 or not has_room(m, net, interface, places):
            break
        open_rule, cause = choose_here(
            net, rules, facts, interface, word, direction, 0, no_address, remote, is_automatic
        )
        if open_rule >= 0:
            break
        now_ns = m.clock[NOW] = time_ns
        m.tables[net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS + IN_USE] = 1
        bits = opened * (is_udp ^ 1)
        entry, state = insert_here(
            m, net, facts, p, items, item, TRACKED, direction, rule, cause, bits, 0, 0, is_automatic, places
        )
        due_ns = min(due_ns, m.pool[entry * ENTRY_WORDS + EXPIRES])
        count(m, facts, p, row, direction, entry, verdict, time_ns)
        out.reason[shift + item] = R_RULE
        out.state[shift + item] = S_NEW
        out.rule[shift + item] = rule
        emit_flow(out, shift + item, state, m.clock[NEXT_FLOW])
        item += 1
    return item
