"""The way of packets through rules and table.

Compiled twin of `sgsim.engine.steps` and `interface_filter`: the same steps in the same order, for one packet at one
interface after the other. Where the reference keeps a `Passage`, these functions pass a few numbers.
"""

import numpy as np
from numba import types

from sgsim.kernels import calendar, pressure, tcp
from sgsim.kernels.arrays import (
    Facts,
    Items,
    Memory,
    Network,
    Packets,
    Rules,
    decisions_at,
    facts_at,
    items_at,
    memory_at,
    network_at,
    packets_at,
    rules_at,
)
from sgsim.kernels.forget import (
    CAUSE_OPEN_RULES,
    CLOSE,
    CLOSED,
    CUT,
    MOVED,
    REPLACED,
    TIME_WAIT,
    expire_until,
    forget,
    has_ended,
    has_room_to_end,
    longest_ns,
    note_beside,
    untrack,
    wide_fingerprint,
)
from sgsim.kernels.fragments import recall_fragment, remember_fragment
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import *  # noqa: F403  # positions, all of them
from sgsim.kernels.locate import ANSWER, EGRESS, INGRESS, local32, locate, query_word
from sgsim.kernels.match import cell, hinges, is_open_back, service_number
from sgsim.kernels.prefetch import prefetch
from sgsim.kernels.table import REFUSED, TRACKED, UNTRACKED, find, find_wide, hash_key, link, take_entry
from sgsim.model.columns import DecisionColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import Protocol, TcpFlags
from sgsim.model.states import ConntrackState, TcpState

ALLOW, DENY, SKIP = int(Verdict.ALLOW), int(Verdict.DENY), int(Verdict.SKIP)
R_RULE, R_ESTABLISHED, R_UNTRACKED, R_RELATED = (
    int(Reason.RULE), int(Reason.ESTABLISHED), int(Reason.UNTRACKED), int(Reason.RELATED),
)  # fmt: skip
R_EXEMPT, R_NO_GROUPS, R_PRESUMED, R_FRAGMENT = (
    int(Reason.EXEMPT), int(Reason.NO_GROUPS), int(Reason.PRESUMED), int(Reason.FRAGMENT),
)  # fmt: skip
R_NO_RULE, R_TABLE_FULL, R_MIDSTREAM, R_CUT, R_INVALID, R_NOT_SENT = (
    int(Reason.NO_RULE), int(Reason.TABLE_FULL), int(Reason.MIDSTREAM), int(Reason.CUT), int(Reason.INVALID),
    int(Reason.NOT_SENT),
)  # fmt: skip
S_NEW, S_ESTABLISHED, S_RELATED, S_UNTRACKED, S_INVALID, S_EXEMPT = (
    int(ConntrackState.NEW), int(ConntrackState.ESTABLISHED), int(ConntrackState.RELATED),
    int(ConntrackState.UNTRACKED), int(ConntrackState.INVALID), int(ConntrackState.EXEMPT),
)  # fmt: skip
TCP, UDP = int(Protocol.TCP), int(Protocol.UDP)
ICMP, ICMPV6 = int(Protocol.ICMP), int(Protocol.ICMPV6)
SYN, SYN_ACK = 1, 2
FLAG_ACK, FLAGS_SYN_RST = int(TcpFlags.ACK), int(TcpFlags.SYN | TcpFlags.RST)
ST_SYN_SENT, ST_ESTABLISHED = int(TcpState.SYN_SENT), int(TcpState.ESTABLISHED)

CAUSE_PROTOCOL, CAUSE_PATH, CAUSE_OPENING_RULE, CAUSE_RETURN_RULE, CAUSE_DENIED = 2, 3, 4, 5, 6
"""Why a flow is tracked; a test holds them against `sgsim.conntrack.entry.TrackingCause`."""

UNRESOLVED_RULE = -2
"""In place of a rule: the verdict hinges on a reference whose addresses nobody gave."""

_LOW = 0xFFFFFFFF


@kernel(is_entry=False)
def _emit(
    m: Memory,
    out: DecisionColumns,
    at: int,
    row: int,
    interface: int,
    direction: int,
    reason: int,
    verdict: int,
    state: int,
    rule: int,
    entry: int,
) -> None:
    """Write one decision; its flow is that of the entry, -1 for none."""
    out.row[at] = row
    out.interface[at] = interface
    out.direction[at] = direction
    out.verdict[at] = verdict
    out.reason[at] = reason
    out.state[at] = state
    out.rule[at] = rule
    if entry >= 0:
        word = m.pool[entry * ENTRY_WORDS + STATE]
        out.tcp_state[at] = word & 15
        out.opener[at] = INGRESS + (word >> OPENER_EGRESS_AT & 1)
        out.flow[at] = m.pool[entry * ENTRY_WORDS + FLOW]
    else:
        out.tcp_state[at] = 0
        out.opener[at] = 0
        out.flow[at] = 0


@kernel(is_entry=False)
def _count(m: Memory, facts: Facts, p: Packets, row: int, direction: int, entry: int, verdict: int) -> None:
    """Count a packet on its flow, where flows are recorded."""
    if entry < 0 or not facts.options[RECORD_FLOWS]:
        return
    is_reply = _is_reply(m, entry, direction)
    at = entry * EXTRA_WORDS
    m.extra[at + PACKETS_ORIGINAL + is_reply] += 1
    m.extra[at + BYTES_ORIGINAL + is_reply] += np.int64(p.length_bytes[row])
    if verdict == ALLOW:
        m.extra[at + ALLOWED] += 1
    elif verdict == DENY:
        m.extra[at + DENIED] += 1
    m.extra[at + LAST_SEEN] = m.clock[NOW]


@kernel(is_entry=False)
def _is_reply(m: Memory, entry: int, direction: int) -> int:
    """1 if a packet that passes in this direction goes against the flow's opener."""
    opener = INGRESS + (m.pool[entry * ENTRY_WORDS + STATE] >> OPENER_EGRESS_AT & 1)
    return np.int64(opener != direction)


