"""One file, whatever its form: the same records give the same rows."""

import datetime as dt
import gzip
import io
import json
import os

import numpy as np
import polars as pl
import pytest
from simulation.flow_log_texts import CUSTOM, CUSTOM_FORMAT, DEFAULT, IPV6, PING, V5, V5_FORMAT
from sources.flow_log_files import cloudwatch, parquet, read_file

from sgsim.errors import SourceError
from sgsim.model.decision import Reason
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.flow_log_file import FlowLogFile, files_below, is_flow_log
from sgsim.sources.flow_log_format import DEFAULT_FORMAT, parse_format
from sgsim.sources.flow_log_problems import FlowLogProblems

EXAMPLES = {
    "default": (DEFAULT_FORMAT.header, DEFAULT + PING + IPV6),
    "custom": (CUSTOM_FORMAT, CUSTOM),
    "version 5": (V5_FORMAT, V5),
}


def lists(columns, but=()):
    return {name: column.tolist() for name, column in columns._asdict().items() if name not in but}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("native", [False, True])
def test_all_forms_give_the_same_rows(tmp_path, name, native):
    header, text = EXAMPLES[name]
    lines = text.splitlines()
    path = tmp_path / "log"
    path.write_text(text, encoding="utf-8")
    expected, names, _ = read_file(path, parse_format(header))
    forms = {
        "header": f"{header}\n{text}".encode(),
        "gzip": gzip.compress(f"{header}\n\n{text}".encode()),
        "export": "".join(f"2026-01-31T12:00:00.000Z {line}\n" for line in lines).encode(),
        "parquet": parquet(header, lines),
        **{form: cloudwatch(lines, form).encode() for form in ("subscription", "firehose", "filter", "insights")},
    }
    for form, content in forms.items():
        path.write_bytes(content)
        actual, actual_names, problems = read_file(path, parse_format(header), native=native, batch_rows=2)
        assert (names, 0) == (actual_names, problems.count), form
        assert lists(expected, {"line"}) == lists(actual, {"line"}), form
        first = {"header": 2, "gzip": 3}.get(form, 1)
        assert list(range(first, first + len(lines))) == actual.line.tolist(), form


