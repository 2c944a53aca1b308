"""`python -m sgsim`, as a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from sgsim import __version__
from sgsim.data import demo_path


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "sgsim", "--version"], capture_output=True, text=True, check=False
    )  # our own
    assert (done.returncode, done.stdout, done.stderr) == (0, f"sgsim {__version__}\n", "")


@pytest.mark.parametrize(
    "command",
    [
        "check -r {rules} tcp 198.51.100.7 to 10.0.0.5:443",
        "synth ping --duration 2s -o -",
        "convert -r {rules} --to yaml",
    ],
)
def test_output_that_cannot_be_written_is_one_line(command):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    words = command.format(rules=demo_path("groups.json").parent).split()
    with full.open("wb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "sgsim", *words], stdout=stream, stderr=subprocess.PIPE, check=False
        )  # our own
    assert (done.returncode, done.stderr) == (2, b"sgsim: output: No space left on device\n")
