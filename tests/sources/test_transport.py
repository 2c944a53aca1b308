import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NS, IPv6
from scapy.packet import Raw
from sources.capture_builders import RAW, row

from sgsim.model.decision import Reason

V4 = IP(src="192.0.2.1", dst="192.0.2.2")
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")


def read(layers, **how):
    return row(bytes(layers), RAW, **how)


@pytest.mark.parametrize("network", [V4, V6])
@pytest.mark.parametrize("flags", range(256))
def test_ports_and_all_eight_tcp_flags(network, flags):
    actual = read(network / TCP(sport=40_000, dport=443, flags=flags))
    assert (40_000, 443, flags, 0) == tuple(actual[name] for name in ("src_port", "dst_port", "tcp_flags", "skip"))


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param(V4 / UDP(sport=53, dport=4000), (17, 53, 4000, 0, 0), id="UDP"),
        pytest.param(V4 / UDP(sport=53, dport=4000, len=0) / Raw(b"x"), (17, 53, 4000, 0, 0), id="UDP of length 0"),
        pytest.param(V4 / ICMP(type=8, id=77), (1, 77, 0, 8, 0), id="echo request"),
        pytest.param(V4 / ICMP(type=0, id=77), (1, 0, 77, 0, 0), id="echo reply"),
        pytest.param(V4 / ICMP(type=8, id=0), (1, 0, 0, 8, 0), id="identifier 0"),
        pytest.param(V4 / ICMP(type=13, id=5), (1, 5, 0, 13, 0), id="timestamp request"),
        pytest.param(V4 / ICMP(type=18, id=5), (1, 0, 5, 18, 0), id="address mask reply"),
        pytest.param(V6 / ICMPv6EchoRequest(id=77), (58, 77, 0, 128, 0), id="ICMPv6 echo request"),
        pytest.param(V6 / ICMPv6EchoReply(id=77), (58, 0, 77, 129, 0), id="ICMPv6 echo reply"),
        pytest.param(V6 / ICMPv6ND_NS(), (58, 0, 0, 135, 0), id="neighbour solicitation"),
    ],
)
def test_what_a_header_says(layers, expected):
    actual = read(layers)
    assert expected == tuple(actual[name] for name in ("protocol", "src_port", "dst_port", "icmp_type", "icmp_code"))
    assert actual["skip"] == 0


@pytest.mark.parametrize("protocol", [0, 2, 4, 41, 47, 50, 51, 89, 132, 136, 255])
def test_other_protocols_have_no_ports(protocol):
    actual = read(IP(proto=protocol) / Raw(b"\xff" * 40))
    assert (protocol, 0, 0, 0, 0) == tuple(
        actual[name] for name in ("protocol", "src_port", "dst_port", "icmp_type", "skip")
    )


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param(V4 / TCP(dataofs=4), id="TCP header of 16 bytes"),
        pytest.param(V4 / TCP(dataofs=6), id="TCP header beyond the packet"),
        pytest.param(IP(proto=6) / Raw(bytes(13)), id="13 bytes of TCP on the wire"),
        pytest.param(V4 / UDP(len=7), id="UDP length of 7"),
        pytest.param(V4 / UDP(len=9), id="UDP length beyond the packet"),
        pytest.param(IP(proto=17) / Raw(bytes(7)), id="7 bytes of UDP on the wire"),
        pytest.param(IP(proto=1) / Raw(b"\x08"), id="1 byte of ICMP on the wire"),
        pytest.param(IP(proto=1) / Raw(b"\x08\x00\x00\x00"), id="echo request without identifier"),
    ],
)
def test_lengths_that_contradict_the_packet_are_malformed(layers):
    assert Reason.MALFORMED == read(layers)["skip"]


@pytest.mark.parametrize(
    ("layers", "needed_bytes"),
    [
        pytest.param(V4 / TCP(flags="S") / Raw(b"x" * 50), 34, id="TCP, to its flags"),
        pytest.param(V4 / UDP() / Raw(b"x" * 50), 24, id="UDP, to its ports"),
        pytest.param(V4 / ICMP(type=8, id=7) / Raw(b"x" * 50), 26, id="ICMP query, to its identifier"),
        pytest.param(V4 / ICMP(type=9) / Raw(b"x" * 50), 22, id="other ICMP, to its code"),
        pytest.param(IP(proto=47) / Raw(b"x" * 50), 20, id="GRE, nothing"),
        pytest.param(V6 / TCP(flags="S") / Raw(b"x" * 50), 54, id="TCP over IPv6"),
    ],
)
def test_a_packet_is_truncated_just_if_bytes_that_are_needed_were_cut(layers, needed_bytes):
    whole = bytes(layers)
    for length in range(1, len(whole) + 1):
        actual = row(whole[:length], RAW, wire_bytes=len(whole))
        if length < needed_bytes:
            assert Reason.TRUNCATED == actual["skip"], length
        else:
            assert row(whole, RAW) == actual, length
