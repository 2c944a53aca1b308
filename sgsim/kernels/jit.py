"""How kernels are compiled: by numba, to machine code that runs without numba.

Law: a kernel that Python calls takes whole numbers and arrays of them, allocates nothing, and calls nothing outside its
own code. So its machine code can be kept on disk and be run by a process that has not imported numba
(`sgsim.kernels.entry_points`), which starts in half the time.
"""

import functools
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar, overload

import numba
from numba import types
from numba.core import sigutils
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher

from sgsim.kernels.machine_code import MachineCode

_Function = TypeVar("_Function", bound=Callable[..., Any])

_OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": False,  # no memory that numba would have to count references to
}
_njit: Final[Any] = functools.partial(numba.njit, **_OPTIONS)  # its stubs do not know all of its options
_DECLARED: Final = re.compile(r"^declare [^@]*@\"?([\w.$]+)\"?\(", re.MULTILINE)
_IN_EVERY_PROCESS: Final = frozenset({"memcpy", "memmove", "memset"})


@overload
def kernel(function: _Function, /) -> _Function: ...
@overload
def kernel(
    *, signature: object = None, is_entry: bool = True, inline: bool = False
) -> Callable[[_Function], _Function]: ...


def kernel(function: Any = None, /, *, signature: object = None, is_entry: bool = True, inline: bool = False) -> Any:
    """Compile a function when it is first called; to be used as a decorator, with or without parentheses.

    Args:
        function: What to compile.
        signature: One numba signature, with which `machine_code` compiles it. None: compiled for the types of a call, and
            once more for each other combination of types.
        is_entry: Whether Python may call it. What only kernels call takes less time to compile without that.
        inline: Whether it becomes part of whatever calls it: for what every packet goes through.
    """
    if function is None:
        return functools.partial(_compiled, signature=signature, is_entry=is_entry, inline=inline)
    return _compiled(function, signature=signature, is_entry=is_entry, inline=inline)


def _compiled(function: Callable[..., Any], *, signature: object, is_entry: bool, inline: bool) -> Callable[..., Any]:
    dispatcher: Any = _njit(forceinline=inline, no_cpython_wrapper=not is_entry)(function)
    if not hasattr(dispatcher, "py_func"):  # NUMBA_DISABLE_JIT is set
        return function
    _compile_once_for_all_constants(dispatcher)
    dispatcher.kernel_signature = signature
    if not is_entry:
        dispatcher.__class__ = _ForKernels
    return dispatcher


def apart(function: _Function) -> _Function:
    """An inlined kernel once more as a function of its own, for calls that are rarer."""
    return kernel(is_entry=False)(getattr(function, "py_func", function))


class _ForKernels(CPUDispatcher):
    """What only kernels call: it is compiled without that by which Python could."""

    def __call__(self, *_arguments: object) -> None:
        raise TypeError(f"{self.__name__} must be called by a kernel, or as {self.__name__}.py_func by Python")


def _compile_once_for_all_constants(dispatcher: Any) -> None:  # noqa: ANN401 - numba's own type
    """Let a call with constants be one with numbers: numba would compile a function anew for each constant."""
    template = dispatcher.get_call_template

    def widened(args: Any, kws: Any) -> Any:  # noqa: ANN401 - numba's own types
        return template([types.unliteral(each) for each in args], {key: types.unliteral(kws[key]) for key in kws})

    dispatcher.get_call_template = widened


def machine_code(function: Any) -> MachineCode:  # noqa: ANN401 - what `kernel` made, with a signature
    """Compile a kernel for its signature.

    Raises:
        TypeError: If it takes or gives what machine code alone cannot, or needs anything outside its own code.
    """
    arguments, returned = sigutils.normalize_signature(function.kernel_signature)
    dispatcher = _njit(no_cpython_wrapper=True)(function.py_func)
    with global_compiler_lock:
        made = dispatcher._compiler.compile(arguments, returned)  # noqa: SLF001 - numba's dispatcher would want a wrapper that Python can call
    outside = set(_DECLARED.findall(made.library.get_llvm_str())) - _IN_EVERY_PROCESS
    if outside := {name for name in outside if not name.startswith("llvm.")}:
        raise TypeError(f"a kernel must need nothing outside its own code, got {', '.join(sorted(outside))}")
    _, _, (code, _) = made.library.serialize_using_object_code()
    return MachineCode(made.fndesc.llvm_func_name, tuple(map(_word, arguments)), _word(returned), code)


def _word(kind: Any) -> str:  # noqa: ANN401 - a numba type
    """A type as `MachineCode` names it."""
    if isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C":
        return f"{_word(kind.dtype)}[]"
    if isinstance(kind, types.UniTuple):
        return f"{_word(kind.dtype)}*{kind.count}"
    if kind in {types.int64, types.uint64, types.void}:
        return "void" if kind is types.void else str(kind)
    raise TypeError(f"what a kernel takes from Python must be int64, uint64 or an array of them, got {kind}")
