"""Weighing simulated verdicts against logged actions.

Compiled twin of `sgsim.simulation.agreement`.
"""

from numba import types

from sgsim.kernels.flow_log_arrays import WEIGHT_WORDS
from sgsim.kernels.flow_log_columns import records_at
from sgsim.kernels.groups import decisions_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.structs import struct
from sgsim.model.decision import Verdict

tally_at = struct("agreement", {"rows": "i8", "cells": "i8", "not_compared": "i8", "others": "i8"})
"""The record of each packet; weights by code, (`CODES` * 3,); by reason, (`REASONS` * 3,); which decisions disagree."""

_SKIP = int(Verdict.SKIP)
_WORD = types.int64


@kernel(signature=_WORD(*(_WORD,) * 4))
def weigh(decisions: int, records: int, tally: int, decided: int) -> int:
    """Add up a batch.

    Args:
        decisions: Address of the list of addresses of `DecisionColumns`; so the next ones of `RecordColumns` and of the
            group of `tally_at`.
        records: See `decisions`.
        tally: See `decisions`. Changed.
        decided: How many decisions there are.

    Returns:
        How many disagree.
    """
    d, r, t = decisions_at(decisions), records_at(records), tally_at(tally)
    others = 0
    for at in range(decided):
        row = d.row[at]
        if at + 1 < decided and d.row[at + 1] == row:
            continue  # another interface decided in the end
        record, verdict = t.rows[row], d.verdict[at]
        logged = r.logged[record]
        if verdict != _SKIP and logged > 0:
            place = (logged * 4 + verdict) * WEIGHT_WORDS
            t.cells[place] += 1
            t.cells[place + 1] += r.packets[record]
            t.cells[place + 2] += r.bytes[record]
            if logged != verdict:
                t.others[others] = at
                others += 1
        else:
            place = (d.reason[at] if verdict == _SKIP else 0) * WEIGHT_WORDS
            t.not_compared[place] += 1
            t.not_compared[place + 1] += r.packets[record]
            t.not_compared[place + 2] += r.bytes[record]
    return others
