import json
from importlib.resources import files

import jsonschema
import pytest

from sgsim.conntrack.profile import AWS_NITRO, PROFILES
from sgsim.report.profile_text import profile_json, profile_text


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_setting_is_listed_with_its_standing_and_source(profile):
    lines = profile_text(profile).splitlines()
    assert lines[0] == f"{profile.name}: {profile.title} (as of {profile.dated})"
    for name, setting in profile.settings():
        (line,) = [line for line in lines if line.startswith(f"{name} ")]
        assert f"  {setting.standing} " in line
        assert line.endswith(setting.source)
        assert not setting.note or setting.note.split()[0] in profile_text(profile)


def test_values_are_written_as_options_take_them():
    text = profile_text(AWS_NITRO.given("udp_s", 45).given("late_refresh", value=True))
    rows = {" ".join(line.split()) for line in text.splitlines()}
    assert rows >= {
        "tcp_established_s 432000 (60..432000) documented aws-ct",
        "udp_s 45 (30..60) given option",
        "late_refresh true given option",
        "open_rules literal (listed, covered) assumed aws-ct",
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_json_is_what_the_schema_says(profile):
    document = json.loads(profile_json(profile))
    schema = json.loads((files("sgsim.data") / "schemas" / "profile.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert [setting["name"] for setting in document["settings"]] == [name for name, _ in profile.settings()]
    choices = {setting["name"]: setting["choices"] for setting in document["settings"]}
    assert choices["fragments"] == ["deny", "rules"]
    assert choices["late_refresh"] == [True, False]
    assert choices["udp_s"] == []


def test_assumed_values_say_what_changes_if_they_are_wrong():
    settings = {
        each["name"]: each for each in json.loads(profile_json(AWS_NITRO.given("fragments", "rules")))["settings"]
    }
    for setting in settings.values():
        assert bool(setting["if_wrong"]) is bool(setting["measure"]) is (setting["standing"] == "assumed")
    assert "Nitro version 6" in settings["midstream"]["if_wrong"]


def test_the_page_of_assumptions_is_named_where_there_are_any():
    assert "docs/assumptions.md" in profile_text(AWS_NITRO)
    assert "docs/assumptions.md" not in profile_text(PROFILES["linux"])
