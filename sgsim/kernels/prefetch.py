"""What the processor can do that Python has no word for: ask for memory early, count bits, compare numbers at once.

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
def highest_bit(typing_context: Any, word: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """The position of the highest bit that is set in a word; one must be."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        before = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.xor(before, ir.Constant(ir.IntType(64), 63))

    return types.int64(types.uint64), generate


@intrinsic
def ones(typing_context: Any, word: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """How many bits are set in a word."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@intrinsic
def smaller(typing_context: Any, highs: Any, lows: Any, index: Any, hi: Any, lo: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """How many of eight numbers of 128 bits, in two arrays from an index on, are smaller than another."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        word = ir.IntType(64)
        eight = ir.VectorType(word, 8)

        def load(array: Any) -> Any:  # noqa: ANN401  # the same
            pointer = builder.bitcast(builder.gep(array, [arguments[2]]), eight.as_pointer())
            return builder.load(pointer, align=8)

        upper, lower = load(arguments[0]), load(arguments[1])
        hi_of_all, lo_of_all = _spread(builder, arguments[3]), _spread(builder, arguments[4])
        is_same = builder.icmp_unsigned("==", upper, hi_of_all)
        is_in_lower = builder.and_(is_same, builder.icmp_unsigned("<", lower, lo_of_all))
        found = builder.or_(builder.icmp_unsigned("<", upper, hi_of_all), is_in_lower)
        return builder.zext(builder.ctpop(builder.bitcast(found, ir.IntType(8))), word)

    return types.int64(highs, lows, types.int64, types.uint64, types.uint64), generate


@intrinsic
def matches(typing_context: Any, array: Any, index: Any, mask: Any, word: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """Which of eight words of an array, from an index on, are `word` in the bits of `mask`: a bit for each."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        eight = ir.VectorType(ir.IntType(64), 8)
        array = arguments[0]
        if isinstance(signature.args[0], types.Array):
            array = context.make_array(signature.args[0])(context, builder, array).data
        pointer = builder.bitcast(builder.gep(array, [arguments[1]]), eight.as_pointer())
        masked = builder.and_(builder.load(pointer, align=8), _spread(builder, arguments[2]))
        found = builder.icmp_unsigned("==", masked, _spread(builder, arguments[3]))
        return builder.zext(builder.bitcast(found, ir.IntType(8)), ir.IntType(64))

    return types.uint64(array, types.int64, types.uint64, types.uint64), generate


def _spread(builder: Any, number: Any) -> Any:  # noqa: ANN401  # as above
    """Eight times a number."""
    eight = ir.VectorType(ir.IntType(64), 8)
    one = builder.insert_element(ir.Constant(eight, ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), 8), [0] * 8))
