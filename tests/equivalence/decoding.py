"""Both decoders side by side, and kernels with faults planted on purpose."""

import io
import sys
import types
from pathlib import Path

import numba
import numpy as np
from sources.capture_builders import assert_same_columns, gather

import sgsim.kernels
from sgsim.kernels import entry_points
from sgsim.sources import PcapSource
from sgsim.sources.merge import concatenated
from sgsim.sources.native import NativePcapSource

KERNEL_MODULES = ("decode_bytes", "decode_links", "decode_packet", "decode_records", "decode")
"""Those with code, in the order in which they import each other."""


def decoded(source_class, data, **how):
    """All rows that a decoder gives of a capture, as one batch or None, and what it says of a break."""
    batches, broken = gather(source_class(io.BytesIO(data), name="capture"), **how)
    return (concatenated(batches) if batches else None), broken


def assert_decoders_agree(data, expected=None, **how):
    """`native(data) == python(data)`: each column, its type, the quotes, and the words of an error."""
    expected_rows, expected_break = expected or decoded(PcapSource, data)
    actual_rows, actual_break = decoded(NativePcapSource, data, **how)
    assert expected_break == actual_break
    assert (expected_rows is None) == (actual_rows is None)
    if expected_rows is not None:
        assert_same_columns(expected_rows, actual_rows)
        for left, right in zip(expected_rows.quoted, actual_rows.quoted, strict=True):
            assert left.dtype == right.dtype


def assert_decoders_agree_in_step(data, batch_rows):
    """The same batch by batch, none of which is held, so that the memory of each is used for another."""
    both = (
        source_class(io.BytesIO(data), name="capture").batches(batch_rows=batch_rows)
        for source_class in (PcapSource, NativePcapSource)
    )
    for expected, actual in zip(*both, strict=True):
        assert_same_columns(expected, actual)


def plant(monkeypatch, module=None, before="", after="", *, is_compiled=False):
    """Put copies of the decoding kernels in their place, one of them with a fault.

    Args:
        monkeypatch: Pytest's; it puts the kernels back.
        module: Which module has the fault; None for none.
        before: What is taken out of its text; it must be there once.
        after: What stands there instead.
        is_compiled: Whether the copies are compiled, which takes seconds; else they run as plain Python.
    """
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0 if is_compiled else 1)
    for name in KERNEL_MODULES:
        path = Path(sgsim.kernels.__file__).parent / f"{name}.py"
        text = path.read_text()
        if name == module:
            assert 1 == text.count(before), before
            text = text.replace(before, after)
        copy = types.ModuleType(f"sgsim.kernels.{name}")
        copy.__file__ = str(path)
        monkeypatch.setitem(sys.modules, copy.__name__, copy)
        exec(compile(text, str(path), "exec"), copy.__dict__)  # noqa: S102 - our own source
    for name in ("clear_rows", "decode_batch"):
        monkeypatch.setattr(entry_points, name, getattr(copy, name))


def held_copies(batches):
    """Each batch beside a copy of what it was when it came."""
    return [(batch, [np.copy(column) for column in (*batch[:-1], *batch.quoted)]) for batch in batches]
