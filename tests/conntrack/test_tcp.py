"""The transition table, cell by cell against the kernel's, and the five rules beside it."""

import pytest
import strategies
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from sgsim.conntrack import tcp
from sgsim.conntrack.tcp import Effect, Segment, TcpFlow, TcpMove, linux_move, move, segment_of
from sgsim.model.protocol import parse_tcp_flags
from sgsim.model.states import ConntrackDirection, TcpState

ORIGINAL, REPLY = ConntrackDirection.ORIGINAL, ConntrackDirection.REPLY

# As in the comments of nf_conntrack_proto_tcp.c: a row for each segment, a column for each state before it. `iv` is
# invalid, `ig` ignored; `no` is the column of no state, with which a flow begins. `none` are flags without meaning.
KERNEL = {
    ORIGINAL: """
                no  ss  sr  es  fw  cw  la  tw  cl  s2
        syn     ss  ss  ig  ig  ig  ig  ig  ss  ss  s2
        syn_ack iv  iv  sr  iv  iv  iv  iv  iv  iv  sr
        fin     iv  iv  fw  fw  la  la  la  tw  cl  iv
        ack     es  iv  es  es  cw  cw  tw  tw  cl  iv
        rst     iv  cl  cl  cl  cl  cl  cl  cl  cl  cl
        none    iv  iv  iv  iv  iv  iv  iv  iv  iv  iv
    """,
    REPLY: """
                no  ss  sr  es  fw  cw  la  tw  cl  s2
        syn     iv  s2  iv  iv  iv  iv  iv  ss  iv  s2
        syn_ack iv  sr  ig  ig  ig  ig  ig  ig  ig  sr
        fin     iv  iv  fw  fw  la  la  la  tw  cl  iv
        ack     iv  ig  sr  es  cw  cw  tw  tw  cl  ig
        rst     iv  cl  cl  cl  cl  cl  cl  cl  cl  cl
        none    iv  iv  iv  iv  iv  iv  iv  iv  iv  iv
    """,
}

SHORT = {
    "ss": TcpState.SYN_SENT,
    "sr": TcpState.SYN_RECV,
    "es": TcpState.ESTABLISHED,
    "fw": TcpState.FIN_WAIT,
    "cw": TcpState.CLOSE_WAIT,
    "la": TcpState.LAST_ACK,
    "tw": TcpState.TIME_WAIT,
    "cl": TcpState.CLOSE,
    "s2": TcpState.SYN_SENT2,
}


def kernel_cells() -> dict[tuple[ConntrackDirection, str, Segment], str]:
    cells = {}
    for direction, text in KERNEL.items():
        columns, *rows = (line.split() for line in text.strip().splitlines())
        for name, *row in rows:
            for column, cell in zip(columns, row, strict=True):
                cells[direction, column, Segment[name.upper()]] = cell
    return cells


CELLS = kernel_cells()


def after(state: TcpState, direction: ConntrackDirection, flags: str) -> TcpMove:
    return move(TcpFlow(state), direction, segment_of(parse_tcp_flags(flags)))


def moved(state: TcpState, direction: ConntrackDirection, flags: str) -> TcpState:
    made = after(state, direction, flags)
    assert made.effect is Effect.MOVED
    assert made.flow is not None
    return made.flow.state


@pytest.mark.parametrize("direction", ConntrackDirection)
@pytest.mark.parametrize("short", SHORT)
@pytest.mark.parametrize("segment", Segment)
def test_each_cell_is_the_kernels(direction, short, segment):
    before, cell = SHORT[short], CELLS[direction, short, segment]
    actual = move(TcpFlow(before), direction, segment)
    if cell == "iv":
        expected = TcpMove(Effect.INVALID, TcpFlow(before))
    elif cell == "ig":
        expected = TcpMove(Effect.IGNORED, TcpFlow(before))
    elif segment is Segment.SYN and cell == "ss" and short in {"tw", "cl"}:
        expected = TcpMove(Effect.REOPENED, TcpFlow(before))
    else:
        expected = TcpMove(Effect.MOVED, TcpFlow(SHORT[cell]))
    assert expected == actual


