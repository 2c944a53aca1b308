"""Tables that are written while the replay runs, batch by batch.

A file is written under a temporary name beside its own and renamed when it is complete, so that a run that fails leaves
no half of it. `-` is standard output, as JSON lines.
"""

import errno
import io
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

import polars as pl
from attrs import define, field
from polars.io.plugins import register_io_source

from sgsim.errors import ConfigError

STDOUT: Final = "-"


class Sink(Protocol):
    """Takes tables of one schema, one after the other."""

    def write(self, frame: pl.DataFrame) -> None:
        """Append a table."""

    def close(self, *, complete: bool) -> None:
        """End; a file that is not complete is removed."""


def open_sink(target: str | Path, schema: pl.Schema, stdout: IO[bytes] | None = None) -> Sink:
    """Open a table by the ending of its name: `.jsonl`, `.csv` or `.parquet`; `-` for standard output.

    Raises:
        ConfigError: If the ending is another, or the file cannot be made.
    """
    if str(target) == STDOUT and stdout is not None:
        return JsonLines(stdout)
    path = Path(target)
    if path.suffix not in {".jsonl", ".csv", ".parquet"}:
        raise ConfigError(f"table must end in .jsonl, .csv or .parquet, or be '-', got {str(target)!r}")
    partial = path.with_name(f".{path.name}.partial")
    with _naming(path):
        stream = partial.open("wb")
    if path.suffix == ".parquet":
        stream.close()
        return _Renamed(Parquet(partial, schema), partial, path)
    writer = JsonLines(stream) if path.suffix == ".jsonl" else Csv(stream, schema)
    return _Renamed(writer, partial, path, stream)


@define
class _Renamed:
    """A sink whose file gets its name when it is complete."""

    sink: Sink
    partial: Path
    path: Path
    stream: IO[bytes] | None = None

    def write(self, frame: pl.DataFrame) -> None:
        with _naming(self.path):
            self.sink.write(frame)

    def close(self, *, complete: bool) -> None:
        try:
            with _naming(self.path):
                self._close(complete=complete)
        finally:
            self.partial.unlink(missing_ok=True)

    def _close(self, *, complete: bool) -> None:
        try:
            self.sink.close(complete=complete)
        finally:
            if self.stream is not None:
                self.stream.close()
        if complete:
            self.partial.replace(self.path)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say which file could not be written, and why."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"table must be a file that can be written, got {str(path)!r}: {error.strerror}") from error


def _write_all(stream: IO[bytes], data: memoryview) -> None:
    """Write everything; standard output without a buffer (`python -u`) may take a part at a time."""
    while data:
        data = data[stream.write(data) :]


@define
class JsonLines:
    """One JSON object in each line; every key in every line."""

    stream: IO[bytes]

    def write(self, frame: pl.DataFrame) -> None:
        """Append a table."""
        # polars would write past Python's stream to its file, and say in its own way that a pipe was closed.
        text = io.BytesIO()
        frame.write_ndjson(text)
        _write_all(self.stream, text.getbuffer())

    def close(self, *, complete: bool) -> None:  # noqa: ARG002  # a Sink's signature
        """End."""
        self.stream.flush()


@define
class Csv:
    """A header and one line for each row; null is empty."""

    stream: IO[bytes]
    schema: pl.Schema

    def __attrs_post_init__(self) -> None:
        """Write the header, also where no row follows."""
        self.stream.write(",".join(self.schema).encode() + b"\n")

    def write(self, frame: pl.DataFrame) -> None:
        """Append a table."""
        text = io.BytesIO()
        frame.write_csv(text, include_header=False)
        _write_all(self.stream, text.getbuffer())

    def close(self, *, complete: bool) -> None:  # noqa: ARG002  # a Sink's signature
        """End."""
        self.stream.flush()


_Parcel = pl.DataFrame | None
"""A table for the writing thread; None says that there is no more."""


@define
class Parquet:
    """A Parquet file, written by polars' streaming engine in a thread of its own; memory stays flat."""

    path: Path
    schema: pl.Schema
    _parcels: "queue.Queue[_Parcel]" = field(factory=lambda: queue.Queue(maxsize=4))
    _errors: list[Exception] = field(factory=list)
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=f"write {self.path.name}", daemon=True)
        self._thread.start()

    def write(self, frame: pl.DataFrame) -> None:
        """Append a table."""
        self._parcels.put(frame)

    def close(self, *, complete: bool) -> None:
        """End, and raise what went wrong in the thread."""
        self._parcels.put(None)
        self._thread.join()
        if self._errors and complete:
            raise OSError(errno.EIO, str(self._errors[0]))

    def _run(self) -> None:
        try:
            register_io_source(self._frames, schema=self.schema).sink_parquet(self.path)
        except Exception as error:  # noqa: BLE001  # it is raised again by `close`, in the caller's thread
            self._errors.append(error)
            while self._parcels.get() is not None:
                pass

    def _frames(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        """What polars asks for; a sink asks for everything."""
        del with_columns, predicate, n_rows, batch_size
        while (frame := self._parcels.get()) is not None:
            yield frame
