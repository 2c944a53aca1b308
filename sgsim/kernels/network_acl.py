"""The edge of a subnet, where a network ACL judges each packet by itself.

Compiled twin of `sgsim.engine.edge_steps` and `sgsim.rules.subnet_edge`. The entries of an ACL before a subnet are a
unit of `Rules` like those of groups, but its cells name only entries that deny; who is inside the subnet is in its
classes of peers.
"""

import numpy as np

from sgsim.kernels.answers import DENY, R_NETWORK_ACL, answer, emit, goes_back, rule_of
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets, Rules
from sgsim.kernels.choices import SYN, TCP, peer
from sgsim.kernels.entries import continue_refused, find_item
from sgsim.kernels.fragments import recall_fragment
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    AS_RECORDED,
    BARRED_AT,
    BARRED_BY,
    ENTRY_WORDS,
    FRAGMENTS_RULES,
    IF_EDGE,
    IF_WORDS,
    NOW,
    RECORDED,
    STATE,
    TRACKING_AT,
)
from sgsim.kernels.locate import EGRESS, INGRESS
from sgsim.kernels.match import first_rule, service_number
from sgsim.kernels.remembered import R_NOT_SENT
from sgsim.kernels.table import REFUSED
from sgsim.model.columns import DecisionColumns


@kernel(is_entry=False)
def look_at_edge(m: Memory, net: Network, rules: Rules, facts: Facts, p: Packets, items: Items, item: int) -> int:
    """The entry that denies an item on its way into the subnet, -1 if none; on its way out it is put into the clock."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    m.clock[BARRED_BY] = 0
    unit = net.interfaces[interface * IF_WORDS + IF_EDGE] - 1
    if unit < 0 or items.is_exempt[item]:
        return -1
    port = np.int64(p.dst_port[row])
    if p.fragment_offset[row]:
        port = -1
        if not facts.options[FRAGMENTS_RULES] or recall_fragment(m, p, row, interface, direction, m.clock[NOW])[0]:
            return -1
    hi, lo = peer(p, items, item)
    service = service_number(np.int64(p.protocol[row]), port, np.int64(p.icmp_type[row]), np.int64(p.icmp_code[row]))
    is_ipv6 = np.int64(p.family[row] != 4)
    entry = first_rule(rules, unit + (direction == EGRESS), is_ipv6, hi, lo, service)
    if direction == INGRESS:
        return entry
    m.clock[BARRED_BY] = entry + 1
    return -1


@kernel(is_entry=False)
def answers_barred(m: Memory, facts: Facts, entry: int, direction: int, segment: int) -> bool:
    """Recorded traffic: whether a packet answers one that a network ACL has just kept from leaving."""
    if not m.pool[entry * ENTRY_WORDS + STATE] >> BARRED_AT & 1:
        return False
    if not facts.options[RECORDED] or facts.options[AS_RECORDED] or segment == SYN:
        return False
    return goes_back(m, entry, direction) != 0


@kernel(is_entry=False)
def network_acl_in(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    denying: int,
) -> tuple[int, int, int]:
    """A packet that an entry denies on its way in: the verdict, the refused flow that it goes on, its TCP segment."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    segment = np.int64(facts.segments[p.tcp_flags[row]]) if p.protocol[row] == TCP else 0
    entry = find_item(m, p, items, item) if items.has_key[item] else -1
    refused = -1
    if entry >= 0:
        not_sent = answers_barred(m, facts, entry, direction, segment)
        if not not_sent and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == REFUSED:
            is_reply = goes_back(m, entry, direction)
            if continue_refused(m, net, facts, items, item, entry, segment):
                not_sent = is_reply != 0 and not facts.options[AS_RECORDED]
                refused = entry
        if not_sent:
            rule = rule_of(m, entry)
            return answer(m, facts, p, out, at, row, interface, direction, R_NOT_SENT, 0, rule, entry), -1, segment
    emit(m, out, at, row, interface, direction, R_NETWORK_ACL, DENY, 0, denying, -1)
    return DENY, refused, segment
