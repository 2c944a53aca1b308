import pytest

from sgsim.errors import SourceError
from sgsim.sources.flow_log_fields import DEFAULT_FIELDS, FLOW_LOG_FIELDS, FieldType
from sgsim.sources.flow_log_format import DEFAULT_FORMAT, format_of_columns, is_header, parse_format


def test_the_default_format_is_that_of_version_2():
    expected = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
        "log-status"
    )
    assert expected == DEFAULT_FORMAT.header
    assert DEFAULT_FORMAT.version == 2
    assert not DEFAULT_FORMAT.has_flags


def test_every_field_has_one_name_and_a_known_version():
    names = [field.name for field in FLOW_LOG_FIELDS]
    assert len(set(names)) == len(names)
    assert {field.version for field in FLOW_LOG_FIELDS} == {2, 3, 4, 5, 7, 8, 9, 10, 11}
    assert len(DEFAULT_FIELDS) == 14


def test_types_in_parquet_are_those_of_the_documentation():
    types = {field.column: field.type for field in FLOW_LOG_FIELDS}
    numbers = {"version", "srcport", "dstport", "protocol", "tcp_flags", "traffic_path", "encryption_status"}
    assert numbers == {name for name, kind in types.items() if kind is FieldType.INT32}
    assert {name for name, kind in types.items() if kind is FieldType.INT64} == {"packets", "bytes", "start", "end"}


@pytest.mark.parametrize(
    "text",
    [
        "${srcaddr} ${dstaddr} ${protocol} ${start} ${end} ${tcp-flags}",
        "${srcaddr}${dstaddr}${protocol}${start}${end}${tcp-flags}",
        "srcaddr dstaddr protocol start end tcp-flags",
    ],
)
def test_a_format_may_be_written_with_braces_or_without(text):
    made = parse_format(text)
    assert made.names == ("srcaddr", "dstaddr", "protocol", "start", "end", "tcp-flags")
    assert made.version == 3
    assert made.has_flags
    assert parse_format(made.template) == made
    assert (made.place("end"), made.place("action")) == (4, -1)


def test_default_is_a_name():
    assert parse_format("default") == DEFAULT_FORMAT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${srcadr}", "log format must name fields of VPC flow logs, got 'srcadr'; did you mean srcaddr?"),
        ("", "log format must name at least one field, got none"),
        ("${srcaddr} ${srcaddr}", "log format must name each field once, got 'srcaddr' twice"),
        (
            "${srcaddr} ${dstaddr} ${protocol} ${start}",
            "log format must have srcaddr, dstaddr, protocol, start, end for a replay, got none of end",
        ),
        (
            "${tgw-id}",
            "log format must be one of VPC flow logs, got 'tgw-id' of Transit Gateway flow logs, which know no security groups",
        ),
    ],
)
def test_a_wrong_format_is_refused(text, expected):
    with pytest.raises(SourceError) as caught:
        parse_format(text)
    assert str(caught.value) == expected


def test_packet_addresses_serve_as_addresses():
    made = parse_format("${pkt-srcaddr} ${pkt-dstaddr} ${protocol} ${start} ${end}")
    assert made.place("srcaddr") == -1


def test_columns_of_parquet_have_underscores():
    columns = ["srcaddr", "dstaddr", "protocol", "start", "end", "log_status", "year"]
    assert format_of_columns(columns).names == ("srcaddr", "dstaddr", "protocol", "start", "end", "log-status")


def test_other_columns_are_no_flow_log():
    with pytest.raises(SourceError) as caught:
        format_of_columns(["name", "price"])
    expected = "Parquet file must have the columns of a flow log, such as srcaddr and dstaddr, got name, price"
    assert str(caught.value) == expected


def test_a_header_line_is_told_from_a_record():
    assert is_header(DEFAULT_FORMAT.header)
    assert not is_header("2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - NODATA")
    assert not is_header("")
