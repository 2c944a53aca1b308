"""What tells how recorded traffic is to be understood means the same in every command that reads some."""

import json

import pytest
from cli.web_traffic import ANSWER, OPENING, capture, frame
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from sources.capture_builders import ETHER, pcap

FORMAT = "${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${interface-id} ${log-status}"
RECORD = "198.51.100.7 192.0.2.10 40000 443 6 2 120 1790000000 1790000010 ACCEPT 192.0.2.10 OK\n"

READERS = {
    "replay": ("--format", "json"),
    "usage": ("--format", "json"),
    "tighten": ("--hold-out", "0", "--format", "json"),
    "sweep": ("--format", "json"),
}


def without_notes(text):
    """A document without its remarks: one of them tells what carried the packets."""
    return {name: value for name, value in json.loads(text).items() if name != "notes"}


@pytest.mark.parametrize("command", READERS)
def test_traffic_may_be_an_option(sgsim, web, command):
    as_argument = sgsim(command, *web, *READERS[command], "web.pcap")
    assert as_argument.exit_code == 0, as_argument.stderr
    assert sgsim(command, *web, *READERS[command], "-t", "web.pcap").stdout == as_argument.stdout


@pytest.mark.parametrize("command", READERS)
def test_mirrored_packets_are_judged_as_they_were(sgsim, web, here, command):
    outside = ETHER / IP(src="10.9.0.1", dst="10.9.0.2") / UDP(sport=65000, dport=4789) / VXLAN(vni=7, flags=8)
    inside = [Ether(frame(text)) for text in (OPENING, ANSWER)]
    (here / "plain.pcap").write_bytes(capture(OPENING, ANSWER))
    (here / "mirror.pcap").write_bytes(pcap(*(bytes(outside / each) for each in inside), unit_ns=1))
    plain = sgsim(command, *web, *READERS[command], "plain.pcap")
    mirrored = sgsim(command, *web, *READERS[command], "--inner", "vxlan", "mirror.pcap")
    assert mirrored.exit_code == 0, mirrored.stderr
    assert sgsim(command, *web, *READERS[command], "mirror.pcap").exit_code == 2
    told = mirrored.stdout.replace("--inner vxlan ", "").replace("mirror.pcap", "plain.pcap")
    assert without_notes(told) == without_notes(plain.stdout)


@pytest.mark.parametrize("command", READERS)
def test_flow_logs_of_any_format_are_read(sgsim, web, here, command):
    (here / "flows.log").write_text(RECORD, encoding="utf-8")
    assert sgsim(command, *web, *READERS[command], "flows.log").exit_code == 2
    result = sgsim(command, *web, *READERS[command], "--log-format", FORMAT, "flows.log")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("command", ["lint", "diff"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("--inner", "vxlan"), "--inner must go with -t TRAFFIC, got --inner vxlan alone"),
        (
            ("--log-format", "x", "--cold-start"),
            "--cold-start must go with -t TRAFFIC, got --cold-start --log-format x alone",
        ),
    ],
)
def test_options_of_traffic_are_refused_where_there_is_none(refused, web, command, given, expected):
    sides = ("rules.json", "rules.json") if command == "diff" else ()
    assert refused(command, *web, *given, *sides) == expected


def test_the_traffic_of_a_diff_and_of_lint_too(sgsim, web, here):
    (here / "flows.log").write_text(RECORD, encoding="utf-8")
    outside = ETHER / IP(src="10.9.0.1", dst="10.9.0.2") / UDP(sport=65000, dport=4789) / VXLAN(vni=7, flags=8)
    (here / "mirror.pcap").write_bytes(pcap(bytes(outside / Ether(frame(OPENING)))))
    for how in (("--log-format", FORMAT, "-t", "flows.log"), ("--inner", "vxlan", "-t", "mirror.pcap")):
        compared = sgsim("diff", "--interface", "192.0.2.10=sg-web", *how, "rules.json", "rules.json")
        assert (compared.exit_code, compared.stderr) == (0, "")
        assert sgsim("lint", *web, *how).exit_code in {0, 1}
        assert sgsim("diff", "--interface", "192.0.2.10=sg-web", *how[2:], "rules.json", "rules.json").exit_code == 2
