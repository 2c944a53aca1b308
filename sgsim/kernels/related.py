"""ICMP errors and the flows that they are about.

Compiled twin of the step `related` of `sgsim.engine.steps`.
"""

import numpy as np

from sgsim.kernels import calendar
from sgsim.kernels.answers import ALLOW, R_RELATED, answer, rule_of
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets
from sgsim.kernels.choices import ICMP, ICMPV6
from sgsim.kernels.entries import timeout
from sgsim.kernels.forget import CLOSE, TIME_WAIT
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    AUTOMATIC_AT,
    ENTRY_WORDS,
    EXPIRES,
    KEY_IPV6,
    KEY_SERVICE,
    LATE_REFRESH,
    NOW,
    RELATED,
    RELATED_REFRESH,
    STATE,
    TRACKING_AT,
)
from sgsim.kernels.locate import EGRESS, INGRESS, local32, query_word
from sgsim.kernels.remembered import GO_ON, S_RELATED
from sgsim.kernels.table import REFUSED, UNTRACKED, find, find_wide, hash_key
from sgsim.model.columns import DecisionColumns


@kernel(is_entry=False)
def quoted_entry(m: Memory, facts: Facts, p: Packets, items: Items, item: int) -> int:
    """The flow of the packet that an ICMP error quotes, -1 for none."""
    row, interface = np.int64(items.row[item]), np.int64(items.interface[item])
    quote = np.int64(p.quote[row])
    if p.quoted_src_hi[quote] != p.dst_hi[row] or p.quoted_src_lo[quote] != p.dst_lo[row]:
        return -1
    direction = INGRESS + EGRESS - np.int64(items.direction[item])
    protocol, is_ipv6 = np.int64(p.quoted_protocol[quote]), np.int64(p.quoted_family[quote] != 4)
    src, dst = (
        local32(p.quoted_src_hi[quote], p.quoted_src_lo[quote], is_ipv6),
        local32(p.quoted_dst_hi[quote], p.quoted_dst_lo[quote], is_ipv6),
    )
    src_port, dst_port = np.int64(p.quoted_src_port[quote]), np.int64(p.quoted_dst_port[quote])
    if direction == EGRESS:
        addresses, word = src | dst << 32, src_port | dst_port << 16
    else:
        addresses, word = dst | src << 32, dst_port | src_port << 16
    word |= protocol << 32
    if protocol == ICMP or protocol == ICMPV6:
        query = query_word(
            facts, protocol, np.int64(p.quoted_icmp_type[quote]), np.int64(p.quoted_icmp_code[quote]), direction
        )
        if query < 0:
            return -1
        word |= query
    if not is_ipv6:
        return find(m, addresses, word, interface, hash_key(addresses, word, interface))
    word |= KEY_IPV6
    wide = (p.quoted_src_hi[quote], p.quoted_src_lo[quote], p.quoted_dst_hi[quote], p.quoted_dst_lo[quote])
    if direction == INGRESS:
        wide = (p.quoted_dst_hi[quote], p.quoted_dst_lo[quote], p.quoted_src_hi[quote], p.quoted_src_lo[quote])
    return find_wide(m, addresses, word, interface, hash_key(addresses, word, interface), wide)


@kernel(is_entry=False)
def related(m: Memory, facts: Facts, p: Packets, out: DecisionColumns, at: int, items: Items, item: int) -> int:
    """An ICMP error about a remembered flow, sent to the sender of the packet that it quotes."""
    row = np.int64(items.row[item])
    kind = (256 if p.protocol[row] == ICMPV6 else 0) + np.int64(p.icmp_type[row])
    if not facts.errors[kind]:
        return GO_ON
    entry = quoted_entry(m, facts, p, items, item)
    if entry < 0:
        return GO_ON
    state = m.pool[entry * ENTRY_WORDS + STATE]
    tracking = state >> TRACKING_AT & 3
    if tracking == REFUSED:
        return GO_ON
    policy = facts.options[RELATED]
    covered = policy == 2 or (policy == 1 and (tracking == UNTRACKED or state >> AUTOMATIC_AT & 1 != 0))
    if not covered:
        return GO_ON
    interface, direction = np.int64(items.interface[item]), np.int64(items.direction[item])
    return answer(m, facts, p, out, at, row, interface, direction, R_RELATED, S_RELATED, rule_of(m, entry), entry)


@kernel(is_entry=False)
def refresh_quoted(m: Memory, net: Network, facts: Facts, p: Packets, items: Items, item: int, verdict: int) -> None:
    """An ICMP error that passes may restart the timeout of the flow that it is about."""
    row, interface = np.int64(items.row[item]), np.int64(items.interface[item])
    kind = (256 if p.protocol[row] == ICMPV6 else 0) + np.int64(p.icmp_type[row])
    if verdict != ALLOW or not facts.options[RELATED_REFRESH] or not facts.errors[kind]:
        return
    entry = quoted_entry(m, facts, p, items, item)
    if entry < 0:
        return
    word = entry * ENTRY_WORDS
    state = m.pool[word + STATE]
    is_over = state & 15 == TIME_WAIT or state & 15 == CLOSE
    if state >> TRACKING_AT & 3 == REFUSED or (is_over and not facts.options[LATE_REFRESH]):
        return
    before = m.pool[word + EXPIRES]
    m.pool[word + EXPIRES] = m.clock[NOW] + timeout(net, facts, interface, m.pool[word + KEY_SERVICE], state)
    if m.pool[word + EXPIRES] < before:
        calendar.put_again(m, entry)
