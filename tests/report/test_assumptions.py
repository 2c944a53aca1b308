"""Every assumption is told once, with what changes if it is wrong and how to measure it."""

from collections import Counter

import pytest

from sgsim.conntrack.profile import DEFAULT_PROFILE, PROFILES
from sgsim.model.standing import Standing
from sgsim.report.assumptions import assumption_about, load_assumptions
from sgsim.testing.vector_files import load_vectors

ASSUMPTIONS = [each for topic in load_assumptions() for each in topic.assumptions]
STATEMENTS = load_vectors().statements


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_assumed_setting_is_there(profile):
    assumed = {name for name, setting in profile.settings() if setting.standing is Standing.ASSUMED}
    assert sorted(name for name in assumed if assumption_about(name) is None) == []


def test_every_assumed_statement_of_a_vector_is_there():
    assumed = {key for key, statement in STATEMENTS.items() if statement.standing is Standing.ASSUMED}
    told = {key for each in ASSUMPTIONS for key in each.statements}
    assert sorted(assumed ^ told) == []


def test_what_is_named_exists():
    settings = {name for name, _ in DEFAULT_PROFILE.settings()}
    assert {name for each in ASSUMPTIONS for name in each.settings} <= settings


def test_ids_are_told_once():
    assert [key for key, count in Counter(each.name for each in ASSUMPTIONS).items() if count > 1] == []


@pytest.mark.parametrize("assumption", ASSUMPTIONS, ids=[each.name for each in ASSUMPTIONS])
def test_each_says_all_that_a_reader_wants(assumption):
    for text in (assumption.says, assumption.if_wrong, assumption.measure):
        assert text.endswith(".")
    assert assumption.says not in assumption.if_wrong
    assert bool(assumption.default) is not bool(assumption.settings), "settings tell their default themselves"
    assert bool(assumption.settings or assumption.option) is not bool(assumption.no_option), "why nothing turns it"
    assert not assumption.no_option or len(assumption.no_option) > 80, "a reason, and how to see its effect"
    assert not assumption.option.startswith("none")


def test_a_setting_that_is_not_assumed_has_no_assumption():
    assert assumption_about("udp_s") is None
