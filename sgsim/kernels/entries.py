"""Flows as they begin and go on.

Compiled twin of the entries in `sgsim.engine.interface_filter`.
"""

import numpy as np

from sgsim.kernels import calendar, pressure, tcp
from sgsim.kernels.answers import goes_back
from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets
from sgsim.kernels.choices import (
    CAUSE_DENIED,
    SYN,
    UDP,
    opener_by_ports,
    path,
    peer,
    told_opener,
    wide_key,
)
from sgsim.kernels.early import EARLY_NS, put_early
from sgsim.kernels.forget import CLOSE, CLOSED, REPLACED, TIME_WAIT, forget, note_beside
from sgsim.kernels.jit import apart, kernel
from sgsim.kernels.layout import (
    ANSWERED_AT,
    AUTOMATIC_AT,
    CAUSE_AT,
    EARLY_AT,
    ENTRY_WORDS,
    EXPIRES,
    EXTRA_WORDS,
    FLOW,
    IF_TABLE,
    IF_WORDS,
    IGNORED_REFRESH,
    KEY_ADDRESSES,
    KEY_IPV6,
    KEY_SERVICE,
    LAST_SEEN,
    LAST_SEGMENT_AT,
    LATE_REFRESH,
    NEXT_FLOW,
    NOW,
    OPENED,
    OPENER_EGRESS_AT,
    OWNER,
    PLACES_AT,
    PRESUMED_AT,
    RECORD_FLOWS,
    RECORDED,
    STATE,
    STREAM_AGE_NS,
    STREAM_AT,
    STREAM_BY_AGE,
    TIMEOUT_WORDS,
    TRACKING_AT,
    VERSION,
    VERSION_AT,
)
from sgsim.kernels.locate import EGRESS, INGRESS
from sgsim.kernels.table import REFUSED, TRACKED, find, find_wide, link, take_entry
from sgsim.model.states import TcpState

ST_SYN_SENT, ST_ESTABLISHED = int(TcpState.SYN_SENT), int(TcpState.ESTABLISHED)


@kernel(is_entry=False)
def find_item(m: Memory, p: Packets, items: Items, item: int) -> int:
    """The entry of an item's flow, -1 for none."""
    service, interface = items.service[item], np.int64(items.interface[item])
    if service & KEY_IPV6:
        wide = wide_key(p, np.int64(items.row[item]), np.int64(items.direction[item]))
        return find_wide(m, items.addresses[item], service, interface, items.hashed[item], wide)
    return find(m, items.addresses[item], service, interface, items.hashed[item])


@kernel(is_entry=False, inline=True)
def timeout(net: Network, facts: Facts, interface: int, word: int, state: int) -> int:
    """How long a flow may now be silent."""
    place = np.int64(facts.timeout_places[word >> 32 & 255])  # of TCP the first state, of UDP that of no stream
    return net.timeouts[interface * TIMEOUT_WORDS + place + (state & 15) + (state >> STREAM_AT & 1)]


@kernel(is_entry=False, inline=True)
def restarts(facts: Facts, effect: int, before: int, after: int) -> bool:
    """Whether a packet restarts the timeout of its flow, which it moves from one state word to another.

    Of protocols without states, both are 0, and the effect is that they moved.
    """
    if effect == tcp.NOT_RENEWED:
        return False
    if before & 15 != after & 15:
        return True
    if (after & 15 == TIME_WAIT or after & 15 == CLOSE) and not facts.options[LATE_REFRESH]:
        return False
    return effect == tcp.MOVED or effect == tcp.DELETED or facts.options[IGNORED_REFRESH] != 0


@kernel(is_entry=False, inline=True)
def answered(facts: Facts, service: int, before: int, is_reply: int, age_ns: int) -> int:
    """The bits of a state word that a packet adds to `before`, whatever its protocol: answered, and a stream."""
    is_answered_udp = np.int64(service >> 32 & 255 == UDP) & (before >> ANSWERED_AT)
    is_stream = is_reply ^ 1
    if facts.options[STREAM_BY_AGE]:
        is_stream = np.int64(age_ns > facts.options[STREAM_AGE_NS])
    return (is_answered_udp & is_stream) << STREAM_AT | is_reply << ANSWERED_AT


@kernel(is_entry=False, inline=True)
def progress_here(
    m: Memory, net: Network, facts: Facts, interface: int, entry: int, is_reply: int, effect: int, after: int
) -> None:
    """Move a flow by a packet of it, and restart its timeout where that is due; `after` is its state word then."""
    word = entry * ENTRY_WORDS
    before, now_ns = m.pool[word + STATE], m.clock[NOW]
    service = m.pool[word + KEY_SERVICE]
    after |= answered(facts, service, before, is_reply, now_ns - m.pool[word + OPENED])
    m.pool[word + STATE] = after
    if before >> TRACKING_AT & 3 == TRACKED and before != after:
        pressure.note_state(m, net.interfaces[interface * IF_WORDS + IF_TABLE], service, before, after)
    if restarts(facts, effect, before, after):
        expires = now_ns + timeout(net, facts, interface, service, after)
        is_late = calendar.comes_too_late(m, entry, expires)
        m.pool[word + EXPIRES] = expires
        if is_late:
            calendar.put_again(m, entry)


progress = apart(progress_here)
"""The same as a function of its own, for flows that are rarer."""


@kernel(is_entry=False, inline=True)
def move(m: Memory, facts: Facts, entry: int, is_reply: int, segment: int) -> tuple[int, int]:
    """What a packet does to its flow's state."""
    return tcp.move(facts, m.pool[entry * ENTRY_WORDS + STATE], is_reply, segment)


