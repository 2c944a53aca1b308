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
def greater(typing_context: Any, array: Any, index: Any, number: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """How many of sixteen numbers of 32 bits, in an array from an index on, are greater than another's last 32 bits."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        sixteen = ir.VectorType(ir.IntType(32), 16)
        pointer = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), sixteen.as_pointer())
        number = builder.trunc(arguments[2], ir.IntType(32))
        found = builder.icmp_unsigned(">", builder.load(pointer, align=4), _spread(builder, number, 16))
        return builder.zext(builder.ctpop(builder.bitcast(found, ir.IntType(16))), ir.IntType(64))

    return types.int64(array, types.int64, types.int64), generate


@intrinsic
def wide_greater(typing_context: Any, array: Any, index: Any, number: Any) -> Any:  # noqa: ANN401, ARG001  # as above
    """The same for five numbers of 64 bits, each in two places of the array, the lower half first."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        eight = ir.VectorType(ir.IntType(64), 8)
        pointer = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), eight.as_pointer())
        found = builder.icmp_unsigned(">", builder.load(pointer, align=4), _spread(builder, arguments[2]))
        five = builder.and_(builder.bitcast(found, ir.IntType(8)), ir.IntType(8)(0b11111))
        return builder.zext(builder.ctpop(five), ir.IntType(64))

    return types.int64(array, types.int64, types.int64), generate


@intrinsic
def distance(
    typing_context: Any,  # noqa: ANN401, ARG001  # as above
    hi: Any,  # noqa: ANN401, ARG001
    lo: Any,  # noqa: ANN401, ARG001
    from_hi: Any,  # noqa: ANN401, ARG001
    from_lo: Any,  # noqa: ANN401, ARG001
    most_hi: Any,  # noqa: ANN401, ARG001
    most_lo: Any,  # noqa: ANN401, ARG001
    shift: Any,  # noqa: ANN401, ARG001
) -> Any:  # noqa: ANN401
    """How far a number of 128 bits is above another, at least 0 and so far at most, in steps of 1 << shift."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # the same
        long = ir.IntType(128)
        hi, lo, from_hi, from_lo, most_hi, most_lo, shift = (builder.zext(each, long) for each in arguments)

        def joined(upper: Any, lower: Any) -> Any:  # noqa: ANN401  # the same
            return builder.or_(builder.shl(upper, ir.Constant(long, 64)), lower)

        number, begin, most = joined(hi, lo), joined(from_hi, from_lo), joined(most_hi, most_lo)
        above = builder.sub(number, begin)
        within = builder.select(builder.icmp_unsigned("<", above, most), above, most)
        is_below = builder.icmp_unsigned("<", number, begin)
        found = builder.select(is_below, ir.Constant(long, 0), within)
        return builder.trunc(builder.lshr(found, shift), ir.IntType(64))

    return types.int64(types.uint64, types.uint64, *[types.int64] * 5), generate


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


def _spread(builder: Any, number: Any, count: int = 8) -> Any:  # noqa: ANN401  # as above
    """A number so many times."""
    kind = ir.VectorType(number.type, count)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count))
