import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP
from sources.capture_builders import (
    ETHER,
    assert_same_columns,
    block,
    columns,
    gather,
    interface_block,
    packet_block,
    packets,
    pcap,
    section,
)

from sgsim.model.decision import Reason

FRAME = bytes(ETHER / IP(src="192.0.2.1", dst="192.0.2.2") / TCP(sport=1, dport=2))
OTHER = bytes(ETHER / IP(src="192.0.2.1", dst="192.0.2.2") / TCP(sport=3, dport=4, flags="A") / b"x")
HEAD = section() + interface_block()
TIME_NS = 1_700_000_000_123_456_789


def simple_block(frame, wire_bytes=None):
    return block(3, struct.pack("<I", wire_bytes or len(frame)) + frame)


@pytest.mark.parametrize("order", "<>")
def test_the_same_packets_give_the_same_columns_as_pcap(order):
    capture = (
        section(order)
        + interface_block(order=order)
        + packet_block(FRAME, 1_000_000, order=order)
        + packet_block(OTHER, 2_000_000, order=order)
    )
    assert_same_columns(columns(pcap(FRAME, OTHER)), columns(capture))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("resolution", "units", "time_ns"),
    [
        (None, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
        (0, 1_700_000_000, 1_700_000_000_000_000_000),
        (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
        (9, TIME_NS, TIME_NS),
        (12, 1_700_000_000_123_456_789, 1_700_000_000_123_456),
        (0x80, 1_700_000_000, 1_700_000_000_000_000_000),
        (0x88, 3, 3 * 10**9 // 256),
        (0x80 | 30, (1_700_000_000 << 30) + 1, 1_700_000_000_000_000_000),
        (0xFF, 1, 0),
        (127, 1, 0),
    ],
)
def test_every_resolution_is_exact_to_the_nanosecond(order, resolution, units, time_ns):
    pairs = [] if resolution is None else [(9, bytes([resolution]))]
    capture = section(order) + interface_block(1, 0, *pairs, order=order) + packet_block(FRAME, units, order=order)
    assert [time_ns] == columns(capture).time_ns.tolist()


@pytest.mark.parametrize("offset_s", [-5, 0, 1_700_000_000])
def test_an_offset_of_time_is_added(offset_s):
    capture = section() + interface_block(1, 0, (14, struct.pack("<q", offset_s))) + packet_block(FRAME, 7)
    assert [offset_s * 10**9 + 7000] == columns(capture).time_ns.tolist()


@pytest.mark.parametrize(("flags", "direction"), [(0, 0), (1, 1), (2, 2), (3, 0), (0xFFFF_FFFD, 1), (0x2A, 2)])
def test_packet_flags_tell_the_direction(flags, direction):
    capture = HEAD + packet_block(FRAME, 0, 0, (1, b"a comment"), (2, struct.pack("<I", flags)))
    assert [direction] == columns(capture).direction.tolist()


def test_a_packet_that_is_skipped_has_no_direction():
    arp = bytes(ETHER / ARP(psrc="192.0.2.1", hwsrc="02:00:00:00:00:01"))
    batch = columns(HEAD + packet_block(arp, 0, 0, (2, struct.pack("<I", 1))))
    assert [(Reason.NOT_IP, 0)] == list(zip(batch.skip.tolist(), batch.direction.tolist(), strict=True))


def test_packet_flags_go_before_the_link_header():
    cooked = struct.pack(">HHH8sH", 4, 1, 6, bytes(8), 0x0800) + FRAME[14:]
    capture = section() + interface_block(113)
    assert [2] == columns(capture + packet_block(cooked)).direction.tolist()
    assert [1] == columns(capture + packet_block(cooked, 0, 0, (2, struct.pack("<I", 1)))).direction.tolist()


def test_each_interface_has_its_link_type_and_its_clock():
    ipv6 = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=5, dport=6))
    capture = HEAD + interface_block(101, 0, (9, b"\x09")) + packet_block(ipv6, 5, 1) + packet_block(FRAME, 5, 0)
    assert [5, 5000] == columns(capture).time_ns.tolist()
    assert [5, 1] == [packet.five_tuple.src_port for packet in packets(capture)]


def test_sections_of_either_byte_order_begin_anew():
    capture = (
        HEAD
        + interface_block(101)
        + packet_block(FRAME, 1)
        + section(">")
        + interface_block(1, 0, (9, b"\x09"), order=">")
        + packet_block(OTHER, 2, order=">")
    )
    batch = columns(capture)
    assert ([1000, 2], [1, 2], [0, 0]) == (batch.time_ns.tolist(), batch.number.tolist(), batch.skip.tolist())
    batches, broken = gather(capture + packet_block(OTHER, 2, 1, order=">"))
    assert 2 == len(batches[0].number)
    assert broken.endswith("interface must be one of the 1 described before, got 1")


