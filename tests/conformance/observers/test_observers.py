"""What Zeek, Arkime and Suricata say of captures, sgsim says too; `differences.json` lists where not, and why.

It is about who opened each flow, how many packets went each way, and how it ended. A difference that is not listed, and
a listed one that is none any more, are both failures.
"""

import json
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.observers.compare import (
    SURICATA_KEYS,
    SURICATA_OTHER_KEYS,
    Difference,
    arkime_differences,
    suricata_differences,
    zeek_differences,
)
from conformance.observers.seen import Ends, flows_in

from sgsim.model.states import TcpState

LISTED = json.loads((Path(__file__).parent / "differences.json").read_text(encoding="utf-8"))

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
"""RFC 9293 section 3.1."""

OBSERVERS = {"zeek": zeek_differences, "arkime": arkime_differences, "suricata": suricata_differences}


@pytest.mark.parametrize("observer", OBSERVERS)
def test_every_difference_is_listed(fixtures_path, observer):
    expected = {
        Difference(*(entry[name] for name in Difference._fields))
        for entry in LISTED["differences"]
        if entry["observer"] == observer
    }
    assert expected == set(OBSERVERS[observer](fixtures_path))


def test_every_difference_has_a_reason():
    reasons = {entry["why"] for entry in LISTED["differences"]}
    assert reasons == LISTED["definitions"].keys()


def test_most_flows_agree(fixtures_path):
    """Counted, so that an empty comparison cannot pass."""
    listed = Counter(entry["observer"] for entry in LISTED["differences"])
    for name, file in (("zeek", "zeek_pairs.json"), ("arkime", "arkime_pairs.json")):
        flows = sum(len(pair["flows"]) for pair in json.loads((fixtures_path / file).read_text())["pairs"])
        assert flows > 170
        assert listed[name] < flows / 10


def test_suricatas_checks_ask_nothing_else(fixtures_path):
    tests = json.loads((fixtures_path / "suricata_flow_checks.json").read_text())["tests"]
    asked = {key for test in tests for check in test["flow_checks"] for key in check["match"]}
    assert asked <= SURICATA_KEYS | SURICATA_OTHER_KEYS


def segments_in(path: Path) -> Iterator[tuple[tuple[str, int], tuple[str, int], int]]:
    """Sender, receiver and flags of each TCP segment of a capture of Ethernet and IPv4, by the offsets of the standards."""
    data, at = path.read_bytes(), 24
    while at < len(data):
        (kept,) = struct.unpack_from("<8xI", data, at)
        frame, at = data[at + 16 : at + 16 + kept], at + 16 + kept
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        tcp = 14 + frame[14] % 16 * 4
        ports = struct.unpack_from(">2H", frame, tcp)
        addresses = (".".join(map(str, frame[begin : begin + 4])) for begin in (26, 30))
        sender, receiver = zip(addresses, ports, strict=True)
        yield sender, receiver, frame[tcp + 13]


def counted_by_hand(path: Path) -> dict[Ends, tuple[list[int], list[int]]]:
    """Packets of each side, and all flags that it sent, of every connection whose first SYN is in the capture."""
    found: dict[Ends, tuple[list[int], list[int]]] = {}
    for sender, receiver, flags in segments_in(path):
        ends = Ends(6, *sender, *receiver)
        if ends.turned() not in found and flags & (SYN | ACK) == SYN:
            found.setdefault(ends, ([0, 0], [0, 0]))
        is_back = ends not in found
        if (opened := ends.turned() if is_back else ends) in found:
            packets, sent = found[opened]
            packets[is_back] += 1
            sent[is_back] |= flags
    return found


def test_a_flow_is_seen_from_both_ends(fixtures_path):
    """Either end sees the packets that are counted in the bytes of the capture by hand, and the same opener."""
    path = fixtures_path / "pcaps" / "zeek" / "wikipedia.pcap"
    by_hand, seen = counted_by_hand(path), flows_in(path)
    assert len(by_hand) == 8
    for ends, (packets, (there, back)) in by_hand.items():
        stays_open = back & (SYN | ACK) == SYN | ACK and there & ACK and not (there | back) & (FIN | RST)
        for at in (ends.src_addr, ends.dst_addr):
            assert seen[at][ends].packets == packets
            assert ends.turned() not in seen[at]
            assert (seen[at][ends].states == [TcpState.ESTABLISHED]) is bool(stays_open)
