"""Every vector holds for every engine, and is written as its schema and its readers expect."""

import json

import jsonschema
import pytest
from conformance.made_vectors import MADE
from conformance.vector_format import written

from sgsim.data import read_schema
from sgsim.testing.conformance import run_vectors
from sgsim.testing.implementations import IMPLEMENTATIONS
from sgsim.testing.vector_files import bundled_files, load_vectors

SUITE = load_vectors()
FILES = bundled_files()


def failures(engine, vectors):
    return [
        f"{outcome.vector.name}: {difference}"
        for outcome in run_vectors(vectors, engine)
        for difference in outcome.differences
    ]


@pytest.mark.parametrize("engine", [name for name in IMPLEMENTATIONS if name != "firewall"])
def test_every_vector_holds(engine):
    assert failures(engine, SUITE.vectors) == []


def test_every_vector_about_one_interface_holds_for_the_step_by_step_firewall():
    """But those with packets of nobody known, which it refuses, and packets that come late, as it has no time of theirs."""
    left_out = {"recorded/nowhere-and-local", "recorded/late-packet", "never-filtered/dhcp"}
    chosen = [v for v in SUITE.vectors if len(v.inventory.interfaces) == 1 and v.name not in left_out]
    assert len(chosen) > 250
    assert failures("firewall", chosen) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_of_its_schema_and_written_as_all_are(path):
    text = path.read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text), read_schema("vectors"), jsonschema.Draft202012Validator)
    assert written(json.loads(text)) == text
    assert json.loads(text)["topic"] == path.stem


@pytest.mark.parametrize("name", MADE)
def test_what_is_shipped_is_what_is_made(name):
    """`python -m conformance.made_vectors sgsim/data/vectors`, in the folder of tests, makes it anew."""
    (path,) = (path for path in FILES if path.name == name)
    assert written(MADE[name]()) == path.read_text(encoding="utf-8")


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(read_schema("vectors"))