def test_the_documented_values(tmp_path):
    """`[aws-fle]`: what each field of the first examples says."""
    path = tmp_path / "log"
    path.write_text(DEFAULT, encoding="utf-8")
    columns, names, _ = read_file(path)
    rows = [dict(zip(columns._fields, row, strict=True)) for row in zip(*(c.tolist() for c in columns), strict=True)]
    assert ["eni-1235b8ca123456789", "eni-11111111aaaaaaaaa"] == names
    first = rows[0]
    assert (0xAC1F108B, 0xAC1F1015) == (first["src_lo"], first["dst_lo"])
    assert (20641, 22, 6, 20, 4249, 1) == tuple(
        first[name] for name in ("src_port", "dst_port", "protocol", "packets", "bytes", "action")
    )
    assert (1418530010 * 10**9, 1418530070 * 10**9) == (first["start_ns"], first["end_ns"])
    assert [0, 0, Reason.NO_DATA, Reason.SKIP_DATA] == columns.skip.tolist()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"version srcadr dstaddr protocol\n", "line 1: log format must name fields of VPC flow logs, got 'srcadr'; did you mean srcaddr?"),
        (b"\n2 1 eni-1\n", "line 2: flow log must begin with a header, or have the default format of 14 fields, or be told by --log-format, got 3 fields"),
        (b"", "flow log must have at least one line, got an empty file"),
        (b"a\0b c\n", r"line 1: flow log must be text, gzip or Parquet, got bytes b'a\x00b c'"),
        (b"x" * 70_000 * 2, "line must end within 65536 bytes, got b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'..."),
        (b"a b c d e f g h i j k l m n\n", "line 1: flow log must have a line that can be read, got none: log-status must be one of OK, NODATA, SKIPDATA, -, got 'n'"),
        (b'{"events": []}', "JSON must have log events of CloudWatch Logs (logEvents, events or results), got none"),
        (b'{"events": [', "line 1: flow log must be whole JSON, got an error in it: Expecting value"),
        (b"PAR1 and no more", "Parquet file must be whole, got an error in it"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("native", [False, True])
def test_what_is_no_flow_log_is_refused(tmp_path, content, expected, native):
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_file(path, native=native)
    assert str(caught.value).startswith(
        f"{path}, {expected}" if expected[:5] == "line " and expected[5].isdigit() else f"{path}: {expected}"
    )


def test_a_header_must_be_that_of_the_option(tmp_path):
    path = tmp_path / "log"
    path.write_text(f"{CUSTOM_FORMAT}\n{CUSTOM}", encoding="utf-8")
    with pytest.raises(SourceError, match="line 1: header must be that of --log-format, 'version account-id"):
        read_file(path, DEFAULT_FORMAT)


@pytest.mark.parametrize("native", [False, True])
def test_another_header_later_on_breaks_the_file_off(tmp_path, native):
    path = tmp_path / "log"
    path.write_text(f"{DEFAULT}{CUSTOM_FORMAT}\n{CUSTOM}", encoding="utf-8")
    log = FlowLogFile(str(path), "log", None, FlowLogProblems(), native=native)
    batches = log.batches(1000)
    assert 4 == len(next(batches).line)
    with pytest.raises(SourceError, match="log, line 5: header must be that of the first line"):
        next(batches)


@pytest.mark.parametrize("native", [False, True])
def test_malformed_lines_have_the_time_of_the_line_before(tmp_path, native):
    path = tmp_path / "log"
    first, *rest = DEFAULT.splitlines()
    odd = "2 1 eni-1 a b c d e f g h i j k"
    path.write_text("\n".join([odd, odd, first, odd, *rest]), encoding="utf-8")
    columns, _, problems = read_file(path, native=native, batch_rows=1)
    start = 1418530010 * 10**9
    assert [start] * 5 == columns.start_ns.tolist()[:5]
    assert [1, 2, 4] == [problem.line for problem in problems.listed]
    assert np.count_nonzero(columns.skip == Reason.MALFORMED) == 3


def test_only_the_first_problems_are_listed():
    problems = FlowLogProblems()
    for line in range(50):
        problems.note("log", line, "odd")
    assert (50, 20) == (problems.count, len(problems.listed))


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    for name in ("b/2.log", "a/3.log", "a/1.log", ".hidden/4.log", "a/_temporary", "a/.DS_Store"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert ["a/1.log", "a/3.log", "b/2.log"] == [str(path.relative_to(tmp_path)) for path in files_below(tmp_path)]


def test_a_folder_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    """What is in it would be lost."""
    (tmp_path / "sub").mkdir()
    list_folder = os.scandir

    def refusing(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(SourceError, match=r"folder must be readable, got '.*sub': Permission denied"):
        files_below(tmp_path)


def test_files_of_s3_tell_when_they_begin():
    name = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"
    log = FlowLogFile(f"x/{name}", f"x/{name}", None, FlowLogProblems())
    assert 1529511600 - 900 == (log.begins_after_ns or 0) // 10**9
    assert FlowLogFile("x.log", "x.log", None, FlowLogProblems()).begins_after_ns is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (DEFAULT.encode(), True),
        (b"\n\n" + CUSTOM_FORMAT.encode(), True),
        (b"PAR1", True),
        (b'{"events": []}', True),
        (b"hello, this is no log", False),
        (b"", False),
        (b"\0\0\0\0", False),
        (b"word " * 100_000, False),
    ],
)
def test_flow_logs_are_recognised_by_content(tmp_path, content, expected):
    path = tmp_path / "x"
    path.write_bytes(content)
    with path.open("rb") as stream:
        assert expected is is_flow_log(ByteReader(stream), None)


class TestFixtures:
    """Logs that others made: every line is accounted for."""

    @pytest.fixture
    def folder(self, fixtures_path):
        return fixtures_path / "flowlogs"

    @pytest.mark.parametrize("native", [False, True])
    def test_every_line_gives_a_row(self, folder, native):
        index = {
            entry["file"].removeprefix("flowlogs/"): entry for entry in json.loads((folder / "index.json").read_text())
        }
        expected = {
            "flr_v5_header_bogus_line.log": 1,
            "flr_v5_header_bogus_line.log.gz": 1,
            "otel_too_few_fields.log": 1,
        }
        for name, entry in index.items():
            if name in {"flr_aggregation.json", "otel_too_few_fields.log"}:
                continue
            columns, _, problems = read_file(folder / name, native=native)
            assert entry["records"] + problems.count == len(columns.line), name
            assert expected.get(name, 0) == problems.count, name

    def test_values_are_those_that_others_read(self, folder):
        index = json.loads((folder / "index.json").read_text())
        ours = {
            "start": "start_ns",
            "end": "end_ns",
            "srcport": "src_port",
            "dstport": "dst_port",
            "tcp_flags": "flags",
        }
        for entry in index:
            expected = entry.get("expected")
            if (
                entry["file"].endswith(".json")
                or not expected
                or isinstance(expected, str)
                or "too_few" in entry["file"]
            ):
                continue
            columns, names, _ = read_file(folder / entry["file"].removeprefix("flowlogs/"))
            rows = {str(row): values for row, values in enumerate(expected)} if isinstance(expected, list) else expected
            for row, values in rows.items():
                for name, value in values.items():
                    column = getattr(columns, ours.get(name, name), None)
                    if name in {"interface_id", "interface-id"}:
                        assert names[columns.interface[int(row)]] == value
                    elif column is not None and name != "version":
                        scale = 10**9 if name in {"start", "end"} else 1
                        wanted = {"ACCEPT": 1, "REJECT": 2}.get(value, value)
                        assert wanted * scale == column[int(row)], (entry["file"], name)

    def test_records_with_a_field_too_few_are_malformed(self, folder):
        """Its only line has 13 of 14 fields: there is nothing that could be read."""
        with pytest.raises(
            SourceError, match="line 2: flow log must have a line that can be read, got none: line must have 14"
        ):
            read_file(folder / "otel_too_few_fields.log")

    def test_messages_of_other_documents_are_read_as_well(self, folder):
        lines = json.loads((folder / "flr_aggregation.json").read_text())["input"]
        assert 4 == len(lines)


TWO = "".join(line + "\n" for line in DEFAULT.splitlines()[:1] + DEFAULT.splitlines()[2:3])


def as_other_types(content, **types):
    """A Parquet file with columns of other types; float64 is what pandas makes of numbers of which some are missing."""
    stream = io.BytesIO()
    pl.read_parquet(content).with_columns(pl.col(name).cast(kind) for name, kind in types.items()).write_parquet(stream)
    return stream.getvalue()


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    "types",
    [
        dict.fromkeys(("version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"), pl.Float64),
        dict.fromkeys(("version", "srcport", "protocol", "bytes", "start"), pl.String),
        dict.fromkeys(("interface_id", "srcaddr", "dstaddr", "action", "log_status"), pl.Binary),
        dict.fromkeys(("interface_id", "srcaddr", "action"), pl.Categorical),
        dict.fromkeys(("srcport", "packets", "end"), pl.UInt64),
    ],
)
def test_types_of_parquet_that_other_programs_write(tmp_path, types, native):
    path = tmp_path / "log"
    content = parquet(DEFAULT_FORMAT.header, TWO.splitlines())
    path.write_bytes(content)
    expected, names, _ = read_file(path)
    path.write_bytes(as_other_types(content, **types))
    actual, actual_names, problems = read_file(path, native=native)
    assert (names, 0) == (actual_names, problems.count)
    assert lists(expected) == lists(actual)


