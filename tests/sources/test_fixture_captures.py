"""Every capture that others made: nothing is lost, and scapy sees the same five-tuples.

Where sgsim and scapy differ by definition is said in `scapy_five_tuple`.
"""

import json
from collections import Counter

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Ether, Loopback
from scapy.utils import PcapReader, RawPcapReader
from sources.capture_builders import gather

from sgsim.model.columns import packets_of
from sgsim.model.decision import UNREADABLE_REASONS
from sgsim.sources import open_source
from sgsim.sources.frames import is_known_link_type

CUT = {
    "pcaps/suricata-verify/bug-1450-04__tls_DER-incomplete-header.pcap": "packet 7 at byte 5051: packet data must be",
    "pcaps/suricata-verify/bug-6875-01__fuzz.pcap": "packet 2 at byte 228: captured length must be at most",
}
"""Captures that break off, as their index says too."""

LINK_LAYERS = (Ether, CookedLinux, CookedLinuxV2, Loopback, IP, IPv6)


@pytest.fixture(scope="session")
def index(fixtures_path):
    return json.loads((fixtures_path / "pcaps" / "index.json").read_text())


def test_every_packet_of_every_capture_is_one_row(fixtures_path, index):
    skips: Counter[int] = Counter()
    for capture in index:
        batches, broken = gather(open_source(fixtures_path / capture["file"]))
        assert capture["packets"] == sum(len(batch.number) for batch in batches), capture["file"]
        skips.update(skip for batch in batches for skip in batch.skip.tolist())
        if capture["file"] in CUT:
            assert CUT[capture["file"]] in broken
        elif broken is not None:
            number = int(broken.rpartition(" ")[2])
            assert "link type must be one that sgsim or scapy reads" in broken, capture["file"]
            assert not is_known_link_type(number)
    assert {0, *UNREADABLE_REASONS} == set(skips)
    assert skips.total() == sum(capture["packets"] for capture in index)


def test_scapy_sees_the_same_five_tuples(fixtures_path, index):
    compared: Counter[int] = Counter()
    for capture in index:
        if capture["packets"] > 3000 or capture["format"] != "pcap" or capture["file"] in CUT:
            continue  # scapy dissects 5000 packets/s, and its pcapng reader refuses some sound blocks
        batches, _ = gather(open_source(fixtures_path / capture["file"]))
        ours = [packet for batch in batches for packet in packets_of(batch, ())]
        with PcapReader(str(fixtures_path / capture["file"])) as theirs:
            for number, (packet, layers) in enumerate(zip(ours, theirs, strict=True), 1):
                expected = scapy_five_tuple(layers)
                if packet and expected:
                    assert expected == five_tuple(packet), (capture["file"], number)
                    compared[packet.five_tuple.family] += 1
    assert compared[4] > 15_000
    assert compared[6] > 700


def five_tuple(packet):
    _, _, addresses = str(packet).partition(" ")
    return packet.five_tuple.protocol, addresses.split(" ")[0], addresses.split(" ")[2], packet.tcp_flags


def scapy_five_tuple(layers):
    """What scapy says of a packet that it reads as TCP or UDP in IP right behind its link header, else None.

    Left out by definition: later fragments (no ports, but scapy may dissect what follows), tunnels (scapy looks
    inside), and packets that sgsim skips (scapy dissects headers that contradict their lengths).
    """
    if not isinstance(layers, LINK_LAYERS):
        return None
    network = next((layers[kind] for kind in layers.layers() if kind in (IP, IPv6)), None)
    if network is None or IPv6ExtHdrFragment in layers:
        return None
    transport = network.payload
    while transport.name.startswith("IPv6 Extension Header"):
        transport = transport.payload
    if not isinstance(transport, TCP | UDP) or (isinstance(network, IP) and network.frag):
        return None
    src, dst = (f"[{text}]" if ":" in text else text for text in (network.src, network.dst))
    is_tcp = isinstance(transport, TCP)
    flags = int(transport.flags) & 0xFF if is_tcp else 0
    return 6 if is_tcp else 17, f"{src}:{transport.sport}", f"{dst}:{transport.dport}", flags


def test_times_and_lengths_are_those_that_scapy_reads(fixtures_path, index):
    for capture in index:
        if capture["format"] != "pcap" or capture["packets"] > 20_000 or capture["file"] in CUT:
            continue
        batches, _ = gather(open_source(fixtures_path / capture["file"]))
        with RawPcapReader(str(fixtures_path / capture["file"])) as reader:
            unit_ns = 1 if reader.nano else 1000
            expected = [(meta.sec * 10**9 + meta.usec * unit_ns, meta.wirelen) for _, meta in reader]
        actual = [
            pair for batch in batches for pair in zip(batch.time_ns.tolist(), batch.length_bytes.tolist(), strict=True)
        ]
        assert expected == actual, capture["file"]
