import bz2
import gzip
import io
import lzma
import subprocess
import sys
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from sources.capture_builders import (
    ETHER,
    assert_same_columns,
    columns,
    gather,
    interface_block,
    packet_block,
    pcap,
    section,
)

from sgsim.errors import SourceError
from sgsim.model.decision import Reason
from sgsim.sources import PcapSource, open_source

FRAME = bytes(ETHER / IP(src="192.0.2.1", dst="192.0.2.2") / TCP(sport=1, dport=2))
CAPTURE = pcap(*[FRAME] * 5)
EXPECTATION = "traffic must be a pcap or pcapng capture, or a flow log (also gzip), got "


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self._data.read(min(3, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("data", [CAPTURE, section() + interface_block() + packet_block(FRAME)])
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_capture_is_recognised_by_its_content(tmp_path, data, packed):
    path = tmp_path / "traffic.txt"
    path.write_bytes(packed(data))
    source = open_source(path)
    assert_same_columns(columns(data), columns(source))
    assert_same_columns(columns(data), columns(source))  # again: a path can be read twice
    assert (str(path),) == source.files


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_pipe_may_give_bytes_in_any_pieces(packed):
    pipe: Any = Trickle(packed(CAPTURE))
    assert_same_columns(columns(CAPTURE), columns(PcapSource(pipe, name="capture")))


def test_a_minus_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CAPTURE)))
    source = open_source("-")
    assert ("standard input",) == source.files
    assert_same_columns(columns(CAPTURE), columns(source))


def test_a_file_is_bound_to_an_interface():
    assert [-1] * 5 == columns(CAPTURE).taken_at.tolist()
    assert [3] * 5 == columns(CAPTURE, taken_at=(3,)).taken_at.tolist()


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "an empty file"),
        (b"\xa1\xb2", "a file that begins with b'\\xa1\\xb2'"),
        (b'{"SecurityGroups": []}', "a file that begins with b'{\"SecurityGroups'"),
        (gzip.compress(b"", mtime=0), "an empty file"),
        (gzip.compress(gzip.compress(CAPTURE)), "gzip inside gzip"),
        (lzma.compress(CAPTURE), "an xz file: unpack it first"),
        (bz2.compress(CAPTURE), "a bzip2 file: unpack it first"),
        (b"PAR1" + bytes(9), "a Parquet file"),
    ],
)
def test_what_is_no_capture_is_refused_when_opened(tmp_path, content, got):
    path = tmp_path / "traffic.pcap"
    path.write_bytes(content)
    with pytest.raises(SourceError) as refusal:
        open_source(path)
    assert f"{path}: {EXPECTATION}{got}" == str(refusal.value)


def test_what_cannot_be_opened_is_named(tmp_path):
    for path, problem in ((tmp_path / "nowhere", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(SourceError) as refusal:
            open_source(path)
        assert f"{path}: file must be readable, got {problem}" == str(refusal.value)


@pytest.mark.parametrize("traffic", [None, 5, b"bytes", 1.5])
def test_what_is_no_traffic_is_refused(traffic):
    with pytest.raises(SourceError, match="traffic must be a path, a binary stream or scapy packets, got "):
        open_source(traffic)


def test_a_broken_gzip_stream_gives_what_came_before():
    packed = gzip.compress(pcap(*[FRAME + bytes([n % 251]) * 999 for n in range(5000)]), compresslevel=0)
    batches, broken = gather(packed[: len(packed) // 2])
    assert 2000 < sum(len(batch.number) for batch in batches) < 2501
    assert broken.startswith("capture: gzip data must be whole, got an error in it: Compressed file ended")
    batches, broken = gather(packed[:-8] + bytes(8))
    assert 5000 == sum(len(batch.number) for batch in batches)
    assert "gzip data must be whole, got an error in it: CRC check failed" in broken


def test_an_unknown_link_type_is_told_after_its_packets_are_counted():
    batches, broken = gather(pcap(FRAME, FRAME, link_type=147))
    assert [Reason.UNSUPPORTED] * 2 == batches[0].skip.tolist()
    assert broken == "capture: link type must be one that sgsim or scapy reads, such as 1 (Ethernet), got 147"


def test_one_known_link_type_is_enough():
    capture = section() + interface_block(147) + interface_block() + packet_block(FRAME) + packet_block(FRAME, 0, 1)
    assert [Reason.UNSUPPORTED, 0] == columns(capture).skip.tolist()


def test_an_ethernet_capture_is_read_without_scapy(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(CAPTURE)
    program = (
        "import sys, sgsim.sources as s; assert sum(len(b.number) for b in s.open_source(sys.argv[1]).batches()) == 5;"
        "print([name for name in sys.modules if name.partition('.')[0] == 'scapy'])"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_odd_links_need_no_scapy_all(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(bytes.fromhex("ff030021") + FRAME[14:], link_type=9))
    program = (
        "import sys, sgsim.sources as s; assert [b.skip.tolist() for b in s.open_source(sys.argv[1]).batches()] == [[0]];"
        "print('scapy.all' in sys.modules, 'scapy.layers.ppp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False True\n", "")
