"""Flow logs that are written, and what comes of them when they are replayed."""

import gzip

import polars as pl
import pytest
from builders import group, interface, inventory

import sgsim
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.simulation.api import traffic_options
from sgsim.simulation.driver import run
from sgsim.simulation.synthetic_log import write_flow_log
from sgsim.sources.flow_log_format import parse_format

CUSTOM = parse_format(
    "${version} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} "
    "${end} ${action} ${tcp-flags} ${flow-direction} ${instance-id} ${type} ${pkt-srcaddr} ${traffic-path}"
)
RULES = inventory(
    group(
        "tcp 443 from 198.51.100.0/25", "tcp 8080 from sg-web", "tcp 8080 to sg-web", "tcp 5432 from sg-web",
        "tcp 5432 to sg-web", "udp 53 to 203.0.113.0/24",
    ),
    *(interface(f"10.0.0.{n}", interface_id=f"eni-{n}", instance_id=f"i-{n}") for n in range(1, 9)),
)  # fmt: skip


def network(seconds=150):
    """Clients inside and outside of what rules admit, interfaces that call each other, a pool and look-ups."""
    return sgsim.synthetic.mix(
        {"scenario": "web", "servers": "all", "rate": 2, "exchanges": "2", "name": "web"},
        {"scenario": "web", "clients": "all", "servers": "all", "port": "8080", "rate": 2, "name": "mesh"},
        {"scenario": "idle-pool", "clients": "all", "servers": "all", "flows": 10, "every": "20s", "name": "pool"},
        {"scenario": "dns", "clients": "all", "servers": "203.0.113.53", "rate": 2, "name": "dns"},
        duration=f"{seconds}s",
    )


def logged(path, form=CUSTOM, window_s=60):
    return write_flow_log(network(), RULES, path, EngineOptions(), form=form, window_s=window_s)


def replayed(traffic):
    return run(RULES, [traffic], traffic_options(cold_start=True)).summary


@pytest.fixture(scope="module")
def packets(tmp_path_factory):
    path = tmp_path_factory.mktemp("packets") / "all.pcap"
    network().write_pcap(path, RULES)
    return replayed(str(path))


@pytest.mark.parametrize(
    ("name", "form"), [("f.log", CUSTOM), ("f.log.gz", parse_format("default")), ("f.parquet", CUSTOM)]
)
def test_a_log_replays_to_what_the_packets_do(tmp_path, packets, name, form):
    """Every packet and byte has the verdict that it has as a packet, and as many flows are entered."""
    logged(tmp_path / name, form)
    summary = replayed(str(tmp_path / name))
    agreement = summary.records.agreement
    assert agreement.agreed == agreement.compared
    assert agreement.compared.packets == packets.packets.allowed + packets.packets.denied
    by_verdict = {(cell.logged, cell.simulated): cell.count.packets for cell in agreement.cells}
    assert by_verdict["accept", "allow"] == packets.packets.allowed
    assert by_verdict["reject", "deny"] == packets.packets.denied
    entered, expected = (sum(table.inserted for table in each.tables) for each in (summary, packets))
    assert entered == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_log_with_flags_fills_the_tables_as_the_packets_do(tmp_path, packets, engine):
    """Closed connections wait for late packets as long, so what fits by the log fits by the capture."""
    logged(tmp_path / "f.log")
    summary = run(RULES, [str(tmp_path / "f.log")], traffic_options(cold_start=True), engine=engine).summary
    peaks, expected = ({table.instance_id: table.peak for table in each.tables} for each in (summary, packets))
    assert peaks == {instance_id: pytest.approx(peak, rel=0.05, abs=2) for instance_id, peak in expected.items()}


def test_a_record_has_the_fields_that_aws_writes(tmp_path):
    logged(tmp_path / "f.log")
    header, *lines = (tmp_path / "f.log").read_text().splitlines()
    assert header == CUSTOM.header
    records = [dict(zip(header.split(), line.split(), strict=True)) for line in lines]
    assert {record["version"] for record in records} == {"5"}
    for record in records:
        assert 0 <= int(record["end"]) - int(record["start"]) < 60
        assert int(record["start"]) // 60 == int(record["end"]) // 60
        own = record["srcaddr" if record["flow-direction"] == "egress" else "dstaddr"]
        assert own == "10.0.0." + record["interface-id"].removeprefix("eni-")
        assert (record["instance-id"], record["type"], record["traffic-path"]) == (f"i-{own[-1]}", "IPv4", "-")
    https = [record for record in records if record["dstport"] == "443"]
    assert {record["action"] for record in https} == {"ACCEPT", "REJECT"}
    answers = [record for record in records if record["srcport"] == "443" and record["flow-direction"] == "egress"]
    assert "19" in {record["tcp-flags"] for record in answers}  # SYN-ACK and FIN
    assert "3" in {record["tcp-flags"] for record in https}  # SYN and FIN: ACK alone is not shown


def test_a_wider_window_joins_more(tmp_path):
    narrow, wide = logged(tmp_path / "a.log", window_s=60), logged(tmp_path / "b.log", window_s=600)
    assert wide.records < narrow.records
    assert (wide.packets, wide.bytes) == (narrow.packets, narrow.bytes)


def test_the_same_traffic_is_the_same_log(tmp_path):
    for name in ("a.log.gz", "b.log.gz"):
        logged(tmp_path / name)
    assert (tmp_path / "a.log.gz").read_bytes() == (tmp_path / "b.log.gz").read_bytes()
    logged(tmp_path / "c.log")
    assert gzip.decompress((tmp_path / "a.log.gz").read_bytes()) == (tmp_path / "c.log").read_bytes()


def test_parquet_has_the_types_that_aws_writes(tmp_path):
    logged(tmp_path / "f.parquet")
    schema = pl.read_parquet_schema(tmp_path / "f.parquet")
    expected = {"srcport": "Int32", "bytes": "Int64", "srcaddr": "String", "traffic_path": "Int32"}
    assert {name: str(schema[name]) for name in expected} == expected


@pytest.mark.parametrize(
    ("rules", "window", "message"),
    [
        (None, 60, "flow log must be one of interfaces that rules name, got none: add -r RULES"),
        (RULES, 90, "window must be one of 60, 600 seconds, got 90"),
    ],
)
def test_what_cannot_be_logged_is_refused(tmp_path, rules, window, message):
    with pytest.raises(ConfigError) as caught:
        write_flow_log(network(), rules, tmp_path / "f.log", EngineOptions(), window_s=window)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []
