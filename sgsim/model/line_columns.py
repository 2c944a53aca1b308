"""What is read from the lines of a flow log, as columns; no line is lost, and nothing is understood yet.

Axis `(lines,)`: one row for each line that is neither empty nor a header.
"""

import enum
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from sgsim.model.columns import Column

NO_FLAGS: Final = 255
"""In `flags`: the log does not tell them, or AWS could not compute them."""

NO_NAME: Final = -1
"""In `interface`: the log does not tell it."""

MOST_SECONDS: Final = 9_200_000_000
"""Seconds since the epoch that still fit into nanoseconds; a larger time counts milliseconds."""
MOST_TIME: Final = MOST_SECONDS * 1000


class RefusedBy(enum.IntEnum):
    """What refused a packet if it was neither a group nor a network ACL: `reject-reason`."""

    BPA = 1
    """VPC Block Public Access."""
    EC = 2
    """VPC Encryption Controls."""


class LineColumns(NamedTuple):
    """Lines in input order, axis `(lines,)`; of a row with `skip` only `line`, times and `interface` mean something."""

    line: Column
    """int64, place of the line in its file, from 1; of the row in a Parquet file."""
    start_ns: Column
    """int64, nanoseconds since the epoch; 0 for a malformed line, as `end_ns`."""
    end_ns: Column
    """int64."""
    src_hi: Column
    """uint64, `srcaddr`: upper half of an IPv6 address; 0 for IPv4."""
    src_lo: Column
    """uint64."""
    dst_hi: Column
    """uint64, `dstaddr`."""
    dst_lo: Column
    """uint64."""
    family: Column
    """uint8, of both; 0 if the record has no such addresses."""
    pkt_src_hi: Column
    """uint64, `pkt-srcaddr`."""
    pkt_src_lo: Column
    """uint64."""
    pkt_dst_hi: Column
    """uint64, `pkt-dstaddr`."""
    pkt_dst_lo: Column
    """uint64."""
    pkt_family: Column
    """uint8, of both; 0 if the record has no such addresses."""
    src_port: Column
    """uint16, 0 where it does not apply."""
    dst_port: Column
    """uint16."""
    protocol: Column
    """uint8."""
    flags: Column
    """uint8, `tcp-flags`, else `NO_FLAGS`."""
    direction: Column
    """uint8, `Direction` as `flow-direction` tells it, else 0."""
    packets: Column
    """int64, 1 where the log does not tell."""
    bytes: Column
    """int64, 0 where the log does not tell."""
    action: Column
    """uint8, `Verdict` that AWS logged: ALLOW for ACCEPT, DENY for REJECT, else 0."""
    refused_by: Column
    """uint8, `RefusedBy` as `reject-reason` tells it, else 0."""
    interface: Column
    """int32, index of `interface-id` in the reader's `names`, else `NO_NAME`."""
    skip: Column
    """uint8, 0 or the `Reason` why the line is no record of traffic."""


LINE_DTYPES: Final[dict[str, str]] = {
    "line": "i8", "start_ns": "i8", "end_ns": "i8",
    "src_hi": "u8", "src_lo": "u8", "dst_hi": "u8", "dst_lo": "u8", "family": "u1",
    "pkt_src_hi": "u8", "pkt_src_lo": "u8", "pkt_dst_hi": "u8", "pkt_dst_lo": "u8", "pkt_family": "u1",
    "src_port": "u2", "dst_port": "u2", "protocol": "u1", "flags": "u1", "direction": "u1",
    "packets": "i8", "bytes": "i8", "action": "u1", "refused_by": "u1", "interface": "i4", "skip": "u1",
}  # fmt: skip
"""The type of each column of `LineColumns`."""


def line_columns(rows: Sequence[tuple[Any, ...]]) -> LineColumns:
    """Build columns from rows, one tuple for each line in the order of `LINE_DTYPES`."""
    fields: Iterable[Any] = zip(*rows, strict=True) if rows else ((),) * len(LINE_DTYPES)
    return LineColumns(
        *(np.array(values, dtype=dtype) for values, dtype in zip(fields, LINE_DTYPES.values(), strict=True))
    )
