"""Where a packet passes, and the keys of its flow: what can be known of it without the others.

An item is one packet at one interface. A packet has one item, two where sender and receiver are known: the first stands in
the packet's place in its chunk, the second `CHUNK` places further on.
"""

import numpy as np
from numba import types

from sgsim.kernels.arrays import Column, Facts, Items, Memory, Network, Packets
from sgsim.kernels.jit import kernel
from sgsim.kernels.layout import (
    ASKS_SENDER,
    CHUNK,
    CODE_IN_KEY,
    EXEMPT_TRAFFIC,
    HAS_EDGES,
    IF_HAS_GROUPS,
    IF_WORDS,
    KEY_IPV6,
    KEY_QUERY,
    KEY_QUERY_EGRESS,
    OWNERS_MASK,
    PREFIXES,
    WIDE_OWNERS_MASK,
)
from sgsim.kernels.table import hash_key, mix
from sgsim.model.decision import Reason
from sgsim.model.protocol import Protocol
from sgsim.model.states import Direction

INGRESS, EGRESS = int(Direction.INGRESS), int(Direction.EGRESS)
NO_INTERFACE, LOCAL = int(Reason.NO_INTERFACE), int(Reason.LOCAL)
TCP, UDP = int(Protocol.TCP), int(Protocol.UDP)
ICMP, ICMPV6 = int(Protocol.ICMP), int(Protocol.ICMPV6)

DHCP_SERVER, DHCP_CLIENT, DHCPV6_CLIENT, DHCPV6_SERVER = 67, 68, 546, 547
"""RFC 2131, RFC 8415; a test holds them against `sgsim.conntrack.exempt`."""
MOST_EXEMPT_PORTS = 1024
"""No two of these ports are this much together."""

QUERY, ANSWER = 1, 2

WITNESS = 255
"""In `Items.skip`: nothing is judged here; the next item is of the same packet, which this one, its sender, may never have
sent. Packets of one recorded interface alone have such an item."""

_K1 = np.uint64(0x9E3779B97F4A7C15)
_LOW = np.uint64(0xFFFFFFFF)


@kernel(is_entry=False, inline=True)
def owner_slot(owners: Column, mask: int, address: np.uint64) -> int:
    """Where an IPv4 address is, or would be put, in `Network.owners`."""
    at = np.int64(address * _K1 >> np.uint64(40)) & mask
    # 0 if the slot is empty or that of the address; a product, as which of the two it is cannot be predicted.
    while (owners[at] >> np.uint64(32) ^ address) * owners[at]:
        at = (at + 1) & mask
    return at


@kernel(is_entry=False)
def wide_owner_slot(owners: Column, his: Column, los: Column, mask: int, hi: np.uint64, lo: np.uint64) -> int:
    """Where an IPv6 address is, or would be put, in `Network.wide_owner`."""
    at = np.int64(mix(hi ^ mix(lo)) >> np.uint64(1)) & mask
    while owners[at] and (his[at] != hi or los[at] != lo):
        at = (at + 1) & mask
    return at


@kernel(signature=types.void(types.uint64[::1], types.uint64[::1], types.uint64[::1]))
def put_owners(owners: Column, addresses: Column, values: Column) -> None:
    """Put IPv4 addresses with their values into an empty `Network.owners`."""
    for at in range(len(addresses)):
        owners[owner_slot(owners, len(owners) - 1, addresses[at])] = addresses[at] << np.uint64(32) | values[at]


@kernel(signature=types.void(types.int64[::1], *(types.uint64[::1],) * 4, types.int64[::1]))
def put_wide_owners(owners: Column, his: Column, los: Column, hi: Column, lo: Column, values: Column) -> None:
    """Put IPv6 addresses with their values into an empty `Network.wide_owner`."""
    for at in range(len(hi)):
        slot = wide_owner_slot(owners, his, los, len(owners) - 1, hi[at], lo[at])
        owners[slot], his[slot], los[slot] = values[at], hi[at], lo[at]


@kernel(is_entry=False)
def _prefix_owner(net: Network, family: int, hi: np.uint64, lo: np.uint64) -> int:
    for prefix in range(net.sizes[PREFIXES]):
        if net.prefix_family[prefix] != family:
            continue
        after = hi > net.prefix_first_hi[prefix] or (
            hi == net.prefix_first_hi[prefix] and lo >= net.prefix_first_lo[prefix]
        )
        before = hi < net.prefix_last_hi[prefix] or (
            hi == net.prefix_last_hi[prefix] and lo <= net.prefix_last_lo[prefix]
        )
        if after and before:
            return net.prefix_owner[prefix] + 1
    return 0


