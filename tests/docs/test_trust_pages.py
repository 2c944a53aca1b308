"""docs/fidelity.md shows every statement, docs/assumptions.md every assumption; who else shows one is true."""

import re
from pathlib import Path

import facts
import pytest
import trust_facts

from sgsim.conntrack.profile import DEFAULT_PROFILE
from sgsim.report.assumptions import load_assumptions
from sgsim.testing.vector_files import load_vectors

ROOT = Path(__file__).parents[2]
SUITE = load_vectors()
WITNESSES = trust_facts.read_witnesses()
SHOWS = [(key, witness, test) for key, found in WITNESSES["shows"].items() for witness, test in found.items()]


def made(directive):
    return directive.__new__(directive).markdown()


def rows(markdown):
    return [line for line in markdown.splitlines() if line.startswith("| ") and not line.startswith("| ---")]


def test_each_statement_has_a_row_where_it_belongs():
    shown = [statement for statement in SUITE.statements.values() if not statement.not_shown]
    tables = sum(any(not each.not_shown for each in topic.statements) for topic in SUITE.topics)
    assert len(rows(made(trust_facts.Fidelity))) == len(shown) + tables
    items = [line for line in made(trust_facts.FidelityNotShown).splitlines() if line.startswith("- ")]
    assert len(items) == len(SUITE.statements) - len(shown)


def test_the_counts_are_those_of_the_statements():
    shown = [statement for statement in SUITE.statements.values() if not statement.not_shown]
    of_kernel = sum("kernel" in found for found in WITNESSES["shows"].values())
    sums = [int(number) for number in re.findall(r"\*\*(\d+)\*\*", rows(made(trust_facts.FidelityCounts))[-1])]
    assert sums[0] == len(shown) == sum(sums[1:-1])
    assert sums[-1] == of_kernel


def test_what_others_show_is_a_statement_that_vectors_show_too():
    assert [key for key in WITNESSES["shows"] if not SUITE.proofs().get(key)] == []
    assert {witness for _, witness, _ in SHOWS} == set(WITNESSES["witnesses"])


@pytest.mark.parametrize("test", sorted({test for _, _, test in SHOWS}))
def test_the_test_that_shows_it_exists(test):
    path, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / "tests" / "conformance" / path).read_text(encoding="utf-8")


def test_each_assumption_has_a_row_with_its_default_and_its_option():
    found = rows(made(trust_facts.Assumptions))
    every = [each for topic in load_assumptions() for each in topic.assumptions]
    assert len(found) == len(every) + len(load_assumptions())
    assert "`midstream`: `deny`, or `pickup` (`--midstream`)" in "\n".join(found)
    assert "`fragments`: `deny`, or `rules`<br>" in "\n".join(found)
    assert "Option: `--cold-start` presumes nothing" in "\n".join(found)


def test_each_assumption_names_the_nearest_source_or_none():
    settings = {name for name, _ in DEFAULT_PROFILE.settings()}
    for topic in load_assumptions():
        for each in topic.assumptions:
            assert bool(trust_facts.assumption_sources(each)) is bool(settings & set(each.settings) or each.statements)


def test_the_options_that_assumptions_name_exist():
    told = {
        name
        for topic in load_assumptions()
        for each in topic.assumptions
        for text in (each.option, each.default, each.if_wrong, each.measure)
        for name in re.findall(r"`(--[a-z-]+)", text)
    }
    known = {name for options in facts.option_groups().values() for option in options for name in option.opts}
    assert told
    assert told - known == set()


def test_the_number_of_assumptions_is_told():
    every = [each for topic in load_assumptions() for each in topic.assumptions]
    assert made(trust_facts.AssumptionCounts).startswith(f"There are {len(every)}: ")


@pytest.mark.parametrize(
    ("page", "tables"),
    [
        ("fidelity", ["fidelity-counts", "fidelity", "fidelity-not-shown"]),
        ("assumptions", ["assumption-counts", "assumptions"]),
    ],
)
def test_the_page_has_every_table(page, tables):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{([a-z-]+)\}", text, re.MULTILINE) == tables
