"""Captures decoded by compiled code: the same rows as `PcapSource` gives, some hundred times as fast.

Compiled code follows the records and reads the frames (`sgsim.kernels.decode`). It comes back where it knows no more, and
the readable decoder does that one step: a block that is no packet, a record that breaks the format, a frame that scapy
must look into. So whatever is rare, and every word of an error, exists once.
"""

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

import numpy as np
from attrs import define, field, frozen

from sgsim.errors import SourceError
from sgsim.kernels import decode_layout as layout
from sgsim.model.columns import PACKET_DTYPES, PacketColumns, QuotedColumns
from sgsim.sources.base import MAX_LENGTH_BYTES, NOT_BOUND
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.byte_window import ByteWindow
from sgsim.sources.frames import decode_frame
from sgsim.sources.merge import concatenated
from sgsim.sources.native_facts import decoding_facts
from sgsim.sources.native_records import Numbers, PcapngRecords, PcapRecords
from sgsim.sources.packet_rows import PacketRows, RowPool
from sgsim.sources.pcap import naming, opened, recognised, refuse_unknown
from sgsim.sources.pcap_file import take_header

NATIVE_BATCH_ROWS: Final = 32_768
"""How many packets a batch has: so many that the cost of a batch vanishes, so few that its columns are still in the
processor's caches when the engine reads them."""
_MOST_ROWS: Final = layout.CAPACITY
"""Larger batches are put together from several sets of columns, which costs a copy."""

_DECODED_NAMES: Final = (
    *tuple(PACKET_DTYPES)[3:14],  # src_hi to icmp_code
    "direction", "skip", "vlan", "fragment_id", "fragment_offset", "more_fragments",
)  # fmt: skip
"""The columns that `decode_frame` fills, in its order."""


@frozen
class NativePcapSource:
    """The packets of one capture, as `PcapSource` gives them. A path can be read again and again, a stream once."""

    file: str | os.PathLike[str] | BinaryIO
    name: str = field(kw_only=True)
    """What messages call it: the path as the user gave it, or the stream's own name."""

    @name.default
    def _default_name(self) -> str:
        if isinstance(self.file, str | os.PathLike):
            return os.fspath(self.file)
        return str(getattr(self.file, "name", "stream"))

    @property
    def files(self) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)

    def batches(self, taken_at: Sequence[int] = (), *, batch_rows: int = NATIVE_BATCH_ROWS) -> Iterator[PacketColumns]:
        """Yield the packets, as `Source.batches` says; nobody may write into a batch.

        Raises:
            SourceError: If it is not a capture, breaks off, or has packets of unknown link types alone.
        """
        bound_to = taken_at[0] if taken_at else NOT_BOUND
        with naming(self.name), opened(self.file) as stream:
            reader, is_pcapng = recognised(ByteReader(stream))
            records = PcapngRecords() if is_pcapng else PcapRecords(take_header(reader))
            yield from _Decoding(ByteWindow(reader), records).batches(bound_to, batch_rows)


