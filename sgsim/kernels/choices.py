"""What rules and paths say of a flow: who opened it, whether it is tracked, whether there is room.

Compiled twin of `sgsim.conntrack.tracking` and of the questions in `sgsim.engine.interface_filter`.
"""

import numpy as np

from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets, Rules
from sgsim.kernels.forget import CAUSE_OPEN_RULES, has_ended, longest_ns, wide_fingerprint
from sgsim.kernels.jit import apart, kernel
from sgsim.kernels.layout import (
    ALLOW_UNRESOLVED,
    CAPACITY,
    CLIENT_PORT,
    COLD_START,
    COUNT,
    HINGE_DIRECTION,
    HINGE_FAMILY,
    HINGE_INTERFACE,
    HINGE_SERVICE,
    IF_PATHS_FROM,
    IF_PATHS_TO,
    IF_TABLE,
    IF_UNIT,
    IF_WORDS,
    KEY_IPV6,
    KEY_QUERY,
    KEY_QUERY_EGRESS,
    NOW,
    PICKUP,
    RECORDED,
    START,
    TABLE_WORDS,
)
from sgsim.kernels.locate import EGRESS, INGRESS
from sgsim.kernels.match import first_rule, hinges, is_open_back, open_rule, service_number
from sgsim.model.protocol import Protocol

TCP, UDP = int(Protocol.TCP), int(Protocol.UDP)
ICMP, ICMPV6 = int(Protocol.ICMP), int(Protocol.ICMPV6)
SYN, SYN_ACK = 1, 2
CAUSE_PROTOCOL, CAUSE_PATH, CAUSE_OPENING_RULE, CAUSE_RETURN_RULE, CAUSE_DENIED = 2, 3, 4, 5, 6
"""Why a flow is tracked; a test holds them against `sgsim.conntrack.entry.TrackingCause`."""
UNRESOLVED_RULE = -2
"""In place of a rule: the verdict hinges on a reference whose addresses nobody gave."""


@kernel(is_entry=False, inline=True)
def peer(p: Packets, items: Items, item: int) -> tuple[np.uint64, np.uint64]:
    """The address of the other side of an item's packet; for IPv4 it stands in the key, whatever the direction."""
    if items.service[item] & KEY_IPV6:
        row = np.int64(items.row[item])
        is_ingress = items.direction[item] == INGRESS
        return (p.src_hi[row], p.src_lo[row]) if is_ingress else (p.dst_hi[row], p.dst_lo[row])
    return np.uint64(0), np.uint64(items.addresses[item]) >> np.uint64(32)


@kernel(is_entry=False)
def wide_key(p: Packets, row: int, direction: int) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Local and remote address of a packet, upper half first."""
    if direction == EGRESS:
        return p.src_hi[row], p.src_lo[row], p.dst_hi[row], p.dst_lo[row]
    return p.dst_hi[row], p.dst_lo[row], p.src_hi[row], p.src_lo[row]


@kernel(is_entry=False, inline=True)
def opening_service(word: int, opener: int) -> int:
    """The number of the service that the opener of a flow asks for."""
    protocol = word >> 32 & 255
    if protocol == TCP or protocol == UDP:
        port = word & 65535 if opener == INGRESS else word >> 16 & 65535
        return service_number(protocol, port, 0, 0)
    if word & KEY_QUERY:
        return service_number(protocol, 0, word >> 40 & 255, 0)
    return service_number(protocol, -1, 0, 0)


@kernel(is_entry=False, inline=True)
def path(net: Network, interface: int, is_ipv6: int, hi: np.uint64, lo: np.uint64) -> tuple[int, int]:
    """Whether the path to a peer is tracked automatically, and the places that a flow on it takes."""
    row = interface * IF_WORDS
    for path in range(net.interfaces[row + IF_PATHS_FROM], net.interfaces[row + IF_PATHS_TO]):
        if (net.path_family[path] == 6) != (is_ipv6 != 0):
            continue
        after = hi > net.path_first_hi[path] or (hi == net.path_first_hi[path] and lo >= net.path_first_lo[path])
        before = hi < net.path_last_hi[path] or (hi == net.path_last_hi[path] and lo <= net.path_last_lo[path])
        if after and before:
            return np.int64(net.path_automatic[path]), net.path_places[path]
    return 0, 1


@kernel(is_entry=False, inline=True)
def choose_here(
    net: Network,
    rules: Rules,
    facts: Facts,
    interface: int,
    word: int,
    opener: int,
    is_ipv6: int,
    hi: np.uint64,
    lo: np.uint64,
    is_automatic: int,
) -> tuple[int, int]:
    """How today's rules would have a flow remembered: the rule that leaves it untracked, else -1, and the cause.

    Compiled twin of `sgsim.conntrack.tracking`; `hi` and `lo` are the peer's address, `is_automatic` is what `path` tells.
    """
    protocol = word >> 32 & 255
    if not facts.bypass[protocol]:
        return -1, CAUSE_PROTOCOL
    if is_automatic:
        return -1, CAUSE_PATH
    units = net.interfaces[interface * IF_WORDS + IF_UNIT]
    if not is_open_back(rules, units + (opener == INGRESS), is_ipv6, protocol):
        return -1, CAUSE_RETURN_RULE
    rule = open_rule(rules, units + (opener == EGRESS), is_ipv6, hi, lo, opening_service(word, opener))
    return rule, (CAUSE_OPEN_RULES if rule >= 0 else CAUSE_OPENING_RULE)


@kernel(is_entry=False)
def choose(
    net: Network, rules: Rules, facts: Facts, interface: int, word: int, opener: int, hi: np.uint64, lo: np.uint64
) -> tuple[int, int]:
    """The same as a function of its own, for packets that are rarer."""
    is_ipv6 = np.int64(word & KEY_IPV6 != 0)
    is_automatic = path(net, interface, is_ipv6, hi, lo)[0]
    return choose_here(net, rules, facts, interface, word, opener, is_ipv6, hi, lo, is_automatic)


@kernel(is_entry=False, inline=True)
def first_admitting_here(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    interface: int,
    direction: int,
    is_ipv6: int,
    hi: np.uint64,
    lo: np.uint64,
    service: int,
) -> int:
    """The deciding rule, -1 if none admits, `UNRESOLVED_RULE` if that hinges on an unknown peer."""
    unit = net.interfaces[interface * IF_WORDS + IF_UNIT] + (direction == EGRESS)
    rule = first_rule(rules, unit, is_ipv6, hi, lo, service)
    if rule < 0 and hinges(rules, unit, is_ipv6, service) and not facts.options[ALLOW_UNRESOLVED]:
        m.clock[HINGE_INTERFACE], m.clock[HINGE_DIRECTION] = interface, direction
        m.clock[HINGE_SERVICE], m.clock[HINGE_FAMILY] = service, 6 if is_ipv6 else 4
        return UNRESOLVED_RULE
    return rule


first_admitting = apart(first_admitting_here)
"""The same as a function of its own, for packets that are rarer."""


@kernel(is_entry=False, inline=True)
def told_opener(word: int, direction: int, segment: int) -> int:
    """Who opened the flow, where the packet itself tells; 0 where it does not."""
    if segment == SYN:
        return direction
    if segment == SYN_ACK:
        return INGRESS + EGRESS - direction
    if word & KEY_QUERY:
        return EGRESS if word & KEY_QUERY_EGRESS else INGRESS
    return 0


@kernel(is_entry=False, inline=True)
def goes_to_client(facts: Facts, p: Packets, row: int) -> bool:
    """Whether a packet of TCP or UDP comes from a server's port and goes to a client's."""
    return (p.src_port[row] < facts.options[CLIENT_PORT]) & (p.dst_port[row] >= facts.options[CLIENT_PORT])


@kernel(is_entry=False, inline=True)
def opener_by_ports(facts: Facts, p: Packets, row: int, direction: int) -> int:
    """Who opened the flow, if one port is a client's and the other is not; 0 if that does not tell."""
    if p.protocol[row] != TCP and p.protocol[row] != UDP:
        return 0
    is_client = p.src_port[row] >= facts.options[CLIENT_PORT]
    is_server = p.dst_port[row] < facts.options[CLIENT_PORT]
    if is_client != is_server:
        return 0
    return direction if is_client else INGRESS + EGRESS - direction


