"""Decisions as kernels write them, and the counts of a flow's packets.

Compiled twin of the answers in `sgsim.engine.interface_filter`.
"""

import numpy as np

from sgsim.kernels.arrays import Facts, Memory, Packets
from sgsim.kernels.jit import apart, kernel
from sgsim.kernels.layout import (
    ALLOWED,
    BARRED_AT,
    BARRED_BY,
    BYTES_ORIGINAL,
    DENIED,
    ENTRY_WORDS,
    EXTRA_WORDS,
    FLOW,
    HAS_EDGES,
    LAST_SEEN,
    NOW,
    OPENER_EGRESS_AT,
    OWNER,
    PACKETS_ORIGINAL,
    RECORD_FLOWS,
    STATE,
)
from sgsim.kernels.locate import EGRESS, INGRESS
from sgsim.model.columns import DecisionColumns
from sgsim.model.decision import Reason, Verdict

ALLOW, DENY, SKIP = int(Verdict.ALLOW), int(Verdict.DENY), int(Verdict.SKIP)
R_RULE, R_ESTABLISHED, R_UNTRACKED, R_RELATED = (
    int(Reason.RULE), int(Reason.ESTABLISHED), int(Reason.UNTRACKED), int(Reason.RELATED),
)  # fmt: skip
R_NETWORK_ACL = int(Reason.NETWORK_ACL)
_LOW = 0xFFFFFFFF


@kernel(is_entry=False, inline=True)
def emit_flow(out: DecisionColumns, at: int, word: int, flow: int) -> None:
    """Write what one decision tells of its flow: the state word of that, its number."""
    out.tcp_state[at] = word & 15
    out.opener[at] = INGRESS + (word >> OPENER_EGRESS_AT & 1)
    out.flow[at] = flow


@kernel(is_entry=False, inline=True)
def emit(
    m: Memory,
    out: DecisionColumns,
    at: int,
    row: int,
    interface: int,
    direction: int,
    reason: int,
    verdict: int,
    state: int,
    rule: int,
    entry: int,
) -> None:
    """Write one decision; its flow is that of the entry, -1 for none."""
    out.row[at] = row
    out.interface[at] = interface
    out.direction[at] = direction
    out.verdict[at] = verdict
    out.reason[at] = reason
    out.state[at] = state
    out.rule[at] = rule
    if entry >= 0:
        emit_flow(out, at, m.pool[entry * ENTRY_WORDS + STATE], m.pool[entry * ENTRY_WORDS + FLOW])
    else:
        out.tcp_state[at] = 0
        out.opener[at] = 0
        out.flow[at] = 0


@kernel(is_entry=False, inline=True)
def count(m: Memory, facts: Facts, p: Packets, row: int, direction: int, entry: int, verdict: int, now_ns: int) -> None:
    """Count a packet on its flow, where flows are recorded."""
    if entry < 0 or not facts.options[RECORD_FLOWS]:
        return
    is_reply = goes_back(m, entry, direction)
    at = entry * EXTRA_WORDS
    m.extra[at + PACKETS_ORIGINAL + is_reply] += 1
    m.extra[at + BYTES_ORIGINAL + is_reply] += np.int64(p.length_bytes[row])
    if verdict == ALLOW:
        m.extra[at + ALLOWED] += 1
    elif verdict == DENY:
        m.extra[at + DENIED] += 1
    m.extra[at + LAST_SEEN] = now_ns


@kernel(is_entry=False, inline=True)
def goes_back(m: Memory, entry: int, direction: int) -> int:
    """1 if a packet that passes in this direction goes against the flow's opener."""
    opener = INGRESS + (m.pool[entry * ENTRY_WORDS + STATE] >> OPENER_EGRESS_AT & 1)
    return np.int64(opener != direction)


@kernel(is_entry=False)
def _leave(
    m: Memory,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    row: int,
    interface: int,
    reason: int,
    state: int,
    rule: int,
    entry: int,
) -> int:
    """Let a packet that the groups have let go leave the subnet, if its network ACL does."""
    barred_by, verdict, word = m.clock[BARRED_BY], ALLOW, entry * ENTRY_WORDS + STATE
    is_counted = reason != R_RELATED
    if is_counted and entry >= 0 and not goes_back(m, entry, EGRESS):
        m.pool[word] = (m.pool[word] & ~(1 << BARRED_AT)) | np.int64(barred_by != 0) << BARRED_AT
    if barred_by:
        verdict, reason, rule = DENY, R_NETWORK_ACL, barred_by - 1
    if is_counted:
        count(m, facts, p, row, EGRESS, entry, verdict, m.clock[NOW])
    emit(m, out, at, row, interface, EGRESS, reason, verdict, state, rule, entry)
    return verdict


@kernel(is_entry=False, inline=True)
def answer_here(
    m: Memory,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    row: int,
    interface: int,
    direction: int,
    reason: int,
    state: int,
    rule: int,
    entry: int,
) -> int:
    """Decide: the verdict is that of the reason, but for a network ACL that keeps the packet from leaving; gives it."""
    verdict = np.int64(facts.verdicts[reason])
    if verdict == ALLOW and direction == EGRESS and m.clock[HAS_EDGES]:
        return _leave(m, facts, p, out, at, row, interface, reason, state, rule, entry)
    if reason != R_RELATED:
        count(m, facts, p, row, direction, entry, verdict, m.clock[NOW])
    emit(m, out, at, row, interface, direction, reason, verdict, state, rule, entry)
    return verdict


answer = apart(answer_here)
"""The same as a function of its own, for packets that are rarer."""


@kernel(is_entry=False, inline=True)
def rule_of(m: Memory, entry: int) -> int:
    """The rule that admitted a flow, -1 if none did."""
    return (m.pool[entry * ENTRY_WORDS + OWNER] >> 32 & _LOW) - 1