@define
class _Decoding:
    """One pass over a capture: compiled and readable code take turns."""

    _window: ByteWindow
    _records: PcapRecords | PcapngRecords
    _state: Numbers = field(factory=lambda: np.zeros(layout.STATE_WORDS, np.int64), init=False)
    _fields: Numbers = field(factory=lambda: np.zeros(layout.FIELD_WORDS, np.int64), init=False)

    def batches(self, bound_to: int, batch_rows: int) -> Iterator[PacketColumns]:
        self._state[layout.NUMBER] = 1
        self._records.begin(self._state)
        most = min(batch_rows, _MOST_ROWS)
        pool = RowPool(bound_to, most)
        parts: list[PacketColumns] = []
        missing = batch_rows
        broken = None
        has_more = True
        while has_more:
            rows = pool.take()
            try:
                has_more = self._fill(rows, min(missing, most))
            except SourceError as error:
                broken, has_more = error, False
            rows.odd_rows = int(self._state[layout.ODD_ROWS])
            if self._state[layout.DECODED]:
                parts.append(rows.batch(int(self._state[layout.DECODED]), int(self._state[layout.QUOTES])))
            missing -= int(self._state[layout.DECODED])
            if parts and (missing == 0 or not has_more):
                yield _joined(parts)
                missing = batch_rows
        if broken is not None:
            raise broken
        refuse_unknown(self._records.link_types(self._state))

    def _fill(self, rows: PacketRows, wanted: int) -> bool:
        """Fill the first rows; False at the end of the input."""
        from sgsim.kernels.entry_points import clear_rows, decode_batch  # noqa: PLC0415 - replaced by tests; llvmlite

        state, window, records, facts = self._state, self._window, self._records, decoding_facts()
        # Compiled code gets addresses, of arrays that are held here.
        state_at, facts_at, fields_at = state.ctypes.data, facts.ctypes.data, self._fields.ctypes.data
        state[layout.ROWS] = wanted
        state[layout.ODD_ROWS] = rows.odd_rows
        clear_rows(state_at, rows.address)
        state[layout.FOUND] = state[layout.DECODED] = state[layout.QUOTES] = 0
        while True:
            state[layout.POSITION], state[layout.END] = window.begin, window.end
            interfaces = records.interfaces.ctypes.data
            status = decode_batch(window.address, state_at, rows.address, interfaces, facts_at, fields_at)
            window.begin = int(state[layout.POSITION])
            if status == layout.IS_FULL:
                return True
            if status == layout.MEETS_ODD_FRAME:
                self._read_odd_frame(rows)
            elif status == layout.MEETS_ODD_RECORD or not window.refill():
                if status == layout.NEEDS_BYTES and window.is_at_end:
                    return False
                self._read_odd_record(rows)

    def _read_odd_frame(self, rows: PacketRows) -> None:
        """Have the readable decoder read a frame that was found."""
        columns = rows.columns
        row = int(self._state[layout.DECODED])
        at, captured, link, way, wire_bytes = (
            int(columns[name][row])
            for name in ("frame.at", "frame.captured", "frame.link", "frame.way", "length_bytes")
        )
        frame = self._window.data[at : at + captured].tobytes()
        self._put(rows, self._records.link_type(link), frame, wire_bytes, way)

    def _read_odd_record(self, rows: PacketRows) -> None:
        """Have the readable reader take what is no packet, or tell what is wrong; a packet of it is read, too."""
        record = self._records.take(self._window, self._state)
        if record is None:
            return
        number, time_ns, link_type, frame, wire_bytes, way = record
        row = int(self._state[layout.FOUND])
        rows.columns["time_ns"][row] = time_ns
        rows.columns["number"][row] = number
        rows.columns["length_bytes"][row] = min(wire_bytes, MAX_LENGTH_BYTES)
        rows.columns["odd_row"][self._state[layout.ODD_ROWS]] = row
        self._state[layout.ODD_ROWS] += 1
        self._state[layout.FOUND] += 1
        self._state[layout.NUMBER] += 1
        self._state[layout.LAST_TIME_NS] = time_ns
        self._put(rows, link_type, frame, wire_bytes, way)

    def _put(self, rows: PacketRows, link_type: int, frame: bytes, wire_bytes: int, way: int) -> None:
        """Fill the next row; it is noted as odd already."""
        columns, state = rows.columns, self._state
        row = int(state[layout.DECODED])
        fields, direction, skip, vlan, fragment, quote = decode_frame(link_type, frame, wire_bytes)
        values = (*fields, way if way and not skip else direction, skip, vlan, *fragment)
        for name, value in zip(_DECODED_NAMES, values, strict=True):
            columns[name][row] = value
        if quote is not None:
            columns["quote"][row] = state[layout.QUOTES]
            for name, value in zip(QuotedColumns._fields, quote, strict=True):
                columns[f"quoted.{name}"][state[layout.QUOTES]] = value
            state[layout.QUOTES] += 1
        state[layout.DECODED] += 1


def _joined(parts: list[PacketColumns]) -> PacketColumns:
    """Take all parts out of the list, as one; nothing here refers to them afterwards."""
    whole = parts[0] if len(parts) == 1 else concatenated(parts)
    parts.clear()
    return whole
