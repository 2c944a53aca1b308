"""Mirrored traffic: what VXLAN carries is read, by both decoders, with the numbers and times of what carries it."""

import gzip
import io

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from sources.capture_builders import (
    ETHER,
    RAW,
    assert_same_columns,
    block,
    columns,
    gather,
    interface_block,
    packet_block,
    pcap,
    section,
)  # fmt: skip

from sgsim.errors import ConfigError, SourceError
from sgsim.model.decision import Reason
from sgsim.sources.inner import Inner, InnerSource, find_inner

INSIDE = ETHER / IP(src="10.0.0.5", dst="198.51.100.7") / TCP(sport=443, dport=40000, flags="SA")
OUTSIDE = ETHER / IP(src="10.9.0.1", dst="10.9.0.2")


def mirrored(inside=INSIDE, outside=OUTSIDE, **fields):
    return bytes(outside / UDP(sport=65000, dport=4789) / VXLAN(**{"vni": 77, "flags": 8, **fields}) / inside)


def inner(data, native=False):  # noqa: FBT002  # as the class has it
    return InnerSource(io.BytesIO(data), "mirror.pcap", native)


@pytest.mark.parametrize("native", [False, True])
def test_the_inner_packet_is_read_with_number_time_and_length_of_its_own(native):
    data = pcap(mirrored(), mirrored(ETHER / IPv6(src="2001:db8::1") / UDP(dport=53)), unit_ns=1, times_ns=[5, 7])
    read = columns(inner(data, native))
    expected = columns(
        pcap(bytes(INSIDE), bytes(ETHER / IPv6(src="2001:db8::1") / UDP(dport=53)), unit_ns=1, times_ns=[5, 7])
    )
    assert_same_columns(expected, read)


@pytest.mark.parametrize(
    "outside",
    [
        OUTSIDE,
        ETHER / Dot1Q(vlan=5) / IP(src="10.9.0.1", dst="10.9.0.2"),
        ETHER / IPv6(src="2001:db8::9", dst="2001:db8::8"),
    ],
)
def test_carriers_of_any_kind(outside):
    read = columns(inner(pcap(mirrored(outside=outside))))
    assert read.dst_port.tolist() == [40000]
    assert read.vlan.tolist() == [0]


def test_a_capture_without_link_layer():
    frame = mirrored()[14:]
    assert columns(inner(pcap(frame, link_type=RAW))).src_port.tolist() == [443]


@pytest.mark.parametrize("native", [False, True])
def test_what_carries_nothing_is_skipped_with_its_reason_and_keeps_its_number(native):
    frames = [
        bytes(OUTSIDE / UDP(dport=53) / (b"x" * 40)),
        mirrored(),
        bytes(OUTSIDE / TCP()),
        mirrored()[:45],
        mirrored(flags=0),
        mirrored(ETHER / b"no packet"),
    ]
    data = pcap(*frames, wire_bytes=200)
    read = columns(inner(data, native))
    assert read.number.tolist() == [1, 2, 3, 4, 5, 6]
    assert [Reason(value) if value else None for value in read.skip.tolist()] == [
        Reason.UNSUPPORTED, None, Reason.UNSUPPORTED, Reason.TRUNCATED, Reason.UNSUPPORTED, Reason.NOT_IP
    ]  # fmt: skip


def test_a_packet_that_a_mirror_session_has_cut_is_read_by_its_headers():
    """The inner IP header states 1040 bytes; the session has sent 60 of the frame."""
    whole = bytes(ETHER / IP(src="10.0.0.5", dst="198.51.100.7") / TCP(dport=80, flags="A") / (b"x" * 1000))
    read = columns(inner(pcap(mirrored(whole[:60]))))
    assert read.skip.tolist() == [0]
    assert read.length_bytes.tolist() == [len(whole)]


def test_numbers_are_those_of_the_carrying_capture_also_where_blocks_count_as_frames():
    data = (
        section()
        + interface_block()
        + block(0xBAD, bytes(4))
        + packet_block(mirrored(), 3)
        + packet_block(mirrored(), 9)
    )
    read = columns(inner(data))
    assert read.number.tolist() == [2, 3]
    assert read.time_ns.tolist() == [3000, 9000]


def test_identifiers_are_told():
    source = inner(gzip.compress(pcap(mirrored(), mirrored(), mirrored(vni=0xABCDEF))))
    assert list(source.notes) == []
    list(source.batches())
    assert list(source.notes) == [
        "mirror.pcap: packets were carried by VXLAN with network identifier 77 (2 packets), 11259375 (1 packets)"
    ]


@pytest.mark.parametrize("native", [False, True])
def test_a_capture_that_carries_nothing_is_refused(native):
    batches = inner(pcap(bytes(INSIDE), bytes(INSIDE)), native).batches()
    assert len(next(batches).number) == 2
    with pytest.raises(ConfigError) as refusal:
        next(batches)
    assert str(refusal.value) == (
        "mirror.pcap: capture must hold packets that carry others by VXLAN (UDP port 4789), got none among 2: "
        "leave out --inner"
    )


@pytest.mark.parametrize("native", [False, True])
def test_a_break_comes_after_every_packet_before_it(native):
    data = pcap(*[mirrored()] * 5)[:-7]
    batches, broken = gather(inner(data, native))
    assert np.concatenate([batch.number for batch in batches]).tolist() == [1, 2, 3, 4]
    assert broken.startswith("mirror.pcap, packet 5 at byte ")
    assert "packet data must be" in broken


def test_where_the_inner_frame_begins():
    assert find_inner(1, mirrored(), len(mirrored())) == (50, 77)


def test_what_is_no_input_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="inner must be one of vxlan, got 'gre'"):
        Inner("x.pcap", "gre")
    (tmp_path / "x.pcap").write_text("nothing")
    with pytest.raises(SourceError, match="traffic must be a pcap"):
        Inner(str(tmp_path / "x.pcap")).bound()
    assert isinstance(Ether(mirrored()), Ether)
