"""Where a TCP flow stands: the transition table and the few rules beside it.

Law: everything that moves a TCP flow from one state to another is in this file, and it knows neither time nor rules.
We stand in the middle and see segments of both sides; a state says what was seen, not what either end believes.

AWS documents no table. The one below is that of Linux nf_conntrack 6.x (`[linux-nfct]`), whose timeouts AWS's own equal;
for the `aws-*` profiles it is *assumed*. A segment that a row does not list is invalid there. What the
kernel does beside its table is in `linux_move`; only the profile `linux` uses it.
"""

import enum
from typing import Final

from attrs import define, evolve, frozen

from sgsim.model.protocol import TcpFlags
from sgsim.model.states import ConntrackDirection, TcpState

_ORIGINAL, _REPLY = ConntrackDirection.ORIGINAL, ConntrackDirection.REPLY


class Segment(enum.IntEnum):
    """What a segment's flags make of it."""

    SYN = 1
    """Alone, it opens a connection."""
    SYN_ACK = 2
    FIN = 3
    ACK = 4
    RST = 5
    NONE = 6
    """Flags that no TCP sends together; it moves nothing."""


_SEGMENT_FLAGS: Final = TcpFlags.FIN | TcpFlags.SYN | TcpFlags.RST | TcpFlags.ACK | TcpFlags.URG
"""PSH, ECE and CWR say nothing of the connection's state."""

_SEGMENTS: Final[dict[int, Segment]] = {
    TcpFlags.SYN: Segment.SYN,
    TcpFlags.SYN | TcpFlags.URG: Segment.SYN,
    TcpFlags.SYN | TcpFlags.ACK: Segment.SYN_ACK,
    TcpFlags.FIN | TcpFlags.ACK: Segment.FIN,
    TcpFlags.FIN | TcpFlags.ACK | TcpFlags.URG: Segment.FIN,
    TcpFlags.ACK: Segment.ACK,
    TcpFlags.ACK | TcpFlags.URG: Segment.ACK,
    TcpFlags.RST: Segment.RST,
    TcpFlags.RST | TcpFlags.ACK: Segment.RST,
}
"""The nine sets of flags that make sense, as the kernel lists them."""


def segment_of(tcp_flags: int) -> Segment:
    """What a segment with these flags is."""
    return _SEGMENTS.get(tcp_flags & _SEGMENT_FLAGS, Segment.NONE)


class Beside(enum.Enum):
    """Cells of the table that name no state."""

    IGNORE = "ignore"
    """It belongs to the flow, but we may be out of step with its ends: the state stays."""
    REOPEN = "reopen"
    """It opens the flow anew: this one ends, and the segment is judged as the first of another."""


_SEG, _ST = Segment, TcpState
_IGNORE, _REOPEN = Beside.IGNORE, Beside.REOPEN

Transitions = dict[ConntrackDirection, dict[TcpState, dict[Segment, TcpState | Beside]]]

