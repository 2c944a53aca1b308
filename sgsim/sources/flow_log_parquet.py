"""Flow logs as Parquet, with the columns that AWS writes: the names of fields with `_` for `-`.

Law: a row gives what the same values give as a line of text; null and `-` are no value. Whole columns are converted at
once; a row that holds anything odd is read as a line is, so that errors have the same words.

Source: `[aws-flr]`, `[aws-fl-athena]`.
"""

import os
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import BinaryIO, Final

import numpy as np
import polars as pl
from attrs import define

from sgsim.errors import SourceError
from sgsim.model.columns import Column
from sgsim.model.line_columns import LINE_DTYPES, MOST_SECONDS, MOST_TIME, NO_FLAGS, NO_NAME, LineColumns
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.flow_log_fields import FIELDS_BY_NAME, NO_VALUE
from sgsim.sources.flow_log_format import FlowLogFormat, format_of_columns
from sgsim.sources.flow_log_lines import (
    ACTIONS,
    DIRECTIONS,
    MOST_COUNT,
    REFUSALS,
    STATUSES,
    LineError,
    LineReader,
    malformed_row,
    read_address,
)
from sgsim.sources.flow_log_problems import FlowLogProblems

_TEXTS: Final = frozenset({"interface-id", "srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"})
"""Fields that are texts even if a file has numbers in their place."""

_CHUNK_BYTES: Final = 1 << 20
_NUMBERS: Final = {
    # column: field, most, what stands for none (None: a value must be there)
    "src_port": ("srcport", 65_535, 0),
    "dst_port": ("dstport", 65_535, 0),
    "protocol": ("protocol", 255, None),
    "flags": ("tcp-flags", NO_FLAGS - 1, NO_FLAGS),
    "packets": ("packets", MOST_COUNT, 1),
    "bytes": ("bytes", MOST_COUNT, 0),
}
_WORDS: Final[dict[str, tuple[str, Mapping[bytes, int], int | None]]] = {
    # column: field, numbers of words, the number of any other word (None: it is odd)
    "direction": ("flow-direction", DIRECTIONS, None),
    "action": ("action", ACTIONS, None),
    "refused_by": ("reject-reason", REFUSALS, 0),
    "skip": ("log-status", STATUSES, None),
}


@define
class ParquetLines:
    """The rows of one file; their numbers count from 1."""

    reader: ByteReader
    path: str | os.PathLike[str] | BinaryIO
    names: list[str]
    file: str
    problems: FlowLogProblems
    format: FlowLogFormat | None = None

    def batches(self, batch_rows: int) -> Iterator[LineColumns]:
        """Yield the rows in batches.

        Raises:
            SourceError: If the file is no Parquet, or has not the columns of a flow log.
        """
        try:
            rows = self._rows()
            schema = rows.collect_schema()
            self.format = format_of_columns(schema.names())
            lines = _Lines(LineReader(self.format, self.names), self.file, self.problems)
            wanted = rows.select(_plain(name, schema) for name in self.format.names)
            begin = 0
            while len(frame := wanted.slice(begin, batch_rows).collect()):
                yield lines.columns(frame, begin + 1)
                begin += len(frame)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise SourceError(
                f"Parquet file must be whole, got an error in it: {str(error).splitlines()[0]}"
            ) from error

    def _rows(self) -> pl.LazyFrame:
        """The file where it lies, or, if it comes as a stream, from memory."""
        if isinstance(self.path, str | os.PathLike) and _begins_as_parquet(self.path):
            return pl.scan_parquet(os.fspath(self.path), glob=False, hive_partitioning=False)
        pieces = []
        while piece := self.reader.take(_CHUNK_BYTES):
            pieces.append(piece)
        return pl.scan_parquet(BytesIO(b"".join(pieces)))


