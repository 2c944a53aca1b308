"""The README keeps its word."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sgsim.conntrack.profile import AWS_NITRO
from sgsim.model.standing import Standing
from sgsim.report.assumptions import load_assumptions
from sgsim.testing.vector_files import load_vectors

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

ROW = re.compile(
    r"^\| (?P<behaviour>.+?) \| (?P<standing>\w+) \| (?P<source>[a-z0-9- ]+?) \| ?(?P<settings>.*?) ?\|$", re.MULTILINE
)
ROWS = [match.groupdict() for match in ROW.finditer(README)]

SAME_AS_LINUX = {name for name, _ in AWS_NITRO.settings() if name.startswith("tcp_")} - {"tcp_established_s"}
"""One line of the README stands for all of these."""

FINER = {
    "timeout_change", "exempt_list", "group_prefixes", "open_own_protocol", "open_across_groups", "open_beside_narrow",
    "syn_reopens", "midstream_untracked", "midstream_after_cut", "full_untracked", "related_refresh",
}  # fmt: skip
"""What the README leaves to docs/assumptions.md: questions that are finer than its lines."""


def settings_of(row):
    return re.findall(r"`(\w+)`", row["settings"])


@pytest.mark.parametrize(
    "line",
    [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/sgsim demo",
        ".venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ],
)
def test_each_set_up_command_is_a_line_to_paste(line):
    assert README.splitlines().count(line) == 1


def test_the_python_example_runs(folder):
    (code,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("allow untracked\n")
    assert "table_full" in done.stdout
    assert "syn_sent" in done.stdout


def test_every_setting_is_modelled_in_one_line_of_the_readme():
    listed = [name for row in ROWS for name in settings_of(row)]
    assert len(listed) == len(set(listed))
    assert set(listed) | SAME_AS_LINUX | FINER == {name for name, _ in AWS_NITRO.settings()}


def test_what_the_readme_leaves_out_is_told_on_the_page_of_assumptions():
    told = {name for topic in load_assumptions() for each in topic.assumptions for name in each.settings}
    assert sorted(FINER - told) == []
    assert "docs/assumptions.md" in README


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["behaviour"][:40])
def test_standing_and_source_of_a_line_are_those_of_its_setting(row):
    assert row["standing"] in {str(standing) for standing in Standing}
    settings = dict(AWS_NITRO.settings())
    for name in settings_of(row):
        assert (row["standing"], row["source"]) == (str(settings[name].standing), settings[name].source)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["behaviour"][:40])
def test_every_source_that_the_readme_names_is_on_the_page_of_sources(row):
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    for key in row["source"].split():
        assert f"{{#{key}}}" in page


def test_every_page_that_the_readme_links_exists():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_the_readme_counts_vectors_and_what_they_prove():
    suite = load_vectors()
    counted = (
        f"{len(list(suite.vectors))} conformance vectors prove {sum(map(bool, suite.proofs().values()))} statements"
    )
    assert counted in README
