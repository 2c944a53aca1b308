"""What is compiled for Python needs nothing but itself; what cannot be so is refused."""

import ctypes
import math

import numpy as np
import pytest
from numba import types

from sgsim.kernels import machine_code
from sgsim.kernels.jit import kernel
from sgsim.kernels.jit import machine_code as compiled


def twice(x):
    return x * 2


def turned(x, y):
    return y, x, x + y


def add_to(words, more):
    for at in range(len(words)):
        words[at] += more[at]


def loaded(function, signature):
    return machine_code.load(compiled(kernel(signature=signature)(function)))


def test_numbers_go_in_and_out():
    assert 6 == loaded(twice, "int64(int64)")(3)
    assert -6 == loaded(twice, "int64(int64)")(np.int64(-3))
    assert (1 << 64) - 2 == loaded(twice, "uint64(uint64)")((1 << 63) - 1)
    assert (4, 3, 7) == loaded(turned, "UniTuple(int64, 3)(int64, int64)")(3, 4)


def test_arrays_are_changed_in_place():
    words, more = np.arange(3), np.full(3, 10)
    assert loaded(add_to, types.void(types.int64[::1], types.int64[::1]))(words, more) is None
    assert [10, 11, 12] == words.tolist()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (np.zeros(3, np.int32), "int32 of 1 axes"),
        (np.zeros(3, np.uint64), "uint64 of 1 axes"),
        (np.zeros((3, 3), np.int64), "int64 of 2 axes"),
        (np.zeros(6, np.int64)[::2], "int64\\[\\] without gaps"),
    ],
)
def test_an_array_of_another_kind_is_refused(words, expected):
    call = loaded(add_to, types.void(types.int64[::1], types.int64[::1]))
    with pytest.raises(TypeError, match=expected):
        call(words, np.zeros(3, np.int64))


def test_as_many_arguments_as_the_kernel_takes():
    for call in (
        loaded(twice, "int64(int64)"),
        loaded(add_to, types.void(types.int64[::1], types.int64[::1])),
    ):
        with pytest.raises((TypeError, ValueError, ctypes.ArgumentError)):
            call(np.zeros(3, np.int64), np.zeros(3, np.int64), 3)
    with pytest.raises(ctypes.ArgumentError, match="wrong type"):
        loaded(twice, "int64(int64)")(3.5)


def test_a_kernel_allocates_nothing():
    def makes_room(words):
        return np.empty(words, np.int64)[0]

    with pytest.raises(Exception, match="empty"):
        compiled(kernel(signature="int64(int64)")(makes_room))


@pytest.mark.parametrize("signature", ["float64(float64)", "int32(int32)", types.int64[:](types.int64[:])])
def test_only_whole_numbers_and_arrays_of_them(signature):
    with pytest.raises(TypeError, match="must be int64, uint64 or an array"):
        compiled(kernel(signature=signature)(lambda x: x))


def test_a_kernel_calls_nothing_outside_its_code():
    with pytest.raises(TypeError, match=r"nothing outside its own code, got .*gamma"):
        compiled(kernel(signature="int64(int64)")(lambda x: np.int64(math.gamma(x))))


def test_without_a_signature_it_is_compiled_for_what_comes():
    assert 6 == kernel(twice)(3)


def test_what_only_kernels_call_refuses_python():
    inner = kernel(is_entry=False)(twice)
    outer = kernel(lambda x: inner(x) + 1)
    assert 7 == outer(3)
    with pytest.raises(TypeError, match=r"twice must be called by a kernel, or as twice.py_func"):
        inner(3)


def test_what_cannot_be_compiled_says_why():
    def wrong(x):
        return undefined(x)  # noqa: F821 - that is the point

    with pytest.raises(Exception, match="undefined"):
        compiled(kernel(signature="int64(int64)")(wrong))
