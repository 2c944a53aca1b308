import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.ipsec import AH
from scapy.packet import Raw
from sources.capture_builders import RAW, packets, pcap, row

from sgsim.model.decision import Reason
from sgsim.model.packet import Fragment

V4 = IP(src="192.0.2.1", dst="192.0.2.2")
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
TCP_SYN = TCP(sport=1, dport=2, flags="S")
PAYLOAD = Raw(b"x" * 32)


def one(layers):
    (packet,) = packets(pcap(bytes(layers), link_type=RAW))
    return packet


def changed(layers, offset, *values):
    data = bytearray(bytes(layers))
    data[offset : offset + len(values)] = bytes(values)
    return bytes(data)


def test_options_are_stepped_over():
    with_options = IP(src="192.0.2.1", dst="192.0.2.2", options=[("NOP"), ("NOP"), ("NOP"), ("EOL")])
    assert str(one(with_options / TCP_SYN)) == "tcp 192.0.2.1:1 -> 192.0.2.2:2 S"
    assert str(one(IP(src="192.0.2.1", dst="192.0.2.2", options="\x01" * 40) / TCP_SYN)) == (
        "tcp 192.0.2.1:1 -> 192.0.2.2:2 S"
    )


def test_a_first_fragment_has_ports_and_later_ones_none():
    first = one(IP(src="192.0.2.1", dst="192.0.2.2", id=7, flags="MF") / UDP(sport=1, dport=2) / PAYLOAD)
    later = one(IP(src="192.0.2.1", dst="192.0.2.2", id=7, frag=5, flags="MF", proto=17) / PAYLOAD)
    last = one(IP(src="192.0.2.1", dst="192.0.2.2", id=7, frag=8191, proto=17) / PAYLOAD)
    assert [Fragment(7, 0, more=True), Fragment(7, 40, more=True), Fragment(7, 65_528, more=False)] == [
        each.fragment for each in (first, later, last)
    ]
    assert [1, 0, 0] == [each.five_tuple.src_port for each in (first, later, last)]
    assert {17} == {each.five_tuple.protocol for each in (first, later, last)}


def test_a_whole_packet_has_no_identification():
    assert one(IP(id=7, flags="DF") / TCP_SYN).fragment is None
    assert row(bytes(IP(id=7) / TCP_SYN), RAW)["fragment_id"] == 0


def test_a_first_fragment_may_end_before_the_datagram_that_it_begins():
    """Its UDP length and TCP header length are those of the whole."""
    assert one(IP(flags="MF") / UDP(sport=1, dport=2, len=4000) / PAYLOAD).five_tuple.dst_port == 2
    assert one(IP(flags="MF") / TCP(sport=1, dport=2, dataofs=15)).five_tuple.dst_port == 2


def test_a_total_length_of_zero_reaches_to_the_end_of_the_frame():
    assert one(changed(V4 / TCP_SYN / PAYLOAD, 2, 0, 0)).five_tuple.dst_port == 2
    assert one(changed(V6 / TCP_SYN / PAYLOAD, 4, 0, 0)).five_tuple.dst_port == 2
    big = changed(V6 / IPv6ExtHdrHopByHop(options=[PadN()]) / UDP(sport=1, dport=2) / PAYLOAD, 4, 0, 0)
    assert one(big).five_tuple.dst_port == 2


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(changed(V4 / TCP_SYN, 0, 0x44), id="IPv4 header of 16 bytes"),
        pytest.param(changed(V4 / TCP_SYN, 0, 0x4F), id="IPv4 header beyond the total length"),
        pytest.param(changed(V4 / TCP_SYN, 2, 0, 19), id="total length below the header's"),
        pytest.param(changed(V4 / TCP_SYN, 2, 0, 41), id="total length beyond the frame"),
        pytest.param(changed(V4 / TCP_SYN, 2, 0, 30), id="total length that cuts the TCP header"),
        pytest.param(changed(V6 / TCP_SYN, 4, 0, 21), id="payload length beyond the frame"),
        pytest.param(changed(V6 / TCP_SYN, 4, 0, 13), id="payload length that cuts the TCP header"),
        pytest.param(bytes(V6 / IPv6ExtHdrHopByHop(len=9) / TCP_SYN), id="extension header beyond the packet"),
        pytest.param(bytes(V6 / IPv6ExtHdrFragment(nh=6, m=1)), id="first fragment without its TCP header"),
        pytest.param(bytes(V4)[:10], id="10 bytes of an IPv4 header on the wire"),
        pytest.param(bytes(V6)[:30], id="30 bytes of an IPv6 header on the wire"),
    ],
)
def test_lengths_that_contradict_each_other_are_malformed(data):
    assert Reason.MALFORMED == row(data, RAW)["skip"]


