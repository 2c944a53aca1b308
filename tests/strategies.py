"""The one home of hypothesis strategies; each is biased to the edges where filters go wrong."""

from attrs import evolve
from hypothesis import strategies as st
from netaddr import IPNetwork

from sgsim.model.address import Family
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.packet import Fragment, Packet, Quote
from sgsim.model.protocol import ICMP_PROTOCOLS, ICMP_QUERIES, PORT_PROTOCOLS, Protocol
from sgsim.model.states import ConntrackDirection, Direction
from sgsim.rules.header import Header
from sgsim.rules.port_range import LAST_PORT, PortRange
from sgsim.rules.rule import Cidr, GroupReference, IcmpMatch, PrefixListReference, Rule

directions = st.sampled_from(Direction)
conntrack_directions = st.sampled_from(ConntrackDirection)
families = st.sampled_from(Family)

_BASES = {Family.IPV4: 0xC0000200, Family.IPV6: 0x20010DB8 << 96}
"""192.0.2.0 and 2001:db8::, from which small differences are taken."""


def addresses(family: Family) -> st.SearchStrategy[int]:
    """Addresses of a family: a few neighbours, both ends of the space, and any."""
    last = (1 << family.bits) - 1
    return st.one_of(
        st.integers(_BASES[family], _BASES[family] + 16),
        st.sampled_from([0, 1, last - 1, last, 1 << (family.bits - 1), (1 << (family.bits - 1)) - 1]),
        st.integers(0, last),
    )


@st.composite
def networks(draw: st.DrawFn, family: Family | None = None) -> IPNetwork:
    """Blocks in canonical form: single addresses, small blocks that touch and overlap, halves, and everything."""
    family = family or draw(families)
    length = draw(
        st.one_of(
            st.integers(family.bits - 4, family.bits),
            st.sampled_from([0, 1, family.bits]),
            st.integers(0, family.bits),
        )
    )
    return IPNetwork((draw(addresses(family)), length), version=int(family)).cidr


ports = st.one_of(st.sampled_from([0, 1, 21, 22, 23, 79, 80, 81, 65534, LAST_PORT]), st.integers(0, LAST_PORT))

port_ranges = st.one_of(
    st.just(PortRange.all()),
    ports.map(lambda port: PortRange(port, port)),
    st.tuples(ports, ports).map(lambda pair: PortRange(min(pair), max(pair))),
)

protocols = st.one_of(st.sampled_from(Protocol).map(int), st.sampled_from([0, 47, 50, 132, 255]), st.integers(0, 255))

icmp_types = st.sampled_from([0, 3, 8, 11, 128, 129, 255])
icmp_codes = st.sampled_from([0, 1, 4, 255])

icmp_matches = st.one_of(
    st.just(IcmpMatch()),
    icmp_types.map(IcmpMatch),
    st.builds(IcmpMatch, icmp_types, icmp_codes),
)


@st.composite
def rules(draw: st.DrawFn, group_id: str = "sg-web", references: tuple[str, ...] = ()) -> Rule:
    """Rules of a group; `references` are ids of groups and of prefix lists (`pl-...`) that they may name."""
    protocol = draw(st.one_of(st.just(-1), protocols))
    peer = draw(
        st.one_of(
            networks().map(Cidr),
            *(
                st.just(PrefixListReference(name) if name.startswith("pl-") else GroupReference(name))
                for name in references
            ),
        )
    )
    return Rule(
        group_id=group_id,
        direction=draw(directions),
        protocol=protocol,
        peer=peer,
        ports=draw(port_ranges) if protocol in PORT_PROTOCOLS else None,
        icmp=draw(icmp_matches) if protocol in ICMP_PROTOCOLS else None,
    )


