"""Packets as columns: `packets_of(columns_of(packets)) == packets`."""

import numpy as np
import pytest
import strategies
from builders import packet
from hypothesis import given
from hypothesis import strategies as st

from sgsim.model import columns as col
from sgsim.model.address import Family
from sgsim.model.decision import Reason
from sgsim.model.packet import Packet

IDS = ("eni-a", "eni-b")


def columns_of(packets: list[Packet]) -> col.PacketColumns:
    """Packets as columns, bound to two interfaces."""
    return col.columns_of(packets, IDS)


@given(st.lists(strategies.packets(IDS), max_size=6))
def test_packets_that_are_written_as_columns_read_back(packets):
    assert packets == list(col.packets_of(columns_of(packets), IDS))


@given(st.lists(strategies.packets(IDS), min_size=1, max_size=4))
def test_one_row_reads_back_as_a_packet_bound_to_nothing(packets):
    columns = columns_of(packets)
    for row, each in enumerate(packets):
        assert (each.five_tuple, each.quote, None) == (
            (actual := col.packet_at(columns, row)) and actual.five_tuple,
            actual and actual.quote,
            actual and actual.taken_at,
        )


@given(st.lists(strategies.packets(IDS), min_size=1, max_size=6), st.data())
def test_selected_rows_are_those_packets(packets, data):
    begin = data.draw(st.integers(0, len(packets)))
    end = data.draw(st.integers(begin, len(packets)))
    assert packets[begin:end] == list(col.packets_of(col.select_rows(columns_of(packets), begin, end), IDS))


def test_a_skipped_row_is_no_packet():
    columns = columns_of([packet("udp 192.0.2.1:1 -> 192.0.2.2:2", number=1)])
    columns.skip[0] = Reason.TRUNCATED
    assert list(col.packets_of(columns, IDS)) == [None]
    assert col.packet_at(columns, 0) is None


def test_no_packets_make_empty_columns_of_the_right_types():
    columns = col.packet_columns([])
    assert {
        name: f"{getattr(columns, name).dtype.kind}{getattr(columns, name).dtype.itemsize}"
        for name in col.PACKET_DTYPES
    } == (col.PACKET_DTYPES)
    assert list(col.packets_of(columns, IDS)) == []


def test_every_column_has_a_type():
    assert tuple(col.PACKET_DTYPES) == col.PacketColumns._fields[:-1]
    assert tuple(col.DECISION_DTYPES) == col.DecisionColumns._fields
    assert tuple(col.QUOTED_DTYPES) == col.QuotedColumns._fields


def test_decisions_become_columns_in_order():
    columns = col.decision_columns([(0, 1, 2, 1, 9, 1, 0, 0, -1, 0), (1, -1, 0, 3, 15, 0, 0, 0, -1, 0)])
    np.testing.assert_array_equal([0, 1], columns.row)
    np.testing.assert_array_equal([9, 15], columns.reason)


def test_a_row_with_too_few_values_is_refused():
    with pytest.raises(ValueError, match="zip"):
        col.decision_columns([(0, 1, 2)])


@given(strategies.addresses(Family.IPV6))
def test_an_address_is_two_words(address):
    high, low = col.address_words(address)
    assert address == high * 2**64 + low
    assert max(high, low) < 2**64
