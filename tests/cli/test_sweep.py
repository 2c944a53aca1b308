import json

import pytest


def test_sweep_in_each_form(sgsim, web):
    result = sgsim("sweep", *web, "web.pcap")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "  capacity  a table of 1 place refuses nothing" in result.stdout
    document = json.loads(
        sgsim("sweep", *web, "--timeouts", "350,60", "--capacities", "2,2", "--format", "json", "web.pcap").stdout
    )
    assert [point["tcp_established_s"] for point in document["timeouts"]] == [60, 350]
    assert [point["capacity"] for point in document["capacities"]] == [2]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-",), "traffic must be files, because it is read many times, got '-'"),
        (
            ("--timeouts", "60,x", "web.pcap"),
            "--timeouts must be numbers of at least 1 with commas between them, got '60,x'",
        ),
        (
            ("--capacities", "0", "web.pcap"),
            "--capacities must be whole numbers of at least 1 with commas between them, got '0'",
        ),
        (("--timeouts", "5", "web.pcap"), "tcp_established_s must be 60..432000 seconds, got 5"),
    ],
)
def test_bad_options_are_one_line(refused, web, args, message):
    assert refused("sweep", *web, *args).startswith(message)