@pytest.mark.parametrize("value", [22.5, float("inf"), 2.0**63])
def test_a_number_of_parquet_that_is_not_whole_is_malformed(tmp_path, value):
    path = tmp_path / "log"
    frame = pl.read_parquet(parquet(DEFAULT_FORMAT.header, DEFAULT.splitlines()[:1] * 2))
    frame.with_columns(srcport=pl.Series([22.0, value])).write_parquet(path)
    columns, _, problems = read_file(path)
    assert (columns.src_port.tolist()[0], problems.count) == (22, 1)
    assert columns.skip.tolist() == [0, Reason.MALFORMED]


@pytest.mark.parametrize("values", [[True], [[1]], [{"a": 1}], [dt.date(2026, 1, 31)]])
@pytest.mark.parametrize("column", ["interface_id", "srcaddr", "start"])
def test_a_column_of_another_kind_is_refused_by_name(tmp_path, column, values):
    path = tmp_path / "log"
    frame = pl.read_parquet(parquet(DEFAULT_FORMAT.header, DEFAULT.splitlines()[:1]))
    frame.with_columns(pl.Series(column, values)).write_parquet(path)
    with pytest.raises(SourceError, match=f"column {column} of Parquet must hold texts or whole numbers, got "):
        read_file(path)


def test_a_reader_of_parquet_that_panics_is_an_error_of_the_file(tmp_path, monkeypatch):
    def panic(*_args, **_options):
        raise pl.exceptions.PanicException("Thrift out of range\nat some place")

    path = tmp_path / "log"
    path.write_bytes(parquet(DEFAULT_FORMAT.header, DEFAULT.splitlines()[:1]))
    monkeypatch.setattr(pl.LazyFrame, "collect", panic)
    with pytest.raises(SourceError, match="Parquet file must be whole, got an error in it: Thrift out of range"):
        read_file(path)
