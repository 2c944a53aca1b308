"""`find == what was kept`, only while every file that went into it is the same, and only if it is whole."""

import shutil
from pathlib import Path

import pytest
from equivalence.uncompiled import kernel_modules

from sgsim.kernels import kept_code
from sgsim.kernels.machine_code import MachineCode

MADE = MachineCode("_ZN1a", ("int64", "uint64[]"), "int64*3", b"\x7fELF\n\n\0code")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sgsim"


def test_what_is_kept_is_found(folder):
    assert kept_code.find("table", "spread_index") is None
    kept_code.keep("table", "spread_index", MADE)
    assert kept_code.find("table", "spread_index") == MADE
    assert kept_code.find("table", "other") is None
    assert 1 == len(list(folder.iterdir()))


def test_what_is_not_whole_is_not_found(folder):
    kept_code.keep("table", "spread_index", MADE)
    (path,) = folder.iterdir()
    for broken in (path.read_bytes()[:-1], b"", b"\0" * 100):
        path.write_bytes(broken)
        assert kept_code.find("table", "spread_index") is None
    kept_code.keep("table", "spread_index", MADE)
    assert kept_code.find("table", "spread_index") == MADE


def test_code_of_an_older_text_goes(folder, monkeypatch):
    kept_code.keep("table", "spread_index", MADE)
    kept_code.keep("table", "other", MADE)
    monkeypatch.setattr(kept_code, "stamp", lambda _path: "another")
    assert kept_code.find("table", "spread_index") is None
    kept_code.keep("table", "spread_index", MADE)
    assert ["table.other", "table.spread_index"] == sorted(path.name.partition("-")[0] for path in folder.iterdir())


@pytest.mark.parametrize("setting", [("NUMBA_OPT", "1"), ("NUMBA_CPU_NAME", "generic")])
def test_code_that_numba_would_compile_otherwise_is_not_found(setting, monkeypatch):
    kept_code.keep("table", "spread_index", MADE)
    monkeypatch.setenv(*setting)
    kept_code._machine.cache_clear()
    assert kept_code.find("table", "spread_index") is None
    kept_code._machine.cache_clear()


def test_the_first_folder_that_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(kept_code, "folders", lambda: [tmp_path / "file" / "within", tmp_path / "second"])
    kept_code.keep("table", "spread_index", MADE)
    assert kept_code.find("table", "spread_index") == MADE
    monkeypatch.setattr(kept_code, "folders", lambda: [tmp_path / "file" / "within"])
    with pytest.raises(NotADirectoryError):
        kept_code.keep("table", "spread_index", MADE)


def test_folders_without_a_wish(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    beside, cache = kept_code.folders()
    assert beside == Path(kept_code.__file__).parent / "__pycache__"
    assert cache.name == "sgsim"


def test_no_home_no_cache(monkeypatch):
    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", none)
    assert 1 == len(list(kept_code.folders()))


@pytest.mark.parametrize("module", sorted(kernel_modules()))
def test_a_change_in_any_kernel_makes_what_rests_on_it_compile_anew(module, tmp_path, monkeypatch):
    """Found: files imported as `from sgsim.kernels import pressure` were left out."""
    copy = tmp_path / "sgsim"
    shutil.copytree(kept_code._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "data"))
    monkeypatch.setattr(kept_code, "_PACKAGE", copy)
    # The filter has no part in timeouts that hold at once, nor in who held the places of a peak.
    rests_on_it = copy / "kernels" / f"{module if module in {'expiry', 'peak'} else 'filter'}.py"
    before = kept_code.stamp(rests_on_it)
    with (copy / "kernels" / f"{module}.py").open("a") as file:
        file.write("# changed\n")
    kept_code._source.cache_clear()
    assert before != kept_code.stamp(rests_on_it)
