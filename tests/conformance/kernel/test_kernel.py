"""`engine(traffic) == kernel(traffic)`: each verdict, and each entry that is left, with the profile `linux`.

With `HYPOTHESIS_PROFILE=ci`, or where `CI` is set, more than 200,000 packets; `play.py` holds as many as you like.
"""

import itertools
import os
import random

import pytest
from conformance.kernel.compare import ENGINES, SETTINGS, assert_same, record, timed
from conformance.kernel.every_sequence import PATHS, each_sequence, each_state_and_flags, talk
from conformance.kernel.moves import HOSTS, PEERS, Send, Talk, Tell
from conformance.kernel.namespace import Namespace
from conformance.kernel.oracle import LONG_S
from conformance.kernel.play import session
from conformance.kernel.rules import OPEN, known, random_rules
from conformance.kernel.timing import in_time
from conformance.kernel.traffic import Traffic

from sgsim.conntrack.profile import LINUX
from sgsim.model.protocol import Protocol, parse_tcp_flags
from sgsim.model.states import Direction

IS_CI = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev") != "dev"

SEEDS, PACKETS = (range(24), 5000) if IS_CI else (range(3), 3000)
SEQUENCE = 4 if IS_CI else 3
"""How long the sequences are of which none is left out: 14 ** 4 flows of 4 packets, or 14 ** 3 of 3."""

CLOSED = known()
"""No rule at all: only what belongs to a flow passes."""

INGRESS, EGRESS = Direction.INGRESS, Direction.EGRESS


def test_the_packets_are_as_many_as_promised():
    in_sequences = SEQUENCE * 14**SEQUENCE
    assert not IS_CI or len(SEEDS) * PACKETS + in_sequences >= 200_000


@pytest.mark.usefixtures("kernel")
def test_the_timeouts_of_the_profile_are_the_kernels_own():
    """As they are in a new namespace, before anybody sets them."""
    with Namespace(()) as fresh:
        own = {name: int(fresh.run("cat", f"/proc/sys/net/netfilter/{name}")) for name in LONG_S}
    assert timed(own) == timed({name: int(value) for name, value in defaults().items()})


def defaults() -> dict[str, float]:
    """The timeouts of the profile, by the names of the kernel's parameters."""
    settings = dict(LINUX.settings())
    return {name: settings[SETTINGS[name]].value for name in LONG_S}


@pytest.mark.parametrize("seed", SEEDS)
def test_seeded_traffic(kernel, seed):
    recording = session(kernel, seed, PACKETS)
    assert recording.packets == PACKETS
    for make_engine in ENGINES.values():
        assert_same(recording, make_engine)


@pytest.mark.parametrize("rules", [OPEN, CLOSED], ids=["open", "closed"])
def test_every_set_of_flags_in_every_state(kernel, rules):
    """Where no rule admits anything, a segment that passes belongs to its flow, and one that does not is invalid."""
    before, probes = each_state_and_flags(range(256))
    recording = record(kernel, [(OPEN, before), (rules, probes)], timed(LONG_S))
    assert len(recording.parts[1].seen) == len(PATHS) * 2 * 256
    for make_engine in ENGINES.values():
        assert_same(recording, make_engine)


def test_every_set_of_flags_opens_or_does_not(kernel):
    sends = [
        Send(talk(number), way, flags=flags)
        for number, (way, flags) in enumerate(itertools.product(Direction, range(256)))
    ]
    recording = record(kernel, [(OPEN, sends)], timed(LONG_S))
    for make_engine in ENGINES.values():
        assert_same(recording, make_engine)


def test_every_short_sequence_of_segments(kernel):
    """The rules admit what comes in, so what goes out must belong to a flow."""
    come_in = known("all from 0.0.0.0/0", "all from ::/0")
    sequences = each_sequence(SEQUENCE)
    for part in iter(lambda: list(itertools.islice(sequences, 10_000)), []):
        recording = record(kernel, [(come_in, [send for sends in part for send in sends])], timed(LONG_S))
        for make_engine in ENGINES.values():
            assert_same(recording, make_engine)


