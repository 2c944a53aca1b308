from xml.etree.ElementTree import fromstring

from sgsim.report.junit import Case, CaseGroup, junit_xml

GROUPS = [
    CaseGroup("a", [Case("first"), Case("second", failure="expected <1>, got \x00", detail="line 1\nline 2")]),
    CaseGroup("b", [Case("third", skipped="not here", file="b.json")]),
]


def test_groups_and_their_cases():
    text = junit_xml("all", GROUPS)
    root = fromstring(text)  # noqa: S314  # our own text
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="all"')
    assert root.attrib == {"name": "all", "tests": "3", "failures": "1", "skipped": "1"}
    assert [suite.attrib["tests"] for suite in root] == ["2", "1"]
    first, second, third = root.iter("testcase")
    assert (first.attrib, list(first)) == ({"classname": "a", "name": "first"}, [])
    assert (second[0].tag, second[0].attrib["message"], second[0].text) == (
        "failure",
        "expected <1>, got \ufffd",
        "line 1\nline 2",
    )
    assert (third[0].tag, third[0].attrib["message"], third.attrib["file"]) == ("skipped", "not here", "b.json")


def test_the_same_results_are_the_same_bytes():
    assert junit_xml("all", GROUPS) == junit_xml("all", GROUPS)
