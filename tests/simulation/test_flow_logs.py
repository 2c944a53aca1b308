"""Whole replays of flow logs: AWS's own examples, agreement, and what becomes of every line."""

import gzip
from pathlib import Path

import pytest
from builders import group, interface, inventory, network_acl, networks, prefix_list
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
from sgsim.errors import SourceError
from sgsim.rules.inventory import Subnet

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


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("egress", "expected"), [("deny", "network_acl"), ("allow", "established")])
def test_the_network_acl_tells_the_whole_story_of_the_ping(replay, engine, egress, expected):
    """`[aws-fle]`: the answer is rejected because the ACL's outbound entries do not allow ICMP, else accepted."""
    rules = inventory(
        group("icmp all from 0.0.0.0/0"),
        interface("172.31.16.139", interface_id=ENI, subnet_id="subnet-1"),
        Subnet(subnet_id="subnet-1", networks=networks("172.31.16.0/20")),
        network_acl("100 allow icmp all from 0.0.0.0/0", f"100 {egress} icmp all to 0.0.0.0/0"),
    )
    result = replay(rules, PING if egress == "deny" else PING.replace("REJECT", "ACCEPT"), engine=engine)
    assert ["rule", expected] == result.decisions["reason"].to_list()
    assert result.summary.records.agreement.causes == ()


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


class TestCauses:
    """The likely cause of a disagreement, one case each."""

    def cause(self, replay, rules, *lines, **options):
        (found,) = replay(rules, log(*lines), **options).summary.records.agreement.causes
        return found.cause

    def test_rules(self, replay):
        assert "rules" == self.cause(replay, known("tcp 22 from 0.0.0.0/0"), WEB[0])

    def test_stale_members(self, replay):
        rules = inventory(group("tcp 443 from pl-1"), interface("10.0.0.5"), prefix_list("pl-1", "192.0.2.0/24"))
        assert "stale_members" == self.cause(replay, rules, WEB[0])

    def test_network_acl(self, replay):
        rejected = WEB[0].replace("ACCEPT", "REJECT")
        assert "network_acl" == self.cause(replay, known("tcp 443 from 0.0.0.0/0"), rejected)

    def test_what_stays_in_a_subnet_meets_no_acl(self, replay):
        rules = inventory(
            group("tcp 443 from 0.0.0.0/0"),
            interface("10.0.0.5", subnet_id="subnet-1"),
            Subnet(subnet_id="subnet-1", networks=networks("10.0.0.0/24")),
        )
        rejected = record("10.0.0.9:40000 10.0.0.5:443", flags=2, action="REJECT")
        assert "unknown" == self.cause(replay, rules, rejected)

    def test_after_close(self, replay):
        late = record("198.51.100.7:40000 10.0.0.5:443", flags=0, start=171, packets=1, action="REJECT")
        assert "after_close" == self.cause(replay, known("tcp 443 from 0.0.0.0/0"), *WEB[:6], late)

    def test_aggregation(self, replay):
        both = WEB[0], WEB[0].replace("ACCEPT", "REJECT")
        assert "aggregation" == self.cause(replay, known("tcp 443 from 0.0.0.0/0"), *both)

    def test_exempt(self, replay):
        line = record("10.0.0.5:40000 169.254.169.254:80", flags=2, action="REJECT")
        assert "exempt" == self.cause(replay, known("tcp 443 from 0.0.0.0/0"), line)

    def test_aws_control(self, replay):
        header = "srcaddr dstaddr srcport dstport protocol start end action reject-reason interface-id"
        line = "198.51.100.7 10.0.0.5 40000 443 6 1700000000 1700000001 REJECT BPA eni-a"
        result = replay(known("tcp 443 from 0.0.0.0/0"), f"{header}\n{line}\n")
        assert ["aws_control"] == [each.cause for each in result.summary.records.agreement.causes]

    def test_capacity(self, replay):
        others = [record(f"198.51.100.{host}:40000 10.0.0.5:443", flags=2) for host in (1, 2)]
        assert "capacity" == self.cause(replay, known("tcp 443 from 0.0.0.0/0"), *others, capacity=1)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_its_sender_would_not_send_comes_to_nobody(replay, engine):
    rules = inventory(
        group(group_id="sg-a"),
        group("tcp 443 from 10.0.0.0/24", group_id="sg-b"),
        interface("10.0.0.5", interface_id="eni-a", groups=("sg-a",)),
        interface("10.0.0.9", interface_id="eni-b", groups=("sg-b",)),
    )
    there, back = "10.0.0.5:40000 10.0.0.9:443", "10.0.0.9:443 10.0.0.5:40000"
    lines = [
        record(there, flags=2, eni="eni-b"), record(back, flags=18, eni="eni-b"),
        record(there, flags=2, eni="eni-a"), record(back, flags=18, eni="eni-a"),
    ]  # fmt: skip
    result = replay(rules, log(*lines), engine=engine)
    by_line = dict(rows(result, "packet", "reason"))
    assert {2: "not_sent", 3: "not_sent", 4: "no_rule", 5: "not_sent"} == by_line
    assert result.summary.records.agreement.not_compared["not_sent"].records == 3