TIMEOUTS = [
    {name: 1 + (number + shift) % 3 for number, name in enumerate(LONG_S)} for shift in range(3 if IS_CI else 1)
]


@pytest.mark.parametrize("seconds", TIMEOUTS, ids=[f"shift-{shift}" for shift in range(len(TIMEOUTS))])
def test_short_timeouts(kernel, seconds):
    """Entries expire in both at the same packets, and what is refreshed lives on in both."""
    rules, rounds = (
        (OPEN, known("tcp all from 0.0.0.0/0", "tcp all from ::/0", "udp 53 from 0.0.0.0/0", "all to 0.0.0.0/0")),
        14,
    )
    kernel.time_out_after(seconds)
    try:
        recording = _in_rounds(kernel, rules, rounds, seconds)
    finally:
        kernel.time_out_after(LONG_S)
    for make_engine in ENGINES.values():
        assert_same(recording, make_engine)


def _in_rounds(kernel, rules, rounds, seconds):
    moves = iter(Traffic(sum(seconds.values()), talks=300))
    parts = [(rules[number % 2], list(itertools.islice(moves, 200))) for number in range(rounds)]
    return in_time(lambda wait: record(kernel, parts, timed(seconds), wait))


V4, V6 = (HOSTS[0], PEERS[0]), (HOSTS[2], PEERS[3])


@pytest.mark.parametrize(("host", "peer"), [V4, V6], ids=["ipv4", "ipv6"])
def test_errors_about_flows_of_every_kind(kernel, host, peer):
    """Live, ended, answered or not, of TCP, UDP, echo and another protocol; quoted by either side, near and astray."""
    icmp = Protocol.ICMP if host.version == 4 else Protocol.ICMPV6
    echo, answer = (8, 0) if host.version == 4 else (128, 129)
    flows = [
        [Send(Talk(host, peer, 6, 443, 1), INGRESS, flags=int(parse_tcp_flags("S")))],
        [
            Send(Talk(host, peer, 6, 443, 2), way, flags=int(parse_tcp_flags(flags)))
            for way, flags in ((INGRESS, "S"), (EGRESS, "SA"), (INGRESS, "A"), (EGRESS, "R"))
        ],
        [Send(Talk(host, peer, 17, 53, 3), INGRESS), Send(Talk(host, peer, 17, 53, 3), EGRESS)],
        [Send(Talk(host, peer, 17, 53, 4), EGRESS)],
        [Send(Talk(host, peer, icmp, 5), INGRESS, kind=echo), Send(Talk(host, peer, icmp, 5), EGRESS, kind=answer)],
        [Send(Talk(host, peer, 50), INGRESS)],
    ]
    never = [Send(Talk(host, peer, 17, 99, 99), EGRESS), Send(Talk(host, peer, icmp, 99), EGRESS, kind=echo)]
    others = [address for address in (*HOSTS, *PEERS) if address.version == host.version]
    errors = [
        Tell(about, way, sender, receiver, kind, quoted_bytes=quoted)
        for sends in [*flows, never]
        for about in sends
        for way in Direction
        for sender in others
        for receiver in others
        if (sender in HOSTS) is (way is EGRESS) and (receiver in HOSTS) is (way is INGRESS)
        for kind, quoted in ((3, 8), (1 if host.version == 6 else 11, 500))
    ]
    recording = record(kernel, [(OPEN, [send for sends in flows for send in sends]), (CLOSED, errors)], timed(LONG_S))
    assert {seen.passed for seen in recording.parts[1].seen} == {True, False}
    for make_engine in ENGINES.values():
        assert_same(recording, make_engine)


def test_the_rules_are_the_engines(kernel):
    """Many rule sets, each asked about first packets alone: no flow is remembered from one packet to the next."""
    for seed in range(40 if IS_CI else 8):
        moves = [move for move in itertools.islice(Traffic(seed, talks=300), 250) if isinstance(move, Send)]
        rules = random_rules(random.Random(seed))
        recording = record(kernel, [(rules, moves)], timed(LONG_S))
        for make_engine in ENGINES.values():
            assert_same(recording, make_engine)