@kernel(is_entry=False)
def _answer(
    m: Memory,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    row: int,
    interface: int,
    direction: int,
    reason: int,
    state: int,
    rule: int,
    entry: int,
) -> int:
    """Decide: the verdict is that of the reason; gives it."""
    verdict = np.int64(facts.verdicts[reason])
    if reason != R_RELATED:
        _count(m, facts, p, row, direction, entry, verdict)
    _emit(m, out, at, row, interface, direction, reason, verdict, state, rule, entry)
    return verdict


@kernel(is_entry=False)
def _rule_of(m: Memory, entry: int) -> int:
    return (m.pool[entry * ENTRY_WORDS + OWNER] >> 32 & _LOW) - 1


@kernel(is_entry=False)
def _opening_service(word: int, opener: int) -> int:
    """The number of the service that the opener of a flow asks for."""
    protocol = word >> 32 & 255
    if protocol == TCP or protocol == UDP:
        port = word & 65535 if opener == INGRESS else word >> 16 & 65535
        return service_number(protocol, port, 0, 0)
    if word & KEY_QUERY:
        return service_number(protocol, 0, word >> 40 & 255, 0)
    return service_number(protocol, -1, 0, 0)


@kernel(is_entry=False)
def _path(net: Network, interface: int, is_ipv6: int, hi: np.uint64, lo: np.uint64) -> tuple[int, int]:
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


@kernel(is_entry=False)
def _choose(
    net: Network,
    rules: Rules,
    facts: Facts,
    interface: int,
    word: int,
    opener: int,
    hi: np.uint64,
    lo: np.uint64,
) -> tuple[int, int]:
    """How today's rules would have a flow remembered: the rule that leaves it untracked, else -1, and the cause.

    Compiled twin of `sgsim.conntrack.tracking`; `hi` and `lo` are the peer's address.
    """
    protocol = word >> 32 & 255
    bypass = facts.options[BYPASS]
    may_bypass = (
        protocol == TCP or protocol == UDP if bypass == 1 else bypass == 2 and protocol != ICMP and protocol != ICMPV6
    )
    if not may_bypass:
        return -1, CAUSE_PROTOCOL
    is_ipv6 = np.int64(word & KEY_IPV6 != 0)
    if _path(net, interface, is_ipv6, hi, lo)[0]:
        return -1, CAUSE_PATH
    units = net.interfaces[interface * IF_WORDS + IF_UNIT]
    if not is_open_back(rules, units + (opener == INGRESS), is_ipv6, protocol):
        return -1, CAUSE_RETURN_RULE
    rule = np.int64(
        rules.open[cell(rules, units + (opener == EGRESS), is_ipv6, hi, lo, _opening_service(word, opener))]
    )
    return rule, (CAUSE_OPEN_RULES if rule >= 0 else CAUSE_OPENING_RULE)


