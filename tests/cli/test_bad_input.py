"""Each thing that can be wrong is one line: where, what must be, what was got; exit code 2."""

import json
import struct
from pathlib import Path

import pytest
from cli.web_traffic import ANSWER, OPENING, WEB, capture
from scapy.layers.inet import IP, TCP
from sources.capture_builders import ETHER, pcap


def rules(**change) -> str:
    """A document of one group with one rule, in the shape of AWS, with a field changed."""
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], **change}
    return json.dumps({"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "one", "IpPermissions": [permission]}]})


PLACE = "rules.json, SecurityGroups[0].IpPermissions[0]"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{", "rules.json, line 1, column 2: "),
        ("[1]", "rules.json: document must be one of: output of aws ec2 "),
        ('{"SecurityGroups": 5}', "rules.json, SecurityGroups: "),
        (rules(FromPort=443, ToPort=80), f"{PLACE}.FromPort: "),
        (rules(FromPort=70000, ToPort=70000), f"{PLACE}.FromPort: "),
        (rules(FromPort="https"), f"{PLACE}.FromPort: "),
        (rules(IpProtocol="tpc"), f"{PLACE}.IpProtocol: "),
        (rules(IpRanges=[{"CidrIp": "10.0.0.0/33"}]), f"{PLACE}.IpRanges[0].CidrIp: "),
        (rules(IpRanges="0.0.0.0/0"), f"{PLACE}.IpRanges: "),
    ],
)
@pytest.mark.usefixtures("web")
def test_documents(refused, document, expected):
    Path("rules.json").write_text(document)
    line = refused("replay", "-r", "rules.json", "--interface", "192.0.2.10=sg-1", "web.pcap")
    assert line.startswith(expected)
    assert "must be" in line
    assert ", got " in line


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), "rules must be given as at least one file or directory, got none: add -r RULES"),
        (("-r", "nowhere.json"), "nowhere.json: document must be a readable file, got: No such file or directory"),
        (("-r", "empty"), "empty: directory must hold documents named *.json, *.yaml, *.yml, got none"),
        (
            ("-r", "rules.json", "--interface", "192.0.2.10="),
            (
                "--interface 192.0.2.10=: value must be ADDRESS[,ADDRESS]=GROUP[,GROUP] with nothing left out, "
                "got '192.0.2.10='"
            ),
        ),
        (
            ("-r", "rules.json", "--interface", "192.0.2.10=sg-2"),
            (
                "--interface 192.0.2.10=sg-2: group must be one that a document describes, got 'sg-2'; known are "
                "sg-web, sg-open"
            ),
        ),
        (
            ("-r", "rules.json", "--interface", "192.0.2=sg-web"),
            "--interface 192.0.2=sg-web: ",
        ),
        (("-r", "rules.json", "--vpc-cidr", "10.0.0.0/33"), "--vpc-cidr 10.0.0.0/33: "),
        (("-r", "rules.json", "--vpc", "vpc-2"), "--vpc vpc-2: VPC must be one of "),
        (("-r", "rules.json", "--members", "sg-web"), "--members sg-web: value must be GROUP=ADDRESS|CIDR[,...]"),
        (("-r", "rules.json", "--path", "10.0.0.0/8=moon"), "--path 10.0.0.0/8=moon: "),
        (("-r", "rules.json", "--change", "soon=rules.json"), "--change must be TIME=RULES with TIME in seconds"),
        (("--engine", "fast"), "--engine must be one of auto, reference, compiled, got 'fast'"),
        (("--format", "xml"), "--format must be one of text, json, got 'xml'"),
        (("--decisions", "rows.txt"), "--decisions must end in .jsonl, .csv or .parquet, or be '-', got 'rows.txt'"),
        (("--flows", "rows"), "--flows must end in .jsonl, .csv or .parquet, or be '-', got 'rows'"),
        (("--report", "report.pdf"), "--report must end in .json, .html or .md, got 'report.pdf'"),
        (
            ("--decisions", "-", "--flows", "-"),
            "standard output must be given to one table, got --decisions or --flows - twice",
        ),
    ],
)
@pytest.mark.usefixtures("web")
def test_options(refused, args, expected):
    Path("empty").mkdir()
    line = refused("replay", *args, "web.pcap")
    assert line.startswith(expected)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\n\n---\n---\n"])
@pytest.mark.usefixtures("web")
def test_documents_of_nothing(refused, text):
    Path("nothing.yaml").write_text(text)
    line = refused("lint", "-r", "nothing.yaml")
    assert "document must be one of: " in line
    assert line.endswith(", got nothing")
    assert refused("test", "nothing.yaml").startswith("nothing.yaml")


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("half.json", r'{"groups": {"sg-1": {"name": "a\ud800b"}}}', "groups.sg-1.name"),
        ("half.json", r'{"groups": {"a\udfffb": {}}}', "groups"),
        ("half.yaml", 'groups: {sg-1: {name: "a\\ud800b"}}', "line 1, column 23"),
    ],
)
@pytest.mark.usefixtures("here")
def test_half_of_a_character(refused, name, text, place):
    Path(name).write_text(text)
    line = refused("lint", "-r", name)
    assert line.startswith(f"{name}, {place}: text must be whole characters, got half of one: 'a\\ud")


