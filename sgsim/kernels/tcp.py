"""Where a TCP flow stands.

Compiled twin of `sgsim.conntrack.tcp`: the same table, handed over as an array, and the same five rules beside it.
"""

import numpy as np

from sgsim.kernels.arrays import Facts
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ANSWERED_AT,
    BY_FIN_AT,
    CELL_IGNORE,
    CELL_INVALID,
    CELL_REOPEN,
    CHALLENGE_AT,
    LAST_REPLY_AT,
    LAST_SEGMENT_AT,
    LINUX_TCP,
    SIMULTANEOUS_AT,
)
from sgsim.model.states import TcpState

SYN, ACK, RST = 1, 4, 5
"""Segments that the rules beside the table name; a test holds them against `sgsim.conntrack.tcp.Segment`."""

MOVED, IGNORED, INVALID, REOPENED, DELETED, NOT_RENEWED = 0, 1, 2, 3, 4, 5
"""`Effect`; the last is MOVED where `TcpMove.renews` is false."""

SYN_SENT, SYN_RECV, ESTABLISHED = int(TcpState.SYN_SENT), int(TcpState.SYN_RECV), int(TcpState.ESTABLISHED)
FIN_WAIT, LAST_ACK, SYN_SENT2 = int(TcpState.FIN_WAIT), int(TcpState.LAST_ACK), int(TcpState.SYN_SENT2)

_BESIDE = 1 << BY_FIN_AT | 7 << LAST_SEGMENT_AT | 1 << LAST_REPLY_AT | 1 << CHALLENGE_AT | 1 << SIMULTANEOUS_AT


@kernel(is_entry=False, inline=True)
def move(facts: Facts, word: int, is_reply: int, segment: int) -> tuple[int, int]:
    """What a segment does: the effect, and the state word after it; 0 is no segment, and moves nothing.

    Whether the next packet is TCP is anyone's guess, so nothing branches on that.
    """
    if facts.options[LINUX_TCP]:
        return linux_move(facts, word, is_reply, segment) if segment else (MOVED, word)
    found = np.int64(facts.transitions[is_reply * 128 + (word & 15) * 8 + segment])
    if found + np.int64(segment == 0) == CELL_INVALID:
        return INVALID, word
    if found >= CELL_IGNORE:
        return (REOPENED if found == CELL_REOPEN else IGNORED), word
    return MOVED, ((word & ~15) | found) if segment else word


@kernel(is_entry=False)
def linux_move(facts: Facts, word: int, is_reply: int, segment: int) -> tuple[int, int]:
    """The same with the kernel's rules R1 to R5."""
    state = word & 15
    last_segment, last_reply = word >> LAST_SEGMENT_AT & 7, word >> LAST_REPLY_AT & 1
    found = facts.transitions[is_reply * 128 + state * 8 + segment]
    if found == CELL_INVALID:
        return INVALID, word
    if found == CELL_REOPEN:
        if word >> BY_FIN_AT & 1 or (last_segment == RST and last_reply == is_reply):
            return REOPENED, word
        found = CELL_IGNORE  # R2
    is_challenged = word >> CHALLENGE_AT & 1 and last_segment == SYN and last_reply != is_reply
    if state == LAST_ACK and segment == ACK and is_challenged:  # R3
        return IGNORED, word & ~(1 << CHALLENGE_AT)
    beside = word & _BESIDE & ~(7 << LAST_SEGMENT_AT | 1 << LAST_REPLY_AT)
    beside |= segment << LAST_SEGMENT_AT | is_reply << LAST_REPLY_AT
    if found == CELL_IGNORE:
        if segment == SYN and not is_reply:
            beside &= ~(1 << SIMULTANEOUS_AT | 1 << CHALLENGE_AT)
            if state == LAST_ACK:
                beside |= 1 << CHALLENGE_AT
        return IGNORED, (word & ~_BESIDE) | beside
    after = int(found)
    if after == SYN_SENT2:
        beside |= 1 << SIMULTANEOUS_AT
    if after == SYN_RECV and segment == ACK and is_reply and beside >> SIMULTANEOUS_AT & 1:  # R4
        after = ESTABLISHED
    if after == FIN_WAIT and state != FIN_WAIT:
        beside |= 1 << BY_FIN_AT
    effect = DELETED if segment == RST and not word >> ANSWERED_AT & 1 else MOVED  # R1
    if segment == SYN and state == SYN_SENT and not word >> ANSWERED_AT & 1:  # R5
        effect = NOT_RENEWED
    return effect, (word & ~(_BESIDE | 15)) | beside | after
