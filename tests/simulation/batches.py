"""Batches of packets and decisions, written as people say them."""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import define, field
from builders import packet

from sgsim.model.columns import (
    DECISION_DTYPES,
    PACKET_DTYPES,
    DecisionColumns,
    PacketColumns,
    address_words,
    decision_columns,
    packet_columns,
)
from sgsim.model.decision import VERDICT_OF_REASON, Reason
from sgsim.model.states import Direction

SECOND_NS = 1_000_000_000


def packets(*texts: str, **columns: Sequence[int] | int) -> PacketColumns:
    """Packets in the command line's notation, one each second from 1 s on; `-` is a frame that is no IP packet."""
    rows = []
    for place, text in enumerate(texts):
        values = dict.fromkeys(PACKET_DTYPES, 0) | {"taken_at": -1, "quote": -1, "length_bytes": 100}
        values |= {"time_ns": (place + 1) * SECOND_NS, "number": place + 1}
        values |= {"skip": Reason.NOT_IP} if text == "-" else _fields(text)
        values |= {name: value if isinstance(value, int) else value[place] for name, value in columns.items()}
        rows.append(tuple(values.values()))
    return packet_columns(rows)


def _fields(text: str) -> dict[str, Any]:
    given = packet(text)
    key = given.five_tuple
    src, dst = address_words(key.src_addr), address_words(key.dst_addr)
    return {
        "src_hi": src[0], "src_lo": src[1], "dst_hi": dst[0], "dst_lo": dst[1], "family": key.family,
        "protocol": key.protocol, "src_port": key.src_port, "dst_port": key.dst_port, "tcp_flags": given.tcp_flags,
        "icmp_type": given.icmp_type or 0, "icmp_code": given.icmp_code or 0,
    }  # fmt: skip


def decisions(*reasons: Reason, **columns: Sequence[int] | int) -> DecisionColumns:
    """One decision for each packet, inbound at the first interface, unless columns say otherwise."""
    rows = []
    for place, reason in enumerate(reasons):
        values: dict[str, Any] = dict.fromkeys(DECISION_DTYPES, 0) | {"row": place, "rule": -1, "reason": reason}
        values |= {"verdict": VERDICT_OF_REASON.get(reason, 1), "direction": Direction.INGRESS}
        values |= {name: value if isinstance(value, int) else value[place] for name, value in columns.items()}
        rows.append(tuple(values.values()))
    return decision_columns(rows)


@define
class ListSource:
    """A source of batches that may break off after the last."""

    given: Sequence[PacketColumns]
    files: tuple[str, ...] = ("list",)
    breaks_with: Exception | None = field(default=None)

    def batches(self, taken_at: Sequence[int] = (-1,), batch_rows: int = 0) -> Iterator[PacketColumns]:
        """Give the batches."""
        del taken_at, batch_rows
        yield from self.given
        if self.breaks_with is not None:
            raise self.breaks_with