@kernel(is_entry=False)
def _first_admitting(
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
    rule = np.int64(rules.first[cell(rules, unit, is_ipv6, hi, lo, service)])
    if rule < 0 and hinges(rules, unit, is_ipv6, service) and not facts.options[ALLOW_UNRESOLVED]:
        m.clock[HINGE_INTERFACE], m.clock[HINGE_DIRECTION] = interface, direction
        m.clock[HINGE_SERVICE], m.clock[HINGE_FAMILY] = service, 6 if is_ipv6 else 4
        return UNRESOLVED_RULE
    return rule


@kernel(is_entry=False)
def _timeout(net: Network, interface: int, word: int, state: int) -> int:
    """How long a flow may now be silent."""
    row = interface * TIMEOUT_WORDS
    protocol = word >> 32 & 255
    if protocol == TCP:
        return net.timeouts[row + (state & 15)]
    if protocol == UDP:
        return net.timeouts[row + (UDP_STREAM_TIMEOUT if state >> STREAM_AT & 1 else UDP_TIMEOUT)]
    if protocol == ICMP:
        return net.timeouts[row + ICMP_TIMEOUT]
    if protocol == ICMPV6:
        return net.timeouts[row + ICMPV6_TIMEOUT]
    return net.timeouts[row + OTHER_TIMEOUT]


@kernel(is_entry=False)
def _progress(
    m: Memory, net: Network, facts: Facts, interface: int, entry: int, is_reply: int, effect: int, after: int
) -> None:
    """Move a flow by a packet of it, and restart its timeout where that is due; `after` is its state word then."""
    word = entry * ENTRY_WORDS
    before, now_ns = m.pool[word + STATE], m.clock[NOW]
    service = m.pool[word + KEY_SERVICE]
    protocol = service >> 32 & 255
    if protocol == UDP and before >> ANSWERED_AT & 1:
        if facts.options[STREAM_BY_AGE]:
            if now_ns - m.pool[word + OPENED] > facts.options[STREAM_AGE_NS]:
                after |= 1 << STREAM_AT
        elif not is_reply:
            after |= 1 << STREAM_AT
    after |= is_reply << ANSWERED_AT
    m.pool[word + STATE] = after
    if before >> TRACKING_AT & 3 == TRACKED and before != after:
        if pressure.state_class(service, before) != pressure.state_class(service, after):
            table = net.interfaces[interface * IF_WORDS + IF_TABLE]
            pressure.note_state(m, table, entry, before)
    restarts = True
    if protocol == TCP and before & 15 == after & 15:
        if (after & 15 == TIME_WAIT or after & 15 == CLOSE) and not facts.options[LATE_REFRESH]:
            restarts = False
        else:
            restarts = effect == tcp.MOVED or effect == tcp.DELETED or facts.options[IGNORED_REFRESH] != 0
    if restarts:
        expires = now_ns + _timeout(net, interface, service, after)
        is_sooner = expires < m.pool[word + EXPIRES]
        m.pool[word + EXPIRES] = expires
        if is_sooner:
            calendar.take(m, entry)
            calendar.put(m, entry)


@kernel(is_entry=False)
def _move(m: Memory, facts: Facts, entry: int, is_reply: int, segment: int) -> tuple[int, int]:
    """What a packet does to its flow's state."""
    state = m.pool[entry * ENTRY_WORDS + STATE]
    if segment == 0:
        return tcp.MOVED, state
    return tcp.move(facts, state, is_reply, segment)


@kernel(is_entry=False)
def _insert(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    items: Items,
    item: int,
    tracking: int,
    opener: int,
    rule: int,
    cause: int,
    tcp_word: int,
    is_presumed: int,
) -> int:
    """Remember the flow of an item; gives its entry."""
    interface, direction = np.int64(items.interface[item]), np.int64(items.direction[item])
    row, now_ns = np.int64(items.row[item]), m.clock[NOW]
    service = items.service[item]
    hi, lo = _peer(p, row, direction)
    automatic, places = _path(net, interface, np.int64(service & KEY_IPV6 != 0), hi, lo)
    entry = take_entry(m)
    word = entry * ENTRY_WORDS
    m.clock[NEXT_FLOW] += 1
    state = (
        tcp_word
        | tracking << TRACKING_AT
        | np.int64(opener == EGRESS) << OPENER_EGRESS_AT
        | np.int64(opener != direction) << ANSWERED_AT
        | is_presumed << PRESUMED_AT
        | (places if tracking == TRACKED else 0) << PLACES_AT
        | automatic << AUTOMATIC_AT
        | cause << CAUSE_AT
        | m.clock[VERSION] << VERSION_AT
    )
    m.pool[word + KEY_ADDRESSES] = items.addresses[item]
    m.pool[word + KEY_SERVICE] = service
    m.pool[word + OWNER] = interface | (rule + 1) << 32
    m.pool[word + EXPIRES] = now_ns + _timeout(net, interface, service, state)
    m.pool[word + FLOW] = m.clock[NEXT_FLOW]
    m.pool[word + STATE] = state
    m.pool[word + OPENED] = now_ns
    if service & KEY_IPV6:
        _write_wide(m, p, entry, row, direction)
    if facts.options[RECORD_FLOWS]:
        for place in range(EXTRA_WORDS):
            m.extra[entry * EXTRA_WORDS + place] = 0
        m.extra[entry * EXTRA_WORDS + LAST_SEEN] = now_ns
    link(m, entry, items.hashed[item])
    calendar.put(m, entry)
    table = net.interfaces[interface * IF_WORDS + IF_TABLE]
    if tracking == TRACKED:
        pressure.note_inserted(m, table, entry, now_ns)
    else:
        note_beside(m, net, facts, table, now_ns)
    return entry


@kernel(is_entry=False)
def _write_wide(m: Memory, p: Packets, entry: int, row: int, direction: int) -> None:
    local, remote = entry * 4, entry * 4 + 2
    if direction == INGRESS:
        local, remote = remote, local
    m.wide[local], m.wide[local + 1] = p.src_hi[row], p.src_lo[row]
    m.wide[remote], m.wide[remote + 1] = p.dst_hi[row], p.dst_lo[row]


@kernel(is_entry=False)
def _peer(p: Packets, row: int, direction: int) -> tuple[np.uint64, np.uint64]:
    """The address of the other side of a packet."""
    if direction == INGRESS:
        return p.src_hi[row], p.src_lo[row]
    return p.dst_hi[row], p.dst_lo[row]


@kernel(is_entry=False)
def _wide_key(p: Packets, row: int, direction: int) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Local and remote address of a packet, upper half first."""
    if direction == EGRESS:
        return p.src_hi[row], p.src_lo[row], p.dst_hi[row], p.dst_lo[row]
    return p.dst_hi[row], p.dst_lo[row], p.src_hi[row], p.src_lo[row]


@kernel(is_entry=False)
def _find_item(m: Memory, p: Packets, items: Items, item: int) -> int:
    """The entry of an item's flow, -1 for none."""
    service, interface = items.service[item], np.int64(items.interface[item])
    if service & KEY_IPV6:
        wide = _wide_key(p, np.int64(items.row[item]), np.int64(items.direction[item]))
        return find_wide(m, items.addresses[item], service, interface, items.hashed[item], wide)
    return find(m, items.addresses[item], service, interface, items.hashed[item])


@kernel(is_entry=False)
def _told_opener(facts: Facts, word: int, direction: int, segment: int) -> int:
    """Who opened the flow, where the packet itself tells; 0 where it does not."""
    if segment == SYN:
        return direction
    if segment == SYN_ACK:
        return INGRESS + EGRESS - direction
    if word & KEY_QUERY:
        return EGRESS if word & KEY_QUERY_EGRESS else INGRESS
    return 0


@kernel(is_entry=False)
def _opener_by_ports(facts: Facts, p: Packets, row: int, direction: int) -> int:
    """Who opened the flow, if one port is a client's and the other is not; 0 if that does not tell."""
    if p.protocol[row] != TCP and p.protocol[row] != UDP:
        return 0
    is_client = p.src_port[row] >= facts.options[EPHEMERAL_PORT]
    is_server = p.dst_port[row] < facts.options[EPHEMERAL_PORT]
    if is_client != is_server:
        return 0
    return direction if is_client else INGRESS + EGRESS - direction


@kernel(is_entry=False)
def _opener(
    net: Network, rules: Rules, facts: Facts, p: Packets, items: Items, item: int, segment: int, may_presume: bool
) -> int:
    """Which way the packet went that opened a flow of which nothing is remembered."""
    row, direction = np.int64(items.row[item]), np.int64(items.direction[item])
    interface, word = np.int64(items.interface[item]), items.service[item]
    told = _told_opener(facts, word, direction, segment)
    if told:
        return told
    hi, lo = _peer(p, row, direction)
    if segment:
        inward = _choose(net, rules, facts, interface, word, INGRESS, hi, lo)[0] >= 0
        outward = _choose(net, rules, facts, interface, word, EGRESS, hi, lo)[0] >= 0
        if inward != outward:
            return INGRESS if inward else EGRESS
    by_ports = _opener_by_ports(facts, p, row, direction) if may_presume else 0
    return by_ports if by_ports else direction


AS_NEW, WAS_CUT, IS_INVALID, IS_UNANSWERED, IS_DELETED = 1, 2, 4, 8, 16
"""What the steps before the rules found, as in `sgsim.engine.passage`."""

GO_ON = 0
"""In place of a verdict: the next step goes on."""

STOP = -1
"""In place of a verdict: it hinges on a reference whose addresses nobody gave."""


@kernel(is_entry=False)
def _later_fragment(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
) -> int:
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    packed, rule, flow, entry = recall_fragment(m, p, row, interface, direction, m.clock[NOW])
    if packed:
        verdict = packed & 255
        _count(m, facts, p, row, direction, entry, verdict)
        reason = packed >> 8 & 255 if verdict == SKIP else R_FRAGMENT
        _emit(m, out, at, row, interface, direction, reason, verdict, packed >> 16 & 255, rule, -1)
        out.tcp_state[at] = packed >> 24 & 255
        out.opener[at] = packed >> 32 & 255
        out.flow[at] = flow
        return verdict
    rule = -1
    if facts.options[FRAGMENTS_RULES]:
        hi, lo = _peer(p, row, direction)
        service = service_number(np.int64(p.protocol[row]), -1, 0, 0)
        is_ipv6 = np.int64(p.family[row] != 4)
        rule = _first_admitting(m, net, rules, facts, interface, direction, is_ipv6, hi, lo, service)
        if rule == UNRESOLVED_RULE:
            return STOP
    verdict, state = (ALLOW, S_UNTRACKED) if rule >= 0 else (DENY, S_INVALID)
    _emit(m, out, at, row, interface, direction, R_FRAGMENT, verdict, state, rule, -1)
    return verdict


@kernel(is_entry=False)
def _quoted_entry(m: Memory, facts: Facts, p: Packets, items: Items, item: int) -> int:
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
def _related(m: Memory, facts: Facts, p: Packets, out: DecisionColumns, at: int, items: Items, item: int) -> int:
    row = np.int64(items.row[item])
    kind = (256 if p.protocol[row] == ICMPV6 else 0) + np.int64(p.icmp_type[row])
    if not facts.errors[kind]:
        return GO_ON
    entry = _quoted_entry(m, facts, p, items, item)
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
    return _answer(m, facts, p, out, at, row, interface, direction, R_RELATED, S_RELATED, _rule_of(m, entry), entry)


@kernel(is_entry=False)
def _label_again(m: Memory, net: Network, p: Packets, items: Items, item: int, entry: int) -> None:
    """After a change, the path to a flow's peer may have another label."""
    word = entry * ENTRY_WORDS + STATE
    hi, lo = _peer(p, np.int64(items.row[item]), np.int64(items.direction[item]))
    is_ipv6 = np.int64(items.service[item] & KEY_IPV6 != 0)
    automatic = _path(net, np.int64(items.interface[item]), is_ipv6, hi, lo)[0]
    m.pool[word] = (m.pool[word] & ~(1 << AUTOMATIC_AT)) | automatic << AUTOMATIC_AT


@kernel(is_entry=False)
def _judge_again(
    m: Memory, net: Network, rules: Rules, facts: Facts, p: Packets, items: Items, item: int, entry: int
) -> tuple[int, int]:
    """How rules would have a flow remembered after they changed: the open rule, else -1, and the cause."""
    _label_again(m, net, p, items, item, entry)
    row, direction = np.int64(items.row[item]), np.int64(items.direction[item])
    hi, lo = _peer(p, row, direction)
    opener = INGRESS + (m.pool[entry * ENTRY_WORDS + STATE] >> OPENER_EGRESS_AT & 1)
    return _choose(net, rules, facts, np.int64(items.interface[item]), items.service[item], opener, hi, lo)


@kernel(is_entry=False)
def _mark_judged(m: Memory, entry: int) -> None:
    word = entry * ENTRY_WORDS + STATE
    m.pool[word] = (m.pool[word] & ~(~0 << VERSION_AT)) | m.clock[VERSION] << VERSION_AT


@kernel(is_entry=False)
def _tracked(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    entry: int,
    segment: int,
) -> tuple[int, int]:
    """A packet of a tracked flow: the verdict or `GO_ON`, and what was found."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    state = m.pool[entry * ENTRY_WORDS + STATE]
    if state >> VERSION_AT != m.clock[VERSION] and facts.options[UNTRACK_WHEN_OPENED]:
        _mark_judged(m, entry)
        rule, _cause = _judge_again(m, net, rules, facts, p, items, item, entry)
        if rule >= 0:
            untrack(m, net, facts, entry, rule, m.clock[VERSION], m.clock[NOW])
            return GO_ON, 0
    is_reply = _is_reply(m, entry, direction)
    effect, after = _move(m, facts, entry, is_reply, segment)
    if effect == tcp.REOPENED:
        forget(m, net, facts, entry, CLOSED, m.clock[NOW])
        return GO_ON, AS_NEW
    if effect == tcp.INVALID:
        if facts.options[INVALID] == 1:
            return GO_ON, IS_INVALID
        if facts.options[INVALID] == 2:
            return _answer(m, facts, p, out, at, row, interface, direction, R_INVALID, S_INVALID, -1, entry), 0
    is_answered = is_reply or m.pool[entry * ENTRY_WORDS + STATE] >> ANSWERED_AT & 1
    _progress(m, net, facts, interface, entry, is_reply, effect, after)
    found = IS_DELETED if effect == tcp.DELETED else 0
    if not is_answered and facts.options[UNANSWERED_RULES]:
        return GO_ON, IS_UNANSWERED | found
    word = S_ESTABLISHED if is_answered else S_NEW
    verdict = _answer(m, facts, p, out, at, row, interface, direction, R_ESTABLISHED, word, _rule_of(m, entry), entry)
    return verdict, found


@kernel(is_entry=False)
def _untracked(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    entry: int,
    segment: int,
) -> tuple[int, int]:
    """A packet of an untracked flow: the verdict or `GO_ON`, and what was found."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    word = entry * ENTRY_WORDS
    is_reply, state = _is_reply(m, entry, direction), m.pool[word + STATE]
    if segment == SYN and (is_reply or state & 15 != ST_SYN_SENT):
        is_over = state & 15 == TIME_WAIT or state & 15 == CLOSE
        forget(m, net, facts, entry, CLOSED if is_over else REPLACED, m.clock[NOW])
        return GO_ON, AS_NEW
    if state >> VERSION_AT != m.clock[VERSION]:
        rule, _cause = _judge_again(m, net, rules, facts, p, items, item, entry)
        if rule < 0:
            forget(m, net, facts, entry, CUT, m.clock[NOW])
            return GO_ON, AS_NEW | WAS_CUT
        m.pool[word + OWNER] = interface | (rule + 1) << 32
        _mark_judged(m, entry)
    effect, after = _move(m, facts, entry, is_reply, segment)
    _progress(m, net, facts, interface, entry, is_reply, effect, after)
    rule = _rule_of(m, entry)
    return _answer(m, facts, p, out, at, row, interface, direction, R_UNTRACKED, S_UNTRACKED, rule, entry), 0


@kernel(is_entry=False)
def _first_tcp(facts: Facts, segment: int, is_presumed: int, is_reply: int) -> int:
    """The TCP bits of the state of a flow that is not tracked from its SYN on."""
    if segment == 0:
        return 0
    if is_presumed:
        return tcp.move(facts, ST_ESTABLISHED | is_reply << ANSWERED_AT, is_reply, segment)[1] & ~(1 << ANSWERED_AT)
    return np.int64(facts.first_states[segment]) | segment << LAST_SEGMENT_AT


@kernel(is_entry=False)
def _presume(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    segment: int,
) -> int:
    """A flow that was open before the recording began, if the rules would have let it open."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    word = items.service[item]
    if not _may_presume(m, net, facts, p, items, item):
        return GO_ON
    opener = _opener(net, rules, facts, p, items, item, segment, True)
    is_reply = np.int64(opener != direction)
    flags = np.int64(p.tcp_flags[row])
    is_data = segment != 0 and flags & FLAG_ACK != 0 and flags & FLAGS_SYN_RST == 0
    if not is_reply and not is_data:
        return GO_ON
    hi, lo = _peer(p, row, direction)
    is_ipv6 = np.int64(word & KEY_IPV6 != 0)
    rule = _first_admitting(m, net, rules, facts, interface, opener, is_ipv6, hi, lo, _opening_service(word, opener))
    if rule == UNRESOLVED_RULE:
        return STOP
    if rule < 0:
        if is_reply and not facts.options[AS_RECORDED]:
            return _answer(m, facts, p, out, at, row, interface, direction, R_NOT_SENT, 0, -1, -1)
        return GO_ON
    open_rule, cause = _choose(net, rules, facts, interface, word, opener, hi, lo)
    if open_rule < 0 and not _has_room(m, net, interface, is_ipv6, hi, lo):
        return _deny_for_room(m, net, facts, p, out, at, row, interface, direction, rule)
    tracking, state = (UNTRACKED, S_UNTRACKED) if open_rule >= 0 else (TRACKED, S_ESTABLISHED)
    if open_rule >= 0:
        rule = open_rule
    bits = _first_tcp(facts, segment, 1, is_reply)
    entry = _insert(m, net, facts, p, items, item, tracking, opener, rule, cause, bits, 1)
    return _answer(m, facts, p, out, at, row, interface, direction, R_PRESUMED, state, rule, entry)


@kernel(is_entry=False)
def _may_presume(m: Memory, net: Network, facts: Facts, p: Packets, items: Items, item: int) -> bool:
    """Whether the flow of an item, of which nothing is remembered, may have been open before the recording began."""
    if not facts.options[RECORDED] or facts.options[COLD_START] or facts.options[PICKUP]:
        return False
    protocol = np.int64(p.protocol[items.row[item]])
    if m.clock[NOW] - m.clock[START] >= longest_ns(net, np.int64(items.interface[item]), protocol):
        return False
    return not _has_ended(m, p, items, item)


@kernel(is_entry=False)
def _has_ended(m: Memory, p: Packets, items: Items, item: int) -> bool:
    """Whether a flow with the key of an item has ended."""
    hashed = items.hashed[item]
    if items.service[item] & KEY_IPV6:
        wide = _wide_key(p, np.int64(items.row[item]), np.int64(items.direction[item]))
        hashed = wide_fingerprint(hashed, wide[0], wide[1], wide[2], wide[3])
    return has_ended(m, hashed | np.uint64(1))


@kernel(is_entry=False)
def _has_room(m: Memory, net: Network, interface: int, is_ipv6: int, hi: np.uint64, lo: np.uint64) -> bool:
    row = net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS
    capacity = m.tables[row + CAPACITY]
    return capacity < 0 or m.tables[row + COUNT] + _path(net, interface, is_ipv6, hi, lo)[1] <= capacity


@kernel(is_entry=False)
def _deny_for_room(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    row: int,
    interface: int,
    direction: int,
    rule: int,
) -> int:
    pressure.note_refused(m, net.interfaces[interface * IF_WORDS + IF_TABLE], m.clock[NOW])
    return _answer(m, facts, p, out, at, row, interface, direction, R_TABLE_FULL, S_NEW, rule, -1)


@kernel(is_entry=False)
def _by_rules(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    entry: int,
    refused: int,
    segment: int,
    found: int,
) -> int:
    """The steps from the rules on: rules, bypass, opening, room, entry."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    word, protocol = items.service[item], np.int64(p.protocol[row])
    is_icmp = protocol == ICMP or protocol == ICMPV6
    role = np.int64(facts.roles[(256 if protocol == ICMPV6 else 0) + np.int64(p.icmp_type[row])]) if is_icmp else 0
    makes_no_flow = is_icmp and role != 1
    hi, lo = _peer(p, row, direction)
    is_ipv6 = np.int64(p.family[row] != 4)
    port = np.int64(p.dst_port[row])
    service = service_number(protocol, port, np.int64(p.icmp_type[row]), np.int64(p.icmp_code[row]))
    rule = _first_admitting(m, net, rules, facts, interface, direction, is_ipv6, hi, lo, service)
    if rule == UNRESOLVED_RULE:
        return STOP
    state = S_UNTRACKED if makes_no_flow else S_NEW
    if found & IS_INVALID or (makes_no_flow and facts.options[INVALID] == 1):
        state = S_INVALID
    if rule < 0:
        return _answer(m, facts, p, out, at, row, interface, direction, R_NO_RULE, state, -1, entry)
    if found & IS_INVALID:
        return _answer(m, facts, p, out, at, row, interface, direction, R_RULE, S_INVALID, rule, -1)
    if found & IS_UNANSWERED:
        return _answer(m, facts, p, out, at, row, interface, direction, R_RULE, S_NEW, rule, entry)
    cause = CAUSE_PROTOCOL
    if items.has_key[item]:
        may = refused < 0 and not found & AS_NEW and _may_presume(m, net, facts, p, items, item)
        opener = _opener(net, rules, facts, p, items, item, segment, may)
        open_rule, cause = _choose(net, rules, facts, interface, word, opener, hi, lo)
        if open_rule >= 0:
            if refused >= 0:
                forget(m, net, facts, refused, REPLACED, m.clock[NOW])
            bits = _first_tcp(facts, segment, 0, 0)
            entry = _insert(m, net, facts, p, items, item, UNTRACKED, opener, open_rule, cause, bits, 0)
            return _answer(m, facts, p, out, at, row, interface, direction, R_UNTRACKED, S_UNTRACKED, open_rule, entry)
    if not items.has_key[item] or role == ANSWER:
        return _answer(m, facts, p, out, at, row, interface, direction, R_RULE, state, rule, -1)
    bits = 0
    if segment:
        if segment != SYN and not facts.options[PICKUP]:
            return _answer(m, facts, p, out, at, row, interface, direction, R_MIDSTREAM, S_INVALID, rule, -1)
        bits = np.int64(facts.pickup[segment])
        if not bits:
            reason = R_RULE if facts.options[INVALID] == 1 else R_INVALID
            return _answer(m, facts, p, out, at, row, interface, direction, reason, S_INVALID, rule, -1)
        bits |= segment << LAST_SEGMENT_AT
    if not _has_room(m, net, interface, is_ipv6, hi, lo):
        return _deny_for_room(m, net, facts, p, out, at, row, interface, direction, rule)
    if refused >= 0:
        forget(m, net, facts, refused, REPLACED, m.clock[NOW])
    entry = _insert(m, net, facts, p, items, item, TRACKED, direction, rule, cause, bits, 0)
    return _answer(m, facts, p, out, at, row, interface, direction, R_RULE, S_NEW, rule, entry)


@kernel(is_entry=False)
def _continue_refused(m: Memory, net: Network, facts: Facts, items: Items, item: int, entry: int, segment: int) -> bool:
    """Move a refused flow by a packet of it; False if the packet opens another, so that this one is forgotten."""
    is_reply = _is_reply(m, entry, np.int64(items.direction[item]))
    effect, after = _move(m, facts, entry, is_reply, segment)
    if effect != tcp.REOPENED and not (is_reply and segment == SYN):
        _progress(m, net, facts, np.int64(items.interface[item]), entry, is_reply, effect, after)
        return True
    state = m.pool[entry * ENTRY_WORDS + STATE] & 15
    forget(m, net, facts, entry, CLOSED if state == TIME_WAIT or state == CLOSE else REPLACED, m.clock[NOW])
    return False


@kernel(is_entry=False)
def _makes_refusal(facts: Facts, p: Packets, items: Items, item: int, segment: int) -> bool:
    """Whether a denied packet may have opened a flow."""
    if not facts.options[RECORDED] or not items.has_key[item]:
        return False
    row, direction = np.int64(items.row[item]), np.int64(items.direction[item])
    opener = _told_opener(facts, items.service[item], direction, segment)
    if not opener:
        opener = _opener_by_ports(facts, p, row, direction)
    return opener == 0 or opener == direction


@kernel(is_entry=False)
def _insert_refused(m: Memory, net: Network, facts: Facts, p: Packets, items: Items, item: int, segment: int) -> int:
    direction = np.int64(items.direction[item])
    bits = _first_tcp(facts, segment, 0, 0)
    return _insert(m, net, facts, p, items, item, REFUSED, direction, -1, CAUSE_DENIED, bits, 0)


@kernel(is_entry=False)
def judge(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
) -> int:
    """Send one packet past one interface; gives the verdict, or `STOP`."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    has_groups = net.interfaces[interface * IF_WORDS + IF_HAS_GROUPS]
    if has_groups == 2:
        m.clock[HINGE_INTERFACE], m.clock[HINGE_SERVICE] = interface, -1
        return STOP
    m.tables[net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS + IN_USE] = 1
    if not has_groups:
        verdict = _answer(m, facts, p, out, at, row, interface, direction, R_NO_GROUPS, S_EXEMPT, -1, -1)
    elif items.is_exempt[item]:
        verdict = _answer(m, facts, p, out, at, row, interface, direction, R_EXEMPT, S_EXEMPT, -1, -1)
    elif p.fragment_offset[row]:
        return _later_fragment(m, net, rules, facts, p, out, at, items, item)
    else:
        verdict = _filter(m, net, rules, facts, p, out, at, items, item)
    if p.more_fragments[row] and not p.fragment_offset[row] and verdict > 0:
        keep_ns = facts.options[FRAGMENT_NS if p.family[row] == 4 else FRAGMENT_IPV6_NS]
        entry = _find_item(m, p, items, item) if items.has_key[item] else -1
        remember_fragment(m, p, out, at, row, entry, m.clock[NOW] + keep_ns)
    return verdict


@kernel(is_entry=False)
def _filter(
    m: Memory,
    net: Network,
    rules: Rules,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
) -> int:
    """The steps from related ICMP on, for a packet that is filtered."""
    row, interface, direction = (
        np.int64(items.row[item]),
        np.int64(items.interface[item]),
        np.int64(items.direction[item]),
    )
    if p.quote[row] >= 0:
        verdict = _related(m, facts, p, out, at, items, item)
        if verdict != GO_ON:
            return verdict
    segment = np.int64(facts.segments[p.tcp_flags[row]]) if p.protocol[row] == TCP else 0
    entry = _find_item(m, p, items, item) if items.has_key[item] else -1
    verdict, found = GO_ON, 0
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == TRACKED:
        verdict, found = _tracked(m, net, rules, facts, p, out, at, items, item, entry, segment)
        if verdict != GO_ON:
            if found & IS_DELETED:
                forget(m, net, facts, entry, CLOSED, m.clock[NOW])
            return verdict
        if found & (AS_NEW | IS_INVALID):
            entry = -1
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == UNTRACKED:
        verdict, found = _untracked(m, net, rules, facts, p, out, at, items, item, entry, segment)
        if verdict != GO_ON:
            return verdict
        entry = -1
    refused = -1
    if facts.options[RECORDED] and found == 0:
        if entry >= 0:
            is_reply = _is_reply(m, entry, direction)
            if not _continue_refused(m, net, facts, items, item, entry, segment):
                found = AS_NEW
            elif is_reply and not facts.options[AS_RECORDED]:
                return _answer(m, facts, p, out, at, row, interface, direction, R_NOT_SENT, 0, -1, entry)
            else:
                refused = entry
            entry = -1
        elif items.has_key[item]:
            verdict = _presume(m, net, rules, facts, p, out, at, items, item, segment)
    if verdict == GO_ON:
        verdict = _by_rules(m, net, rules, facts, p, out, at, items, item, entry, refused, segment, found)
    if found & IS_DELETED:
        forget(m, net, facts, entry, CLOSED, m.clock[NOW])
    if verdict == DENY:
        _after_denial(m, net, facts, p, out, at, items, item, refused, segment, found)
    return verdict


@kernel(is_entry=False)
def _after_denial(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    out: DecisionColumns,
    at: int,
    items: Items,
    item: int,
    refused: int,
    segment: int,
    found: int,
) -> None:
    """A denial of a flow that was just cut says so; what opens a recorded flow is remembered as refused."""
    if found & WAS_CUT:
        out.reason[at] = R_CUT
        out.state[at] = S_INVALID
    if refused < 0 and _makes_refusal(facts, p, items, item, segment) and _find_item(m, p, items, item) < 0:
        refused = _insert_refused(m, net, facts, p, items, item, segment)
    if refused >= 0:
        _count(m, facts, p, np.int64(items.row[item]), np.int64(items.direction[item]), refused, DENY)
        word = m.pool[refused * ENTRY_WORDS + STATE]
        out.tcp_state[at] = word & 15
        out.opener[at] = INGRESS + (word >> OPENER_EGRESS_AT & 1)
        out.flow[at] = m.pool[refused * ENTRY_WORDS + FLOW]


PREFETCH_AHEAD = 16
"""How many items ahead the entry of a flow is asked for; its slot of the index twice as many."""


@kernel(is_entry=False)
def _ask_early(m: Memory, items: Items, item: int, count: int) -> None:
    """Ask for the memory of coming items in two steps: the slot of the index, then, by its tag, the entry."""
    mask = np.uint64(m.clock[INDEX_MASK])
    low = np.uint64(_LOW)
    if item + 2 * PREFETCH_AHEAD < count:
        prefetch(m.index, np.int64(items.hashed[item + 2 * PREFETCH_AHEAD] & low & mask))
    ahead = item + PREFETCH_AHEAD
    if ahead < count and items.has_key[ahead]:
        tag = items.hashed[ahead] & low
        at = tag & mask
        slot = m.index[at]
        while slot != np.uint64(0) and slot >> np.uint64(32) != tag:
            at = (at + np.uint64(1)) & mask
            slot = m.index[at]
        if slot != np.uint64(0):
            entry = np.int64(slot & low) - 1
            prefetch(m.pool, entry * ENTRY_WORDS)
            if m.clock[HAS_EXTRA]:
                prefetch(m.extra, entry * EXTRA_WORDS)


@kernel(is_entry=False)
def _has_room_for_packet(m: Memory, facts: Facts, is_ipv6: bool) -> int:
    """Whether memory can take one packet more: `DONE`, or what has to grow first."""
    if m.clock[FREE_COUNT] < 4 and m.clock[POOL_USED] + 4 > m.clock[POOL_SIZE]:
        return GROW_POOL
    if is_ipv6 and not m.clock[HAS_WIDE]:
        return GROW_POOL
    if (m.clock[INDEX_USED] + 4) * 3 > m.clock[INDEX_MASK]:
        return GROW_INDEX
    if m.clock[DUE_COUNT] + 4 > m.clock[DUE_SIZE]:
        return GROW_DUE
    if (m.clock[FRAGMENTS_USED] + 4) * 2 > m.clock[FRAGMENTS_MASK]:
        return GROW_FRAGMENTS
    return DONE if has_room_to_end(m, facts) else GROW_ENDED


@kernel(is_entry=False)
def _tick(m: Memory, net: Network, facts: Facts, p: Packets, row: int) -> int:
    """Set the clock by a packet: what is due expires. `DONE`, or what has to grow before that can go on."""
    time_ns = p.time_ns[row]
    _begin(m, time_ns)
    now_ns = max(time_ns, m.clock[NOW])
    if not expire_until(m, net, facts, now_ns):
        return GROW_ENDED
    need = _has_room_for_packet(m, facts, p.family[row] == 6)
    if need != DONE:
        return need
    if time_ns < m.clock[NOW]:
        m.clock[LATE] += 1
        m.clock[STEP_BACK] = max(m.clock[STEP_BACK], m.clock[NOW] - time_ns)
    m.clock[NOW] = now_ns
    if not m.clock[STARTED]:
        m.clock[STARTED], m.clock[START] = 1, now_ns
    return DONE


@kernel(is_entry=False)
def _begin(m: Memory, time_ns: int) -> None:
    """Begin the calendar with the first time seen."""
    if not m.clock[HAS_BASE]:
        m.clock[HAS_BASE], m.clock[BASE], m.clock[NOW] = 1, time_ns, time_ns


@kernel(is_entry=False)
def _refuse(m: Memory, net: Network, facts: Facts, p: Packets, items: Items, item: int) -> None:
    """Remember that a packet was denied before it came to this interface."""
    row, interface = np.int64(items.row[item]), np.int64(items.interface[item])
    m.tables[net.interfaces[interface * IF_WORDS + IF_TABLE] * TABLE_WORDS + IN_USE] = 1
    segment = np.int64(facts.segments[p.tcp_flags[row]]) if p.protocol[row] == TCP else 0
    entry = _find_item(m, p, items, item) if items.has_key[item] else -1
    if entry >= 0 and m.pool[entry * ENTRY_WORDS + STATE] >> TRACKING_AT & 3 == REFUSED:
        _continue_refused(m, net, facts, items, item, entry, segment)
    if _makes_refusal(facts, p, items, item, segment) and _find_item(m, p, items, item) < 0:
        _insert_refused(m, net, facts, p, items, item, segment)


CHUNK = 1024
"""How many packets are located at a time: few enough for their items to stay in the first caches."""


_WORD = types.int64


@kernel(signature=types.UniTuple(_WORD, 3)(*(_WORD,) * 10))
def filter_batch(
    memory: int,
    network: int,
    lowered: int,
    known: int,
    packets: int,
    decisions: int,
    located: int,
    rows: int,
    begin: int,
    at: int,
) -> tuple[int, int, int]:
    """Judge packets from row `begin` to `rows`, writing decisions from `at` on.

    Args:
        memory: Address of the list of addresses of `Memory`; so the next ones of `Network`, `Rules`, `Facts`, `Packets`,
            `DecisionColumns` and `Items`.
        network: See `memory`.
        lowered: See `memory`.
        known: See `memory`.
        packets: See `memory`.
        decisions: See `memory`.
        located: See `memory`; with room for two items for each packet of a chunk.
        rows: How many packets there are.
        begin: The first to judge.
        at: Where to write its decisions.

    Returns:
        `DONE` or what has to grow, the row to go on with, and where to write on. Nothing of that row is done yet.
    """
    m, net, rules, facts = memory_at(memory), network_at(network), rules_at(lowered), facts_at(known)
    p, out, items = packets_at(packets), decisions_at(decisions), items_at(located)
    for chunk in range(begin, rows, CHUNK):
        count = locate(net, facts, p, chunk, min(chunk + CHUNK, rows), items)
        item = 0
        while item < count:
            row = np.int64(items.row[item])
            is_two = item + 1 < count and items.row[item + 1] == row
            _ask_early(m, items, item, count)
            if items.skip[item] and p.skip[row]:
                _emit(m, out, at, row, -1, 0, np.int64(items.skip[item]), SKIP, 0, -1, -1)
                at += 1
                item += 1
                continue
            need = _tick(m, net, facts, p, row)
            if need != DONE:
                return need, row, at
            if items.skip[item]:
                interface = np.int64(items.interface[item])
                _emit(m, out, at, row, interface, 0, np.int64(items.skip[item]), SKIP, 0, -1, -1)
                at += 1
                item += 1
                continue
            verdict = judge(m, net, rules, facts, p, out, at, items, item)
            if verdict == STOP:
                return UNRESOLVED, row, at
            at += 1
            if is_two:
                _ask_early(m, items, item + 1, count)
                if verdict == ALLOW:
                    verdict = judge(m, net, rules, facts, p, out, at, items, item + 1)
                    if verdict == STOP:
                        return UNRESOLVED, row, at
                    at += 1
                elif verdict == DENY and not p.fragment_offset[row]:
                    _refuse(m, net, facts, p, items, item + 1)
                item += 1
            item += 1
    return DONE, rows, at


@kernel(signature=_WORD(*(_WORD,) * 4))
def advance(memory: int, network: int, known: int, now_ns: int) -> int:
    """Set the clock forward without a packet: `DONE`, or what has to grow before that can go on.

    Args:
        memory: Address of the list of addresses of `Memory`.
        network: That of `Network`.
        known: That of `Facts`.
        now_ns: The time to come to.
    """
    m, net, facts = memory_at(memory), network_at(network), facts_at(known)
    _begin(m, now_ns)
    if not expire_until(m, net, facts, now_ns):
        return GROW_ENDED
    m.clock[NOW] = now_ns
    return DONE


@kernel(signature=_WORD(*(_WORD,) * 5))
def forget_interface(memory: int, network: int, known: int, interface: int, begin: int) -> int:
    """Forget the flows of an interface that leaves its instance, in the order of their numbers.

    Args:
        memory: Address of the list of addresses of `Memory`.
        network: That of `Network`.
        known: That of `Facts`.
        interface: Which.
        begin: The number of the flow to go on after; 0 at first.

    Returns:
        -1 when all are forgotten, else the number of the last flow forgotten before there was no more room.
    """
    m, net, facts = memory_at(memory), network_at(network), facts_at(known)
    last = begin
    while True:
        if not has_room_to_end(m, facts):
            return last
        found, flow = -1, 0
        for entry in range(m.clock[POOL_USED]):
            word = entry * ENTRY_WORDS
            number = m.pool[word + FLOW]
            if number > last and (found < 0 or number < flow) and m.pool[word + OWNER] & _LOW == interface:
                found, flow = entry, number
        if found < 0:
            return -1
        forget(m, net, facts, found, MOVED, m.clock[NOW])
        last = flow