def test_simple_packets_have_the_length_of_the_snapshot_and_the_time_before():
    capture = section() + interface_block(1, 54) + packet_block(FRAME, 9) + simple_block(OTHER[:54], 100)
    batch = columns(capture)
    assert ([9000, 9000], [54, 100], [0, 0]) == (
        batch.time_ns.tolist(),
        batch.length_bytes.tolist(),
        batch.skip.tolist(),
    )
    assert [0] == columns(HEAD + simple_block(FRAME)).time_ns.tolist()


def test_obsolete_packet_blocks_are_read():
    body = struct.pack("<HHIIII", 0, 3, 0, 7, len(FRAME), len(FRAME)) + FRAME + bytes(-len(FRAME) % 4)
    body += struct.pack("<HHIHH", 2, 4, 2, 0, 0)
    batch = columns(HEAD + block(2, body))
    assert ([7000], [2], [0]) == (batch.time_ns.tolist(), batch.direction.tolist(), batch.skip.tolist())


def test_other_blocks_are_passed_over_and_numbered_as_wireshark_does():
    journal, custom, sysdig = (block(kind, bytes(24)) for kind in (9, 0xBAD, 0x204))
    names, unknown = (block(kind, bytes(8)) for kind in (4, 0x8000_DEAD))
    capture = HEAD + b"".join(
        (names, packet_block(FRAME), journal, packet_block(FRAME), custom, sysdig, unknown, packet_block(FRAME))
    )
    assert [1, 3, 6] == columns(capture).number.tolist()


def test_every_cut_gives_the_whole_packets_before_it():
    blocks = [HEAD, packet_block(FRAME), block(5, bytes(8)), packet_block(OTHER)]
    capture = b"".join(blocks)
    ends = [sum(map(len, blocks[:count])) for count in range(5)]
    boundaries = {*ends, len(section())}
    for length in range(28, len(capture) + 1):
        batches, broken = gather(capture[:length])
        assert (length >= ends[2]) + (length >= ends[4]) == sum(len(batch.number) for batch in batches)
        assert (length in boundaries) == (broken is None)


LENGTH = len(packet_block(FRAME))


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        (b"\x06\0\0", "block header must be 8 bytes, got 3 before the file ends"),
        (struct.pack("<II", 6, 8), "block length must be a multiple of 4 in 12..269484032 bytes, got 8"),
        (struct.pack("<II", 6, 33), "block length must be a multiple of 4 in 12..269484032 bytes, got 33"),
        (struct.pack("<II", 6, 1 << 31), "block length must be a multiple of 4 in 12..269484032 bytes, got 2147483648"),
        (struct.pack("<III", 6, 64, 0), "block must be 64 bytes, got 12 before the file ends"),
        (packet_block(FRAME)[:-4] + b"\0\0\0\1", f"block must end in its length {LENGTH}, got 16777216"),
        (block(6, bytes(8)), "block must hold at least 20 bytes, got 8"),
        (
            block(6, struct.pack("<IIIII", 0, 0, 0, 9, 9)),
            "captured length must be at most the 0 bytes of its block, got 9",
        ),
        (block(3, struct.pack("<I", 9)), "captured length must be at most the 0 bytes of its block, got 9"),
        (packet_block(FRAME, 0, 7), "interface must be one of the 1 described before, got 7"),
        (block(1, bytes(4)), "block must hold at least 8 bytes, got 4"),
        (block(1, bytes(8) + struct.pack("<HH", 9, 40)), "option 9 must end inside its block, got 40 bytes of 0"),
        (interface_block(1, 0, (9, b"\6\6")), "interface option 9 must be 1 bytes, got 2"),
        (block(0x0A0D0D0A, bytes(16)), "byte-order magic must be 1a2b3c4d in either order, got 00000000"),
    ],
)
def test_nonsense_is_named_with_its_place(after, broken):
    before = HEAD + packet_block(FRAME)
    batches, message = gather(before + after)
    assert 1 == len(batches[0].number)
    assert f"capture, packet 2 at byte {len(before)}: {broken}" == message


def test_a_time_that_no_clock_has_is_told():
    capture = section() + interface_block(1, 0, (9, b"\0")) + packet_block(FRAME, 1 << 40)
    batches, broken = gather(capture)
    assert not batches
    assert broken.endswith("time must be before the year 2262, got 1099511627776 / 1 s")
