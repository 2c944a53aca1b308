import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
)
from scapy.packet import Raw
from sources.capture_builders import RAW, packets, pcap, row

from sgsim.model.decision import Reason

ROUTER = IP(src="203.0.113.1", dst="192.0.2.1")
ROUTER6 = IPv6(src="2001:db8:1::1", dst="2001:db8::1")
SENT = IP(src="192.0.2.1", dst="198.51.100.1", id=7)
SENT6 = IPv6(src="2001:db8::1", dst="2001:db8:2::1")


def quote(layers):
    (packet,) = packets(pcap(bytes(layers), link_type=RAW))
    return packet.quote and (str(packet.quote.five_tuple), packet.quote.icmp_type, packet.quote.icmp_code)


@pytest.mark.parametrize("icmp_type", [3, 4, 5, 11, 12])
def test_every_icmp_error_quotes(icmp_type):
    error = ROUTER / ICMP(type=icmp_type, code=1) / Raw(bytes(SENT / UDP(sport=5, dport=53))[:28])
    assert quote(error) == ("udp 192.0.2.1:5 -> 198.51.100.1:53", None, None)


def test_eight_bytes_of_a_quoted_segment_are_enough():
    sent = bytes(SENT / TCP(sport=5, dport=443) / Raw(b"x" * 999))
    assert quote(ROUTER / ICMP(type=3, code=4) / Raw(sent[:28])) == ("tcp 192.0.2.1:5 -> 198.51.100.1:443", None, None)


def test_a_quoted_query_keeps_type_code_and_identifier():
    actual = row(bytes(ROUTER / ICMP(type=11) / Raw(bytes(SENT / ICMP(type=8, id=77)))), RAW)["quote"]
    assert (8, 0, 77, 0) == tuple(actual[name] for name in ("icmp_type", "icmp_code", "src_port", "dst_port"))
    actual = row(bytes(ROUTER6 / ICMPv6DestUnreach() / SENT6 / ICMPv6EchoRequest(id=78)), RAW)["quote"]
    assert (128, 0, 78, 0) == tuple(actual[name] for name in ("icmp_type", "icmp_code", "src_port", "dst_port"))


def test_icmpv6_quotes_through_extension_headers():
    error = ROUTER6 / ICMPv6PacketTooBig() / SENT6 / IPv6ExtHdrDestOpt() / UDP(sport=5, dport=53) / Raw(b"x" * 600)
    assert quote(error) == ("udp [2001:db8::1]:5 -> [2001:db8:2::1]:53", None, None)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ROUTER / ICMP(type=3), id="nothing"),
        pytest.param(ROUTER / ICMP(type=3) / Raw(bytes(SENT)[:19]), id="less than a header"),
        pytest.param(ROUTER / ICMP(type=3) / Raw(bytes(SENT / UDP())[:23]), id="no ports"),
        pytest.param(ROUTER / ICMP(type=3) / Raw(bytes(SENT6 / UDP())), id="the other version"),
        pytest.param(ROUTER / ICMP(type=3) / IP(frag=5, proto=17) / Raw(b"x" * 20), id="a later fragment"),
        pytest.param(
            ROUTER6 / ICMPv6DestUnreach() / SENT6 / IPv6ExtHdrFragment(offset=5, nh=17) / Raw(b"x" * 20),
            id="a later fragment of IPv6",
        ),
    ],
)
def test_an_error_that_names_no_flow_has_no_quote(error):
    actual = row(bytes(error), RAW)
    assert (None, 0) == (actual["quote"], actual["skip"])


@pytest.mark.parametrize("icmp_type", [0, 8, 9, 10, 13])
def test_other_icmp_quotes_nothing(icmp_type):
    assert quote(ROUTER / ICMP(type=icmp_type) / Raw(bytes(SENT / UDP()))) is None


def test_a_quote_that_the_capture_cut_truncates_the_packet():
    error = bytes(ROUTER / ICMP(type=3) / SENT / UDP(sport=5, dport=53) / Raw(b"x" * 50))
    for length in range(22, len(error)):
        actual = row(error[:length], RAW, wire_bytes=len(error))
        assert actual == row(error, RAW) if length >= 52 else actual["skip"] == Reason.TRUNCATED, length


def test_rows_find_their_quotes():
    first = bytes(ROUTER / ICMP(type=3) / SENT / UDP(sport=1, dport=53))
    second = bytes(ROUTER / ICMP(type=3) / SENT / UDP(sport=2, dport=53))
    other = bytes(SENT / TCP())
    found = packets(pcap(other, first, other, second, link_type=RAW))
    assert [None, 1, None, 2] == [packet.quote and packet.quote.five_tuple.src_port for packet in found]
