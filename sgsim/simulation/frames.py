"""Columns as tables with names and text: polars frames, the same in memory and in every file.

Every row has every key, null where it does not apply. Enums are lower case, addresses text, `protocol` the IANA number.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import polars as pl

from sgsim.conntrack.entry import FlowEnd, TrackingCause
from sgsim.model.address import Family, format_address
from sgsim.model.columns import PACKET_DTYPES, Column, DecisionColumns, FlowColumns, PacketColumns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import ICMP_ANSWERS, ICMP_PROTOCOLS, ICMP_QUERIES, PORT_PROTOCOLS
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackState, Direction, TcpState, Tracking

DECISION_SCHEMA = pl.Schema(
    {
        "packet": pl.Int64, "file": pl.String, "time_ns": pl.Int64, "interface_id": pl.String, "direction": pl.String,
        "protocol": pl.UInt8, "src_addr": pl.String, "src_port": pl.UInt16, "dst_addr": pl.String,
        "dst_port": pl.UInt16, "length_bytes": pl.Int32, "verdict": pl.String, "reason": pl.String, "state": pl.String,
        "tcp_state": pl.String, "opener": pl.String, "rule_id": pl.String, "group_id": pl.String, "flow": pl.Int64,
    }
)  # fmt: skip
"""The columns of a decision."""

FLOW_SCHEMA = pl.Schema(
    {
        "flow": pl.Int64, "interface_id": pl.String, "protocol": pl.UInt8, "src_addr": pl.String,
        "src_port": pl.UInt16, "dst_addr": pl.String, "dst_port": pl.UInt16, "opener": pl.String,
        "opened_at_ns": pl.Int64, "last_seen_ns": pl.Int64, "ended_at_ns": pl.Int64, "end": pl.String,
        "tracking": pl.String, "cause": pl.String, "is_presumed": pl.Boolean, "rule_id": pl.String,
        "group_id": pl.String, "tcp_state": pl.String, "packets_original": pl.Int64, "packets_reply": pl.Int64,
        "bytes_original": pl.Int64, "bytes_reply": pl.Int64, "allowed": pl.Int64, "denied": pl.Int64,
        "oriented_by": pl.String,
    }
)  # fmt: skip
"""The columns of a flow."""


def decision_frame(
    packets: PacketColumns,
    decisions: DecisionColumns,
    interface_ids: Sequence[str],
    rules: Sequence[RuleRef],
    files: Sequence[str],
) -> pl.DataFrame:
    """One row for each decision."""
    rows = decisions.row
    seen = packets._replace(**{name: getattr(packets, name)[rows] for name in PACKET_DTYPES})
    is_read = seen.family > 0
    has_src_port, has_dst_port = _has_ports(seen)
    data: dict[str, Any] = {
        "packet": seen.number,
        "file": _named(seen.file, [_writable(name) for name in files]),
        "time_ns": seen.time_ns,
        "interface_id": _named(decisions.interface, interface_ids),
        "direction": _worded(decisions.direction, Direction),
        "protocol": _masked(seen.protocol, is_read),
        "src_addr": address_texts(seen.src_hi, seen.src_lo, seen.family),
        "src_port": _masked(seen.src_port, has_src_port),
        "dst_addr": address_texts(seen.dst_hi, seen.dst_lo, seen.family),
        "dst_port": _masked(seen.dst_port, has_dst_port),
        "length_bytes": seen.length_bytes,
        "verdict": _worded(decisions.verdict, Verdict),
        "reason": _worded(decisions.reason, Reason),
        "state": _worded(decisions.state, ConntrackState),
        "tcp_state": _worded(decisions.tcp_state, TcpState),
        "opener": _worded(decisions.opener, Direction),
        "rule_id": _named(decisions.rule, [rule.rule_id for rule in rules]),
        "group_id": _named(decisions.rule, [rule.group_id for rule in rules]),
        "flow": _masked(decisions.flow, decisions.flow > 0),
    }
    return pl.DataFrame(data, schema=DECISION_SCHEMA)


def flow_frame(
    flows: FlowColumns,
    interface_ids: Sequence[str],
    rules: Sequence[RuleRef],
    oriented_by: Sequence[str | None] | None = None,
) -> pl.DataFrame:
    """One row for each flow; of flow logs with how it is known who opened it."""
    has_ports = np.isin(flows.protocol, list(PORT_PROTOCOLS))
    has_identifier = np.isin(flows.protocol, list(ICMP_PROTOCOLS))
    data: dict[str, Any] = {name: getattr(flows, name) for name in FLOW_SCHEMA if hasattr(flows, name)}
    data |= {
        "interface_id": _named(flows.interface, interface_ids),
        "src_addr": address_texts(flows.src_hi, flows.src_lo, flows.family),
        "src_port": _masked(flows.src_port, has_ports | has_identifier),
        "dst_addr": address_texts(flows.dst_hi, flows.dst_lo, flows.family),
        "dst_port": _masked(flows.dst_port, has_ports),
        "opener": _worded(flows.opener, Direction),
        "end": _worded(flows.end, FlowEnd),
        "tracking": _worded(flows.tracking, Tracking),
        "cause": _worded(flows.cause, TrackingCause),
        "is_presumed": flows.is_presumed.astype(bool),
        "rule_id": _named(flows.rule, [rule.rule_id for rule in rules]),
        "group_id": _named(flows.rule, [rule.group_id for rule in rules]),
        "tcp_state": _worded(flows.tcp_state, TcpState),
        "oriented_by": pl.Series(oriented_by or [None] * len(flows.flow), dtype=pl.String),
    }
    return pl.DataFrame({name: data[name] for name in FLOW_SCHEMA}, schema=FLOW_SCHEMA)


def _has_ports(seen: PacketColumns) -> tuple[Column, Column]:
    """Where a source and a destination port, or an identifier in its place, mean something."""
    is_whole = (seen.fragment_offset == 0) & (seen.skip == 0)
    has_ports = is_whole & np.isin(seen.protocol, list(PORT_PROTOCOLS))
    has_src, has_dst = has_ports.copy(), has_ports.copy()
    for protocol in ICMP_PROTOCOLS:
        is_icmp = is_whole & (seen.protocol == protocol)
        has_src |= is_icmp & np.isin(seen.icmp_type, list(ICMP_QUERIES[protocol]))
        has_dst |= is_icmp & np.isin(seen.icmp_type, list(ICMP_ANSWERS[protocol]))
    return has_src, has_dst


def _masked(values: Column, is_known: Column) -> pl.Series:
    return pl.select(pl.when(pl.Series(is_known)).then(pl.Series(values))).to_series()


def _writable(name: str) -> str:
    """The name of a file with those of its bytes escaped that are no characters."""
    return name.encode("utf-8", "backslashreplace").decode()


def _named(indices: Column, names: Sequence[str]) -> pl.Series:
    """Texts by index; a negative index is null."""
    known = pl.Series(names, dtype=pl.String)
    return known.gather(_masked(indices.astype(np.int64), indices >= 0))


def _worded(values: Column, kind: type[IntEnum]) -> pl.Series:
    """Words by number; a number that the enum has not is null."""
    words: list[str | None] = [None] * (max(kind) + 1)
    for member in kind:
        words[member] = str(member)
    return pl.Series(words, dtype=pl.String).gather(values)


def address_texts(high: Column, low: Column, family: Column) -> pl.Series:
    """Addresses as text; each different one is written once."""
    # One number for each: sorting rows of three, as `np.unique` does along an axis, takes ten times as long.
    lows, low_at = np.unique(low, return_inverse=True)
    high_at = np.unique(high, return_inverse=True)[1] if high.any() else np.zeros(len(high), np.int64)
    keys = (high_at * len(lows) + low_at) * (int(Family.IPV6) + 1) + family
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    texts = [
        format_address(hi << 64 | lo, Family(number)) if number else None
        for number, hi, lo in zip(family[first].tolist(), high[first].tolist(), low[first].tolist(), strict=True)
    ]
    return pl.Series(texts, dtype=pl.String).gather(inverse.reshape(-1))
