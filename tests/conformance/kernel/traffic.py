"""Seeded traffic: mostly what hosts do, and often not."""

import random
from collections.abc import Iterator
from typing import Final

from conformance.kernel.moves import HOSTS, PEERS, Move, Send, Talk, Tell

from sgsim.model.protocol import ICMP_ANSWERS, ICMP_ERRORS, ICMP_QUERIES, Protocol, TcpFlags, parse_tcp_flags
from sgsim.model.states import Direction

PORTS: Final = (22, 53, 80, 443, 32768, 40000, 40001)
IDENTIFIERS: Final = (0, 1, 7, 4096)
PROTOCOLS: Final = (6, 6, 6, 6, 17, 17, 1, 47)
OTHER_PROTOCOLS: Final = (47, 50, 89, 112)
"""Those that the kernel tracks by addresses alone; SCTP is not among them."""

TALKS: Final = 40
"""How many go on at a time."""

ERRORS_ABOUT_LAST: Final = 30

_SENSIBLE: Final = tuple(map(parse_tcp_flags, ("S", "SA", "A", "PA", "FA", "R", "RA")))

_STEPS: Final[dict[int, tuple[tuple[str, bool | None, int], ...]]] = {
    0: (("S", True, 1),),
    1: (("SA", False, 2), ("SA", False, 2), ("SA", False, 2), ("S", False, 20), ("RA", False, 9)),
    2: (("A", True, 3), ("A", True, 3), ("A", True, 3), ("PA", True, 3), ("FA", True, 5)),
    3: (("A", None, 3), ("PA", None, 3), ("FA", True, 5), ("FA", False, 10), ("RA", None, 9)),
    # The opener closes first.
    5: (("A", False, 6), ("A", False, 6), ("FA", False, 7), ("FA", False, 8)),
    6: (("PA", False, 6), ("A", True, 6), ("FA", False, 7), ("FA", False, 7), ("R", True, 9)),
    7: (("A", True, 8),),
    8: (("S", True, 1), ("S", True, 1), ("S", False, 1), ("A", None, 8), ("FA", None, 8), ("R", None, 9)),
    # It was reset.
    9: (("S", True, 1), ("S", True, 1), ("R", None, 9), ("A", None, 9)),
    # The other side closes first.
    10: (("A", True, 11), ("A", True, 11), ("FA", True, 12)),
    11: (("PA", True, 11), ("FA", True, 12), ("FA", True, 12)),
    12: (("A", False, 8),),
    # A simultaneous open.
    20: (("SA", True, 21), ("SA", False, 21), ("S", None, 20), ("A", None, 3)),
    21: (("SA", None, 22), ("A", None, 3), ("A", True, 3), ("A", False, 3)),
    22: (("A", None, 3), ("FA", None, 5)),
}
"""For each stage of a connection: flags, whether its opener sends them (None: either), and the next stage."""


class _Going:
    """A talk that goes on."""

    def __init__(self, talk: Talk, opener: Direction) -> None:
        self.talk, self.opener, self.stage = talk, opener, 0
        self.last: Send | None = None


