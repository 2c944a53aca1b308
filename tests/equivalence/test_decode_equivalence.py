"""`native(capture) == python(capture)` for any bytes, batch, buffer and stream: every column, every word of an error."""

import gzip
import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from equivalence.decoding import assert_decoders_agree, assert_decoders_agree_in_step, decoded, held_copies, plant
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6TimeExceeded, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, Dot1Q, Ether
from sources.capture_builders import (
    assert_same_columns,
    block,
    gather,
    interface_block,
    options,
    packet_block,
    pcap,
    section,
)
from sources.test_frames import frames, icmp_errors
from sources.test_pcap import Trickle

from sgsim.kernels import decode_layout as layout
from sgsim.sources import PcapSource, byte_window, native, native_facts
from sgsim.sources.links import LINK_READERS
from sgsim.sources.native import NativePcapSource

ODD_LINK_TYPES = (9, 50, 105, 113, 127, 147, 192, 276)
LINK_TYPES = st.sampled_from([*LINK_READERS, *ODD_LINK_TYPES])
ORDERS = st.sampled_from("<>")

LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
V4 = IP(src="192.0.2.1", dst="192.0.2.2")
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
HEADERS = {
    0: b"\2\0\0\0",
    1: bytes(12) + b"\x08\0",
    12: b"",
    14: b"",
    101: b"",
    108: b"\0\0\0\2",
    113: struct.pack(">HHH8sH", 4, 1, 6, bytes(8), 0x0800),
    228: b"",
    229: b"",
    276: struct.pack(">HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8)),
}
"""A link header before IPv4, for each link type."""

ONE_OF_EACH = [
    bytes(each)
    for each in (
        LINK / V4 / TCP(sport=1, dport=2, flags="SA"),
        LINK / V4 / UDP(sport=3, dport=4) / b"payload",
        LINK / V4 / ICMP(type=8, id=5),
        LINK / V4 / ICMP(type=0, id=6),
        LINK / V4 / ICMP(type=3, code=1) / V4 / TCP(sport=7, dport=8),
        LINK / V4 / ICMP(type=3, code=1) / V4 / ICMP(type=8, id=9),
        LINK / V4 / ICMP(type=3, code=1) / IP(src="192.0.2.1", dst="192.0.2.2", frag=5) / UDP(),
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", options=b"\x07\x07\x04\0\0\0\0\0") / TCP(sport=1, dport=2),
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", flags="MF", id=77) / UDP(sport=1, dport=2, len=4000) / b"payload",
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", frag=7, id=77) / UDP(sport=1, dport=2),
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", proto=47) / b"payload",
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", len=0) / TCP(sport=1, dport=2),
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", flags="MF", id=77) / TCP(sport=1, dport=2),
        LINK / V4 / ICMP(type=11) / IP(src="192.0.2.1", dst="192.0.2.2", len=1500) / UDP(sport=7, dport=8),
        LINK / V4 / ICMP(type=4) / bytes(40),
        LINK / Dot1Q(vlan=5, prio=3) / Dot1Q(vlan=6) / V4 / TCP(sport=1, dport=2),
        LINK / V6 / TCP(sport=1, dport=2),
        LINK / V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(id=9, m=1) / UDP(sport=1, dport=2, len=900),
        LINK / V6 / IPv6ExtHdrFragment(id=9, offset=4) / UDP(sport=1, dport=2),
        LINK / IPv6(src=V6.src, dst=V6.dst, nh=51) / struct.pack(">BBHII", 6, 1, 0, 1, 1) / TCP(sport=1, dport=2),
        LINK / V6 / ICMPv6TimeExceeded() / V6 / UDP(sport=1, dport=2),
        LINK / ARP(),
        Ether(src=LINK.src, dst=LINK.dst, type=0x8847) / bytes.fromhex("00001140") / V4 / TCP(sport=1, dport=2),
        Ether(src=LINK.src, dst=LINK.dst, type=100) / bytes.fromhex("aaaa030000000800") / V4 / TCP(sport=1, dport=2),
        LINK / V4 / UDP(len=7),
        LINK / V4 / TCP(dataofs=4),
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", ihl=4) / TCP(),
    )
]


@st.composite
def damaged(draw, frame):
    """A frame with some bytes changed, cut out, put in, or cut off."""
    data = bytearray(frame)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.integers(0, 3))
        if kind == 0 and data:
            data[place] = draw(st.one_of(st.sampled_from([0, 1, 0x45, 0x7F, 0xFF]), st.integers(0, 255)))
        elif kind == 1:
            del data[place : place + draw(st.integers(1, 8))]
        elif kind == 2:
            data[place:place] = draw(st.binary(min_size=1, max_size=8))
        else:
            del data[place:]
    return bytes(data)


