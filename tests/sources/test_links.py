import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q
from scapy.layers.ppp import PPP, PPPoE
from sources.capture_builders import ETHER, ETHERNET, packets, pcap, row

from sgsim.model.decision import Reason
from sgsim.model.states import Direction

V4 = bytes(IP(src="192.0.2.1", dst="192.0.2.2") / TCP(sport=1, dport=2, flags="S"))
V6 = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1, dport=2, flags="S"))
V4_TEXT = "tcp 192.0.2.1:1 -> 192.0.2.2:2 S"
V6_TEXT = "tcp [2001:db8::1]:1 -> [2001:db8::2]:2 S"
MACS = bytes(12)


def ethernet(ethertypes: str, payload: bytes) -> bytes:
    return MACS + bytes.fromhex(ethertypes) + payload


def cooked(kind: int, protocol: int, payload: bytes) -> bytes:
    return struct.pack(">HHH8sH", kind, 1, 6, bytes(8), protocol) + payload


def cooked_v2(kind: int, protocol: int, payload: bytes) -> bytes:
    return struct.pack(">HHIHBB8s", protocol, 0, 7, 1, kind, 6, bytes(8)) + payload


@pytest.mark.parametrize(
    ("link_type", "frame", "expected"),
    [
        pytest.param(1, ethernet("0800", V4), V4_TEXT, id="Ethernet"),
        pytest.param(1, ethernet("86dd", V6), V6_TEXT, id="Ethernet, IPv6"),
        pytest.param(1, ethernet("0800", V4) + bytes(20), V4_TEXT, id="Ethernet, padded"),
        pytest.param(1, ethernet("0030aaaa030000000800", V4), V4_TEXT, id="802.3 with LLC and SNAP"),
        pytest.param(113, cooked(0, 0x0800, V4), V4_TEXT, id="Linux cooked"),
        pytest.param(113, cooked(0, 0x86DD, V6), V6_TEXT, id="Linux cooked, IPv6"),
        pytest.param(276, cooked_v2(0, 0x0800, V4), V4_TEXT, id="Linux cooked v2"),
        pytest.param(276, cooked_v2(0, 0x86DD, V6), V6_TEXT, id="Linux cooked v2, IPv6"),
        pytest.param(12, V4, V4_TEXT, id="raw, 12"),
        pytest.param(14, V6, V6_TEXT, id="raw, 14"),
        pytest.param(101, V4, V4_TEXT, id="raw"),
        pytest.param(101, V6, V6_TEXT, id="raw, IPv6"),
        pytest.param(228, V4, V4_TEXT, id="raw IPv4"),
        pytest.param(229, V6, V6_TEXT, id="raw IPv6"),
        pytest.param(0, bytes.fromhex("02000000") + V4, V4_TEXT, id="loopback, little-endian"),
        pytest.param(0, bytes.fromhex("00000002") + V4, V4_TEXT, id="loopback, big-endian"),
        pytest.param(0, bytes.fromhex("1e000000") + V6, V6_TEXT, id="loopback, Darwin"),
        pytest.param(0, bytes.fromhex("0000001c") + V6, V6_TEXT, id="loopback, FreeBSD"),
        pytest.param(0, bytes.fromhex("18000000") + V6, V6_TEXT, id="loopback, NetBSD"),
        pytest.param(108, bytes.fromhex("00000018") + V6, V6_TEXT, id="OpenBSD loopback"),
        pytest.param(9, bytes(PPP(proto=0x21) / IP(V4)), V4_TEXT, id="PPP, by scapy"),
        pytest.param(1, bytes(ETHER / PPPoE() / PPP(proto=0x57) / IPv6(V6)), V6_TEXT, id="PPPoE, by scapy"),
        pytest.param(1, ethernet("884700064140", V4), V4_TEXT, id="MPLS, by scapy"),
    ],
)
def test_the_packet_is_found_behind_its_link_header(link_type, frame, expected):
    assert [expected] == [str(packet) for packet in packets(pcap(frame, link_type=link_type))]


