"""An interval of ports."""

import pytest
import strategies
from hypothesis import given

from sgsim.errors import RuleError
from sgsim.rules.port_range import PortRange


@given(strategies.port_ranges, strategies.ports)
def test_both_ends_and_all_between_are_in_it(ports, port):
    assert (port in range(ports.first, ports.last + 1)) == (port in ports)
    assert ports.first in ports
    assert ports.last in ports


@pytest.mark.parametrize(
    ("first", "last", "text", "is_all"),
    [(443, 443, "443", False), (22, 30, "22-30", False), (0, 65535, "0-65535", True), (1, 65535, "1-65535", False)],
)
def test_it_is_written_in_few_characters(first, last, text, is_all):
    assert text == str(PortRange(first, last))
    assert is_all == PortRange(first, last).is_all


def test_all_ports_are_all():
    assert PortRange.all().is_all


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (-1, 80, "first port must be 0..65535, got -1"),
        (80, 70000, "last port must be 0..65535, got 70000"),
        ("80", 80, "first port must be 0..65535, got '80'"),
        (0, True, "last port must be 0..65535, got True"),
        (30, 22, "first port must be at most the last, got 30 > 22"),
    ],
)
def test_what_is_no_interval_is_refused(first, last, message):
    with pytest.raises(RuleError) as refused:
        PortRange(first, last)
    assert message == str(refused.value)
