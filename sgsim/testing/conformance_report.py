"""What came of vectors, for people and for machines."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import asdict, field, frozen

from sgsim import __version__
from sgsim.conntrack.profile import find_profile
from sgsim.data import data_path
from sgsim.model.standing import Standing
from sgsim.report.blocks import Block, Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.junit import Case, CaseGroup, junit_xml
from sgsim.testing.conformance import Outcome
from sgsim.testing.vectors import Statement, Suite, Vector

SCHEMA_VERSION: Final = 1


@frozen
class Report:
    """What came of a suite."""

    suite: Suite
    outcomes: Sequence[Outcome]
    """Of every vector, engine by engine."""
    known: dict[str, Statement]
    """Statements that vectors may prove, by id."""
    engines: tuple[str, ...] = field(init=False)

    @engines.default
    def _find_engines(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(outcome.engine for outcome in self.outcomes))

    @property
    def failures(self) -> list[Outcome]:
        """What did not go as expected."""
        return [outcome for outcome in self.outcomes if not outcome.passed]

    @property
    def passed(self) -> int:
        """How many runs went as expected."""
        return len(self.outcomes) - len(self.failures)

    def of(self, topic: str, engine: str) -> list[Outcome]:
        """What one engine made of one topic."""
        return [each for each in self.outcomes if each.vector.topic == topic and each.engine == engine]

    def proved(self) -> list[Statement]:
        """The statements that vectors here prove: each that proves one of them holds."""
        failed = {key for outcome in self.failures for key in outcome.vector.proves}
        ids = dict.fromkeys(key for vector in self.suite.vectors for key in vector.proves)
        return [self.known[key] for key in ids if key not in failed]

    def doubtful(self) -> list[Statement]:
        """The statements of vectors that do not hold."""
        ids = dict.fromkeys(key for outcome in self.failures for key in outcome.vector.proves)
        return [self.known[key] for key in ids]


def sections(report: Report) -> list[Section]:
    """The report as sections, for text and Markdown."""
    failures = [Section(_failure_title(each), list(_failure(each, report))) for each in report.failures]
    return [Section(_verdict(report), _topics(report)), *failures, Section("What is proved", list(_proved(report)))]


def _failure_title(outcome: Outcome) -> str:
    return f"Not as expected: {outcome.vector.name}, {outcome.engine}"


def _verdict(report: Report) -> str:
    return f"{report.passed} of {len(report.outcomes)} as expected"


def _topics(report: Report) -> list[Block]:
    columns = [Column("topic"), *(Column(engine, is_number=True) for engine in report.engines), Column("about")]
    rows = []
    for topic in report.suite.topics:
        found = [report.of(topic.topic, engine) for engine in report.engines]
        if any(found):
            tone = "allow" if all(each.passed for outcomes in found for each in outcomes) else "deny"
            rows.append(Row([topic.topic, *map(_passed_of, found), topic.title], tone))
    totals = [[each for each in report.outcomes if each.engine == engine] for engine in report.engines]
    rows.append(Row(["all", *map(_passed_of, totals), ""]))
    return [Table(columns, rows)]


def _passed_of(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(outcome.passed for outcome in outcomes)} of {len(outcomes)}"


def _proved(report: Report) -> Iterator[Block]:
    proved = report.proved()
    counts = {standing: sum(each.standing is standing for each in proved) for standing in Standing}
    words = ", ".join(f"{count} {standing}" for standing, count in counts.items() if count)
    settings = {name for vector in report.suite.vectors for name in vector.hinges_on}
    facts = [("statements", f"{len(proved)}: {words}" if proved else "none")]
    if report.failures:
        facts.append(("in doubt", str(len(report.doubtful()))))
    if settings:
        facts.append(("settings", f"{len(settings)} of profiles, on whose value an answer hinges"))
    not_shown = [each for each in report.suite.statements.values() if each.not_shown]
    if not_shown:
        facts.append(
            ("not shown", f"{len(not_shown)} statements that no filter can show; docs/fidelity.md has the reasons")
        )
    yield Facts(facts)


def _failure(outcome: Outcome, report: Report) -> Iterator[Block]:
    vector = outcome.vector
    yield Paragraph(vector.title)
    facts = [("file", _file(vector))]
    facts += [("proves", _statement_text(report.known[key])) for key in vector.proves]
    facts += [("hinges on", f"{key} of {vector.options.profile.name}") for key in vector.hinges_on]
    facts += [("differs", str(difference)) for difference in outcome.differences]
    yield Facts(facts)


def _file(vector: Vector) -> str:
    """Where a vector is written; those of the package are named alike on every machine."""
    path = Path(vector.origin)
    return f"sgsim/data/vectors/{path.name}" if path.parent == data_path("vectors") else vector.origin


def _statement_text(statement: Statement) -> str:
    return f"{statement.text} ({statement.section}, {statement.standing}, {' '.join(statement.sources)})"


def report_json(report: Report) -> str:
    """The report for programs; `sgsim/data/schemas/conformance.schema.json` says what is in it."""
    return json.dumps(_document(report), indent=2, ensure_ascii=False) + "\n"


def _document(report: Report) -> dict[str, Any]:
    profiles = dict.fromkeys(vector.options.profile.name for vector in report.suite.vectors)
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "profiles": [{"profile": name, "dated": find_profile(name).dated} for name in profiles],
        "engines": list(report.engines),
        "vectors": len({outcome.vector.name for outcome in report.outcomes}),
        "passed": report.passed,
        "failed": len(report.failures),
        "topics": [
            {
                "topic": topic.topic,
                "title": topic.title,
                "engine": engine,
                "vectors": len(found),
                "passed": sum(outcome.passed for outcome in found),
            }
            for topic in report.suite.topics
            for engine in report.engines
            if (found := report.of(topic.topic, engine))
        ],
        "failures": [
            {
                "vector": outcome.vector.name,
                "title": outcome.vector.title,
                "engine": outcome.engine,
                "file": _file(outcome.vector),
                "proves": [_statement_document(report.known[key]) for key in outcome.vector.proves],
                "differences": [asdict(difference) for difference in outcome.differences],
            }
            for outcome in report.failures
        ],
    }


def _statement_document(statement: Statement) -> dict[str, Any]:
    return {
        "id": statement.statement_id,
        "section": statement.section,
        "text": statement.text,
        "standing": str(statement.standing),
        "sources": list(statement.sources),
    }


def report_junit(report: Report) -> str:
    """The report as JUnit's XML: a group for each engine and topic, a test for each vector."""
    groups = [
        CaseGroup(f"conformance.{engine}.{topic.topic}", [_case(outcome, report) for outcome in found])
        for engine in report.engines
        for topic in report.suite.topics
        if (found := report.of(topic.topic, engine))
    ]
    return junit_xml("sgsim conformance", groups)


def _case(outcome: Outcome, report: Report) -> Case:
    vector = outcome.vector
    if outcome.passed:
        return Case(vector.vector_id, file=_file(vector))
    lines = [
        vector.title,
        *(_statement_text(report.known[key]) for key in vector.proves),
        *map(str, outcome.differences),
    ]
    return Case(vector.vector_id, failure=str(outcome.differences[0]), detail="\n".join(lines), file=_file(vector))
