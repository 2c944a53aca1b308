"""Verdicts of first fragments.

Compiled twin of `sgsim.engine.memory.FragmentMemory`. A slot has twelve words: interface, direction, family and protocol
in one; the identification + 1 (0 is an empty slot); source and destination; until when it holds; the decision in two;
and the flow's entry with its number, which tells whether the entry still is that flow's.
"""

import numpy as np
from numba import types

from sgsim.kernels.arrays import Column, Memory, Packets
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import ENTRY_WORDS, FLOW, FRAGMENT_WORDS, FRAGMENTS_MASK, FRAGMENTS_USED
from sgsim.kernels.table import mix
from sgsim.model.columns import DecisionColumns

_AT_KEY, _AT_ID, _AT_SRC, _AT_DST, _AT_GONE, _AT_DECISION, _AT_RULE, _AT_FLOW, _AT_ENTRY, _AT_ENTRY_FLOW = (
    0, 1, 2, 4, 6, 7, 8, 9, 10, 11,
)  # fmt: skip


@kernel(is_entry=False)
def _key(p: Packets, row: int, interface: int, direction: int) -> int:
    # IPv6 fragments of one packet may name different headers (RFC 8200 section 4.5), so the protocol is no part of it.
    protocol = np.int64(p.protocol[row]) if p.family[row] == 4 else 0
    return interface | direction << 24 | np.int64(p.family[row]) << 26 | protocol << 32


@kernel(is_entry=False)
def _slot(m: Memory, p: Packets, row: int, interface: int, direction: int) -> int:
    """Where the first fragment of a packet is, or would be, kept."""
    key, number = _key(p, row, interface, direction), np.int64(p.fragment_id[row]) + 1
    src_hi, src_lo = np.int64(p.src_hi[row]), np.int64(p.src_lo[row])
    dst_hi, dst_lo = np.int64(p.dst_hi[row]), np.int64(p.dst_lo[row])
    hashed = mix(np.uint64(key) ^ mix(np.uint64(number) ^ mix(p.src_lo[row] ^ mix(p.dst_lo[row]))))
    mask = m.clock[FRAGMENTS_MASK]
    at = np.int64(hashed & np.uint64(0x7FFFFFFFFFFFFFFF)) & mask
    while True:
        word = at * FRAGMENT_WORDS
        if m.fragments[word + _AT_ID] == 0:
            return word
        if (
            m.fragments[word + _AT_ID] == number
            and m.fragments[word + _AT_KEY] == key
            and m.fragments[word + _AT_SRC] == src_hi
            and m.fragments[word + _AT_SRC + 1] == src_lo
            and m.fragments[word + _AT_DST] == dst_hi
            and m.fragments[word + _AT_DST + 1] == dst_lo
        ):
            return word
        at = (at + 1) & mask


@kernel(is_entry=False)
def remember_fragment(
    m: Memory, p: Packets, out: DecisionColumns, at_out: int, row: int, entry: int, gone_at_ns: int
) -> None:
    """Keep what was decided for a first fragment, and its flow's entry (-1 for none)."""
    word = _slot(m, p, row, np.int64(out.interface[at_out]), np.int64(out.direction[at_out]))
    if m.fragments[word + _AT_ID] == 0:
        m.clock[FRAGMENTS_USED] += 1
    m.fragments[word + _AT_KEY] = _key(p, row, np.int64(out.interface[at_out]), np.int64(out.direction[at_out]))
    m.fragments[word + _AT_ID] = np.int64(p.fragment_id[row]) + 1
    m.fragments[word + _AT_SRC] = np.int64(p.src_hi[row])
    m.fragments[word + _AT_SRC + 1] = np.int64(p.src_lo[row])
    m.fragments[word + _AT_DST] = np.int64(p.dst_hi[row])
    m.fragments[word + _AT_DST + 1] = np.int64(p.dst_lo[row])
    m.fragments[word + _AT_GONE] = gone_at_ns
    m.fragments[word + _AT_DECISION] = (
        np.int64(out.verdict[at_out])
        | np.int64(out.reason[at_out]) << 8
        | np.int64(out.state[at_out]) << 16
        | np.int64(out.tcp_state[at_out]) << 24
        | np.int64(out.opener[at_out]) << 32
    )
    m.fragments[word + _AT_RULE] = np.int64(out.rule[at_out])
    m.fragments[word + _AT_FLOW] = out.flow[at_out]
    m.fragments[word + _AT_ENTRY] = entry
    m.fragments[word + _AT_ENTRY_FLOW] = m.pool[entry * ENTRY_WORDS + FLOW] if entry >= 0 else -1


@kernel(is_entry=False)
def recall_fragment(
    m: Memory, p: Packets, row: int, interface: int, direction: int, now_ns: int
) -> tuple[int, int, int, int]:
    """What was decided for the first fragment of a packet.

    Returns:
        The packed decision, 0 if the first was not seen or too long ago; the rule; the flow; the entry, -1 for none.
    """
    word = _slot(m, p, row, interface, direction)
    if m.fragments[word + _AT_ID] == 0 or m.fragments[word + _AT_GONE] <= now_ns:
        return 0, -1, 0, -1
    entry = m.fragments[word + _AT_ENTRY]
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + FLOW] != m.fragments[word + _AT_ENTRY_FLOW]:
        entry = -1
    return m.fragments[word + _AT_DECISION], m.fragments[word + _AT_RULE], m.fragments[word + _AT_FLOW], entry


@kernel(signature=types.int64(types.int64[::1], types.int64[::1], types.int64))
def rebuild_fragments(old: Column, new: Column, now_ns: int) -> int:
    """Put the slots that still hold into another table; give how many there are."""
    mask = len(new) // FRAGMENT_WORDS - 1
    used = 0
    for word in range(0, len(old), FRAGMENT_WORDS):
        if old[word + _AT_ID] == 0 or old[word + _AT_GONE] <= now_ns:
            continue
        src_lo, dst_lo = np.uint64(old[word + _AT_SRC + 1]), np.uint64(old[word + _AT_DST + 1])
        hashed = mix(np.uint64(old[word]) ^ mix(np.uint64(old[word + _AT_ID]) ^ mix(src_lo ^ mix(dst_lo))))
        at = np.int64(hashed & np.uint64(0x7FFFFFFFFFFFFFFF)) & mask
        while new[at * FRAGMENT_WORDS + _AT_ID]:
            at = (at + 1) & mask
        for place in range(FRAGMENT_WORDS):
            new[at * FRAGMENT_WORDS + place] = old[word + place]
        used += 1
    return used