class Traffic:
    """An endless stream of moves, the same for the same seed."""

    def __init__(self, seed: int, *, talks: int = TALKS, ports: tuple[int, ...] = PORTS) -> None:
        """Begin."""
        self._rng, self._ports = random.Random(seed), ports
        self._going = [self._new() for _ in range(talks)]
        self._sent: list[Send] = []

    def __iter__(self) -> Iterator[Move]:
        """Make moves for ever."""
        while True:
            yield self.move()

    def move(self) -> Move:
        """The next one."""
        rng = self._rng
        if self._sent and rng.random() < 0.07:
            return self._error()
        at = rng.randrange(len(self._going))
        if rng.random() < 0.02:
            self._going[at] = self._new()
        going = self._going[at]
        send = self._again(going) or self._next(going)
        if rng.random() < 0.05:
            send = self._cut(send)
        going.last = send
        self._sent.append(send)
        if len(self._sent) > 2000:
            del self._sent[:1000]
        return send

    def _new(self) -> _Going:
        rng = self._rng
        host = rng.choice(HOSTS)
        peer = rng.choice([peer for peer in PEERS if peer.version == host.version])
        protocol = rng.choice(PROTOCOLS)
        opener = rng.choice(list(Direction))
        if protocol == 47:
            return _Going(Talk(host, peer, rng.choice(OTHER_PROTOCOLS)), opener)
        if protocol == Protocol.ICMP:
            protocol = Protocol.ICMP if host.version == 4 else Protocol.ICMPV6
            return _Going(Talk(host, peer, protocol, rng.choice(IDENTIFIERS)), opener)
        return _Going(Talk(host, peer, protocol, rng.choice(self._ports), rng.choice(self._ports)), opener)

    def _again(self, going: _Going) -> Send | None:
        """The last packet of a talk, repeated."""
        return going.last if going.last is not None and self._rng.random() < 0.12 else None

    def _next(self, going: _Going) -> Send:
        rng, talk = self._rng, going.talk
        either = rng.choice(list(Direction))
        size_bytes = rng.choice((0, 0, 0, 1, 100))
        if talk.protocol == Protocol.TCP:
            flags, way = self._segment(going)
            return Send(talk, way, flags=flags, size_bytes=size_bytes)
        if talk.protocol in ICMP_QUERIES:
            return self._message(going, either)
        way = going.opener if going.last is None or rng.random() < 0.5 else either
        return Send(talk, way, size_bytes=size_bytes)

    def _segment(self, going: _Going) -> tuple[int, Direction]:
        rng = self._rng
        if rng.random() < 0.72:
            text, by_opener, going.stage = rng.choice(_STEPS[going.stage])
            if by_opener is None:
                by_opener = rng.random() < 0.5
            if text == "S" and not by_opener and going.stage == 1:
                going.opener = going.opener.opposite
                by_opener = True
            return parse_tcp_flags(text), going.opener if by_opener else going.opener.opposite
        flags = rng.choice(_SENSIBLE) if rng.random() < 0.7 else TcpFlags(rng.randrange(256))
        return flags, rng.choice(list(Direction))

    def _message(self, going: _Going, either: Direction) -> Send:
        rng, talk = self._rng, going.talk
        queries = ICMP_QUERIES[talk.protocol]
        chance = rng.random()
        if chance < 0.6:  # an echo, asked or answered
            kind = next(iter(queries))
            asks = rng.random() < 0.55
            way = going.opener if asks else going.opener.opposite
            kind = kind if asks else queries[kind]
        elif chance < 0.85:
            way, kind = either, rng.choice([*queries, *ICMP_ANSWERS[talk.protocol]])
        else:
            way, kind = either, rng.choice(_silent_types(talk.protocol))
        return Send(talk, way, kind=kind, code=rng.choice((0, 0, 0, 0, 1)))

    def _cut(self, send: Send) -> Send:
        """Make fragments of a packet."""
        rng = self._rng
        cuts = tuple(sorted(rng.sample(range(4, 12), rng.choice((1, 1, 2)))))
        order = list(range(len(cuts) + 1))
        if rng.random() < 0.3:
            rng.shuffle(order)
        return send._replace(size_bytes=120, cuts=cuts, order=tuple(order))

    def _error(self) -> Tell:
        """An ICMP error, mostly about what was sent just now, to its sender."""
        rng = self._rng
        if rng.random() < 0.8:
            about = self._sent[-1 - rng.randrange(min(ERRORS_ABOUT_LAST, len(self._sent)))]
        elif rng.random() < 0.5:
            about = rng.choice(self._sent)
        else:
            about = self._next(self._new())
        about = about._replace(cuts=(), order=())
        way = about.way.opposite
        version = about.talk.host.version
        receiver, sender = about.talk.ends(about.way)
        side = HOSTS if way is Direction.EGRESS else PEERS
        if rng.random() < 0.4:  # a router on the way tells it
            sender = rng.choice([address for address in side if address.version == version])
        if rng.random() < 0.15:  # it goes astray
            way = rng.choice(list(Direction))
            here, there = (HOSTS, PEERS) if way is Direction.EGRESS else (PEERS, HOSTS)
            sender, receiver = (
                rng.choice([address for address in side if address.version == version]) for side in (here, there)
            )
        protocol = Protocol.ICMP if version == 4 else Protocol.ICMPV6
        kind = rng.choice(sorted(ICMP_ERRORS[protocol]))
        return Tell(about, way, sender, receiver, kind, rng.choice((0, 1, 3)), rng.choice((8, 8, 20, 1000)))


def _silent_types(protocol: int) -> list[int]:
    """Types that are neither queries nor answers nor errors."""
    known = {*ICMP_QUERIES[protocol], *ICMP_ANSWERS[protocol], *ICMP_ERRORS[protocol]}
    least = 0 if protocol == Protocol.ICMP else 128
    return [kind for kind in range(least, 256) if kind not in known]
