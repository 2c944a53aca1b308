"""`tcp.move(word) == conntrack.tcp.move(flow)` for every state, memory of segments, direction and segment."""

import itertools

import numba
import pytest

from sgsim.conntrack import tcp as reference
from sgsim.conntrack.profile import AWS_NITRO, LINUX
from sgsim.conntrack.tcp import Effect, Segment, TcpFlow
from sgsim.engine.lowering.facts import lower_facts
from sgsim.engine.options import EngineOptions
from sgsim.kernels import layout, tcp
from sgsim.kernels.addresses import gathered
from sgsim.kernels.arrays import FACTS_DTYPES, FACTS_LENGTHS
from sgsim.kernels.groups import facts_at
from sgsim.model.states import ConntrackDirection, TcpState

EFFECTS = {
    tcp.MOVED: Effect.MOVED, tcp.IGNORED: Effect.IGNORED, tcp.INVALID: Effect.INVALID,
    tcp.REOPENED: Effect.REOPENED, tcp.DELETED: Effect.DELETED, tcp.NOT_RENEWED: Effect.MOVED,
}  # fmt: skip


@numba.njit
def _move(place, word, is_reply, segment):
    return tcp.move(facts_at(place), word, is_reply, segment)


def word_of(flow: TcpFlow, *, answered: bool) -> int:
    """The state word of a flow."""
    values = {
        layout.BY_FIN_AT: flow.was_closed_by_fin,
        layout.LAST_SEGMENT_AT: flow.last_segment,
        layout.LAST_REPLY_AT: flow.last_direction,
        layout.CHALLENGE_AT: flow.expects_challenge,
        layout.SIMULTANEOUS_AT: flow.is_simultaneous,
        layout.ANSWERED_AT: answered,
    }
    return int(flow.state) | sum(int(value) << at for at, value in values.items())


@pytest.mark.parametrize("syn_reopens", [False, True])
@pytest.mark.parametrize("profile", [AWS_NITRO, LINUX], ids=lambda profile: profile.name)
def test_every_move(profile, syn_reopens):
    profile, table = profile.given("syn_reopens", syn_reopens), reference.transitions(syn_reopens=syn_reopens)
    facts = lower_facts(EngineOptions(profile=profile), allow_unresolved=True, record_flows=True)
    place, _ = gathered(facts, FACTS_DTYPES, FACTS_LENGTHS)
    flags = (False, True)
    wrong = []
    for state, last, last_way, fin, challenge, both, answered, way, segment in itertools.product(
        TcpState, Segment, ConntrackDirection, flags, flags, flags, flags, ConntrackDirection, Segment
    ):
        flow = TcpFlow(
            state, last_segment=last,
            last_direction=last_way, was_closed_by_fin=fin, expects_challenge=challenge, is_simultaneous=both,
        )  # fmt: skip
        if profile.linux_tcp_rules.value:
            expected = reference.linux_move(flow, way, segment, table, answered=answered)
        else:
            expected = reference.move(flow, way, segment, table)
        effect, word = _move(place.ctypes.data, word_of(flow, answered=answered), int(way), int(segment))
        actual = (EFFECTS[effect], effect != tcp.NOT_RENEWED, word)
        if (expected.effect, expected.renews, word_of(expected.flow, answered=answered)) != actual:
            wrong.append((flow, way, segment, expected, effect, hex(word)))
    assert wrong == []
