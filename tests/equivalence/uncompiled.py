"""The kernels as plain Python, from copies of their sources, so that a fault can be planted in one of them.

Kernels reach their arrays by addresses, which Python cannot follow. Here the modules `structs`, `addresses` and `prefetch`
are others, which hand the arrays themselves over; all else is the text of the kernels as it stands, run by Python. That takes no
compilation, so a fault costs a second. numpy's scalars then wrap around as compiled integers do.
"""

import importlib
import re
import sys
import types
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import numba
import numpy as np

import sgsim
from sgsim.engine.compiled import CompiledEngine
from sgsim.kernels import entry_points

_PACKAGE = Path(sgsim.__file__).parent
_IMPORTS = re.compile(r"^from sgsim\.([a-z_.]+) import ([^(\n]+|\([^)]*\))", re.MULTILINE)
_WITH_KERNELS = ("engine.lowering.facts", "engine.lowering.memory", "engine.lowering.network",
                 "engine.lowering.pressure", "engine.lowering.flows", "engine.lowering.rules",
                 "engine.decision_rows", "engine.compiled")  # fmt: skip
"""Modules beside the kernels that call them; their copies call the copies."""
_COMPILING = ("jit", "entry_points", "kept_code", "machine_code", "compilation")
"""Modules among the kernels that make them callable."""


class _Address:
    """In place of an address: what stands there."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.ctypes = types.SimpleNamespace(data=list(arrays))


def _plain_structs() -> types.ModuleType:
    module = types.ModuleType("sgsim.kernels.structs")

    def struct(name: str, dtypes: Mapping[str, str], _lengths: object = None) -> Any:
        group = namedtuple(f"{name.title()}Group", dtypes)  # type: ignore[misc]  # noqa: PYI024 - made at run time
        return lambda arrays: group(*arrays)

    module.__dict__.update(struct=struct)
    return module


def _plain_addresses() -> types.ModuleType:
    module = types.ModuleType("sgsim.kernels.addresses")
    module.__dict__.update(addresses=_Address, gathered=_gathered, readdress=_readdress)
    return module


def _gathered(group: Any, _dtypes: Mapping[str, str], _lengths: Mapping[str, int]) -> tuple[_Address, Any]:
    return _Address(group), group


def _readdress(address: _Address, group: Any) -> None:
    address.ctypes.data[:] = group


def _plain_entry_points() -> types.ModuleType:
    """The kernels that Python calls are the functions themselves, of the modules as they stand when they are asked for."""
    module = types.ModuleType("sgsim.kernels.entry_points")
    known = (*entry_points.ENGINE, *entry_points.TIMEOUTS)
    homes = {each.name: f"sgsim.kernels.{each.module}" for each in known}

    def function(name: str) -> Any:
        if name not in homes:
            raise AttributeError(name)
        return getattr(sys.modules[homes[name]], name)

    module.__dict__.update(__getattr__=function)
    return module


def _plain_prefetch() -> types.ModuleType:
    module = types.ModuleType("sgsim.kernels.prefetch")
    module.__dict__.update(
        prefetch=lambda _array, _index: None,
        lowest_bit=_lowest_bit,
        highest_bit=_highest_bit,
        greater=_greater,
        wide_greater=_wide_greater,
        distance=_distance,
        matches=_matches,
    )
    return module


def _lowest_bit(word: np.uint64) -> int:
    return (int(word) & -int(word)).bit_length() - 1


def _highest_bit(word: np.uint64) -> int:
    return int(word).bit_length() - 1


def _greater(array: Any, index: int, number: int) -> int:
    return sum(each > number % (1 << 32) for each in array[index : index + 16].tolist())


def _wide_greater(array: Any, index: int, number: int) -> int:
    halves = array[index : index + 10].tolist()
    keys = (low | high << 32 for low, high in zip(halves[::2], halves[1::2], strict=True))
    return sum(each > number % (1 << 64) for each in keys)


def _distance(hi: np.uint64, lo: np.uint64, *others: np.int64) -> int:
    *words, shift = (int(each) for each in (hi, lo, *others))
    number, begin, most = (
        (upper % (1 << 64)) << 64 | lower % (1 << 64) for upper, lower in zip(words[::2], words[1::2], strict=True)
    )
    found = (min(max(number - begin, 0), most) >> shift) % (1 << 64)
    return found - (found >> 63 << 64)


def _matches(array: Any, index: int, mask: np.uint64, word: np.uint64) -> np.uint64:
    return np.uint64(sum((int(array[index + at]) & int(mask) == int(word)) << at for at in range(8)))


def kernel_modules() -> list[str]:
    """The modules of the engine's kernels, in an order in which they can be imported; `tally` serves the recorder."""
    paths = {
        path.stem: path
        for path in (_PACKAGE / "kernels").glob("*.py")
        if not path.stem.startswith(("decode", "flow_log"))
    }
    for name in ("__init__", *_COMPILING, "structs", "addresses", "prefetch", "tally"):
        del paths[name]
    needs = {name: _imported(path) & paths.keys() for name, path in paths.items()}
    return list(TopologicalSorter(needs).static_order())