TCP_TRANSITIONS: Final[Transitions] = {
    # From the side that opened the flow.
    _ORIGINAL: {
        # The opener can only repeat its SYN, or give up with an RST; anything else comes too early.
        _ST.SYN_SENT: {_SEG.SYN: _ST.SYN_SENT, _SEG.RST: _ST.CLOSE},
        # Simultaneous open: both have sent a SYN, so either may send the SYN-ACK (RFC 9293 section 3.5).
        _ST.SYN_SENT2: {_SEG.SYN: _ST.SYN_SENT2, _SEG.SYN_ACK: _ST.SYN_RECV, _SEG.RST: _ST.CLOSE},
        # Its ACK completes the handshake; a SYN is the first one, late; a SYN-ACK is that of a simultaneous open.
        _ST.SYN_RECV: {
            _SEG.SYN: _IGNORE, _SEG.SYN_ACK: _ST.SYN_RECV, _SEG.FIN: _ST.FIN_WAIT, _SEG.ACK: _ST.ESTABLISHED,
            _SEG.RST: _ST.CLOSE,
        },
        # Data and ACKs keep it; a SYN may be a new connection that we have not seen the old one's end of.
        _ST.ESTABLISHED: {
            _SEG.SYN: _IGNORE, _SEG.FIN: _ST.FIN_WAIT, _SEG.ACK: _ST.ESTABLISHED, _SEG.RST: _ST.CLOSE,
        },
        # After a first FIN, an ACK acknowledges it, and another FIN comes from the other side or is the first repeated.
        _ST.FIN_WAIT: {_SEG.SYN: _IGNORE, _SEG.FIN: _ST.LAST_ACK, _SEG.ACK: _ST.CLOSE_WAIT, _SEG.RST: _ST.CLOSE},
        # Half closed: data still flows the other way until its FIN.
        _ST.CLOSE_WAIT: {_SEG.SYN: _IGNORE, _SEG.FIN: _ST.LAST_ACK, _SEG.ACK: _ST.CLOSE_WAIT, _SEG.RST: _ST.CLOSE},
        # Both FINs are seen; the next ACK is taken for that of the last one.
        _ST.LAST_ACK: {_SEG.SYN: _IGNORE, _SEG.FIN: _ST.LAST_ACK, _SEG.ACK: _ST.TIME_WAIT, _SEG.RST: _ST.CLOSE},
        # Closed in good order: stragglers belong to it, and its opener may open it anew (RFC 1122 section 4.2.2.13).
        _ST.TIME_WAIT: {
            _SEG.SYN: _REOPEN, _SEG.FIN: _ST.TIME_WAIT, _SEG.ACK: _ST.TIME_WAIT, _SEG.RST: _ST.CLOSE,
        },
        # Reset: stragglers belong to it, and its opener may try again at once.
        _ST.CLOSE: {_SEG.SYN: _REOPEN, _SEG.FIN: _ST.CLOSE, _SEG.ACK: _ST.CLOSE, _SEG.RST: _ST.CLOSE},
    },
    # From the other side.
    _REPLY: {
        # The SYN-ACK answers; a SYN makes it a simultaneous open; an ACK may be a challenge from a forgotten connection.
        _ST.SYN_SENT: {
            _SEG.SYN: _ST.SYN_SENT2, _SEG.SYN_ACK: _ST.SYN_RECV, _SEG.ACK: _IGNORE, _SEG.RST: _ST.CLOSE,
        },
        # Simultaneous open, seen from the other side.
        _ST.SYN_SENT2: {
            _SEG.SYN: _ST.SYN_SENT2, _SEG.SYN_ACK: _ST.SYN_RECV, _SEG.ACK: _IGNORE, _SEG.RST: _ST.CLOSE,
        },
        # The SYN-ACK repeated changes nothing; its own ACK does not complete the handshake, the opener's does.
        _ST.SYN_RECV: {
            _SEG.SYN_ACK: _IGNORE, _SEG.FIN: _ST.FIN_WAIT, _SEG.ACK: _ST.SYN_RECV, _SEG.RST: _ST.CLOSE,
        },
        # Data and ACKs keep it; a SYN-ACK is the old one, late.
        _ST.ESTABLISHED: {
            _SEG.SYN_ACK: _IGNORE, _SEG.FIN: _ST.FIN_WAIT, _SEG.ACK: _ST.ESTABLISHED, _SEG.RST: _ST.CLOSE,
        },
        # As from the opener.
        _ST.FIN_WAIT: {_SEG.SYN_ACK: _IGNORE, _SEG.FIN: _ST.LAST_ACK, _SEG.ACK: _ST.CLOSE_WAIT, _SEG.RST: _ST.CLOSE},
        # As from the opener.
        _ST.CLOSE_WAIT: {_SEG.SYN_ACK: _IGNORE, _SEG.FIN: _ST.LAST_ACK, _SEG.ACK: _ST.CLOSE_WAIT, _SEG.RST: _ST.CLOSE},
        # As from the opener.
        _ST.LAST_ACK: {_SEG.SYN_ACK: _IGNORE, _SEG.FIN: _ST.LAST_ACK, _SEG.ACK: _ST.TIME_WAIT, _SEG.RST: _ST.CLOSE},
        # The other side may open the same five-tuple too; then it is the opener.
        _ST.TIME_WAIT: {
            _SEG.SYN: _REOPEN, _SEG.SYN_ACK: _IGNORE, _SEG.FIN: _ST.TIME_WAIT, _SEG.ACK: _ST.TIME_WAIT,
            _SEG.RST: _ST.CLOSE,
        },
        # Reset: only its opener may try again.
        _ST.CLOSE: {_SEG.SYN_ACK: _IGNORE, _SEG.FIN: _ST.CLOSE, _SEG.ACK: _ST.CLOSE, _SEG.RST: _ST.CLOSE},
    },
}  # fmt: skip
"""For each direction and state, what each segment leads to; what a row does not list is invalid there."""

