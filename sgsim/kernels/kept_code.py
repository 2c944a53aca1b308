"""Where machine code of kernels is kept: one file for each kernel that Python calls.

Its name says of what it was made: the kernel's source and those of ours that it imports, the versions of the compiler,
and the processor. So what is found is what would be compiled now. Files lie beside the kernels, or in the user's cache
folder where that cannot be written; `NUMBA_CACHE_DIR` names another folder.
"""

import functools
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from uuid import uuid4

from sgsim.kernels.machine_code import MachineCode, processor

FOLDER_VARIABLE: Final = "NUMBA_CACHE_DIR"
_PACKAGE: Final = Path(__file__).parents[1]
_IMPORTS: Final = re.compile(rb"^from sgsim\.([a-z_.]+) import ([^(\n]+|\([^)]*\))", re.MULTILINE)
_COMPILERS: Final = ("numba", "llvmlite")
_SUM_BYTES: Final = 16


def find(module: str, name: str) -> MachineCode | None:
    """The machine code of a kernel, if it is kept and whole."""
    file_name = _file_name(module, name)
    for folder in folders():
        try:
            kept = (folder / file_name).read_bytes()
        except OSError:
            continue
        if kept[:_SUM_BYTES] == _sum(kept[_SUM_BYTES:]):
            symbol, arguments, returned, code = kept[_SUM_BYTES:].split(b"\n", 3)
            return MachineCode(symbol.decode(), tuple(arguments.decode().split()), returned.decode(), code)
    return None


def keep(module: str, name: str, made: MachineCode) -> None:
    """Keep machine code, in the first folder that can be written; what was kept of the kernel's older text goes.

    Raises:
        OSError: If there is no such folder, or no room.
    """
    head = "\n".join((made.symbol, " ".join(made.arguments), made.returned, ""))
    whole = head.encode() + made.code
    file_name, problem = _file_name(module, name), OSError("no folder")
    for folder in folders():
        part = folder / f"{file_name}.{uuid4().hex}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(_sum(whole) + whole)
            part.replace(folder / file_name)  # who reads at the same time sees all or nothing
        except OSError as error:
            problem = error
            _remove(part)
            continue
        for old in folder.glob(f"{module}.{name}-{_machine()}-*.code"):
            if old.name != file_name:
                _remove(old)
        return
    raise problem


def folders() -> Iterator[Path]:
    """Where code may be kept, the best first."""
    if named := os.environ.get(FOLDER_VARIABLE):
        yield Path(named) / "sgsim"
        return
    yield _PACKAGE / "kernels" / "__pycache__"
    if cache := _user_cache():
        yield cache / "sgsim"


def _user_cache() -> Path | None:
    """Where programs of this user keep what they can make again; None where the user has no home."""
    if sys.platform == "win32":
        named = os.environ.get("LOCALAPPDATA")
    else:
        named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named) if named else Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    except RuntimeError:
        return None


def _file_name(module: str, name: str) -> str:
    return f"{module}.{name}-{_machine()}-{stamp(_PACKAGE / 'kernels' / f'{module}.py')}.code"


@functools.cache
def _machine() -> str:
    """What code depends on beside its text: processor, compiler, and how users tell numba to compile."""
    told = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_") and item[0] != FOLDER_VARIABLE)
    return _short(repr((processor(), sys.implementation.cache_tag, told, [*map(_version, _COMPILERS)])).encode())


def _version(package: str) -> bytes:
    """What a package says of its version; it is not imported, as numba takes 0.2 s."""
    found = find_spec(package)
    if found is None or found.origin is None:
        return b""
    return Path(found.origin).with_name("_version.py").read_bytes()


def stamp(path: Path) -> str:
    """Sum up a source file and those of ours that it imports, and so on."""
    whole = hashlib.blake2b()
    to_read, seen = [path], {path}
    while to_read:
        text, imported = _source(to_read.pop())
        whole.update(text)
        to_read += sorted(imported - seen)
        seen |= imported
    return _short(whole.digest())


@functools.cache
def _source(path: Path) -> tuple[bytes, frozenset[Path]]:
    """The text of a source file, and those of ours that it imports."""
    text = path.read_bytes()
    found = (_files(module.decode(), names.decode()) for module, names in _IMPORTS.findall(text))
    return text, frozenset(path for paths in found for path in paths)


def _files(module: str, names: str) -> list[Path]:
    """What `from module import names` reads: the module, or, of a package, each name."""
    path = _PACKAGE.joinpath(*module.split("."))
    if (file := path.with_suffix(".py")).is_file():
        return [file]
    return [file for name in re.findall(r"\w+", names) if (file := path / f"{name}.py").is_file()]


def _short(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _sum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_SUM_BYTES).digest()


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # another's file, or one in use: it takes room, no more
        return
