"""Hypothesis strategies for packets that a state machine sends: few hosts, so that flows form, shrinking to the plainest."""

import ipaddress
from typing import Any

from hypothesis import strategies as st

from sgsim.model.columns import address_words

_IPV4 = ["10.0.0.5", "10.0.0.6", "198.51.100.7", "203.0.113.1", "10.0.1.9", "10.0.0.2"]
_IPV6 = ["2001:db8::5", "2001:db8:1:0:fedc:ba98:7654:3211", "2001:db8:2::7"]
_STEPS_NS = [0, 1, 2**20 - 1, 2**20, 10**9, 10 * 10**9 - 1, 10 * 10**9, 30 * 10**9, 60 * 10**9, 120 * 10**9]

_services = st.one_of(
    st.tuples(st.just(17), st.sampled_from([40000, 53]), st.sampled_from([53, 40000, 80]), st.just(0)),
    st.tuples(
        st.just(6),
        st.sampled_from([40000, 80]),
        st.sampled_from([80, 40000, 443]),
        st.sampled_from([2, 18, 16, 17, 4, 20, 0]),
    ),
    st.tuples(st.just(47), st.just(0), st.just(0), st.just(0)),
)
_messages = st.tuples(st.sampled_from([8, 0, 3, 13]), st.sampled_from([0, 1]))


@st.composite
def _packet(draw: st.DrawFn) -> tuple[int, tuple[Any, ...]]:
    """A silence, then all columns but the time."""
    family, hosts = draw(st.sampled_from([(4, _IPV4), (6, _IPV6)]))
    src, dst = (address_words(int(ipaddress.ip_address(draw(st.sampled_from(hosts))))) for _ in range(2))
    protocol, src_port, dst_port, flags = draw(_services)
    icmp = (0, 0)
    if draw(st.integers(0, 5)) == 5:
        protocol, src_port, dst_port, flags, icmp = (1 if family == 4 else 58), 0, 0, 0, draw(_messages)
        if family == 6:
            icmp = ({8: 128, 0: 129}.get(icmp[0], icmp[0]), icmp[1])
    number, offset, more = draw(st.sampled_from([(0, 0, 0)] * 6 + [(1, 0, 1), (1, 1480, 0), (2, 0, 1), (2, 8, 1)]))
    if offset:
        src_port, dst_port, flags, icmp = 0, 0, 0, (0, 0)
    bound = draw(st.sampled_from([-1] * 8 + [0, 1, 2]))
    way = draw(st.integers(0, 2))
    values = (1, 0, *src, *dst, family, protocol, src_port, dst_port, flags, *icmp, 100, way, bound, 0, 0)
    return draw(st.sampled_from(_STEPS_NS)), (*values, number, offset, more, -1)


small_packets = st.lists(_packet(), min_size=1, max_size=8)
"""A few packets, each with the silence before it."""