_LIVE_STATES: Final = (_ST.ESTABLISHED, _ST.FIN_WAIT, _ST.CLOSE_WAIT, _ST.LAST_ACK)
"""States of a connection that was open and is not over."""

REOPENING_TRANSITIONS: Final = {
    _REPLY: TCP_TRANSITIONS[_REPLY],
    _ORIGINAL: TCP_TRANSITIONS[_ORIGINAL]
    | {state: TCP_TRANSITIONS[_ORIGINAL][state] | {_SEG.SYN: _REOPEN} for state in _LIVE_STATES},
}
"""The same table, but a SYN of the opener opens a live connection anew: then the old one is taken to be over."""


def transitions(*, syn_reopens: bool) -> Transitions:
    """The table that holds."""
    return REOPENING_TRANSITIONS if syn_reopens else TCP_TRANSITIONS


TCP_PICKUP: Final[dict[Segment, TcpState]] = {
    Segment.SYN: TcpState.SYN_SENT,
    Segment.ACK: TcpState.ESTABLISHED,
}
"""The state of a flow that begins with a segment: a SYN always, an ACK where flows are picked up in the middle."""

FIRST_STATES: Final[dict[Segment, TcpState]] = TCP_PICKUP | {
    Segment.SYN_ACK: TcpState.SYN_RECV,
    Segment.FIN: TcpState.FIN_WAIT,
    Segment.RST: TcpState.CLOSE,
    Segment.NONE: TcpState.CLOSE,
}
"""The state of a flow that is remembered without an entry, by the first segment seen of it: any may be the first."""

ENDED_STATES: Final = frozenset({TcpState.TIME_WAIT, TcpState.CLOSE})
"""States of a connection that is over; its entry waits for stragglers."""


class Effect(enum.Enum):
    """What a segment does to a flow."""

    MOVED = "moved"
    """It belongs to the flow, whose state is now `TcpMove.flow.state` (perhaps the same)."""
    IGNORED = "ignored"
    """It belongs to the flow and changes nothing."""
    INVALID = "invalid"
    """It does not belong to the flow."""
    REOPENED = "reopened"
    """It ends this flow and begins another."""
    DELETED = "deleted"
    """It belongs to the flow and ends it at once."""


@frozen
class TcpFlow:
    """What is remembered of a TCP flow beside its times; all but `state` only matters to `linux_move`."""

    state: TcpState
    was_closed_by_fin: bool = False
    """Whether a FIN has moved it to FIN_WAIT."""
    last_segment: Segment = Segment.NONE
    last_direction: ConntrackDirection = ConntrackDirection.ORIGINAL
    expects_challenge: bool = False
    """Whether the opener's SYN was ignored in LAST_ACK, so that an ACK may be a challenge (RFC 5961)."""
    is_simultaneous: bool = False
    """Whether both sides sent a SYN."""