@pytest.mark.usefixtures("here")
def test_both_halves_of_a_character_are_one(sgsim):
    Path("whole.json").write_text(r'{"groups": {"sg-1": {"name": "\ud83d\ude00"}}}')
    assert (
        sgsim("convert", "--to", "yaml", "-r", "whole.json").stdout
        == 'groups:\n  sg-1:\n    name: "\U0001f600"\n    ingress: []\n'
    )


def test_no_traffic(refused, web):
    assert refused("replay", *web) == "traffic must be at least one capture or flow log, got none"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "text.pcap",
            b"hello, this is no capture at all",
            "text.pcap: traffic must be a pcap or pcapng capture, or a flow log (also gzip), got ",
        ),
        ("empty.pcap", b"", "empty.pcap: "),
        ("short.pcap", capture(OPENING)[:20], "short.pcap: "),
        ("cut.pcap", capture(OPENING)[:30], "cut.pcap, packet 1"),
    ],
)
def test_what_is_no_capture(refused, web, name, content, expected):
    Path(name).write_bytes(content)
    line = refused("replay", *web, name)
    assert line.startswith(expected)
    assert "must be" in line
    assert ", got " in line


def test_a_file_that_is_not_there(refused, web):
    assert refused("replay", *web, "nowhere.pcap").startswith("nowhere.pcap: ")


def test_an_unknown_interface_of_a_file(refused, web):
    assert refused("replay", *web, "eni-x=web.pcap") == (
        "interface of 'eni-x=web.pcap' must be a known one, got 'eni-x'; known are 192.0.2.10"
    )


def test_a_capture_that_breaks_off_is_reported_up_to_there(sgsim, web):
    Path("cut.pcap").write_bytes(capture(OPENING, ANSWER, OPENING)[:-5])
    result = sgsim("replay", *web, "--decisions", "rows.csv", "--report", "report.json", "cut.pcap")
    assert result.exit_code == 2
    assert "2 read = 2 judged + 0 skipped" in result.stdout
    assert "The input could not be read to its end; this is what came before: cut.pcap, packet 3" in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("sgsim: cut.pcap, packet 3 at byte ")
    assert line.endswith("packet data must be 54 bytes, got 49 before the file ends")
    assert len(Path("rows.csv").read_text().splitlines()) == 1 + 2
    assert json.loads(Path("report.json").read_text())["broken"] == line.removeprefix("sgsim: ")


def test_an_unknown_link_type_is_counted_and_named(sgsim, web):
    Path("odd.pcap").write_bytes(pcap(b"12345678", b"12345678", link_type=147))
    result = sgsim("replay", *web, "odd.pcap")
    assert result.exit_code == 2
    assert "skip  unsupported        2" in result.stdout
    assert result.stderr == (
        "sgsim: odd.pcap: link type must be one that sgsim or scapy reads, such as 1 (Ethernet), got 147\n"
    )


def test_malformed_packets_are_skipped_and_counted(sgsim, web):
    good = bytes(ETHER / IP(src="198.51.100.7", dst="192.0.2.10") / TCP(sport=40000, dport=443, flags="S"))
    bad_header = bytearray(good)
    bad_header[14] = 0x41  # a header of 4 bytes
    Path("odd.pcap").write_bytes(pcap(good, bytes(bad_header), good[:30], struct.pack(">14x"), wire_bytes=54))
    result = sgsim("replay", *web, "odd.pcap")
    assert result.exit_code == 0
    assert "4 read = 1 judged + 3 skipped" in result.stdout
    assert {"malformed", "truncated", "not_ip"} <= set(result.stdout.split())


@pytest.mark.usefixtures("web")
def test_no_packet_at_a_known_interface(refused):
    Path("one.json").write_text(json.dumps({"groups": {"sg-web": WEB["groups"]["sg-web"]}}))
    assert refused("replay", "-r", "one.json", "web.pcap") == (
        "traffic must touch a known interface, got 3 packets whose commonest addresses are 192.0.2.10 (3 packets), "
        "198.51.100.7 (2 packets), 203.0.113.9 (1 packet); no interface is given: add --interface 192.0.2.10=sg-web"
    )


@pytest.mark.usefixtures("web")
def test_no_packet_and_several_groups(refused):
    line = refused("replay", "-r", "rules.json", "web.pcap")
    assert line.endswith("no interface is given: add --interface 192.0.2.10=GROUP, where groups are sg-web, sg-open")


@pytest.mark.usefixtures("web")
def test_a_capture_from_outside_has_public_addresses(refused):
    document = {
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": "eni-a",
                "PrivateIpAddress": "10.0.0.5",
                "PrivateIpAddresses": [
                    {"PrivateIpAddress": "10.0.0.5", "Association": {"PublicIp": "192.0.2.10"}},
                ],
                "Groups": [{"GroupId": "sg-web"}],
            }
        ]
    }
    Path("interfaces.json").write_text(json.dumps(document))
    line = refused("replay", "-r", "rules.json", "-r", "interfaces.json", "web.pcap")
    assert line.endswith(
        "; 192.0.2.10 is the public address of eni-a, which groups never see: capture at the instance, where it is "
        "10.0.0.5; known are eni-a (10.0.0.5)"
    )


def test_an_output_that_cannot_be_written(refused, web):
    assert refused("replay", *web, "--decisions", "no/rows.csv", "web.pcap") == (
        "table must be a file that can be written, got 'no/rows.csv': No such file or directory"
    )
    line = refused("replay", *web, "--quiet", "--report", "no/report.md", "web.pcap")
    assert line == "report must be a file that can be written, got 'no/report.md': No such file or directory"
