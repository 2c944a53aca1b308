"""What may be sent: packets of a talk between two ends, and ICMP errors about them."""

from ipaddress import ip_address
from typing import Final, NamedTuple

from conformance.kernel import frames
from conformance.kernel.frames import Address

from sgsim.model.protocol import ICMP_ANSWERS, ICMP_PROTOCOLS, ICMP_QUERIES, Protocol
from sgsim.model.states import Direction

HOSTS: Final = tuple(map(ip_address, ("192.0.2.10", "192.0.2.11", "2001:db8::10", "2001:db8::11")))
"""Addresses of the one interface, inside."""

PEERS: Final = tuple(map(ip_address, ("198.51.100.7", "203.0.113.9", "10.0.0.9", "2001:db8:1::7", "2001:db8:2::9")))
"""Everybody else, outside."""

_INFORMATION: Final = (15, 16)
"""Information request and reply: the only queries without anything after the identifier and sequence number."""


class Talk(NamedTuple):
    """Two ends and what they speak."""

    host: Address
    peer: Address
    protocol: int
    host_port: int = 0
    """Of ICMP the identifier."""
    peer_port: int = 0

    def ends(self, way: Direction) -> tuple[Address, Address]:
        """Sender and receiver."""
        return (self.host, self.peer) if way is Direction.EGRESS else (self.peer, self.host)

    def ports(self, way: Direction) -> tuple[int, int]:
        """Those of sender and receiver."""
        ports = (self.host_port, self.peer_port)
        return ports if way is Direction.EGRESS else ports[::-1]


class Send(NamedTuple):
    """One packet of a talk."""

    talk: Talk
    way: Direction
    """EGRESS: the host sends it."""
    flags: int = 0
    """Of TCP."""
    kind: int = 0
    """Of ICMP, its type."""
    code: int = 0
    """Of ICMP."""
    size_bytes: int = 0
    """Data after the transport header."""
    cuts: tuple[int, ...] = ()
    """Where it is cut into fragments, in units of 8 bytes."""
    order: tuple[int, ...] = ()
    """In which order its fragments are sent, by their places; empty for their own."""


class Tell(NamedTuple):
    """An ICMP error."""

    about: Send
    """What it quotes; perhaps nobody has sent it."""
    way: Direction
    sender: Address
    receiver: Address
    kind: int = 3
    code: int = 0
    quoted_bytes: int = 8
    """How much is quoted behind the IP header, at least 8."""


Move = Send | Tell


class Datagram(NamedTuple):
    """A packet on the wire, whole or in fragments."""

    move: Move
    way: Direction
    frames: tuple[bytes, ...]
    """In the order in which they are sent."""
    first: int
    """Which of them is the first fragment: what it says decides."""


def datagram(move: Move, mark: int) -> Datagram:
    """Put a move on the wire."""
    if isinstance(move, Tell):
        return Datagram(move, move.way, (_error(move, mark),), 0)
    src, dst = move.talk.ends(move.way)
    payload = _payload(move)
    if not move.cuts:
        return Datagram(move, move.way, (frames.whole(src, dst, move.talk.protocol, payload, mark),), 0)
    made = frames.fragments(src, dst, move.talk.protocol, payload, mark, tuple(8 * cut for cut in move.cuts))
    order = move.order or tuple(range(len(made)))
    return Datagram(move, move.way, tuple(made[place] for place in order), order.index(0))


def _payload(move: Send) -> bytes:
    src, dst = move.talk.ends(move.way)
    data = bytes(move.size_bytes)
    match move.talk.protocol:
        case Protocol.TCP:
            return frames.tcp(src, dst, move.talk.ports(move.way), move.flags, data)
        case Protocol.UDP:
            return frames.udp(src, dst, move.talk.ports(move.way), data)
        case Protocol.ICMP | Protocol.ICMPV6:
            return frames.icmp(src, dst, move.kind, move.code, _identified(move) + data)
    return bytes(8) + data


def _identified(move: Send) -> bytes:
    """What follows the checksum: identifier, sequence number, and what else the type has."""
    rest = move.talk.host_port.to_bytes(2, "big") + bytes(2)
    return rest if move.kind in _INFORMATION else rest + bytes(16)


def _error(move: Tell, mark: int) -> bytes:
    src, dst = move.about.talk.ends(move.about.way)
    quoted = frames.whole(src, dst, move.about.talk.protocol, _payload(move.about), mark)
    head = 20 if src.version == 4 else 40
    protocol = Protocol.ICMP if src.version == 4 else Protocol.ICMPV6
    message = frames.icmp(
        move.sender, move.receiver, move.kind, move.code, bytes(4) + quoted[: head + move.quoted_bytes]
    )
    return frames.whole(move.sender, move.receiver, protocol, message, mark)


def said(move: Move) -> str:
    """A move in words, for reports."""
    if isinstance(move, Tell):
        return f"icmp error {move.sender} -> {move.receiver} type {move.kind} about ({said(move.about)})"
    (src, dst), ports, protocol = move.talk.ends(move.way), move.talk.ports(move.way), move.talk.protocol
    cut = f" in {len(move.cuts) + 1} fragments {move.order or ''}" if move.cuts else ""
    if protocol in ICMP_PROTOCOLS:
        return f"icmp {src} -> {dst} type {move.kind} code {move.code} id {move.talk.host_port}{cut}"
    if protocol == Protocol.TCP:
        return f"tcp {src} {ports[0]} -> {dst} {ports[1]} flags {move.flags:#x}{cut}"
    return f"{protocol} {src} {ports[0]} -> {dst} {ports[1]}{cut}"


def is_query(move: Send) -> bool:
    """Whether it is an ICMP query or the answer to one."""
    protocol = move.talk.protocol
    return protocol in ICMP_PROTOCOLS and (move.kind in ICMP_QUERIES[protocol] or move.kind in ICMP_ANSWERS[protocol])