def _imported(path: Path) -> set[str]:
    found = set()
    for module, names in _IMPORTS.findall(path.read_text()):
        if module == "kernels":
            found |= set(re.findall(r"\w+", names))
        elif module.startswith("kernels."):
            found.add(module.removeprefix("kernels."))
    return found


def module_with(text: str) -> str:
    """The one module of kernels in which a text stands, once."""
    found = [name for name in kernel_modules() for _ in range(_source(name).count(text))]
    assert len(found) == 1, f"kernels must have {text!r} once, got {found}"
    return found[0]


def _source(name: str) -> str:
    return (_PACKAGE / "kernels" / f"{name}.py").read_text()


@contextmanager
def uncompiled(*changes: tuple[str, str]) -> Iterator[type[CompiledEngine]]:
    """The compiled engine without compilation, with faults.

    Args:
        *changes: What is taken out of the text of a kernel, and what stands there instead; the first must be there once.
    """
    by_module: dict[str, list[tuple[str, str]]] = {}
    for change in changes:
        by_module.setdefault(f"sgsim.kernels.{module_with(change[0])}", []).append(change)
    kernels = kernel_modules()
    names = [f"sgsim.kernels.{name}" for name in kernels] + [f"sgsim.{name}" for name in _WITH_KERNELS]
    made = (_plain_structs(), _plain_addresses(), _plain_prefetch(), _plain_entry_points())
    replaced = {module.__name__: module for module in made}
    held = {name: sys.modules.get(name) for name in (*replaced, *names)}
    package = importlib.import_module("sgsim.kernels")
    attributes = {name: getattr(package, name) for name in kernels if hasattr(package, name)}
    was_disabled = numba.config.DISABLE_JIT
    numba.config.DISABLE_JIT = 1
    try:
        sys.modules.update(replaced)
        for name in names:
            _copy(name, by_module.get(name, ()))
        with np.errstate(over="ignore"):
            yield sys.modules["sgsim.engine.compiled"].CompiledEngine
    finally:
        numba.config.DISABLE_JIT = was_disabled
        for name in kernels:  # a module that nobody had imported is imported anew, not taken for the copy
            package.__dict__.pop(name, None)
        package.__dict__.update(attributes)
        for name, old in held.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old


def _copy(name: str, changes: Iterable[tuple[str, str]]) -> None:
    path = _PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")
    text = path.read_text()
    for before, after in changes:
        assert text.count(before) == 1, f"{name} must have {before!r} once, got {text.count(before)}"
        text = text.replace(before, after)
    copy = types.ModuleType(name)
    copy.__file__ = str(path)
    sys.modules[name] = copy
    exec(compile(text, str(path), "exec"), copy.__dict__)  # noqa: S102 - our own source
    parent, _, stem = name.rpartition(".")
    if parent == "sgsim.kernels":
        setattr(sys.modules[parent], stem, copy)
