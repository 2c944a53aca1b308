"""Which rules admit a packet: two classifications and one cell of a cross table.

Compiled twin of `sgsim.rules.match`. Addresses that the same rules admit form a class, services between two ends of rules
likewise; a cell says for a class of peers and one of services which rule comes first.

The cost is the same for ten rules and ten thousand, and nothing here branches on what a packet says: random packets would
mispredict every other branch, which costs as much as all of the rest. So a trie is always gone down to its last byte:
below an address range of one class there is a leaf, whose next node is the leaf itself.

How services are numbered, and where all stands, is in `rule_layout`.
"""

import numpy as np

from sgsim.kernels.arrays import Rules
from sgsim.kernels.jit import kernel
from sgsim.kernels.prefetch import ones, smaller
from sgsim.kernels.rule_layout import (
    BLOCK,
    BLOCK_BITS,
    BLOCKS,
    GROUP_BITS,
    ICMP_FROM,
    ICMPV6_FROM,
    NODE_AT,
    OPEN_BY_PEER,
    PAGE_AT,
    PAGE_BITS,
    PAGE_WORDS,
    PROTOCOL_FROM,
    ROW_AFTER,
    SERVICE_PAGES,
    UDP_FROM,
    UNIT_PAGES,
    WIDE_KEYS,
    WIDE_LEVELS,
)
from sgsim.model.protocol import Protocol

TCP, UDP = int(Protocol.TCP), int(Protocol.UDP)
ICMP, ICMPV6 = int(Protocol.ICMP), int(Protocol.ICMPV6)


@kernel(is_entry=False, inline=True)
def service_number(protocol: int, port: int, icmp_type: int, icmp_code: int) -> int:
    """The number of a service; a port of -1 asks for a protocol without its ports."""
    is_udp, is_icmp, is_icmpv6 = np.int64(protocol == UDP), np.int64(protocol == ICMP), np.int64(protocol == ICMPV6)
    start = is_udp * UDP_FROM + is_icmp * ICMP_FROM + is_icmpv6 * ICMPV6_FROM
    number = icmp_type * 256 + icmp_code if is_icmp | is_icmpv6 else port
    has_number = (port >= 0) & ((protocol == TCP) | (start > 0))
    return start + number if has_number else PROTOCOL_FROM + protocol


@kernel(is_entry=False, inline=True)
def port_number(protocol: int, port: int) -> int:
    """The same for TCP and UDP alone."""
    return port + UDP_FROM * np.int64(protocol == UDP)


@kernel(is_entry=False, inline=True)
def rank(rules: Rules, first_page: int, number: int) -> int:
    """How many marks stand at or below a number, beside what the unit's pages begin with."""
    page = rules.pages[first_page + (number >> PAGE_BITS)]
    word = (page >> PAGE_AT) + (number >> 6 & PAGE_WORDS - 1)
    until = np.int64(ones(rules.marks[word * 2] << np.uint64(~number & 63)))
    return (page & 0xFFFFFFFF) + np.int64(rules.marks[word * 2 + 1]) + until


@kernel(is_entry=False, inline=True)
def service_class(rules: Rules, unit: int, service: int) -> int:
    """The class of a service in a unit."""
    return rank(rules, unit * UNIT_PAGES, service)


@kernel(is_entry=False, inline=True)
def place(node: int, bits: int) -> int:
    """Where a node, which comes first, or a leaf, has something for the next bits."""
    return (node >> NODE_AT) + (bits >> (node & 63))


@kernel(is_entry=False, inline=True)
def peer_row(rules: Rules, unit: int, address: int) -> int:
    """Where the row of an IPv4 address in the cross table of a unit stands in `Rules.nodes`."""
    head = rank(rules, unit * UNIT_PAGES + SERVICE_PAGES, address >> 16 & 65535)
    node = np.int64(rules.nodes[head])
    node = np.int64(rules.nodes[place(node, address >> 11 & 31)])
    node = np.int64(rules.nodes[place(node, address >> 6 & 31)])
    return np.int64(rules.nodes[place(node, address & 63)]) >> NODE_AT


@kernel(is_entry=False)
def wide_peer_row(rules: Rules, unit: int, hi: np.uint64, lo: np.uint64) -> int:
    """The same for an IPv6 address: as many intervals end before it as there are before its own."""
    bottom = unit * WIDE_LEVELS + rules.wide_levels[unit] - 1
    node = 0
    for level in range(unit * WIDE_LEVELS, bottom):
        keys = rules.wide_from[level] + node * WIDE_KEYS
        node = node * (WIDE_KEYS + 1) + np.int64(smaller(rules.wide_hi, rules.wide_lo, keys, hi, lo))
    keys = rules.wide_from[bottom] + node * WIDE_KEYS
    before = node * WIDE_KEYS + np.int64(smaller(rules.wide_hi, rules.wide_lo, keys, hi, lo))
    return np.int64(rules.wide_row[rules.wide_rows_from[unit] + before])


@kernel(is_entry=False, inline=True)
def cell(rules: Rules, row: int, kind: int) -> int:
    """What a row of a cross table has for a class of services."""
    node = np.int64(rules.nodes[row + (kind >> GROUP_BITS)])
    node = np.int64(rules.nodes[place(node, kind >> BLOCK_BITS & BLOCKS - 1)])
    return np.int64(rules.first[place(node, kind & BLOCK - 1)])


@kernel(is_entry=False, inline=True)
def first_rule(rules: Rules, unit: int, is_ipv6: int, hi: np.uint64, lo: np.uint64, service: int) -> int:
    """The first rule that admits a peer and a service, -1 if none does."""
    row = wide_peer_row(rules, unit, hi, lo) if is_ipv6 else peer_row(rules, unit, np.int64(lo))
    return cell(rules, row + ROW_AFTER, service_class(rules, unit, service))


@kernel(is_entry=False, inline=True)
def open_rule(rules: Rules, unit: int, is_ipv6: int, hi: np.uint64, lo: np.uint64, service: int) -> int:
    """The rule that leaves a flow untracked as far as its own direction tells, -1 if none."""
    kind = service_class(rules, unit, service)
    rule = np.int64(rules.open[rules.kinds_from[unit * 2 + is_ipv6] + kind])
    if rule != OPEN_BY_PEER:
        return rule
    row = wide_peer_row(rules, unit, hi, lo) if is_ipv6 else peer_row(rules, unit, np.int64(lo))
    return cell(rules, row + rules.open_after[unit * 2 + is_ipv6], kind)


@kernel(is_entry=False, inline=True)
def hinges(rules: Rules, unit: int, is_ipv6: int, service: int) -> bool:
    """Whether a rule with an unknown peer admits the service; counts the question."""
    at = rules.kinds_from[unit * 2 + is_ipv6] + service_class(rules, unit, service)
    rules.hinged[at] += rules.hinge[at]
    return rules.hinge[at] != 0


@kernel(is_entry=False, inline=True)
def is_open_back(rules: Rules, unit: int, is_ipv6: int, protocol: int) -> bool:
    """Whether a unit is open to everyone, on all ports of a protocol."""
    return rules.open_back[unit * 512 + is_ipv6 * 256 + protocol] != 0
