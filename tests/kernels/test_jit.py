import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from sgsim.kernels import jit
from sgsim.kernels.jit import kernel


@pytest.fixture(autouse=True)
def _tells_again():
    jit._tell.cache_clear()


def nowhere(text):
    """A function whose source no cache folder can belong to, as numba sees it."""
    names: dict[str, Any] = {}
    exec(compile(text, "<nowhere>", "exec"), names)  # noqa: S102 - our own text
    return names["twice"]


def test_a_signature_is_compiled_at_once_and_alone(monkeypatch):
    monkeypatch.setattr(jit, "_keep_on_disk", lambda _dispatcher: None)
    twice = kernel(signature="int64(int64)")(nowhere("def twice(x): return x * 2"))
    assert 1 == len(twice.signatures)
    assert 6 == twice(3)
    with pytest.raises(TypeError, match="No matching definition"):
        twice(1j)


def test_where_nothing_can_be_kept_kernels_work_and_it_is_said_once(capsys):
    first = kernel(signature="int64(int64)")(nowhere("def twice(x): return x * 2"))
    second = kernel(nowhere("def twice(x): return x + x"))
    third = kernel(is_entry=False)(nowhere("def twice(x): return x << 1"))
    assert (6, 6, 6) == (first(3), second(3), third(3))
    told = capsys.readouterr().err
    assert 1 == told.count("\n")
    assert told.startswith("sgsim: compiled code cannot be kept (no cache folder can be written)")


def test_a_full_disk_is_told_and_does_not_stop(capsys, monkeypatch):
    def refuse(_dispatcher):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jit, "_keep_on_disk", refuse)
    assert 6 == kernel(nowhere("def twice(x): return x * 2"))(3)
    assert "cannot be kept (OSError)" in capsys.readouterr().err


def test_what_cannot_be_compiled_is_no_matter_of_the_cache():
    with pytest.raises(Exception, match="undefined"):
        kernel(signature="int64(int64)", is_entry=False)(nowhere("def twice(x): return undefined(x)"))


PROGRAM = """
from sgsim.kernels.decode import decode_batch
print(sum(decode_batch.stats.cache_hits.values()), sum(decode_batch.stats.cache_misses.values()))
"""


def run(folder, program=PROGRAM, **environment):
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=folder, capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **environment},
    )  # fmt: skip
    return done.stdout.strip(), done.stderr


def test_a_change_of_a_kernel_or_of_an_enum_compiles_anew(tmp_path):
    package = Path(jit.__file__).parents[1]
    shutil.copytree(package, tmp_path / "sgsim", ignore=shutil.ignore_patterns("__pycache__"))
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert ("0 1", "") == run(tmp_path, **cache)
    assert ("1 0", "") == run(tmp_path, **cache)
    for changed in ("kernels/decode_links.py", "model/decision.py"):
        with (tmp_path / "sgsim" / changed).open("a") as file:
            file.write("# changed\n")
        assert ("0 1", "") == run(tmp_path, **cache)
    (tmp_path / "sgsim" / "kernels" / "match.py").open("a").write("# another kernel's matter\n")
    assert ("1 0", "") == run(tmp_path, **cache)


AS_NOBODY = """
import os, sys
import numba
import sgsim.model.columns, sgsim.model.decision

numba.njit(lambda number: number + 1)(1)  # all of numba is loaded while its files can be read
os.environ.pop("HOME", None)
os.setgroups([])
os.setegid(65534)
os.seteuid(65534)
from sgsim.kernels.decode import clear_rows, decode_batch
print(len(decode_batch.signatures), len(clear_rows.signatures))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an unprivileged user")
def test_an_unprivileged_user_without_home_is_told_once_and_can_run():
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, which only its user may enter
        Path(folder).chmod(0o755)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(jit.__file__).parents[1], Path(folder) / "sgsim", ignore=ignored)
        found, told = run(folder, AS_NOBODY)
    assert "1 1" == found
    assert 1 == told.count("\n")
    assert told.startswith("sgsim: compiled code cannot be kept (no cache folder can be written), so every run")
