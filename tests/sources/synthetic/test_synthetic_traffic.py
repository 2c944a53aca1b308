"""Synthetic traffic as a whole: the same from the same seed, in the order of time, and as it was asked for."""

import hashlib

import numpy as np
import pytest
from builders import group, interface, inventory
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.errors import ConfigError
from sgsim.model.columns import PacketColumns
from sgsim.sources import synthetic
from sgsim.sources.synthetic import SCENARIOS, mix, scenario
from sgsim.sources.synthetic.rows import ROW

RULES = inventory(
    group("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0"),
    *(interface(f"10.0.0.{n}", f"2001:db8::{n}", interface_id=f"eni-{n}") for n in range(1, 5)),
)
DIGESTS = {
    "web": "1ce0aa6758b56373",
    "dns": "974a2bde19d7d6ae",
    "idle-pool": "169a327e900685d9",
    "keep-alive": "fd7051e0bd212c9b",
    "syn-flood": "44662d686f23ec91",
    "port-scan": "e7afd223199724a1",
    "masscan": "971cac10b4c7621f",
    "nat-fan-out": "406f6f620160df3c",
    "udp-stream": "0b4503cfbba4224f",
    "ping": "379db4dae15a6805",
    "masscan-incident": "096a852dd62361d3",
    "vpc": "f85e36487f868f19",
}
"""Of the first two seconds of each scenario with seed 1: who changes traffic says so in the changelog."""


def rows_of(traffic, rules=RULES, **how):
    parts = list(traffic.bound(rules).rows(**how))
    return np.concatenate(parts) if parts else np.empty(0, ROW)


def brief(name, **settings):
    """A scenario of two seconds in which something happens."""
    flows = {"ramp": "1s", "every": "400ms"} if name in {"idle-pool", "keep-alive"} else {}
    return scenario(name, **{"duration": "2s", "begin": 0, **flows, **settings})


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_seed_gives_the_same_packets(name):
    rows = rows_of(brief(name))
    assert len(rows) > 10
    np.testing.assert_array_equal(rows, rows_of(brief(name)))
    assert rows.tobytes() != rows_of(brief(name, seed=2)).tobytes()


@pytest.mark.parametrize("name", SCENARIOS)
def test_packets_stand_in_the_order_of_time_within_the_duration(name):
    traffic = brief(name)
    time_ns = rows_of(traffic)["time_ns"]
    assert (np.diff(time_ns) >= 0).all()
    assert time_ns[0] >= traffic.start_ns
    assert time_ns[-1] < traffic.start_ns + traffic.duration_ns


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_longer_duration_adds_packets_and_changes_none(name):
    short, long = rows_of(brief(name)), rows_of(brief(name, duration="3s"))
    assert len(long) > len(short)
    np.testing.assert_array_equal(short, long[: len(short)])


@settings(max_examples=20)
@given(batch_rows=st.integers(1, 5000), name=st.sampled_from(["web", "masscan-incident", "udp-stream", "vpc"]))
def test_the_size_of_batches_changes_nothing(batch_rows, name):
    traffic = brief(name, duration="0.5s")
    batches = list(traffic.bound(RULES).rows(batch_rows))
    assert {len(batch) for batch in batches[:-1]} <= {batch_rows}
    np.testing.assert_array_equal(np.concatenate(batches), rows_of(traffic))


def test_a_part_is_the_same_beside_others():
    web, dns = (scenario(name, duration="2s") for name in ("web", "dns"))
    rows = rows_of(mix(dns, web, seed=1, duration="2s"))
    np.testing.assert_array_equal(rows[rows["protocol"] == 6], rows_of(web))
    np.testing.assert_array_equal(rows[rows["protocol"] == 17], rows_of(dns))


@pytest.mark.parametrize(("name", "first"), [("web", "00"), ("pool", "01")])
def test_packets_of_one_time_stand_in_the_order_of_the_parts(name, first):
    part = {"scenario": "ping", "flows": 1, "every": "1s"}
    rows = rows_of(mix({**part, "name": name, "clients": "192.0.2.0"}, {**part, "name": "z", "clients": "192.0.2.1"}))
    assert f"{int(rows['src_lo'][0]) & 0xFF:02}" == "00"
    assert first in {"00", "01"}


def test_arrivals_come_at_their_rate():
    counts = {
        arrival: len(
            rows_of(scenario("syn-flood", outcome="silent", rate=5000, arrival=arrival, duration="4s", lasting="4s"))
        )
        for arrival in ("poisson", "uniform", "burst")
    }
    assert counts["uniform"] == 20_000
    assert counts["poisson"] == pytest.approx(20_000, rel=0.03)
    assert counts["burst"] == pytest.approx(20_000, rel=0.25)
    assert counts["burst"] % 100 == 0


def test_gaps_of_a_poisson_process_are_exponential():
    gaps = np.diff(rows_of(scenario("syn-flood", outcome="silent", rate=10_000, duration="4s"))["time_ns"])
    assert gaps.mean() == pytest.approx(100_000, rel=0.02)
    assert gaps.std() == pytest.approx(100_000, rel=0.05)


