"""Link layers: where in a frame the IP packet begins, and what the link header says beside it.

Each reader takes the captured bytes and the length on the wire and gives a `LinkFields`, or raises `SkipPacket`.

Source: LINKTYPE numbers and headers as www.tcpdump.org/linktypes.html lists them; EtherTypes, IANA.
"""

from collections.abc import Callable
from typing import Final

from sgsim.model.decision import Reason
from sgsim.model.states import Direction
from sgsim.sources.skips import SkipPacket, require

LinkFields = tuple[int, int, int, int]
"""IP version that the link header promises, where the packet begins, outermost VLAN, `Direction` or 0."""


BY_NIBBLE: Final = 0
"""In place of an IP version: the link header does not tell it; the packet's first four bits do."""
CARRIED: Final = -1
"""In place of an IP version: the packet may be inside another header, which scapy is asked to read."""

VLAN_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})  # IEEE 802.1Q, 802.1ad, and the tag before 802.1ad
_CARRIERS: Final = frozenset({0x8847, 0x8848, 0x8864, 0x88E5, 0x88E7, 0x8903, 0x8909, 0x894F})
"""Headers that may carry IP: MPLS unicast and multicast, PPPoE session, MACsec, 802.1ah, FabricPath, Cisco metadata,
NSH."""
VERSION_OF_ETHERTYPE: Final = {0x0800: 4, 0x86DD: 6} | dict.fromkeys(_CARRIERS, CARRIED)
_LLC_SNAP_ETHERTYPE: Final = bytes.fromhex("aaaa03000000")  # RFC 1042: an EtherType follows
_MIN_ETHERTYPE: Final = 0x0600  # smaller values are the length of an 802.3 frame

_IPV6_FAMILIES: Final = frozenset({10, 23, 24, 28, 30})  # AF_INET6 of Linux, Windows, NetBSD, FreeBSD, Darwin
VERSION_OF_FAMILY: Final = {2: 4} | dict.fromkeys(_IPV6_FAMILIES, 6)

DIRECTION_OF_COOKED: Final = {
    0: int(Direction.INGRESS),  # to us
    1: int(Direction.INGRESS),  # broadcast
    2: int(Direction.INGRESS),  # multicast
    4: int(Direction.EGRESS),  # sent by us; 3 is between other hosts
}


def read_ethernet(frame: bytes, wire_end: int) -> LinkFields:
    """Read Ethernet II with any number of VLAN tags, and IP in an 802.3 frame with LLC and SNAP."""
    require(frame, 14, wire_end)
    ethertype = frame[12] << 8 | frame[13]
    if ethertype == 0x0800:
        return 4, 14, 0, 0
    version, start, vlan = _after_ethertype(frame, wire_end, ethertype, 14)
    return version, start, vlan, 0


def read_cooked(frame: bytes, wire_end: int) -> LinkFields:
    """Read Linux cooked capture v1, which `tcpdump -i any` wrote until 2022."""
    require(frame, 16, wire_end)
    version, start, vlan = _after_ethertype(frame, wire_end, frame[14] << 8 | frame[15], 16)
    return version, start, vlan, DIRECTION_OF_COOKED.get(frame[0] << 8 | frame[1], 0)


def read_cooked_v2(frame: bytes, wire_end: int) -> LinkFields:
    """Read Linux cooked capture v2, which `tcpdump -i any` writes."""
    require(frame, 20, wire_end)
    version, start, vlan = _after_ethertype(frame, wire_end, frame[0] << 8 | frame[1], 20)
    return version, start, vlan, DIRECTION_OF_COOKED.get(frame[10], 0)


def read_loopback(frame: bytes, wire_end: int) -> LinkFields:
    """Read BSD loopback: an address family of the capturing host in its byte order, or (LOOP) in network order."""
    require(frame, 4, wire_end)
    family = int.from_bytes(frame[:4], "big")
    if family > 0xFFFF:
        family = int.from_bytes(frame[:4], "little")
    version = VERSION_OF_FAMILY.get(family)
    if version is None:
        raise SkipPacket(Reason.NOT_IP)
    return version, 4, 0, 0


def read_raw(_frame: bytes, _wire_end: int) -> LinkFields:
    """Read a capture without link header, of either IP version."""
    return BY_NIBBLE, 0, 0, 0


def read_raw_ipv4(_frame: bytes, _wire_end: int) -> LinkFields:
    """Read a capture without link header, IPv4 only."""
    return 4, 0, 0, 0


def read_raw_ipv6(_frame: bytes, _wire_end: int) -> LinkFields:
    """Read a capture without link header, IPv6 only."""
    return 6, 0, 0, 0


def _after_ethertype(frame: bytes, wire_end: int, ethertype: int, start: int) -> tuple[int, int, int]:
    """Follow VLAN tags and SNAP to the IP version, the start of the packet and the outermost VLAN."""
    vlan = 0
    is_tagged = False
    while ethertype in VLAN_TAGS:
        require(frame, start + 4, wire_end)
        if not is_tagged:
            vlan = (frame[start] << 8 | frame[start + 1]) & 0x0FFF
            is_tagged = True
        ethertype = frame[start + 2] << 8 | frame[start + 3]
        start += 4
    if ethertype < _MIN_ETHERTYPE and frame[start : start + 6] == _LLC_SNAP_ETHERTYPE:
        require(frame, start + 8, wire_end)
        ethertype = frame[start + 6] << 8 | frame[start + 7]
        start += 8
    version = VERSION_OF_ETHERTYPE.get(ethertype)
    if version is None:
        raise SkipPacket(Reason.NOT_IP)
    return version, start, vlan


LINK_READERS: Final[dict[int, Callable[[bytes, int], LinkFields]]] = {
    0: read_loopback,  # NULL
    1: read_ethernet,
    12: read_raw,  # RAW as most systems number it inside
    14: read_raw,  # RAW as OpenBSD numbers it inside
    101: read_raw,
    108: read_loopback,  # LOOP
    113: read_cooked,
    228: read_raw_ipv4,
    229: read_raw_ipv6,
    276: read_cooked_v2,
}
"""The reader for each link type that is read here."""
