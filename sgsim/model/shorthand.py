"""A packet in one line, as people type it.

`tcp 198.51.100.7:40000 -> 10.0.0.5:443`, `icmp 192.0.2.1 -> 10.0.0.5 type 8 code 0`,
`udp [2001:db8::1]:53 -> [fd00::5]:4000`, `47 192.0.2.1 -> 10.0.0.5`. `to` may stand for `->`. A TCP packet may end in
its flags (`SA`; `-` for no flag at all; a lone SYN if they are left out). The source port may be left out;
`DEFAULT_SOURCE_PORT` is then taken.
"""

import re
from typing import Final

from attrs import frozen

from sgsim.errors import RuleError
from sgsim.model.address import Family, parse_address
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.packet import Packet
from sgsim.model.protocol import (
    ANY_PROTOCOL,
    ICMP_ANSWERS,
    ICMP_PROTOCOLS,
    ICMP_QUERIES,
    PORT_PROTOCOLS,
    Protocol,
    TcpFlags,
    parse_tcp_flags,
    protocol_name,
    protocol_number,
)

DEFAULT_SOURCE_PORT: Final = 40000

_FORM: Final = "PROTOCOL SOURCE[:PORT] -> DESTINATION[:PORT], such as tcp 198.51.100.7:40000 -> 10.0.0.5:443"
_ENDPOINT: Final = re.compile(
    r"\[(?P<v6>[^\]]+)\](:(?P<port6>\d+))?|(?P<v4>[^:\[\]]+)(:(?P<port4>\d+))?|(?P<bare6>[^\[\]]+)",
    re.ASCII,
)


@frozen
class ParsedPacket:
    """A packet, and what was assumed because the text left it out."""

    packet: Packet
    assumed: tuple[str, ...] = ()


def parse_packet(text: str) -> ParsedPacket:
    """Read a packet.

    Raises:
        RuleError: If the text is not of the form, saying which part is not.
    """
    words = text.split()
    if words and words[-1] == "-" and len(words) < 5:
        raise RuleError(f"packet must be quoted, got {text!r}: the shell has taken '>' as a redirection; or write 'to'")
    if len(words) < 4 or words[2] not in {"->", "to"}:
        raise RuleError(f"packet must be {_FORM}, got {text!r}")
    protocol = protocol_number(words[0])
    if protocol == ANY_PROTOCOL:
        raise RuleError(f"protocol of a packet must be one protocol, got {words[0]!r}")
    src, dst, rest = words[1], words[3], words[4:]
    if protocol in PORT_PROTOCOLS:
        return _with_ports(protocol, src, dst, rest)
    five_tuple = _five_tuple(protocol, _address_only(src, protocol), _address_only(dst, protocol))
    if protocol in ICMP_PROTOCOLS:
        return _icmp(five_tuple, rest)
    _nothing_more(rest)
    return ParsedPacket(Packet(five_tuple))


def _with_ports(protocol: int, src: str, dst: str, rest: list[str]) -> ParsedPacket:
    src_text, src_port = _endpoint(src)
    dst_text, dst_port = _endpoint(dst)
    if dst_port is None:
        raise RuleError(f"destination must have a port, such as 10.0.0.5:443 or [2001:db8::5]:443, got {dst!r}")
    assumed: tuple[str, ...] = ()
    if src_port is None:
        src_port, assumed = DEFAULT_SOURCE_PORT, (f"source port {DEFAULT_SOURCE_PORT}",)
    five_tuple = _five_tuple(protocol, (src_text, src_port), (dst_text, dst_port))
    if protocol == Protocol.UDP:
        _nothing_more(rest)
        return ParsedPacket(Packet(five_tuple), assumed)
    flags = parse_tcp_flags(rest[0]) if rest else TcpFlags.SYN
    _nothing_more(rest[1:])
    return ParsedPacket(Packet(five_tuple, tcp_flags=flags), assumed)


def _icmp(five_tuple: FiveTuple, rest: list[str]) -> ParsedPacket:
    values: dict[str, int] = {}
    for name, value in zip(rest[::2], rest[1::2], strict=False):
        number = _number(value, 65535 if name == "id" else 255)
        if name not in {"type", "code", "id"} or name in values or number is None:
            raise RuleError(f"ICMP packet must go on with 'type N code N [id N]', got {' '.join(rest)!r}")
        values[name] = number
    if len(rest) % 2:
        raise RuleError(f"ICMP packet must go on with 'type N code N [id N]', got {' '.join(rest)!r}")
    queries, answers = ICMP_QUERIES[five_tuple.protocol], ICMP_ANSWERS[five_tuple.protocol]
    icmp_type, code = values.get("type", next(iter(queries))), values.get("code", 0)
    assumed = () if "type" in values else (f"type {icmp_type} code {code}, an echo request",)
    if icmp_type in queries:
        five_tuple = five_tuple._replace(src_port=values.get("id", 1))
    elif icmp_type in answers:
        five_tuple = five_tuple._replace(dst_port=values.get("id", 1))
    return ParsedPacket(Packet(five_tuple, icmp_type=icmp_type, icmp_code=code), assumed)


def _endpoint(text: str) -> tuple[str, int | None]:
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        raise RuleError(f"address must be ADDRESS[:PORT] or [IPV6]:PORT, got {text!r}")
    port_text = match["port6"] or match["port4"]
    port = None if port_text is None else _number(port_text, 65535)
    if port_text is not None and port is None:
        raise RuleError(f"port must be 0..65535, got {port_text}")
    return match["v6"] or match["v4"] or match["bare6"], port


def _number(text: str, last: int) -> int | None:
    """Read a number from 0 to `last`; None if the text is none."""
    is_short = text.isascii() and text.isdigit() and len(text) <= len(str(last))
    return int(text) if is_short and int(text) <= last else None


def _address_only(text: str, protocol: int) -> tuple[str, int]:
    address, port = _endpoint(text)
    if port is not None:
        raise RuleError(f"{protocol_name(protocol)} has no ports, got {text!r}")
    return address, 0


def _five_tuple(protocol: int, src: tuple[str, int], dst: tuple[str, int]) -> FiveTuple:
    (src_addr, family), (dst_addr, dst_family) = parse_address(src[0]), parse_address(dst[0])
    if family is not dst_family:
        raise RuleError(f"source and destination must be of one family, got {src[0]} and {dst[0]}")
    if protocol == Protocol.ICMP and family is Family.IPV6:
        raise RuleError(f"protocol must be icmpv6 with IPv6 addresses, got icmp with {src[0]}")
    if protocol == Protocol.ICMPV6 and family is Family.IPV4:
        raise RuleError(f"protocol must be icmp with IPv4 addresses, got icmpv6 with {src[0]}")
    return FiveTuple(src_addr, src[1], dst_addr, dst[1], protocol, family)


def _nothing_more(rest: list[str]) -> None:
    if rest:
        raise RuleError(f"packet must be {_FORM}, got {' '.join(rest)!r} after it")
