"""Which timeout holds at an interface: an option, its own, that of the instance type, that of the profile."""

import pytest

from sgsim.conntrack.profile import AWS_NITRO, AWS_NITRO_V6, LINUX
from sgsim.conntrack.timeouts import NANOSECONDS, Timeouts
from sgsim.errors import ConfigError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.states import TcpState


def established_s(profile=AWS_NITRO, **fields) -> float:
    return Timeouts.at(profile, **fields).tcp_ns[TcpState.ESTABLISHED] / NANOSECONDS


OPTION, DOCUMENT = TimeoutOverrides(tcp_established_s=100), TimeoutOverrides(tcp_established_s=200)


def test_the_profile_holds_where_nobody_says_otherwise():
    assert established_s() == 432000
    assert established_s(AWS_NITRO_V6) == 350


def test_the_instance_type_beats_the_profile():
    assert established_s(instance_type="m8i.large") == 350
    assert established_s(AWS_NITRO_V6, instance_type="m5.large") == 432000


def test_the_interfaces_own_beats_the_instance_type():
    assert established_s(interface=DOCUMENT, instance_type="m8i.large") == 200


def test_an_option_beats_all():
    assert established_s(option=OPTION, interface=DOCUMENT, instance_type="m8i.large") == 100


def test_each_timeout_is_chosen_for_itself():
    timeouts = Timeouts.at(AWS_NITRO, option=TimeoutOverrides(udp_s=45), interface=DOCUMENT)
    assert timeouts.tcp_ns[TcpState.ESTABLISHED] == 200 * NANOSECONDS
    assert (timeouts.udp_ns, timeouts.udp_stream_ns) == (45 * NANOSECONDS, 180 * NANOSECONDS)


def test_linux_does_not_care_for_the_instance_type():
    assert established_s(LINUX, instance_type="m8i.large") == 432000


def test_a_value_outside_awss_bounds_is_refused_wherever_it_was_set():
    for place in ("option", "interface"):
        with pytest.raises(ConfigError) as refused:
            established_s(**{place: TimeoutOverrides(tcp_established_s=10)})
        assert str(refused.value) == "tcp_established_s must be 60..432000 seconds, got 10"


def test_seconds_become_whole_nanoseconds_and_never_none():
    odd = TimeoutOverrides(tcp_established_s=0.1, udp_s=1.5e-9, udp_stream_s=1e-12)
    timeouts = Timeouts.at(LINUX, option=odd)
    assert (timeouts.tcp_ns[TcpState.ESTABLISHED], timeouts.udp_ns, timeouts.udp_stream_ns) == (100_000_000, 2, 1)


@pytest.mark.parametrize(("protocol", "seconds"), [(6, 432000), (17, 180), (1, 30), (58, 30), (47, 600)])
def test_the_longest_silence_is_that_of_the_protocol(protocol, seconds):
    assert seconds * NANOSECONDS == Timeouts.at(AWS_NITRO).longest_ns(protocol)


def test_a_short_established_timeout_is_not_the_longest():
    timeouts = Timeouts.at(AWS_NITRO, option=TimeoutOverrides(tcp_established_s=60))
    assert 120 * NANOSECONDS == timeouts.longest_ns(6)