@kernel(is_entry=False)
def find_opener(
    net: Network, rules: Rules, facts: Facts, p: Packets, items: Items, item: int, segment: int, may_presume: bool
) -> int:
    """Which way the packet went that opened a flow of which nothing is remembered."""
    row, direction = np.int64(items.row[item]), np.int64(items.direction[item])
    interface, word = np.int64(items.interface[item]), items.service[item]
    told = told_opener(word, direction, segment)
    if told:
        return told
    hi, lo = peer(p, items, item)
    if segment:
        inward = choose(net, rules, facts, interface, word, INGRESS, hi, lo)[0] >= 0
        outward = choose(net, rules, facts, interface, word, EGRESS, hi, lo)[0] >= 0
        if inward != outward:
            return INGRESS if inward else EGRESS
    by_ports = opener_by_ports(facts, p, row, direction) if may_presume else 0
    return by_ports or direction


@kernel(is_entry=False, inline=True)
def flow_has_ended(m: Memory, p: Packets, items: Items, item: int) -> bool:
    """Whether a flow with the key of an item has ended."""
    hashed = items.hashed[item]
    if items.service[item] & KEY_IPV6:
        wide = wide_key(p, np.int64(items.row[item]), np.int64(items.direction[item]))
        hashed = wide_fingerprint(hashed, wide[0], wide[1], wide[2], wide[3])
    return has_ended(m, hashed | np.uint64(1))


@kernel(is_entry=False, inline=True)
def may_presume(m: Memory, net: Network, facts: Facts, p: Packets, items: Items, item: int, segment: int) -> bool:
    """Whether the flow of an item, of which nothing is remembered, may have been open before the recording began."""
    if not facts.options[RECORDED] or facts.options[COLD_START] or facts.options[PICKUP]:
        return False
    # What is told to open a flow is presumed to do no more than that; so most need not be looked up among those ended.
    if segment == SYN:
        return False
    row, direction = np.int64(items.row[item]), np.int64(items.direction[item])
    if not segment:
        opener = told_opener(items.service[item], direction, 0) or opener_by_ports(facts, p, row, direction)
        if not opener or opener == direction:
            return False
    protocol = np.int64(p.protocol[row])
    if m.clock[NOW] - m.clock[START] >= longest_ns(net, facts, np.int64(items.interface[item]), protocol):
        return False
    return not flow_has_ended(m, p, items, item)


@kernel(is_entry=False, inline=True)
def has_room(m: Memory, net: Network, interface: int, places: int) -> bool:
    """Whether the table has so many places."""
    row = net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS
    capacity = m.tables[row + CAPACITY]
    return capacity < 0 or m.tables[row + COUNT] + places <= capacity