def test_a_flow_that_comes_again_after_its_timeout_is_judged_anew_and_counted(replay):
    lines = [record("198.51.100.7:40000 10.0.0.5:443", start=start) for start in (0, 60, 1000)]
    result = replay(known("tcp 443 from 0.0.0.0/0"), default_lines(lines), tcp_established_s=350)
    assert ["rule", "established", "rule"] == result.decisions["reason"].to_list()
    assert result.summary.records.reopened == 1


def test_times_that_go_back_are_put_in_order(replay):
    lines = [record(f"198.51.100.{host}:40000 10.0.0.5:443", flags=2, start=500 - host) for host in range(1, 100)]
    result = replay(known("tcp 443 from 0.0.0.0/0"), log(*lines))
    assert result.summary.packets.late == 0
    assert result.decisions["time_ns"].is_sorted()


def test_an_interface_that_an_option_declares_gets_records_by_their_addresses(replay):
    rules = known("tcp 443 from 0.0.0.0/0", interface_id="10.0.0.5")
    result = replay(rules, log(*WEB))
    assert ["10.0.0.5"] == result.decisions["interface_id"].unique().to_list()
    assert result.summary.records.agreement.causes == ()


def test_a_folder_is_one_stream_in_the_order_of_time(tmp_path):
    parts = {"b/later.log": WEB[2:], "a.log": WEB[:1], "c.log.gz": WEB[1:2], "notes.txt": ()}
    for name, lines in parts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        content = log(*lines).encode() if lines else b"nothing of the kind"
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    result = sgsim.replay(known("tcp 443 from 0.0.0.0/0"), tmp_path)
    assert ["rule", *["established"] * 5, "no_rule"] == result.decisions["reason"].to_list()
    records = result.summary.records
    assert records is not None
    assert [str(tmp_path / "notes.txt")] == list(records.passed_over)


def test_a_file_of_a_folder_that_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch):
    for name in ("a.log", "secret.log"):
        (tmp_path / name).write_text(log(*WEB))
    open_file = Path.open

    def refusing(path, *how, **more):
        if path.name == "secret.log":
            raise PermissionError(13, "Permission denied", str(path))
        return open_file(path, *how, **more)

    monkeypatch.setattr(Path, "open", refusing)
    with pytest.raises(SourceError, match=r"secret\.log: file must be readable, got Permission denied"):
        sgsim.replay(known("tcp 443 from 0.0.0.0/0"), tmp_path)


def test_a_change_cuts_a_log_as_it_cuts_a_capture(replay):
    before, after = known("tcp 443 from 0.0.0.0/0"), known("tcp 22 from 0.0.0.0/0")
    again = record("198.51.100.8:40000 10.0.0.5:443", flags=2, start=100)
    change = sgsim.Change(time_ns=30 * 10**9, inventory=after, is_relative=True)
    result = replay(before, log(*WEB[:4], again), changes=[change])
    assert ["rule", *["established"] * 3, "no_rule"] == result.decisions["reason"].to_list()


def test_a_record_can_be_explained_by_its_line(tmp_path):
    path = tmp_path / "flows.log"
    path.write_text(log(*WEB), encoding="utf-8")
    told = sgsim.explain_recorded(known("tcp 443 from 0.0.0.0/0"), path, 8)
    assert "deny" == str(told.verdict)
    assert "203.0.113.9:41000" in str(told)


@pytest.mark.parametrize("engine", ENGINES)
def test_flows_have_the_amounts_of_the_log_and_tell_how_they_are_oriented(replay, engine):
    result = replay(known("tcp 443 from 0.0.0.0/0"), log(*WEB), engine=engine)
    columns = ("packets_original", "packets_reply", "bytes_original", "bytes_reply", "allowed", "denied", "oriented_by")
    flows = sorted(result.flows.select(columns).rows())
    assert [(1, 0, 40, 0, 0, 1, "tcp_flags"), (30, 30, 2520, 2520, 60, 0, "tcp_flags")] == flows


def test_bytes_beyond_what_a_packet_can_have_are_counted(replay):
    line = record("198.51.100.7:40000 10.0.0.5:443", flags=2, bytes=5 * 2**31, packets=10**9)
    result = replay(known("tcp 443 from 0.0.0.0/0"), log(line))
    assert [5 * 2**31] == [reason.bytes for reason in result.summary.reasons]
    assert [5 * 2**31] == [rule.bytes for rule in result.summary.rules]
    assert [5 * 2**31] == result.flows["bytes_original"].to_list()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_connection_without_flags_is_established_once_both_sides_have_sent(replay, engine):
    lines = [*WEB[:2], *(line.replace(" 1700000060 1700000110 ", " 1700002000 1700002050 ") for line in WEB[2:4])]
    result = replay(known("tcp 443 from 0.0.0.0/0"), default_lines(lines), engine=engine)
    assert ["rule", *["established"] * 3] == result.decisions["reason"].to_list()
    assert ["established"] == result.flows["tcp_state"].to_list()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_connection_without_flags_that_nobody_answers_opens_again_after_a_while(replay, engine):
    lines = [record("198.51.100.7:40000 10.0.0.5:443", start=start) for start in (0, 60, 600)]
    result = replay(known("tcp 443 from 0.0.0.0/0"), default_lines(lines), engine=engine)
    assert ["rule", "established", "rule"] == result.decisions["reason"].to_list()
