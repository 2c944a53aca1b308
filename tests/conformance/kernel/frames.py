"""IP packets as bytes, with true checksums, each marked so that it is known again on the other side.

The mark stands in the identification of IPv4 and in the flow label of IPv6, which a router leaves as they are; fragments
of one datagram have the same.
"""

import struct
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from typing import Final

Address = IPv4Address | IPv6Address

SEQUENCE: Final = 1000
"""The one number of every segment, as sequence and as acknowledgement: windows are not what is compared."""

_HOPS: Final = 64
_FRAGMENT: Final = 44

MARKS: Final = range(1, 65536)
"""0 is left to what the kernel sends by itself."""


def tcp(src: Address, dst: Address, ports: tuple[int, int], flags: int, data: bytes = b"") -> bytes:
    """A TCP segment."""
    head = struct.pack("!HHIIBBHHH", *ports, SEQUENCE, SEQUENCE, 5 << 4, flags, 8192, 0, 0)
    return _with_checksum(head + data, 16, _pseudo(src, dst, 6, len(head) + len(data)))


def udp(src: Address, dst: Address, ports: tuple[int, int], data: bytes = b"") -> bytes:
    """A UDP datagram."""
    length = 8 + len(data)
    return _with_checksum(struct.pack("!HHHH", *ports, length, 0) + data, 6, _pseudo(src, dst, 17, length))


def icmp(src: Address, dst: Address, kind: int, code: int, rest: bytes) -> bytes:
    """A message of ICMP or ICMPv6; `rest` is what follows the checksum."""
    message = struct.pack("!BBH", kind, code, 0) + rest
    return _with_checksum(message, 2, b"" if src.version == 4 else _pseudo(src, dst, 58, len(message)))


def whole(src: Address, dst: Address, protocol: int, payload: bytes, mark: int) -> bytes:
    """One packet."""
    if src.version == 4:
        return _ipv4(src, dst, protocol, payload, mark, 0)
    return _ipv6(src, dst, protocol, payload, mark)


def fragments(
    src: Address, dst: Address, protocol: int, payload: bytes, mark: int, cuts: tuple[int, ...]
) -> tuple[bytes, ...]:
    """The fragments of one packet, in order.

    Args:
        src: Its sender.
        dst: Its receiver.
        protocol: Of the payload.
        payload: What is cut.
        mark: The identification.
        cuts: Where, in bytes: multiples of 8 within the payload, rising.
    """
    edges = (0, *cuts, len(payload))
    made = []
    for begin, end in pairwise(edges):
        more = end < len(payload)
        if src.version == 4:
            made.append(_ipv4(src, dst, protocol, payload[begin:end], mark, begin // 8 | more << 13))
        else:
            head = struct.pack("!BBHI", protocol, 0, begin | more, mark)
            made.append(_ipv6(src, dst, _FRAGMENT, head + payload[begin:end], mark))
    return tuple(made)


def mark_of(packet: bytes) -> int:
    """The mark of a packet."""
    if packet[0] >> 4 == 4:
        return int.from_bytes(packet[4:6], "big")
    return int.from_bytes(packet[1:4], "big") & 0xFFFFF


def ends_of(packet: bytes) -> bytes:
    """Source and destination, as they stand in a packet."""
    return packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]


def _ipv4(src: Address, dst: Address, protocol: int, payload: bytes, mark: int, fragment: int) -> bytes:
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), mark, fragment, _HOPS, protocol, 0, src.packed, dst.packed
    )
    return _with_checksum(head, 10, b"") + payload


def _ipv6(src: Address, dst: Address, protocol: int, payload: bytes, mark: int) -> bytes:
    return struct.pack("!IHBB", 6 << 28 | mark, len(payload), protocol, _HOPS) + src.packed + dst.packed + payload


def _pseudo(src: Address, dst: Address, protocol: int, length: int) -> bytes:
    return src.packed + dst.packed + struct.pack("!II", length, protocol)


def _with_checksum(data: bytes, at: int, pseudo: bytes) -> bytes:
    """Put the Internet checksum in its place: the sum of 16-bit words modulo 65535, RFC 1071."""
    padded = pseudo + data + bytes(len(data) % 2)
    total = int.from_bytes(padded, "big") % 0xFFFF
    return data[:at] + ((0xFFFF - total) or 0xFFFF).to_bytes(2, "big") + data[at + 2 :]
