"""Files that `--output` names."""

import os
from pathlib import Path

import pytest
from builders import group, inventory

from sgsim.cli.output_option import check_rule_ending, write_rules, write_text
from sgsim.documents import load
from sgsim.errors import ConfigError


@pytest.mark.parametrize("name", ["", "no/such.txt"])
def test_what_cannot_be_written_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"^--write-baseline must be a file that can be written, got '.*': "):
        write_text(tmp_path / name, "text", "--write-baseline")


def test_nothing_temporary_is_left(tmp_path):
    write_text(tmp_path / "a.txt", "text")
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_device_stays_one():
    write_text(Path(os.devnull), "text")
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("name", ["rules.yaml", "rules.yml", "rules.json"])
def test_rules_are_written_in_the_form_of_the_name(tmp_path, name):
    check_rule_ending(name)
    known = inventory(group("tcp 443 from 0.0.0.0/0"))
    write_rules(tmp_path / name, known)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith("{") == (name == "rules.json")
    assert [rule.text for rule in load(tmp_path / name).groups["sg-web"].rules] == ["tcp 443 from 0.0.0.0/0"]


def test_a_name_that_says_no_form_is_refused():
    check_rule_ending(None)
    with pytest.raises(ConfigError, match=r"^--output must end in \.yaml, \.yml or \.json, got 'rules\.tf'$"):
        check_rule_ending("rules.tf")
