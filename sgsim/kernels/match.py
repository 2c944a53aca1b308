"""Which rules admit a packet: two classifications and one cell of a cross table.

Compiled twin of `sgsim.rules.match`. Addresses that the same rules admit form a class, services likewise; a cell says
for a class of peers and one of services which rule comes first. The cost is the same for ten rules and ten thousand.

Services are numbered: TCP ports from 0, UDP ports from 65536, ICMP type * 256 + code from 131072, ICMPv6 from 196608, and
from 262144 each protocol by its number: for protocols without ports, and for later fragments.
"""

import numpy as np

from sgsim.kernels.arrays import Rules
from sgsim.kernels.jit import kernel
from sgsim.model.protocol import Protocol

TCP, UDP = int(Protocol.TCP), int(Protocol.UDP)
ICMP, ICMPV6 = int(Protocol.ICMP), int(Protocol.ICMPV6)

UDP_FROM = 65536
ICMP_FROM = 131072
ICMPV6_FROM = 196608
PROTOCOL_FROM = 262144
SERVICE_PAGES = 1536
"""Pages of 256 services for each unit; 1025 are in use."""


@kernel(is_entry=False, inline=True)
def service_number(protocol: int, port: int, icmp_type: int, icmp_code: int) -> int:
    """The number of a service; a port of -1 asks for a protocol without its ports."""
    if port >= 0:
        if protocol == TCP:
            return port
        if protocol == UDP:
            return UDP_FROM + port
        if protocol == ICMP:
            return ICMP_FROM + icmp_type * 256 + icmp_code
        if protocol == ICMPV6:
            return ICMPV6_FROM + icmp_type * 256 + icmp_code
    return PROTOCOL_FROM + protocol


@kernel(is_entry=False, inline=True)
def service_class(rules: Rules, unit: int, service: int) -> int:
    """The class of a service in a unit."""
    page = np.int64(rules.service_pages[unit * SERVICE_PAGES + (service >> 8)])
    return np.int64(rules.services[page * 256 + (service & 255)])


@kernel(is_entry=False, inline=True)
def peer_class(rules: Rules, unit: int, address: int) -> int:
    """The class of an IPv4 address in a unit: a trie of bytes."""
    found = np.int64(rules.peers[np.int64(rules.peer_roots[unit]) * 256 + (address >> 24 & 255)])
    if found < 0:
        found = np.int64(rules.peers[~found * 256 + (address >> 16 & 255)])
        if found < 0:
            found = np.int64(rules.peers[~found * 256 + (address >> 8 & 255)])
            if found < 0:
                found = np.int64(rules.peers[~found * 256 + (address & 255)])
    return found


@kernel(is_entry=False)
def wide_peer_class(rules: Rules, unit: int, hi: np.uint64, lo: np.uint64) -> int:
    """The class of an IPv6 address in a unit: the last interval that begins at or before it."""
    low, high = rules.wide_from[unit], rules.wide_from[unit + 1]
    while high - low > 1:
        middle = (low + high) >> 1
        if rules.wide_hi[middle] < hi or (rules.wide_hi[middle] == hi and rules.wide_lo[middle] <= lo):
            low = middle
        else:
            high = middle
    return np.int64(rules.wide_class[low])


@kernel(is_entry=False, inline=True)
def cell(rules: Rules, unit: int, is_ipv6: int, hi: np.uint64, lo: np.uint64, service: int) -> int:
    """Where the cross table speaks of a peer and a service."""
    peer = wide_peer_class(rules, unit, hi, lo) if is_ipv6 else peer_class(rules, unit, np.int64(lo))
    return (
        rules.cells_from[unit * 2 + is_ipv6] + peer * rules.service_classes[unit] + service_class(rules, unit, service)
    )


@kernel(is_entry=False, inline=True)
def hinges(rules: Rules, unit: int, is_ipv6: int, service: int) -> bool:
    """Whether a rule with an unknown peer admits the service; counts the question."""
    at = rules.hinge_from[unit * 2 + is_ipv6] + service_class(rules, unit, service)
    rules.hinged[at] += rules.hinge[at]
    return rules.hinge[at] != 0


@kernel(is_entry=False, inline=True)
def is_open_back(rules: Rules, unit: int, is_ipv6: int, protocol: int) -> bool:
    """Whether a unit is open to everyone, on all ports of a protocol."""
    return rules.open_back[unit * 512 + is_ipv6 * 256 + protocol] != 0