def test_the_table_has_a_row_for_each_state_and_no_cell_that_the_kernel_has_not():
    for direction in ConntrackDirection:
        assert set(TcpState) == set(tcp.TCP_TRANSITIONS[direction])
        for short, state in SHORT.items():
            listed = {segment for segment in Segment if CELLS[direction, short, segment] != "iv"}
            assert listed == set(tcp.TCP_TRANSITIONS[direction][state])


def test_a_flow_begins_as_the_kernels_does():
    column = {segment: CELLS[ORIGINAL, "no", segment] for segment in Segment}
    assert {segment: SHORT[cell] for segment, cell in column.items() if cell != "iv"} == tcp.TCP_PICKUP
    assert {CELLS[REPLY, "no", segment] for segment in Segment} == {"iv"}


def test_a_flow_without_an_entry_may_begin_with_any_segment():
    assert set(Segment) == set(tcp.FIRST_STATES)
    assert tcp.TCP_PICKUP.items() <= tcp.FIRST_STATES.items()


def test_a_connection_has_ended_in_time_wait_and_close():
    assert {TcpState.TIME_WAIT, TcpState.CLOSE} == tcp.ENDED_STATES


VALID_FLAGS = {
    Segment.SYN: "S SU",
    Segment.SYN_ACK: "SA",
    Segment.FIN: "FA FAU",
    Segment.ACK: "A AU",
    Segment.RST: "R RA",
}


class TestSegments:
    def test_nine_sets_of_flags_make_sense_and_all_others_none(self):
        meaning = {
            int(parse_tcp_flags(text)): segment for segment, texts in VALID_FLAGS.items() for text in texts.split()
        }
        assert len(meaning) == 9
        for flags in range(256):
            without_hints = flags & ~int(parse_tcp_flags("PEC"))
            assert meaning.get(without_hints, Segment.NONE) == segment_of(flags)

    @pytest.mark.parametrize("flags", ["-", "F", "SF", "SR", "SFA", "FPU", "FRA", "U", "P", "SAU"])
    def test_scans_and_nonsense_are_nothing(self, flags):
        assert segment_of(parse_tcp_flags(flags)) is Segment.NONE


class TestSynSent:
    STATE = TcpState.SYN_SENT

    def test_a_syn_again_is_a_retransmission(self):
        assert moved(self.STATE, ORIGINAL, "S") is self.STATE

    def test_the_syn_ack_answers(self):
        assert moved(self.STATE, REPLY, "SA") is TcpState.SYN_RECV

    def test_a_syn_of_the_other_side_is_a_simultaneous_open(self):
        assert moved(self.STATE, REPLY, "S") is TcpState.SYN_SENT2

    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_an_rst_closes(self, direction):
        assert moved(self.STATE, direction, "RA") is TcpState.CLOSE

    @pytest.mark.parametrize("flags", ["A", "FA", "SA", "-"])
    def test_anything_else_of_the_opener_comes_too_early(self, flags):
        assert after(self.STATE, ORIGINAL, flags).effect is Effect.INVALID

    def test_an_ack_of_the_other_side_may_be_a_challenge(self):
        assert after(self.STATE, REPLY, "A").effect is Effect.IGNORED


class TestSynRecv:
    STATE = TcpState.SYN_RECV

    def test_the_ack_of_the_opener_completes_the_handshake(self):
        assert moved(self.STATE, ORIGINAL, "A") is TcpState.ESTABLISHED

    def test_an_ack_of_the_other_side_does_not(self):
        assert moved(self.STATE, REPLY, "A") is self.STATE

    def test_a_syn_ack_of_the_opener_is_that_of_a_simultaneous_open(self):
        assert moved(self.STATE, ORIGINAL, "SA") is self.STATE

    def test_late_syn_and_syn_ack_change_nothing(self):
        assert after(self.STATE, ORIGINAL, "S").effect is Effect.IGNORED
        assert after(self.STATE, REPLY, "SA").effect is Effect.IGNORED


