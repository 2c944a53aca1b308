import heapq
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from sources.capture_builders import RAW, assert_same_columns, columns, gather, pcap

from sgsim.model.columns import packets_of
from sgsim.sources import MergedSource, PcapSource, merged, open_sources

NS = 1_000_000_000


def capture(times, file):
    """Packets whose source port is their number; every other one is an ICMP error that quotes such a packet."""
    frames = [
        bytes(
            IP(dst=f"192.0.2.{file}") / (ICMP(type=3) / IP() / UDP(sport=number) if number % 2 else UDP(sport=number))
        )
        for number in range(1, len(times) + 1)
    ]
    return pcap(*frames, link_type=RAW, times_ns=[time * NS for time in times])


def sources(files):
    return [PcapSource(io.BytesIO(capture(times, file)), name=f"f{file}") for file, times in enumerate(files)]


def joined(batches, name):
    return [value for batch in batches for value in getattr(batch, name).tolist()]


@given(
    st.lists(st.lists(st.integers(0, 6), max_size=12), min_size=2, max_size=4),
    st.integers(1, 5),
)
def test_merging_takes_the_earliest_of_the_next_packets(files, batch_rows):
    """Times go back in these files too."""
    expected = list(
        heapq.merge(
            *([(time * NS, file, number) for number, time in enumerate(times, 1)] for file, times in enumerate(files)),
            key=lambda packet: packet[0],
        )
    )
    batches, broken = gather(MergedSource(tuple(sources(files))), batch_rows=batch_rows)
    assert broken is None
    actual = [
        found
        for batch in batches
        for found in zip(batch.time_ns.tolist(), batch.file.tolist(), batch.number.tolist(), strict=True)
    ]
    assert expected == actual
    for batch in batches:
        for packet in packets_of(batch, ()):
            assert packet is not None
            assert packet.number == (packet.quote or packet).five_tuple.src_port


def test_one_source_is_itself():
    (source,) = sources([[1, 2]])
    assert merged([source]) is source


def test_types_and_files_survive():
    merger = MergedSource(tuple(sources([[1, 3], [2]])))
    assert ("f0", "f1") == merger.files
    batches, _ = gather(merger, taken_at=(7, -1))
    assert [7, -1, 7] == joined(batches, "taken_at")
    alone = columns(capture([1, 2, 3], 0))
    for batch in batches:
        assert [column.dtype for column in alone[:-1]] == [column.dtype for column in batch[:-1]]


def test_merged_sources_can_be_merged():
    inner = MergedSource(tuple(sources([[1], [3]])))
    (outer,) = sources([[2]])
    batches, _ = gather(MergedSource((inner, outer)), taken_at=(4, 5, 6))
    assert [0, 2, 1] == joined(batches, "file")
    assert [4, 6, 5] == joined(batches, "taken_at")


def test_an_input_that_breaks_off_does_not_end_the_others():
    good, cut = capture([1, 5, 9], 0), capture([2, 3, 4], 1)[:-1]
    batches, broken = gather(
        MergedSource((PcapSource(io.BytesIO(cut), name="cut"), PcapSource(io.BytesIO(good), name="good")))
    )
    assert [1, 2, 3, 5, 9] == [time // NS for batch in batches for time in batch.time_ns.tolist()]
    assert broken.startswith("cut, packet 3 at byte ")
    assert "good" not in broken


def test_several_breaks_are_all_told():
    cuts = [PcapSource(io.BytesIO(capture([1], 0)[:-1]), name=name) for name in ("a", "b")]
    _, broken = gather(MergedSource(tuple(cuts)))
    assert [part.split(",")[0] for part in broken.split("; ")] == ["a", "b"]


def test_several_paths_become_one_source(tmp_path):
    for name, times in (("b.pcap", [1, 3]), ("a.pcap", [2])):
        (tmp_path / name).write_bytes(capture(times, 0))
    source = open_sources([tmp_path / "b.pcap", tmp_path / "a.pcap"])
    assert [0, 1, 0] == joined(gather(source)[0], "file")
    alone = open_sources([tmp_path / "a.pcap"])
    assert_same_columns(columns((tmp_path / "a.pcap").read_bytes()), columns(alone))


def test_no_traffic_is_told():
    with pytest.raises(ValueError, match="traffic must be at least one input, got none"):
        open_sources([])
