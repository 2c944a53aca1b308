"""New entries, in the order in which their flows began, until they are looked at for the first time.

Most flows end soon after they begin, in states of ever other timeouts. So a new entry does not stand in the calendar but
here, where it costs a record and nothing when its flow ends or changes its state: who looks at the oldest record finds
that it is of no use any more. What is still there after `EARLY_NS` is due, or goes into the calendar.
"""

import numpy as np
from numba import types

from sgsim.kernels.arrays import Memory
from sgsim.kernels.groups import memory_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import EARLY_AT, EARLY_HEAD, EARLY_MASK, EARLY_TAIL, ENTRY_WORDS, LINKS, STATE
from sgsim.kernels.prefetch import prefetch

EARLY_NS = 30_000_000_000
"""How long after its flow began an entry is looked at for the first time; one that expires before does not come here."""

LOOKS_AHEAD = 16
"""How many records ahead the memory of an entry is asked for."""


@kernel(is_entry=False, inline=True)
def put_early(m: Memory, entry: int) -> None:
    """Let a new entry be the youngest; `EARLY_AT` of its state says that it stands here."""
    at = m.clock[EARLY_TAIL]
    m.early[at & m.clock[EARLY_MASK]] = entry
    m.pool[entry * ENTRY_WORDS + LINKS] = at
    m.clock[EARLY_TAIL] = at + 1


@kernel(is_entry=False, inline=True)
def stands_early(m: Memory, entry: int, at: int) -> bool:
    """Whether a record is that of an entry; else it was, of this flow or another that had the entry before."""
    word = entry * ENTRY_WORDS
    return m.pool[word + STATE] >> EARLY_AT & 1 and m.pool[word + LINKS] == at


@kernel(is_entry=False, inline=True)
def oldest_early(m: Memory) -> int:
    """The oldest entry, -1 if there is none; records of no use before it go."""
    while m.clock[EARLY_HEAD] < m.clock[EARLY_TAIL]:
        at, mask = m.clock[EARLY_HEAD], m.clock[EARLY_MASK]
        entry = np.int64(m.early[at & mask])
        prefetch(m.pool, np.int64(m.early[at + LOOKS_AHEAD & mask]) * ENTRY_WORDS)
        if stands_early(m, entry, at):
            return entry
        m.clock[EARLY_HEAD] = at + 1
    return -1


@kernel(signature=types.void(types.int64))
def tidy_early(memory: int) -> None:
    """Drop all records of no use.

    Args:
        memory: Address of the list of addresses of `Memory`.
    """
    m = memory_at(memory)
    mask, end = m.clock[EARLY_MASK], m.clock[EARLY_HEAD]
    for at in range(end, m.clock[EARLY_TAIL]):
        entry = np.int64(m.early[at & mask])
        if stands_early(m, entry, at):
            m.early[end & mask] = entry
            m.pool[entry * ENTRY_WORDS + LINKS] = end
            end += 1
    m.clock[EARLY_TAIL] = end