@st.composite
def any_frames(draw):
    """A link type, a frame of it that may be damaged, and a length on the wire that may be wrong."""
    link_type = draw(LINK_TYPES)
    whole = draw(st.one_of(frames().map(bytes), icmp_errors().map(bytes), st.sampled_from(ONE_OF_EACH)))
    if link_type in HEADERS and link_type != 1 and draw(st.integers(0, 3)):
        inside = Ether(whole).payload
        whole = HEADERS[link_type] + bytes(inside)
    frame = draw(st.one_of(damaged(whole), st.just(whole), st.binary(max_size=120)))
    wire_bytes = len(frame) + draw(st.sampled_from([0, 0, 0, 1, 5, 40, 1460, -1, -20, -len(frame), 0x7FFF_FFFF]))
    return link_type, frame, max(wire_bytes, 0)


def record(frame, wire_bytes, order, seconds=1, fraction=0):
    return struct.pack(order + "IIII", seconds, fraction, len(frame), wire_bytes) + frame


@pytest.fixture(scope="session")
def index(fixtures_path):
    return json.loads((fixtures_path / "pcaps" / "index.json").read_text())


def test_every_capture_of_others(fixtures_path, index):
    assert len(index) > 700
    for capture in index:
        data = (fixtures_path / capture["file"]).read_bytes()
        try:
            assert_decoders_agree(data)
        except AssertionError as difference:
            difference.add_note(capture["file"])
            raise


def test_captures_of_others_with_some_bytes_changed(fixtures_path, index):
    rng = np.random.default_rng(20_261_123)
    small = [capture["file"] for capture in index if capture["size"] < 20_000]
    for file in rng.choice(small, 200):
        data = bytearray((fixtures_path / file).read_bytes())
        for place in rng.integers(24, len(data), 12):
            data[place] ^= 1 << rng.integers(0, 8)
        assert_decoders_agree(bytes(data[: rng.integers(24, len(data) + 1)]))


@pytest.mark.parametrize("link_type", [*LINK_READERS, *ODD_LINK_TYPES])
def test_each_form_of_packet_in_each_link_type_cut_at_each_byte(link_type):
    header = HEADERS.get(link_type)
    for frame in ONE_OF_EACH:
        whole = frame if link_type == 1 or header is None else header + frame[14:]
        cuts = [whole[:length] for length in range(len(whole) + 1)]
        capture = pcap(link_type=link_type)
        for wire_bytes in (len(whole), 0, 30):
            capture += b"".join(record(cut, wire_bytes, "<") for cut in cuts)
        assert_decoders_agree(capture)


@settings(max_examples=400)
@given(st.lists(any_frames(), min_size=1, max_size=8), ORDERS, st.sampled_from([1, 1000]), st.data())
def test_any_frames_in_a_pcap(some, order, unit_ns, data):
    capture = pcap(link_type=some[0][0], order=order, unit_ns=unit_ns)
    for _, frame, wire_bytes in some:
        capture += record(frame, wire_bytes, order, *data.draw(st.tuples(*[st.integers(0, 0xFFFF_FFFF)] * 2)))
    assert_decoders_agree(capture)


INTERFACE_OPTIONS = st.one_of(
    st.tuples(st.just(9), st.integers(0, 255).map(lambda value: bytes([value]))),
    st.tuples(
        st.just(14), st.sampled_from([0, 1, -5, 1 << 40, -(1 << 62)]).map(lambda value: struct.pack("<q", value))
    ),
    st.tuples(st.integers(0, 20), st.binary(max_size=9)),
)
PACKET_OPTIONS = st.one_of(
    st.tuples(st.just(2), st.integers(0, 3).map(lambda value: struct.pack("<I", value))),
    st.tuples(st.integers(0, 5), st.binary(max_size=9)),
)
UNITS = st.one_of(
    st.integers(0, 1 << 20), st.integers(0, 1 << 44), st.integers(0, (1 << 64) - 1), st.sampled_from([(1 << 63) - 1])
)


