"""The example records of the AWS documentation, and what writes records for tests. Source: `[aws-fle]`."""

from collections.abc import Iterable
from typing import Any

DEFAULT = """\
2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK
2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK
2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA
2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA
"""
PING = """\
2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK
2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK
"""
IPV6 = """\
2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 \
34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK
"""
CUSTOM_FORMAT = (
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr "
    "pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"
)
_CUSTOM_BEGIN = (
    "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 "
)
CUSTOM = "".join(
    _CUSTOM_BEGIN + rest + "\n"
    for rest in (
        "52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK",
        "10.0.0.62 52.213.180.42 5001 43416 10.0.0.62 52.213.180.42 6 376 7 1566848875 1566848933 ACCEPT 18 OK",
        "10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 63388 1219 1566848933 1566849113 ACCEPT 1 OK",
        "52.213.180.42 10.0.0.62 43638 5001 52.213.180.42 10.0.0.62 6 1260 17 1566933133 1566933193 ACCEPT 3 OK",
        "10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 ACCEPT 19 OK",
    )
)
NAT_FORMAT = "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
TRANSIT_FORMAT = (
    "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags "
    "type pkt-srcaddr pkt-dstaddr action log-status"
)
V5_FORMAT = (
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id "
    "instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr "
    "pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status"
)
V5 = """\
5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 vpc-abcdefab012345678 \
subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 19 \
52.95.128.179 10.0.0.71 S3 - - ingress OK
5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 vpc-abcdefab012345678 \
subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 3 \
10.0.0.71 52.95.128.179 - S3 8 egress OK
"""

FLAGGED = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status "
    "tcp-flags flow-direction"
)
"""The default format with what tells most about flows."""


def record(flow: str, **values: Any) -> str:
    """A line of the format `FLAGGED`: `record("10.0.0.9:40000 10.0.0.5:443", start=5, flags=2)`."""
    given: dict[str, Any] = {
        "protocol": 6,
        "packets": 10,
        "bytes": 840,
        "action": "ACCEPT",
        "eni": "eni-a",
        "flags": "-",
        "way": "-",
    }
    given |= {"start": 0, "length": 50} | values
    (src, sport), (dst, dport) = (each.rsplit(":", 1) for each in flow.split())
    start = 1_700_000_000 + given["start"]
    end = start + (0 if given["packets"] == 1 else given["length"])
    return (
        f"3 123456789010 {given['eni']} {src} {dst} {sport} {dport} {given['protocol']} {given['packets']} "
        f"{given['bytes']} {start} {end} {given['action']} OK {given['flags']} {given['way']}"
    )


def log(*lines: str, header: str = FLAGGED) -> str:
    """A log with a header."""
    return "\n".join((header, *lines)) + "\n"


def default_lines(lines: Iterable[str]) -> str:
    """The same records in the default format, which has no flags and no header."""
    return "".join(" ".join(["2", *line.split()[1:14]]) + "\n" for line in lines)
