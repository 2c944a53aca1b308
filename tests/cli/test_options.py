import pytest
from attrs import evolve

from sgsim.cli.options import RuleOptions, TrafficOptions
from sgsim.conntrack.policies import Fragments, Midstream
from sgsim.conntrack.timeouts import Timeouts
from sgsim.errors import ConfigError
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.spread import Spread
from sgsim.model.states import TcpState
from sgsim.rules.inventory import Instance


def message(options: RuleOptions) -> str:
    with pytest.raises(ConfigError) as caught:
        options.engine_options()
    return str(caught.value)


def test_nothing_given_is_the_profile_as_it_is():
    options = RuleOptions().engine_options()
    assert (options.profile.name, options.capacity, options.timeouts) == ("aws-nitro", None, TimeoutOverrides())
    assert not options.recorded


def test_traffic_is_recorded():
    given = TrafficOptions(cold_start=True, as_recorded=True, remember=7, client_port=1024, spread="ends")
    options = given.engine_options(RuleOptions(capacity=3))
    assert (options.recorded, options.cold_start, options.as_recorded) == (True, True, True)
    assert (options.remember, options.capacity, options.client_port) == (7, 3, 1024)
    assert options.spread is Spread.ENDS


def test_settings():
    options = RuleOptions(settings=("fragments=rules", "icmp_s=7", "late_refresh=true"), midstream="pickup")
    profile = options.engine_options().profile
    assert (profile.fragments.value, profile.icmp_s.value) == (Fragments.RULES, 7.0)
    assert (profile.late_refresh.value, profile.midstream.value) == (True, Midstream.PICKUP)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RuleOptions(settings=("fragments",)), "--set fragments: setting must be NAME=VALUE, got 'fragments'"),
        (
            RuleOptions(settings=("fragments=maybe",)),
            "--set fragments=maybe: fragments must be one of deny, rules, got 'maybe'",
        ),
        (
            RuleOptions(settings=("udp_s=40",)),
            "--set udp_s=40: setting must be one without an option of its own, got 'udp_s': use --udp",
        ),
        (RuleOptions(midstream="x"), "--midstream x: midstream must be one of deny, pickup, got 'x'"),
        (RuleOptions(profile="x"), "--profile x: profile must be one of aws-nitro, aws-nitro-v6, linux, got 'x'"),
        (
            RuleOptions(tcp_established=10.0),
            "--tcp-established 10: tcp_established_s must be 60..432000 seconds, got 10.0",
        ),
        (RuleOptions(udp=61.0), "--udp 61: udp_s must be 30..60 seconds, got 61.0"),
        (RuleOptions(udp_stream=181.0), "--udp-stream 181: udp_stream_s must be 60..180 seconds, got 181.0"),
        (
            RuleOptions(profile="linux", udp=0.0),
            "--udp 0: udp_s must be more than 0 seconds, got 0.0",
        ),
    ],
)
def test_values_outside_their_bounds(options, expected):
    assert message(options) == expected


def test_linux_has_no_bounds_on_timeouts():
    options = RuleOptions(profile="linux", tcp_established=1.0, udp=0.5, udp_stream=100_000.0).engine_options()
    assert options.timeouts == TimeoutOverrides(1.0, 0.5, 100_000.0)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--capacity", "0"], "--capacity must be a whole number of entries, at least 1, got '0'"),
        (["--capacity", "many"], "--capacity must be a whole number of entries, at least 1, got 'many'"),
        (["--capacity", "1.5"], "--capacity must be a whole number of entries, at least 1, got '1.5'"),
        (["--udp", "nan"], "--udp must be a number of seconds, at least 0, got 'nan'"),
        (["--udp", "inf"], "--udp must be a number of seconds, at least 0, got 'inf'"),
        (["--remember", "-1"], "--remember must be a whole number of flows, at least 1, got '-1'"),
        (["--client-port", "65536"], "--client-port must be a whole number, at least 1 and at most 65535, got '65536'"),
    ],
)
def test_numbers(refused, args, expected):
    assert refused("replay", *args, "x.pcap") == expected


def established_s(options: RuleOptions) -> float:
    """The timeout that holds at the only interface, by every option and document."""
    inventory, engine_options = options.inventory(), options.engine_options()
    (interface,) = inventory.interfaces.values()
    instance = inventory.instances.get(interface.table_id, Instance(instance_id="none"))
    timeouts = Timeouts.at(
        engine_options.profile,
        option=engine_options.timeouts,
        interface=interface.timeouts,
        instance_type=instance.instance_type,
    )
    return timeouts.tcp_ns[TcpState.ESTABLISHED] / 1e9


@pytest.fixture
def options(web) -> RuleOptions:
    _, rules, _, interface = web
    return RuleOptions(rules=(rules,), interface=(interface,))


def test_an_option_beats_the_instance_type_and_that_the_profile(options):
    assert established_s(options) == 432_000
    assert established_s(evolve(options, profile="aws-nitro-v6")) == 350
    assert established_s(evolve(options, instance_type="m8i.large")) == 350
    assert established_s(evolve(options, profile="aws-nitro-v6", instance_type="m5.large")) == 432_000
    assert established_s(evolve(options, instance_type="m8i.large", tcp_established=100.0)) == 100


def test_an_interface_document_beats_the_instance_type(tmp_path, options):
    document = tmp_path / "interface.yaml"
    document.write_text(
        "interfaces:\n  eni-a:\n    addresses: [192.0.2.10]\n    groups: [sg-web]\n    instance: i-1\n"
        "    timeouts: {tcp_established: 90}\ninstances:\n  i-1: {type: m5.large}\n"
    )
    options = evolve(options, rules=("rules.json", str(document)), interface=())
    assert established_s(evolve(options, instance_type="m8i.large")) == 90
    assert evolve(options, instance_type="m8i.large").inventory().instances["i-1"].instance_type == "m8i.large"


def test_instance_type_must_look_like_one(refused, web):
    assert refused("replay", *web, "--instance-type", "large", "web.pcap") == (
        "--instance-type large: instance type must be FAMILY.SIZE such as m8i.large, got 'large'"
    )


def test_words_are_what_was_typed():
    options = RuleOptions(
        rules=("a.json", "b c"), interface=("192.0.2.1=sg-1",), allow_unresolved=True, capacity=8, udp=40.0,
        settings=("icmp_s=7",),
    )  # fmt: skip
    assert options.words() == [
        "-r", "a.json", "-r", "b c", "--interface", "192.0.2.1=sg-1", "--allow-unresolved", "--capacity", "8",
        "--udp", "40", "--set", "icmp_s=7",
    ]  # fmt: skip
    assert TrafficOptions(cold_start=True, change=("3=x",)).words() == ["--cold-start", "--change", "3=x"]
    assert TrafficOptions().words() == []
