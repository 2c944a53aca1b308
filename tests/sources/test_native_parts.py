"""What `sgsim.sources.native` is made of; that it equals the readable decoder is tested in `equivalence`."""

import io
import itertools
from typing import Any

import numpy as np
import pytest

from sgsim.errors import SourceError
from sgsim.kernels import decode_layout as layout
from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES
from sgsim.sources import byte_window
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.byte_window import READABLE_BEYOND, ByteWindow
from sgsim.sources.links import LINK_READERS
from sgsim.sources.native_facts import LINK_OF_TYPE, TYPE_OF_LINK
from sgsim.sources.odd_links import SCAPY_LAYERS
from sgsim.sources.packet_rows import PacketRows, RowPool

DATA = bytes(range(256)) * 5


class Broken(io.RawIOBase):
    """Gives some bytes, then fails."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        count = self._data.readinto(buffer)
        if not count:
            raise OSError(5, "Input/output error")
        return count


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_a_window_gives_bytes_and_their_places_as_a_reader_does(monkeypatch, size):
    monkeypatch.setattr(byte_window, "WINDOW_BYTES", size)
    reader, window = ByteReader(io.BytesIO(DATA)), ByteWindow(ByteReader(io.BytesIO(DATA)))
    for count in (0, 1, 5, 64, 3, 300, 2, 900, 900, 1):
        assert reader.peek(count + 2) == window.peek(count + 2)
        assert reader.take(count) == window.take(count)
        assert reader.offset == window.offset
    assert window.is_at_end
    assert not window.refill()


def test_a_window_begins_where_its_reader_stands():
    reader = ByteReader(io.BytesIO(DATA))
    reader.take(9)
    window = ByteWindow(reader)
    assert (9, DATA[9:12]) == (window.offset, window.take(3))


def test_behind_the_end_of_a_window_is_room():
    window = ByteWindow(ByteReader(io.BytesIO(DATA)))
    while window.refill():
        pass
    assert window.end + READABLE_BEYOND <= len(window.data)
    assert window.address == window.data.ctypes.data


def test_an_error_comes_after_the_bytes_before_it():
    stream: Any = Broken(DATA)
    window = ByteWindow(ByteReader(stream))
    assert DATA[:1000] == window.take(1000)
    assert DATA[1000:] == window.take(280)
    assert not window.refill()
    assert not window.is_at_end
    with pytest.raises(SourceError, match="file must be readable, got Input/output error"):
        window.take(1)


def test_all_columns_of_a_set_lie_in_its_memory_and_apart():
    rows = PacketRows(7)
    begins = sorted((column.ctypes.data - rows.address, column.nbytes) for column in rows.columns.values())
    assert all(begin + size <= following for (begin, size), (following, _) in itertools.pairwise(begins))
    assert sum(begins[-1]) <= len(rows.memory)
    assert all(begin % 64 == 0 for begin, _ in begins)
    batch = rows.batch(5, 2)
    assert list(PACKET_DTYPES.values()) == [column.dtype.str[1:] for column in batch[:-1]]
    assert list(QUOTED_DTYPES.values()) == [column.dtype.str[1:] for column in batch.quoted]
    assert ([7] * 5, [-1] * 5, 2) == (batch.taken_at.tolist(), batch.quote.tolist(), len(batch.quoted.family))


def test_a_set_is_idle_when_nothing_refers_to_a_batch_of_it():
    rows = PacketRows(-1)
    assert rows.is_idle
    batch = rows.batch(5, 0)
    assert not rows.is_idle
    column = batch.vlan[1:].view(np.uint8)
    del batch
    assert not rows.is_idle
    view = memoryview(column)
    del column
    assert not rows.is_idle
    del view
    assert rows.is_idle


def test_a_pool_gives_idle_sets_again_and_keeps_few():
    pool = RowPool(-1)
    first = pool.take()
    assert pool.take() is first
    held = [pool.take().batch(1, 0) for _ in range(9)]
    assert 9 == len({batch.time_ns.ctypes.data for batch in held})
    del held
    assert 4 == len(pool._sets)


def test_every_link_type_has_its_own_way():
    assert {*LINK_READERS, *SCAPY_LAYERS} == set(LINK_OF_TYPE)
    for link_type in (1, 113, 276, *set(SCAPY_LAYERS) - set(LINK_READERS)):  # those that kernels may ask about
        assert link_type == TYPE_OF_LINK[LINK_OF_TYPE[link_type]]
    assert all(
        (link_type in LINK_READERS) == (link < layout.FIRST_ODD_LINK) for link_type, link in LINK_OF_TYPE.items()
    )
