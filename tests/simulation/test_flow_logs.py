"""Whole replays of flow logs: AWS's own examples, agreement, and what becomes of every line."""

import gzip

import pytest
from builders import group, interface, inventory
from simulation.flow_log_texts import (
    CUSTOM,
    CUSTOM_FORMAT,
    DEFAULT,
    IPV6,
    PING,
    V5,
    V5_FORMAT,
    default_lines,
    log,
    record,
)

import sgsim

ENI = "eni-1235b8ca123456789"
ENGINES = ("reference", "compiled")


def known(*rules, addresses=("10.0.0.5",), interface_id="eni-a"):
    return inventory(group(*rules), interface(*addresses, interface_id=interface_id))


def rows(replay, *columns):
    return replay.decisions.select(columns).rows()


@pytest.fixture
def replay(tmp_path):
    def run(rules, text, *, name="flows.log", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return sgsim.replay(rules, path, **options)

    return run


@pytest.mark.parametrize("engine", ENGINES)
def test_the_default_records_have_the_verdicts_that_aws_gave(replay, engine):
    rules = known("tcp 22 from 172.31.0.0/16", addresses=("172.31.16.21", "172.31.9.12"), interface_id=ENI)
    result = replay(rules, DEFAULT, engine=engine)
    expected = [
        (1, ENI, "ingress", "allow", "rule"),
        (2, ENI, "ingress", "deny", "no_rule"),
        (3, None, None, "skip", "no_data"),
        (4, None, None, "skip", "skip_data"),
    ]
    assert expected == rows(result, "packet", "interface_id", "direction", "verdict", "reason")
    agreement = result.summary.records.agreement
    assert agreement.compared == agreement.agreed
    assert (agreement.compared.records, agreement.compared.packets, agreement.compared.bytes) == (2, 40, 8498)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_answer_to_a_ping_passes_the_groups_without_a_rule(replay, engine):
    """AWS's story: the group is stateful, so only the network ACL can have rejected the answer."""
    rules = known("icmp all from 0.0.0.0/0", addresses=("172.31.16.139",), interface_id=ENI)
    result = replay(rules, PING, engine=engine)
    expected = [("ingress", "allow", "rule"), ("egress", "allow", "established")]
    assert expected == rows(result, "direction", "verdict", "reason")
    (cause,) = result.summary.records.agreement.causes
    assert (cause.cause, cause.rejected_but_allowed.records) == ("network_acl", 1)


def test_ipv6(replay):
    address = "2001:db8:1234:a102:3304:8879:34cf:4071"
    result = replay(known("tcp 22 from ::/0", addresses=(address,), interface_id=ENI), IPV6)
    assert [("ingress", "allow")] == rows(result, "direction", "verdict")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_custom_records_are_oriented_by_their_flags(replay, engine):
    rules = known("tcp 5001 from 52.213.180.42/32", addresses=("10.0.0.62",), interface_id=ENI)
    result = replay(rules, f"{CUSTOM_FORMAT}\n{CUSTOM}", engine=engine)
    expected = [
        ("ingress", "rule"),
        ("egress", "established"),
        ("egress", "presumed"),
        ("ingress", "rule"),
        ("egress", "established"),
    ]
    assert expected == rows(result, "direction", "reason")
    assert result.summary.records.oriented_by == {"tcp_flags": 2, "ports": 1, "first": 0}
    assert ["ingress"] * 5 == result.decisions["opener"].to_list()
    assert result.summary.records.agreement.agreed.packets == 8 + 7 + 1219 + 17 + 14


def test_a_format_may_be_told(replay):
    rules = known("tcp 5001 from 52.213.180.42/32", addresses=("10.0.0.62",), interface_id=ENI)
    told = replay(rules, CUSTOM, log_format=" ".join(f"${{{name}}}" for name in CUSTOM_FORMAT.split()))
    assert told.summary.packets.evaluated == 5


def test_version_5_tells_directions(replay):
    rules = known("tcp 80 to 0.0.0.0/0", addresses=("10.0.0.71",), interface_id=ENI)
    result = replay(rules, gzip.compress(f"{V5_FORMAT}\n{V5}".encode()), name="v5.log.gz")
    assert [("egress", "rule"), ("ingress", "established")] == rows(result, "direction", "reason")


WEB = (
    record("198.51.100.7:40000 10.0.0.5:443", flags=2),
    record("10.0.0.5:443 198.51.100.7:40000", flags=18),
    record("198.51.100.7:40000 10.0.0.5:443", flags=0, start=60),
    record("10.0.0.5:443 198.51.100.7:40000", flags=0, start=60),
    record("198.51.100.7:40000 10.0.0.5:443", flags=1, start=120),
    record("10.0.0.5:443 198.51.100.7:40000", flags=1, start=120),
    record("203.0.113.9:41000 10.0.0.5:22", flags=2, packets=1, bytes=40, action="REJECT", start=130),
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("has_flags", [True, False])
def test_a_whole_connection_agrees_with_and_without_flags(replay, engine, has_flags):
    text = log(*WEB) if has_flags else default_lines(WEB)
    result = replay(known("tcp 443 from 0.0.0.0/0"), text, engine=engine)
    assert ["rule", *["established"] * 5, "no_rule"] == result.decisions["reason"].to_list()
    assert result.summary.records.agreement.causes == ()
    assert result.summary.flows.tracked == 1


@pytest.mark.parametrize("line", range(7))
def test_a_flipped_action_shows_exactly_that_record(replay, line):
    lines = list(WEB)
    old, new = ("ACCEPT", "REJECT") if "ACCEPT" in lines[line] else ("REJECT", "ACCEPT")
    lines[line] = lines[line].replace(old, new)
    agreement = replay(known("tcp 443 from 0.0.0.0/0"), log(*lines)).summary.records.agreement
    (group_,) = agreement.disagreements
    assert (group_.first.number, group_.logged, group_.count.records) == (line + 2, new.lower(), 1)
    assert agreement.compared.records - agreement.agreed.records == 1


def test_every_line_is_in_one_place(replay):
    text = log(*WEB) + "bogus\n\n" + record("198.51.100.7:1 10.0.0.5:443", eni="eni-z") + "\n"
    result = replay(known("tcp 443 from 0.0.0.0/0"), text)
    records, packets = result.summary.records, result.summary.packets
    assert (packets.read, packets.evaluated, packets.skipped) == (9, 7, 2)
    assert [("flows.log", 9, "line must have 16 fields, got 1")] == [
        (each.file.rsplit("/", 1)[-1], each.line, each.problem) for each in records.malformed_listed
    ]
    assert records.unknown_interfaces == {"eni-z": 1}
    assert set(records.agreement.not_compared) == {"malformed", "no_interface"}
