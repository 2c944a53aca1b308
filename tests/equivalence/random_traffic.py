"""Seeded random traffic that meets itself: few addresses, few ports, all flags, times around every timeout."""

from collections.abc import Sequence

import numpy as np

from sgsim.model.columns import PACKET_DTYPES, QUOTED_DTYPES, PacketColumns, QuotedColumns

IPV4 = ["10.0.0.5", "10.0.0.6", "10.0.1.9", "198.51.100.7", "203.0.113.1", "169.254.169.254", "10.0.0.2", "192.0.2.80"]
IPV6 = ["2001:db8::5", "2001:db8::6", "2001:db8:1::9", "2001:db8:2::7", "fd00:ec2::254"]
FLAGS = [2, 18, 16, 16, 24, 17, 17, 4, 20, 0, 3, 6, 63, 34]
STEPS_NS = [
    0,
    1,
    1000,
    10**6,
    10**8,
    10**9,
    5 * 10**9,
    10**10 - 1,
    10**10,
    3 * 10**10,
    3 * 10**10 + 1,
    6 * 10**10,
    12 * 10**10,
    18 * 10**10,
    35 * 10**10,
]


def _words(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    import ipaddress

    values = [int(ipaddress.ip_address(text)) for text in texts]
    return np.array([v >> 64 for v in values], dtype=np.uint64), np.array(
        [v & (2**64 - 1) for v in values], dtype=np.uint64
    )


def random_packets(
    seed: int, count: int, *, bound: int = -1, mean_step: float = 0.3, back: float = 0.01
) -> PacketColumns:
    """Make packets."""
    rng = np.random.default_rng(seed)
    is6 = rng.random(count) < 0.3
    hi4, lo4 = _words(IPV4)
    hi6, lo6 = _words(IPV6)
    a, b = rng.integers(0, len(IPV4), count), rng.integers(0, len(IPV4), count)
    c, d = rng.integers(0, len(IPV6), count), rng.integers(0, len(IPV6), count)
    protocol = rng.choice([6, 6, 6, 17, 17, 1, 47], count)
    protocol = np.where(is6 & (protocol == 1), 58, protocol)
    ports = np.array([22, 53, 67, 68, 80, 443, 32767, 32768, 40000, 40001, 546, 547], dtype=np.uint16)
    has_ports = (protocol == 6) | (protocol == 17)
    src_port = np.where(has_ports, rng.choice(ports, count), 0)
    dst_port = np.where(has_ports, rng.choice(ports, count), 0)
    icmp_type = np.where(protocol == 1, rng.choice([0, 8, 8, 3, 11, 13, 14, 5, 40], count), 0)
    icmp_type = np.where(protocol == 58, rng.choice([128, 128, 129, 1, 2, 3, 135, 139, 140, 200], count), icmp_type)
    icmp_code = np.where((protocol == 1) | (protocol == 58), rng.choice([0, 0, 0, 1, 4], count), 0)
    identifier = rng.choice([0, 0, 1, 7], count)
    is_query = ((protocol == 1) & np.isin(icmp_type, [8, 13])) | ((protocol == 58) & np.isin(icmp_type, [128, 139]))
    is_answer = ((protocol == 1) & np.isin(icmp_type, [0, 14])) | ((protocol == 58) & np.isin(icmp_type, [129, 140]))
    src_port = np.where(is_query, identifier, src_port)
    dst_port = np.where(is_answer, identifier, dst_port)
    fragment = rng.random(count) < 0.06
    later = fragment & (rng.random(count) < 0.6)
    steps = np.where(rng.random(count) < mean_step, rng.choice(STEPS_NS, count), rng.integers(0, 10**7, count))
    steps = np.where(rng.random(count) < back, -rng.integers(0, 10**9, count), steps)
    error = ((protocol == 1) & np.isin(icmp_type, [3, 11, 5])) | ((protocol == 58) & np.isin(icmp_type, [1, 2, 3]))
    quotes = error & ~later & (rng.random(count) < 0.9)
    skip = np.where(rng.random(count) < 0.02, 15, 0)
    quotes &= skip == 0
    columns = {
        "time_ns": 1_700_000_000 * 10**9 + np.cumsum(steps), "number": np.arange(1, count + 1), "file": 0,
        "src_hi": np.where(is6, hi6[c], hi4[a]), "src_lo": np.where(is6, lo6[c], lo4[a]),
        "dst_hi": np.where(is6, hi6[d], hi4[b]), "dst_lo": np.where(is6, lo6[d], lo4[b]),
        "family": np.where(is6, 6, 4), "protocol": protocol,
        "src_port": np.where(later, 0, src_port), "dst_port": np.where(later, 0, dst_port),
        "tcp_flags": np.where((protocol == 6) & ~later, rng.choice(FLAGS, count), 0),
        "icmp_type": np.where(later, 0, icmp_type), "icmp_code": np.where(later, 0, icmp_code),
        "length_bytes": rng.integers(40, 1500, count), "direction": rng.choice([0, 1, 2], count),
        "taken_at": np.where(rng.random(count) < 0.2, bound, -1), "skip": skip, "vlan": 0,
        "fragment_id": np.where(fragment, rng.integers(0, 4, count), 0), "fragment_offset": np.where(later, 1480, 0),
        "more_fragments": np.where(fragment, np.where(later, rng.random(count) < 0.5, True), False),
        "quote": np.where(quotes, np.cumsum(quotes) - 1, -1),
    }  # fmt: skip
    q = np.flatnonzero(quotes)
    at = rng.integers(0, count, len(q))
    near = np.maximum(q - rng.integers(1, 30, len(q)), 0)
    at = np.where(rng.random(len(q)) < 0.8, near, at)
    made = {
        name: np.broadcast_to(np.asarray(value), (count,)).astype(PACKET_DTYPES[name])
        for name, value in columns.items()
    }
    quoted = {name: made[name][at].astype(dtype) for name, dtype in QUOTED_DTYPES.items()}
    # Errors go to the sender of what they quote, most of the time.
    to_sender = rng.random(len(q)) < 0.9
    same = quoted["family"] == made["family"][q]
    for part in ("hi", "lo"):
        made[f"dst_{part}"][q] = np.where(to_sender & same, quoted[f"src_{part}"], made[f"dst_{part}"][q])
    return PacketColumns(*made.values(), quoted=QuotedColumns(*quoted.values()))
