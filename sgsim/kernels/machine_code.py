"""Machine code of kernels: loaded by LLVM, called by ctypes.

The calling convention is numba's: `status = kernel(&result, &error, *arguments)`, where an array of one axis is seven
numbers: two of numba's own bookkeeping, which are 0 here, length, bytes of an item, address, length, and stride.
"""

import ctypes
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import llvmlite.binding as llvm


class MachineCode(NamedTuple):
    """A kernel compiled for one kind of processor."""

    symbol: str
    """Of its function in the code."""
    arguments: Sequence[str]
    """`int64`, `uint64`, or an array of them: `int64[]`."""
    returned: str
    """`void`, `int64`, `uint64`, or some of them: `int64*3`."""
    code: bytes
    """An object file."""


_NUMBERS: Final = {"int64": ctypes.c_int64, "uint64": ctypes.c_uint64}
_ARRAY: Final = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64,
                 ctypes.c_int64)  # fmt: skip
_engines: list[Any] = []
"""They hold the memory in which the code stands, and live as long as the process."""
_loading = threading.Lock()


def load(made: MachineCode) -> Callable[..., Any]:
    """Make machine code callable; while it runs, other threads of Python run too.

    Raises:
        RuntimeError: If it is no code for this processor.
    """
    with _loading:
        engine = _engine()
        engine.add_object_file(llvm.ObjectFileRef.from_data(made.code))
        engine.finalize_object()
        address = engine.get_function_address(made.symbol)
        _engines.append(engine)
    if not address:
        raise RuntimeError(f"machine code must have {made.symbol!r}, got none")
    arguments = [kind for name in made.arguments for kind in _passed_as(name)]
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *arguments)(address)
    if any(name.endswith("[]") for name in made.arguments):
        return _with_arrays(_with_result(function, made.returned), made.arguments)
    return _with_result(function, made.returned)


def processor() -> str:
    """The kind of processor that code is compiled for: what it is called, and what it can do."""
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def _engine() -> Any:  # noqa: ANN401 - llvmlite has no types
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


def _passed_as(name: str) -> Sequence[Any]:
    return _ARRAY if name.endswith("[]") else (_NUMBERS[name],)


def _with_result(function: Callable[..., int], returned: str) -> Callable[..., Any]:
    """A function that gives what a kernel returns."""
    number, _, count = returned.partition("*")
    kind: Any = ctypes.c_void_p * 1 if returned == "void" else _NUMBERS[number] * int(count or 1)

    def call(*arguments: object) -> Any:  # noqa: ANN401 - one number or several
        result = kind()  # one for each call, as threads may call at the same time
        _check(function(ctypes.byref(result), None, *arguments))
        return tuple(result) if count else result[0]  # of `void`: None

    return call


def _check(status: int) -> None:
    if status:  # kernels raise nothing
        raise RuntimeError(f"a kernel must end with status 0, got {status}")


def _with_arrays(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:  # noqa: ANN401 - numbers and arrays
        numbers: list[Any] = []
        for name, value in zip(names, arguments, strict=True):
            numbers += _numbers_of(name, value) if name.endswith("[]") else (value,)
        return function(*numbers)

    return call


def _numbers_of(name: str, array: Any) -> Sequence[Any]:  # noqa: ANN401 - a numpy array
    if f"{array.dtype}[]" != name or array.ndim != 1 or not array.flags.c_contiguous:
        raise TypeError(f"an array must be {name} without gaps, got {array.dtype} of {array.ndim} axes")
    return None, None, len(array), array.itemsize, array.ctypes.data, len(array), array.itemsize
