"""One file with flow logs, whatever its form: text, gzip, Parquet, or JSON of CloudWatch Logs.

Law: every line gives a row, in the order of the file; a line that cannot be read has the time of the one before it.
"""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import numpy as np
from attrs import define, field

from sgsim.errors import SourceError
from sgsim.model.decision import Reason
from sgsim.model.line_columns import LineColumns
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.flow_log_format import FlowLogFormat, is_header
from sgsim.sources.flow_log_problems import FlowLogProblems
from sgsim.sources.flow_log_text import TextLines
from sgsim.sources.pcap import naming, opened

PARQUET_MAGIC: Final = b"PAR1"
_SLOT: Final = re.compile(r"_vpcflowlogs_[a-z0-9-]+_fl-[0-9a-z]+_(\d{8}T\d{4})Z_[0-9a-z]+\.(log|log\.gz|parquet)$")
_SLOT_SLACK_S: Final = 900
"""A file holds records that end in its five minutes; a record may have begun 10 minutes before that (`[aws-fl-s3]`)."""


class Lines(Protocol):
    """A reader of one file's lines."""

    names: list[str]
    format: FlowLogFormat | None

    def batches(self, batch_rows: int) -> Iterator[LineColumns]:
        """Yield the lines in batches."""
        ...


@define
class FlowLogFile:
    """A file that holds a flow log."""

    file: str | os.PathLike[str] | BinaryIO
    name: str
    given: FlowLogFormat | None
    """What the user says of the format."""
    problems: FlowLogProblems
    native: bool = False
    """Whether compiled code reads the lines of text."""
    names: list[str] = field(factory=list)
    """Interface ids by their number; grows while lines are read."""

    @property
    def begins_after_ns(self) -> int | None:
        """A time that no record of the file begins before, if its name tells; None if it does not."""
        found = _SLOT.search(self.name)
        if found is None:
            return None
        slot = datetime.strptime(found[1], "%Y%m%dT%H%M").replace(tzinfo=UTC)
        return (int(slot.timestamp()) - _SLOT_SLACK_S) * 1_000_000_000

    def batches(self, batch_rows: int) -> Iterator[LineColumns]:
        """Yield the lines in batches.

        Raises:
            SourceError: If the file is no flow log, breaks off, or has not one line that can be read.
        """
        with naming(self.name), opened(self.file) as stream:
            lines = self._lines(ByteReader(stream))
            clock = _Clock()
            for batch in lines.batches(batch_rows):
                yield from clock.told(batch)
            clock.check(self.problems, self.name)

    def _lines(self, reader: ByteReader) -> Lines:
        reader = reader.unzipped()
        begin = reader.peek(4)
        if begin == PARQUET_MAGIC:
            from sgsim.sources.flow_log_parquet import ParquetLines  # noqa: PLC0415  # polars is loaded only for this

            return ParquetLines(reader, self.file, self.names, self.name, self.problems)
        if begin[:1] in {b"{", b"["}:
            from sgsim.sources.flow_log_json import JsonLines  # noqa: PLC0415  # only who has such files

            return JsonLines(reader, self.given, self.names, self.name, self.problems)
        if self.native:
            from sgsim.sources.flow_log_native import NativeTextLines  # noqa: PLC0415  # numba costs 0.3 s

            return NativeTextLines(reader, self.given, self.names, self.name, self.problems)
        return TextLines(reader, self.given, self.names, self.name, self.problems)


@define
class _Clock:
    """Gives malformed lines the time of the line before; those at the beginning that of the first good one."""

    _last_ns: int | None = None
    _waiting: list[LineColumns] = field(factory=list)

    def told(self, batch: LineColumns) -> Iterator[LineColumns]:
        is_odd = batch.skip == Reason.MALFORMED
        if not is_odd.any():
            if len(batch.line):
                yield from self._released(int(batch.start_ns[0]))
                self._last_ns = int(batch.start_ns[-1])
            yield batch
            return
        good = np.flatnonzero(~is_odd)
        if not len(good) and self._last_ns is None:
            self._waiting.append(batch)
            return
        first_ns = self._last_ns if self._last_ns is not None else int(batch.start_ns[good[0]])
        yield from self._released(first_ns)
        place = np.maximum.accumulate(np.where(is_odd, -1, np.arange(len(is_odd))))
        times = np.where(place >= 0, batch.start_ns[np.maximum(place, 0)], first_ns)
        self._last_ns = int(times[-1])
        yield batch._replace(
            start_ns=np.where(is_odd, times, batch.start_ns), end_ns=np.where(is_odd, times, batch.end_ns)
        )

    def _released(self, time_ns: int) -> Iterator[LineColumns]:
        for batch in self._waiting:
            times = np.full(len(batch.line), time_ns, np.int64)
            yield batch._replace(start_ns=times, end_ns=times)
        self._waiting = []

    def check(self, problems: FlowLogProblems, name: str) -> None:
        """Refuse a file of which not one line could be read."""
        if not self._waiting:
            return
        first = next(problem for problem in problems.listed if problem.file == name)
        error = SourceError(f"flow log must have a line that can be read, got none: {first.text}")
        error.add_note(f"line {first.line}")
        raise error


def is_flow_log(reader: ByteReader, given: FlowLogFormat | None) -> bool:
    """Whether a file's first bytes are those of a flow log; an unzipped reader, which they stay in.

    A text counts if its first line is a header or has as many fields as the format, in digits where numbers must be.
    """
    begin = reader.peek(4)
    if begin == PARQUET_MAGIC or begin[:1] in {b"{", b"["}:
        return True
    line, wanted = b"", 256
    while not line and wanted <= 1 << 16:
        begin = reader.peek(wanted)
        line = next((each for each in begin.split(b"\n") if each.strip()), b"")
        if begin.find(b"\n", begin.find(line)) < 0 and len(begin) == wanted:
            line = b""
        wanted *= 4
    if b"\0" in line or not line:
        return False
    text = line.decode("utf-8", "replace")
    words = text.split()
    return is_header(text) or (given is not None and len(words) > 1) or _is_default_record(words)


def _is_default_record(words: list[str]) -> bool:
    """Whether a line may be a record: numbers, addresses and `-`, in fields enough."""
    numbers = sum(word.isdigit() or word == "-" for word in words)
    return (
        len(words) >= 6
        and numbers >= len(words) // 3
        and any(word in {"ACCEPT", "REJECT", "NODATA", "SKIPDATA", "OK"} for word in words)
    )


def files_below(folder: Path) -> list[Path]:
    """All files of a folder tree, in the order of their names, which in S3 is that of time; hidden ones are left out.

    Raises:
        SourceError: If a folder cannot be read: what is in it would be lost.
    """
    found: list[Path] = []
    for path, folders, names in os.walk(folder, onerror=_refuse_folder):
        folders[:] = (name for name in folders if not name.startswith((".", "_")))
        found += (Path(path, name) for name in names if not name.startswith((".", "_")))
    return sorted(path for path in found if path.is_file())


def _refuse_folder(error: OSError) -> None:
    raise SourceError(f"folder must be readable, got {error.filename!r}: {error.strerror}") from error
