"""Flow logs as text: what is before the first record, and all lines read by plain Python.

The first line that is not empty tells the format: it is a header, as in S3, or a record, as in CloudWatch Logs. Lines of
a CloudWatch export to S3 begin with a time of their own, which is passed over.
"""

import re
from collections.abc import Iterator
from typing import Final

from attrs import define

from sgsim.errors import SourceError
from sgsim.model.line_columns import LineColumns, line_columns
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.flow_log_format import DEFAULT_FORMAT, FlowLogFormat, checked, is_header
from sgsim.sources.flow_log_lines import LineError, LineReader, Row, malformed_row
from sgsim.sources.flow_log_problems import FlowLogProblems

MOST_LINE_BYTES: Final = 65_536
"""A longer line is none of a flow log."""
_CHUNK_BYTES: Final = 1 << 20

EXPORT_TIME: Final = "@timestamp"
"""Stands in a format for the time that CloudWatch puts before each line that it exports to S3."""
_EXPORT_TIME: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@define
class FirstLines:
    """What the beginning of a text tells."""

    format: FlowLogFormat
    has_header: bool


def read_beginning(reader: ByteReader, given: FlowLogFormat | None) -> FirstLines:
    """Look at the first line that is not empty, without taking it.

    Raises:
        SourceError: If there is none, or it does not fit `given`, or tells no format.
    """
    line, number = _first_line(reader)
    if not line:
        raise SourceError("flow log must have at least one line, got an empty file")
    return told_by(line, given, number)


def told_by(line: bytes, given: FlowLogFormat | None, number: int) -> FirstLines:
    """What the first line tells.

    Raises:
        SourceError: If it does not fit `given`, or tells no format.
    """
    try:
        return _told_by(line, given)
    except SourceError as error:
        error.add_note(f"line {number}")
        raise


def _first_line(reader: ByteReader) -> tuple[bytes, int]:
    """The first line with anything on it, and its number."""
    wanted = 256
    while True:
        begin = reader.peek(wanted)
        lines = begin.split(b"\n")
        whole = lines if len(begin) < wanted else lines[:-1]
        for number, line in enumerate(whole, 1):
            if line.strip():
                return line, number
        if len(begin) < wanted:
            return b"", 0
        if wanted > MOST_LINE_BYTES:
            raise SourceError(f"line must end within {MOST_LINE_BYTES} bytes, got {begin[:40]!r}...")
        wanted *= 2


def _told_by(line: bytes, given: FlowLogFormat | None) -> FirstLines:
    text = line.decode("utf-8", "replace")
    if "\0" in text:
        raise SourceError(f"flow log must be text, gzip or Parquet, got bytes {line[:16]!r}")
    if is_header(text):
        told = checked(text.split())
        if given is not None and given != told:
            raise SourceError(f"header must be that of --log-format, '{given.header}', got '{told.header}'")
        return FirstLines(told, has_header=True)
    words = line.split()
    has_time = bool(_EXPORT_TIME.fullmatch(words[0])) and is_likely_count(len(words) - 1, given)
    made = given or DEFAULT_FORMAT
    if has_time:
        words = words[1:]
        made = FlowLogFormat((EXPORT_TIME, *made.names))
    expected = len((given or DEFAULT_FORMAT).names)
    if given is None and len(words) != expected:
        raise SourceError(
            f"flow log must begin with a header, or have the default format of {expected} fields, or be told by "
            f"--log-format, got {len(words)} fields"
        )
    return FirstLines(made, has_header=False)


def is_likely_count(count: int, given: FlowLogFormat | None) -> bool:
    """Whether a line of so many fields can be one of this format."""
    return count == len((given or DEFAULT_FORMAT).names)


def check_repeated_header(line: bytes, made: FlowLogFormat) -> bool:
    """Whether a line that is no record repeats the header, as in files that were put together.

    Raises:
        SourceError: If it is the header of another format.
    """
    text = line.decode("utf-8", "replace")
    if not is_header(text):
        return False
    if tuple(text.split()) != made.names:
        raise SourceError(f"header must be that of the first line, '{made.header}', got '{text.strip()}'")
    return True


@define
class TextLines:
    """The lines of one text, read by plain Python."""

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
        lines = LineReader(self.format, self.names)
        rows: list[Row] = []
        broken = None
        try:
            for number, line in enumerate(self._lines(), 1):
                if not line or line.isspace():
                    continue
                if len(rows) >= batch_rows:
                    yield line_columns(rows)
                    rows = []
                self._read(lines, line, number, rows)
        except SourceError as error:
            broken = error
        if rows:
            yield line_columns(rows)
        if broken is not None:
            raise broken

    def _read(self, lines: LineReader, line: bytes, number: int, rows: list[Row]) -> None:
        try:
            rows.append(lines.read(line, number))
        except LineError as error:
            self.judge_odd(lines, line, number, error, rows)

    def judge_odd(self, lines: LineReader, line: bytes, number: int, error: LineError, rows: list[Row]) -> None:
        """A line that cannot be read is a header again, or malformed."""
        try:
            if check_repeated_header(line, lines.format):
                return
        except SourceError as wrong:
            wrong.add_note(f"line {number}")
            raise
        self.problems.note(self.file, number, str(error))
        rows.append(malformed_row(number))

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        room = memoryview(bytearray(_CHUNK_BYTES))
        while count := self.reader.take_into(room):
            *lines, rest = (rest + room[:count]).split(b"\n")
            yield from lines
            if len(rest) > MOST_LINE_BYTES:
                raise SourceError(f"line must end within {MOST_LINE_BYTES} bytes, got {rest[:40]!r}...")
        if rest:
            yield rest
