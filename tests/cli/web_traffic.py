"""Captures and rules of a web server, as files."""

from builders import packet
from scapy.layers.inet import IP, TCP, UDP
from sources.capture_builders import ETHER, pcap

from sgsim.model.protocol import Protocol, format_tcp_flags


def frame(text: str) -> bytes:
    """A packet of the command line's notation as Ethernet bytes."""
    given = packet(text)
    key = given.five_tuple
    src, dst = text.split()[1].rpartition(":")[0], text.split()[3].rpartition(":")[0]
    over = (
        TCP(sport=key.src_port, dport=key.dst_port, flags=format_tcp_flags(given.tcp_flags))
        if key.protocol == Protocol.TCP
        else UDP(sport=key.src_port, dport=key.dst_port)
    )
    return bytes(ETHER / IP(src=src, dst=dst) / over)


def capture(*texts: str, times_s: tuple[float, ...] | None = None) -> bytes:
    """A capture of packets in the command line's notation, one each second unless told otherwise."""
    times_ns = None if times_s is None else [round(time * 1_000_000_000) for time in times_s]
    return pcap(*(frame(text) for text in texts), unit_ns=1, times_ns=times_ns)


WEB = {
    "groups": {
        "sg-web": {"name": "web", "ingress": [{"protocol": "tcp", "ports": 443, "from": "198.51.100.0/24"}]},
        "sg-open": {
            "ingress": [{"protocol": "all", "from": "0.0.0.0/0"}],
            "egress": [{"protocol": "all", "to": "0.0.0.0/0"}],
        },
    }
}
"""Rules for most tests: one that is tracked, and a group that is open to all."""

OPENING = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"
ANSWER = "tcp 192.0.2.10:443 -> 198.51.100.7:40000 SA"
DENIED = "tcp 203.0.113.9:50000 -> 192.0.2.10:22 S"

WITH_TRAFFIC = {
    "usage": ("usage",),
    "tighten": ("tighten", "--hold-out", "0"),
    "sweep": ("sweep", "--no-advice"),
    "lint": ("lint", "--exit-zero"),
    "diff": ("diff", "rules.json", "rules.json"),
}
"""Commands that take rules and traffic beside, by the name of their schema."""
