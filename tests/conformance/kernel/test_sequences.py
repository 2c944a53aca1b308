"""`engine(moves) == kernel(moves)` for sequences that hypothesis makes, and makes short where they differ."""

import os

from conformance.kernel.compare import ENGINES, assert_same, record, timed
from conformance.kernel.moves import HOSTS, PEERS, Send, Talk, Tell
from conformance.kernel.oracle import LONG_S
from conformance.kernel.rules import CLIENT, OPEN, SERVER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.model.protocol import ICMP_ERRORS, Protocol, parse_tcp_flags
from sgsim.model.states import Direction

IS_CI = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev") != "dev"

TALKS = (
    Talk(HOSTS[0], PEERS[0], Protocol.TCP, 443, 40000),
    Talk(HOSTS[2], PEERS[3], Protocol.TCP, 443, 40000),
    Talk(HOSTS[0], PEERS[0], Protocol.UDP, 53, 40000),
    Talk(HOSTS[0], PEERS[0], Protocol.ICMP, 7),
    Talk(HOSTS[2], PEERS[3], Protocol.ICMPV6, 7),
    Talk(HOSTS[0], PEERS[0], 50),
)

SENSIBLE = st.sampled_from(("S", "SA", "A", "FA", "R")).map(lambda flags: int(parse_tcp_flags(flags)))
WAYS = st.sampled_from(Direction)
CUTS = st.sampled_from(((), (), (), (4,), (4, 6)))


def sends_of(talk):
    """Packets of a talk."""
    flags = SENSIBLE | st.integers(0, 255) if talk.protocol == Protocol.TCP else st.just(0)
    kinds = {Protocol.ICMP: (8, 0, 13, 14, 42), Protocol.ICMPV6: (128, 129, 139, 200)}.get(talk.protocol, (0,))
    return st.builds(
        _send, st.just(talk), WAYS, flags, st.sampled_from(kinds), st.sampled_from((0, 1)), CUTS, st.randoms()
    )


def _send(talk, way, flags, kind, code, cuts, rng):
    order = list(range(len(cuts) + 1)) if cuts else []
    rng.shuffle(order)
    return Send(talk, way, flags, kind, code, 120 if cuts else 0, cuts, tuple(order))


SENDS = st.sampled_from(TALKS).flatmap(sends_of)


@st.composite
def errors(draw):
    """An ICMP error about a packet, to its sender, to whoever it was sent to, or from a router."""
    about = draw(SENDS)._replace(cuts=(), order=())
    protocol = Protocol.ICMP if about.talk.host.version == 4 else Protocol.ICMPV6
    way = draw(WAYS)
    sender, receiver = about.talk.ends(way)
    if draw(st.booleans()):
        routers = HOSTS if way is Direction.EGRESS else PEERS
        sender = draw(st.sampled_from([each for each in routers if each.version == sender.version]))
    return Tell(about, way, sender, receiver, draw(st.sampled_from(sorted(ICMP_ERRORS[protocol]))))


PARTS = st.lists(
    st.tuples(st.sampled_from((OPEN, SERVER, CLIENT)), st.lists(SENDS | SENDS | errors(), min_size=1, max_size=12)),
    min_size=1,
    max_size=2,
)


@settings(
    max_examples=200 if IS_CI else 40,
    # The kernel is one and the same for all examples, and forgets everything before each.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PARTS)
def test_any_sequence(kernel, parts):
    recording = record(kernel, parts, timed(LONG_S))
    for make_engine in ENGINES.values():
        assert_same(recording, make_engine)
