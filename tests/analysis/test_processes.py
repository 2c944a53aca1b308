"""Work in processes of its own: values, errors, and scripts that guard nothing."""

import os
import subprocess
import sys

import pytest

from sgsim.analysis.processes import map_apart
from sgsim.errors import ConfigError, SgsimError


def test_values_come_in_the_order_of_the_items():
    assert [1, 4, 9, 16, 25] == map_apart(_squared, [1, 2, 3, 4, 5], 2)


def test_each_is_in_another_process():
    assert os.getpid() not in map_apart(_process, [1, 2], 2)


def test_what_is_raised_there_is_raised_here_with_its_notes():
    with pytest.raises(ConfigError, match="no such thing") as refusal:
        map_apart(_refuse, [1], 1)
    assert refusal.value.__notes__ == ["there"]


def test_a_process_that_ends_before_its_work_is_done_is_told():
    with pytest.raises(SgsimError, match="process must live until its work is done, got one that ended with 7"):
        map_apart(os._exit, [7], 1)


def _squared(number):
    print("no answer")  # noqa: T201  # it must not be taken for one
    return number**2


def _process(_):
    return os.getpid()


def _refuse(_):
    error = ConfigError("no such thing")
    error.add_note("there")
    raise error


SCRIPT = """
from pathlib import Path
import sgsim
from sgsim.data import demo_path, DEMO_CAPTURE
rules = sgsim.load(demo_path("groups.json").parent)
found = sgsim.sweep(rules, demo_path(DEMO_CAPTURE), timeouts_s=(60,), advise=False, engine="reference", jobs=2)
print("least", found.least_capacity)
"""


def test_a_script_needs_no_guard(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )  # our own
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("least ")
    assert done.stdout.count("\n") == 1
