"""Notebooks are kept without outputs; pytest runs them too, as `testpaths` says."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_asks_its_reader(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert sum("**Question.**" in "".join(cell["source"]) for cell in cells) >= 5


def test_the_first_lesson_comes_out_as_its_text_says(capsys):
    cells = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))["cells"]
    exec("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"), {})  # noqa: S102
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for expected in (
        "tcp 10.0.0.5:443 -> 198.51.100.7:40000 SA egress allow: established",
        "answer after 29 s: allow, established",
        "answer after 31 s: deny, no_rule",
        "2 places taken",
        "tcp 203.0.113.1:40022 -> 10.0.0.5:22 A allow: established",
        "tcp 198.51.100.7:40080 -> 10.0.0.5:80 A deny: cut",
        "opened: allow untracked",
        "closed: deny cut",
        "SSH from port 40003: allow, rule, 3 places taken",
        "SSH from port 40004: deny, table_full, 3 places taken",
        "1 packet found no place",
        "tcp 198.51.100.7:40080 -> 10.0.0.5:80 S allow: untracked",
        "app: allow, established",
        "db: deny, midstream",
        "m7i.large: allow, established",
        "m8i.large: deny, midstream",
    ):
        assert expected in lines
