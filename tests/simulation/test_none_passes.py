"""Made traffic of which nothing passes is said to be so."""

import pytest
from builders import group, interface, inventory

from sgsim.engine.options import EngineOptions
from sgsim.simulation.none_passes import note_on_beginning
from sgsim.sources import synthetic

REST = "passes under these rules: inbound tcp 443 at eni-a is denied (no_rule). Port, clients and servers are settings"


def note(rule_text, **settings):
    known = inventory(group(rule_text), interface())
    return note_on_beginning(synthetic.syn_flood(arrival="uniform", **settings), known, EngineOptions())


@pytest.mark.parametrize(
    ("rate", "duration", "what"),
    [(10, "100ms", "2 packets"), (10, "1s", "20 packets"), (100, "20s", "first 1,000 packets")],
)
def test_it_says_how_many_were_judged(rate, duration, what):
    assert note("tcp 80 from 0.0.0.0/0", rate=rate, duration=duration) == f"none of its {what} {REST}"


@pytest.mark.parametrize("rule_text", ["tcp 443 from 0.0.0.0/0", "tcp 443 from 198.18.0.0/16"])
def test_nothing_is_said_where_something_passes(rule_text):
    assert note(rule_text, rate=100, duration="1s") is None


def test_nothing_is_said_where_the_packets_cannot_be_judged():
    """A rule whose peer nobody gives: the replay will say so."""
    assert note("tcp 443 from sg-other", rate=10, duration="1s") is None
