import json
from xml.etree.ElementTree import fromstring

import jsonschema
import pytest

from sgsim.data import data_path, read_schema

TCP = data_path("vectors", "tcp.json")


@pytest.fixture
def broken(here):
    """The file of a topic in which one vector expects something else than it should."""
    content = json.loads(TCP.read_text(encoding="utf-8"))
    content["vectors"][0]["steps"][0]["verdict"] = "deny"
    (here / "broken.json").write_text(json.dumps(content), encoding="utf-8")
    return "broken.json"


def test_all_vectors_with_one_engine(sgsim):
    result = sgsim("conformance", "--engine", "reference")
    assert result.exit_code == 0
    first, *lines = result.stdout.splitlines()
    passed, _, total, *_ = first.split()
    assert passed == total
    assert first.endswith("as expected")
    assert any(line.split()[:4] == ["tcp", "13", "of", "13"] for line in lines)


def test_some_topics(sgsim):
    result = sgsim("conformance", "--engine", "reference", "--topic", "tcp", "--topic", "icmp")
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == ["icmp", "tcp", "all"]


def test_what_differs_is_shown_and_the_exit_code_is_1(sgsim, broken):
    result = sgsim("conformance", "--engine", "reference", broken)
    assert result.exit_code == 1
    assert result.stdout.startswith("12 of 13 as expected\n")
    assert (
        "\nNot as expected: tcp/both-directions-of-one-five-tuple, reference\n  An FTP control connection"
        in result.stdout
    )
    told = " ".join(result.stdout.split())
    assert (
        "step 1, at 0 s, tcp 198.51.100.7:40000 -> 10.0.0.5:21 S: expected verdict deny, got allow (allow rule new)"
        in told
    )
    assert "(1.6, assumed, aws-ct)" in told
    assert "statements 12: " in told
    assert "in doubt 1 " in told


def test_json_is_of_its_schema(sgsim, broken):
    result = sgsim("conformance", "--engine", "reference", "--format", "json", broken)
    document = json.loads(result.stdout)
    jsonschema.validate(document, read_schema("conformance"), jsonschema.Draft202012Validator)
    assert (result.exit_code, document["vectors"], document["passed"], document["failed"]) == (1, 13, 12, 1)
    (failure,) = document["failures"]
    assert failure["vector"] == "tcp/both-directions-of-one-five-tuple"
    assert failure["differences"][0] == {
        "step": 1, "at_s": 0.0, "what_happens": "tcp 198.51.100.7:40000 -> 10.0.0.5:21 S", "what": "verdict",
        "expected": "deny", "got": "allow (allow rule new)", "note": "",
    }  # fmt: skip


def test_junit_has_a_test_for_each_vector(sgsim, broken):
    result = sgsim("conformance", "--engine", "reference", "--format", "junit", broken)
    root = fromstring(result.stdout)  # noqa: S314  # our own text
    assert (root.attrib["tests"], root.attrib["failures"]) == ("13", "1")
    (suite,) = root
    assert suite.attrib["name"] == "conformance.reference.tcp"


def test_reports_in_every_form(sgsim, here):
    names = ["out.txt", "out.md", "out.json", "out.xml"]
    written = [part for name in names for part in ("--report", name)]
    result = sgsim("conformance", "--engine", "reference", "--topic", "capacity", *written)
    assert result.exit_code == 0
    text, markdown, document, junit = ((here / name).read_text(encoding="utf-8") for name in names)
    assert text == result.stdout
    assert markdown.startswith("# sgsim conformance\n\n## 5 of 5 as expected\n")
    assert json.loads(document)["passed"] == 5
    assert 'tests="5"' in junit


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--topic", "tls"), "--topic must be one of automatic-paths, capacity, "),
        (("--report", "out.pdf"), "--report must end in one of .txt, .md, .json, .xml, got 'out.pdf'"),
        (("none.json",), "none.json: vectors must be a readable file, got: No such file or directory"),
        (("--engine", "fast"), "--engine must be one of reference, compiled, all, got 'fast'"),
        (("--report", "none/out.txt"), "none/out.txt: No such file or directory"),
    ],
)
def test_bad_input_is_one_line(refused, args, message):
    assert refused("conformance", *(() if "--engine" in args else ("--engine", "reference")), *args).startswith(message)


def test_files_of_the_package_are_named_alike_on_every_machine(sgsim):
    result = sgsim("conformance", "--engine", "reference", "--topic", "tcp", "--format", "junit")
    assert {case.attrib["file"] for case in fromstring(result.stdout).iter("testcase")} == {  # noqa: S314  # our own text
        "sgsim/data/vectors/tcp.json"
    }