class TestEstablished:
    STATE = TcpState.ESTABLISHED

    @pytest.mark.parametrize("direction", ConntrackDirection)
    @pytest.mark.parametrize("flags", ["A", "PA", "AU", "AEC"])
    def test_data_keeps_it(self, direction, flags):
        assert moved(self.STATE, direction, flags) is self.STATE

    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_a_fin_of_either_side_begins_its_end(self, direction):
        assert moved(self.STATE, direction, "FA") is TcpState.FIN_WAIT

    def test_a_syn_on_it_is_ignored_from_the_opener_and_invalid_from_the_other_side(self):
        assert after(self.STATE, ORIGINAL, "S").effect is Effect.IGNORED
        assert after(self.STATE, REPLY, "S").effect is Effect.INVALID


class TestTheEnd:
    @pytest.mark.parametrize("first", ConntrackDirection)
    def test_fin_ack_fin_ack_ends_in_time_wait(self, first):
        state = TcpState.ESTABLISHED
        for direction, flags, expected in [
            (first, "FA", TcpState.FIN_WAIT),
            (first.opposite, "A", TcpState.CLOSE_WAIT),
            (first.opposite, "PA", TcpState.CLOSE_WAIT),
            (first.opposite, "FA", TcpState.LAST_ACK),
            (first, "A", TcpState.TIME_WAIT),
        ]:
            state = moved(state, direction, flags)
            assert expected is state

    @pytest.mark.parametrize("state", [TcpState.FIN_WAIT, TcpState.CLOSE_WAIT, TcpState.LAST_ACK])
    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_another_fin_is_the_last(self, state, direction):
        assert moved(state, direction, "FA") is TcpState.LAST_ACK

    @pytest.mark.parametrize("state", TcpState)
    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_an_rst_closes_whatever_the_state(self, state, direction):
        assert moved(state, direction, "R") is TcpState.CLOSE


class TestTimeWait:
    STATE = TcpState.TIME_WAIT

    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_a_syn_of_either_side_opens_anew(self, direction):
        assert after(self.STATE, direction, "S").effect is Effect.REOPENED

    @pytest.mark.parametrize("direction", ConntrackDirection)
    @pytest.mark.parametrize("flags", ["A", "FA"])
    def test_stragglers_belong_to_it(self, direction, flags):
        assert moved(self.STATE, direction, flags) is self.STATE


class TestClose:
    STATE = TcpState.CLOSE

    def test_only_its_opener_may_try_again(self):
        assert after(self.STATE, ORIGINAL, "S").effect is Effect.REOPENED
        assert after(self.STATE, REPLY, "S").effect is Effect.INVALID


def test_where_syns_reopen_the_opener_s_does_on_an_open_connection_and_nothing_else_differs():
    reopening = tcp.transitions(syn_reopens=True)
    differing = {
        (direction, state, segment, reopening[direction][state].get(segment))
        for direction, rows in tcp.transitions(syn_reopens=False).items()
        for state, cells in rows.items()
        for segment in Segment
        if reopening[direction][state].get(segment) is not cells.get(segment)
    }
    live = (TcpState.ESTABLISHED, TcpState.FIN_WAIT, TcpState.CLOSE_WAIT, TcpState.LAST_ACK)
    assert differing == {(ORIGINAL, state, Segment.SYN, tcp.Beside.REOPEN) for state in live}


class TestSynSent2:
    STATE = TcpState.SYN_SENT2

    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_a_syn_ack_of_either_side_answers(self, direction):
        assert moved(self.STATE, direction, "SA") is TcpState.SYN_RECV


def linux(flow: TcpFlow, direction: ConntrackDirection, flags: str, *, answered: bool = True) -> TcpMove:
    return linux_move(flow, direction, segment_of(parse_tcp_flags(flags)), answered=answered)


def run(*segments: tuple[ConntrackDirection, str], flow: TcpFlow | None = None) -> TcpFlow:
    """The flow after some segments, each of which must belong to it; the first is its opener's."""
    for direction, flags in segments:
        if flow is None:
            segment = segment_of(parse_tcp_flags(flags))
            flow = TcpFlow(tcp.TCP_PICKUP[segment], last_segment=segment)
            continue
        made = linux(flow, direction, flags)
        assert made.effect in {Effect.MOVED, Effect.IGNORED}
        assert made.flow is not None
        flow = made.flow
    assert flow is not None
    return flow


