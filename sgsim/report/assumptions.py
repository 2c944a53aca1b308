"""What is assumed where nobody says: what changes if it is wrong, and how to measure it.

`sgsim/data/assumptions.json` has them; the docs and `sgsim explain --profile` read it from here.
"""

import json
from functools import cache
from typing import Any

from attrs import frozen

from sgsim.data import data_path


@frozen(kw_only=True)
class Assumption:
    """A choice of ours."""

    name: str
    says: str
    if_wrong: str
    """What then changes for a user."""
    measure: str
    """How to measure it in an account; docs/assumptions.md describes the probes."""
    settings: tuple[str, ...] = ()
    """Settings of a profile that hold it; their values are its default, their sources its sources."""
    statements: tuple[str, ...] = ()
    """Ids of the statements of conformance vectors that rest on it."""
    option: str = ""
    """What turns it beside the settings, in Markdown; empty if nothing does."""
    no_option: str = ""
    """Why nothing turns it, and how to see its effect nevertheless, in Markdown; empty where something does."""
    default: str = ""
    """What holds otherwise, in Markdown; empty where settings say it."""


@frozen
class AssumptionTopic:
    """Assumptions about one subject."""

    title: str
    assumptions: tuple[Assumption, ...]


@cache
def load_assumptions() -> tuple[AssumptionTopic, ...]:
    """All of them, topic by topic."""
    content = json.loads(data_path("assumptions.json").read_text(encoding="utf-8"))
    return tuple(
        AssumptionTopic(topic["title"], tuple(_assumption(row) for row in topic["assumptions"]))
        for topic in content["topics"]
    )


def _assumption(row: dict[str, Any]) -> Assumption:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Assumption(**values)


def assumption_about(setting: str) -> Assumption | None:
    """The assumption that a setting of a profile holds; None if there is none."""
    return next(
        (each for topic in load_assumptions() for each in topic.assumptions if setting in each.settings),
        None,
    )
