"""The words that all synthetic traffic is made of."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sgsim.sources.synthetic.draws import below, key_of, stream, words


def test_words_are_those_that_numpy_promises():
    """If these change, so does all traffic; numpy says that they never do."""
    assert words(stream(1, 2, 3), 3).tolist() == [
        1651299849932390616, 4218192805844392388, 17465577037104944027
    ]  # fmt: skip
    assert key_of("web") == 365508689


@given(st.integers(1, 1 << 31), st.integers(0, 1 << 32))
def test_numbers_stay_below_their_limit(limit, seed):
    drawn = below(words(stream(seed), 100), limit)
    assert drawn.min() >= 0
    assert drawn.max() < limit


def test_numbers_are_equally_likely():
    counts = np.bincount(below(words(stream(1), 60_000), 6))
    assert len(counts) == 6
    assert abs(counts - 10_000).max() < 400
