"""The scenarios of synthetic traffic, and the settings of each, for people and programs."""

import json
from typing import Any

from attrs import asdict

from sgsim import __version__
from sgsim.report.blocks import Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.sources.synthetic.scenarios import SCENARIOS, Scenario, find_scenario
from sgsim.sources.synthetic.settings import SETTINGS

SCHEMA_VERSION = 1


def scenarios_text() -> str:
    """Every scenario in a line or two."""
    rows = [Row((each.name, f"{each.title}: {each.shows}")) for each in SCENARIOS.values()]
    table = Table((Column(""), Column("")), rows)
    hint = Paragraph("`sgsim synth --list SCENARIO` shows its settings; each can be given as --with NAME=VALUE.")
    return plain_text(text_lines([Section("Scenarios", [table, hint])]))


def scenario_text(name: str) -> str:
    """One scenario with all settings.

    Raises:
        ConfigError: If there is none of this name.
    """
    found = find_scenario(name)
    facts = Facts((("shows", found.shows), ("duration", found.duration)))
    parts = [Section(f"Part {part}", [_settings(found, part)]) for part in found.parts]
    return plain_text(text_lines([Section(f"{found.name}: {found.title}", [facts]), *parts]))


def _settings(scenario: Scenario, part: str) -> Table:
    own = scenario.parts[part]
    rows = [Row((name, _shown(own.get(name, setting.default)), setting.meaning)) for name, setting in SETTINGS.items()]
    return Table((Column("Setting"), Column("Value"), Column("What it is")), rows)


def _shown(value: object) -> str:
    return "none" if value is None or value == () else str(value).lower() if isinstance(value, bool) else str(value)


def scenarios_json(name: str | None) -> str:
    """All scenarios, or one, for programs; `sgsim/data/schemas/synth-scenarios.schema.json` says what is in it.

    Raises:
        ConfigError: If there is none of this name.
    """
    chosen = list(SCENARIOS.values()) if name is None else [find_scenario(name)]
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "scenarios": [_document(scenario) for scenario in chosen],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _document(scenario: Scenario) -> dict[str, Any]:
    document = asdict(scenario, recurse=False)
    document["parts"] = {
        part: {name: _shown(own.get(name, setting.default)) for name, setting in SETTINGS.items()}
        for part, own in scenario.parts.items()
    }
    return document
