"""Distributions as people write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import ConfigError
from sgsim.sources.synthetic.distributions import parse_distribution, parse_duration_ns
from sgsim.sources.synthetic.draws import stream, words

WORDS = words(stream(1), 200_000)


@pytest.mark.parametrize(
    ("text", "mean", "deviation"),
    [
        ("40", 40, 0),
        ("40..80", 60, 11.8),
        ("exponential 1000", 1000, 1000),
        ("geometric 3", 3, 2.45),
        ("lognormal 100 0.5", 113, 60),
        ("pareto 10 4", 13.3, 4.7),
    ],
)
def test_what_is_drawn_has_the_mean_and_deviation_of_its_kind(text, mean, deviation):
    distribution = parse_distribution(text, "size")
    drawn = distribution.draw(WORDS)
    assert drawn.mean() == pytest.approx(mean, rel=0.05, abs=0.6)
    assert drawn.std() == pytest.approx(deviation, rel=0.08, abs=0.3)
    assert distribution.mean == pytest.approx(mean, rel=0.06, abs=0.6)
    assert drawn.max() <= distribution.most


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_a_range_holds_both_of_its_ends_and_nothing_else(first, second):
    least, most = sorted((first, second))
    drawn = parse_distribution(f"{least}..{most}", "size").draw(WORDS[:5000])
    assert drawn.min() >= least
    assert drawn.max() <= most


def test_every_value_of_a_small_range_is_drawn():
    drawn = parse_distribution("uniform 3 7", "size").draw(WORDS)
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [3, 4, 5, 6, 7]
    assert abs(counts / len(WORDS) - 0.2).max() < 0.005


def test_times_have_units():
    assert parse_duration_ns("1.5 min", "t") == 90 * 10**9
    assert parse_duration_ns("200ms", "t") == 200_000_000
    assert parse_duration_ns(2, "t") == 2 * 10**9
    assert parse_distribution("lognormal:20ms,0.5", "t", is_time=True).parameters == (20_000_000, 0.5)
    assert parse_distribution("1ms..2s", "t", is_time=True).parameters == (1_000_000, 2_000_000_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "size must be a value such as 40, a range LEAST..MOST"),
        ("normal 3 4", "size must be a value such as 40"),
        ("80..40", "size must be LEAST..MOST, got '80..40'"),
        ("exponential 0", "size must have parameters above 0, got 'exponential 0'"),
        ("geometric 0.5", "size must have a mean of at least 1, got 'geometric 0.5'"),
        ("lognormal 5", "size must be a value such as 40"),
        ("uniform -1 4", "size must be numbers of at least 0, got 'uniform -1 4'"),
        ("1e30", "size must stay below 10000000000000000, got '1e30'"),
        ("nan", "size must be a value such as 40"),
    ],
)
def test_what_is_no_distribution_is_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_distribution(text, "size")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["", "5 weeks", "-1 s", "1..2", "nan"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match=r"t must be a time such as 90 s, 1\.5 min or 200ms, got"):
        parse_duration_ns(text, "t")
