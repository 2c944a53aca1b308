"""Where sgsim and another observer of the same capture do not say the same."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

from conformance.observers.seen import Ends, Flow, flows_in

from sgsim.model.protocol import Protocol, protocol_name
from sgsim.model.states import TcpState


class Difference(NamedTuple):
    """One flow of which they say different things."""

    observer: str
    file: str
    what: str
    theirs: str
    ours: str


_ST = TcpState

ZEEK_OUTCOMES: Final[dict[str, set[TcpState | None]]] = {
    "S0": {_ST.SYN_SENT, None},
    "SH": {_ST.SYN_SENT},
    "S1": {_ST.ESTABLISHED},
    "SF": {_ST.TIME_WAIT, None},
    "RSTO": {_ST.CLOSE},
    "RSTR": {_ST.CLOSE},
    "RSTRH": {_ST.CLOSE},
    "OTH": {_ST.ESTABLISHED},
}
"""Zeek's conn_state, and where the flow stands here at its end; None for UDP."""

SURICATA_STATES: Final[dict[str, set[TcpState]]] = {
    "new": {_ST.SYN_SENT, _ST.SYN_RECV, _ST.SYN_SENT2},
    "established": {_ST.ESTABLISHED, _ST.FIN_WAIT, _ST.CLOSE_WAIT},
    "closed": {_ST.LAST_ACK, _ST.TIME_WAIT, _ST.CLOSE},
}

SURICATA_TCP_STATES: Final[dict[str, set[TcpState]]] = {
    "syn_sent": {_ST.SYN_SENT},
    "syn_recv": {_ST.SYN_RECV},
    "established": {_ST.ESTABLISHED},
    "fin_wait1": {_ST.FIN_WAIT},
    "fin_wait2": {_ST.FIN_WAIT, _ST.CLOSE_WAIT},
    "close_wait": {_ST.FIN_WAIT, _ST.CLOSE_WAIT},
    "last_ack": {_ST.LAST_ACK, _ST.TIME_WAIT},
    "closed": {_ST.TIME_WAIT, _ST.CLOSE},
}
"""Suricata's are those of the two ends, ours those of what was seen between them."""

SURICATA_KEYS: Final = {
    "event_type", "proto", "src_ip", "src_port", "dest_ip", "dest_port", "flow.pkts_toserver", "flow.pkts_toclient",
    "flow.state", "tcp.state",
}  # fmt: skip
"""What a check may ask that both see."""

SURICATA_SHOWN: Final = (
    "proto", "src_ip", "src_port", "dest_ip", "dest_port", "flow.pkts_toserver", "flow.pkts_toclient", "flow.state",
    "tcp.state", "flow.action", "icmp_type",
)  # fmt: skip
"""What tells one check from another."""

SURICATA_OTHER_KEYS: Final = {
    "flow.age", "flow.bytes_toserver", "flow.bytes_toclient", "flow.reason", "flow.alerted", "flow.start", "flow.end",
    "icmp_type", "icmp_code",
    "flow.action", "tcp.ts_max_regions", "tcp.tc_max_regions", "tcp.tcp_flags", "tcp.tcp_flags_ts", "tcp.tcp_flags_tc", "tcp.syn", "tcp.fin", "tcp.rst", "tcp.psh", "tcp.ack",
}  # fmt: skip
"""What does not choose among flows in these checks, and is no matter of a filter."""

_PROTOCOLS: Final = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58}

Seen = Mapping[str, Mapping[Ends, Flow]]


def zeek_differences(fixtures: Path) -> Iterator[Difference]:
    """Opener, packets each way and outcome of each TCP and UDP flow, at each of its ends."""
    for pair in _read(fixtures, "zeek_pairs.json")["pairs"]:
        yield from _pair_differences("zeek", fixtures, pair)


def arkime_differences(fixtures: Path) -> Iterator[Difference]:
    """Opener and packets each way of each TCP and UDP session, at each of its ends."""
    for pair in _read(fixtures, "arkime_pairs.json")["pairs"]:
        yield from _pair_differences("arkime", fixtures, pair)


