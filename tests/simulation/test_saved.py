"""`--write-allowed` and `--write-denied`: packets as they were, whatever they came from."""

import gzip
import io

import pytest
from builders import group, interface, inventory
from scapy.layers.inet import IP, TCP, UDP
from sources.capture_builders import ETHER, RAW, interface_block, packet_block, pcap, section

import sgsim
from sgsim.errors import ConfigError
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.pcap import capture_records

RULES = inventory(
    group("tcp 443 from 198.51.100.0/24"),
    interface("10.0.0.5"),
    interface("10.0.0.6", interface_id="eni-b"),
)
OPENING = ETHER / IP(src="198.51.100.7", dst="10.0.0.5") / TCP(sport=40000, dport=443, flags="S")
ANSWER = ETHER / IP(src="10.0.0.5", dst="198.51.100.7") / TCP(sport=443, dport=40000, flags="SA")
DENIED = ETHER / IP(src="203.0.113.9", dst="10.0.0.5") / TCP(sport=40000, dport=443, flags="S")
STRANGE = ETHER / IP(src="203.0.113.9", dst="203.0.113.1") / UDP()
FRAMES = tuple(map(bytes, (OPENING, DENIED, ANSWER, STRANGE, DENIED)))
TIMES = [1_000_000_001, 1_000_000_002, 1_000_000_002, 2_000_000_000, 2_000_000_000]


def records(path):
    with path.open("rb") as stream:
        return list(capture_records(ByteReader(stream)))


def frames(path):
    return [record[3] for record in records(path)]


@pytest.fixture
def saved(tmp_path):
    """Replay traffic; give the allowed and the denied records, and let nothing else lie about."""

    def run(traffic, allowed="allowed.pcap", denied="denied.pcap", rules=RULES, **options):
        where = tmp_path / "saved"
        where.mkdir(exist_ok=True)
        sgsim.replay(rules, traffic, write_allowed=where / allowed, write_denied=where / denied, keep=False, **options)
        assert sorted(path.name for path in where.iterdir()) == sorted([allowed, denied])
        return records(where / allowed), records(where / denied)

    return run


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("form", ["path", "stream", "gzip path", "gzip stream"])
def test_packets_are_saved_as_they_were(saved, tmp_path, engine, form):
    data = pcap(*FRAMES, times_ns=TIMES, unit_ns=1, wire_bytes=1500)
    data = gzip.compress(data) if "gzip" in form else data
    (tmp_path / "in.pcap").write_bytes(data)
    traffic = io.BytesIO(data) if "stream" in form else str(tmp_path / "in.pcap")
    allowed, denied = saved(traffic, engine=engine)
    assert [record[1:5] for record in allowed] == [(TIMES[0], 1, FRAMES[0], 1500), (TIMES[2], 1, FRAMES[2], 1500)]
    assert [record[1:5] for record in denied] == [(TIMES[1], 1, FRAMES[1], 1500), (TIMES[4], 1, FRAMES[4], 1500)]


def test_a_long_stream_is_followed_batch_by_batch(saved):
    frames_in = [bytes(OPENING if place % 3 else DENIED) for place in range(20_000)]
    allowed, denied = saved(io.BytesIO(pcap(*frames_in)))
    assert (len(allowed), len(denied)) == (13_333, 6_667)


def test_several_captures_are_saved_in_the_order_of_time(saved, tmp_path):
    for name, frames_in, times in (("a", FRAMES[:1] * 3, [10, 30, 50]), ("b", FRAMES[1:2] * 3, [20, 40, 60])):
        (tmp_path / name).write_bytes(pcap(*frames_in, times_ns=times, unit_ns=1))
    denied = saved([str(tmp_path / "a"), f"eni-a={tmp_path / 'b'}"])[1]
    assert [record[1] for record in denied] == [20, 40, 60]


