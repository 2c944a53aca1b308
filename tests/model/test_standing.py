"""A value with its standing and source."""

import pytest

from sgsim.errors import ConfigError
from sgsim.model.standing import Setting, Standing

BOUNDED = Setting(30.0, Standing.DOCUMENTED, "aws-ct", bounds=(30, 60))
UNBOUNDED = Setting(30.0, Standing.ASSUMED, "linux-nfct")


@pytest.mark.parametrize("value", [30, 45.5, 60])
def test_a_value_within_the_bounds_is_given_by_the_user(value):
    given = BOUNDED.given(value, "udp_s")
    assert (value, Standing.GIVEN, "option", (30, 60)) == (given.value, given.standing, given.source, given.bounds)


@pytest.mark.parametrize("value", [29, 29.999, 60.001, 0, -1])
def test_a_value_outside_the_bounds_is_refused(value):
    with pytest.raises(ConfigError) as refused:
        BOUNDED.given(value, "udp_s")
    assert f"udp_s must be 30..60 seconds, got {value!r}" == str(refused.value)


@pytest.mark.parametrize("value", [0, -1, -0.5])
def test_a_time_without_bounds_must_be_positive(value):
    with pytest.raises(ConfigError) as refused:
        UNBOUNDED.given(value, "icmp_s")
    assert f"icmp_s must be more than 0 seconds, got {value!r}" == str(refused.value)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_time_must_be_finite(value):
    with pytest.raises(ConfigError) as refused:
        UNBOUNDED.given(value, "icmp_s")
    assert f"icmp_s must be a finite number of seconds, got {value!r}" == str(refused.value)


def test_a_truth_value_is_no_time():
    setting = Setting(value=True, standing=Standing.ASSUMED, source="aws-ct")
    assert setting.given(value=False, name="bypass").value is False


def test_standings_are_written_in_lower_case():
    assert [str(standing) for standing in Standing] == ["documented", "standard", "observed", "assumed", "given"]
