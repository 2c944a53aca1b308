"""Seeded random traffic that meets itself: few addresses, few ports, all flags, times around every timeout."""

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES, PacketColumns, QuotedColumns
from sgsim.model.decision import Reason
from sgsim.model.protocol import ICMP_ANSWERS, ICMP_ERRORS, ICMP_QUERIES, Protocol

Column = NDArray[Any]

SECOND_NS: Final = 10**9
START_NS: Final = 1_700_000_000 * SECOND_NS

IPV4: Final = (
    "10.0.0.5", "10.0.0.6", "10.0.1.9", "198.51.100.7", "203.0.113.1", "169.254.169.254", "10.0.0.2", "192.0.2.80",
)  # fmt: skip
IPV6: Final = (
    "2001:db8::5", "2001:db8::6", "2001:db8:1::9", "2001:db8:1:0:fedc:ba98:7654:3211", "2001:db8:2::7",
    "2001:db8:2:0:8a2e:370:7334:ffff", "fd00:ec2::254",
)  # fmt: skip

LATEST_NS: Final = 2**62 - 1
"""The latest time that engines take, in the year 2116; the earliest is as long before 1970."""

STEPS_NS: Final = (
    0, 1, 1000, 10**6, 10**8, SECOND_NS, 5 * SECOND_NS, 10 * SECOND_NS - 1, 10 * SECOND_NS, 30 * SECOND_NS,
    30 * SECOND_NS + 1, 60 * SECOND_NS, 120 * SECOND_NS, 180 * SECOND_NS, 350 * SECOND_NS,
)  # fmt: skip
"""Silences at and beside the timeouts of all profiles."""

DAY_NS: Final = 86_400 * SECOND_NS
JUMPS_NS: Final = (0, 1, 2**20 - 1, 2**20, 2**28, 2**36, 2**44, 5 * DAY_NS, 366 * DAY_NS, 12 * 366 * DAY_NS)
"""Silences that leave rounds of the calendar behind, up to years."""

TICK_STEPS_NS: Final = (0, 1, 100, 10_000, 100_000, 250_000, 499_999, 500_000, 10**6, 2 * 10**6)
"""Silences within a tick of the calendar, and just beyond."""

_FLAGS: Final = (2, 18, 16, 16, 24, 17, 17, 4, 20, 0, 3, 6, 63, 34)
_PORTS: Final = (22, 53, 67, 68, 80, 443, 32767, 32768, 40000, 40001, 546, 547)
_TYPES: Final = {
    Protocol.ICMP: (0, 8, 8, 3, 11, 13, 14, 5, 40),
    Protocol.ICMPV6: (128, 128, 129, 1, 2, 3, 135, 139, 140, 200),
}


@frozen(kw_only=True)
class Traffic:
    """What kind of traffic to make; shares are of all packets, from 0 to 1."""

    ipv4: Sequence[str] = IPV4
    ipv6: Sequence[str] = IPV6
    ports: Sequence[int] = _PORTS
    protocols: Sequence[int] = (6, 6, 6, 17, 17, 1, 47)
    flags: Sequence[int] = _FLAGS
    packets_of_each: int = 10
    """How many packets a talk of two ends has, about; they come among those of others."""
    ipv6_share: float = 0.3
    fragment_share: float = 0.06
    fragment_ids: int = 4
    """How many identifications fragments have."""
    steps_ns: Sequence[int] = STEPS_NS
    step_share: float = 0.3
    """How many packets come after one of these steps; the others within 10 ms."""
    back_share: float = 0.01
    """How many come up to a second before the one before them."""
    start_ns: int = START_NS
    taken_at: Sequence[int] = (-1,)
    """Interfaces at which one packet in five was taken."""
    unread_share: float = 0.02
    between_ns: int = field(default=10**7)
    """The most between two packets where there is no step."""


def random_packets(seed: int, count: int, kind: Traffic) -> PacketColumns:
    """Make packets, the same for the same arguments."""
    rng = np.random.default_rng(seed)
    columns = _headers(rng, count, kind)
    is_later = columns["fragment_offset"] > 0
    error = _is_any(columns, ICMP_ERRORS) & ~is_later
    columns["skip"] = np.where(rng.random(count) < kind.unread_share, int(Reason.UNSUPPORTED), 0)
    quotes = error & (columns["skip"] == 0) & (rng.random(count) < 0.9)
    columns["quote"] = np.where(quotes, np.cumsum(quotes) - 1, -1)
    made = {name: np.broadcast_to(columns[name], (count,)).astype(dtype) for name, dtype in PACKET_DTYPES.items()}
    return PacketColumns(*made.values(), quoted=_quoted(rng, made, np.flatnonzero(quotes)))


