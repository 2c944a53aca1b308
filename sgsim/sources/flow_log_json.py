"""Flow logs as CloudWatch Logs gives them in JSON: a line of the log in the message of each event.

Three forms: the envelope of a subscription (`logEvents`; Firehose writes many one after the other), what `aws logs
filter-log-events` and `get-log-events` print (`events`), and what `aws logs get-query-results` prints (`results`, with the
field `@message`). The document is held in memory while it is read.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from attrs import define

from sgsim.errors import SourceError
from sgsim.model.line_columns import LineColumns, line_columns
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.flow_log_format import FlowLogFormat
from sgsim.sources.flow_log_lines import LineError, LineReader, Row, malformed_row
from sgsim.sources.flow_log_problems import FlowLogProblems
from sgsim.sources.flow_log_text import told_by

_CHUNK_BYTES: Final = 1 << 20
_MESSAGE: Final = "@message"


@define
class JsonLines:
    """The messages of one file; their numbers count events from 1."""

    reader: ByteReader
    given: FlowLogFormat | None
    names: list[str]
    file: str
    problems: FlowLogProblems
    format: FlowLogFormat | None = None

    def batches(self, batch_rows: int) -> Iterator[LineColumns]:
        """Yield the lines in batches.

        Raises:
            SourceError: If the file is no JSON, or none with log events.
        """
        rows: list[Row] = []
        lines: LineReader | None = None
        for number, message in enumerate(_messages(self.reader), 1):
            if lines is None:
                self.format = told_by(message, self.given, number).format
                lines = LineReader(self.format, self.names)
            if len(rows) >= batch_rows:
                yield line_columns(rows)
                rows = []
            try:
                rows.append(lines.read(message, number))
            except LineError as error:
                self.problems.note(self.file, number, str(error))
                rows.append(malformed_row(number))
        if rows:
            yield line_columns(rows)


def _messages(reader: ByteReader) -> Iterator[bytes]:
    pieces = []
    while piece := reader.take(_CHUNK_BYTES):
        pieces.append(piece)
    try:
        text = b"".join(pieces).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"JSON must be UTF-8 text, got byte {error.object[error.start]:#04x}") from error
    decoder = json.JSONDecoder()
    position, found = 0, False
    while position < len(text):
        try:
            document, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            problem = SourceError(f"flow log must be whole JSON, got an error in it: {error.msg}")
            problem.add_note(f"line {error.lineno}")
            raise problem from error
        while position < len(text) and text[position].isspace():
            position += 1
        for message in _messages_of(document):
            found = True
            yield message.encode()
    if not found:
        raise SourceError("JSON must have log events of CloudWatch Logs (logEvents, events or results), got none")


def _messages_of(document: Any) -> Iterator[str]:  # noqa: ANN401  # whatever the file holds
    """The messages of one document."""
    if isinstance(document, list):
        for each in document:
            yield from _messages_of(each)
    if not isinstance(document, dict):
        return
    for name in ("logEvents", "events"):
        events = document.get(name)
        if isinstance(events, list):
            yield from (event["message"] for event in events if _is_text(event, "message"))
    if _is_text(document, "message"):  # the events alone, one after the other
        yield document["message"]
    results = document.get("results")
    for fields in results if isinstance(results, list) else ():
        yield from (each["value"] for each in fields if each.get("field") == _MESSAGE and _is_text(each, "value"))


def _is_text(value: Any, name: str) -> bool:  # noqa: ANN401  # as above
    return isinstance(value, dict) and isinstance(value.get(name), str)