@st.composite
def headers(draw: st.DrawFn) -> Header:
    """What rules look at, of packets that are whole and of later fragments."""
    family, protocol = draw(families), draw(protocols)
    is_icmp = protocol in ICMP_PROTOCOLS
    has_port = protocol in PORT_PROTOCOLS and draw(st.integers(0, 9)) > 0
    return Header(
        direction=draw(directions),
        family=family,
        peer=draw(addresses(family)),
        protocol=protocol,
        port=draw(ports) if has_port else None,
        icmp_type=draw(icmp_types) if is_icmp else None,
        icmp_code=draw(icmp_codes) if is_icmp else None,
    )


@st.composite
def five_tuples(draw: st.DrawFn) -> FiveTuple:
    """Five-tuples of every protocol, with equal endpoints now and then; ICMP has an identifier on one side."""
    family, protocol = draw(families), draw(protocols)
    src = (draw(addresses(family)), draw(ports) if protocol in PORT_PROTOCOLS else 0)
    dst = draw(st.one_of(st.just(src), st.tuples(addresses(family), ports if src[1] else st.just(0))))
    five_tuple = FiveTuple(*src, *dst, protocol, family)
    if protocol in ICMP_PROTOCOLS:
        five_tuple = draw(
            st.sampled_from(
                [five_tuple, five_tuple._replace(src_port=LAST_PORT), five_tuple._replace(dst_port=1)],
            )
        )
    return five_tuple


_TIMES_NS = st.one_of(
    st.just(0), st.integers(0, 2**62), st.integers(1_700_000_000_000_000_000, 1_700_000_000_000_000_009)
)


@st.composite
def packets(draw: st.DrawFn, interface_ids: tuple[str, ...] = ("eni-a", "eni-b")) -> Packet:
    """Packets as sources yield them: whole or fragments, some of them ICMP errors with a quote."""
    five_tuple = draw(five_tuples())
    is_icmp, is_tcp = five_tuple.protocol in ICMP_PROTOCOLS, five_tuple.protocol == Protocol.TCP
    packet = Packet(
        five_tuple,
        time_ns=draw(_TIMES_NS),
        length_bytes=draw(st.sampled_from([0, 20, 1500, 65575])),
        tcp_flags=draw(st.integers(0, 255)) if is_tcp else 0,
        icmp_type=draw(icmp_types) if is_icmp else None,
        icmp_code=draw(icmp_codes) if is_icmp else None,
        direction=draw(st.none() | directions),
        number=draw(st.integers(1, 2**40)),
        file=draw(st.integers(0, 3)),
        taken_at=draw(st.none() | st.sampled_from(interface_ids)),
        fragment=draw(st.none() | st.integers(0, 2**32 - 1).map(lambda number: Fragment(number, 0, more=True))),
    )
    if is_icmp and draw(st.booleans()):
        return evolve(packet, quote=draw(quotes))
    return draw(st.one_of(st.just(packet), _later_fragments(packet)))


def _later_fragments(packet: Packet) -> st.SearchStrategy[Packet]:
    """The packet as a part that lacks its ports, flags and type."""
    five_tuple = packet.five_tuple._replace(src_port=0, dst_port=0)
    bare = evolve(packet, five_tuple=five_tuple, tcp_flags=0, icmp_type=None, icmp_code=None)
    parts = st.builds(Fragment, st.integers(0, 2**32 - 1), st.sampled_from([8, 1480, 65528]), st.booleans())
    return parts.map(lambda part: evolve(bare, fragment=part))


def _quote(five_tuple: FiveTuple) -> st.SearchStrategy[Quote]:
    if five_tuple.protocol in ICMP_PROTOCOLS:
        return st.builds(Quote, st.just(five_tuple), icmp_types, icmp_codes)
    return st.just(Quote(five_tuple))


quotes = five_tuples().flatmap(_quote)
"""Packets that ICMP errors quote."""

icmp_query_types = st.sampled_from(
    [(int(protocol), query) for protocol, pairs in ICMP_QUERIES.items() for query in pairs]
)
"""Protocol and type of every ICMP query."""


def around(*values: int) -> st.SearchStrategy[int]:
    """Each of some values, and one less and one more."""
    return st.sampled_from(sorted({value + step for value in values for step in (-1, 0, 1)}))