@kernel(is_entry=False, inline=True)
def narrow_owner(owners: Column, mask: int, address: np.uint64) -> int:
    """What `owner` gives for an IPv4 address, as far as `Network.owners` tells."""
    return np.int64(owners[owner_slot(owners, mask, address)] & _LOW)


@kernel(is_entry=False, inline=True)
def owner(net: Network, family: int, hi: np.uint64, lo: np.uint64) -> int:
    """Interface + 1 that owns an address in the low 24 bits, service + 1 at that address above; 0 for neither."""
    if family == 4:
        found = narrow_owner(net.owners, net.sizes[OWNERS_MASK], lo)
    else:
        mask = net.sizes[WIDE_OWNERS_MASK]
        found = net.wide_owner[wide_owner_slot(net.wide_owner, net.wide_owner_hi, net.wide_owner_lo, mask, hi, lo)]
    # Whose address is not found is anyone's guess, so that is asked for last.
    if net.sizes[PREFIXES] and not found & 0xFFFFFF:
        found |= _prefix_owner(net, family, hi, lo)
    return found


@kernel(is_entry=False, inline=True)
def local32(hi: np.uint64, lo: np.uint64, is_ipv6: int) -> int:
    """32 bits that stand for an address in a key: the address, or a hash of an IPv6 one."""
    if is_ipv6:
        return np.int64(mix(hi ^ mix(lo)) & _LOW)
    return np.int64(lo)


@kernel(is_entry=False, inline=True)
def query_word(facts: Facts, protocol: int, icmp_type: int, icmp_code: int, direction: int) -> int:
    """What a key has beside ports for a query or its answer; -1 for a message that is neither."""
    at = (256 if protocol == ICMPV6 else 0) + icmp_type
    role = facts.roles[at]
    if role == 0:
        return -1
    is_egress = (direction == EGRESS) == (role == QUERY)
    word = KEY_QUERY | np.int64(facts.query_of[at]) << 40
    if is_egress:
        word |= KEY_QUERY_EGRESS
    if facts.options[CODE_IN_KEY]:
        word |= icmp_code << 48
    return word


@kernel(is_entry=False)
def _is_exempt(net: Network, facts: Facts, p: Packets, row: int, direction: int, service: int) -> bool:
    """Whether a packet is of a service that is never filtered; `service` is that at the peer's address, + 1."""
    protocol = np.int64(p.protocol[row])
    src_port, dst_port = np.int64(p.src_port[row]), np.int64(p.dst_port[row])
    if protocol == ICMPV6 and p.fragment_offset[row] == 0 and facts.neighbours[p.icmp_type[row]]:
        return True
    if protocol == UDP:
        if p.family[row] == 4:
            if DHCP_SERVER <= src_port <= DHCP_CLIENT and DHCP_SERVER <= dst_port <= DHCP_CLIENT:
                return True
        elif DHCPV6_CLIENT <= src_port <= DHCPV6_SERVER and DHCPV6_CLIENT <= dst_port <= DHCPV6_SERVER:
            return True
    if not service:
        return False
    wanted = net.service_protocol[service - 1]
    if wanted >= 0 and wanted != protocol:
        return False
    wanted = net.service_port[service - 1]
    if wanted < 0:
        return True
    port = dst_port if direction == EGRESS else src_port
    return (protocol == TCP or protocol == UDP) and port == wanted


@kernel(is_entry=False, inline=True)
def key_addresses(src: int, dst: int, is_egress: bool) -> int:
    """The word of a key with its addresses, or what stands for them."""
    return (src if is_egress else dst) | (dst if is_egress else src) << 32


@kernel(is_entry=False, inline=True)
def key_service(protocol: int, src_port: int, dst_port: int, is_egress: bool) -> int:
    """The word of a key with its ports and protocol."""
    return (src_port if is_egress else dst_port) | (dst_port if is_egress else src_port) << 16 | protocol << 32