@define
class TcpMove:
    """What a segment does, and the flow after it."""

    effect: Effect
    flow: TcpFlow | None
    """None for protocols other than TCP, whose packets always belong and move nothing."""
    renews: bool = True
    """False where it does not restart the timeout, though it may move the flow."""


def move(
    flow: TcpFlow, direction: ConntrackDirection, segment: Segment, table: Transitions = TCP_TRANSITIONS
) -> TcpMove:
    """Read the table."""
    cell = table[direction][flow.state].get(segment)
    if cell is None:
        return TcpMove(Effect.INVALID, flow)
    if isinstance(cell, Beside):
        return TcpMove(Effect.REOPENED if cell is Beside.REOPEN else Effect.IGNORED, flow)
    return TcpMove(Effect.MOVED, flow if cell is flow.state else evolve(flow, state=cell))


def linux_move(
    flow: TcpFlow,
    direction: ConntrackDirection,
    segment: Segment,
    table: Transitions = TCP_TRANSITIONS,
    *,
    answered: bool,
) -> TcpMove:
    """Read the table, then apply the five rules that the kernel has beside it (observed on Linux 6.18).

    R1  An RST on a flow that was never answered passes and deletes it.
    R2  A SYN opens a flow anew only if a FIN had closed it, or if the last segment was an RST of the same side;
        otherwise it is ignored.
    R3  An ACK in LAST_ACK, straight after an ignored SYN of the opener there, is a challenge and ignored.
    R4  After a simultaneous open, an ACK of the other side completes the handshake too.
    R5  A SYN in SYN_SENT on a flow that was never answered, repeated or of the other side, does not restart the timeout.
    """
    result = move(flow, direction, segment, table)
    after_reset = flow.last_segment is Segment.RST and flow.last_direction is direction
    if result.effect is Effect.REOPENED and not (flow.was_closed_by_fin or after_reset):  # R2
        result.effect = Effect.IGNORED
    is_challenged = flow.expects_challenge and flow.last_segment is Segment.SYN and flow.last_direction is not direction
    if flow.state is TcpState.LAST_ACK and segment is Segment.ACK and is_challenged:  # R3
        return TcpMove(Effect.IGNORED, evolve(flow, expects_challenge=False))
    if result.effect is Effect.IGNORED:
        return TcpMove(Effect.IGNORED, _after_ignored(flow, direction, segment))
    if result.effect is Effect.MOVED:
        if segment is Segment.RST and not answered:  # R1
            result.effect = Effect.DELETED
        result.flow = _after_moved(flow, result.flow.state if result.flow else flow.state, direction, segment)
        is_unanswered_syn = segment is Segment.SYN and flow.state is TcpState.SYN_SENT and not answered
        result.renews = not is_unanswered_syn  # R5
    return result


def _after_ignored(flow: TcpFlow, direction: ConntrackDirection, segment: Segment) -> TcpFlow:
    """An ignored SYN of the opener makes the kernel forget what it knew of the handshake."""
    flow = evolve(flow, last_segment=segment, last_direction=direction)
    if segment is Segment.SYN and direction is ConntrackDirection.ORIGINAL:
        return evolve(flow, is_simultaneous=False, expects_challenge=flow.state is TcpState.LAST_ACK)
    return flow


def _after_moved(flow: TcpFlow, state: TcpState, direction: ConntrackDirection, segment: Segment) -> TcpFlow:
    is_simultaneous = flow.is_simultaneous or state is TcpState.SYN_SENT2
    is_ack_of_reply = segment is Segment.ACK and direction is ConntrackDirection.REPLY
    if state is TcpState.SYN_RECV and is_ack_of_reply and is_simultaneous:  # R4
        state = TcpState.ESTABLISHED
    closes = state is TcpState.FIN_WAIT and flow.state is not TcpState.FIN_WAIT
    return TcpFlow(
        state=state,
        was_closed_by_fin=flow.was_closed_by_fin or closes,
        last_segment=segment,
        last_direction=direction,
        expects_challenge=flow.expects_challenge,
        is_simultaneous=is_simultaneous,
    )
