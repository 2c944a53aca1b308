import io
import string

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw
from sources.capture_builders import ETHER, columns, gather, packets, pcap, row

from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES
from sgsim.model.decision import UNREADABLE_REASONS, Reason
from sgsim.model.five_tuple import FiveTuple
from sgsim.sources import PcapSource
from sgsim.sources.links import LINK_READERS

LINK_TYPES = st.sampled_from([*LINK_READERS, 9, 50, 105, 127, 147])
PORTS = st.one_of(st.sampled_from([0, 1, 65_535]), st.integers(0, 65_535))
FLAGS = st.integers(0, 255)
IDENTIFIERS = st.integers(0, 65_535)
V4_ADDRESSES = st.ip_addresses(v=4).map(str)
V6_ADDRESSES = st.ip_addresses(v=6).map(str)
PAYLOADS = st.binary(max_size=40).map(Raw)


def raw_v4(src, dst):
    return IP(src=src, dst=dst)


def raw_v6(src, dst, *, has_options):
    return IPv6(src=src, dst=dst, nh=0) / IPv6ExtHdrHopByHop() if has_options else IPv6(src=src, dst=dst)


v4_layers = st.builds(raw_v4, V4_ADDRESSES, V4_ADDRESSES)
v6_layers = st.builds(raw_v6, V6_ADDRESSES, V6_ADDRESSES, has_options=st.booleans())
links = st.one_of(
    st.just(ETHER),
    st.builds(lambda vlan: ETHER / Dot1Q(vlan=vlan), st.integers(0, 4095)),
)
ports_layers = st.one_of(
    st.builds(lambda a, b, flags: TCP(sport=a, dport=b, flags=flags), PORTS, PORTS, FLAGS),
    st.builds(lambda a, b: UDP(sport=a, dport=b), PORTS, PORTS),
)
v4_icmp = st.builds(lambda kind, i: ICMP(type=kind, id=i), st.sampled_from([0, 8, 13, 14, 17, 18]), IDENTIFIERS)
v6_icmp = st.one_of(st.builds(lambda i: ICMPv6EchoRequest(id=i), IDENTIFIERS), st.just(ICMPv6ND_NS()))


@st.composite
def frames(draw):
    """Frames as scapy builds them: Ethernet with or without VLAN, IPv4 or IPv6, TCP, UDP or ICMP."""
    network, transport = draw(
        st.one_of(
            st.tuples(v4_layers, st.one_of(ports_layers, v4_icmp)),
            st.tuples(v6_layers, st.one_of(ports_layers, v6_icmp)),
        )
    )
    frame = draw(links) / network / transport
    return frame if isinstance(transport, ICMPv6ND_NS) else frame / draw(PAYLOADS)


@st.composite
def icmp_errors(draw):
    quoted = draw(st.one_of(v4_layers, v6_layers)) / draw(ports_layers)
    if IP in quoted:
        return ETHER / draw(v4_layers) / ICMP(type=3) / quoted
    return ETHER / draw(v6_layers) / ICMPv6TimeExceeded() / quoted


@settings(max_examples=300)
@given(LINK_TYPES, st.binary(max_size=120), st.integers(0, 200))
def test_any_bytes_give_one_row(link_type, data, more_bytes):
    assert row(data, link_type, len(data) + more_bytes)["skip"] in {0, *UNREADABLE_REASONS}


@settings(max_examples=300)
@given(st.one_of(frames(), icmp_errors()), st.data())
def test_any_damage_to_a_good_frame_gives_one_row(frame, data):
    damaged = bytearray(bytes(frame))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    batch = columns(pcap(bytes(damaged)))
    assert 1 == len(batch.skip)
    if batch.skip[0]:
        assert not any(batch[place][0] for place in range(3, 14))


@given(st.one_of(frames(), icmp_errors()))
def test_a_cut_frame_gives_the_whole_row_or_is_truncated(frame):
    whole = bytes(frame)
    expected = row(whole)
    is_whole = False
    for length in range(len(whole) + 1):
        actual = row(whole[:length], wire_bytes=len(whole))
        is_whole = is_whole or not actual["skip"]
        assert (expected if is_whole else Reason.TRUNCATED) == (actual if is_whole else actual["skip"])
    assert is_whole


