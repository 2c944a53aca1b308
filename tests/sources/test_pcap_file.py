import struct

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from sources.capture_builders import ETHER, assert_same_columns, columns, gather, pcap

FRAMES = [
    bytes(ETHER / IP(src="192.0.2.1", dst="192.0.2.2") / layer)
    for layer in (TCP(sport=1, dport=2), UDP(sport=3, dport=4), ICMP(type=3) / IP() / UDP(sport=5, dport=6))
]
TIMES_NS = [1_700_000_000_123_456_000, 0, (0xFFFF_FFFF * 10**9) + 999_999_000]


@pytest.mark.parametrize("unit_ns", [1000, 1])
@pytest.mark.parametrize("order", "<>")
def test_byte_order_and_resolution_make_no_difference(order, unit_ns):
    expected = columns(pcap(*FRAMES, times_ns=TIMES_NS))
    assert TIMES_NS == expected.time_ns.tolist()
    assert_same_columns(expected, columns(pcap(*FRAMES, times_ns=TIMES_NS, order=order, unit_ns=unit_ns)))


def test_nanoseconds_are_exact():
    assert [10**18 + 1] == columns(pcap(FRAMES[0], times_ns=[10**18 + 1], unit_ns=1)).time_ns.tolist()


def test_frames_are_numbered_from_1():
    assert [1, 2, 3] == columns(pcap(*FRAMES)).number.tolist()


def test_bits_beside_the_link_type_are_passed_over():
    capture = bytearray(pcap(*FRAMES))
    capture[23] = 0xF4  # frames end in a checksum of 4 bytes
    assert_same_columns(columns(pcap(*FRAMES)), columns(bytes(capture)))


def test_a_capture_without_packets_is_a_capture():
    assert ([], None) == gather(pcap())


@pytest.mark.parametrize(
    ("cut_bytes", "rows", "broken"),
    [
        (1, 2, "packet 3 at byte {start}: packet data must be {size} bytes, got {held} before the file ends"),
        (-1, 2, "packet 3 at byte {header}: record header must be 16 bytes, got 1"),
    ],
)
def test_everything_before_a_break_is_read_and_the_break_named(cut_bytes, rows, broken):
    size = len(FRAMES[2])
    start = len(pcap(*FRAMES)) - size
    capture = pcap(*FRAMES)[:-1] if cut_bytes == 1 else pcap(*FRAMES)[: start - 15]
    batches, message = gather(capture)
    assert rows == sum(len(batch.number) for batch in batches)
    assert f"capture, {broken.format(start=start, header=start - 16, size=size, held=size - 1)}" == message


def test_every_cut_gives_the_whole_packets_before_it():
    capture = pcap(*FRAMES)
    ends = [24]
    for frame in FRAMES:
        ends.append(ends[-1] + 16 + len(frame))
    for length in range(24, len(capture) + 1):
        batches, broken = gather(capture[:length])
        assert sum(end <= length for end in ends[1:]) == sum(len(batch.number) for batch in batches)
        assert (length in ends) == (broken is None)


@pytest.mark.parametrize("length", range(4, 24))
def test_a_cut_file_header_is_told(length):
    assert ([], f"capture: pcap header must be 24 bytes, got {length}") == gather(pcap()[:length])


def test_an_absurd_length_is_told():
    capture = pcap(FRAMES[0]) + struct.pack("<IIII", 0, 0, 0x2000_0000, 60)
    batches, broken = gather(capture)
    assert 1 == len(batches[0].number)
    place = len(pcap(FRAMES[0]))
    assert broken == (
        f"capture, packet 2 at byte {place}: captured length must be at most 268435456 bytes, got 536870912"
    )


def test_another_version_is_told():
    capture = bytearray(pcap())
    capture[4] = 3
    assert ([], "capture: pcap version must be 2.x, got 3.4") == gather(bytes(capture))