def test_frames_that_scapy_builds_are_read():
    tcp = IP(src="192.0.2.1", dst="192.0.2.2") / TCP(sport=1, dport=2)
    for link_type, layer in (
        (1, ETHER),
        (1, ETHER / Dot1Q(vlan=5)),
        (1, ETHER / Dot1AD(vlan=5) / Dot1Q(vlan=6)),
        (113, CookedLinux()),
        (276, CookedLinuxV2()),
    ):
        assert [V4_TEXT] == [str(packet) for packet in packets(pcap(bytes(layer / tcp), link_type=link_type))]


@pytest.mark.parametrize(
    ("tags", "vlan"),
    [
        ("", 0),
        ("81000005", 5),
        ("8100afff", 0xFFF),
        ("88a8000781000005", 7),
        ("9100000081000005", 0),
        ("810000018100000281000003", 1),
    ],
)
def test_the_outermost_vlan_is_told(tags, vlan):
    assert vlan == row(ethernet(tags + "0800", V4))["vlan"]


@pytest.mark.parametrize(
    ("kind", "direction"),
    [(0, Direction.INGRESS), (1, Direction.INGRESS), (2, Direction.INGRESS), (3, 0), (4, 2), (9, 0)],
)
def test_a_cooked_capture_tells_the_direction(kind, direction):
    assert direction == row(cooked(kind, 0x0800, V4), 113)["direction"]
    assert direction == row(cooked_v2(kind, 0x0800, V4), 276)["direction"]


@pytest.mark.parametrize(
    ("link_type", "frame"),
    [
        pytest.param(1, bytes(ETHER / ARP()), id="ARP"),
        pytest.param(1, ethernet("88cc", bytes(46)), id="LLDP"),
        pytest.param(1, ethernet("0026424203", bytes(46)), id="LLC"),
        pytest.param(1, ethernet("810000050806", bytes(28)), id="ARP in a VLAN"),
        pytest.param(113, cooked(0, 4, bytes(20)), id="LLC, cooked"),
        pytest.param(276, cooked_v2(0, 0x0806, bytes(28)), id="ARP, cooked v2"),
        pytest.param(0, bytes.fromhex("07000000") + V4, id="another address family"),
        pytest.param(9, bytes.fromhex("ff03c02101010004"), id="PPP link control, by scapy"),
    ],
)
def test_other_frames_are_not_ip(link_type, frame):
    assert Reason.NOT_IP == row(frame, link_type)["skip"]


@pytest.mark.parametrize(
    ("link_type", "frame"),
    [
        pytest.param(147, V4, id="unknown link type"),
        pytest.param(144, cooked(0, 0x0800, V4), id="IrDA, which is no cooked capture"),
        pytest.param(1, ethernet("88e5", bytes(60)), id="MACsec"),
        pytest.param(1, ethernet("884700064140", b"\xff" * 40), id="MPLS without IP"),
        pytest.param(9, bytes.fromhex("ff034fff") + V4, id="PPP with an unknown protocol"),
    ],
)
def test_forms_that_nobody_here_reads_are_unsupported(link_type, frame):
    assert Reason.UNSUPPORTED == row(frame, link_type)["skip"]


@pytest.mark.parametrize("frame", [ethernet("0800", V6), ethernet("86dd", V4), ethernet("0800", b"\x55" + V4[1:])])
def test_a_version_that_the_link_header_denies_is_malformed(frame):
    assert Reason.MALFORMED == row(frame)["skip"]
    assert Reason.MALFORMED == row(b"\x55" + V4[1:], 101)["skip"]


@pytest.mark.parametrize(
    ("link_type", "header_bytes"),
    [(ETHERNET, 14), (113, 16), (276, 20), (0, 4), (108, 4), (101, 1), (228, 20), (229, 40)],
)
def test_a_cut_link_header_is_truncated_and_a_short_one_malformed(link_type, header_bytes):
    short = bytes(header_bytes - 1)
    assert Reason.TRUNCATED == row(short, link_type, wire_bytes=200)["skip"]
    assert Reason.MALFORMED == row(short, link_type)["skip"]
