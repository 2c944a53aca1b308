"""The words of connection tracking."""

import pytest

from sgsim.model.states import ConntrackDirection, ConntrackState, Direction, TcpState, Tracking


@pytest.mark.parametrize("direction", [*Direction, *ConntrackDirection])
def test_the_opposite_of_the_opposite_is_the_direction(direction):
    assert direction is not direction.opposite
    assert direction is direction.opposite.opposite
    assert type(direction) is type(direction.opposite)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Direction, "ingress egress"),
        (ConntrackState, "new established related untracked invalid exempt"),
        (TcpState, "syn_sent syn_recv established fin_wait close_wait last_ack time_wait close syn_sent2"),
        (Tracking, "tracked untracked refused"),
    ],
)
def test_states_are_written_in_lower_case(kind, words):
    assert words.split() == [str(member) for member in kind]


def test_zero_stands_for_none_in_columns():
    assert all(member > 0 for kind in (Direction, ConntrackState, TcpState, Tracking) for member in kind)