@given(frames())
def test_decoding_agrees_with_what_scapy_built(frame):
    (packet,) = packets(pcap(bytes(frame)))
    network = frame[IP] if IP in frame else frame[IPv6]
    assert expected_text(frame, network) == str(packet)
    batch = columns(pcap(bytes(frame)))
    assert (frame[Dot1Q].vlan if Dot1Q in frame else 0) == batch.vlan[0]
    assert len(frame) == batch.length_bytes[0]
    if ICMP in frame or ICMPv6EchoRequest in frame:
        query = frame[ICMP] if ICMP in frame else frame[ICMPv6EchoRequest]
        assert query.id == max(packet.five_tuple.src_port, packet.five_tuple.dst_port)


def expected_text(frame, network):
    """The packet as the command line writes it, from scapy's fields alone."""
    src, dst = network.src, network.dst
    for layer, name in ((TCP, "tcp"), (UDP, "udp")):
        if layer in frame:
            src, dst = (f"[{text}]" if ":" in text else text for text in (src, dst))
            text = f"{name} {src}:{frame[layer].sport} -> {dst}:{frame[layer].dport}"
            return text + (f" {in_our_order(frame[TCP].flags)}" if layer is TCP else "")
    last = frame[ICMP] if ICMP in frame else frame.getlayer(ICMPv6EchoRequest) or frame[ICMPv6ND_NS]
    return f"{'icmp' if ICMP in frame else 'icmpv6'} {src} -> {dst} type {last.type} code {last.code}"


def in_our_order(flags):
    return "".join(letter for letter in "FSRPAUEC" if letter in str(flags)) or "-"


@given(icmp_errors())
def test_a_quote_is_the_five_tuple_of_the_packet_that_it_quotes(error):
    (packet,) = packets(pcap(bytes(error)))
    assert packet.quote is not None
    quoted = error.getlayer(IP, 2) or error.getlayer(IPv6, 2)
    (sent,) = packets(pcap(bytes(quoted), link_type=101))
    assert isinstance(packet.quote.five_tuple, FiveTuple)
    assert sent.five_tuple == packet.quote.five_tuple


@given(st.lists(frames(), min_size=1, max_size=8), st.integers(1, 4))
def test_batches_are_the_input_cut_into_pieces(built, batch_rows):
    capture = pcap(*map(bytes, built))
    whole = columns(capture)
    batches, broken = gather(capture, batch_rows=batch_rows)
    assert broken is None
    assert {batch_rows} >= {len(batch.number) for batch in batches[:-1]}
    for name in PACKET_DTYPES:
        np.testing.assert_array_equal(
            getattr(whole, name) if name != "quote" else whole.quote >= 0,
            np.concatenate([getattr(batch, name) if name != "quote" else batch.quote >= 0 for batch in batches]),
        )


def test_columns_have_their_types():
    batch = columns(pcap(bytes(ETHER / IP() / TCP())))
    assert PACKET_DTYPES == {name: getattr(batch, name).dtype.str[1:] for name in PACKET_DTYPES}
    assert QUOTED_DTYPES == {name: getattr(batch.quoted, name).dtype.str[1:] for name in QUOTED_DTYPES}


def test_the_length_is_that_on_the_wire_even_where_it_is_absurd():
    frame = bytes(ETHER / IP() / TCP())
    for wire_bytes, expected in ((1500, 1500), (10, 10), (0xFFFF_FFFF, 0x7FFF_FFFF)):
        batch = columns(pcap(frame, wire_bytes=wire_bytes))
        assert (expected, 0) == (batch.length_bytes[0], batch.skip[0])


def test_a_frame_as_long_as_a_jumbo_is_no_recursion_and_no_wait():
    chain = b"\x00\x00" + bytes(6)  # hop-by-hop, followed by itself
    data = bytes(IPv6(nh=0))[:4] + bytes.fromhex("ffff") + bytes(IPv6(nh=0))[6:] + chain * 8191
    assert Reason.MALFORMED == row(data, 101)["skip"]
    tags = bytes(12) + bytes.fromhex("81000001") * 20_000
    assert Reason.MALFORMED == row(tags)["skip"]


def test_a_stream_without_a_name_is_called_stream():
    assert PcapSource(io.BytesIO()).files == ("stream",)
    assert set(string.whitespace).isdisjoint(PcapSource("a.pcap").name)
