"""The one way in which kernels are compiled.

Compiled code is kept on disk, in numba's cache. It is found again only while no source file that went into it has
changed: those of the kernels that it calls, and of the enums that it takes in as constants. numba alone would look at
the file of the outermost kernel and go on with what it had once taken in from the others.

Where no cache folder can be written (an unprivileged user without HOME), kernels are compiled in every run, and this is
said once on stderr.
"""

import functools
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, overload

import numba
from numba import types

_Function = TypeVar("_Function", bound=Callable[..., Any])

_OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}
_PACKAGE: Final = Path(__file__).parents[1]
_IMPORTS: Final = re.compile(rb"^from sgsim\.([a-z_.]+) import ([^(\n]+|\([^)]*\))", re.MULTILINE)


@overload
def kernel(function: _Function, /) -> _Function: ...
@overload
def kernel(
    *, signature: object = None, is_entry: bool = True, inline: bool = False
) -> Callable[[_Function], _Function]: ...


def kernel(function: Any = None, /, *, signature: object = None, is_entry: bool = True, inline: bool = False) -> Any:
    """Compile a function; to be used as a decorator, with or without parentheses.

    Args:
        function: What to compile.
        signature: One numba signature: compiled or loaded at once, and called with no other. None: compiled at the
            first call, and once more for each other combination of types.
        is_entry: Whether it is called from Python, and so is kept on disk. A function that only kernels call is part
            of their compiled code already.
        inline: Whether it becomes part of whatever calls it: for what every packet goes through.
    """
    if function is None:
        return functools.partial(_compiled, signature=signature, is_entry=is_entry, inline=inline)
    return _compiled(function, signature=signature, is_entry=is_entry, inline=inline)


def _compiled(function: Callable[..., Any], *, signature: object, is_entry: bool, inline: bool) -> Callable[..., Any]:
    dispatcher: Any = numba.njit(forceinline=inline, **_OPTIONS)(function)
    if not hasattr(dispatcher, "py_func"):  # NUMBA_DISABLE_JIT is set
        return function
    _compile_once_for_all_constants(dispatcher)
    try:
        if is_entry:
            _keep_on_disk(dispatcher)
        if signature is not None:
            dispatcher.compile(signature)
    except (RuntimeError, OSError) as error:  # numba: 'no locator available'; a full disk
        if not is_entry:
            raise
        _tell_once(error)
        return _compiled(function, signature=signature, is_entry=False, inline=inline)
    if signature is not None:
        dispatcher.disable_compile()
    return dispatcher


def _compile_once_for_all_constants(dispatcher: Any) -> None:  # noqa: ANN401 - numba's own type
    """Let a call with constants be one with numbers: numba would compile a function anew for each constant."""
    template = dispatcher.get_call_template

    def widened(args: Any, kws: Any) -> Any:  # noqa: ANN401 - numba's own types
        return template([types.unliteral(each) for each in args], {key: types.unliteral(kws[key]) for key in kws})

    dispatcher.get_call_template = widened


def _keep_on_disk(dispatcher: Any) -> None:  # noqa: ANN401 - numba's own type
    dispatcher.enable_caching()
    file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        file._source_stamp = _stamp(Path(dispatcher.py_func.__code__.co_filename))  # noqa: SLF001 - numba has no public way to name further sources


@functools.cache
def _stamp(path: Path) -> int:
    """Sum up a source file and those of ours that it imports, and so on."""
    stamp = 0
    to_read, seen = [path], {path}
    while to_read:
        text = to_read.pop().read_bytes()
        stamp = zlib.crc32(text, stamp)
        found = {each for module, names in _IMPORTS.findall(text) for each in _files(module.decode(), names.decode())}
        to_read += sorted(each for each in found - seen if each.is_file())
        seen |= found
    return stamp


def _files(module: str, names: str) -> set[Path]:
    """What `from module import names` may read: the module, or, of a package, each name."""
    path = _PACKAGE.joinpath(*module.split("."))
    return {path.with_suffix(".py"), *(path / f"{name}.py" for name in re.findall(r"\w+", names))}


@functools.cache
def _tell(reason: str) -> None:
    sys.stderr.write(
        f"sgsim: compiled code cannot be kept ({reason}), so every run compiles anew; "
        "NUMBA_CACHE_DIR may name a folder that can be written\n"
    )


def _tell_once(error: Exception) -> None:
    """Say that compiled code is not kept, once however many kernels there are."""
    _tell("no cache folder can be written" if isinstance(error, RuntimeError) else error.__class__.__name__)
