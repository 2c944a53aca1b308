"""Kernels run as machine code, compiled once; whoever runs them later does without numba."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import pytest

from sgsim.kernels import entry_points, kept_code

PACKAGE = Path(kept_code.__file__).parents[1]
GROUPS = (entry_points.ENGINE, entry_points.FLOW_LOGS, entry_points.TIMEOUTS)

PROGRAM = """
import sys
from sgsim.kernels.entry_points import FLOW_LOGS
FLOW_LOGS.prepare()
print("compiled" if FLOW_LOGS.was_compiled else "loaded", "numba" in sys.modules, all(one.is_ready for one in FLOW_LOGS))
"""


def test_each_kernel_that_has_a_signature_is_an_entry_point():
    with_signature = {
        (path.stem, name)
        for path in (PACKAGE / "kernels").glob("*.py")
        for name in re.findall(r"^@kernel\(signature=.*\)\ndef (\w+)", path.read_text(), re.MULTILINE)
    }
    assert {(each.module, each.name) for group in GROUPS for each in group} == with_signature
    for module, name in with_signature:
        assert getattr(import_module(f"sgsim.kernels.{module}"), name).kernel_signature is not None
        assert getattr(entry_points, name).module == module


def run(folder, program=PROGRAM, **environment):
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=folder, capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **environment},
    )  # fmt: skip
    return done.stdout.strip(), done.stderr


def test_a_change_of_a_kernel_or_of_an_enum_compiles_anew(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "sgsim", ignore=shutil.ignore_patterns("__pycache__"))
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    found, told = run(tmp_path, **cache)
    assert "compiled True True" == found
    assert ["sgsim: compiling the reader of flow logs, once", "sgsim: compiled in "] == [
        re.split(r" for this|\d+ s", line)[0] for line in told.splitlines()
    ]
    assert ("loaded False True", "") == run(tmp_path, **cache)
    for changed in ("kernels/decode_bytes.py", "model/line_columns.py"):
        with (tmp_path / "sgsim" / changed).open("a") as file:
            file.write("# changed\n")
        assert "compiled True True" == run(tmp_path, **cache)[0]
    (tmp_path / "sgsim" / "kernels" / "match.py").open("a").write("# another kernel's matter\n")
    assert ("loaded False True", "") == run(tmp_path, **cache)
    assert len([*entry_points.FLOW_LOGS]) == len(list((tmp_path / "cache" / "sgsim").iterdir()))


ON_A_TERMINAL = """
import io, sys
from sgsim.kernels import entry_points
class Terminal(io.StringIO):
    def isatty(self):
        return True
written = sys.stderr = Terminal()
group = entry_points.Group("what spreads", "a second")
entries = group.entry("forget", "rebuild_ended"), group.entry("pressure", "put_departed")
group.prepare()
sys.stderr = sys.__stderr__
print(all(each.is_ready for each in entries), end=written.getvalue().replace("\\r", "~"))
"""


def test_a_terminal_shows_how_much_is_done(tmp_path):
    """In a process of its own: what another test has compiled is not compiled again."""
    found, _ = run(tmp_path, ON_A_TERMINAL, PYTHONPATH=str(PACKAGE.parent), NUMBA_CACHE_DIR=str(tmp_path))
    assert found.startswith("True")
    shown, told = found.removeprefix("True").split("\n")
    shares = [int(part.removesuffix("%").rpartition(" ")[2]) for part in shown.split("~")[1:]]
    assert shares == sorted(shares)
    assert 0 == shares[0] < shares[-1] <= 100
    assert told.startswith("sgsim: compiled in ")


WITHOUT_ROOM = """
from sgsim.kernels import kept_code
def refuse(*_):
    raise OSError(28, "No space left on device")
kept_code.keep = refuse
"""


def test_a_full_disk_is_told_once_and_does_not_stop(tmp_path):
    found, told = run(tmp_path, WITHOUT_ROOM + PROGRAM, PYTHONPATH=str(PACKAGE.parent), NUMBA_CACHE_DIR=str(tmp_path))
    assert "compiled True True" == found
    assert 3 == told.count("\n")
    assert "sgsim: compiled code cannot be kept (No space left on device), so every run" in told


AS_NOBODY = """
import os
import numba
import sgsim.model.columns, sgsim.model.decision, sgsim.model.line_columns

numba.njit(lambda number: number + 1)(1)  # all of numba is loaded while its files can be read
os.environ.pop("HOME", None)
os.setgroups([])
os.setegid(65534)
os.seteuid(65534)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an unprivileged user")
def test_an_unprivileged_user_without_home_is_told_once_and_can_run():
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, which only its user may enter
        Path(folder).chmod(0o755)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE, Path(folder) / "sgsim", ignore=ignored)
        found, told = run(folder, AS_NOBODY + PROGRAM)
    assert "compiled True True" == found
    assert 3 == told.count("\n")
    assert re.search(r"^sgsim: compiled code cannot be kept \(.*\), so every run", told, re.MULTILINE)


def test_without_compilation_the_functions_themselves_run(tmp_path):
    program = "from sgsim.kernels.entry_points import clear_rows as c; c.compile(); print(c._call.__module__)"
    found, _ = run(tmp_path, program, PYTHONPATH=str(PACKAGE.parent), NUMBA_DISABLE_JIT="1")
    assert "sgsim.kernels.decode" == found