@kernel(is_entry=False)
def _put(
    m: Memory,
    net: Network,
    facts: Facts,
    p: Packets,
    items: Items,
    at: int,
    row: int,
    interface: int,
    direction: int,
    service: int,
) -> None:
    """Fill in one item; `service` is that at the peer's address, + 1."""
    protocol = np.int64(p.protocol[row])
    is_ipv6 = p.family[row] != 4
    items.row[at] = row
    items.interface[at] = interface
    items.direction[at] = direction
    items.skip[at] = 0
    src_port, dst_port = np.int64(p.src_port[row]), np.int64(p.dst_port[row])
    is_exempt = 0
    if service | (protocol == ICMPV6) | (src_port | dst_port < MOST_EXEMPT_PORTS) and facts.options[EXEMPT_TRAFFIC]:
        is_exempt = np.int64(_is_exempt(net, facts, p, row, direction, service))
    items.is_exempt[at] = is_exempt
    src = local32(p.src_hi[row], p.src_lo[row], is_ipv6)
    dst = local32(p.dst_hi[row], p.dst_lo[row], is_ipv6)
    is_egress = direction == EGRESS
    addresses = key_addresses(src, dst, is_egress)
    word = key_service(protocol, src_port, dst_port, is_egress)
    has_key = p.fragment_offset[row] == 0
    if has_key and (protocol == ICMP or protocol == ICMPV6):
        query = query_word(facts, protocol, np.int64(p.icmp_type[row]), np.int64(p.icmp_code[row]), direction)
        has_key = query >= 0
        word |= query if has_key else 0  # so that the flags also tell the family of what has no key
    if is_ipv6:
        word |= KEY_IPV6
    items.has_key[at] = has_key
    is_whole = np.int64(p.more_fragments[row]) | np.int64(p.fragment_offset[row]) == 0
    has_groups = net.interfaces[interface * IF_WORDS + IF_HAS_GROUPS] & 1  # 0 also where one of them is unknown
    is_special = np.int64(is_ipv6) | is_exempt | np.int64(p.quote[row] >= 0) | m.clock[HAS_EDGES]
    items.is_plain[at] = np.int64(has_key) & np.int64(is_whole) & has_groups & (is_special ^ 1)
    items.addresses[at] = addresses
    items.service[at] = word
    items.hashed[at] = hash_key(addresses, word, interface)


@kernel(is_entry=False, inline=True)
def _put_skip(items: Items, at: int, row: int, interface: int, reason: int) -> None:
    items.row[at] = row
    items.interface[at] = interface
    items.direction[at] = 0
    items.skip[at] = reason
    items.has_key[at] = 0
    items.is_plain[at] = 0
    items.hashed[at] = np.uint64(0)


@kernel(is_entry=False)
def locate_one(m: Memory, net: Network, facts: Facts, p: Packets, row: int, items: Items, at: int) -> None:
    """Find the items of one packet, whatever it is; `at` is its place in the chunk."""
    items.has_second[at] = 0
    if p.skip[row]:
        _put_skip(items, at, row, -1, np.int64(p.skip[row]))
        return
    family = np.int64(p.family[row])
    src, dst = owner(net, family, p.src_hi[row], p.src_lo[row]), owner(net, family, p.dst_hi[row], p.dst_lo[row])
    sender, receiver = src & 0xFFFFFF, dst & 0xFFFFFF
    taken_at = np.int64(p.taken_at[row])
    witness = 0
    if taken_at >= 0:
        other = sender
        is_gone = net.interfaces[taken_at * IF_WORDS + IF_HAS_GROUPS] < 0
        is_known = is_gone or sender == taken_at + 1 or receiver == taken_at + 1
        way = np.int64(p.direction[row])
        sender = taken_at + 1 if sender == taken_at + 1 or (not is_known and way == EGRESS) else 0
        receiver = taken_at + 1 if receiver == taken_at + 1 or (not is_known and way == INGRESS) else 0
        if receiver and not sender and other != taken_at + 1:
            witness = other * facts.options[ASKS_SENDER] * np.int64(p.fragment_offset[row] == 0)
    if sender == receiver:
        _put_skip(items, at, row, sender - 1, LOCAL if sender else NO_INTERFACE)
        return
    if witness:
        _put(m, net, facts, p, items, at, row, witness - 1, EGRESS, 0)
        items.skip[at] = WITNESS
    elif sender:
        _put(m, net, facts, p, items, at, row, sender - 1, EGRESS, dst >> 24)
    else:
        _put(m, net, facts, p, items, at, row, receiver - 1, INGRESS, src >> 24)
    if witness or sender * receiver:
        _put(m, net, facts, p, items, at + CHUNK, row, receiver - 1, INGRESS, src >> 24)
        items.has_second[at] = 1
        items.is_plain[at] = items.is_plain[at + CHUNK] = 0
