"""A change at a time."""

import pytest
from builders import inventory

from sgsim.rules.change import Change


@pytest.mark.parametrize(("is_relative", "expected"), [(False, 5), (True, 1005)])
def test_a_change_happens_at_its_time_or_so_long_after_the_first_packet(is_relative, expected):
    assert expected == Change(5, inventory(), is_relative).at_ns(1000)
