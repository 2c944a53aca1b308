"""Notebooks are kept without outputs; pytest runs them too, as `testpaths` says."""

import json
import re
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


OUTPUTS = {
    "01": (
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
    ),
    "02": (
        "1 group differs: 1 newly allowed and 1 now tracked; 1 group is the same.",
        "none: no such packet is allowed, proved over 1 pair of sender and receiver",
        "ALLOW tcp 203.0.113.33:40000 -> 10.0.1.5:22",
        "cut 148 flows",
        "kept 3 flows",
        "cut 4 flows 155 packets",
        "now_tracked 152 flows 8538 packets",
        "delete-first: 146 packets denied",
        "create-first: 0 packets denied",
        "as intended: False",
        "as intended: True",
    ),
    "03": (
        "238 sg-web:ingress:tcp:443:198.51.100.0/24",
        "10000 of 10000 places are taken:",
        "9702 sg-web:egress:tcp:1-65535:128.0.0.0/1",
        "17 ingress, protocol 6",
        "needed: 316",
        "315 places: 1 packets refused",
        "aws-nitro : 420 allowed, 0 denied",
        "aws-nitro-v6: 120 allowed, 300 denied",
        "the longest silence: 599.998 s",
        "599 s: 20 flows cut",
        "600 s: 0 flows cut",
        "500 allowed, 0 denied",
        "peak: 73 before, 0 after",
    ),
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_comes_out_as_its_text_says(path, capsys):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    source = re.sub(r"^(change|found)$", r"print(\1)", "\n".join(code), flags=re.MULTILINE)  # which a notebook shows
    exec(source, {})  # noqa: S102
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [expected for expected in OUTPUTS[path.stem[:2]] if expected not in lines] == []
