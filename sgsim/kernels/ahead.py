"""What goes ahead of the filter by a chunk of packets, so that the memory of their flows comes in time.

Nearly all packets are plain: TCP or UDP over IPv4, whole, at one interface, of no service that is never filtered. Their
items are found a column at a time, without a branch for each packet; `locate` finds those of the others.
"""

import numpy as np

from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets, Rules
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ENTRY_WORDS,
    EXTRA_WORDS,
    HAS_EDGES,
    HAS_EXTRA,
    IF_HAS_GROUPS,
    IF_UNIT,
    IF_WORDS,
    OWNERS_MASK,
    PREFIXES,
)
from sgsim.kernels.locate import (
    EGRESS,
    INGRESS,
    MOST_EXEMPT_PORTS,
    TCP,
    UDP,
    key_addresses,
    key_service,
    locate_one,
    narrow_owner,
    owner,
)
from sgsim.kernels.match import first_rule, port_number
from sgsim.kernels.prefetch import lowest_bit, prefetch
from sgsim.kernels.table import LINE_SLOTS, empty_slots, hash_key, home, next_line, with_tag

_LOW = 0xFFFFFFFF
_OWNER = 0xFFFFFF
_LAST = np.uint64(1 << LINE_SLOTS - 1)


@kernel(is_entry=False, inline=True)
def _begin(p: Packets, begin: int, count: int, items: Items) -> None:
    """Fill in what is the same for all plain packets, and find those that are not plain by themselves."""
    for at in range(count):
        row = begin + at
        protocol = np.int64(p.protocol[row])
        items.row[at] = row
        items.skip[at] = 0
        items.has_key[at] = 1
        items.is_exempt[at] = 0
        items.has_second[at] = 0
        items.is_plain[at] = (
            np.int64(p.skip[row] == 0)
            & np.int64(p.family[row] == 4)
            & np.int64(p.more_fragments[row] == 0)
            & np.int64(p.fragment_offset[row] == 0)
            & np.int64(p.quote[row] < 0)
            & np.int64((protocol == TCP) | (protocol == UDP))
            & np.int64(p.src_port[row] | p.dst_port[row] >= MOST_EXEMPT_PORTS)
        )


@kernel(is_entry=False, inline=True)
def _find_sides(m: Memory, net: Network, p: Packets, begin: int, count: int, items: Items) -> None:
    """Find the interface and the direction of what may be plain; it is not where that is not all there is to find."""
    if m.clock[HAS_EDGES]:
        for at in range(count):
            items.is_plain[at] = 0
        return
    _find_owners(net, p, begin, count, items)
    for at in range(count):
        src, dst, bound_to = items.source[at], items.target[at], np.int64(p.taken_at[begin + at]) + 1
        sender, receiver, is_bound = src & _OWNER, dst & _OWNER, bound_to != 0
        # Which side is on an interface is anyone's guess, so nothing branches on it.
        is_sent, is_known = sender == bound_to, sender != 0
        # Of a packet of one recorded interface that another known one has sent, there may be more to find.
        is_one_bound = (is_sent != (receiver == bound_to)) & (is_sent | (sender == 0))
        is_one = (is_one_bound if is_bound else is_known != (receiver != 0)) & ((src | dst) >> 24 == 0)
        items.interface[at] = (bound_to if is_bound else sender | receiver) - 1 if is_one else 0
        items.direction[at] = EGRESS if (is_sent if is_bound else is_known) else INGRESS
        items.is_plain[at] &= is_one
    for at in range(count):
        has_groups = net.interfaces[np.int64(items.interface[at]) * IF_WORDS + IF_HAS_GROUPS] == 1
        items.is_plain[at] &= has_groups


