import pytest
from attrs import define, evolve

from sgsim.errors import ConfigError
from sgsim.testing.conformance import run_vectors
from sgsim.testing.implementations import Stepwise
from sgsim.testing.vector_files import load_vectors
from sgsim.testing.vectors import Answer, Counters

VECTORS = {vector.name: vector for vector in load_vectors().vectors}
FULL = VECTORS["capacity/the-fourth-of-three"]


def expecting(vector, number, **step):
    """A vector that expects something else of one of its steps."""
    steps = list(vector.steps)
    steps[number] = evolve(steps[number], **step)
    return evolve(vector, steps=tuple(steps))


def differences(vector, engine="reference"):
    (outcome,) = run_vectors([vector], engine)
    return [str(difference) for difference in outcome.differences]


@pytest.mark.parametrize("engine", ["reference", "reference-batches", "firewall"])
def test_what_differs_is_told_with_what_was_expected_and_got(engine):
    wrong = expecting(FULL, 3, answers=(Answer("allow", "rule", "new"),), counters=Counters(4, 0, 0))
    place = "step 4, at 1 s, tcp 198.51.100.7:40004 -> 10.0.0.5:443 S: expected"
    assert differences(wrong, engine) == [
        f"{place} verdict allow, got deny (deny table_full new)",
        f"{place} reason rule, got table_full (deny table_full new)",
        f"{place} live entries 4, got 3",
        f"{place} exceeded 0, got 1",
    ]


def test_only_the_first_step_that_differs_is_told():
    wrong = expecting(expecting(FULL, 1, counters=Counters(0, 0, 0)), 2, counters=Counters(0, 0, 0))
    assert [text.split(",")[0] for text in differences(wrong)] == ["step 2", "step 2"]


def test_another_number_of_interfaces_is_told():
    vector = VECTORS["evaluation/sender-then-receiver"]
    wrong = expecting(vector, 0, answers=vector.steps[0].answers[:1])
    assert differences(wrong)[0].endswith("expected decisions 1, got 2: allow rule new; allow rule new")


def test_counters_are_compared_for_each_instance():
    wrong = expecting(VECTORS["evaluation/sender-then-receiver"], 0, counters={"i-1": Counters(1), "i-2": Counters(2)})
    assert [text.rpartition(": ")[2] for text in differences(wrong)] == ["expected live entries of i-2 2, got 1"]


def test_an_error_of_the_engine_is_a_difference():
    back = evolve(FULL.steps[0], time_ns=-1, packet=None, text="look")
    (text,) = differences(evolve(FULL, steps=(FULL.steps[0], back)))
    assert text == (
        "step 2, at -1e-09 s, look: expected result without error, "
        "got an error: time_ns must be at least the clock's 0, got -1"
    )


def test_without_vectors_all_of_the_package_are_run():
    outcomes = run_vectors()
    assert [outcome.vector.name for outcome in outcomes] == list(VECTORS)
    assert all(outcome.passed for outcome in outcomes)


def test_an_unknown_engine_is_refused():
    with pytest.raises(
        ConfigError, match="engine must be one of reference, compiled, reference-batches, firewall, got 'x'"
    ):
        run_vectors([FULL], "x")


@define
class Stateless:
    """A filter of somebody else: it lets out what it likes and remembers nothing."""

    inner: Stepwise

    def send(self, packet, time_ns):
        (answer,) = self.inner.send(packet, time_ns)
        return [answer]

    def change(self, inventory, time_ns):
        self.inner.change(inventory, time_ns)

    def wait(self, time_ns):
        self.inner.wait(time_ns)

    def counters(self):
        return {"": Counters(0)}


def stateless(vector):
    return Stateless(Stepwise.of(vector))


def test_an_implementation_of_ones_own():
    kept, lost = run_vectors([VECTORS["never-filtered/time"], VECTORS["capacity/both-directions"]], stateless)
    assert (kept.passed, kept.engine) == (True, "stateless")
    assert not lost.passed
    assert lost.differences[0].what == "live entries"
