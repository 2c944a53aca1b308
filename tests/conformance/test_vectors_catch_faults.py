"""A fault in what decides about packets is caught by a vector; without one, all vectors hold."""

from collections.abc import Iterator

import pytest
from conformance.compiled_faults import COMPILED_FAULTS
from conformance.faults import FAULTS
from equivalence.uncompiled import uncompiled

from sgsim.conntrack import tcp
from sgsim.conntrack.tcp import TCP_TRANSITIONS, Segment
from sgsim.engine.compiled import CompiledEngine
from sgsim.model.states import ConntrackDirection, TcpState
from sgsim.testing.conformance import run_vectors
from sgsim.testing.implementations import Batches
from sgsim.testing.vector_files import load_vectors
from sgsim.testing.vectors import Vector

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


def topics_that_differ(engine: type[CompiledEngine], topics: set[str]) -> set[str]:
    """Of these topics those in which a kind of compiled engine does not do what is expected; one vector each is enough."""

    def make(vector: Vector) -> Batches:
        return Batches(engine(vector.inventory, vector.options))

    found: set[str] = set()
    for vector in VECTORS:
        if vector.topic in topics - found:
            try:
                (outcome,) = run_vectors([vector], make)
            except (AssertionError, ValueError, IndexError):
                found.add(vector.topic)
                continue
            found |= set() if outcome.passed else {vector.topic}
    return found


@pytest.mark.parametrize("fault", COMPILED_FAULTS)
def test_a_fault_in_the_compiled_engine_is_caught(fault):
    planted = COMPILED_FAULTS[fault]
    with uncompiled((planted.before, planted.after)) as engine:
        assert topics_that_differ(engine, planted.topics) == planted.topics


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
