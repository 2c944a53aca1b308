"""Tables of what is known, of what is assumed, and of what proves it, made from the code's data while pages are built."""

import json
from collections import Counter
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from facts import Facts, literal, option_for, source_links, table, value_text
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from vector_facts import named

from sgsim.conntrack.profile import DEFAULT_PROFILE
from sgsim.model.standing import Standing
from sgsim.report.assumptions import Assumption, load_assumptions
from sgsim.testing.vector_files import load_vectors
from sgsim.testing.vectors import Statement, Topic

WITNESSES: Final = Path(__file__).parents[2] / "tests" / "conformance" / "witnesses.json"
"""Who else shows a statement, and by which test."""

STANDINGS: Final = tuple(standing for standing in Standing if standing is not Standing.GIVEN)

KERNEL: Final = "kernel"

MOST_SETTINGS: Final = 3
"""Shown in a row of fidelity; the page of assumptions has all."""


suite: Final = cache(load_vectors)
"""All vectors of the package, read once."""


def read_witnesses() -> dict[str, Any]:
    """The names of the witnesses, and for each statement the test of each that shows it."""
    content: dict[str, Any] = json.loads(WITNESSES.read_text(encoding="utf-8"))
    return content


class Chapters(Facts):
    """A directive whose Markdown has headings."""

    def run(self) -> list[nodes.Node]:
        """Parse what `markdown` gives."""
        return self.parse_text_to_nodes(self.markdown(), allow_section_headings=True)


class FidelityCounts(Facts):
    """`{fidelity-counts}`: how many statements of each standing, by topic, and how many the kernel shows."""

    def markdown(self) -> str:
        """One row for each topic, and their sum."""
        shows = read_witnesses()["shows"]
        rows, sums = [], Counter[str]()
        for topic in _topics_with_shown():
            shown = _shown(topic)
            counts = Counter(str(each.standing) for each in shown)
            counts["statements"] = len(shown)
            counts["vectors"] = len(topic.vectors)
            counts[KERNEL] = sum(KERNEL in shows.get(each.statement_id, {}) for each in shown)
            sums += counts
            rows.append([topic.title, *_cells(counts)])
        heads = ["Topic", "Statements", *(str(standing).capitalize() for standing in STANDINGS), "Kernel"]
        return table(heads, [*rows, ["**all**", *(f"**{cell}**" for cell in _cells(sums))]])


def _cells(counts: Counter[str]) -> list[str]:
    return [str(counts[name] or "·") for name in ("statements", *map(str, STANDINGS), KERNEL)]


def _topics_with_shown() -> list[Topic]:
    return [topic for topic in suite().topics if _shown(topic)]


def _shown(topic: Topic) -> list[Statement]:
    return [statement for statement in topic.statements if not statement.not_shown]


class Fidelity(Chapters):
    """`{fidelity}`: every statement that vectors prove, with all that shows it."""

    def markdown(self) -> str:
        """A heading and a table for each topic."""
        proofs, witnesses = suite().proofs(), read_witnesses()
        chapters = []
        for topic in _topics_with_shown():
            rows = [self._row(each, proofs[each.statement_id], witnesses) for each in _shown(topic)]
            heads = ["Behaviour", "Known by", "Vectors", "Kernel", "Others"]
            chapters.append(f"### {topic.title}\n\n{{.fidelity}}\n{table(heads, rows)}")
        return "\n\n".join(chapters)

    @staticmethod
    def _row(statement: Statement, vectors: list[str], witnesses: dict[str, Any]) -> list[str]:
        found = witnesses["shows"].get(statement.statement_id, {})
        others = [title for key, title in witnesses["witnesses"].items() if key in found and key != KERNEL]
        return [
            literal(statement.text),
            f"{statement.standing}<br>{source_links(' '.join(statement.sources))}{_turned_by(statement)}",
            named(vectors),
            "yes" if KERNEL in found else "·",
            ", ".join(others) or "·",
        ]


def _turned_by(statement: Statement) -> str:
    """What turns an assumption: the settings that hold it, else the page that tells."""
    if statement.standing is not Standing.ASSUMED:
        return ""
    resting = (each for topic in load_assumptions() for each in topic.assumptions)
    settings = [name for each in resting if statement.statement_id in each.statements for name in each.settings]
    shown = list(dict.fromkeys(settings))[:MOST_SETTINGS]
    texts = ", ".join(f"`{name}`" for name in shown) + (", ..." if len(settings) > len(shown) else "")
    return f"<br>turned by {texts}" if settings else "<br>[see assumptions](assumptions.md)"


