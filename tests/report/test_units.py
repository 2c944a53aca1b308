import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.report.units import counted, duration, number, offset, rfc3339, shell_line


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((0, "packet"), "0 packets"),
        ((1, "packet"), "1 packet"),
        ((2, "packet"), "2 packets"),
        ((1, "entry", "entries"), "1 entry"),
        ((1234, "entry", "entries"), "1,234 entries"),
    ],
)
def test_counted(args, expected):
    assert counted(*args) == expected


def test_number():
    assert number(1_234_567) == "1,234,567"


@pytest.mark.parametrize(
    ("length_ns", "expected"),
    [
        (0, "0 s"),
        (1_500, "1.5 µs"),
        (2_000_000, "2 ms"),
        (1_000_000_000, "1.000 s"),
        (119_999_000_000, "119.999 s"),
        (120_000_000_000, "2 min"),
        (3_661_000_000_000, "1 h 1 min"),
        (432_000_000_000_000, "5 d"),
        (-2_000_000, "-2 ms"),
    ],
)
def test_duration(length_ns, expected):
    assert duration(length_ns) == expected


def test_times():
    assert rfc3339(1_795_451_073_955_348_634) == "2026-11-23T16:24:33.955348Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999999Z"
    assert offset(3_500_000_000, 1_000_000_000) == "+2.500 s"
    assert offset(500_000_000, 1_000_000_000) == "-0.500 s"


@given(st.integers(0, 2**62))
def test_rfc3339_is_exact_to_the_microsecond(time_ns):
    text = rfc3339(time_ns)
    assert text.endswith(f".{time_ns // 1000 % 1_000_000:06d}Z")


@given(st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text)))
def test_a_shell_reads_the_same_words(words):
    assert shlex.split(shell_line(words)) == words
