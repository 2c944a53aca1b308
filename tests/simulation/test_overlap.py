"""Captures of both ends of a wire, given without their interfaces, are noticed."""

import io

import pytest
from builders import group, interface, inventory
from scapy.layers.inet import IP, TCP
from sources.capture_builders import ETHER, pcap

import sgsim

RULES = inventory(
    group("tcp 443 from 10.0.0.0/8", "all to 10.0.0.0/8"),
    interface("10.0.0.5"),
    interface("10.0.0.6", interface_id="eni-b"),
)


def capture(name, *ports, begin_ns=0, step_ns=1_000_000):
    frames = [bytes(ETHER / IP(src="10.0.0.5", dst="10.0.0.6") / TCP(sport=port, dport=443)) for port in ports]
    times = [begin_ns + place * step_ns for place in range(len(frames))]
    stream = io.BytesIO(pcap(*frames, times_ns=times, unit_ns=1))
    stream.name = name
    return stream


def warnings(*captures):
    notes = sgsim.replay(RULES, list(captures), keep=False).summary.notes
    return [note for note in notes if "both ends" in note]


def test_both_ends_of_a_wire_are_noticed():
    (warning,) = warnings(capture("a", *range(100, 150)), capture("b", *range(100, 150), begin_ns=200_000))
    assert warning == (
        "a and b seem to hold the same packets, taken at both ends: 50 of 50 that were compared. "
        "Each is judged twice; say where each capture was taken, as INTERFACE=FILE"
    )


def test_part_of_a_longer_capture_is_noticed():
    assert warnings(capture("a", *range(100, 1000)), capture("b", *range(200, 240), begin_ns=100_300_000))


def test_other_packets_are_no_matter():
    assert not warnings(capture("a", *range(100, 150)), capture("b", *range(200, 250)))


def test_captures_one_after_the_other_may_go_on_with_the_same_flow():
    assert not warnings(capture("a", *[100] * 50), capture("b", *[100] * 50, begin_ns=60_000_000))


def test_the_same_packets_much_later_are_others():
    both = (
        capture("a", *range(100, 150), 1, step_ns=10**8),
        capture("b", *range(100, 150), begin_ns=2 * 10**9, step_ns=10**8),
    )
    assert not warnings(*both)


def test_bound_captures_are_right_as_they_are(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(capture(name, *range(100, 150)).getvalue())
    assert not warnings(f"eni-a={tmp_path / 'a'}", f"eni-b={tmp_path / 'b'}")


@pytest.mark.parametrize("most", [1, 10])
def test_memory_is_bounded(monkeypatch, most):
    monkeypatch.setattr("sgsim.simulation.overlap.MOST", most)
    warnings(capture("a", *range(100, 400)), capture("b", *range(100, 400)))
