"""Numbers in memory, read and written where they stand.

Each is one load or store and at most one byte swap. Nothing is checked: who gives an address keeps the array alive, and
knows that the bytes are there.
"""

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_WORD = ir.IntType(64)


def _loader(width_bytes: int, *, is_big_endian: bool = False) -> Callable[[int], int]:
    """Make the function that reads a number of this width; of 8 bytes the bits, as a signed number."""
    if numba.config.DISABLE_JIT:
        return _plain_loader(width_bytes, is_big_endian=is_big_endian)
    kind = ir.IntType(width_bytes * 8)

    def load(_typing_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001 - the form that numba asks for
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401 - the same
            value = builder.load(builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
            if is_big_endian:
                value = builder.bswap(value)
            return value if width_bytes == 8 else builder.zext(value, _WORD)

        return types.int64(types.int64), generate

    made: Any = intrinsic(load)
    return made


def _storer(width_bytes: int) -> Callable[[int, int], None]:
    """Make the function that writes a number of this width, in the byte order of the machine."""
    if numba.config.DISABLE_JIT:
        return _plain_storer(width_bytes)
    kind = ir.IntType(width_bytes * 8)

    def store(_typing_context: Any, address: Any, value: Any) -> Any:  # noqa: ANN401, ARG001 - the form that numba asks for
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401 - the same
            number = arguments[1] if width_bytes == 8 else builder.trunc(arguments[1], kind)
            builder.store(number, builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    made: Any = intrinsic(store)
    return made


def _getter() -> Callable[[int, int], int]:
    """Make the function that reads a word of an array of int64."""
    if numba.config.DISABLE_JIT:
        return lambda words, place: load64_native(words + place * 8)

    def get(_typing_context: Any, words: Any, place: Any) -> Any:  # noqa: ANN401, ARG001 - the form that numba asks for
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401 - the same
            first = builder.inttoptr(arguments[0], _WORD.as_pointer())
            return builder.load(builder.gep(first, [arguments[1]]))

        return types.int64(types.int64, types.int64), generate

    made: Any = intrinsic(get)
    return made


def _putter() -> Callable[[int, int, int], None]:
    """Make the function that writes a word of an array of int64."""
    if numba.config.DISABLE_JIT:
        return lambda words, place, value: store64(words + place * 8, value)

    def put(_typing_context: Any, words: Any, place: Any, value: Any) -> Any:  # noqa: ANN401, ARG001 - the form that numba asks for
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401 - the same
            first = builder.inttoptr(arguments[0], _WORD.as_pointer())
            builder.store(arguments[2], builder.gep(first, [arguments[1]]))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), generate

    made: Any = intrinsic(put)
    return made


def _prefetcher() -> Callable[[int], None]:
    """Make the function that asks for a line of memory, which will be read soon."""
    if numba.config.DISABLE_JIT:
        return lambda _address: None

    def prefetch(_typing_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001 - the form that numba asks for
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401 - the same
            number = ir.IntType(32)
            pointer = builder.inttoptr(arguments[0], cgutils.voidptr_t)
            kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
            get_function: Any = cgutils.get_or_insert_function
            function = get_function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(function, [pointer, number(0), number(3), number(1)])  # to read, into all caches, as data
            return context.get_dummy_value()

        return types.void(types.int64), generate

    made: Any = intrinsic(prefetch)
    return made


def _plain_loader(width_bytes: int, *, is_big_endian: bool) -> Callable[[int], int]:
    """The same for runs without compiled code."""

    def load(address: int) -> int:
        piece = ctypes.string_at(int(address), width_bytes)
        return int.from_bytes(piece, "big" if is_big_endian else "little", signed=width_bytes == 8)

    return load


def _plain_storer(width_bytes: int) -> Callable[[int, int], None]:
    """The same for runs without compiled code."""
    mask = (1 << width_bytes * 8) - 1

    def store(address: int, value: int) -> None:
        ctypes.memmove(int(address), (int(value) & mask).to_bytes(width_bytes, sys.byteorder), width_bytes)

    return store


load8 = _loader(1)
load16 = _loader(2, is_big_endian=True)
load32 = _loader(4, is_big_endian=True)
load64 = _loader(8, is_big_endian=True)
load16_little = _loader(2)
load32_little = _loader(4)
load64_native = _loader(8)
store8 = _storer(1)
store16 = _storer(2)
store32 = _storer(4)
store64 = _storer(8)
get = _getter()
put = _putter()
prefetch = _prefetcher()