@kernel(is_entry=False)
def write_wide(m: Memory, p: Packets, entry: int, row: int, direction: int) -> None:
    """Keep the IPv6 addresses of an entry."""
    local, remote = entry * 4, entry * 4 + 2
    if direction == INGRESS:
        local, remote = remote, local
    m.wide[local], m.wide[local + 1] = p.src_hi[row], p.src_lo[row]
    m.wide[remote], m.wide[remote + 1] = p.dst_hi[row], p.dst_lo[row]


@kernel(is_entry=False, inline=True)
def insert_here(
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
    is_ipv6: int,
    is_automatic: int,
    places: int,
) -> tuple[int, int]:
    """Remember the flow of an item, of which `path` tells the last two; gives its entry and state word."""
    interface, direction = np.int64(items.interface[item]), np.int64(items.direction[item])
    row, now_ns = np.int64(items.row[item]), m.clock[NOW]
    service = items.service[item]
    entry = take_entry(m)
    word = entry * ENTRY_WORDS
    flow = m.clock[NEXT_FLOW] + 1
    m.clock[NEXT_FLOW] = flow
    state = (
        tcp_word
        | tracking << TRACKING_AT
        | np.int64(opener == EGRESS) << OPENER_EGRESS_AT
        | np.int64(opener != direction) << ANSWERED_AT
        | is_presumed << PRESUMED_AT
        | (places if tracking == TRACKED else 0) << PLACES_AT
        | is_automatic << AUTOMATIC_AT
        | cause << CAUSE_AT
        | m.clock[VERSION] << VERSION_AT
    )
    silence_ns = timeout(net, facts, interface, service, state)
    is_early = np.int64(silence_ns >= EARLY_NS)
    state |= is_early << EARLY_AT
    m.pool[word + KEY_ADDRESSES] = items.addresses[item]
    m.pool[word + KEY_SERVICE] = service
    m.pool[word + OWNER] = interface | (rule + 1) << 32
    m.pool[word + EXPIRES] = now_ns + silence_ns
    m.pool[word + FLOW] = flow
    m.pool[word + STATE] = state
    m.pool[word + OPENED] = now_ns
    if is_ipv6:
        write_wide(m, p, entry, row, direction)
    if facts.options[RECORD_FLOWS]:
        for place in range(EXTRA_WORDS):
            m.extra[entry * EXTRA_WORDS + place] = 0
        m.extra[entry * EXTRA_WORDS + LAST_SEEN] = now_ns
    link(m, entry, items.hashed[item])
    if is_early:
        put_early(m, entry)
    else:
        calendar.put(m, entry)
    table = net.interfaces[interface * IF_WORDS + IF_TABLE]
    if tracking == TRACKED:
        pressure.note_inserted(m, table, service, state, flow, now_ns)
    else:
        note_beside(m, net, facts, table, now_ns)
    return entry, state


@kernel(is_entry=False)
def insert(
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
    """The same as a function of its own, for flows that are rarer."""
    is_ipv6 = np.int64(items.service[item] & KEY_IPV6 != 0)
    hi, lo = peer(p, items, item)
    is_automatic, places = path(net, np.int64(items.interface[item]), is_ipv6, hi, lo)
    return insert_here(
        m,
        net,
        facts,
        p,
        items,
        item,
        tracking,
        opener,
        rule,
        cause,
        tcp_word,
        is_presumed,
        is_ipv6,
        is_automatic,
        places,
    )[0]


@kernel(is_entry=False)
def first_tcp(facts: Facts, segment: int, is_presumed: int, is_reply: int) -> int:
    """The TCP bits of the state of a flow that is not tracked from its SYN on."""
    if segment == 0:
        return 0
    if is_presumed:
        return tcp.move(facts, ST_ESTABLISHED | is_reply << ANSWERED_AT, is_reply, segment)[1] & ~(1 << ANSWERED_AT)
    return np.int64(facts.first_states[segment]) | segment << LAST_SEGMENT_AT


@kernel(is_entry=False, inline=True)
def makes_refusal(facts: Facts, p: Packets, items: Items, item: int, segment: int) -> bool:
    """Whether a denied packet may have opened a flow."""
    if not facts.options[RECORDED] or not items.has_key[item]:
        return False
    row, direction = np.int64(items.row[item]), np.int64(items.direction[item])
    opener = told_opener(items.service[item], direction, segment)
    if not opener:
        opener = opener_by_ports(facts, p, row, direction)
    return opener == 0 or opener == direction


@kernel(is_entry=False)
def insert_refused(m: Memory, net: Network, facts: Facts, p: Packets, items: Items, item: int, segment: int) -> int:
    """Remember a flow whose opener was denied."""
    direction = np.int64(items.direction[item])
    bits = first_tcp(facts, segment, 0, 0)
    return insert(m, net, facts, p, items, item, REFUSED, direction, -1, CAUSE_DENIED, bits, 0)


@kernel(is_entry=False)
def continue_refused(m: Memory, net: Network, facts: Facts, items: Items, item: int, entry: int, segment: int) -> bool:
    """Move a refused flow by a packet of it; False if the packet opens another, so that this one is forgotten."""
    is_reply = goes_back(m, entry, np.int64(items.direction[item]))
    effect, after = move(m, facts, entry, is_reply, segment)
    if effect != tcp.REOPENED and not (is_reply and segment == SYN):
        progress(m, net, facts, np.int64(items.interface[item]), entry, is_reply, effect, after)
        return True
    state = m.pool[entry * ENTRY_WORDS + STATE] & 15
    forget(m, net, facts, entry, CLOSED if state == TIME_WAIT or state == CLOSE else REPLACED, m.clock[NOW])
    return False
