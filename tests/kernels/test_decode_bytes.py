from pathlib import Path
from typing import Any

import numba
import numpy as np

from sgsim.kernels import decode_bytes
from sgsim.kernels.decode_bytes import (
    get,
    load8,
    load16,
    load16_little,
    load32,
    load32_little,
    load64,
    put,
    store8,
    store16,
    store32,
    store64,
)
from sgsim.kernels.jit import kernel

DATA = np.arange(0x80, 0x100, dtype=np.uint8)


NAMES = ("load8", "load16", "load32", "load64", "load16_little", "load32_little")


@kernel
def read_all(address):
    return (
        load8(address),
        load16(address),
        load32(address),
        load64(address),
        load16_little(address),
        load32_little(address),
    )


@kernel
def write_all(address):
    store8(address, -1)
    store16(address + 1, 0x12345)
    store32(address + 3, 0x1_2345_6789)
    store64(address + 7, -2)
    put(address, 2, get(address, 0))


def test_numbers_are_read_unsigned_at_any_place_and_in_either_order():
    for place in range(16):
        piece = DATA[place : place + 8].tobytes()
        expected = (
            piece[0],
            int.from_bytes(piece[:2], "big"),
            int.from_bytes(piece[:4], "big"),
            int.from_bytes(piece, "big", signed=True),
            int.from_bytes(piece[:2], "little"),
            int.from_bytes(piece[:4], "little"),
        )
        assert expected == read_all(DATA.ctypes.data + place)


def test_numbers_are_written_without_their_upper_bits():
    words = np.zeros(3, np.int64)
    write_all(words.ctypes.data)
    expected = bytes.fromhex("ff 4523 89674523 fe") + bytes.fromhex("ffffffffffffff") + bytes(1)
    assert expected + expected[:8] == words.tobytes()


def test_runs_without_compiled_code_have_plain_functions(monkeypatch):
    plain: dict[str, Any] = {}
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    exec(compile(Path(decode_bytes.__file__).read_text(), "decode_bytes.py", "exec"), plain)  # noqa: S102 - our own source
    address = DATA.ctypes.data
    assert read_all(address + 3) == tuple(plain[name](address + 3) for name in NAMES)
    words = np.array([7, -8, 0], np.int64)
    plain["put"](words.ctypes.data, 2, plain["get"](words.ctypes.data, 1))
    plain["store8"](words.ctypes.data, 0x1FF)
    plain["prefetch"](words.ctypes.data)
    assert [255, -8, -8] == words.tolist()