def _plain(name: str, schema: pl.Schema) -> pl.Expr:
    """A column as text or numbers, whichever of their kinds the file has.

    Raises:
        SourceError: If it holds anything else.
    """
    column = FIELDS_BY_NAME[name].column
    kind = schema[column]
    is_text = kind.base_type() in {pl.String, pl.Binary, pl.Categorical, pl.Enum, pl.Null}
    if not is_text and not kind.is_integer() and not kind.is_float():
        raise SourceError(f"column {column} of Parquet must hold texts or whole numbers, got {kind}")
    return pl.col(column).cast(pl.String) if is_text or name in _TEXTS else pl.col(column)


def _begins_as_parquet(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as stream:  # noqa: PTH123  # any path
        return stream.read(4) == b"PAR1"


@define
class _Lines:
    """Turns frames into columns."""

    reader: LineReader
    file: str
    problems: FlowLogProblems

    def columns(self, frame: pl.DataFrame, first: int) -> LineColumns:
        """The rows of a frame, whose first has the number `first`."""
        made: dict[str, Column] = {name: np.zeros(len(frame), dtype) for name, dtype in LINE_DTYPES.items()}
        made["line"] = np.arange(first, first + len(frame))
        is_odd = np.zeros(len(frame), np.bool_)
        values = {name: frame[FIELDS_BY_NAME[name].column] for name in self.reader.format.names}
        for column, (name, known, otherwise) in _WORDS.items():
            made[column] = _words(values.get(name), known, otherwise, is_odd, len(frame)).astype(np.uint8)
        for column, name in (("start_ns", "start"), ("end_ns", "end")):
            made[column] = _times(values[name], is_odd)
        is_odd |= made["end_ns"] < made["start_ns"]
        is_traffic = made["skip"] == 0
        for column, (name, most, absent) in _NUMBERS.items():
            made[column] = _numbers(values.get(name), most, absent, is_odd, is_traffic).astype(LINE_DTYPES[column])
        self._addresses(made, values, is_odd, is_traffic)
        made["interface"] = self._interfaces(values.get("interface-id"), len(frame))
        lines = LineColumns(**made)
        _clear(lines, ~is_traffic)
        self._read_odd(frame, lines, np.flatnonzero(is_odd).tolist(), first)
        return lines

    def _addresses(
        self, made: dict[str, Column], values: Mapping[str, pl.Series], is_odd: Column, is_traffic: Column
    ) -> None:
        has_any = np.zeros(len(is_odd), np.bool_)
        for prefix, src, dst in (("", "srcaddr", "dstaddr"), ("pkt_", "pkt-srcaddr", "pkt-dstaddr")):
            families = []
            for end, name in (("src", src), ("dst", dst)):
                high, low, family = _address_words(values.get(name), is_odd, is_traffic)
                made[f"{prefix}{end}_hi"], made[f"{prefix}{end}_lo"] = high, low
                families.append(family)
            made[f"{prefix}family"] = np.where(families[0] == families[1], families[0], 0).astype(np.uint8)
            is_odd |= is_traffic & (families[0] != families[1])
            has_any |= made[f"{prefix}family"] > 0
        is_odd |= is_traffic & ~has_any

    def _interfaces(self, names: pl.Series | None, count: int) -> Column:
        if names is None:
            return np.full(count, NO_NAME, np.int32)
        different = [name for name in names.unique(maintain_order=True).to_list() if name not in {None, NO_VALUE}]
        numbers = [self.reader.number_of(name.encode()) for name in different]
        return _replaced(names, different, numbers, NO_NAME).astype(np.int32)

    def _read_odd(self, frame: pl.DataFrame, lines: LineColumns, rows: list[int], first: int) -> None:
        """Read rows as lines are read."""
        for row in rows:
            texts = {
                name: _written(value).encode()
                for name, value in zip(self.reader.format.names, frame.row(row), strict=True)
            }
            try:
                read = self.reader.row(texts, first + row)
            except LineError as error:
                self.problems.note(self.file, first + row, str(error))
                read = malformed_row(first + row)
            for column, value in zip(lines, read, strict=True):
                column[row] = value


def _written(value: object) -> str:
    """A value as a line of text has it."""
    if value is None or value != value:  # noqa: PLR0124  # only what is no number differs from itself
        return NO_VALUE
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _replaced(values: pl.Series, old: list[str], new: list[int], otherwise: int) -> Column:
    """Numbers in place of words."""
    if not old:
        return np.full(len(values), otherwise, np.int64)
    found = values.replace_strict(old, pl.Series(new, dtype=pl.Int64), default=otherwise, return_dtype=pl.Int64)
    return found.fill_null(otherwise).to_numpy()


def _words(
    values: pl.Series | None, known: Mapping[bytes, int], otherwise: int | None, is_odd: Column, count: int
) -> Column:
    if values is None:
        return np.zeros(count, np.int64)
    texts = values.cast(pl.String).fill_null(NO_VALUE)
    found = _replaced(texts, [word.decode() for word in known], list(known.values()), -1)
    is_other = found < 0
    if otherwise is None:
        is_odd |= is_other
    return np.where(is_other, otherwise or 0, found)


def _whole(values: pl.Series, is_odd: Column, otherwise: int) -> tuple[Column, Column]:
    """Whole numbers, and where there is none; a text that is no number is odd."""
    is_none = values.is_null()
    if values.dtype == pl.String:
        is_none |= values == NO_VALUE
    elif values.dtype.is_float():  # as pandas writes whole numbers of which some are missing
        is_none |= values.is_nan()
        is_odd |= (values != values.floor()).fill_null(value=False).to_numpy()
    numbers = values.cast(pl.Int64, strict=False)
    is_odd |= (numbers.is_null() & ~is_none).to_numpy()
    return numbers.fill_null(otherwise).to_numpy(), is_none.to_numpy()


def _times(values: pl.Series, is_odd: Column) -> Column:
    numbers, is_none = _whole(values, is_odd, 0)
    is_odd |= is_none | (numbers < 0) | (numbers > MOST_TIME)
    numbers = np.where(is_odd, 0, numbers)
    times: Column = np.where(numbers > MOST_SECONDS, numbers * 1_000_000, numbers * 1_000_000_000)
    return times


def _numbers(values: pl.Series | None, most: int, absent: int | None, is_odd: Column, is_traffic: Column) -> Column:
    if values is None:
        return np.full(len(is_odd), absent or 0, np.int64)
    numbers, is_none = _whole(values, is_odd, 0)
    is_odd |= is_traffic & ((numbers < 0) | (numbers > most))
    if absent is None:
        is_odd |= is_traffic & is_none
    return np.where(is_none | is_odd, absent or 0, numbers)


def _address_words(values: pl.Series | None, is_odd: Column, is_traffic: Column) -> tuple[Column, Column, Column]:
    """Upper half, lower half and family of each address; each different one is read once."""
    count = len(is_odd)
    if values is None:
        return np.zeros(count, np.uint64), np.zeros(count, np.uint64), np.zeros(count, np.uint8)
    different = values.fill_null(NO_VALUE).unique(maintain_order=True)
    codes = values.fill_null(NO_VALUE).replace_strict(
        different, pl.Series(range(len(different)), dtype=pl.Int64), return_dtype=pl.Int64
    )
    words = np.zeros((3, len(different)), np.uint64)
    is_wrong = np.zeros(len(different), np.bool_)
    for place, text in enumerate(different.to_list()):
        try:
            (words[0, place], words[1, place]), words[2, place] = read_address(text.encode(), "address")
        except LineError:
            is_wrong[place] = True
    at = codes.to_numpy()
    is_odd |= is_traffic & is_wrong[at]
    return words[0][at], words[1][at], words[2][at].astype(np.uint8)


def _clear(lines: LineColumns, is_none: Column) -> None:
    """Let rows without traffic hold what the readable reader gives them."""
    if not is_none.any():
        return
    kept = {"line", "start_ns", "end_ns", "interface", "skip"}
    for name, column in zip(LINE_DTYPES, lines, strict=True):
        if name not in kept:
            column[is_none] = NO_FLAGS if name == "flags" else 0