def test_uniform_arrivals_are_exact():
    time_ns = rows_of(scenario("masscan", outcome="silent", rate="0.3", duration="30s"))["time_ns"]
    expected = [flow * 10**10 // 3 for flow in range(9)]
    assert (time_ns - scenario("masscan").start_ns).tolist() == expected


def test_a_scan_tries_ports_in_their_order():
    rows = rows_of(scenario("port-scan", servers=["192.0.2.1", "192.0.2.2"], port="5-7", duration="12ms"))
    tries = rows[rows["is_reply"] == 0]
    tries = tries[tries["tcp_flags"] == 2]
    assert tries["dst_port"].tolist() == [5, 6, 7, 5, 6, 7]
    assert (tries["dst_lo"] & 0xFF).tolist() == [1, 1, 1, 2, 2, 2]


def test_begin_and_lasting_bound_when_flows_begin():
    traffic = scenario("syn-flood", begin="1s", lasting="0.5s", rate=1000, duration="3s", outcome="silent")
    time_ns = rows_of(traffic)["time_ns"] - traffic.start_ns
    assert 10**9 <= time_ns[0] < time_ns[-1] < 1_500_000_000


def test_addresses_are_those_of_interfaces_groups_and_blocks():
    rows = rows_of(
        scenario("web", clients="203.0.113.0/30,2001:db8:1::/64", servers=["eni-2", "192.0.2.9"], duration="5s")
    )
    calls = rows[rows["is_reply"] == 0]
    v4, v6 = (calls[calls["family"] == family] for family in (4, 6))
    assert set((v4["src_lo"]).tolist()) <= {0xCB007100 + place for place in range(4)}
    assert set(v4["dst_lo"].tolist()) == {0x0A000002, 0xC0000209}
    assert set(v6["src_hi"].tolist()) == {0x20010DB8_00010000}
    assert set(v6["dst_lo"].tolist()) == {2}
    everyone = rows_of(scenario("dns", clients="sg-web", duration="2s"))
    assert len(set(everyone["src_lo"][everyone["is_reply"] == 0].tolist())) == 8


def test_nobody_calls_itself():
    rows = rows_of(scenario("web", clients="all", servers="all", duration="2s", rate=500))
    assert not ((rows["src_lo"] == rows["dst_lo"]) & (rows["src_hi"] == rows["dst_hi"])).any()


def test_without_rules_the_interface_at_hand_is_10_0_0_5():
    rows = rows_of(scenario("web", duration="1s"), None)
    assert set(rows["dst_lo"][rows["is_reply"] == 0].tolist()) == {0x0A000005}


def test_columns_say_what_rows_say():
    source = brief("masscan-incident").bound(RULES)
    rows = np.concatenate(list(source.rows()))
    batches = list(source.batches([2], batch_rows=1000))
    joined = PacketColumns._make(
        [*map(np.concatenate, zip(*(batch[:-1] for batch in batches), strict=True)), batches[0].quoted]
    )
    for name in ("time_ns", "src_lo", "dst_hi", "src_port", "tcp_flags", "protocol", "family"):
        np.testing.assert_array_equal(getattr(joined, name), rows[name], name)
    assert joined.number.tolist() == list(range(1, len(rows) + 1))
    assert set(joined.taken_at.tolist()) == {2}
    assert not source.is_recorded


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: scenario("nothing"), "scenario must be one of web, dns"),
        (lambda: scenario("web", colour="red"), "setting must be one of protocol, clients"),
        (lambda: scenario("web", rate=0), "rate: rate must be flows per second"),
        (lambda: scenario("web", port="99999"), "port: ports must be such as 443"),
        (lambda: scenario("web", outcome="lost"), "outcome: outcome must be of complete"),
        (lambda: scenario("web", arrival="sometimes"), "arrival: value must be one of poisson, uniform, burst"),
        (lambda: scenario("port-scan", arrival="poisson"), "port_order must be random unless flows arrive uniformly"),
        (lambda: scenario("dns", outcome="refused"), "outcome of udp must be complete or silent, got refused"),
        (lambda: scenario("web", seed=-1), "seed must be 0..2^64-1, got -1"),
        (lambda: mix(scenario("web"), scenario("web")), "name of a part must occur once, got 'web' twice"),
        (mix, "traffic must have at least one part, got none"),
        (lambda: scenario("web", clients="nobody").bound(RULES), "clients of web must be addresses, blocks"),
        (lambda: scenario("web", servers="all").bound(), "servers of web must go with rules that have interfaces"),
        (lambda: scenario("web", clients="192.0.2.1", servers="2001:db8::1").bound(), "clients and servers must have"),
        (lambda: scenario("web", interface="eni-9").bound(RULES), "interface must be a known one, got 'eni-9'"),
    ],
)
def test_what_cannot_be_made_is_refused(make, message):
    with pytest.raises(ConfigError) as caught:
        make()
    assert message in str(caught.value)


def test_every_scenario_with_one_name_has_its_function():
    for name in SCENARIOS:
        assert getattr(synthetic, name.replace("-", "_"))(seed=5).seed == 5


def test_traffic_is_today_what_it_was():
    actual = {name: hashlib.sha256(rows_of(brief(name)).tobytes()).hexdigest()[:16] for name in SCENARIOS}
    assert actual == DIGESTS
