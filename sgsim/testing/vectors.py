"""Conformance vectors: rules, packets in time, and what a filter must say and count after each.

A vector is data. It proves statements about security groups, each with its source and its standing, and it knows nothing
of this package's engines: `docs/conformance.md` describes the files, so that any implementation can run them.
"""

from collections.abc import Iterator, Mapping

from attrs import frozen

from sgsim.engine.options import EngineOptions
from sgsim.model.packet import Packet
from sgsim.model.standing import Standing
from sgsim.rules.inventory import Inventory


@frozen
class Statement:
    """Something that somebody says about the filter."""

    statement_id: str
    section: str
    """Where the list of facts about AWS has it, such as `1.2`; `linux` and `sgsim` for what is not about AWS."""
    text: str
    standing: Standing
    sources: tuple[str, ...]
    """Keys of docs/sources.md."""
    not_shown: str = ""
    """Why no vector shows it; empty if one does."""


@frozen
class Answer:
    """What a filter says of a packet at one interface, in the words of outputs; None where it does not apply.

    In an expectation, what is not in `asked` may be anything.
    """

    verdict: str
    reason: str
    state: str | None = None
    interface: str | None = None
    direction: str | None = None
    tcp_state: str | None = None
    opener: str | None = None
    rule: str | None = None
    asked: tuple[str, ...] = ("verdict", "reason", "state")
    """The names that are compared."""


@frozen
class Counters:
    """The table of one instance."""

    live: int
    """Places taken."""
    available: int | None = None
    """`conntrack_allowance_available`; None without a capacity."""
    exceeded: int = 0
    """`conntrack_allowance_exceeded`."""


@frozen
class Step:
    """Something that happens at a time, and what must hold after it."""

    time_ns: int
    """Nanoseconds since the vector's beginning."""
    packet: Packet | None = None
    inventory: Inventory | None = None
    """What holds from now on; None if the step changes no rules."""
    answers: tuple[Answer, ...] = ()
    """For each interface that judges the packet, in the order of its way."""
    counters: Mapping[str, Counters] | Counters = Counters(0)
    """For each instance by its id, or of the one that there is."""
    text: str = ""
    """What happens, in words."""
    note: str = ""
    """Why, for the reader."""


@frozen
class Vector:
    """One case."""

    topic: str
    vector_id: str
    title: str
    proves: tuple[str, ...]
    """Ids of statements."""
    hinges_on: tuple[str, ...]
    """Settings of the profile that give another answer here if they have another value."""
    options: EngineOptions
    inventory: Inventory
    steps: tuple[Step, ...]
    origin: str = ""
    """The file that it is from."""

    @property
    def name(self) -> str:
        """Topic and id."""
        return f"{self.topic}/{self.vector_id}"


@frozen
class Topic:
    """The vectors of one file, and the statements that it adds."""

    topic: str
    title: str
    statements: tuple[Statement, ...]
    vectors: tuple[Vector, ...]
    origin: str = ""


@frozen
class Suite:
    """Topics that are run together."""

    topics: tuple[Topic, ...]

    @property
    def vectors(self) -> Iterator[Vector]:
        """All of them, topic by topic."""
        return (vector for topic in self.topics for vector in topic.vectors)

    @property
    def statements(self) -> dict[str, Statement]:
        """All of them by id, topic by topic."""
        return {statement.statement_id: statement for topic in self.topics for statement in topic.statements}

    def proofs(self) -> dict[str, list[str]]:
        """For each statement, the names of the vectors that prove it."""
        found: dict[str, list[str]] = {statement_id: [] for statement_id in self.statements}
        for vector in self.vectors:
            for statement_id in vector.proves:
                found[statement_id].append(vector.name)
        return found
