"""A file that is given twice is judged twice, and said to be."""

import gzip
import io
from pathlib import Path

import pytest
from builders import group, interface, inventory
from cli.web_traffic import capture
from simulation.flow_log_texts import default_lines, record

import sgsim

RULES = inventory(group("tcp 443 from 0.0.0.0/0"), interface(), interface("192.0.2.11", interface_id="eni-b"))
OPENING = "tcp 198.51.100.7:1 -> 192.0.2.10:443 S"


def notes(*traffic):
    """What is noted on files."""
    summary = sgsim.replay(RULES, list(traffic), keep=False).summary
    return [note for note in summary.notes if "no VPC CIDR" not in note]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = default_lines([record("198.51.100.7:40000 192.0.2.10:443")])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "b.log.gz").write_bytes(gzip.compress(log.encode()))
    (tmp_path / "a.log").write_text(log)
    (tmp_path / "also.log").symlink_to("a.log")
    (tmp_path / "copy.log").write_text(log)
    (tmp_path / "web.pcap").write_bytes(capture(OPENING, OPENING, times_s=(0, 1)))


@pytest.mark.parametrize(
    ("traffic", "note"),
    [
        (["a.log", "a.log"], "a.log is given twice; its records count twice"),
        (["a.log"] * 3, "a.log is given 3 times; its records count 3 times"),
        (["a.log", "also.log"], "a.log and also.log are the same file, given twice; its records count twice"),
        (["logs", "a.log", "./logs/b.log.gz"],
         "logs/b.log.gz and ./logs/b.log.gz are the same file, given twice; its records count twice"),
        (["logs", "logs"], "logs/b.log.gz is given twice; its records count twice"),
        (["logs", "a.log"] * 2, "logs/b.log.gz and 1 other file are given more than once; their records count as often"),
        (["logs", "a.log", "copy.log"] * 2,
         "logs/b.log.gz and 2 other files are given more than once; their records count as often"),
        (["web.pcap", "web.pcap"], "web.pcap is given twice; its packets count twice"),
        (["eni-a=web.pcap"] * 2, "web.pcap is given twice; its packets count twice"),
        (["web.pcap", "eni-a=web.pcap"], "web.pcap is given twice; its packets count twice"),
    ],
)  # fmt: skip
def test_one_note_says_that_a_file_is_given_twice(traffic, note):
    assert notes(*traffic) == [note]


@pytest.mark.parametrize("traffic", [["a.log", "copy.log", "logs"], ["eni-a=web.pcap", "eni-b=web.pcap"]])
def test_other_files_with_the_same_content_are_no_matter_nor_is_a_capture_at_several_interfaces(traffic):
    assert notes(*traffic) == []


def test_streams_are_not_files():
    with Path("web.pcap").open("rb") as one:
        assert notes(one, io.BytesIO(capture(OPENING, times_s=(60,)))) == []


def test_it_is_told_of_packets_that_are_saved_too(tmp_path):
    result = sgsim.replay(RULES, ["web.pcap", "web.pcap"], keep=False, write_allowed=tmp_path / "out.pcap")
    assert "web.pcap is given twice; its packets count twice" in result.summary.notes
