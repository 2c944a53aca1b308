"""What the processor can do that Python has no word for: ask for memory before it is needed, and count bits.

A look-up in a table larger than the caches waits some 150 ns for memory; asked for early, many wait at once.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

READ, WRITE = 0, 1
_HIGH_LOCALITY, _DATA_CACHE = 3, 1


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:  # noqa: ANN401, ARG001  # the form that numba asks for
    """Ask for the cache line of `array[index]`, to be read; the array is one of a group, the index within it."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        pointer = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, number(READ), number(_HIGH_LOCALITY), number(_DATA_CACHE)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def lowest_bit(typing_context: Any, word: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """The position of the lowest bit that is set in a word; one must be."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def ones(typing_context: Any, word: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """How many bits are set in a word."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate
