"""`native(text) == python(text)` for any text, format and buffer: every column, every name, every word of a problem."""

import io

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sgsim.errors import SourceError
from sgsim.sources import byte_window
from sgsim.sources.byte_reader import ByteReader
from sgsim.sources.flow_log_fields import FLOW_LOG_FIELDS
from sgsim.sources.flow_log_format import DEFAULT_FORMAT, FlowLogFormat
from sgsim.sources.flow_log_native import NativeTextLines
from sgsim.sources.flow_log_problems import FlowLogProblems
from sgsim.sources.flow_log_text import TextLines

ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.sampled_from(
        ["-", "::", "::1", "1::", "2001:db8::1:2:3:4:5", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::"]
    ),
    st.sampled_from(
        ["256.0.0.1", "01.2.3.4", "1.2.3", "1.2.3.4.5", ":1", "1:", "1:::2", "12345::", "::g", "1::2::3", ""]
    ),
    st.sampled_from(["::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "ABCD::ef", "1::2:3:4:5:6:7", "fe80::1%eth0"]),
)
NUMBERS = st.one_of(
    st.integers(0, 300),
    st.integers(65_530, 65_540),
    st.sampled_from([0, 6, 9_200_000_000, 9_200_000_001, 10**13, 10**18, 2**62]),
).map(str) | st.sampled_from(["-", "x", "-1", "1x", "007", "+1", "1.5", "--"])
TIMES = st.integers(1_600_000_000, 1_600_000_100).map(str)
WORDS = {
    "srcaddr": ADDRESSES, "dstaddr": ADDRESSES, "pkt-srcaddr": ADDRESSES, "pkt-dstaddr": ADDRESSES,
    "start": TIMES | NUMBERS, "end": TIMES | NUMBERS,
    "action": st.sampled_from(["ACCEPT", "REJECT", "-", "ACCEPTED", "DROP", "reject"]),
    "log-status": st.sampled_from(["OK", "OK", "OK", "NODATA", "SKIPDATA", "-", "SKIPDATAS", "ok"]),
    "flow-direction": st.sampled_from(["ingress", "egress", "-", "inside"]),
    "reject-reason": st.sampled_from(["-", "BPA", "EC", "other"]),
    "interface-id": st.sampled_from(["eni-1", "eni-1235b8ca123456789", "-", "x" * 24, "x" * 25, "eni-2", "x" * 23]),
}  # fmt: skip
NUMBER_FIELDS = {"srcport", "dstport", "protocol", "packets", "bytes", "tcp-flags"}
BLANKS = st.sampled_from([" ", " ", " ", "  ", "\t", " \x0b", "\r "])


def usual(name):
    """A value that a record may have."""
    if name in NUMBER_FIELDS:
        return st.integers(0, 254).map(str)
    if name in {"start", "end"}:
        return TIMES
    if name.endswith("addr"):
        return st.ip_addresses(v=4).map(str)
    return WORDS[name] if name in WORDS else st.sampled_from(["-", "vpc-1", "0", "Ünicode"])


@st.composite
def formats(draw):
    others = [field.name for field in FLOW_LOG_FIELDS]
    names = draw(st.permutations(others))[: draw(st.integers(5, 25))]
    needed = [name for name in ("srcaddr", "dstaddr", "protocol", "start", "end") if name not in names]
    return FlowLogFormat((*names, *needed))


@st.composite
def texts(draw):
    made = draw(st.just(DEFAULT_FORMAT) | formats())
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.integers(0, 9))
        if kind == 0:
            lines.append(draw(st.text("abc -01\t\r", max_size=20)))
            continue
        values = []
        for name in made.names:
            odd = WORDS.get(name, NUMBERS if name in NUMBER_FIELDS else st.just("-"))
            values.append(draw(odd if kind == 1 else usual(name)))
        if kind == 2:
            values = values[:-1]
        if kind == 3:
            values.append("more")
        lines.append("".join(value + draw(BLANKS) for value in values[:-1]) + values[-1])
        if kind == 4:
            lines.append(made.header)
    end = draw(st.sampled_from(["", "\n", "\r\n", "\n\n"]))
    return made, "\n".join(lines) + end


def read(kind, text, made, batch_rows):
    problems, names = FlowLogProblems(), list[str]()
    lines = kind(ByteReader(io.BytesIO(text.encode())), made, names, "file", problems)
    batches, broken = [], None
    try:
        batches.extend(lines.batches(batch_rows))
    except SourceError as error:
        broken = str(error)
    columns = [np.concatenate(parts).tolist() for parts in zip(*batches, strict=True)]
    return columns, names, problems.count, problems.listed, broken


@given(made=texts(), batch_rows=st.sampled_from([1, 3, 1000]))
@settings(max_examples=150)
@example(made=(DEFAULT_FORMAT, DEFAULT_FORMAT.header + "\n" + DEFAULT_FORMAT.header), batch_rows=5)
@example(
    made=(DEFAULT_FORMAT, "2 1 - ::1 192.0.2.1 0 0 1 1 1 1 1 - OK\n2 1 eni-1 - 192.0.2.1 0 0 1 1 1 1 1 - OK"),
    batch_rows=5,
)
def test_both_readers_read_alike(made, batch_rows):
    made, text = made
    assert read(TextLines, text, made, batch_rows) == read(NativeTextLines, text, made, batch_rows)


ODD_ADDRESSES = [
    "255.255.255.255",
    "256.0.0.1",
    "0.0.0.256",
    "01.2.3.4",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4x",
    "1..2.3",
    ".1.2.3",
    "999.1.1.1",
    "::",
    "::1",
    "1::",
    "1::8",
    ":",
    ":1",
    "1:",
    "1:::2",
    "12345::",
    "::g",
    "1::2::3",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "::1:2:3:4:5:6:7:8",
    "1::2:3:4:5:6:7:8",
    "ABCD::ef",
    "::ffff:192.0.2.1",
    "fe80::1%eth0",
    "-",
    "--",
]
ODD_NUMBERS = [
    "0",
    "007",
    "255",
    "256",
    "65535",
    "65536",
    "254",
    "-",
    "--",
    "-1",
    "+1",
    "1x",
    "x",
    "1.5",
    "9200000000",
    "9200000001",
    "9200000000001",
    "999999999999999999",
    "1000000000000000000",
    "4611686018427387904",
]


@pytest.mark.parametrize("word", ODD_ADDRESSES)
def test_every_odd_address_is_read_alike(word):
    fields = ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr")
    made = FlowLogFormat((*fields, "protocol", "start", "end"))
    other = "2001:db8::1" if ":" in word else "192.0.2.1"
    lines = [" ".join([*(word if field in given else other for field in fields), "6", "1", "2"]) for given in (
        fields[:1], fields[1:2], fields[2:3], fields[3:], fields,
    )]  # fmt: skip
    text = "\n".join(lines)
    assert read(TextLines, text, made, 9) == read(NativeTextLines, text, made, 9)


@pytest.mark.parametrize("word", ODD_NUMBERS)
@pytest.mark.parametrize("name", sorted(NUMBER_FIELDS | {"start", "end"}))
def test_every_odd_number_is_read_alike(word, name):
    made = FlowLogFormat(("srcaddr", "dstaddr", *sorted(NUMBER_FIELDS), "start", "end"))
    values = dict.fromkeys(made.names, "1") | {"srcaddr": "192.0.2.1", "dstaddr": "192.0.2.2", name: word}
    text = " ".join(values.values())
    assert read(TextLines, text, made, 9) == read(NativeTextLines, text, made, 9)


@pytest.mark.parametrize("size", [128, 200, 4096])
def test_the_size_of_the_buffer_does_not_matter(monkeypatch, size):
    text = "".join(f"2 1 eni-{n} 192.0.2.1 192.0.2.{n} 1 2 6 {n} 9 1 2 ACCEPT OK\n" for n in range(100)) + "bogus"
    expected = read(TextLines, text, None, 7)
    monkeypatch.setattr(byte_window, "WINDOW_BYTES", size)
    assert expected == read(NativeTextLines, text, None, 7)
