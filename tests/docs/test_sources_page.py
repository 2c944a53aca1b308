"""Whoever names a source in the code or in a setting can look it up in docs/sources.md."""

import re
from pathlib import Path

import pytest

from sgsim.conntrack.exempt import EXEMPT_SERVICES
from sgsim.conntrack.profile import PROFILES
from sgsim.model.standing import Standing
from sgsim.testing.vector_files import load_vectors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
KEYS = re.findall(r"^\{#([a-z0-9-]+)\}\n\*\*\1\*\*", PAGE, re.MULTILINE)

NAMED = re.compile(r"\[((?:aws|linux|ena|o)-[a-z0-9-]+|rfc\d+|iana)\]")
"""A key in square brackets, as docstrings and comments name sources."""


def test_every_source_that_the_code_names_is_on_the_page():
    named = {
        f"{path.relative_to(ROOT)}: {key}"
        for path in (ROOT / "sgsim").rglob("*.py")
        for key in NAMED.findall(path.read_text(encoding="utf-8"))
        if key not in KEYS
    }
    assert named == set()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_setting_names_sources_that_are_on_the_page(profile):
    for name, setting in profile.settings():
        keys = setting.source.split()
        assert keys, name
        assert set(keys) <= set(KEYS), name


def test_every_statement_of_a_vector_names_sources_that_are_on_the_page():
    named = {key for statement in load_vectors().statements.values() for key in statement.sources}
    assert named - set(KEYS) == set()


def test_every_exempt_service_names_a_source_that_is_on_the_page():
    assert {service.source for service in EXEMPT_SERVICES} <= set(KEYS)


def test_every_source_on_the_page_stands_there_once_with_a_sentence():
    assert sorted(set(KEYS)) == sorted(KEYS)
    for key in KEYS:
        (entry,) = re.findall(rf"^\*\*{key}\*\* · (.+?)(?:\n\n|\Z)", PAGE, re.MULTILINE | re.DOTALL)
        title, _, sentence = entry.partition("\n")
        assert title.endswith("."), key
        assert sentence.strip().endswith("."), key


def test_every_standing_is_explained():
    for standing in Standing:
        assert f"| {standing} |" in PAGE