HANDSHAKE = ((ORIGINAL, "S"), (REPLY, "SA"), (ORIGINAL, "A"))
LAST_ACK = (*HANDSHAKE, (ORIGINAL, "FA"), (REPLY, "FA"))
TIME_WAIT = (*LAST_ACK, (ORIGINAL, "A"))


class TestKernelRules:
    """What `linux_move` does beside the table, rule by rule."""

    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_r1_an_rst_on_a_flow_never_answered_deletes_it(self, direction):
        made = linux(run((ORIGINAL, "S")), direction, "RA", answered=False)
        assert made.effect is Effect.DELETED

    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_r1_an_answered_flow_is_kept_in_close(self, direction):
        made = linux(run(*HANDSHAKE), direction, "R")
        assert made.effect is Effect.MOVED
        assert made.flow is not None
        assert made.flow.state is TcpState.CLOSE

    @pytest.mark.parametrize("direction", ConntrackDirection)
    def test_r2_a_syn_opens_anew_what_a_fin_has_closed(self, direction):
        flow = run(*TIME_WAIT)
        assert flow.state is TcpState.TIME_WAIT
        assert linux(flow, direction, "S").effect is Effect.REOPENED

    def test_r2_a_syn_opens_anew_after_an_rst_of_its_own_side(self):
        assert linux(run(*HANDSHAKE, (ORIGINAL, "R")), ORIGINAL, "S").effect is Effect.REOPENED

    def test_r2_a_syn_after_an_rst_of_the_other_side_is_ignored(self):
        flow = run(*HANDSHAKE, (REPLY, "R"))
        made = linux(flow, ORIGINAL, "S")
        assert made.effect is Effect.IGNORED
        assert made.flow is not None
        assert made.flow.state is TcpState.CLOSE

    def test_r2_and_so_is_the_next_as_the_rst_is_no_longer_the_last(self):
        flow = run(*HANDSHAKE, (ORIGINAL, "R"), (ORIGINAL, "A"))
        assert linux(flow, ORIGINAL, "S").effect is Effect.IGNORED

    def test_r2_an_rst_after_a_fin_opens_anew_too(self):
        flow = run(*HANDSHAKE, (ORIGINAL, "FA"), (REPLY, "R"))
        assert linux(flow, ORIGINAL, "S").effect is Effect.REOPENED

    def test_r3_an_ack_straight_after_an_ignored_syn_in_last_ack_is_a_challenge(self):
        flow = run(*LAST_ACK, (ORIGINAL, "S"))
        assert flow.expects_challenge is True
        assert linux(flow, REPLY, "A") == TcpMove(Effect.IGNORED, evolve(flow, expects_challenge=False))

    def test_r3_but_only_once(self):
        flow = run(*LAST_ACK, (ORIGINAL, "S"), (REPLY, "A"), (REPLY, "A"))
        assert flow.state is TcpState.TIME_WAIT

    def test_r3_and_not_from_the_side_of_the_syn(self):
        assert run(*LAST_ACK, (ORIGINAL, "S"), (ORIGINAL, "A")).state is TcpState.TIME_WAIT

    @pytest.mark.parametrize("between", ConntrackDirection)
    def test_r3_and_not_after_anything_between(self, between):
        flow = run(*LAST_ACK, (ORIGINAL, "S"), (between, "FA"), (REPLY, "A"))
        assert flow.state is TcpState.TIME_WAIT

    def test_r3_and_not_where_the_syn_was_ignored_before(self):
        flow = run(*HANDSHAKE, (ORIGINAL, "S"), (ORIGINAL, "FA"), (REPLY, "FA"), (REPLY, "A"))
        assert flow.state is TcpState.TIME_WAIT

    def test_r3_a_segment_that_moves_the_flow_leaves_what_is_expected(self):
        """Only an answer, or another SYN, says anew whether a challenge is expected."""
        assert run(*LAST_ACK, (ORIGINAL, "S"), (REPLY, "FA")).expects_challenge is True

    def test_r4_after_a_simultaneous_open_an_ack_of_the_other_side_completes_the_handshake(self):
        flow = run((ORIGINAL, "S"), (REPLY, "S"), (ORIGINAL, "SA"))
        assert flow.state is TcpState.SYN_RECV
        assert run((REPLY, "A"), flow=flow).state is TcpState.ESTABLISHED

    def test_r4_otherwise_it_does_not(self):
        assert run((ORIGINAL, "S"), (REPLY, "SA"), (REPLY, "A")).state is TcpState.SYN_RECV

    def test_r4_an_ignored_syn_of_the_opener_makes_the_kernel_forget_the_simultaneous_open(self):
        flow = run((ORIGINAL, "S"), (REPLY, "S"), (ORIGINAL, "SA"), (ORIGINAL, "S"))
        assert TcpFlow(TcpState.SYN_RECV, last_segment=Segment.SYN) == flow
        assert run((REPLY, "A"), flow=flow).state is TcpState.SYN_RECV

    def test_r4_an_ignored_syn_of_the_other_side_makes_it_forget_nothing(self):
        """What is known of the handshake is the opener's: of the other side's SYN it is noted that it came last."""
        flow = TcpFlow(TcpState.TIME_WAIT, is_simultaneous=True)
        assert linux(flow, REPLY, "S") == TcpMove(
            Effect.IGNORED, evolve(flow, last_segment=Segment.SYN, last_direction=REPLY)
        )

    @pytest.mark.parametrize(("direction", "state"), [(ORIGINAL, TcpState.SYN_SENT), (REPLY, TcpState.SYN_SENT2)])
    def test_r5_a_syn_on_a_flow_never_answered_does_not_restart_its_timeout(self, direction, state):
        made = linux(run((ORIGINAL, "S")), direction, "S", answered=False)
        assert (made.effect, made.renews) == (Effect.MOVED, False)
        assert made.flow is not None
        assert made.flow.state is state

    def test_r5_on_an_answered_flow_it_does(self):
        assert linux(run((ORIGINAL, "S")), ORIGINAL, "S", answered=True).renews
        assert linux(run((ORIGINAL, "S"), (REPLY, "S")), ORIGINAL, "S", answered=True).renews

    def test_r5_and_so_does_any_other_segment(self):
        assert linux(run((ORIGINAL, "S")), REPLY, "SA", answered=False).renews
        assert linux(run((ORIGINAL, "A")), ORIGINAL, "A", answered=False).renews

    def test_an_invalid_segment_leaves_everything_as_it_was(self):
        flow = run(*HANDSHAKE)
        assert TcpMove(Effect.INVALID, flow) == linux(flow, REPLY, "S")


