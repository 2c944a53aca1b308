"""What goes ahead of the filter by a chunk of packets, so that the memory of their flows comes in time.

Nearly all packets are plain: TCP or UDP over IPv4, whole, at one interface, of no service that is never filtered. Their
items are found a column at a time, without a branch for each packet; `locate` finds those of the others.
"""

import numpy as np

from sgsim.kernels.arrays import Facts, Items, Memory, Network, Packets
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ENTRY_WORDS,
    EXTRA_WORDS,
    HAS_EDGES,
    HAS_EXTRA,
    IF_HAS_GROUPS,
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
    owners, mask, has_prefixes = net.owners, net.sizes[OWNERS_MASK], net.sizes[PREFIXES] != 0
    for at in range(count):
        row = begin + at
        if not items.is_plain[at]:
            continue
        src, dst = narrow_owner(owners, mask, p.src_lo[row]), narrow_owner(owners, mask, p.dst_lo[row])
        if has_prefixes:
            src, dst = owner(net, 4, np.uint64(0), p.src_lo[row]), owner(net, 4, np.uint64(0), p.dst_lo[row])
        sender, receiver = src & _OWNER, dst & _OWNER
        bound_to = np.int64(p.taken_at[row]) + 1
        # Which side is on an interface is anyone's guess, so nothing branches on it.
        is_sent, is_one, found = sender != 0, (sender == 0) != (receiver == 0), sender | receiver
        if bound_to:  # of a packet that a known sender has sent, there may be more to find
            is_sent, found = sender == bound_to, bound_to
            is_one = (is_sent != (receiver == bound_to)) & (is_sent | (sender == 0))
        is_one &= (src | dst) >> 24 == 0
        interface = found - 1 if is_one else 0
        items.interface[at] = interface
        items.direction[at] = EGRESS if is_sent else INGRESS
        items.is_plain[at] = is_one & (net.interfaces[interface * IF_WORDS + IF_HAS_GROUPS] == 1)


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
def resolve(m: Memory, items: Items, count: int) -> None:
    """Find the entries that the flows of items most likely have, by their tags, and ask for their memory."""
    has_extra = m.clock[HAS_EXTRA]
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
        prefetch(m.pool, max(entry, 0) * ENTRY_WORDS)
        if has_extra:
            prefetch(m.extra, max(entry, 0) * EXTRA_WORDS)
