"""Lines of flow logs read by compiled code: the same rows as `TextLines` gives, some fifty times as fast.

Compiled code reads what is usual (`sgsim.kernels.flow_log`). It comes back at a line that holds anything else, such as an
interface that it does not know yet, and the readable reader does that one line.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from sgsim.errors import SourceError
from sgsim.kernels import flow_log_layout as layout
from sgsim.model.line_columns import LINE_DTYPES, NO_FLAGS, LineColumns
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.byte_window import ByteWindow
from sgsim.sources.flow_log_format import FlowLogFormat
from sgsim.sources.flow_log_lines import LineError, LineReader, Row, malformed_row
from sgsim.sources.flow_log_problems import FlowLogProblems
from sgsim.sources.flow_log_text import MOST_LINE_BYTES, check_repeated_header, read_beginning

_NEWLINE = 10
_USUAL_LINE_BYTES = 1024
"""The last whole line most often ends within so many bytes of what was read."""
_ABSENT = {"flags": NO_FLAGS, "packets": 1, "interface": -1}
"""What columns hold where the format has not their field; all others 0."""


@define
class NativeTextLines:
    """The lines of one text, as `TextLines` reads them."""

    reader: ByteReader
    """At the beginning of the file, unzipped."""
    given: FlowLogFormat | None
    """What the user says of the format."""
    names: list[str]
    """Interface ids by their number; new ones are added."""
    file: str
    problems: FlowLogProblems
    format: FlowLogFormat | None = None
    """Known once reading has begun."""

    def batches(self, batch_rows: int) -> Iterator[LineColumns]:
        """Yield the lines in batches.

        Raises:
            SourceError: If the text is no flow log, or breaks off; what came before is yielded first.
        """
        self.format = read_beginning(self.reader, self.given).format
        reading = _Reading(ByteWindow(self.reader), LineReader(self.format, self.names), self.file, self.problems)
        yield from reading.batches(min(batch_rows, layout.CAPACITY))


@define
class _Reading:
    """One pass over a text: compiled and readable code take turns."""

    window: ByteWindow
    lines: LineReader
    file: str
    problems: FlowLogProblems
    _state: NDArray[np.int64] = field(factory=lambda: np.zeros(layout.STATE_WORDS, np.int64), init=False)
    _kinds: NDArray[np.int64] = field(init=False)
    _names: NDArray[np.int64] = field(factory=lambda: np.zeros(64 * layout.NAME_WORDS, np.int64), init=False)
    _named: int = field(default=0, init=False)
    """How many names the table has."""
    _is_ended: bool = field(default=False, init=False)

    @_kinds.default
    def _default_kinds(self) -> NDArray[np.int64]:
        return np.array([layout.KINDS.get(name, layout.IGNORED) for name in self.lines.format.names], np.int64)

    def batches(self, most: int) -> Iterator[LineColumns]:
        self._state[layout.NUMBER] = 1
        broken = None
        has_more = True
        while has_more:
            columns, address = _fresh_columns(self.lines.format)
            self._state[layout.ROW], self._state[layout.MOST_ROWS] = 0, most
            try:
                has_more = self._fill(columns, address)
            except SourceError as error:
                broken, has_more = error, False
            count = int(self._state[layout.ROW])
            if count:
                yield LineColumns(*(column[:count] for column in columns))
        if broken is not None:
            raise broken

    def _fill(self, columns: LineColumns, address: int) -> bool:
        """Fill a batch; False at the end of the input."""
        from sgsim.kernels.entry_points import read_lines  # noqa: PLC0415 - the code is for those who read flow logs

        state, window = self._state, self.window
        limit = self._whole_lines()
        while True:
            self._add_names()
            base = window.address
            state[layout.POSITION], state[layout.LIMIT] = base + window.begin, base + limit
            mask = len(self._names) // layout.NAME_WORDS - 1
            status = read_lines(
                state.ctypes.data, address, self._kinds.ctypes.data, len(self._kinds), self._names.ctypes.data, mask
            )
            window.begin = int(state[layout.POSITION]) - base
            if status == layout.IS_FULL:
                return True
            if status == layout.MEETS_ODD_LINE:
                self._read_odd_line(columns)
            elif not self._read_on():
                return False
            else:
                limit = self._whole_lines()

    def _whole_lines(self) -> int:
        """Where the last whole line in the window ends."""
        window = self.window
        for tail in (_USUAL_LINE_BYTES, MOST_LINE_BYTES):
            first = max(window.begin, window.end - tail)
            found = np.flatnonzero(window.data[first : window.end] == _NEWLINE)
            if len(found):
                return first + int(found[-1]) + 1
        if window.end - window.begin > MOST_LINE_BYTES:
            begin = window.data[window.begin : window.begin + 40].tobytes()
            raise SourceError(f"line must end within {MOST_LINE_BYTES} bytes, got {begin!r}...")
        return window.begin

    def _read_on(self) -> bool:
        """Have more of the input in the window; its last line is ended if it is not. False at the end."""
        window = self.window
        if window.refill():
            return True
        window.raise_if_broken()
        if self._is_ended or window.begin == window.end:
            return False
        self._is_ended = True
        window.data[window.end] = _NEWLINE  # there is room behind the end
        window.end += 1
        return True

    def _read_odd_line(self, columns: LineColumns) -> None:
        """Have the readable reader take one line, and fill its row."""
        window, state = self.window, self._state
        piece = window.data[window.begin : min(window.begin + MOST_LINE_BYTES + 1, window.end)]
        length = int(np.argmax(piece == _NEWLINE))
        line = piece[:length].tobytes()
        number = int(state[layout.NUMBER])
        window.begin += length + 1
        state[layout.NUMBER] += 1
        row = self._row_of(line, number)
        if row is None:
            return
        at = int(state[layout.ROW])
        for column, value in zip(columns, row, strict=True):
            column[at] = value
        state[layout.ROW] += 1

    def _row_of(self, line: bytes, number: int) -> Row | None:
        try:
            return self.lines.read(line, number)
        except LineError as error:
            try:
                if check_repeated_header(line, self.lines.format):
                    return None
            except SourceError as wrong:
                wrong.add_note(f"line {number}")
                raise
            self.problems.note(self.file, number, str(error))
            return malformed_row(number)

    def _add_names(self) -> None:
        """Tell compiled code the names that the readable reader has met."""
        names = self.lines.names
        if self._named == len(names):
            return
        places = len(self._names) // layout.NAME_WORDS
        if len(names) * 3 > places:
            while len(names) * 3 > places:
                places *= 2
            self._names = np.zeros(places * layout.NAME_WORDS, np.int64)
            self._named = 0
        _put_names(self._names, names[self._named :], self._named)
        self._named = len(names)


def _put_names(table: NDArray[np.int64], names: Sequence[str], first: int) -> None:
    from sgsim.kernels.entry_points import put_name  # noqa: PLC0415 - as above

    mask = len(table) // layout.NAME_WORDS - 1
    for number, name in enumerate(names, first):
        raw = name.encode()
        if len(raw) <= layout.MOST_NAME_BYTES:
            words = np.frombuffer(raw.ljust(layout.MOST_NAME_BYTES, b"\0"), np.int64).tolist()
            put_name(table.ctypes.data, mask, words[0], words[1], words[2], number)


def _fresh_columns(made: FlowLogFormat) -> tuple[LineColumns, int]:
    """Columns for a batch, and their address; those that the format has no field for hold what stands for none."""
    memory = np.empty(layout.LINE_PLACES["end"], np.uint8)
    columns = LineColumns(
        *(
            memory[layout.LINE_PLACES[name] :][: layout.CAPACITY * int(dtype[1])].view(dtype)
            for name, dtype in LINE_DTYPES.items()
        )
    )
    for name, fields in _FIELDS_OF.items():
        if not any(each in made.names for each in fields):
            getattr(columns, name)[:] = _ABSENT.get(name, 0)
    return columns, memory.ctypes.data


_FIELDS_OF = {
    "src_hi": ("srcaddr",), "src_lo": ("srcaddr",), "dst_hi": ("dstaddr",), "dst_lo": ("dstaddr",),
    "pkt_src_hi": ("pkt-srcaddr",), "pkt_src_lo": ("pkt-srcaddr",), "pkt_dst_hi": ("pkt-dstaddr",),
    "pkt_dst_lo": ("pkt-dstaddr",), "src_port": ("srcport",), "dst_port": ("dstport",), "flags": ("tcp-flags",),
    "direction": ("flow-direction",), "packets": ("packets",), "bytes": ("bytes",), "action": ("action",),
    "refused_by": ("reject-reason",),
}  # fmt: skip
"""Which fields of a format the kernel fills each column from; all other columns it fills always."""
