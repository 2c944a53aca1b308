import json
from pathlib import Path

import pytest

from sgsim.cli.changes import parse_changes
from sgsim.documents import load
from sgsim.errors import ConfigError, DocumentError

HOUR_NS = 3_600_000_000_000
NOON_NS = 1_769_860_800_000_000_000  # 2026-01-31T12:00:00Z


@pytest.fixture
def before(web):
    _, rules, _, interface = web
    return load(rules, interfaces=[interface])


def changes(before, *texts):
    return parse_changes(texts, before, lambda inventory: inventory)


@pytest.fixture
def narrowed(here) -> str:
    rules = {"groups": {"sg-web": {"name": "web", "ingress": []}}}
    (here / "narrowed.json").write_text(json.dumps(rules))
    return "narrowed.json"


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("0", (0, True)),
        ("3600", (HOUR_NS, True)),
        ("0.000000001", (1, True)),
        (".5", (500_000_000, True)),
        ("2026-01-31T12:00:00Z", (NOON_NS, False)),
        ("2026-01-31T13:00:00+01:00", (NOON_NS, False)),
        ("2026-01-31t12:00:00.000000001z", (NOON_NS + 1, False)),
    ],
)
def test_times(before, narrowed, time, expected):
    (change,) = changes(before, f"{time}={narrowed}")
    assert (change.time_ns, change.is_relative) == expected


@pytest.mark.parametrize("time", ["", "-1", "soon", "2026-01-31", "2026-01-31T12:00:00", "1e3"])
def test_what_is_no_time(before, time):
    with pytest.raises(ConfigError, match="--change must be TIME=RULES with TIME in seconds"):
        changes(before, f"{time}=rules.json")


def test_a_time_that_does_not_exist(before):
    with pytest.raises(ConfigError, match="time of --change must exist, got '2026-02-30T12:00:00Z'"):
        changes(before, "2026-02-30T12:00:00Z=rules.json")


def test_seconds_and_times_of_day_are_not_mixed(before, narrowed):
    with pytest.raises(ConfigError, match="must be all seconds or all times of day"):
        changes(before, f"1={narrowed}", f"2026-01-31T12:00:00Z={narrowed}")


def test_what_a_change_does_not_name_stays(before, narrowed):
    (change,) = changes(before, f"1={narrowed}")
    assert change.inventory.groups["sg-web"].rules == ()
    assert change.inventory.groups["sg-open"] == before.groups["sg-open"]
    assert change.inventory.interfaces == before.interfaces
    assert change.origin == f"1={narrowed}"


def test_changes_build_on_each_other_in_the_order_of_times(before, narrowed):
    Path("other.json").write_text(json.dumps({"groups": {"sg-open": {"ingress": []}}}))
    first, second = changes(before, "2=other.json", f"1={narrowed}")
    assert first.inventory.groups["sg-open"].rules
    assert second.inventory.groups["sg-open"].rules == ()
    assert second.inventory.groups["sg-web"].rules == ()


def test_names_mean_the_groups_of_before(before):
    peers = {"groups": {"sg-db": {"ingress": [{"protocol": "tcp", "ports": 5432, "from": "web"}]}}}
    Path("peers.json").write_text(json.dumps(peers))
    (change,) = changes(before, "1=peers.json")
    assert str(change.inventory.groups["sg-db"].rules[0].peer) == "sg-web"


def test_a_reference_that_leads_nowhere_is_noted_once(before):
    lost = {"groups": {"sg-db": {"ingress": [{"protocol": "tcp", "ports": 5432, "from": "sg-elsewhere"}]}}}
    Path("lost.json").write_text(json.dumps(lost))
    first, second = changes(before, "1=lost.json", "2=lost.json")
    assert [note.text for note in first.inventory.notes if "sg-elsewhere" in note.text] != []
    assert first.inventory.notes == second.inventory.notes


def test_errors_name_the_option(before):
    with pytest.raises(DocumentError) as caught:
        changes(before, "1=nowhere.json")
    assert str(caught.value).startswith("--change 1=nowhere.json, nowhere.json: ")


def test_a_change_needs_rules(before):
    with pytest.raises(ConfigError, match="change must be TIME=RULES, got no RULES"):
        changes(before, "1=")
