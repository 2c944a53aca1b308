"""Synthetic traffic through the engine: nobody recorded it, and each scenario shows what it is for."""

import pytest
from builders import group, interface, inventory

import sgsim
from sgsim.errors import ConfigError, DocumentError
from sgsim.simulation.traffic_mix import load_mix

TRACKED = inventory(
    group("tcp 443 from 198.0.0.0/7", "tcp all to 0.0.0.0/1", "tcp all to 128.0.0.0/1", group_id="sg-web"),
    interface("10.0.0.5"),
)


def replay(traffic, **options):
    return sgsim.replay(TRACKED, traffic, keep=False, **options).summary


def reasons(summary):
    return {count.reason: count.decisions for count in summary.reasons}


def test_answers_to_denied_packets_are_judged_and_not_skipped():
    """The same packets as a recording would be skipped as not sent (the way of a packet, step 7)."""
    traffic = sgsim.synthetic.web(clients="203.0.113.0/24", duration="2s")
    summary = replay(traffic)
    assert set(reasons(summary)) == {"no_rule", "midstream"}
    assert summary.packets.skipped == 0


def test_a_capture_of_it_is_a_recording(tmp_path):
    traffic = sgsim.synthetic.web(clients="203.0.113.0/24", duration="2s")
    traffic.write_pcap(tmp_path / "web.pcap", TRACKED)
    assert "not_sent" in reasons(replay(str(tmp_path / "web.pcap")))
    assert "not_sent" in reasons(replay([traffic, str(tmp_path / "web.pcap")]))


def test_an_idle_pool_dies_on_nitro_v6_and_lives_on_before():
    pool = sgsim.synthetic.idle_pool(servers="198.51.100.9", duration="30min")
    assert set(reasons(replay(pool))) == {"rule", "established"}
    assert reasons(replay(pool, profile="aws-nitro-v6"))["midstream"] > 0


def test_keep_alives_save_the_pool():
    pool = sgsim.synthetic.keep_alive(servers="198.51.100.9", duration="30min")
    assert set(reasons(replay(pool, profile="aws-nitro-v6"))) == {"rule", "established"}


def test_a_syn_flood_fills_the_table():
    flood = sgsim.synthetic.syn_flood(rate=500, lasting="4s", duration="5s")
    summary = replay(flood, capacity=1000)
    (table,) = summary.tables
    assert table.peak == 1000
    assert reasons(summary)["table_full"] > 500


def test_a_scan_from_inside_is_most_of_the_table_by_one_egress_rule():
    incident = sgsim.synthetic.mix(
        sgsim.synthetic.web(rate=2), sgsim.synthetic.masscan(rate=500), seed=1, duration="10s"
    )
    (table,) = replay(incident).tables
    assert max(table.peak_by_rule.values()) > 0.9 * table.peak
    (most,) = [rule for rule, count in table.peak_by_rule.items() if count > 0.9 * table.peak]
    assert "egress" in most


def test_both_engines_say_the_same():
    traffic = sgsim.synthetic.mix(
        sgsim.synthetic.web(rate=20), sgsim.synthetic.dns(), sgsim.synthetic.port_scan(), seed=3, duration="3s"
    )
    expected, actual = (sgsim.replay(TRACKED, traffic, engine=engine).decisions for engine in ("reference", "compiled"))
    assert expected.equals(actual)


def test_explain_knows_that_nobody_recorded_it():
    traffic = sgsim.synthetic.web(clients="203.0.113.0/24", duration="2s")
    explained = sgsim.explain_recorded(TRACKED, traffic, packet=2)
    assert "not_sent" not in str(explained)


def test_a_mix_in_yaml_is_what_its_parts_are(tmp_path):
    path = tmp_path / "day.yaml"
    path.write_text(
        "seed: 7\nduration: 3s\nparts:\n  shop: {scenario: web, rate: 20}\n  names: {scenario: dns, rate: 5}\n"
        "  odd: {protocol: udp, port: 4500, rate: 5, request_bytes: 100..200}\n"
    )
    traffic = load_mix(path)
    assert (traffic.seed, traffic.duration_ns, traffic.name) == (7, 3 * 10**9, "day")
    assert [part.name for part in traffic.parts] == ["shop", "names", "odd"]
    assert [float(part.rate) for part in traffic.parts] == [20, 5, 5]
    changed = load_mix(path, seed=8, duration="1s")
    assert (changed.seed, changed.duration_ns) == (8, 10**9)
    assert replay(traffic).packets.read > 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parts: {a: {scenario: web, rate: none}}", "line 1, column 12, rate: rate must be flows per second"),
        ("parts: {a: {scenario: nothing}}", "line 1, column 12: scenario must be one of"),
        ("parts: {a: {colour: 1}}", "line 1, column 12: setting must be one of"),
        ("parts: {}", "parts must have at least one part, got none"),
        ("speed: 1\nparts: {}", "line 1, column 1: key must be one of seed, duration, parts, got 'speed'"),
        ("parts: [web]", "line 1, column 8: parts must be an object"),
        ("duration: long\nparts: {a: {scenario: web}}", "line 1, column 11: duration must be a time"),
        ("seed: x\nparts: {a: {scenario: web}}", "line 1, column 7: seed must be a whole number"),
    ],
)
def test_a_mix_that_is_wrong_names_the_place(tmp_path, text, message):
    path = tmp_path / "mix.yaml"
    path.write_text(text)
    with pytest.raises((ConfigError, DocumentError)) as caught:
        load_mix(path)
    assert str(caught.value).startswith(f"{path}")
    assert message in str(caught.value)


def test_a_mix_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"none\.yaml: document must be a readable file, got: No such file"):
        load_mix(tmp_path / "none.yaml")
