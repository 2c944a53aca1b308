"""What `sgsim test` prints: each failure with the packet and the rules behind it, then the numbers."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from sgsim import __version__
from sgsim.analysis.invariant import Outcome
from sgsim.report.analysis_json import SCHEMA_VERSION
from sgsim.report.decision_text import WAYS
from sgsim.report.junit import Case, CaseGroup, junit_xml
from sgsim.report.search_text import check_command
from sgsim.report.units import counted


@frozen
class FileResult:
    """What came of one file."""

    path: str
    options: Sequence[str]
    """What `sgsim check` needs to judge a packet of it again."""
    outcomes: Sequence[Outcome]
    notes: Sequence[str] = ()
    """What the tests did not look at, and what the documents leave open, in whole sentences."""


Results = Sequence[FileResult]


def tests_text(results: Results, *, show_all: bool) -> str:
    """Failures in full, passed tests by name if asked for, and how many there are of both.

    Args:
        results: The outcomes of each file.
        show_all: Whether passed tests are named.
    """
    return "\n".join(_lines(results, show_all=show_all)) + "\n"


def _lines(results: Results, *, show_all: bool) -> Iterator[str]:
    for result in results:
        for outcome in result.outcomes:
            if not outcome.passed:
                yield f"FAIL  {outcome.name}"
                yield f"      {outcome.place}"
                yield from (f"      {line}" for line in _detail(outcome, result.options))
            elif show_all:
                proved = "" if outcome.pairs is None else f"  (proved over {counted(outcome.pairs, 'pair')})"
                yield f"pass  {outcome.name}{proved}"
    for result in results:
        yield from (f"note  {result.path}: {note}" for note in result.notes)
    outcomes = [outcome for result in results for outcome in result.outcomes]
    failed = sum(not outcome.passed for outcome in outcomes)
    invariants = sum(outcome.kind == "invariant" for outcome in outcomes)
    parts = f"{counted(len(outcomes) - invariants, 'packet')}, {counted(invariants, 'invariant')}"
    yield f"{counted(len(outcomes), 'test')} ({parts}): {len(outcomes) - failed} passed, {failed} failed"


def _detail(outcome: Outcome, options: Sequence[str]) -> Iterator[str]:
    yield outcome.failure
    for decision in outcome.answer.decisions if outcome.answer is not None else ():
        rule = f"by {decision.rule.text} [{decision.rule.group_id}]" if decision.rule is not None else "by no rule"
        way = WAYS[decision.direction] if decision.direction is not None else ""
        yield f"{decision.interface_id}, {way}: {decision.verdict} ({decision.reason}) {rule}"
    if outcome.packet is not None:
        yield check_command(outcome.packet, options)


def tests_json(results: Results, profile: str) -> str:
    """The same for programs; `sgsim/data/schemas/test.schema.json` says what is in it."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "profile": profile,
        "passed": sum(outcome.passed for result in results for outcome in result.outcomes),
        "failed": sum(not outcome.passed for result in results for outcome in result.outcomes),
        "tests": [
            {
                "name": outcome.name,
                "kind": outcome.kind,
                "file": result.path,
                "place": outcome.place,
                "passed": outcome.passed,
                "failure": outcome.failure or None,
                "packet": None if outcome.packet is None else str(outcome.packet),
                "rules": [
                    None if decision.rule is None else decision.rule.rule_id
                    for decision in (outcome.answer.decisions if outcome.answer is not None else ())
                ],
                "pairs": outcome.pairs,
                "command": None if outcome.packet is None else check_command(outcome.packet, result.options),
            }
            for result in results
            for outcome in result.outcomes
        ],
        "notes": [{"file": result.path, "text": note} for result in results for note in result.notes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def tests_junit(results: Results) -> str:
    """The same for CI systems, one suite for each file."""
    groups = [
        CaseGroup(
            result.path,
            [
                Case(
                    outcome.name,
                    failure=outcome.failure,
                    detail="" if outcome.passed else "\n".join(_detail(outcome, result.options)),
                    file=result.path,
                )
                for outcome in result.outcomes
            ],
            "\n".join(result.notes),
        )
        for result in results
    ]
    return junit_xml("sgsim test", groups)
