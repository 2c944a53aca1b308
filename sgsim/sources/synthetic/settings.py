"""The settings of a part of synthetic traffic: how each is read, what it means, and what holds where nobody gives it."""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from attrs import frozen

from sgsim.errors import ConfigError
from sgsim.sources.synthetic.distributions import Distribution, parse_distribution, parse_duration_ns

PROTOCOLS: Final = ("tcp", "udp", "icmp")
ARRIVALS: Final = ("poisson", "uniform", "burst")
ORDERS: Final = ("random", "sequence")
ENDINGS: Final = ("fin", "rst", "none")
OUTCOMES: Final = ("complete", "half-open", "refused", "silent", "probed")
ROLES: Final = ("server", "client")
MOST_RATE: Final = 100_000_000
MOST_FLOWS: Final = 100_000_000

_RANGE: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)

Ports = tuple[tuple[int, int], ...]
Shares = tuple[tuple[str, float], ...]


def _choice(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = str(value).lower().replace("_", "-")
        if text not in choices:
            raise ConfigError(f"value must be one of {', '.join(choices)}, got {value!r}")
        return text

    return read


def _size(value: object) -> Distribution:
    return parse_distribution(value, "size")


def _count(value: object) -> Distribution:
    return parse_distribution(value, "number", least=1)


def _time(value: object) -> Distribution:
    return parse_distribution(value, "time", is_time=True)


def _period(value: object) -> Distribution:
    return parse_distribution(value, "time in nanoseconds", is_time=True, least=1_000)


def _duration(value: object) -> int | None:
    return None if value is None else parse_duration_ns(value, "time")


def _begin(value: object) -> int:
    return parse_duration_ns(value, "time")


def _rate(value: object) -> Fraction:
    text = str(value).strip().lower().removesuffix("/s")
    scale = {"k": 1_000, "m": 1_000_000}.get(text[-1:], 1)
    try:
        rate = Fraction(text.rstrip("km")) * scale
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= MOST_RATE:
        raise ConfigError(
            f"rate must be flows per second, above 0 up to {MOST_RATE}, such as 200 or 10k, got {value!r}"
        )
    return rate


def _flows(value: object) -> int | None:
    return None if value is None else _group(value)


def _group(value: object) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_FLOWS:
        raise ConfigError(f"number must be a whole number 1..{MOST_FLOWS}, got {value!r}")
    return number


def _ports(value: object) -> Ports:
    ranges = []
    for text in str(value).replace(" ", "").split(","):
        found = _RANGE.fullmatch(text)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not 0 <= first <= last <= 65535:
            raise ConfigError(f"ports must be such as 443, 80,443 or 1-1024, got {value!r}")
        ranges.append((first, last))
    return tuple(ranges)


def _addresses(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, Sequence):
        raise ConfigError(f"addresses must be a list of addresses, blocks, interfaces or groups, got {value!r}")
    return tuple(str(each).strip() for each in listed if str(each).strip())


def _shares(value: object) -> Shares:
    """Read `refused 98, probed 2`, or a mapping; one name alone is all of it."""
    pairs = list(value.items()) if isinstance(value, Mapping) else [_share(text) for text in str(value).split(",")]
    named = [(str(name).lower().replace("_", "-"), weight) for name, weight in pairs]
    for name, weight in named:
        if name not in OUTCOMES:
            raise ConfigError(f"outcome must be of {', '.join(OUTCOMES)}, got {name!r}")
        if not isinstance(weight, int | float) or not weight > 0:
            raise ConfigError(f"share of an outcome must be a number above 0, got {weight!r}")
    return tuple((name, float(weight)) for name, weight in named)


def _share(text: str) -> tuple[str, float]:
    name, _, weight = text.strip().replace(":", " ").partition(" ")
    try:
        return name, float(weight or 1)
    except ValueError:
        return name, 0.0


def _plain(value: object) -> bool:
    text = str(value).lower()
    if text not in {"true", "false", "yes", "no"}:
        raise ConfigError(f"value must be true or false, got {value!r}")
    return text in {"true", "yes"}


@frozen
class Setting:
    """One of them."""

    default: object
    """As a person writes it."""
    read: Callable[[Any], Any]
    meaning: str


SETTINGS: Final[Mapping[str, Setting]] = {
    "protocol": Setting("tcp", _choice(*PROTOCOLS), "tcp, udp, or icmp (echo)"),
    "clients": Setting(
        None, _addresses, "who opens flows: addresses, blocks, interface ids, groups, or all; none: the interface at hand "
        "or the outside, as ours says",
    ),
    "servers": Setting(None, _addresses, "who is called, in the same forms"),
    "ours": Setting("server", _choice(*ROLES), "which side is the interface at hand: server or client"),
    "port": Setting("443", _ports, "ports of the servers, each as likely: 443, 80,443 or 1-1024"),
    "port_order": Setting(
        "random", _choice(*ORDERS), "random, or sequence: one after the other, then the next server; needs uniform arrival"
    ),
    "client_port": Setting("32768-60999", _ports, "ports of the clients, each as likely; the default is Linux's range"),
    "rate": Setting(10, _rate, "new flows per second: 200, 0.5, 10k"),
    "arrival": Setting(
        "poisson", _choice(*ARRIVALS), "when flows begin: poisson (independently), uniform (at equal distances), or burst"
    ),
    "burst": Setting(100, _group, "flows in a burst; bursts come as a Poisson process, the flows of one 10 us apart"),
    "begin": Setting("0s", _begin, "from when on, after the beginning of the traffic"),
    "lasting": Setting(None, _duration, "for how long flows begin; none: to the end"),
    "outcome": Setting(
        "complete", _shares, "what becomes of flows, with shares: complete, half-open (SYN, SYN-ACK), refused (SYN, RST), "
        "silent (no answer), probed (SYN, SYN-ACK, RST)",
    ),
    "exchanges": Setting("1", _count, "requests in a flow, each with its response"),
    "think": Setting("0s", _time, "from a response to the next request, and from the handshake to the first"),
    "service": Setting("1ms", _time, "from a request to its response"),
    "rtt": Setting("20ms", _time, "round trip between both sides"),
    "request_bytes": Setting("500", _size, "payload of a request"),
    "response_bytes": Setting("5000", _size, "payload of a response; with 0, UDP and ICMP do not answer"),
    "ending": Setting("fin", _choice(*ENDINGS), "how a complete TCP flow ends: fin, rst or none"),
    "flows": Setting(None, _flows, "number of standing flows, which are opened at the beginning and stay; none: flows arrive"),
    "ramp": Setting("1s", _begin, "time over which standing flows are opened"),
    "every": Setting(
        "60s", _period, "from one exchange of a standing flow to its next; drawn once for each flow and then kept"
    ),
    "keep_alive": Setting("false", _plain, "whether standing TCP flows only send keep-alives without data"),
}  # fmt: skip
"""Each by its name, in the order of documents."""
