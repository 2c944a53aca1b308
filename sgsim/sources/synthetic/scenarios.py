"""Kinds of traffic by name, each a few settings over the defaults of a part."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from sgsim.errors import ConfigError

Settings = Mapping[str, object]


@frozen
class Scenario:
    """Traffic that has a name."""

    name: str
    title: str
    shows: str
    """What it is for."""
    parts: Mapping[str, Settings]
    """By name."""
    duration: str = "60s"


def _one(name: str, title: str, shows: str, settings: Settings, duration: str = "60s") -> Scenario:
    return Scenario(name, title, shows, {name: settings}, duration)


_WEB: Final[Settings] = {
    "port": "443", "rate": 50, "exchanges": "geometric 3", "think": "exponential 500ms", "service": "exponential 5ms",
    "rtt": "lognormal 25ms 0.6", "request_bytes": "200..900", "response_bytes": "lognormal 8000 1.2",
}  # fmt: skip
_DNS: Final[Settings] = {
    "protocol": "udp", "port": "53", "ours": "client", "rate": 200, "rtt": "2ms", "service": "exponential 1ms",
    "request_bytes": "44..60", "response_bytes": "60..300", "outcome": "complete 99, silent 1",
}  # fmt: skip
_POOL: Final[Settings] = {
    "port": "5432", "ours": "client", "flows": 20, "ramp": "2s", "every": "10min", "rtt": "1ms", "request_bytes": "120",
    "response_bytes": "900", "ending": "none",
}  # fmt: skip
_SYN_FLOOD: Final[Settings] = {
    "port": "443", "clients": "198.18.0.0/15", "client_port": "1024-65535", "rate": 20_000, "outcome": "half-open",
    "lasting": "30s",
}  # fmt: skip

_SCAN_INSIDE: Final[Settings] = {
    "ours": "client", "servers": "198.18.0.0/15", "port": "22,80,443,3389,8080", "client_port": "40000-40255",
    "arrival": "uniform", "rate": 2_000, "outcome": "silent 97, refused 2, probed 1",
}  # fmt: skip
_SCAN_OUTSIDE: Final[Settings] = {
    "clients": "203.0.113.9", "port": "1-10000", "port_order": "sequence", "arrival": "uniform", "rate": 500,
    "outcome": "refused 98, probed 2",
}  # fmt: skip
_STREAM: Final[Settings] = {
    "protocol": "udp", "port": "4000-4049", "flows": 50, "ramp": "5s", "every": "20ms", "request_bytes": "172",
    "response_bytes": "172", "rtt": "30ms",
}  # fmt: skip
_PING: Final[Settings] = {
    "protocol": "icmp", "clients": "203.0.113.1", "flows": 10, "every": "1s", "request_bytes": "56",
    "response_bytes": "56", "rtt": "10ms",
}  # fmt: skip

SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario
    for scenario in (
        _one("web", "Web clients", "HTTPS requests to the interface, from handshake to FIN", _WEB),
        _one("dns", "DNS look-ups", "the interface asks a resolver outside, one datagram each way", _DNS),
        _one(
            "idle-pool", "Idle pool", "database connections that speak once in 10 minutes: an idle timeout of 350 s "
            "(aws-nitro-v6) forgets them in between", _POOL, "1h",
        ),
        _one(
            "keep-alive", "Pool with keep-alives", "the same pool, kept in the table by TCP keep-alives every 5 minutes",
            {**_POOL, "every": "5min", "keep_alive": "true"}, "1h",
        ),
        _one(
            "syn-flood", "SYN flood", "SYNs from 131,072 addresses for 30 s that never finish their handshakes: they "
            "fill the table where the port is tracked", _SYN_FLOOD,
        ),
        _one("port-scan", "Port scan", "one address outside tries the interface's ports in their order", _SCAN_OUTSIDE),
        _one(
            "masscan", "Scan from inside", "the interface itself scans the world: nearly all entries come from one egress "
            "rule", _SCAN_INSIDE,
        ),
        _one(
            "nat-fan-out", "Behind one address", "many clients that share one address call from it: only ports tell "
            "their flows apart", {**_WEB, "clients": "203.0.113.77", "client_port": "1024-65535", "rate": 200},
        ),
        _one("udp-stream", "UDP streams", "50 calls of 50 packets per second each way", _STREAM),
        _one("ping", "Monitoring", "ten monitors that send an echo request per second, and the answers", _PING),
        Scenario(
            "masscan-incident", "An instance goes astray", "quiet web traffic, look-ups and a pool; after 2 minutes the "
            "interface scans the world for a minute, and the table fills by one egress rule",
            {
                "web": {**_WEB, "rate": 2}, "dns": {**_DNS, "rate": 2}, "pool": {**_POOL, "every": "30s"},
                "scan": {**_SCAN_INSIDE, "rate": 500, "begin": "2min", "lasting": "1min"},
            }, "4min",
        ),
        Scenario(
            "vpc", "A whole VPC", "clients outside call every interface, interfaces call each other and a database port, "
            "and all ask a resolver",
            {
                "web": {**_WEB, "servers": "all", "rate": 100},
                "mesh": {**_WEB, "clients": "all", "servers": "all", "port": "8080", "rate": 100, "rtt": "1ms"},
                "pool": {**_POOL, "clients": "all", "servers": "all", "flows": 100, "every": "20s..40s"},
                "dns": {**_DNS, "clients": "all", "servers": "203.0.113.53", "rate": 100},
            },
        ),
    )
}  # fmt: skip
"""Every scenario by its name."""


def find_scenario(name: str) -> Scenario:
    """Find a scenario.

    Raises:
        ConfigError: If there is none of this name.
    """
    found = SCENARIOS.get(name.replace("_", "-"))
    if found is None:
        raise ConfigError(f"scenario must be one of {', '.join(SCENARIOS)}, got {name!r}")
    return found
