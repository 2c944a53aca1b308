"""What every source of packets promises.

A source yields batches in input order and holds one batch in memory, however long the input. If the input breaks off,
the source first yields every packet before the break and then raises `SourceError` from the iterator, so that

    try:
        for batch in source.batches():
            judge(batch)
    except SourceError as error:
        broken = error

has judged all that could be read and knows what could not. An error before the first batch means that nothing could.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from sgsim.errors import SourceError
from sgsim.model.columns import PacketColumns, packet_columns
from sgsim.sources.frames import decode_frame

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from sgsim.sources.flow_log import FlowLogSource

BATCH_ROWS: Final = 65_536
"""How many packets a batch has, but for the last; large enough that the cost of a batch vanishes beside its packets."""

NOT_BOUND: Final = -1
"""In `taken_at`: the file is bound to no interface."""

MAX_LENGTH_BYTES: Final = (1 << 31) - 1
"""The largest length that a row can hold; larger ones occur only in captures that are wrong about it."""

Record = tuple[int, int, int, bytes, int, int]
"""One packet: its number, time in ns, link type, captured bytes, length on the wire, `Direction` or 0."""


class Source(Protocol):
    """Packets in input order."""

    @property
    def files(self) -> tuple[str, ...]:
        """The input files by name, for messages; the column `file` counts them from 0."""
        ...

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the packets, each exactly once.

        Args:
            taken_at: For each of `files` the index of the interface that it is bound to, `NOT_BOUND` if none; empty
                if no file is bound.
            batch_rows: How many packets a batch has, but for the last.

        Raises:
            SourceError: After the last packet before it, if the input breaks off.
        """
        ...


def is_recorded(sources: Iterable[object]) -> bool:
    """Whether any of some traffic was recorded; a source that nobody recorded says so by `is_recorded = False`."""
    return any(getattr(source, "is_recorded", True) for source in sources)


def has_records(source: object) -> "TypeIs[FlowLogSource]":
    """Whether a source gives records of flow logs; a capture is asked without loading what reads them."""
    return hasattr(source, "event_batches")


def batches_of(records: Iterable[Record], taken_at: Sequence[int], batch_rows: int) -> Iterator[PacketColumns]:
    """Decode the records of one file, in batches.

    Raises:
        SourceError: If `records` raises it; what was read before is yielded first.
    """
    bound_to = taken_at[0] if taken_at else NOT_BOUND
    rows: list[tuple[int, ...]] = []
    quotes: list[tuple[int, ...]] = []
    broken = None
    try:
        for number, time_ns, link_type, frame, wire_bytes, way in records:
            if len(rows) >= batch_rows:
                yield packet_columns(rows, quotes)
                rows, quotes = [], []
            fields, direction, skip, vlan, fragment, quote = decode_frame(link_type, frame, wire_bytes)
            quote_row = -1
            if quote is not None:
                quote_row = len(quotes)
                quotes.append(quote)
            if not skip and way:
                direction = way  # what the capture says of this packet, before what its link header says
            length = min(wire_bytes, MAX_LENGTH_BYTES)
            rows.append(
                (time_ns, number, 0, *fields, length, direction, bound_to, skip, vlan, *fragment, quote_row),
            )
    except SourceError as error:
        broken = error
    if rows:
        yield packet_columns(rows, quotes)
    if broken is not None:
        raise broken
