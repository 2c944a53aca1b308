"""Counting decisions, all counts in one pass.

Compiled twin of `sgsim.simulation.tally`.
"""

import numpy as np
from numba import types

from sgsim.kernels.groups import counts_at, decisions_at, packets_at
from sgsim.kernels.jit import kernel
from sgsim.model.decision import Verdict

SKIP = int(Verdict.SKIP)


@kernel(signature=types.void(*(types.int64,) * 4))
def count_decisions(packets: int, decisions: int, counts: int, rows: int) -> None:
    """Count a batch.

    Args:
        packets: Address of the list of addresses of `PacketColumns`; so the next ones of `DecisionColumns` and `Counts`.
        decisions: See `packets`.
        counts: See `packets`.
        rows: How many decisions there are.
    """
    p, out, c = packets_at(packets), decisions_at(decisions), counts_at(counts)
    last_row, evaluated = -1, 0
    for at in range(rows):
        row, reason, verdict = np.int64(out.row[at]), np.int64(out.reason[at]), np.int64(out.verdict[at])
        size = np.int64(p.length_bytes[row])
        is_next = (verdict != SKIP) & (row != last_row)  # decisions for one packet are neighbours
        evaluated += is_next
        last_row = row if is_next else last_row
        if not c.decisions[reason]:
            c.first[reason] = at
        c.decisions[reason] += 1
        c.bytes[reason] += size
        c.verdicts[(np.int64(out.interface[at]) + 1) * 4 + verdict] += 1
        if c.is_hit[reason]:
            rule = np.int64(out.rule[at]) + 1
            c.hits[rule] += 1
            c.hit_bytes[rule] += size
            c.last_ns[rule] = max(c.last_ns[rule], p.time_ns[row])
    c.evaluated[0] = evaluated
