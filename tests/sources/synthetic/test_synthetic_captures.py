"""Synthetic packets as bytes: read by sgsim, by scapy, and by what a TCP receiver would say of them."""

import io

import numpy as np
import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.utils import PcapReader, checksum
from sources.capture_builders import assert_same_columns
from sources.synthetic.test_synthetic_traffic import RULES, brief, rows_of

from sgsim.errors import ConfigError
from sgsim.sources import PcapSource
from sgsim.sources.merge import concatenated
from sgsim.sources.synthetic import SCENARIOS, scenario
from sgsim.sources.synthetic.pcap_bytes import PcapBytes
from sgsim.sources.synthetic.writing import write_capture


def capture(traffic, **how):
    writer = PcapBytes(**how)
    return writer.header() + b"".join(writer.records(rows) for rows in traffic.bound(RULES).rows(1000))


def frames(data):
    return PcapReader(io.BytesIO(data))  # type: ignore[arg-type]  # it takes streams too


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("snap_bytes", [74, 2000])
def test_what_is_written_is_read_as_what_it_was(name, snap_bytes):
    traffic = brief(name, duration="0.3s")
    read = PcapSource(io.BytesIO(capture(traffic, snap_bytes=snap_bytes)), name="capture").batches()
    assert_same_columns(concatenated(list(traffic.bound(RULES).batches())), concatenated(list(read)))


def test_microseconds_cut_the_rest_off():
    traffic = brief("web", duration="0.2s")
    read = concatenated(list(PcapSource(io.BytesIO(capture(traffic, unit_ns=1000)), name="capture").batches()))
    np.testing.assert_array_equal(read.time_ns, rows_of(traffic)["time_ns"] // 1000 * 1000)


@pytest.mark.parametrize("name", ["web", "dns", "ping", "port-scan", "udp-stream"])
def test_lengths_and_checksums_are_right(name):
    """Scapy computes them anew where they are taken away, and comes to the same bytes."""
    data = capture(brief(name, duration="0.2s"), snap_bytes=2000)
    kinds = set()
    for frame in list(frames(data))[:300]:
        again = Ether(bytes(frame))
        for layer, fields in ((IP, ("len", "chksum")), (IPv6, ("plen",)), (TCP, ("chksum",)), (UDP, ("len", "chksum")),
                              (ICMP, ("chksum",)), (ICMPv6EchoRequest, ("cksum",))):  # fmt: skip
            if layer in again:
                kinds.add(layer)
                for field in fields:
                    delattr(again[layer], field)
        if UDP in again and DNS in again:
            assert again[DNS].qd[0].qname == b"example.com."
            continue  # scapy writes names in other words of the same length
        assert bytes(again) == bytes(frame)
    assert kinds & {TCP, UDP, ICMP}
    assert {IP, IPv6} & kinds


def test_checksums_of_dns_are_right():
    data = capture(brief("dns", duration="0.3s"), snap_bytes=2000)
    for frame in frames(data):
        layer = frame[UDP]
        if IP in frame:
            source, target = (bytes(map(int, address.split("."))) for address in (frame[IP].src, frame[IP].dst))
        else:
            source, target = frame[IPv6].build()[8:24], frame[IPv6].build()[24:40]
        pseudo = source + target + bytes([0, 17]) + layer.len.to_bytes(2, "big")
        assert checksum(pseudo + layer.original) == 0


def test_a_receiver_finds_every_byte_once_and_acknowledgements_of_what_was_sent():
    rows = rows_of(scenario("web", duration="20s", rate=5, lasting="10s"))
    flows: dict[object, dict[object, int]] = {}
    for row in rows:
        ends = ((int(row["src_lo"]), int(row["src_port"])), (int(row["dst_lo"]), int(row["dst_port"])))
        flow = flows.setdefault(tuple(sorted(ends)), {})
        flags, seq, ack = int(row["tcp_flags"]), int(row["seq"]), int(row["ack"])
        mine, theirs = flow.get(ends[0]), flow.get(ends[1])
        if mine is not None:
            assert seq == mine
        flow[ends[0]] = (seq + int(row["payload_bytes"]) + bool(flags & 2) + bool(flags & 1)) % (1 << 32)
        if flags & 16:
            assert theirs is not None
            assert (theirs - ack) % (1 << 32) < 1 << 24
        else:
            assert ack == 0
    assert len(flows) > 30


def test_a_complete_flow_ends_with_both_sides_closed():
    rows = rows_of(scenario("web", duration="60s", rate=1, lasting="5s", exchanges="2", response_bytes="0..4000"))
    fins = rows[(rows["tcp_flags"] & 1) > 0]
    assert len(fins) == 2 * np.count_nonzero(rows["tcp_flags"] == 2)
    assert rows["tcp_flags"][-1] == 16


def test_a_capture_on_disk_is_the_same_each_time_also_zipped(tmp_path):
    source = brief("web", duration="0.2s").bound(RULES)
    first = write_capture(source, tmp_path / "a.pcap.gz")
    written = (tmp_path / "a.pcap.gz").read_bytes()
    assert write_capture(source, tmp_path / "b.pcap.gz").packets == first.packets
    assert (tmp_path / "b.pcap.gz").read_bytes() == written
    write_capture(source, tmp_path / "c.pcap")
    plain = concatenated(list(PcapSource(tmp_path / "c.pcap").batches()))
    assert_same_columns(concatenated(list(PcapSource(tmp_path / "a.pcap.gz").batches())), plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pcap.gz", "b.pcap.gz", "c.pcap"]
    assert first.bytes == int(plain.length_bytes.sum())


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"unit": "ps"}, "unit must be one of ns, us, got 'ps'"),
        ({"snap_bytes": 20}, "snaplen must be 74..65535 bytes, got 20"),
        ({"target": "x.txt"}, "capture must end in .pcap, .pcap.gz, or be '-', got 'x.txt'"),
    ],
)
def test_what_cannot_be_written_is_refused(how, message):
    with pytest.raises(ConfigError) as caught:
        write_capture(scenario("web").bound(), **{"target": "x.pcap", **how})
    assert str(caught.value) == message


def test_no_file_is_left_where_writing_fails(tmp_path):
    with pytest.raises(ConfigError, match="file must be one that can be written"):
        write_capture(scenario("web").bound(), tmp_path / "none" / "x.pcap")
    assert list(tmp_path.iterdir()) == []
