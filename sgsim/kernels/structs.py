"""Groups of arrays as kernels pass them on: one address of a list of addresses, with some of the arrays behind it.

numba hands a tuple of arrays over as seven numbers for each array. With some hundred arrays that took five minutes to
compile; as one address it takes seconds, and the code reads the same: `memory.pool[position]`. There is no length and no
check of bounds, so sizes that kernels need are numbers of their own.

The compiler is told that arrays do not overlap: a number once read from one stays in a register while others are written.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_builtin,
    lower_getattr_generic,
    models,
    register_model,
)

from sgsim.kernels.addresses import begins

_NONE: Final[Mapping[str, int]] = {}


class StructType(types.Type):
    """The type of a group: which arrays it has, in order."""

    def __init__(self, name: str, elements: Mapping[str, Any], begins: Mapping[str, int]) -> None:
        """Name the group, the type of each array's elements, and how far behind the list those stand that do."""
        super().__init__(name=f"Struct({name})")
        self.elements = dict(elements)
        self.begins = dict(begins)


class ArrayType(types.CPointer):
    """The type of an array of a group: the address of its first element."""

    def __init__(self, name: str, element: Any) -> None:  # noqa: ANN401  # a numba type
        """Name the array, and the type of its elements."""
        super().__init__(element)
        self.name = f"Array({name})"
        self.array = name

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells types apart."""
        return self.array, self.dtype


register_model(StructType)(models.OpaqueModel)
register_model(ArrayType)(models.PointerModel)


@infer_getattr
class _Attributes(AttributeTemplate):
    """`group.name` is the first element of that array."""

    key = StructType

    def generic_resolve(self, struct: StructType, name: str) -> Any:  # noqa: ANN401  # a numba type
        return struct.elements.get(name)


@lower_getattr_generic(StructType)
def _read_address(context: Any, builder: Any, struct: StructType, value: Any, name: str) -> Any:  # noqa: ANN401
    """Say where an array stands behind the list, or read its address; that does not change while a kernel runs."""
    word, kind = ir.IntType(64), context.get_value_type(struct.elements[name])
    place = struct.begins.get(name, 8 * list(struct.elements).index(name))
    at = builder.gep(builder.bitcast(value, ir.IntType(8).as_pointer()), [ir.Constant(word, place)], inbounds=True)
    if name in struct.begins:
        return builder.bitcast(at, kind)
    loaded = builder.load(builder.bitcast(at, word.as_pointer()))
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return builder.inttoptr(loaded, kind)


def _tell_apart(builder: Any, array: ArrayType, instruction: Any) -> None:  # noqa: ANN401
    """Mark a load or store as one of this array: it touches no other (type-based alias analysis)."""
    module, zero = builder.module, ir.Constant(ir.IntType(64), 0)
    root = module.add_metadata(["sgsim arrays"])
    node = module.add_metadata([array.array, root, zero])
    instruction.set_metadata("tbaa", module.add_metadata([node, node, zero]))


@lower_builtin(operator.getitem, ArrayType, types.Integer)
def _load(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401, ARG001
    loaded = builder.load(builder.gep(arguments[0], [arguments[1]]))
    _tell_apart(builder, signature.args[0], loaded)
    return loaded


@lower_builtin(operator.setitem, ArrayType, types.Integer, types.Any)
def _store(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
    stored = builder.store(arguments[2], builder.gep(arguments[0], [arguments[1]]))
    _tell_apart(builder, signature.args[0], stored)
    return context.get_dummy_value()


def struct(name: str, dtypes: Mapping[str, str], lengths: Mapping[str, int] = _NONE) -> Callable[[int], Any]:
    """Make a group.

    Args:
        name: Of the group, for messages of the compiler.
        dtypes: The arrays and the types of their elements, in order.
        lengths: How long those are that stand behind the list (`sgsim.kernels.addresses`).

    Returns:
        A function for kernels that takes the address of a list of addresses, and gives the group.
    """
    elements = {key: types.__dict__[np.dtype(dtype).name] for key, dtype in dtypes.items()}
    arrays = {key: ArrayType(f"{name}.{key}", element) for key, element in elements.items()}
    kind = StructType(name, arrays, begins(dtypes, lengths))

    @intrinsic
    def at(typing_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001  # the form that numba asks for
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return kind(types.int64), generate

    return at