def _pair_differences(observer: str, fixtures: Path, pair: dict[str, Any]) -> Iterator[Difference]:
    seen = flows_in(fixtures / pair["file"])
    expected: dict[Ends, list[dict[str, Any]]] = defaultdict(list)
    for row in pair["flows"]:
        ends = _ends(row)
        if ends is not None:
            expected[ends].append(row)
    for ends, rows in expected.items():
        packets = [sum(row[name] for row in rows) for name in ("orig_pkts", "resp_pkts")]
        outcomes = [row["conn_state"] for row in rows if row.get("conn_state")]
        said = {_ours(seen, at, ends) for at in (ends.src_addr, ends.dst_addr)}
        flow = seen.get(ends.src_addr, {}).get(ends)
        is_same = said == {_counts(packets)} and flow is not None and _fits(flow, outcomes)
        if not is_same:
            yield Difference(
                observer, _name(pair), _text(ends),
                " ".join([_counts(packets), *dict.fromkeys(outcomes)]), " or ".join(sorted(_with_states(said, flow))),
            )  # fmt: skip


def _ends(row: dict[str, Any]) -> Ends | None:
    protocol = _PROTOCOLS.get(row["proto"], row["proto"])
    if protocol not in {Protocol.TCP, Protocol.UDP}:
        return None
    src, dst = (str(ip_address(row[name])) for name in ("orig_h", "resp_h"))
    return Ends(protocol, src, row["orig_p"], dst, row["resp_p"])


def _ours(seen: Seen, at: str, ends: Ends) -> str:
    """What one end sees of a flow, and of flows between the same ends that the other one opened."""
    flow, turned = seen.get(at, {}).get(ends), seen.get(at, {}).get(ends.turned())
    parts = [_counts(flow.packets)] if flow else []
    parts += [f"{_counts(turned.packets)} opened by the other"] if turned else []
    return ", ".join(parts) or "none"


def _fits(flow: Flow, outcomes: list[str]) -> bool:
    return not outcomes or flow.states[-1] in set().union(*(ZEEK_OUTCOMES[outcome] for outcome in outcomes))


def _with_states(said: set[str], flow: Flow | None) -> Iterator[str]:
    states = " ".join(str(state) for state in flow.states if state) if flow else ""
    return (f"{text} {states}".rstrip() for text in said)


def suricata_differences(fixtures: Path) -> Iterator[Difference]:
    """How many flows fit each check."""
    flows: dict[str, dict[Ends, Flow]] = {}
    for test in _read(fixtures, "suricata_flow_checks.json")["tests"]:
        if test["file"] not in flows:
            seen = flows_in(fixtures / test["file"])
            flows[test["file"]] = {ends: flow for at in sorted(seen) for ends, flow in seen[at].items()}
        for check in test["flow_checks"]:
            match = check["match"]
            actual = sum(_suits(ends, flow, match) for ends, flow in flows[test["file"]].items())
            if actual != check["count"]:
                asked = [f"{key}={match[key]}" for key in SURICATA_SHOWN if match.get(key) is not None]
                yield Difference("suricata", _name(test), " ".join(asked), f"{check['count']} flows", f"{actual} flows")


def _suits(ends: Ends, flow: Flow, match: dict[str, Any]) -> bool:
    """Whether a flow is one that a check asks for."""
    seen = {
        "src_ip": ends.src_addr, "src_port": ends.src_port, "dest_ip": ends.dst_addr, "dest_port": ends.dst_port,
        "flow.pkts_toserver": flow.packets[0], "flow.pkts_toclient": flow.packets[1],
    }  # fmt: skip
    for key, value in seen.items():
        wanted = match.get(key, value)
        if (str(ip_address(wanted)) if key.endswith("_ip") else wanted) != value:
            return False
    if "proto" in match and _PROTOCOLS[match["proto"].lower()] != ends.protocol:
        return False
    state = flow.states[-1]
    if "tcp.state" in match and state not in SURICATA_TCP_STATES[match["tcp.state"]]:
        return False
    if "flow.state" not in match:
        return True
    if state is not None:
        return state in SURICATA_STATES[match["flow.state"]]
    return (match["flow.state"] == "established") is (flow.packets[1] > 0)


def _counts(packets: list[int]) -> str:
    return f"{packets[0]}/{packets[1]}"


def _text(ends: Ends) -> str:
    return f"{protocol_name(ends.protocol)} {ends.src_addr} {ends.src_port} -> {ends.dst_addr} {ends.dst_port}"


def _name(pair: dict[str, Any]) -> str:
    return str(pair["file"]).rpartition("/")[2]


def _read(fixtures: Path, name: str) -> Any:
    return json.loads((fixtures / name).read_text(encoding="utf-8"))
