"""Gaps and classes, each held to its law."""

from bisect import bisect_right

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sgsim.model.address import Family
from sgsim.simulation.flow_classes import Classes, address_gaps, cuts, port_gaps

PLACES = st.integers(0, 3) | st.integers(254, 258) | st.sampled_from([(1 << 32) - 1, 1 << 63, (1 << 64) - 1])


def test_cuts_are_where_something_changes():
    assert cuts([(5, 9), (7, 9), (0, 0)]) == [0, 1, 5, 7, 10]


@given(firsts=st.lists(st.integers(0, (1 << 32) - 1)), addresses=st.lists(st.integers(0, (1 << 32) - 1)))
def test_gaps_of_ipv4(firsts, addresses):
    """gap(address) == how many places are not beyond it"""
    places = cuts((first, (1 << 32) - 1) for first in firsts)
    words = np.array(addresses, np.uint64)
    found = address_gaps(places, Family.IPV4, np.zeros_like(words), words).tolist()
    assert [bisect_right(places, address) for address in addresses] == found


@given(firsts=st.lists(st.tuples(PLACES, PLACES)), addresses=st.lists(st.tuples(PLACES, PLACES), min_size=1))
def test_gaps_of_ipv6(firsts, addresses):
    """The same, where both halves count and bytes of zero do."""
    most = (1 << 128) - 1
    places = cuts((high << 64 | low, most) for high, low in firsts)
    hi, lo = np.array(addresses, np.uint64).T
    expected = [bisect_right(places, high << 64 | low) for high, low in addresses]
    assert expected == address_gaps(places, Family.IPV6, hi, lo).tolist()


def test_gaps_of_ports():
    assert [0, 1, 1, 2, 2] == port_gaps(
        cuts([(22, 80), (443, 65_535)][:1]), np.array([21, 22, 80, 81, 65_535])
    ).tolist()


WIDE = st.sampled_from([0, 1, 5_000_000, (1 << 62) + 1, (1 << 62) + 2])


@given(rows=st.lists(st.tuples(st.integers(0, 3), WIDE, WIDE, st.just(7)), max_size=30))
def test_rows_are_of_one_class_if_all_their_values_are_the_same(rows):
    """class(a) == class(b) if and only if a == b, however large the numbers are."""
    columns = [np.array([row[at] for row in rows], np.uint64) for at in range(4)]
    classes = Classes(columns)
    assert len(classes.rows) == len(set(rows))
    of_row = classes.spread(np.arange(len(classes.rows)))
    assert [rows[row] for row in classes.rows[of_row].tolist()] == rows