flows = st.builds(
    TcpFlow,
    st.sampled_from(TcpState),
    st.booleans(),
    st.sampled_from(Segment),
    strategies.conntrack_directions,
    st.booleans(),
    st.booleans(),
)


@given(flows, strategies.conntrack_directions, st.sampled_from(Segment), st.booleans())
def test_the_kernels_rules_differ_from_the_table_only_where_they_say(flow, direction, segment, answered):
    table, kernel = move(flow, direction, segment), linux_move(flow, direction, segment, answered=answered)
    assert kernel.flow is not None
    if not kernel.renews:  # R5
        assert (flow.state, segment, answered) == (TcpState.SYN_SENT, Segment.SYN, False)
        kernel.renews = True
    if table.effect is Effect.INVALID:
        assert table == kernel
    elif table.effect is Effect.REOPENED:  # R2
        assert kernel.effect in {Effect.REOPENED, Effect.IGNORED}
    elif segment is Segment.RST:  # R1
        assert kernel.effect is (Effect.MOVED if answered else Effect.DELETED)
    elif kernel.effect is not table.effect:  # R3
        assert (flow.state, segment, kernel.effect) == (TcpState.LAST_ACK, Segment.ACK, Effect.IGNORED)
    elif table.flow is not None and kernel.flow.state is not table.flow.state:  # R4
        assert (segment, direction, kernel.flow.state) == (Segment.ACK, REPLY, TcpState.ESTABLISHED)
        assert flow.state is TcpState.SYN_RECV
