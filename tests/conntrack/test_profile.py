"""Behaviour sets: every value with its standing and source."""

import pytest

from sgsim.conntrack.policies import (
    BypassProtocols,
    ExemptList,
    Fragments,
    InvalidSegment,
    Midstream,
    RelatedIcmp,
    TimeoutChange,
    UdpStream,
    Unanswered,
)
from sgsim.conntrack.profile import AWS_NITRO, AWS_NITRO_V6, DEFAULT_PROFILE, LINUX, PROFILES, Profile, find_profile
from sgsim.errors import ConfigError
from sgsim.model.standing import Standing
from sgsim.model.states import TcpState
from sgsim.rules.openness import OpenRules

SETTINGS = {f"{profile.name}-{name}": setting for profile in PROFILES.values() for name, setting in profile.settings()}

CLOSING = {
    "tcp_syn_sent_s": 120,
    "tcp_syn_sent2_s": 120,
    "tcp_syn_recv_s": 60,
    "tcp_fin_wait_s": 120,
    "tcp_close_wait_s": 60,
    "tcp_last_ack_s": 30,
    "tcp_time_wait_s": 120,
    "tcp_close_s": 10,
}
AWS = CLOSING | {
    "tcp_established_s": 432000,
    "udp_s": 30,
    "udp_stream_s": 180,
    "icmp_s": 30,
    "icmpv6_s": 30,
    "other_s": 600,
    "fragment_s": 30,
    "fragment_ipv6_s": 60,
    "timeout_change": TimeoutChange.NEXT_PACKET,
    "exempt_traffic": True,
    "exempt_list": ExemptList.IMPLIED,
    "group_prefixes": True,
    "bypass": BypassProtocols.TCP_UDP,
    "open_rules": OpenRules.LITERAL,
    "open_own_protocol": True,
    "open_across_groups": True,
    "open_beside_narrow": True,
    "untrack_when_opened": True,
    "udp_stream": UdpStream.SECOND_REQUEST,
    "related_icmp": RelatedIcmp.AUTOMATIC_OR_UNTRACKED,
    "midstream": Midstream.DENY,
    "invalid": InvalidSegment.PASS,
    "syn_reopens": False,
    "unanswered": Unanswered.ESTABLISHED,
    "fragments": Fragments.DENY,
    "midstream_untracked": False,
    "midstream_after_cut": Midstream.DENY,
    "full_untracked": False,
    "late_refresh": False,
    "ignored_refresh": True,
    "related_refresh": False,
    "icmp_code_in_key": False,
    "linux_tcp_rules": False,
}
VALUES = {
    "aws-nitro": AWS,
    "aws-nitro-v6": AWS | {"tcp_established_s": 350},
    "linux": AWS
    | {
        "udp_stream_s": 120,
        "exempt_traffic": False,
        "bypass": BypassProtocols.NONE,
        "untrack_when_opened": False,
        "udp_stream": UdpStream.ANSWERED_AND_OLD,
        "related_icmp": RelatedIcmp.ALWAYS,
        "midstream": Midstream.PICKUP,
        "midstream_after_cut": Midstream.PICKUP,
        "invalid": InvalidSegment.RULES,
        "unanswered": Unanswered.RULES,
        "late_refresh": True,
        "ignored_refresh": False,
        "icmp_code_in_key": True,
        "linux_tcp_rules": True,
    },
}


def refusal(profile: Profile, name: str, value: object) -> str:
    with pytest.raises(ConfigError) as refused:
        profile.given(name, value)
    return str(refused.value)


@pytest.mark.parametrize("name", PROFILES)
def test_every_value_of_a_profile_is_as_listed(name):
    assert VALUES[name] == {key: setting.value for key, setting in PROFILES[name].settings()}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_has_a_standing_and_a_source(setting):
    assert isinstance(setting.standing, Standing)
    assert setting.standing is not Standing.GIVEN
    assert setting.source


