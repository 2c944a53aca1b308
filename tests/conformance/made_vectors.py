"""Makes the two files of vectors that are too regular to write by hand: every timeout, and every cell of the TCP table.

    python tests/conformance/made_vectors.py sgsim/data/vectors

What they expect stands here as the sources say it, and is read from nothing of the package. `test_made_vectors.py` holds
the shipped files to what this makes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.vector_format import written

Step = dict[str, Any]

CLIENT, HOST = "198.51.100.7", "10.0.0.5"
CLIENT_V6, HOST_V6 = "2001:db8::99", "2001:db8:1::5"

HOST_DOCUMENT = {
    "NetworkInterfaces": [
        {
            "NetworkInterfaceId": "eni-a",
            "PrivateIpAddress": HOST,
            "Ipv6Addresses": [{"Ipv6Address": HOST_V6}],
            "Groups": [{"GroupId": "sg-a"}],
        }
    ]
}

WAYS = {
    "syn_sent": (">S",),
    "syn_sent2": (">S", "<S", ">S"),  # Linux begins this state's timeout with the SYN after that of the other side
    "syn_recv": (">S", "<SA"),
    "established": (">S", "<SA", ">A"),
    "fin_wait": (">S", "<SA", ">A", ">FA"),
    "close_wait": (">S", "<SA", ">A", ">FA", "<A"),
    "last_ack": (">S", "<SA", ">A", ">FA", "<FA"),
    "time_wait": (">S", "<SA", ">A", ">FA", "<FA", ">A"),
    "close": (">S", "<SA", ">A", ">R"),
}
"""Segments of the opener (`>`) and of the other side (`<`) that lead to each state."""

SEGMENTS = {"S": "SYN", "SA": "SYN-ACK", "FA": "FIN", "A": "ACK", "R": "RST", "-": "no flag"}

CELLS = {
    # Source: [linux-nfct], rfc9293. One column for each segment above; . is invalid, = ignored, * opens anew.
    ">": {
        "syn_sent": "syn_sent . . . close .",
        "syn_sent2": "syn_sent2 syn_recv . . close .",
        "syn_recv": "= syn_recv fin_wait established close .",
        "established": "= . fin_wait established close .",
        "fin_wait": "= . last_ack close_wait close .",
        "close_wait": "= . last_ack close_wait close .",
        "last_ack": "= . last_ack time_wait close .",
        "time_wait": "* . time_wait time_wait close .",
        "close": "* . close close close .",
    },
    "<": {
        "syn_sent": "syn_sent2 syn_recv . = close .",
        "syn_sent2": "syn_sent2 syn_recv . = close .",
        "syn_recv": ". = fin_wait syn_recv close .",
        "established": ". = fin_wait established close .",
        "fin_wait": ". = last_ack close_wait close .",
        "close_wait": ". = last_ack close_wait close .",
        "last_ack": ". = last_ack time_wait close .",
        "time_wait": "* = time_wait time_wait close .",
        "close": ". = close close close .",
    },
}

AFTER = {
    (state, side + flags): after
    for side, rows in CELLS.items()
    for state, row in rows.items()
    for flags, after in zip(SEGMENTS, row.split(), strict=True)
}


def tcp(port: int, segment: str) -> str:
    """A segment of the opener or of the other side."""
    client, host = f"{CLIENT}:{port}", f"{HOST}:443"
    src, dst = (client, host) if segment[0] == ">" else (host, client)
    return f"tcp {src} -> {dst} {segment[1:]}"


def seconds(value: float) -> float:
    """A number without a needless fraction."""
    return int(value) if value == int(value) else round(value, 9)


def step(at_s: float, packet: str | None, said: str, live: int, **more: Any) -> Step:
    """One step; `said` is verdict, reason, state and TCP state, as far as there are."""
    made: Step = {"at_s": seconds(at_s)}
    if packet is not None:
        made |= {"packet": packet, **more}
        made |= dict(zip(("verdict", "reason", "state", "tcp_state"), said.split(), strict=False))
    return made | {"live": live}


def way_to(state: str, port: int, live: int) -> Iterator[Step]:
    """Bring a flow to a state at the time 0; it is the entry number `live`."""
    first, *others = WAYS[state]
    now = "syn_sent"
    yield step(0, tcp(port, first), "allow rule new syn_sent", live)
    for segment in others:
        now = AFTER[now, segment]
        yield step(0, tcp(port, segment), f"allow established established {now}", live)


def topic(name: str, title: str, rules: list[dict[str, Any]], vectors: list[dict[str, Any]]) -> dict[str, Any]:
    """A file."""
    return {
        "schema_version": 1,
        "topic": name,
        "title": title,
        "documents": {"host": HOST_DOCUMENT, "rules": {"SecurityGroups": [{"GroupId": "sg-a", **rules[0]}]}},
        "vectors": vectors,
    }


# Every cell of the TCP table.


def tcp_table() -> dict[str, Any]:
    """For each profile with a table of its own, side and state: what each segment does."""
    both_ways = {
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}
        ],
        "IpPermissionsEgress": [
            {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}
        ],
    }
    vectors = [
        {
            "id": f"{profile}-{state}-{'original' if side == '>' else 'reply'}".replace("_", "-"),
            "title": f"In {state.upper()}, each segment of the {'opener' if side == '>' else 'other side'}, {profile}",
            "proves": ["tcp-table"] if profile == "aws-nitro" else ["linux-tcp-table"],
            "profile": profile,
            "documents": ["host", "rules"],
            "steps": list(cells(profile, side, state)),
        }
        for profile in ("aws-nitro", "linux")
        for side, rows in CELLS.items()
        for state in rows
    ]
    made = topic("tcp-table", "Every cell of the TCP transition table", [both_ways], vectors)
    statements = [
        {
            "id": "tcp-table",
            "section": "1.6",
            "text": "Segments move a connection through the states of Linux's table; what fits no state moves nothing.",
            "standing": "assumed",
            "sources": ["linux-nfct", "rfc9293"],
        },
        {
            "id": "linux-tcp-table",
            "section": "linux",
            "text": "The transition table of nf_conntrack 6.x, with liberal windows; what fits no state is INVALID.",
            "standing": "observed",
            "sources": ["linux-nfct"],
        },
    ]
    return {**dict(list(made.items())[:3]), "statements": statements, **dict(list(made.items())[3:])}


def cells(profile: str, side: str, state: str) -> Iterator[Step]:
    """One flow for each segment, all brought to the state, then the segments."""
    live = 0
    ports = dict(zip(SEGMENTS, range(40001, 40007), strict=True))
    for port in ports.values():
        live += 1
        yield from way_to(state, port, live)
    for flags, port in ports.items():
        said, gone = answer(profile, side, state, flags)
        live -= gone
        yield step(1, tcp(port, side + flags), said, live) | {"note": SEGMENTS[flags]}


def answer(profile: str, side: str, state: str, flags: str) -> tuple[str, int]:
    """What is said of a segment, and how many entries go with it."""
    after = AFTER[state, side + flags]
    is_unanswered = state == "syn_sent" and side == ">"
    if after == "*":
        return "allow rule new syn_sent", 0
    if profile == "linux":
        if after == ".":
            return "allow rule invalid", 0
        if state == "syn_sent" and flags == "R":  # R1: never answered, so it deletes
            return ("allow rule new", 1) if is_unanswered else ("allow established established", 1)
        if is_unanswered:
            return f"allow rule new {after}", 0
    after = state if after in {".", "="} else after
    return f"allow established {'new' if is_unanswered else 'established'} {after}", 0


# The boundaries of every timeout.

TCP_S = {
    "syn_sent": 120, "syn_sent2": 120, "syn_recv": 60, "fin_wait": 120, "close_wait": 60, "last_ack": 30,
    "time_wait": 120, "close": 10,
}  # fmt: skip
PROFILES = {"aws-nitro": (432000, 180), "aws-nitro-v6": (350, 180), "linux": (432000, 120)}
"""Of each profile: established TCP and UDP streams, in seconds; all else is the same."""


def timeout_boundaries() -> dict[str, Any]:
    """For each profile and timeout: one flow just before it, one at it, one just after it."""
    services = {
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]},
            {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "198.51.100.0/24"}], "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]},
            {"IpProtocol": "icmp", "FromPort": 8, "ToPort": 0, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]},
            {"IpProtocol": "icmpv6", "FromPort": 128, "ToPort": 0, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]},
            {"IpProtocol": "47", "IpRanges": [{"CidrIp": "198.51.100.0/24"}]},
        ],
        "IpPermissionsEgress": [],
    }  # fmt: skip
    vectors = [vector for profile in PROFILES for vector in of_profile(profile)]
    return topic("timeout-boundaries", "Just before each timeout, at it, and just after it", [services], vectors)


def of_profile(profile: str) -> Iterator[dict[str, Any]]:
    """Every timeout of a profile."""
    established, stream = PROFILES[profile]
    is_linux = profile == "linux"
    for state in WAYS:
        timeout = TCP_S.get(state, established)
        known = "tcp-established-v6" if profile == "aws-nitro-v6" else "tcp-established-default"
        proved = known if state == "established" else "unestablished-as-linux"
        yield vector(profile, f"tcp_{state}_s", timeout, proved, tcp_steps(state, timeout, is_linux=is_linux))
    udp = [(f"udp {CLIENT}:{port} -> {HOST}:53", f"udp {HOST}:53 -> {CLIENT}:{port}") for port in (40001, 40002, 40003)]
    icmp = [ping("icmp", CLIENT, HOST, (8, 0), number) for number in (1, 2, 3)]
    icmpv6 = [ping("icmpv6", CLIENT_V6, HOST_V6, (128, 129), number) for number in (1, 2, 3)]
    gre = [(f"47 198.51.100.{last} -> {HOST}", f"47 {HOST} -> 198.51.100.{last}") for last in (1, 2, 3)]
    lost = "deny no_rule invalid" if is_linux else "deny no_rule untracked"
    yield vector(profile, "udp_s", 30, "udp-single-default", probed(udp, 30))
    yield vector(profile, "udp_stream_s", stream, "udp-stream-default", stream_steps(udp, stream))
    yield vector(profile, "icmp_s", 30, "unestablished-as-linux", probed(icmp, 30, lost=lost))
    yield vector(profile, "icmpv6_s", 30, "icmpv6-as-icmp", probed(icmpv6, 30, lost=lost))
    yield vector(profile, "other_s", 600, "other-protocols-600", probed(gre, 600))
    yield vector(profile, "fragment_s", 30, "fragments-inherit", fragment_steps([first for first, _ in udp], 30))
    udp_v6 = [f"udp [{CLIENT_V6}]:{port} -> [{HOST_V6}]:53" for port in (40001, 40002, 40003)]
    yield vector(profile, "fragment_ipv6_s", 60, "fragments-inherit", fragment_steps(udp_v6, 60))


def ping(protocol: str, client: str, host: str, types: tuple[int, int], number: int) -> tuple[str, str]:
    """A query and its answer."""
    return (
        f"{protocol} {client} -> {host} type {types[0]} code 0 id {number}",
        f"{protocol} {host} -> {client} type {types[1]} code 0 id {number}",
    )


def vector(profile: str, setting: str, timeout: float, proved: str, steps: Iterator[Step]) -> dict[str, Any]:
    """One vector."""
    proves = "linux-timeouts" if profile == "linux" else proved
    return {
        "id": f"{profile}-{setting.removesuffix('_s')}".replace("_", "-"),
        "title": f"{setting} of {profile}: {timeout} s",
        "proves": ["reassembly-60" if setting == "fragment_ipv6_s" else proves],
        "hinges_on": [setting],
        "profile": profile,
        "documents": ["host", "rules"],
        "steps": list(steps),
    }


def probes(texts: list[str], ends_s: float, said: tuple[str, str], live: tuple[int, int]) -> Iterator[Step]:
    """One packet just before, one at and one just after the end."""
    yield step(ends_s - 0.001, texts[0], said[0], live[0]) | {"note": "just before"}
    yield step(ends_s, texts[1], said[1], live[1]) | {"note": "at the timeout"}
    yield step(ends_s + 0.001, texts[2], said[1], live[1]) | {"note": "just after"}


def tcp_steps(state: str, timeout: float, *, is_linux: bool) -> Iterator[Step]:
    """Three connections in a state; the other side sends once more."""
    for live, port in enumerate((40001, 40002, 40003), start=1):
        yield from way_to(state, port, live)
    segment = "<SA" if state in {"syn_sent", "syn_sent2", "syn_recv"} else "<A"
    after = AFTER[state, segment]
    restarts = after != "=" if is_linux else state not in {"time_wait", "close"}
    texts = [tcp(port, segment) for port in (40001, 40002, 40003)]
    held = f"allow established established {state if after == '=' else after}"
    yield from probes(texts, timeout, (held, "deny no_rule new"), (3, int(restarts)))


def probed(pairs: list[tuple[str, str]], timeout: float, lost: str = "deny no_rule new") -> Iterator[Step]:
    """Three requests, and their answers when they are due to be forgotten."""
    for live, (request, _) in enumerate(pairs, start=1):
        yield step(0, request, "allow rule new", live)
    yield from probes([reply for _, reply in pairs], timeout, ("allow established established", lost), (3, 1))


def stream_steps(pairs: list[tuple[str, str]], timeout: float) -> Iterator[Step]:
    """Three streams: a request, a response, and a request after more than two seconds."""
    for live, (request, _) in enumerate(pairs, start=1):
        yield step(0, request, "allow rule new", live)
    for at_s, which in ((1, 1), (3, 0)):
        for pair in pairs:
            yield step(at_s, pair[which], "allow established established", 3)
    replies = [reply for _, reply in pairs]
    yield from probes(replies, 3 + timeout, ("allow established established", "deny no_rule new"), (3, 1))


def fragment_steps(firsts: list[str], timeout: float) -> Iterator[Step]:
    """Three first fragments, and their later ones; the flows themselves are forgotten after 30 s of silence."""
    for number, first in enumerate(firsts, start=1):
        fragment = {"identification": number, "offset_bytes": 0, "more": True}
        yield step(0, first, "allow rule new", number, fragment=fragment)
    later = probes(firsts, timeout, ("allow fragment new", "deny fragment invalid"), (3 if timeout <= 30 else 0, 0))
    for number, made in enumerate(later, start=1):
        begin = {key: made.pop(key) for key in ("at_s", "packet")}
        yield begin | {"fragment": {"identification": number, "offset_bytes": 1480, "more": False}} | made


MADE = {"tcp-table.json": tcp_table, "timeout-boundaries.json": timeout_boundaries}


if __name__ == "__main__":
    for name, make in MADE.items():
        (Path(sys.argv[1]) / name).write_text(written(make()), encoding="utf-8", newline="\n")
