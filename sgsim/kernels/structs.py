"""Groups of arrays as kernels pass them on: one address of a list of addresses.

numba hands a tuple of arrays over as seven numbers for each array. With some hundred arrays that took five minutes to
compile; as one address it takes seconds, and the code reads the same: `memory.pool[position]`. There is no length and no
check of bounds, so sizes that kernels need are numbers of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model
from numpy.typing import NDArray


class StructType(types.Type):
    """The type of a group: which arrays it has, in order."""

    def __init__(self, name: str, elements: Mapping[str, Any]) -> None:
        """Name the group and the type of each array's elements."""
        super().__init__(name=f"Struct({name})")
        self.elements = dict(elements)


register_model(StructType)(models.OpaqueModel)


@infer_getattr
class _Attributes(AttributeTemplate):
    """`group.name` is the first element of that array."""

    key = StructType

    def generic_resolve(self, struct: StructType, name: str) -> Any:  # noqa: ANN401  # a numba type
        element = struct.elements.get(name)
        return None if element is None else types.CPointer(element)


@lower_getattr_generic(StructType)
def _read_address(context: Any, builder: Any, struct: StructType, value: Any, name: str) -> Any:  # noqa: ANN401
    """Read the address of an array from the list; it does not change while a kernel runs."""
    word = ir.IntType(64)
    position = ir.Constant(word, 8 * list(struct.elements).index(name))
    at = builder.inttoptr(builder.add(builder.ptrtoint(value, word), position), word.as_pointer())
    loaded = builder.load(at)
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return builder.inttoptr(loaded, context.get_value_type(types.CPointer(struct.elements[name])))


def struct(name: str, dtypes: Mapping[str, str]) -> Callable[[int], Any]:
    """Make a group.

    Args:
        name: Of the group, for messages of the compiler.
        dtypes: The arrays and the types of their elements, in order.

    Returns:
        A function for kernels that takes the address of a list of addresses, and gives the group.
    """
    kind = StructType(name, {key: types.__dict__[np.dtype(dtype).name] for key, dtype in dtypes.items()})

    @intrinsic
    def at(typing_context: Any, address: Any) -> Any:  # noqa: ANN401, ARG001  # the form that numba asks for
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return kind(types.int64), generate

    return at


def addresses(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The list of addresses of a group's arrays; the caller keeps the arrays alive."""
    return np.array([array.__array_interface__["data"][0] for array in arrays], dtype=np.int64)