def test_every_tcp_state_has_a_timeout():
    for profile in PROFILES.values():
        assert set(TcpState) == set(profile.tcp_s)


@pytest.mark.parametrize(
    ("name", "bounds"), [("tcp_established_s", (60, 432000)), ("udp_s", (30, 60)), ("udp_stream_s", (60, 180))]
)
def test_awss_bounds_hold_for_its_profiles_alone(name, bounds):
    low, high = bounds
    for profile in (AWS_NITRO, AWS_NITRO_V6):
        for value in bounds:
            assert dict(profile.given(name, value).settings())[name].value == value
        for value in (low - 1, high + 1):
            assert f"{name} must be {low}..{high} seconds, got {value}" == refusal(profile, name, value)
    assert dict(LINUX.given(name, 1).settings())[name].value == 1
    assert f"{name} must be more than 0 seconds, got 0" == refusal(LINUX, name, 0)


def test_no_other_setting_is_bounded():
    for profile in PROFILES.values():
        bounded = {name for name, setting in profile.settings() if setting.bounds is not None}
        assert bounded == ({"tcp_established_s", "udp_s", "udp_stream_s"} if profile.knows_nitro else set())


def test_what_the_user_gives_changes_that_setting_alone():
    given = dict(AWS_NITRO.given("tcp_close_s", 20).settings())
    assert given["tcp_close_s"].standing is Standing.GIVEN
    assert AWS | {"tcp_close_s": 20} == {name: setting.value for name, setting in given.items()}
    assert dict(AWS_NITRO.settings())["tcp_close_s"].value == 10


@pytest.mark.parametrize("value", ["pickup", Midstream.PICKUP])
def test_a_policy_may_be_given_by_its_word(value):
    assert AWS_NITRO.given("midstream", value).midstream.value is Midstream.PICKUP


def test_open_rules_may_be_given_by_their_word():
    assert AWS_NITRO.given("open_rules", "covered").open_rules.value is OpenRules.COVERED


def test_an_unknown_setting_is_refused_with_those_that_are_known():
    message = refusal(AWS_NITRO, "udp_timeout", 30)
    assert message == f"profile setting must be one of {', '.join(dict(AWS_NITRO.settings()))}, got 'udp_timeout'"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("midstream", "maybe", "midstream must be one of deny, pickup, got 'maybe'"),
        ("midstream", ["deny"], "midstream must be one of deny, pickup, got ['deny']"),
        ("open_rules", "open", "open_rules must be one of literal, listed, covered, got 'open'"),
        ("udp_s", "30", "udp_s must be a number, got '30'"),
        ("udp_s", True, "udp_s must be a number, got True"),
        ("udp_s", None, "udp_s must be a number, got None"),
        ("late_refresh", 1, "late_refresh must be a truth value, got 1"),
        ("late_refresh", "no", "late_refresh must be a truth value, got 'no'"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name, value, message):
    assert message == refusal(AWS_NITRO, name, value)


def test_profiles_are_found_by_name():
    assert [AWS_NITRO, AWS_NITRO_V6, LINUX] == [find_profile(name) for name in ("aws-nitro", "aws-nitro-v6", "linux")]
    assert DEFAULT_PROFILE is AWS_NITRO


def test_an_unknown_profile_is_refused():
    with pytest.raises(ConfigError) as refused:
        find_profile("aws")
    assert str(refused.value) == "profile must be one of aws-nitro, aws-nitro-v6, linux, got 'aws'"


def test_only_awss_profiles_know_about_nitro():
    assert [name for name, profile in PROFILES.items() if profile.knows_nitro] == ["aws-nitro", "aws-nitro-v6"]


def test_profiles_are_dated_and_titled():
    assert all(profile.dated and profile.title for profile in PROFILES.values())


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_timeouts_of_tcp_flows_that_are_not_established_are_of_linux(profile):
    sources = {setting.source for state, setting in profile.tcp_s.items() if state is not TcpState.ESTABLISHED}
    assert sources == {"linux-nfct"}
