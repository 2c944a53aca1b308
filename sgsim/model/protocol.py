"""IP protocol numbers and names, and what their headers carry that a filter looks at.

Source: IANA protocol numbers and ICMP parameters; the names that EC2 accepts are `[aws-api]` IpPermission.IpProtocol.
"""

import enum
from typing import Final

from sgsim.errors import RuleError

ANY_PROTOCOL: Final = -1
"""The protocol of a rule that admits all traffic; EC2 writes it `-1`."""


class Protocol(enum.IntEnum):
    """The protocols that a security group tells apart by more than their number."""

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58


PORT_PROTOCOLS: Final = frozenset({Protocol.TCP, Protocol.UDP})
"""Protocols whose rules and five-tuples have ports. EC2 ignores ports of all others."""

ICMP_PROTOCOLS: Final = frozenset({Protocol.ICMP, Protocol.ICMPV6})
"""Protocols whose rules have a type and a code."""

ICMP_QUERIES: Final[dict[int, dict[int, int]]] = {
    Protocol.ICMP: {
        8: 0,  # echo, RFC 792
        13: 14,  # timestamp, RFC 792
        15: 16,  # information, RFC 792
        17: 18,  # address mask, RFC 950
    },
    Protocol.ICMPV6: {
        128: 129,  # echo, RFC 4443
        139: 140,  # node information, RFC 4620; what it asks for stands in the identifier's place
    },
}
"""For each protocol, the type of a query and the type of its answer; both carry an identifier."""

ICMP_ANSWERS: Final[dict[int, dict[int, int]]] = {
    protocol: {answer: query for query, answer in pairs.items()} for protocol, pairs in ICMP_QUERIES.items()
}
"""`ICMP_QUERIES` read from the other side: the type of an answer and the type of its query."""

ICMP_ERRORS: Final[dict[int, frozenset[int]]] = {
    Protocol.ICMP: frozenset({3, 4, 5, 11, 12}),  # RFC 792: they quote the packet that they are about
    Protocol.ICMPV6: frozenset(range(1, 5)),  # RFC 4443: unreachable, packet too big, time exceeded, parameter problem
}
"""For each protocol, the types that quote the packet which caused them."""

NEIGHBOUR_DISCOVERY_TYPES: Final = frozenset({130, 131, 132, 133, 134, 135, 136, 137, 143})
"""ICMPv6 types that keep a link alive: multicast listener discovery (RFC 2710, 3810) and neighbour discovery (RFC 4861)."""

_NAMES: Final[dict[int, str]] = {
    Protocol.ICMP: "icmp",
    Protocol.TCP: "tcp",
    Protocol.UDP: "udp",
    Protocol.ICMPV6: "icmpv6",
}
_NUMBERS: Final = {name: number for number, name in _NAMES.items()} | {"all": ANY_PROTOCOL}


def protocol_number(text: str | int) -> int:
    """Read a protocol as EC2 does: `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, `all` or a number.

    Raises:
        RuleError: If `text` is none of these.
    """
    name = str(text).strip().lower()
    if name in _NUMBERS:
        return _NUMBERS[name]
    if name == "-1":
        return ANY_PROTOCOL
    if name.isascii() and name.isdigit() and len(name) <= 3 and int(name) <= 255:
        return int(name)
    raise RuleError(f"protocol must be tcp, udp, icmp, icmpv6, -1, all or a number 0..255, got {text!r}")


def protocol_name(number: int) -> str:
    """Write a protocol as EC2 does: the name where EC2 has one, `all` for any, else the number."""
    return "all" if number == ANY_PROTOCOL else _NAMES.get(number, str(number))


class TcpFlags(enum.IntFlag):
    """The flag bits of a TCP header, RFC 9293 section 3.1."""

    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16
    URG = 32
    ECE = 64
    CWR = 128


CLIENT_PORT: Final = 32_768
"""Where ports of clients begin, unless told otherwise: from here up Linux takes those of the side that opens a flow."""

_FLAG_LETTERS: Final = {
    "F": TcpFlags.FIN,
    "S": TcpFlags.SYN,
    "R": TcpFlags.RST,
    "P": TcpFlags.PSH,
    "A": TcpFlags.ACK,
    "U": TcpFlags.URG,
    "E": TcpFlags.ECE,
    "C": TcpFlags.CWR,
}


def parse_tcp_flags(text: str) -> TcpFlags:
    """Read flags written as letters, `SA` for SYN and ACK; `-` stands for none.

    Raises:
        RuleError: If a letter stands for no flag.
    """
    flags = TcpFlags(0)
    for letter in "" if text == "-" else text.upper():
        if letter not in _FLAG_LETTERS:
            raise RuleError(f"TCP flags must be letters of {''.join(_FLAG_LETTERS)} or '-' for none, got {text!r}")
        flags |= _FLAG_LETTERS[letter]
    return flags


def format_tcp_flags(flags: int) -> str:
    """Write flags as letters, in the order of their bits; `-` if none is set."""
    return "".join(letter for letter, flag in _FLAG_LETTERS.items() if flags & flag) or "-"
