"""Who opened the flow that a record belongs to.

Compiled twin of `sgsim.sources.flow_log_openers`.
"""

import numpy as np
from numba import types

from sgsim.kernels.flow_log_arrays import CLIENT_PORT, ICMP_IDLE_S, INTERFACES, SET_MASK
from sgsim.kernels.flow_log_columns import records_at, roles_at
from sgsim.kernels.jit import kernel
from sgsim.kernels.prefetch import prefetch
from sgsim.kernels.structs import struct
from sgsim.model.line_columns import NO_FLAGS
from sgsim.model.protocol import Protocol
from sgsim.model.record_roles import ANSWER, BY_FIRST, BY_FLAGS, BY_PORTS, NEVER_S, NO_ROLE, OPENER, WAYS

openers_at = struct("openers", {"words": "int64", "idle_s": "int64", "sizes": "int64"})
fingerprints_at = struct("fingerprints", {"keys": "uint64", "is_low": "uint8"})

_LOW_OPENED, _IS_ANSWERED, _KNOWN = 1, 2, 2
"""Bits of a flow's second word: its lower side has opened it, the other has answered; how many bits these are."""
_SET_WORDS = 2 * WAYS

_TCP, _UDP, _ICMP, _ICMPV6 = int(Protocol.TCP), int(Protocol.UDP), int(Protocol.ICMP), int(Protocol.ICMPV6)
_SYN, _SYN_ACK = 2, 18
_SECOND_NS = 1_000_000_000


@kernel(is_entry=False, inline=True)
def _mixed(word: np.uint64) -> np.uint64:
    """Stafford's mix 13, as in splitmix64."""
    word = (word ^ word >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ word >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return word ^ word >> np.uint64(31)


@kernel(is_entry=False, inline=True)
def _side(high: np.uint64, low: np.uint64, port: np.uint64) -> np.uint64:
    return _mixed(_mixed(low ^ port << np.uint64(40)) ^ high)


@kernel(is_entry=False, inline=True)
def _port_role(protocol: int, src_port: int, dst_port: int, client_port: int) -> int:
    """The sender's role if one port is a client's and the other is not."""
    if protocol != _TCP and protocol != _UDP:
        return NO_ROLE
    if (src_port >= client_port) == (dst_port >= client_port):
        return NO_ROLE
    return OPENER if src_port >= client_port else ANSWER


@kernel(is_entry=False, inline=True)
def _tell_without_memory(records: int, roles: int, memory: int, fingerprints: int, rows: int) -> None:
    """Tell what flags and ports say, and give those records a fingerprint for which that is not enough."""
    r, out, m, f = records_at(records), roles_at(roles), openers_at(memory), fingerprints_at(fingerprints)
    set_mask, client_port = np.uint64(m.sizes[SET_MASK]), m.sizes[CLIENT_PORT]
    for row in range(rows):
        protocol, flags, skip = np.int64(r.protocol[row]), np.int64(r.flags[row]), np.int64(r.skip[row])
        role = _port_role(protocol, np.int64(r.src_port[row]), np.int64(r.dst_port[row]), client_port)
        method = BY_PORTS if role != NO_ROLE else BY_FIRST
        is_tcp = protocol == _TCP and skip == 0
        if is_tcp and flags != NO_FLAGS and flags & _SYN:
            role = ANSWER if flags & _SYN_ACK == _SYN_ACK else OPENER
            method = BY_FLAGS
        out.role[row] = role
        out.method[row] = method
        out.is_first[row] = 0
        out.is_reopening[row] = 0
        is_icmp = (protocol == _ICMP or protocol == _ICMPV6) and skip == 0
        if not (is_icmp or (is_tcp and flags == NO_FLAGS)):
            f.keys[row] = np.uint64(0)
            continue
        src = _side(r.src_hi[row], r.src_lo[row], np.uint64(r.src_port[row]))
        dst = _side(r.dst_hi[row], r.dst_lo[row], np.uint64(r.dst_port[row]))
        context = np.uint64(np.int64(r.taken_at[row])) << np.uint64(8) | np.uint64(protocol)
        key = max(_mixed(_mixed(min(src, dst) + context) ^ max(src, dst)), np.uint64(1))
        f.keys[row] = key
        f.is_low[row] = src <= dst
        prefetch(m.words, np.int64(key & set_mask) * _SET_WORDS)


@kernel(is_entry=False, inline=True)
def _find(memory: int, key: np.uint64, place: int) -> int:
    """Where in a set a flow is remembered; the place that it gets, emptied, if it is not."""
    m = openers_at(memory)
    oldest, oldest_s = place, m.words[place + 1] >> _KNOWN
    for at in range(place, place + _SET_WORDS, 2):
        known = np.uint64(m.words[at])
        if known == key:
            return at
        end_s = m.words[at + 1] >> _KNOWN if known != np.uint64(0) else NEVER_S
        if at == place or end_s < oldest_s:
            oldest, oldest_s = at, end_s
    m.words[oldest] = np.int64(key)
    m.words[oldest + 1] = NEVER_S << _KNOWN
    return oldest


@kernel(signature=types.void(*(types.int64,) * 5))
def tell_roles(records: int, roles: int, memory: int, fingerprints: int, rows: int) -> None:
    """Tell the roles of the senders of a batch.

    Args:
        records: Address of the list of addresses of `RecordColumns`; so the next ones of `RoleColumns`,
            `RememberedOpeners` and `Fingerprints`.
        roles: See `records`. Changed.
        memory: See `records`. Changed.
        fingerprints: See `records`. Changed.
        rows: How many records there are.
    """
    _tell_without_memory(records, roles, memory, fingerprints, rows)
    r, out, m, f = records_at(records), roles_at(roles), openers_at(memory), fingerprints_at(fingerprints)
    set_mask, interfaces = np.uint64(m.sizes[SET_MASK]), m.sizes[INTERFACES]
    for row in range(rows):
        key = f.keys[row]
        if key == np.uint64(0):
            continue
        place = _find(memory, key, np.int64(key & set_mask) * _SET_WORDS)
        before_s, known = m.words[place + 1] >> _KNOWN, m.words[place + 1] & (_LOW_OPENED | _IS_ANSWERED)
        is_low, is_tcp = np.int64(f.is_low[row]), r.protocol[row] == _TCP
        idle_s = m.sizes[ICMP_IDLE_S]
        if is_tcp:
            at = max(np.int64(r.taken_at[row]), 0)
            idle_s = m.idle_s[at] if known & _IS_ANSWERED else m.idle_s[interfaces + at]
        is_first = r.start_ns[row] // _SECOND_NS - before_s >= idle_s
        if is_first:
            src_port, dst_port = np.int64(r.src_port[row]), np.int64(r.dst_port[row])
            by_ports = _port_role(np.int64(r.protocol[row]), src_port, dst_port, m.sizes[CLIENT_PORT])
            known = _LOW_OPENED if is_low ^ (by_ports == ANSWER) else 0
        is_answer = is_low != known & _LOW_OPENED
        begins = not known & _IS_ANSWERED if is_answer else is_first
        known |= _IS_ANSWERED if is_answer else 0
        out.role[row] = ANSWER if is_answer else OPENER
        out.is_first[row] = 1 if is_tcp and begins else 0
        out.is_reopening[row] = 1 if is_tcp and is_first and before_s > NEVER_S else 0
        m.words[place + 1] = max(before_s, r.end_ns[row] // _SECOND_NS) << _KNOWN | known
