"""docs/command-line.md lists what there is: commands and columns."""

import re
from pathlib import Path

from sgsim.cli.main import COMMANDS, SECTIONS
from sgsim.simulation.frames import DECISION_SCHEMA, FLOW_SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")


def part(title):
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def columns(title):
    return re.findall(r"^\| `(\w+)` \|", part(title), re.MULTILINE)


def test_every_command_has_its_part():
    assert re.findall(r"^## sgsim (\w+)$", PAGE, re.MULTILINE) == list(COMMANDS)


def test_the_list_of_commands_is_that_of_the_help():
    rows = re.findall(r"^\| ([\w ]*?) ?\| \[`sgsim (\w+)`\]", PAGE, re.MULTILINE)
    titles = [title for title, _ in rows if title.strip()]
    assert ([name for _, name in rows], titles) == (list(COMMANDS), list(SECTIONS))


def test_the_columns_of_decisions_are_those_of_the_table():
    assert columns("Decisions") == list(DECISION_SCHEMA)


def test_the_columns_of_flows_are_those_of_the_table():
    assert columns("Flows") == list(FLOW_SCHEMA)
