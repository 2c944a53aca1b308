"""docs/conformance.md shows every topic, and every choice of a profile."""

import re
from pathlib import Path

import vector_facts

from sgsim.testing.vector_files import load_vectors

SUITE = load_vectors()
PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")


def made(directive):
    return directive.__new__(directive).markdown()


def rows(markdown):
    return [line for line in markdown.splitlines() if line.startswith("| ") and not line.startswith("| ---")]


def test_the_sums_of_the_topics_are_those_of_the_files():
    assert rows(made(vector_facts.VectorTopics))[-1].startswith(f"| all |  | {len(list(SUITE.vectors))} | ")


def test_each_choice_of_a_profile_has_a_row():
    found = "\n".join(rows(made(vector_facts.VectorSettings)))
    for name, value in (("midstream", "pickup"), ("bypass", "all-but-icmp"), ("late_refresh", "true")):
        assert f"| `{name}` | `{value}` |" in found
    assert "| `tcp_established_s` | every profile's |" in found


def test_the_page_has_every_table():
    assert re.findall(r"^```\{(vector-[a-z-]+)\}", PAGE, re.MULTILINE) == [
        "vector-topics",
        "vector-settings",
        "vector-example",
    ]
