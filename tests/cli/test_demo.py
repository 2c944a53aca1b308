import re
import shlex
from pathlib import Path

import pytest

from sgsim.data import demo_path


def command_in(text: str) -> list[str]:
    """The words of the command that the demo says it stands for."""
    (line,) = re.findall(r"^  (sgsim replay .*)$", text, re.MULTILINE)
    return shlex.split(line)[1:]


def test_demo(sgsim, golden):
    result = sgsim("demo")
    assert (result.exit_code, result.stderr) == (0, "")
    golden("demo.txt", result.stdout)


def test_it_points_out_four_things(sgsim):
    things = sgsim("demo").stdout.partition("Four things to see here\n")[2]
    for name in ("a tracked flow", "an untracked flow", "a denied scan", "a refused entry"):
        assert f"  {name}  " in things


def test_a_larger_table_refuses_nothing(sgsim):
    text = sgsim("demo", "--capacity", 100).stdout
    assert "conntrack_allowance_exceeded   0 packets refused" in text
    assert "no refused entry   the table never held more than " in text


def test_the_printed_command_works_after_save(sgsim):
    saved = sgsim("demo", "--save", "my demo")
    summary = sgsim(*command_in(saved.stdout)).stdout
    assert summary in saved.stdout
    assert Path("my demo/demo.pcap").read_bytes() == demo_path("demo.pcap").read_bytes()


def test_save_again_is_fine_but_not_over_other_files(sgsim, refused):
    assert sgsim("demo", "--save", "here").exit_code == 0
    assert sgsim("demo", "--save", "here").exit_code == 0
    Path("here/groups.json").write_text("mine")
    assert refused("demo", "--save", "here") == (
        "--save must be a directory without other rules and captures, got 'here/groups.json' there"
    )
    assert Path("here/groups.json").read_text() == "mine"


def test_other_rules_would_be_read_with_those_of_the_demo(refused):
    Path("more.yaml").write_text("groups: {}")
    line = refused("demo", "--save", ".")
    assert line == "--save must be a directory without other rules and captures, got 'more.yaml' there"
    assert not Path("demo.pcap").exists()


def test_save_where_nothing_can_be_written(refused):
    Path("file").write_text("")
    assert (
        refused("demo", "--save", "file") == "--save must be a directory that can be written, got 'file': File exists"
    )


@pytest.mark.parametrize("args", [("--help",), ("--capacity", "0")])
def test_nothing_is_replayed_before_options_are_right(sgsim, args):
    assert "Replayed" not in sgsim("demo", *args).output
