"""A fault in what decides about packets is caught by a vector; without one, all vectors hold."""

from collections.abc import Iterator

import pytest
from conformance.faults import FAULTS

from sgsim.conntrack import tcp
from sgsim.conntrack.tcp import TCP_TRANSITIONS, Segment
from sgsim.model.states import ConntrackDirection, TcpState
from sgsim.testing.conformance import run_vectors
from sgsim.testing.vector_files import load_vectors

VECTORS = list(load_vectors().vectors)


def caught() -> set[str]:
    """The topics in which something is not as expected; an engine with a fault may also break a law of its own."""
    found = set()
    for vector in VECTORS:
        try:
            outcomes = run_vectors([vector])
        except (AssertionError, AttributeError, KeyError):
            found.add(vector.topic)
            continue
        found |= {outcome.vector.topic for outcome in outcomes if not outcome.passed}
    return found


def test_without_a_fault_nothing_is_caught():
    assert caught() == set()


CELLS = [
    (direction, state, segment) for direction, rows in TCP_TRANSITIONS.items() for state in rows for segment in Segment
]


def test_a_fault_in_any_cell_of_the_tcp_table(monkeypatch):
    """Each cell in turn names another state; only the vectors of its state and side are asked."""
    unnoticed = []
    for direction, state, segment in CELLS:
        row = TCP_TRANSITIONS[direction][state]
        wrong = next(other for other in TcpState if other not in {state, row.get(segment)})
        about = f"{state}-{'original' if direction is ConntrackDirection.ORIGINAL else 'reply'}"
        asked = [v for v in VECTORS if v.topic == "tcp-table" and v.vector_id.endswith(about.replace("_", "-"))]
        with monkeypatch.context() as patched:
            patched.setitem(row, segment, wrong)
            if all(outcome.passed for outcome in run_vectors(asked)):
                unnoticed.append(f"{about} {segment.name}")
    assert unnoticed == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught(monkeypatch, fault):
    planted = FAULTS[fault]
    with monkeypatch.context() as patched:
        patched.setattr(planted.owner, planted.name, planted.wrong)
        assert planted.topics <= caught()


def reopenings() -> Iterator[tuple[ConntrackDirection, TcpState]]:
    for direction, rows in TCP_TRANSITIONS.items():
        for state, row in rows.items():
            if row.get(Segment.SYN) is tcp.Beside.REOPEN:
                yield direction, state


def test_a_five_tuple_that_is_never_opened_anew(monkeypatch):
    for direction, state in reopenings():
        with monkeypatch.context() as patched:
            patched.setitem(TCP_TRANSITIONS[direction][state], Segment.SYN, tcp.Beside.IGNORE)
            assert caught() >= {"tcp-table"}
