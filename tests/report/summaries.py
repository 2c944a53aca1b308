"""Summaries written by hand, with any field changed."""

from typing import Any

from sgsim.simulation.summary import (
    CapacityStep,
    DeniedGroup,
    FirstPacket,
    FlowCounts,
    PacketCounts,
    ReasonCount,
    RuleUsage,
    Summary,
    TableLoad,
)

SECOND_NS = 1_000_000_000


def first(number: int = 1, text: str = "tcp 203.0.113.9:50000 -> 192.0.2.10:22 S", **fields: Any) -> FirstPacket:
    """A packet where something was first seen."""
    return FirstPacket(**{"file": "a.pcap", "number": number, "time_ns": SECOND_NS, "text": text, **fields})


def summary(**fields: Any) -> Summary:
    """A summary of one packet that was denied, with fields changed."""
    return Summary(
        **{
            "profile": "aws-nitro",
            "profile_title": "AWS security groups",
            "profile_dated": "2026-11",
            "engine": "reference",
            "files": ("a.pcap",),
            "start_ns": SECOND_NS,
            "end_ns": 3 * SECOND_NS,
            "packets": PacketCounts(read=1, evaluated=1, decisions=1, denied=1),
            "reasons": (ReasonCount(reason="no_rule", verdict="deny", decisions=1, bytes=54, first=first()),),
            "interfaces": (),
            "denied": (),
            "denied_groups": 0,
            "tables": (),
            "flows": FlowCounts(),
            "rules": (),
            **fields,
        }
    )


def denied_group(**fields: Any) -> DeniedGroup:
    """Packets that were denied."""
    return DeniedGroup(
        **{
            "interface_id": "eni-a",
            "direction": "ingress",
            "peer": "203.0.113.0/24",
            "protocol": 6,
            "dst_port": 22,
            "packets": 1,
            "bytes": 54,
            "most_too_many": 0,
            "reason": "no_rule",
            "first": first(),
            **fields,
        }
    )


def usage(hits: int = 0, **fields: Any) -> RuleUsage:
    """A rule and how often it decided."""
    return RuleUsage(
        **{
            "rule_id": "sg-web:ingress:tcp:443:0.0.0.0/0",
            "group_id": "sg-web",
            "direction": "ingress",
            "text": "tcp 443 from 0.0.0.0/0",
            "description": "",
            "hits": hits,
            "bytes": 100 * hits,
            "last_hit_ns": 2 * SECOND_NS if hits else None,
            **fields,
        }
    )


def table_load(capacity: int | None = 10, **fields: Any) -> TableLoad:
    """A table of ten places, three of them taken."""
    return TableLoad(
        **{
            "instance_id": "i-a",
            "capacity": capacity,
            "capacity_at_peak": capacity,
            "capacities": (CapacityStep(from_ns=None, capacity=capacity),),
            "count": 2,
            "peak": 3,
            "peak_time_ns": 2 * SECOND_NS,
            "headroom": 7,
            "time_to_full_ns": None,
            "inserted": 4,
            "conntrack_allowance_available": 8,
            "conntrack_allowance_exceeded": 0,
            "peak_by_rule": {"sg-web:ingress:tcp:443:0.0.0.0/0": 3},
            "peak_by_peer": {"203.0.113.0/24": 3},
            "peak_by_state": {"tcp established": 2, "tcp syn_sent": 1},
            "bin_ns": 1_000_000,
            "bins": (),
            **fields,
        }
    )