def test_a_packet_longer_than_its_capture_but_not_than_its_frame_is_read():
    data = bytes(V4 / TCP_SYN / PAYLOAD)
    assert row(data[:40], RAW, wire_bytes=len(data))["dst_port"] == 2
    assert row(data[:40], RAW, wire_bytes=40)["skip"] == Reason.MALFORMED


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param(IPv6ExtHdrHopByHop(), id="hop-by-hop"),
        pytest.param(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"x" * 20)]), id="destination options"),
        pytest.param(IPv6ExtHdrRouting(addresses=["2001:db8::3"]), id="routing"),
        pytest.param(IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting() / IPv6ExtHdrDestOpt(), id="three"),
        pytest.param(AH(nh=6, payloadlen=4, icv=b"x" * 12), id="authentication"),
        pytest.param(IPv6ExtHdrFragment(id=9), id="atomic fragment"),
    ],
)
def test_extension_headers_are_stepped_over(extensions):
    packet = one(V6 / extensions / TCP_SYN)
    assert str(packet) == "tcp [2001:db8::1]:1 -> [2001:db8::2]:2 S"
    assert packet.fragment is None


@pytest.mark.parametrize("next_header", [135, 139, 140])
def test_mobility_hip_and_shim6_are_stepped_over(next_header):
    data = bytes(V6)[:6] + bytes([next_header]) + bytes(V6)[7:] + bytes([6, 1]) + bytes(14) + bytes(TCP_SYN)
    assert one(changed(data, 4, 0, 36)).five_tuple.protocol == 6


@pytest.mark.parametrize("next_header", [50, 59, 132, 41])
def test_the_walk_ends_at_what_is_no_extension_header(next_header):
    packet = one(IPv6(nh=0) / IPv6ExtHdrHopByHop(nh=next_header) / PAYLOAD)
    assert (packet.five_tuple.protocol, packet.five_tuple.src_port) == (next_header, 0)


def test_ipv6_fragments():
    first = one(V6 / IPv6ExtHdrFragment(id=9, m=1, nh=17) / UDP(sport=1, dport=2, len=99) / PAYLOAD)
    later = one(V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(id=9, offset=3, m=1, nh=17) / PAYLOAD)
    assert [Fragment(9, 0, more=True), Fragment(9, 24, more=True)] == [first.fragment, later.fragment]
    assert [(1, 17), (0, 17)] == [(each.five_tuple.src_port, each.five_tuple.protocol) for each in (first, later)]


@pytest.mark.parametrize("inner", [V4 / TCP_SYN, V6 / TCP_SYN])
@pytest.mark.parametrize(("protocol", "header"), [(4, b""), (41, b""), (47, bytes(4))])
def test_tunnels_are_judged_as_their_own_protocol(inner, protocol, header):
    packet = one(IP(src="203.0.113.1", dst="203.0.113.2", proto=protocol) / Raw(header + bytes(inner)))
    assert str(packet) == f"{protocol} 203.0.113.1 -> 203.0.113.2"
