"""`Facts.steps == conntrack.tcp.move` of a tracked flow, for every state, direction and segment that goes on in peace."""

import itertools

import numba
import pytest

from sgsim.conntrack import tcp
from sgsim.conntrack.policies import InvalidSegment, UdpStream, Unanswered
from sgsim.conntrack.profile import AWS_NITRO, LINUX
from sgsim.conntrack.tcp import Effect, Segment, TcpFlow
from sgsim.engine.lowering.facts import lower_facts
from sgsim.engine.options import EngineOptions
from sgsim.kernels import follow
from sgsim.kernels.addresses import gathered
from sgsim.kernels.arrays import FACTS_DTYPES, FACTS_LENGTHS
from sgsim.kernels.groups import facts_at
from sgsim.kernels.layout import ANSWERED_AT, STREAM_AT
from sgsim.model.states import ConntrackDirection, TcpState


@numba.njit
def _note_steps(place):
    follow.note_steps(facts_at(place))


def steps(profile):
    """By whether the flow was answered, direction, state and segment."""
    facts = lower_facts(EngineOptions(profile=profile), allow_unresolved=True, record_flows=True)
    place, facts = gathered(facts, FACTS_DTYPES, FACTS_LENGTHS)
    _note_steps(place.ctypes.data)
    return facts.steps.reshape(2, 2, 16, 8)


@pytest.mark.parametrize("invalid", [InvalidSegment.PASS, InvalidSegment.DENY])
@pytest.mark.parametrize("syn_reopens", [False, True])
@pytest.mark.parametrize("late_refresh", [False, True])
@pytest.mark.parametrize("ignored_refresh", [False, True])
def test_every_segment_in_every_state(invalid, syn_reopens, late_refresh, ignored_refresh):
    profile = AWS_NITRO.given("invalid", invalid.value).given("syn_reopens", syn_reopens)
    profile = profile.given("late_refresh", late_refresh).given("ignored_refresh", ignored_refresh)
    table, actual = tcp.transitions(syn_reopens=syn_reopens), steps(profile)
    for answered, way, state, segment in itertools.product((0, 1), ConntrackDirection, TcpState, Segment):
        move, step = tcp.move(TcpFlow(state), way, segment, table), int(actual[answered, way, state, segment])
        goes_on = move.effect in {Effect.MOVED, Effect.IGNORED} or (
            move.effect is Effect.INVALID and invalid is InvalidSegment.PASS
        )
        assert (not step & follow.STOPS) == goes_on
        if goes_on:
            assert step & follow.SETS == move.flow.state | (way is ConntrackDirection.REPLY) << ANSWERED_AT
            is_over = state in {TcpState.TIME_WAIT, TcpState.CLOSE} and move.flow.state == state
            restarts = (move.effect is Effect.MOVED or ignored_refresh) and (late_refresh or not is_over)
            assert bool(step & follow.RESTARTS) == (move.flow.state != state or restarts), (state, segment)


def test_what_the_kernel_keeps_beside_the_state_is_left_to_others():
    actual = steps(LINUX)
    assert all(actual[:, :, state, segment].min() & follow.STOPS for state in TcpState for segment in Segment)


def test_a_packet_without_states_restarts_its_timeout_and_an_answer_answers():
    actual = steps(AWS_NITRO)[:, :, 0, follow.NO_SEGMENT]
    assert actual.tolist() == [[follow.RESTARTS, follow.RESTARTS | 1 << ANSWERED_AT]] * 2


def test_a_udp_flow_is_a_stream_when_its_opener_goes_on_after_an_answer():
    actual = steps(AWS_NITRO.given("udp_stream", UdpStream.SECOND_REQUEST.value))[:, :, 0, follow.UDP_SEGMENT]
    request, answer = follow.RESTARTS, follow.RESTARTS | 1 << ANSWERED_AT
    assert actual.tolist() == [[request, answer], [request | 1 << STREAM_AT, answer]]


def test_the_age_of_a_stream_is_left_to_others():
    actual = steps(AWS_NITRO.given("udp_stream", UdpStream.ANSWERED_AND_OLD.value))[:, :, 0, follow.UDP_SEGMENT]
    assert [bool(step & follow.STOPS) for step in actual.ravel()] == [False, False, True, True]


def test_where_rules_decide_before_an_answer_they_are_asked():
    actual = steps(AWS_NITRO.given("unanswered", Unanswered.RULES.value))
    assert actual[0, 0, :, : follow.UDP_SEGMENT].min() & actual[0, 0, 0, follow.UDP_SEGMENT] & follow.STOPS
    assert not actual[:, 1, TcpState.ESTABLISHED, Segment.ACK].max() & follow.STOPS
    assert not actual[1, 0, TcpState.ESTABLISHED, Segment.ACK] & follow.STOPS