def _headers(rng: np.random.Generator, count: int, kind: Traffic) -> dict[str, Column]:
    """All columns but those of quotes."""
    talks = _talks(rng, 1 + count // kind.packets_of_each, kind)
    # A packet is of a talk that began lately, of one in five of any; it goes either way.
    lately = np.arange(count) // kind.packets_of_each - rng.geometric(0.2, count) + 1
    any_of_them = rng.integers(0, len(talks["family"]), count)
    at = np.where(rng.random(count) < 0.2, any_of_them, np.clip(lately, 0, None))
    turned = rng.random(count) < 0.45
    columns = {
        name: np.where(turned, talks[_OTHER_END.get(name, name)][at], column[at]) for name, column in talks.items()
    }
    is_fragment = rng.random(count) < kind.fragment_share
    is_later = is_fragment & (rng.random(count) < 0.6)
    columns |= {
        "time_ns": _times(rng, count, kind), "number": np.arange(1, count + 1), "file": np.zeros(1),
        "vlan": np.zeros(1),
        "length_bytes": rng.integers(40, 1500, count), "direction": rng.choice([0, 1, 2], count),
        "taken_at": np.where(rng.random(count) < 0.2, rng.choice(kind.taken_at, count), -1),
        "fragment_id": np.where(is_fragment, rng.integers(0, kind.fragment_ids, count), 0),
        "fragment_offset": np.where(is_later, 1480, 0),
        "more_fragments": is_fragment & (~is_later | (rng.random(count) < 0.5)),
    }  # fmt: skip
    columns |= _services(rng, columns, kind)
    for name in ("src_port", "dst_port", "tcp_flags", "icmp_type", "icmp_code"):
        columns[name] = np.where(is_later, 0, columns[name])
    return columns


_OTHER_END: Final = {
    f"{end}_{part}": f"{other}_{part}"
    for end, other in (("src", "dst"), ("dst", "src"))
    for part in ("hi", "lo", "port")
}


def _talks(rng: np.random.Generator, count: int, kind: Traffic) -> dict[str, Column]:
    """Who talks with whom, over which protocol and ports."""
    is_ipv6 = rng.random(count) < kind.ipv6_share
    protocol = rng.choice(kind.protocols, count)
    columns: dict[str, Column] = {
        "family": np.where(is_ipv6, 6, 4),
        "protocol": np.where(is_ipv6 & (protocol == Protocol.ICMP), Protocol.ICMPV6, protocol),
    }
    has_ports = (protocol == Protocol.TCP) | (protocol == Protocol.UDP)
    for end in ("src", "dst"):
        columns |= _addresses(rng, is_ipv6, kind, end)
        columns[f"{end}_port"] = np.where(has_ports, rng.choice(kind.ports, count), 0)
    return columns


def _times(rng: np.random.Generator, count: int, kind: Traffic) -> Column:
    steps = np.where(
        rng.random(count) < kind.step_share,
        rng.choice(kind.steps_ns, count),
        rng.integers(0, kind.between_ns + 1, count),
    )
    steps = np.where(rng.random(count) < kind.back_share, -rng.integers(0, SECOND_NS, count), steps)
    times = kind.start_ns + np.cumsum(steps.astype(object))  # Python's integers: a sum of years may leave 64 bits
    return np.clip(times, -LATEST_NS, LATEST_NS)


def _addresses(rng: np.random.Generator, is_ipv6: Column, kind: Traffic, end: str) -> dict[str, Column]:
    picked = []
    for texts in (kind.ipv4, kind.ipv6):
        values = [int(ipaddress.ip_address(text)) for text in texts]
        at = rng.integers(0, len(values), len(is_ipv6))
        picked.append([np.array(words, dtype=np.uint64)[at] for words in zip(*map(_halves, values), strict=True)])
    return {f"{end}_{half}": np.where(is_ipv6, picked[1][at], picked[0][at]) for at, half in enumerate(("hi", "lo"))}


def _halves(value: int) -> tuple[int, int]:
    return value >> 64, value & (2**64 - 1)


def _services(rng: np.random.Generator, columns: dict[str, Column], kind: Traffic) -> dict[str, Column]:
    """Flags, types and identifiers, as the protocol has them."""
    protocol, count = columns["protocol"], len(columns["protocol"])
    is_icmp = (protocol == Protocol.ICMP) | (protocol == Protocol.ICMPV6)
    icmp_type = np.zeros(count, dtype=np.int64)
    for number, types in _TYPES.items():
        icmp_type = np.where(protocol == number, rng.choice(types, count), icmp_type)
    known = columns | {"icmp_type": icmp_type}
    identifier = rng.choice([0, 0, 1, 7], count)
    return {
        "src_port": np.where(_is_any(known, ICMP_QUERIES), identifier, columns["src_port"]),
        "dst_port": np.where(_is_any(known, ICMP_ANSWERS), identifier, columns["dst_port"]),
        "tcp_flags": np.where(protocol == Protocol.TCP, rng.choice(kind.flags, count), 0),
        "icmp_type": icmp_type,
        "icmp_code": np.where(is_icmp, rng.choice([0, 0, 0, 1, 4], count), 0),
    }


def _is_any(columns: dict[str, Column], types: Any) -> Column:
    """Which packets are ICMP messages of these types, by protocol."""
    found = np.zeros(len(columns["protocol"]), dtype=bool)
    for protocol, kinds in types.items():
        found |= (columns["protocol"] == protocol) & np.isin(columns["icmp_type"], list(kinds))
    return found


def _quoted(rng: np.random.Generator, made: dict[str, Column], rows: Column) -> QuotedColumns:
    """Quotes of other packets, mostly of those just before; errors go to the sender of what they quote, mostly."""
    count = len(made["family"])
    near = np.maximum(rows - rng.integers(1, 30, len(rows)), 0)
    at = np.where(rng.random(len(rows)) < 0.8, near, rng.integers(0, count, len(rows)))
    quoted = {name: made[name][at].astype(dtype) for name, dtype in QUOTED_DTYPES.items()}
    to_sender = (rng.random(len(rows)) < 0.9) & (quoted["family"] == made["family"][rows])
    for half in ("hi", "lo"):
        made[f"dst_{half}"][rows] = np.where(to_sender, quoted[f"src_{half}"], made[f"dst_{half}"][rows])
    return QuotedColumns(*quoted.values())
