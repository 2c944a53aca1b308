"""Compiled code is found again only while every file that went into it is the same."""

import shutil

import pytest
from equivalence.uncompiled import kernel_modules

from sgsim.kernels import jit


@pytest.mark.parametrize("module", sorted(kernel_modules()))
def test_a_change_in_any_kernel_makes_the_filter_compile_anew(module, tmp_path, monkeypatch):
    """Found: files imported as `from sgsim.kernels import pressure` were left out."""
    copy = tmp_path / "sgsim"
    shutil.copytree(jit._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "data"))
    monkeypatch.setattr(jit, "_PACKAGE", copy)
    jit._stamp.cache_clear()
    before = jit._stamp(copy / "kernels" / "filter.py")
    with (copy / "kernels" / f"{module}.py").open("a") as file:
        file.write("# changed\n")
    jit._stamp.cache_clear()
    assert before != jit._stamp(copy / "kernels" / "filter.py")
    jit._stamp.cache_clear()
