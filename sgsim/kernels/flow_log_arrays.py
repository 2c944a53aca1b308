"""What the kernels of flow logs work on beside records: groups of arrays, and where things stand in them."""

from typing import Final, NamedTuple

import numpy as np

from sgsim.kernels.arrays import Column
from sgsim.model.columns import RECORD_DTYPES, RecordColumns


class RoleColumns(NamedTuple):
    """What the senders of records are in their flows, all uint8 (records,); see `sgsim.model.record_roles`."""

    role: Column
    method: Column
    is_first: Column
    is_reopening: Column


def as_typed(records: RecordColumns) -> RecordColumns:
    """The same records with each column in one piece and of its type, as kernels take it for granted."""
    return RecordColumns._make(map(np.ascontiguousarray, records, RECORD_DTYPES.values()))


EVENT_DTYPES: Final[dict[str, str]] = {
    "time_ns": "i8", "rank": "u1", "record": "i8", "tcp_flags": "u1", "icmp_type": "u1", "is_lead": "u1",
}  # fmt: skip
"""The type of each column of `sgsim.sources.flow_log_events.Events`; of `is_lead` as kernels see it."""


class Plans(NamedTuple):
    """The events of each record, uint8 (records,)."""

    lead: Column
    """TCP flags of the first packet."""
    close: Column
    """The bits FIN and RST, if it closes a connection."""
    refreshes: Column
    """How many refreshing packets there are."""
    others: Column
    """`_HAS_FOLLOW`, `_HAS_LAST`, `_IS_TCP`."""


class RememberedOpeners(NamedTuple):
    """What goes on from batch to batch."""

    words: Column
    """int64 (2 * places,): fingerprint of a flow, 0 for none; when it was last heard of, in seconds, above `_KNOWN` bits."""
    idle_s: Column
    """int64 (2 * interfaces,): how long TCP may be silent at each that is answered, then that is not."""
    sizes: Column
    """int64 (4,), see `SET_MASK` and the next."""


class Fingerprints(NamedTuple):
    """Those of the records of a batch, (records,)."""

    keys: Column
    """uint64, 0 where the memory is not asked."""
    is_low: Column
    """uint8, whether the lower side sends."""


SET_MASK, INTERFACES, ICMP_IDLE_S, CLIENT_PORT = range(4)
"""Of `RememberedOpeners.sizes`: sets of `WAYS` places less 1; interfaces; how long ICMP may be silent, seconds; where ports of clients begin."""

STATE_WORDS: Final = 10
CLOCK, LATE, STEP_BACK, FLOWS, LEADS, LATEST, REOPENED, NEW_FLOWS, TCP, TCP_WITHOUT_FLAGS = range(STATE_WORDS)
"""Of `flow_log_leads`: the clock; how many leads came after it, and by how much at most; the highest number of a flow. Of the last
batch: its leads, the latest of their times, how many open a flow anew, how many flows are new, its
leads of TCP, and how many of these have no flags."""
EARLIEST: Final = np.iinfo(np.int64).min

RANK_BITS = 4
MOST_KEYS = 1 << 16
IS_ORDERED, IS_DONE, IS_UNFIT = range(3)
"""Of `flow_log_order`, what came of it: events are in order already; `order` has it; times are no whole seconds, or too far from each other."""

CODES: Final = 16
"""Of `flow_log_agreement`: logged verdict * 4 + simulated verdict is below this."""
REASONS: Final = 32
WEIGHT_WORDS: Final = 3
"""Of a weight: records, packets, bytes."""
