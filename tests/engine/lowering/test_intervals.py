"""`equal classes == the same sets`, for any sets; and a number below a start is in the interval before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.engine.lowering import intervals
from sgsim.engine.lowering.intervals import intervals_of
from sgsim.rules.ranges import merged

END = 40
pairs = st.tuples(st.integers(0, END - 1), st.integers(0, END - 1)).map(lambda ends: (min(ends), max(ends)))
sets = st.lists(pairs, min_size=1, max_size=4).map(merged)


@given(made=st.lists(sets, max_size=70), at_once=st.sampled_from([1, 7, 1 << 21]))
def test_classes_are_the_sets_that_a_number_is_in(made, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "_AT_ONCE", at_once)
        found = intervals_of(made, END)
    assert sorted(set(found.starts)) == found.starts
    classes = {}
    for number in range(END):
        interval = sum(start <= number for start in found.starts) - 1
        within = {each for each, ranges in enumerate(made) for first, last in ranges if first <= number <= last}
        members = found.members[found.classes[interval]].tolist()
        assert within == {64 * word + bit for word, bits in enumerate(members) for bit in range(64) if bits >> bit & 1}
        classes[frozenset(within)] = found.classes[interval]
    assert len(set(classes.values())) == len(classes)
    assert list(range(len(found.members))) == sorted(set(found.classes.tolist()))
