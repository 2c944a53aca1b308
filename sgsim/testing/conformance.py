"""Running vectors, and what came of it.

>>> from sgsim.testing.conformance import run_vectors
>>> outcomes = run_vectors(engine="reference")
>>> all(outcome.passed for outcome in outcomes)
True

With `engine` a function that sets up an `Implementation`, the same vectors are run against a filter of your own.
"""

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from sgsim.errors import ConfigError, SgsimError
from sgsim.testing.implementations import IMPLEMENTATIONS, Implementation, MakeImplementation
from sgsim.testing.vector_files import load_vectors
from sgsim.testing.vectors import Answer, Counters, Step, Vector


@frozen
class Difference:
    """Something that is not as expected after a step."""

    step: int
    """Counted from 1."""
    at_s: float
    what_happens: str
    what: str
    """What differs, such as `verdict`."""
    expected: str
    got: str
    note: str = ""
    """What the vector says of the step, for its reader."""

    def __str__(self) -> str:
        """One line."""
        note = f" ({self.note})" if self.note else ""
        return (
            f"step {self.step}, at {self.at_s:.15g} s, {self.what_happens}{note}: "
            f"expected {self.what} {self.expected}, got {self.got}"
        )


@frozen
class Outcome:
    """What one implementation makes of one vector."""

    vector: Vector
    engine: str
    differences: tuple[Difference, ...] = ()
    """All of the first step that has any; what follows it means nothing."""

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.differences


def run_vectors(
    vectors: Iterable[Vector] | None = None, engine: str | MakeImplementation = "reference"
) -> list[Outcome]:
    """Run vectors.

    Args:
        vectors: Which; None for all that ship with the package.
        engine: `reference`, `compiled`, `reference-batches`, `firewall` (which judges at one interface only), or a
            function that sets up an implementation for a vector.

    Raises:
        ConfigError: If there is no such engine, or a vector is not for it.
    """
    name, make = _implementation(engine)
    chosen = load_vectors().vectors if vectors is None else vectors
    return [Outcome(vector, name, _differences(vector, make(vector))) for vector in chosen]


def _implementation(engine: str | MakeImplementation) -> tuple[str, MakeImplementation]:
    if not isinstance(engine, str):
        return getattr(engine, "__name__", "given"), engine
    if engine not in IMPLEMENTATIONS:
        raise ConfigError(f"engine must be one of {', '.join(IMPLEMENTATIONS)}, got {engine!r}")
    return engine, IMPLEMENTATIONS[engine]


def _differences(vector: Vector, at: Implementation) -> tuple[Difference, ...]:
    for number, step in enumerate(vector.steps, start=1):
        try:
            pairs = list(_compared(step, _do(step, at), at.counters()))
        except SgsimError as error:
            pairs = [("result", "without error", f"an error: {error}")]
        if pairs:
            return tuple(Difference(number, step.time_ns / 1e9, step.text, *pair, step.note) for pair in pairs)
    return ()


def _do(step: Step, at: Implementation) -> list[Answer]:
    if step.packet is not None:
        return list(at.send(step.packet, step.time_ns))
    if step.inventory is not None:
        at.change(step.inventory, step.time_ns)
    else:
        at.wait(step.time_ns)
    return []


def _compared(step: Step, answers: list[Answer], counters: Mapping[str, Counters]) -> Iterator[tuple[str, str, str]]:
    """What differs: its name, the expected value and that got."""
    if len(answers) != len(step.answers):
        yield "decisions", str(len(step.answers)), f"{len(answers)}: {'; '.join(map(_in_words, answers)) or 'none'}"
    for place, (expected, got) in enumerate(zip(step.answers, answers, strict=False)):
        for name in expected.asked:
            wanted, found = getattr(expected, name), getattr(got, name)
            if wanted != found:
                where = f" at stop {place + 1}" if len(step.answers) > 1 else ""
                yield f"{name}{where}", str(wanted), f"{found} ({_in_words(got)})"
    if isinstance(step.counters, Counters):
        yield from _compared_counters("", step.counters, _sum(counters.values(), step.counters))
        return
    for instance_id, wanted_counters in step.counters.items():
        found_counters = counters.get(instance_id, _untouched(wanted_counters))
        yield from _compared_counters(f" of {instance_id}", wanted_counters, found_counters)


def _in_words(answer: Answer) -> str:
    return f"{answer.verdict} {answer.reason} {answer.state or '-'}"


def _compared_counters(where: str, expected: Counters, got: Counters) -> Iterator[tuple[str, str, str]]:
    names = {"live": "live entries", "available": "available", "exceeded": "exceeded"}
    for key, name in names.items():
        if getattr(expected, key) != getattr(got, key):
            yield name + where, str(getattr(expected, key)), str(getattr(got, key))


def _sum(tables: Iterable[Counters], expected: Counters) -> Counters:
    """The one table that there is; before anything was judged there may be none."""
    found = list(tables)
    if not found:
        return _untouched(expected)
    available = None if found[0].available is None else sum(table.available or 0 for table in found)
    return Counters(sum(table.live for table in found), available, sum(table.exceeded for table in found))


def _untouched(expected: Counters) -> Counters:
    """A table that no packet has come to; its capacity is not looked at."""
    return Counters(0, expected.available, 0)
