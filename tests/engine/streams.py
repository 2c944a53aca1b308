"""Streams of packets in which everything happens: few addresses and ports, and times at the edges of timeouts."""

from attrs import evolve, frozen
from builders import packet
from engine.walking import HOST, host
from hypothesis import strategies as st

from sgsim.conntrack.profile import AWS_NITRO, LINUX
from sgsim.engine.options import EngineOptions
from sgsim.model.packet import Fragment, Packet, Quote
from sgsim.rules.inventory import Inventory

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000

PEERS = ("198.51.100.7", "203.0.113.9")

RULES = (
    "tcp 443 from 0.0.0.0/0",
    "tcp all from 198.51.100.0/24",
    "udp 53 from 0.0.0.0/0",
    "udp all from 0.0.0.0/0",
    "icmp all from 198.51.100.0/24",
    "icmp 8/0 from 0.0.0.0/0",
    "47 from 203.0.113.9/32",
    "all from 0.0.0.0/0",
    "all to 0.0.0.0/0",
    "tcp all to 0.0.0.0/0",
    "udp 53 to 0.0.0.0/0",
    "tcp 40000 to 198.51.100.0/24",
    "icmp 8 to 0.0.0.0/0",
    "47 to 0.0.0.0/0",
)

rule_sets = st.one_of(
    st.lists(st.sampled_from(RULES), max_size=6, unique=True).map(tuple),
    st.lists(st.sampled_from(RULES), min_size=1, max_size=4, unique=True).map(
        lambda rules: (*rules, "all to 0.0.0.0/0")
    ),
    st.just(("all from 0.0.0.0/0", "all to 0.0.0.0/0")),
)


@frozen
class Changed:
    """From `time_ns` on, other rules hold."""

    time_ns: int
    rules: tuple[str, ...]

    @property
    def inventory(self) -> Inventory:
        """These rules on the one host."""
        return host(*self.rules)


Event = Packet | Changed

_GAPS_NS = st.sampled_from(
    [
        0,
        1,
        SECOND_NS,
        SECOND_NS,
        SECOND_NS,
        9 * SECOND_NS,
        10 * SECOND_NS,
        30 * SECOND_NS - 1,
        30 * SECOND_NS,
        60 * SECOND_NS,
        120 * SECOND_NS - 1,
        120 * SECOND_NS,
        180 * SECOND_NS,
        600 * SECOND_NS,
        5 * 86400 * SECOND_NS,
        -SECOND_NS,
    ]
)
"""From one event to the next; the last is a step back."""

_FLAGS = st.sampled_from(["S", "S", "S", "SA", "A", "A", "PA", "FA", "RA", "R", "SF", ""])
_PINGS = st.sampled_from(["8 code 0 id 0", "0 code 0 id 0", "9 code 0"])

PROTOCOLS = ("tcp", "udp", "icmp", "47")


@st.composite
def _talks(draw: st.DrawFn, protocols: tuple[str, ...]) -> tuple[str, str, str]:
    """A protocol, and the host's end and a peer's of one conversation."""
    protocol = draw(st.sampled_from(protocols))
    ends = (HOST, draw(st.sampled_from(PEERS)))
    if protocol not in {"tcp", "udp"}:
        return (protocol, *ends)
    ports = draw(st.sampled_from([(443, 40000), (53, 40000), (40000, 443), (53, 53), (40000, 40000)]))
    here, there = (f"{end}:{port}" for end, port in zip(ends, ports, strict=True))
    return protocol, here, there


@st.composite
def _whole(draw: st.DrawFn, talk: tuple[str, str, str]) -> Packet:
    """A packet of a conversation, either way."""
    protocol, *ends = talk
    src, dst = draw(st.permutations(ends))
    text = f"{protocol} {src} -> {dst}"
    if protocol == "tcp":
        return packet(text, flags=draw(_FLAGS))
    return packet(f"{text} type {draw(_PINGS)}" if protocol == "icmp" else text)


@st.composite
def _errors(draw: st.DrawFn, talk: tuple[str, str, str]) -> Packet:
    """An ICMP error about a conversation; now and then it goes astray."""
    about = draw(_whole(talk))
    src, dst = draw(st.permutations((HOST, draw(st.sampled_from(PEERS)))))
    error = packet(f"icmp {src} -> {dst} type 3 code 4")
    return evolve(error, quote=Quote(about.five_tuple, about.icmp_type, about.icmp_code))


@st.composite
def _packets(draw: st.DrawFn, talk: tuple[str, str, str], *, with_errors: bool) -> Packet:
    """Packets of a conversation, errors about it and fragments of it."""
    kind = draw(st.integers(0, 9))
    if kind == 0 and with_errors:
        return draw(_errors(talk))
    made = draw(_whole(talk))
    if kind == 1:
        return evolve(made, fragment=Fragment(1, 0, more=True))
    if kind == 2:
        ends = made.five_tuple._replace(src_port=0, dst_port=0)
        return Packet(ends, fragment=Fragment(1, 1480, more=False))
    return made


@st.composite
def streams(draw: st.DrawFn, protocols: tuple[str, ...] = PROTOCOLS, *, with_changes: bool = True) -> list[Event]:
    """Packets of a few conversations in input order, most in the order of their times; between them, rules change."""
    talks = draw(st.lists(_talks(protocols), min_size=1, max_size=3))
    clock_ns = START_NS
    events: list[Event] = []
    for _ in range(draw(st.integers(1, 15))):
        time_ns = max(clock_ns + draw(_GAPS_NS), START_NS)
        clock_ns = max(clock_ns, time_ns)
        if with_changes and draw(st.integers(0, 4)) == 0:
            events.append(Changed(clock_ns, draw(rule_sets)))
        made = draw(_packets(draw(st.sampled_from(talks)), with_errors="icmp" in protocols))
        events.append(evolve(made, time_ns=time_ns))
    return events


options = st.builds(
    EngineOptions,
    profile=st.sampled_from(
        [
            AWS_NITRO,
            LINUX,
            AWS_NITRO.given("midstream", "pickup"),
            AWS_NITRO.given("invalid", "deny"),
            AWS_NITRO.given("bypass", "all-but-icmp").given("related_icmp", "always").given("fragments", "rules"),
        ]
    ),
    capacity=st.sampled_from([None, None, 1, 2]),
    remember=st.sampled_from([1, 2, 1000]),
    recorded=st.booleans(),
    cold_start=st.booleans(),
    as_recorded=st.booleans(),
)