@kernel(is_entry=False, inline=True)
def _find_owners(net: Network, p: Packets, begin: int, count: int, items: Items) -> None:
    """Find who owns both addresses of each packet; what it finds of one that is not plain means nothing."""
    if net.sizes[PREFIXES]:
        for at in range(count):
            if items.is_plain[at]:
                items.source[at] = owner(net, 4, np.uint64(0), p.src_lo[begin + at])
                items.target[at] = owner(net, 4, np.uint64(0), p.dst_lo[begin + at])
        return
    owners, mask = net.owners, net.sizes[OWNERS_MASK]
    for at in range(count):
        items.source[at] = narrow_owner(owners, mask, p.src_lo[begin + at])
        items.target[at] = narrow_owner(owners, mask, p.dst_lo[begin + at])


@kernel(is_entry=False, inline=True)
def _find_keys(p: Packets, begin: int, count: int, items: Items) -> None:
    """Find the keys of what is plain; of what is not they mean nothing."""
    for at in range(count):
        row = begin + at
        is_egress = items.direction[at] == EGRESS
        src, dst = np.int64(p.src_lo[row]), np.int64(p.dst_lo[row])
        addresses = key_addresses(src, dst, is_egress)
        ports = np.int64(p.src_port[row]), np.int64(p.dst_port[row])
        service = key_service(np.int64(p.protocol[row]), ports[0], ports[1], is_egress)
        items.addresses[at] = addresses
        items.service[at] = service
        items.hashed[at] = hash_key(addresses, service, np.int64(items.interface[at]))


@kernel(is_entry=False)
def locate(m: Memory, net: Network, facts: Facts, p: Packets, begin: int, count: int, items: Items) -> None:
    """Find the items of a chunk of packets, and ask for the slots of the index that their flows would have."""
    _begin(p, begin, count, items)
    _find_sides(m, net, p, begin, count, items)
    _find_keys(p, begin, count, items)
    for at in range(count):
        if not items.is_plain[at]:
            locate_one(m, net, facts, p, begin + at, items, at)
        prefetch(m.index, np.int64(home(m, items.hashed[at])))


@kernel(is_entry=False)
def resolve(m: Memory, items: Items, count: int) -> int:
    """Find the entries that the flows of items most likely have, by their tags, and ask for their memory.

    Returns:
        How many there are without one, in `Items.opening`.
    """
    has_extra, opening = m.clock[HAS_EXTRA], 0
    for item in range(count):
        hashed = items.hashed[item]
        line = home(m, hashed)
        slots = with_tag(m, line, hashed)
        while not slots and not empty_slots(m, line):
            line = next_line(m, line)
            slots = with_tag(m, line, hashed)
        # Whether there is an entry is anyone's guess, so nothing branches on it: if there is none, this reads any slot.
        slot = m.index[np.int64(line) + lowest_bit(slots | _LAST)]
        entry = np.int64(slot & np.uint64(_LOW)) - 1 if slots else -1
        items.entry[item] = entry
        items.opening[opening] = item
        opening += entry < 0
        prefetch(m.pool, max(entry, 0) * ENTRY_WORDS)
        if has_extra:
            prefetch(m.extra, max(entry, 0) * EXTRA_WORDS)
    return opening


@kernel(is_entry=False)
def look_up(net: Network, rules: Rules, p: Packets, items: Items, count: int) -> None:
    """Find the rules that admit what may open flows: `count` items of `Items.opening`.

    A look-up waits for one load after the other; side by side, where nothing else is done, many wait at once.
    """
    for at in range(count):
        item = np.int64(items.opening[at])
        if items.is_plain[item]:
            row, unit = np.int64(items.row[item]), net.interfaces[np.int64(items.interface[item]) * IF_WORDS + IF_UNIT]
            service = port_number(np.int64(p.protocol[row]), np.int64(p.dst_port[row]))
            remote = np.uint64(items.addresses[item]) >> np.uint64(32)
            unit += items.direction[item] == EGRESS
            items.rule[item] = first_rule(rules, unit, 0, np.uint64(0), remote, service)