@st.composite
def pcapng_blocks(draw):
    """One block, of any kind, sound or nearly so; in either byte order, whatever that of its section is."""
    order = draw(st.sampled_from("<<<<<<>"))
    kind = draw(st.sampled_from(["packet"] * 5 + ["simple", "obsolete", "interface", "interface", "section", "other"]))
    link_type, frame, wire_bytes = draw(any_frames())
    if kind == "packet":
        pairs = draw(st.lists(PACKET_OPTIONS, max_size=2))
        return packet_block(frame, draw(UNITS), draw(st.integers(0, 2)), *pairs, order=order, wire_bytes=wire_bytes)
    if kind == "simple":
        return block(3, struct.pack(order + "I", wire_bytes) + frame, order)
    if kind == "obsolete":
        units = draw(UNITS)
        place = struct.pack(order + "HHII", draw(st.integers(0, 2)), 0, units >> 32, units & 0xFFFF_FFFF)
        body = place + struct.pack(order + "II", len(frame), wire_bytes) + frame + bytes(-len(frame) % 4)
        return block(2, body + options(*draw(st.lists(PACKET_OPTIONS, max_size=2)), order=order), order)
    if kind == "interface":
        snap_bytes = draw(st.sampled_from([0, 0, 40, 0xFFFF_FFFF]))
        return interface_block(link_type, snap_bytes, *draw(st.lists(INTERFACE_OPTIONS, max_size=2)), order=order)
    if kind == "section":
        return section(order)
    return block(draw(st.sampled_from([4, 5, 9, 0xBAD, 0x40000BAD, 0x204, 77])), draw(st.binary(max_size=9)), order)


@settings(max_examples=600)
@given(st.lists(pcapng_blocks(), max_size=10), any_frames(), st.data())
def test_any_blocks_in_a_pcapng(some, first, data):
    pairs = data.draw(st.lists(INTERFACE_OPTIONS, max_size=2))
    capture = bytearray(section() + interface_block(first[0], 0, *pairs) + b"".join(some))
    if data.draw(st.integers(0, 3)) == 0:
        capture[data.draw(st.integers(0, len(capture) - 1))] = data.draw(st.integers(0, 255))
    assert_decoders_agree(bytes(capture[: data.draw(st.sampled_from([None, None, -1, -9, -30]))]))