class FidelityNotShown(Facts):
    """`{fidelity-not-shown}`: the statements that no vector can show, by the reason."""

    def markdown(self) -> str:
        """A paragraph and a list for each reason."""
        reasons: dict[str, list[Statement]] = {}
        for statement in suite().statements.values():
            if statement.not_shown:
                reasons.setdefault(statement.not_shown, []).append(statement)
        return "\n\n".join(
            f"**{literal(reason)}**\n\n" + "\n".join(map(self._item, statements))
            for reason, statements in sorted(reasons.items(), key=lambda item: -len(item[1]))
        )

    @staticmethod
    def _item(statement: Statement) -> str:
        return f"- {literal(statement.text)} ({statement.standing}, {source_links(' '.join(statement.sources))})"


class AssumptionCounts(Facts):
    """`{assumption-counts}`: how many there are, and how many can be turned."""

    def markdown(self) -> str:
        """One sentence."""
        found = [each for topic in load_assumptions() for each in topic.assumptions]
        settings = {name for each in found for name in each.settings}
        held = sum(bool(each.settings) for each in found)
        fixed = sum(bool(each.no_option) for each in found)
        return (
            f"There are {len(found)}: {held} are held by {len(settings)} settings of a [profile](profiles.md), "
            f"{len(found) - held - fixed} by options of the command line or by what your documents say, and {fixed} have no "
            "option and tell why."
        )


class Assumptions(Chapters):
    """`{assumptions}`: every assumption, what turns it, what changes if it is wrong, and how to measure it."""

    def markdown(self) -> str:
        """A heading and a table for each topic."""
        heads = ["Assumed", "If it is wrong", "How to measure it"]
        return "\n\n".join(
            f"## {topic.title}\n\n{{.assumptions}}\n{table(heads, map(assumption_row, topic.assumptions))}"
            for topic in load_assumptions()
        )


def assumption_row(assumption: Assumption) -> list[str]:
    """Its cells; what holds by default is the default profile's."""
    sources = assumption_sources(assumption)
    lines = [f"**{literal(assumption.says)}**", *_setting_lines(assumption)]
    if sources:
        lines.append(f"Nearest source: {source_links(' '.join(sources))}")
    return ["<br>".join(lines), literal(assumption.if_wrong), literal(assumption.measure)]


def _setting_lines(assumption: Assumption) -> list[str]:
    settings = dict(DEFAULT_PROFILE.settings())
    lines = [
        f"`{name}`: {value_text(settings[name].value)}{_others(settings[name].value)}{_own_option(name)}"
        for name in assumption.settings
    ]
    told = (("Default", assumption.default), ("Option", assumption.option))
    lines += [f"{name}: {text}" for name, text in told if text]
    return [*lines, f"No option: {assumption.no_option}."] if assumption.no_option else lines


def _others(value: object) -> str:
    """What else a choice can be; nothing for a time."""
    members: tuple[object, ...] = tuple(type(value)) if isinstance(value, Enum) else ()
    others = (not value,) if isinstance(value, bool) else tuple(member for member in members if member is not value)
    return f", or {', '.join(map(value_text, others))}" if others else ""


def _own_option(name: str) -> str:
    option = option_for(name)
    return "" if option.startswith("`--set ") else f" ({option})"


def assumption_sources(assumption: Assumption) -> list[str]:
    """Keys of the sources of all that rests on it."""
    settings, statements = dict(DEFAULT_PROFILE.settings()), suite().statements
    texts = [settings[name].source for name in assumption.settings]
    texts += [" ".join(statements[key].sources) for key in assumption.statements]
    return list(dict.fromkeys(" ".join(texts).split()))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx the directives."""
    app.add_directive("fidelity-counts", FidelityCounts)
    app.add_directive("fidelity", Fidelity)
    app.add_directive("fidelity-not-shown", FidelityNotShown)
    app.add_directive("assumption-counts", AssumptionCounts)
    app.add_directive("assumptions", Assumptions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
