"""TCP traffic that leaves nothing out: every state, every set of flags, every short sequence of segments."""

import itertools
from collections.abc import Iterator
from typing import Final

from conformance.kernel.moves import HOSTS, PEERS, Send, Talk

from sgsim.model.protocol import Protocol, parse_tcp_flags
from sgsim.model.states import Direction

SENSIBLE: Final = tuple(map(parse_tcp_flags, ("S", "SA", "A", "FA", "R", "FU", "RA")))
"""One set of flags for each kind of segment, one that is nonsense, and an RST with an ACK."""

PATHS: Final = {
    "syn_sent": ">S",
    "syn_sent answered by an ACK": ">S <A",
    "syn_sent2": ">S <S",
    "syn_recv": ">S <SA",
    "syn_recv after a simultaneous open": ">S <S >SA",
    "established": ">S <SA >A",
    "established, picked up": ">A",
    "fin_wait": ">S <SA >A >FA",
    "fin_wait of the other side": ">S <SA >A <FA",
    "close_wait": ">S <SA >A >FA <A",
    "last_ack": ">S <SA >A >FA <FA",
    "last_ack after a SYN": ">S <SA >A >FA <FA >S",
    "time_wait": ">S <SA >A >FA <FA >A",
    "close": ">S <SA >A >R",
    "close by the other side": ">S <SA >A <R",
    "close after a FIN": ">S <SA >A >FA <R",
    "close, and an ACK": ">S <SA >A >R >A",
}
"""For each state the segments that lead there; `>` is the opener's way."""

WAYS: Final = tuple(Direction)


def talk(number: int) -> Talk:
    """A talk of its own for each number."""
    version, port = divmod(number, 60_000)
    host = (HOSTS[0], HOSTS[2], HOSTS[1], HOSTS[3])[version]
    peer = PEERS[0] if host.version == 4 else PEERS[3]
    return Talk(host, peer, Protocol.TCP, 443, 1000 + port)


def along(path: str, between: Talk, opener: Direction = Direction.INGRESS) -> list[Send]:
    """The segments of a path."""
    return [
        Send(between, opener if word[0] == ">" else opener.opposite, flags=parse_tcp_flags(word[1:]))
        for word in path.split()
    ]


def each_state_and_flags(flags: range) -> tuple[list[Send], list[Send]]:
    """Flows in every state, and one more segment for each: of either side, with each set of flags.

    Returns:
        What leads to the states, and the segments.
    """
    before: list[Send] = []
    probes: list[Send] = []
    for number, (path, way, each) in enumerate(itertools.product(PATHS.values(), WAYS, flags)):
        before += along(path, talk(number))
        probes.append(Send(talk(number), way, flags=each))
    return before, probes


def each_sequence(length: int) -> Iterator[list[Send]]:
    """Every sequence of so many segments, of either side and every kind, each on a talk of its own."""
    segments = list(itertools.product(WAYS, SENSIBLE))
    for number, sequence in enumerate(itertools.product(segments, repeat=length)):
        yield [Send(talk(number), way, flags=flags) for way, flags in sequence]
