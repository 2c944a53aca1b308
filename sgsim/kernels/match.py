"""Which rules admit a packet: a tree of peers leads to a row, and the row to the first rule for a service.

Compiled twin of `sgsim.rules.match`. All is one kind of step: a node has keys, which are compared with a number at once, and
for each count of those that are greater the next node. Numbers are addresses, then services. A head, one for each of the
same high bits of addresses, says with which node to begin. Nearly all trees and rows have one node on the way.

The cost is nearly the same for ten rules and ten thousand, and nothing here branches on what a packet says: random packets
would mispredict every other branch, which costs as much as all of the rest. So within a tree each way has as many nodes as
the longest. A leaf, which stands for a rule, leads to itself. Of many rows a few may be longer than the others.

How services are numbered, and where all stands, is in `rule_layout`; how nodes look, in `sgsim.engine.lowering.nodes`.
"""

import numpy as np

from sgsim.kernels.arrays import Rules
from sgsim.kernels.jit import kernel
from sgsim.kernels.prefetch import distance, greater, wide_greater
from sgsim.kernels.rule_layout import (
    BY_PEER,
    ICMP_FROM,
    ICMPV6_FROM,
    KEY,
    LINE,
    PROTOCOL_FROM,
    SPACE_BITS,
    TREE_ENOUGH,
    TREE_FROM_HI,
    TREE_FROM_LO,
    TREE_FURTHER,
    TREE_HEADS,
    TREE_HINGE_ROW,
    TREE_HINGED,
    TREE_MOST_HI,
    TREE_MOST_LO,
    TREE_PIECE_BITS,
    TREE_PIECE_FURTHER,
    TREE_PIECES,
    TREE_ROW,
    TREE_ROW_FURTHER,
    TREE_SHIFT,
    TREE_WIDE_SHIFT,
    TREE_WORDS,
    UDP_FROM,
    WIDE_FIRST,
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
def tree_at(unit: int, is_ipv6: int, is_open: int) -> int:
    """Where the tree of a unit and family begins in `Rules.trees`: that of rules, or of those that leave flows untracked."""
    return (unit * 4 + is_ipv6 * 2 + is_open) * TREE_WORDS


@kernel(is_entry=False, inline=True)
def first_node(rules: Rules, head: int, service: int) -> int:
    """What a head leads to: it has one half for services whose space is even, one for the others."""
    return np.int64(rules.heads[head] >> np.uint64((service >> SPACE_BITS & 1) << 5) & np.uint64(0xFFFFFFFF))


@kernel(is_entry=False, inline=True)
def next_node(rules: Rules, node: int, number: int) -> int:
    """What a node has for a number: its keys stand in the line to which the reference leads, before what they lead to."""
    return np.int64(rules.nodes[node + greater(rules.nodes, node & -LINE, number | KEY)])


@kernel(is_entry=False)
def further_node(rules: Rules, node: int, number: int, count: int) -> int:
    """What so many nodes, one after the other, have for a number."""
    for _ in range(count):
        node = next_node(rules, node, number)
    return node


@kernel(is_entry=False, inline=True)
def peer_row(rules: Rules, tree: int, address: int, service: int) -> int:
    """The row of a peer, by its IPv4 address."""
    head = rules.trees[tree + TREE_HEADS] + (address >> rules.trees[tree + TREE_SHIFT])
    node = next_node(rules, first_node(rules, head, service), address)
    if rules.trees[tree + TREE_FURTHER]:
        node = further_node(rules, node, address, rules.trees[tree + TREE_FURTHER])
    return node


@kernel(is_entry=False, inline=True)
def piece(rules: Rules, tree: int, hi: np.uint64, lo: np.uint64, number: int) -> int:
    """Part of an IPv6 address, as a number: all that is above the last bits at first, then these, some at a time."""
    return distance(
        hi,
        lo,
        rules.trees[tree + TREE_FROM_HI],
        rules.trees[tree + TREE_FROM_LO],
        rules.trees[tree + TREE_MOST_HI],
        rules.trees[tree + TREE_MOST_LO],
        rules.trees[tree + TREE_WIDE_SHIFT] - rules.trees[tree + TREE_PIECE_BITS] * number,
    )


@kernel(is_entry=False)
def last_node(rules: Rules, tree: int, hi: np.uint64, lo: np.uint64, node: int) -> int:
    """What a node leads to by the last bits of an IPv6 address."""
    for number in range(1, rules.trees[tree + TREE_PIECES] + 1):
        last = piece(rules, tree, hi, lo, number)
        for _ in range(1 + rules.trees[tree + TREE_PIECE_FURTHER]):
            node = np.int64(rules.nodes[node + WIDE_FIRST + wide_greater(rules.nodes, node, last)])
    return node


@kernel(is_entry=False, inline=True)
def wide_peer_row(rules: Rules, tree: int, hi: np.uint64, lo: np.uint64, service: int) -> int:
    """The same by its IPv6 address: what rules do not tell apart is not in the number, which is mostly short enough for one."""
    node = peer_row(rules, tree, piece(rules, tree, hi, lo, 0), service)
    if rules.trees[tree + TREE_PIECES]:
        node = last_node(rules, tree, hi, lo, node)
    return node


@kernel(is_entry=False, inline=True)
def cell(rules: Rules, tree: int, row: int, service: int) -> int:
    """What a row has for a service, -1 for nothing."""
    node = next_node(rules, row, service)
    if node >= rules.trees[tree + TREE_ENOUGH]:
        further = rules.trees[tree + TREE_ROW_FURTHER]
        while further > 0 or node != rules.nodes[node]:
            node, further = next_node(rules, node, service), further - 1
    return node - 1


@kernel(is_entry=False, inline=True)
def cell_of_peer(rules: Rules, tree: int, is_ipv6: int, hi: np.uint64, lo: np.uint64, service: int) -> int:
    """What the row of a peer has for a service, -1 for nothing."""
    row = wide_peer_row(rules, tree, hi, lo, service) if is_ipv6 else peer_row(rules, tree, np.int64(lo), service)
    return cell(rules, tree, row, service)


@kernel(is_entry=False, inline=True)
def first_rule(rules: Rules, unit: int, is_ipv6: int, hi: np.uint64, lo: np.uint64, service: int) -> int:
    """The first rule that admits a peer and a service, -1 if none does."""
    return cell_of_peer(rules, tree_at(unit, is_ipv6, 0), is_ipv6, hi, lo, service)


@kernel(is_entry=False, inline=True)
def open_rule(rules: Rules, unit: int, is_ipv6: int, hi: np.uint64, lo: np.uint64, service: int) -> int:
    """The rule that leaves a flow untracked as far as its own direction tells, -1 if none."""
    tree = tree_at(unit, is_ipv6, 1)
    row = rules.trees[tree + TREE_ROW]
    if row == BY_PEER:
        return cell_of_peer(rules, tree, is_ipv6, hi, lo, service)
    return cell(rules, tree, row, service)


@kernel(is_entry=False, inline=True)
def hinges(rules: Rules, unit: int, is_ipv6: int, service: int) -> bool:
    """Whether a rule with an unknown peer admits the service; counts the question."""
    tree = tree_at(unit, is_ipv6, 0)
    unknown = cell(rules, tree, rules.trees[tree + TREE_HINGE_ROW], service)
    is_unknown = unknown >= 0
    rules.hinged[rules.trees[tree + TREE_HINGED] + unknown + 1] += np.int64(is_unknown)
    return is_unknown


@kernel(is_entry=False, inline=True)
def is_open_back(rules: Rules, unit: int, is_ipv6: int, protocol: int) -> bool:
    """Whether a unit is open to everyone, on all ports of a protocol."""
    return rules.open_back[unit * 512 + is_ipv6 * 256 + protocol] != 0
