import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers.dot11 import Dot11Beacon
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, GRE, CookedLinux, CookedLinuxV2, Dot1Q, Ether, Loopback
from scapy.layers.ppp import PPP
from scapy.packet import Raw
from scapy.plist import PacketList
from scapy.utils import PcapNgReader, PcapReader, rdpcap
from sources.capture_builders import (
    ETHER,
    assert_same_columns,
    columns,
    gather,
    interface_block,
    packet_block,
    packets,
    pcap,
    section,
)

from sgsim.model.decision import Reason
from sgsim.sources import ScapySource, open_source

TCP_SYN = IP(src="192.0.2.1", dst="192.0.2.2") / TCP(sport=1, dport=2, flags="S")
TEXT = "tcp 192.0.2.1:1 -> 192.0.2.2:2 S"


@pytest.mark.parametrize(
    "layers",
    [
        TCP_SYN,
        ETHER / TCP_SYN,
        ETHER / Dot1Q(vlan=4) / TCP_SYN,
        CookedLinux() / TCP_SYN,
        CookedLinuxV2() / TCP_SYN,
        Loopback() / TCP_SYN,
        PPP() / TCP_SYN,
    ],
)
def test_a_packet_may_begin_with_any_of_these(layers):
    assert [TEXT] == [str(packet) for packet in packets(ScapySource([layers]))]


def test_ipv6_and_icmp():
    found = packets(open_source([IPv6(src="2001:db8::1", dst="2001:db8::2") / ICMPv6EchoRequest(id=7)]))
    assert [("icmpv6 2001:db8::1 -> 2001:db8::2 type 128 code 0", 7)] == [
        (str(each), each.five_tuple.src_port) for each in found
    ]


def test_lists_generators_and_single_packets_are_taken():
    expected = [TEXT]
    for traffic in (PacketList([TCP_SYN]), [TCP_SYN], (each for each in [TCP_SYN]), TCP_SYN, reader_of(TCP_SYN)):
        assert expected == [str(packet) for packet in packets(open_source(traffic))]


def stream(data) -> Any:
    return io.BytesIO(data)


def reader_of(*layers):
    return PcapReader(stream(pcap(*map(bytes, layers), link_type=101)))


@given(st.integers(0, 2**32 - 1), st.integers(0, 999_999_999))
def test_the_time_of_a_read_packet_is_exact(seconds, nanoseconds):
    data = pcap(bytes(TCP_SYN), link_type=101, unit_ns=1, times_ns=[seconds * 10**9 + nanoseconds])
    assert_same_columns(columns(data), columns(ScapySource(PcapReader(stream(data)))))


@pytest.mark.parametrize(
    ("time", "time_ns"),
    [
        (0.3, 300_000_000),
        (5, 5_000_000_000),
        (Decimal("1.0000000019"), 1_000_000_001),
        (1_700_000_000.5, 17 * 10**17 + 5 * 10**8),
    ],
)
def test_seconds_become_nanoseconds(time, time_ns):
    packet = TCP_SYN.copy()
    packet.time = time
    assert [time_ns] == columns(ScapySource([packet])).time_ns.tolist()


@pytest.mark.parametrize("time", [None, "soon", float("nan"), float("inf"), 1e12])
def test_a_time_that_is_none_is_told(time):
    packet = TCP_SYN.copy()
    packet.time = time
    _, broken = gather(ScapySource([packet]))
    assert f"packets, packet 1: time must be seconds since the epoch, before the year 2262, got {time!r}" == broken


def test_the_length_on_the_wire_and_the_direction_are_kept():
    data = section() + interface_block(101) + packet_block(bytes(TCP_SYN), 5, 0, (2, b"\2\0\0\0"), wire_bytes=99)
    source = ScapySource(PcapNgReader(stream(data)))
    batch = columns(source)
    assert ([99], [2]) == (batch.length_bytes.tolist(), batch.direction.tolist())
    assert_same_columns(columns(data), batch)


def test_a_capture_cut_by_its_snapshot_length_stays_truncated():
    data = pcap(bytes(TCP_SYN)[:30], link_type=101, wire_bytes=40)
    batch = columns(ScapySource(rdpcap(stream(data))))
    assert [Reason.TRUNCATED] == batch.skip.tolist()


def test_packets_without_ip_are_skipped_and_counted():
    found = columns(ScapySource([ETHER / ARP(), Raw(b"x"), Dot11Beacon(), IP(ttl="x") / UDP(), TCP_SYN]))
    unsupported = Reason.UNSUPPORTED
    assert [Reason.NOT_IP, unsupported, unsupported, unsupported, 0] == found.skip.tolist()
    assert [1, 2, 3, 4, 5] == found.number.tolist()


@pytest.mark.parametrize("element", [None, b"bytes", 5, IP])
def test_what_is_no_packet_is_told_after_the_packets_before_it(element):
    batches, broken = gather(open_source([TCP_SYN, element]))
    assert 1 == len(batches[0].number)
    assert broken.startswith("packets, packet 2: traffic must be scapy packets, got ")


def test_a_packet_list_is_called_by_its_name():
    assert ("sniffed",) == open_source(PacketList([], name="sniffed")).files


def test_a_packet_and_its_capture_give_the_same_row():
    layers = [ETHER / TCP_SYN, ETHER / IP() / ICMP(type=3) / IP() / UDP(sport=9)]
    for number, each in enumerate(layers, 1):
        each.time = number
    assert_same_columns(columns(pcap(*map(bytes, layers))), columns(ScapySource(layers)))


def test_addresses_of_the_link_that_are_not_set_are_not_asked_of_the_network(monkeypatch):
    monkeypatch.setattr(conf.neighbor, "resolve", lambda *_: pytest.fail("scapy asks the network"))
    layers = Ether() / TCP_SYN
    tunnel = Ether(dst="02:00:00:00:00:02") / IP() / GRE() / Ether() / TCP_SYN
    assert [TEXT, "47 127.0.0.1 -> 127.0.0.1"] == [str(packet) for packet in packets(ScapySource([layers, tunnel]))]
    assert "dst" not in layers.fields
