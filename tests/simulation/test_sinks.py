import io
import json
from pathlib import Path
from typing import IO, cast

import polars as pl
import pytest

from sgsim.errors import ConfigError
from sgsim.simulation.sinks import open_sink

SCHEMA = pl.Schema({"number": pl.Int64, "name": pl.String})
FRAMES = [pl.DataFrame({"number": [1, 2], "name": ["a", None]}), pl.DataFrame({"number": [3], "name": ["ü,"]})]
ROWS = [row for frame in FRAMES for row in frame.to_dicts()]


def write(path, *, complete=True):
    sink = open_sink(path, SCHEMA)
    for frame in FRAMES:
        sink.write(frame)
    sink.close(complete=complete)


def read(path):
    if path.suffix == ".parquet":
        return pl.read_parquet(path).to_dicts()
    if path.suffix == ".csv":
        return pl.read_csv(path).to_dicts()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(params=["rows.jsonl", "rows.csv", "rows.parquet"])
def path(request, tmp_path):
    return tmp_path / request.param


def test_rows_come_back(path):
    write(path)
    assert read(path) == ROWS


def test_the_file_has_its_name_only_when_complete(path):
    sink = open_sink(path, SCHEMA)
    sink.write(FRAMES[0])
    assert not path.exists()
    sink.close(complete=True)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_run_that_fails_leaves_nothing(path):
    write(path, complete=False)
    assert list(path.parent.iterdir()) == []


def test_a_run_that_fails_leaves_the_file_of_before(path):
    write(path)
    write(path, complete=False)
    assert read(path) == ROWS


def test_no_rows(path):
    open_sink(path, SCHEMA).close(complete=True)
    if path.suffix == ".csv":
        assert path.read_text() == "number,name\n"
    else:
        assert read(path) == []


def test_the_same_bytes_each_time(path):
    write(path)
    before = path.read_bytes()
    write(path)
    assert path.read_bytes() == before


def test_standard_output():
    stdout = io.BytesIO()
    sink = open_sink("-", SCHEMA, stdout)
    sink.write(FRAMES[0])
    sink.close(complete=True)
    assert stdout.getvalue() == b'{"number":1,"name":"a"}\n{"number":2,"name":null}\n'
    assert not stdout.closed


def test_a_stream_that_takes_a_part_at_a_time():
    class Slow(io.RawIOBase):
        """As standard output without a buffer: a write may be short."""

        def __init__(self):
            self.data = b""

        def write(self, data):
            self.data += bytes(data[:7])
            return min(7, len(data))

    stdout = Slow()
    open_sink("-", SCHEMA, cast("IO[bytes]", stdout)).write(FRAMES[0])
    assert [json.loads(line) for line in stdout.data.splitlines()] == FRAMES[0].to_dicts()


@pytest.mark.parametrize("name", ["rows.txt", "rows", "rows.CSV.gz"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"table must end in \.jsonl, \.csv or \.parquet, or be '-', got"):
        open_sink(tmp_path / name, SCHEMA)


def test_a_directory_that_is_not_there(path):
    with pytest.raises(
        ConfigError, match=r"table must be a file that can be written, got .*: No such file or directory"
    ):
        open_sink(path.parent / "no" / path.name, SCHEMA)


def test_a_name_that_is_taken_by_a_directory(path):
    path.mkdir()
    with pytest.raises(ConfigError, match="table must be a file that can be written"):
        write(path)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_full_disk_is_named():
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb", buffering=0) as full:
        open_sink("-", SCHEMA, full).write(FRAMES[0])
