"""Tests of rules: packets whose verdict is known beforehand, and invariants that hold for every packet of a question."""

import enum

from attrs import frozen

from sgsim.analysis.question import Wording
from sgsim.analysis.search import search
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.errors import SgsimError
from sgsim.model.decision import Decision, Verdict
from sgsim.model.packet import Packet
from sgsim.model.shorthand import parse_packet
from sgsim.rules.inventory import Inventory
from sgsim.simulation.check import Answer, check_packet


@frozen(kw_only=True)
class Expectation:
    """A packet and what is to become of it."""

    name: str
    text: str
    """The packet, as the command line takes it."""
    verdict: Verdict
    state: str | None = None
    """What tracking must say of it at the last interface; None if anything will do."""
    rule: str | None = None
    """The id or text of the rule that must decide at the last interface; None if any will do."""
    place: str = ""
    """Where it is written, for messages."""


class Claim(enum.Enum):
    """What an invariant says of all packets of its question."""

    NEVER = "never"
    """Not one is allowed."""
    ALWAYS = "always"
    """Not one is denied."""

    def __str__(self) -> str:
        """As files write it."""
        return self.value


_DONE = {Verdict.ALLOW: "allowed", Verdict.DENY: "denied"}


@frozen(kw_only=True)
class Invariant:
    """What holds for every packet of a question."""

    name: str
    claim: Claim
    wording: Wording
    place: str = ""
    """Where it is written, for messages."""


@frozen(kw_only=True)
class Outcome:
    """One test and what came of it."""

    name: str
    kind: str
    """`packet` or `invariant`."""
    place: str
    failure: str = ""
    """What is wrong, in one line; empty if it passed."""
    packet: Packet | None = None
    """The packet of the test, or of a broken invariant one that breaks it."""
    answer: Answer | None = None
    """What the engine says of it."""
    pairs: int | None = None
    """Of an invariant, how many pairs of sender and receiver were looked at."""

    @property
    def passed(self) -> bool:
        """Whether it is as it must be."""
        return not self.failure


def run_expectation(inventory: Inventory, test: Expectation, options: EngineOptions = DEFAULT_OPTIONS) -> Outcome:
    """Judge the packet of a test.

    Raises:
        SgsimError: If the packet cannot be read, touches no known interface, or hinges on unknown addresses; the error
            names the place of the test.
    """
    try:
        packet = parse_packet(test.text).packet
        answer = check_packet(inventory, packet, options)
    except SgsimError as error:
        if test.place:
            error.add_note(test.place)
        raise
    failure = "; ".join(_failures(test, answer.verdict, answer.decisions[-1]))
    return Outcome(name=test.name, kind="packet", place=test.place, failure=failure, packet=packet, answer=answer)


def _failures(test: Expectation, verdict: Verdict, decision: Decision) -> list[str]:
    found = []
    if verdict is not test.verdict:
        found.append(f"must be {test.verdict}, got {verdict} ({decision.reason})")
    if test.state is not None and str(decision.state) != test.state:
        found.append(f"state must be {test.state}, got {decision.state}")
    rule = decision.rule
    if test.rule is not None and (rule is None or test.rule not in {rule.rule_id, rule.text}):
        found.append(f"rule must be {test.rule}, got {'none' if rule is None else rule.text}")
    return found


def run_invariant(inventory: Inventory, invariant: Invariant, options: EngineOptions = DEFAULT_OPTIONS) -> Outcome:
    """Look for a packet that breaks an invariant.

    Raises:
        SgsimError: If the question is not right or hinges on unknown addresses; the error names the invariant's place.
    """
    wrong = Verdict.ALLOW if invariant.claim is Claim.NEVER else Verdict.DENY
    try:
        found = search(inventory, invariant.wording.question(inventory), wrong, options)
    except SgsimError as error:
        if invariant.place:
            error.add_note(invariant.place)
        raise
    answer = found.answer
    failure = "" if answer is None else f"must {invariant.claim} be allowed, but one packet is {_DONE[wrong]}"
    return Outcome(
        name=invariant.name,
        kind="invariant",
        place=invariant.place,
        failure=failure,
        packet=None if answer is None else answer.packet,
        answer=answer,
        pairs=found.pairs,
    )
