"""Running whole commands one after the other, in turn, and telling what each took.

Times are those of the whole process, from its start to its exit. Two commands that are to be compared run alternately,
so that a machine that becomes slower becomes slower for both.

Each is started by this file as a script of its own, since Linux counts what the parent held before `exec` towards a
child's peak memory; the script holds some 10 MiB, below which no peak is seen.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple


class Run(NamedTuple):
    """What one process took."""

    wall_s: float
    cpu_s: float
    """User and system time, of its children too."""
    peak_mib: float
    """The most memory that it had at once."""
    exit_code: int


class Command(NamedTuple):
    """A command as it is run."""

    words: Sequence[str]
    folder: Path
    """Where it runs; what it writes is left there."""


Rounds = Mapping[str, Sequence[Run]]

_UNITS_PER_MIB: Final = 1024 * 1024 if sys.platform == "darwin" else 1024
"""Of `ru_maxrss`: kibibytes on Linux, bytes on macOS."""


def run(command: Command) -> Run:
    """Run a command once; what it prints is thrown away."""
    starter = [sys.executable, "-I", "-S", __file__, *command.words]
    told = subprocess.run(starter, check=True, capture_output=True, cwd=command.folder).stdout
    return Run(*json.loads(told))


def _start(words: Sequence[str]) -> Run:
    begun = time.perf_counter()
    process = os.fork()
    if not process:
        _become(words)
    _, status, used = os.wait4(process, 0)
    wall_s = time.perf_counter() - begun
    peak_mib = used.ru_maxrss / _UNITS_PER_MIB
    return Run(wall_s, used.ru_utime + used.ru_stime, peak_mib, os.waitstatus_to_exitcode(status))


def _become(words: Sequence[str]) -> None:
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        os.execvp(words[0], list(words))  # noqa: S606  # the peers are run as they are
    finally:
        os._exit(127)


def in_turn(commands: Mapping[str, Command], rounds: int) -> Rounds:
    """Run all commands once to warm up, then in turn, some times."""
    for command in commands.values():
        run(command)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(run(command))
    return runs


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure; the worst exit code."""
    return Run(
        statistics.median(each.wall_s for each in runs),
        statistics.median(each.cpu_s for each in runs),
        statistics.median(each.peak_mib for each in runs),
        max(runs, key=lambda each: abs(each.exit_code)).exit_code,
    )


if __name__ == "__main__":
    print(json.dumps(_start(sys.argv[1:])))
