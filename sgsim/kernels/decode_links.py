"""Compiled twin of `sgsim.sources.links`, and of `sgsim.sources.skips`.

Places are those in the buffer. Each reader gives what stops it (0 or a `Reason`), the IP version, where the packet
begins, the VLAN and the direction. `cut` is where the captured bytes end.
"""

from sgsim.kernels.decode_bytes import load8, load16, load32, load32_little
from sgsim.kernels.decode_layout import (
    CARRIER,
    COOKED_DIRECTIONS,
    ETHERTYPES,
    FAMILIES,
    LINK_COOKED,
    LINK_COOKED_V2,
    LINK_ETHERNET,
    LINK_LOOPBACK,
    LINK_RAW,
    LINK_RAW_IPV4,
    LINK_RAW_IPV6,
    LINK_UNKNOWN,
    TAG,
    Address,
)
from sgsim.kernels.jit import kernel
from sgsim.model.decision import Reason

BY_NIBBLE = 0
CARRIED = -1

_NOT_IP = int(Reason.NOT_IP)
_TRUNCATED = int(Reason.TRUNCATED)
_MALFORMED = int(Reason.MALFORMED)
_UNSUPPORTED = int(Reason.UNSUPPORTED)

_MIN_ETHERTYPE = 0x0600
_LLC_SNAP = 0xAAAA0300  # and two bytes of 0

LinkFields = tuple[int, int, int, int, int]


@kernel(is_entry=False)
def require(end: int, limit: int, cut: int) -> int:
    """Say what stops a header from being read up to `end`, 0 if nothing does."""
    if end > limit:
        return _MALFORMED
    if end > cut:
        return _TRUNCATED
    return 0


@kernel(is_entry=False)
def read_link(data: Address, at: int, cut: int, wire_end: int, link: int, facts: Address) -> LinkFields:
    """Read the link header of a frame."""
    if link == LINK_ETHERNET:
        stop = require(at + 14, wire_end, cut)
        if stop:
            return stop, 0, 0, 0, 0
        stop, version, start, vlan = after_ethertype(data, cut, wire_end, load16(data + at + 12), at + 14, facts)
        return stop, version, start, vlan, 0
    if link in (LINK_COOKED, LINK_COOKED_V2):
        return read_cooked(data, at, cut, wire_end, link, facts)
    if link == LINK_LOOPBACK:
        return read_loopback(data, at, cut, wire_end, facts)
    if link == LINK_RAW:
        return 0, BY_NIBBLE, at, 0, 0
    if link == LINK_RAW_IPV4:
        return 0, 4, at, 0, 0
    if link == LINK_RAW_IPV6:
        return 0, 6, at, 0, 0
    if link == LINK_UNKNOWN:
        return _UNSUPPORTED, 0, 0, 0, 0
    return 0, CARRIED, at, 0, 0


@kernel(is_entry=False)
def read_cooked(data: Address, at: int, cut: int, wire_end: int, link: int, facts: Address) -> LinkFields:
    """Read Linux cooked capture, v1 or v2."""
    start = at + (16 if link == LINK_COOKED else 20)
    stop = require(start, wire_end, cut)
    if stop:
        return stop, 0, 0, 0, 0
    if link == LINK_COOKED:
        ethertype, kind = load16(data + at + 14), load16(data + at)
    else:
        ethertype, kind = load16(data + at), load8(data + at + 10)
    stop, version, start, vlan = after_ethertype(data, cut, wire_end, ethertype, start, facts)
    return stop, version, start, vlan, load8(facts + COOKED_DIRECTIONS + kind)


@kernel(is_entry=False)
def read_loopback(data: Address, at: int, cut: int, wire_end: int, facts: Address) -> LinkFields:
    """Read BSD loopback."""
    stop = require(at + 4, wire_end, cut)
    if stop:
        return stop, 0, 0, 0, 0
    family = load32(data + at)
    if family > 0xFFFF:
        family = load32_little(data + at)
    version = load8(facts + FAMILIES + family) if family <= 0xFFFF else 0
    if version == 0:
        return _NOT_IP, 0, 0, 0, 0
    return 0, version, at + 4, 0, 0


@kernel(is_entry=False)
def after_ethertype(
    data: Address, cut: int, wire_end: int, ethertype: int, start: int, facts: Address
) -> tuple[int, int, int, int]:
    """Follow VLAN tags and SNAP to the IP version, the start of the packet and the outermost VLAN."""
    vlan = 0
    is_tagged = False
    while load8(facts + ETHERTYPES + ethertype) == TAG:
        stop = require(start + 4, wire_end, cut)
        if stop:
            return stop, 0, 0, 0
        if not is_tagged:
            vlan = load16(data + start) & 0x0FFF
            is_tagged = True
        ethertype = load16(data + start + 2)
        start += 4
    is_snap = ethertype < _MIN_ETHERTYPE and start + 6 <= cut
    if is_snap and load32(data + start) == _LLC_SNAP and load16(data + start + 4) == 0:
        stop = require(start + 8, wire_end, cut)
        if stop:
            return stop, 0, 0, 0
        ethertype = load16(data + start + 6)
        start += 8
    version = load8(facts + ETHERTYPES + ethertype)
    if version == CARRIER:
        return 0, CARRIED, start, vlan
    if version in (0, TAG):
        return _NOT_IP, 0, 0, 0
    return 0, version, start, vlan
