"""Picking out what was decided of the leads of records.

Compiled twin of `sgsim.simulation.leads`.
"""

from numba import types

from sgsim.kernels.flow_log_arrays import (
    CLOCK,
    EARLIEST,
    FLOWS,
    LATE,
    LATEST,
    LEADS,
    NEW_FLOWS,
    REOPENED,
    STEP_BACK,
    TCP,
    TCP_WITHOUT_FLAGS,
)
from sgsim.kernels.groups import decisions_at, packets_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.structs import struct
from sgsim.model.columns import DECISION_DTYPES
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol

decisions_out_at = struct("picked", DECISION_DTYPES)
events_at = struct("part", {"is_lead": "u1", "record": "i8"})
"""What a batch is made of; what is told of its records; and what is found out of new flows."""
told_at = struct("told", {"method": "u1", "is_reopening": "u1", "protocol": "u1", "skip": "u1", "flags": "u1"})
new_flows_at = struct("new_flows", {"state": "i8", "flows": "i8", "methods": "u1"})

_TCP = int(Protocol.TCP)
_WORD = types.int64


@kernel(signature=_WORD(*(_WORD,) * 8))
def pick_leads(
    packets: int, events: int, records: int, decisions: int, picked: int, new_flows: int, rows: int, decided: int
) -> int:
    """Pick out the decisions of leads.

    Args:
        packets: Address of the list of addresses of `PacketColumns`; so the next ones of the groups of `events_at` and
            `told_at`, of `DecisionColumns`, of those that are picked, and of the group of `new_flows_at`.
        events: See `packets`.
        records: See `packets`.
        decisions: See `packets`.
        picked: See `packets`. Changed.
        new_flows: See `packets`. Changed.
        rows: How many events there are.
        decided: How many decisions there are.

    Returns:
        How many decisions are picked.
    """
    p, e, told, new = packets_at(packets), events_at(events), told_at(records), new_flows_at(new_flows)
    clock_ns, late, back_ns = new.state[CLOCK], new.state[LATE], new.state[STEP_BACK]
    leads, latest_ns, reopened, tcp, without_flags = 0, EARLIEST, 0, 0, 0
    for row in range(rows):
        time_ns = p.time_ns[row]
        clock_ns = max(clock_ns, time_ns)
        if e.is_lead[row]:
            leads += 1
            late += time_ns < clock_ns
            back_ns = max(back_ns, clock_ns - time_ns)
            latest_ns = max(latest_ns, time_ns)
            record = e.record[row]
            reopened += told.is_reopening[record]
            is_tcp = told.protocol[record] == _TCP and told.skip[record] == 0
            tcp += is_tcp
            without_flags += is_tcp and told.flags[record] == NO_FLAGS
    new.state[CLOCK], new.state[LATE], new.state[STEP_BACK] = clock_ns, late, back_ns
    new.state[LEADS], new.state[LATEST], new.state[REOPENED] = leads, latest_ns, reopened
    new.state[TCP], new.state[TCP_WITHOUT_FLAGS] = tcp, without_flags
    d, out = decisions_at(decisions), decisions_out_at(picked)
    at, flows, found = 0, new.state[FLOWS], 0
    for decision in range(decided):
        row, flow = d.row[decision], d.flow[decision]
        if flow > flows:
            flows = flow
            new.flows[found] = flow
            new.methods[found] = told.method[e.record[row]]
            found += 1
        if e.is_lead[row]:
            out.row[at] = row
            out.interface[at] = d.interface[decision]
            out.direction[at] = d.direction[decision]
            out.verdict[at] = d.verdict[decision]
            out.reason[at] = d.reason[decision]
            out.state[at] = d.state[decision]
            out.tcp_state[at] = d.tcp_state[decision]
            out.opener[at] = d.opener[decision]
            out.rule[at] = d.rule[decision]
            out.flow[at] = flow
            at += 1
    new.state[FLOWS], new.state[NEW_FLOWS] = flows, found
    return at
