"""Timeouts that change while flows are remembered.

Compiled twin of what `sgsim.engine.reference` does at a change.
"""

from numba import types

from sgsim.kernels import calendar
from sgsim.kernels.entries import timeout
from sgsim.kernels.groups import facts_at, memory_at, network_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import ENTRY_WORDS, EXPIRES, FLOW, KEY_SERVICE, NOW, OWNER, POOL_USED, STATE

_WORD = types.int64
_LOW = 0xFFFFFFFF


@kernel(signature=_WORD(*(_WORD,) * 5))
def change_expiry(memory: int, before: int, network: int, known: int, interface: int) -> int:
    """Let an interface's flows expire as if its timeouts of now had held at their last packets; gives their number.

    Args:
        memory: Address of the list of addresses of `Memory`.
        before: That of the `Network` with the timeouts that held so far.
        network: That of the `Network` with those that hold now.
        known: That of `Facts`.
        interface: Which.
    """
    m, was, net, facts = memory_at(memory), network_at(before), network_at(network), facts_at(known)
    changed = 0
    for entry in range(m.clock[POOL_USED]):
        word = entry * ENTRY_WORDS
        if m.pool[word + FLOW] == 0 or m.pool[word + OWNER] & _LOW != interface:
            continue
        service, state = m.pool[word + KEY_SERVICE], m.pool[word + STATE]
        longer_ns = timeout(net, facts, interface, service, state) - timeout(was, facts, interface, service, state)
        if longer_ns == 0:
            continue
        m.pool[word + EXPIRES] = max(m.pool[word + EXPIRES] + longer_ns, m.clock[NOW])
        changed += 1
        if longer_ns < 0:
            calendar.put_again(m, entry)
    return changed