@pytest.mark.parametrize("resolution", range(256))
@pytest.mark.parametrize("offset_s", [0, -1_000_000, 1 << 33, 1 << 62])
def test_each_resolution_of_time_to_its_last_unit(resolution, offset_s):
    pairs = (9, bytes([resolution])), (14, struct.pack("<q", offset_s))
    head = section() + interface_block(1, 0, *pairs)
    per_s = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    last = min(((1 << 63) - 1) * per_s // 10**9, (1 << 64) - 1)
    for units in {0, 1, 12_345_678_901, last // 2, last - 1, last, min(last + per_s, (1 << 64) - 1)}:
        assert_decoders_agree(head + packet_block(ONE_OF_EACH[0], units) * 2)


MANY = [ONE_OF_EACH[place % len(ONE_OF_EACH)] for place in range(700)]
CAPTURE = pcap(*MANY)
NEXT_GENERATION = section() + interface_block() + b"".join(packet_block(frame, 5) for frame in MANY)


@pytest.mark.parametrize("capture", [CAPTURE, NEXT_GENERATION])
@pytest.mark.parametrize("batch_rows", [1, 2, 63, 64, 65, 255, 256, 257, 699, 700, 701, 1 << 40])
def test_batches_may_end_anywhere(monkeypatch, capture, batch_rows):
    monkeypatch.setattr(native, "_MOST_ROWS", 256)  # so that larger ones are put together
    expected, _ = gather(PcapSource(io.BytesIO(capture)), batch_rows=batch_rows, taken_at=(3,))
    actual, _ = gather(NativePcapSource(io.BytesIO(capture)), batch_rows=batch_rows, taken_at=(3,))
    for left, right in zip(expected, actual, strict=True):
        assert_same_columns(left, right)


@pytest.mark.parametrize("capture", [CAPTURE, NEXT_GENERATION])
@pytest.mark.parametrize("size", [16, 64, 1000, 4096])
def test_records_may_lie_across_the_end_of_the_buffer(monkeypatch, capture, size):
    monkeypatch.setattr(byte_window, "WINDOW_BYTES", size)
    assert_decoders_agree(capture)
    assert_decoders_agree(capture[:-7])


def test_a_record_may_be_larger_than_the_buffer():
    large = ONE_OF_EACH[1] + bytes(3 << 20)
    assert_decoders_agree(pcap(*MANY[:5], large, *MANY[:5], large))
    head = section() + interface_block()
    assert_decoders_agree(head + packet_block(large, 5) + packet_block(MANY[0], 6))
    assert_decoders_agree((head + packet_block(large, 5))[:-9])


@pytest.mark.parametrize("capture", [CAPTURE, NEXT_GENERATION])
def test_streams_may_give_bytes_in_any_pieces(capture):
    expected = decoded(PcapSource, capture)
    assert_decoders_agree(gzip.compress(capture), expected)
    for packed in (bytes, gzip.compress):
        trickle: Any = Trickle(packed(capture[:9000]))
        batches, broken = gather(NativePcapSource(trickle, name="capture"))
        python = decoded(PcapSource, packed(capture[:9000]))
        assert python[1] == broken
        assert_same_columns(python[0], batches[0])


def test_a_file_may_be_read_twice_and_is_named(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(CAPTURE[:-1])
    source = NativePcapSource(path)
    assert (str(path),) == source.files
    first, second = gather(source), gather(source)
    assert first[1] == second[1] == gather(PcapSource(path))[1]
    assert str(path) in first[1]


@pytest.mark.parametrize(
    "capture",
    [
        b"",
        b"\xa1\xb2",
        b"PAR1" + bytes(9),
        CAPTURE[:20],
        gzip.compress(CAPTURE, mtime=0)[:-9],
        gzip.compress(b"", mtime=0),
    ],
)
def test_what_is_no_capture_is_refused_in_the_same_words(capture):
    assert_decoders_agree(capture)


@settings(max_examples=100)
@given(length=st.integers(0, len(NEXT_GENERATION)), is_zipped=st.booleans(), is_pcapng=st.booleans())
@example(length=24, is_zipped=False, is_pcapng=False)
def test_a_cut_capture_gives_what_came_before_and_the_same_words(length, is_zipped, is_pcapng):
    data = NEXT_GENERATION if is_pcapng else CAPTURE
    data = gzip.compress(data, mtime=0) if is_zipped else data
    assert_decoders_agree(data[:length])


def test_a_batch_never_changes_while_it_is_held():
    held = []
    for place, batch in enumerate(NativePcapSource(io.BytesIO(CAPTURE)).batches(batch_rows=20)):
        if place % 3 == 0:  # the others are forgotten, and their memory used again
            held += held_copies([batch._replace(quoted=batch.quoted)])
        if place % 5 == 0:
            held += held_copies([batch._replace(time_ns=batch.time_ns[::2][1:])])  # a view of a view
    del batch
    for batch, copies in held:
        for column, copy in zip((*batch[:-1], *batch.quoted), copies, strict=True):
            np.testing.assert_array_equal(copy, column)


@pytest.mark.parametrize("capture", [CAPTURE, NEXT_GENERATION])
def test_memory_that_is_used_again_holds_nothing_of_before(capture):
    assert_decoders_agree_in_step(capture, 20)


def test_memory_is_used_again():
    seen = set()
    for batch in NativePcapSource(io.BytesIO(CAPTURE)).batches(batch_rows=20):
        seen.add(batch.time_ns.ctypes.data)
    assert len(seen) <= 2


FAULTS = [
    ("decode_links", "end > limit", "end >= limit"),
    ("decode_links", "end > cut", "end > cut + 1"),
    ("decode_links", "load16(data + start) & 0x0FFF", "load16(data + start)"),
    ("decode_links", "start += 8", "start += 6"),
    ("decode_packet", "header_bytes < 20 or 0 < total_bytes", "header_bytes < 24 or 0 < total_bytes"),
    ("decode_packet", "fragment_word & 0x3FFF", "fragment_word & 0x1FFF"),
    ("decode_packet", "if total_bytes and base == 0", "if total_bytes"),
    ("decode_packet", "offset_word & 0xFFF9", "offset_word & 0xFFF8"),
    ("decode_packet", "(load8(data + position + 1) + 2) << 2", "(load8(data + position + 1) + 1) << 3"),
    ("decode_packet", "0 < length < 8", "0 < length < 7"),
    ("decode_packet", "_TRUNCATED if stop == _TRUNCATED else 0", "stop"),
    ("decode_records", "fraction * unit_ns", "fraction * 1000"),
    ("decode_records", "way in (_INGRESS, _EGRESS)", "way in (_EGRESS, _INGRESS, 3)"),
    ("decode_records", "put(state, NUMBER, get(state, NUMBER) + (kind == get(state, place)))", "pass"),
    ("decode", "8 + 12 * is_tcp", "7 + 12 * is_tcp"),
    ("decode", "34 + stated_bytes <= packet_end", "34 + stated_bytes <= packet_end + 1"),
    ("decode", "packet_end <= wire_bytes", "packet_end <= wire_bytes + 1"),
    ("decode", "40 + 8 * is_tcp", "40 + 7 * is_tcp"),
    ("decode", "_ANY_FRAGMENT = 0x3FFF0000", "_ANY_FRAGMENT = 0x1FFF0000"),
    ("decode", "way if way and not stop", "way if way"),
    ("decode", "store8(rows + SKIP_AT + row, 0)", "pass"),
]


def everything():
    """A capture small enough for plain Python that has a case for each of `FAULTS`."""
    whole = [frame for frame in ONE_OF_EACH for _ in range(1)]
    cuts = [frame[:length] for frame in whole for length in range(len(frame) + 1)]
    yield pcap() + b"".join(record(cut, wire, "<") for cut in cuts for wire in (len(cut), 300))
    yield pcap(unit_ns=1) + record(whole[0], 54, "<", 1, 999_999_999)
    yield pcap() + record(whole[0], 54, "<") + struct.pack("<IIII", 0, 0, 0x2000_0000, 60) + bytes(60)
    yield pcap() + b"".join(
        record(whole[0][:14] + bytes(IP(len=total) / TCP(dataofs=words)), 54, "<")
        for total in range(36, 46)
        for words in (5, 6)
    )
    flags = [packet_block(whole[0], 5, 0, (2, struct.pack("<I", way))) for way in range(4)]
    skipped = packet_block(bytes(30), 5, 0, (2, struct.pack("<I", 1)))
    simple = block(3, struct.pack("<I", 300) + whole[0][:48])
    yield section() + interface_block(1, 48) + b"".join([*flags, skipped, block(9, bytes(8)), simple, *flags])


def assert_decoders_agree_on_everything():
    for capture in everything():
        assert_decoders_agree(capture, batch_rows=500)
    assert_decoders_agree_in_step(pcap(*ONE_OF_EACH * 3, *ONE_OF_EACH[::-1] * 3), 10)


@pytest.mark.parametrize(("module", "before", "after"), FAULTS, ids=[fault[1] for fault in FAULTS])
def test_a_planted_fault_is_found(monkeypatch, module, before, after):
    plant(monkeypatch, module, before, after)
    with pytest.raises(AssertionError):
        assert_decoders_agree_on_everything()


def test_without_a_fault_nothing_is_found(monkeypatch):
    assert_decoders_agree_on_everything()
    plant(monkeypatch)
    assert_decoders_agree_on_everything()


def test_a_fault_in_compiled_code_is_found(monkeypatch):
    plant(monkeypatch, "decode", "8 + 12 * is_tcp", "7 + 12 * is_tcp", is_compiled=True)
    with pytest.raises(AssertionError):
        assert_decoders_agree_on_everything()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (layout.ETHERTYPES + 0x8100, 0),
        (layout.ETHERTYPES + 0x86DD, 4),
        (layout.FAMILIES + 2, 6),
        (layout.COOKED_DIRECTIONS + 4, 1),
        (layout.EXTENSIONS + 51, layout.BY_EIGHTS),
        (layout.EXTENSIONS + 44, layout.BY_EIGHTS),
        (layout.ICMP_KINDS + 8, 0),
        (layout.ICMP_KINDS + 0, layout.QUERY),
        (layout.ICMP_KINDS + 3, 0),
        (layout.ICMP_KINDS + 256 + 3, 0),
    ],
)
def test_a_wrong_fact_is_found(place, value):
    facts = native_facts.decoding_facts()
    right = int(facts[place])
    facts[place] = value
    try:
        with pytest.raises(AssertionError):
            assert_decoders_agree_on_links()
    finally:
        facts[place] = right
    assert_decoders_agree_on_links()


def assert_decoders_agree_on_links():
    for link_type in (1, 0, 113):
        inside = [frame if link_type == 1 else HEADERS[link_type] + frame[14:] for frame in ONE_OF_EACH]
        assert_decoders_agree(pcap(*inside, link_type=link_type))