def test_link_types_that_one_pcap_cannot_hold_make_it_pcapng(saved, tmp_path):
    (tmp_path / "a").write_bytes(pcap(FRAMES[0], times_ns=[10], unit_ns=1))
    (tmp_path / "b").write_bytes(pcap(FRAMES[2][14:], FRAMES[1][14:], link_type=RAW, times_ns=[20, 25], unit_ns=1))
    (tmp_path / "c").write_bytes(pcap(FRAMES[2], times_ns=[30], unit_ns=1))
    traffic = [str(tmp_path / name) for name in "abc"]
    allowed, denied = saved(traffic, allowed="allowed.pcap.gz")
    assert [record[1:4] for record in allowed] == [(10, 1, FRAMES[0]), (20, RAW, FRAMES[2][14:]), (30, 1, FRAMES[2])]
    assert gzip.decompress((tmp_path / "saved" / "allowed.pcap.gz").read_bytes())[:4] == b"\x0a\x0d\x0d\x0a"
    assert [record[2] for record in denied] == [RAW]
    assert (tmp_path / "saved" / "denied.pcap").read_bytes()[:4] == b"\x4d\x3c\xb2\xa1"


def test_directions_are_kept_in_pcapng(saved):
    data = (
        section() + interface_block() + packet_block(FRAMES[0], 5, 0, (2, b"\x01\0\0\0")) + packet_block(FRAMES[1], 6)
    )
    allowed, denied = saved(io.BytesIO(data), allowed="a.pcapng")
    assert [record[1:] for record in allowed] == [(5000, 1, FRAMES[0], len(FRAMES[0]), 1)]
    assert len(denied) == 1


def test_a_capture_without_packets_is_one(saved):
    allowed, denied = saved(io.BytesIO(pcap(FRAMES[1])))
    assert (allowed, len(denied)) == ([], 1)


def test_scapy_packets_are_saved_also_from_a_generator(saved):
    packets = [OPENING.copy(), DENIED.copy()]
    for place, each in enumerate(packets):
        each.time = 100 + place
    for traffic in (packets, iter(packets)):
        allowed, denied = saved(traffic)
        assert [record[1:4] for record in allowed] == [(100 * 10**9, 1, FRAMES[0])]
        assert [record[1:4] for record in denied] == [(101 * 10**9, 1, FRAMES[1])]


def test_synthetic_packets_are_saved_whole(saved):
    traffic = sgsim.synthetic.web(clients="198.51.100.7,203.0.113.9", duration="2s", rate=10)
    allowed, denied = saved(traffic)
    summary = sgsim.replay(RULES, traffic, keep=False).summary
    assert (len(allowed), len(denied)) == (summary.packets.allowed, summary.packets.denied)
    assert all(len(record[3]) == record[4] for record in allowed)


def test_mirrored_packets_are_saved_with_what_carried_them(saved):
    from scapy.layers.vxlan import VXLAN  # noqa: PLC0415  # this test alone

    outer = [bytes(ETHER / IP() / UDP(dport=4789) / VXLAN(vni=1, flags=8) / frame) for frame in FRAMES[:2]]
    allowed, denied = saved(sgsim.Inner(io.BytesIO(pcap(*outer))))
    assert [record[3] for record in allowed + denied] == outer


def test_a_packet_that_its_receiver_denies_is_denied(saved):
    rules = inventory(
        group("tcp 443 from 198.51.100.0/24", "all to 10.0.0.0/8"),
        interface("10.0.0.5"),
        interface("10.0.0.6", interface_id="eni-b"),
    )
    inside = bytes(ETHER / IP(src="10.0.0.5", dst="10.0.0.6") / TCP(dport=443, flags="S"))
    allowed, denied = saved(io.BytesIO(pcap(inside)), rules=rules)
    assert (len(allowed), len(denied)) == (0, 1)


def test_a_capture_that_breaks_off_is_saved_up_to_there(saved):
    allowed, denied = saved(io.BytesIO(pcap(*FRAMES)[:-3]))
    assert (len(allowed), len(denied)) == (2, 1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"write_allowed": "a.txt"}, "--write-allowed must end in .pcap or .pcapng, also with .gz, got 'a.txt'"),
        ({"write_denied": "none/a.pcap"}, "capture must be a file that can be written, got 'none/a.pcap'"),
        ({"write_denied": "a.pcap", "write_allowed": "a.pcap"}, "--write-allowed and --write-denied must be two files"),
        ({"write_denied": "a.pcap", "decisions": "x.doc"}, "table must end in .jsonl"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_left(tmp_path, monkeypatch, how, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        sgsim.replay(RULES, io.BytesIO(pcap(*FRAMES)), **how)
    assert str(caught.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_a_run_fails(tmp_path):
    with pytest.raises(sgsim.NoTrafficError):
        sgsim.replay(RULES, io.BytesIO(pcap(FRAMES[3])), write_denied=tmp_path / "d.pcap")
    assert list(tmp_path.iterdir()) == []
