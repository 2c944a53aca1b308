"""Test results in JUnit's XML, which CI systems show.

There is no time in it: the same results are the same bytes.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from attrs import frozen


@frozen
class Case:
    """One test."""

    name: str
    failure: str = ""
    """One line; empty if it passed."""
    detail: str = ""
    """More about the failure, of several lines."""
    skipped: str = ""
    """Why it was not run; empty if it was."""
    file: str = ""
    """Where it is written, for systems that link there."""


@frozen
class CaseGroup:
    """Tests that belong together."""

    name: str
    cases: Sequence[Case]
    output: str = ""
    """What else is to be known, of several lines."""


def junit_xml(title: str, groups: Sequence[CaseGroup]) -> str:
    """Write results; groups become `testsuite`, tests `testcase`."""
    cases = [case for group in groups for case in group.cases]
    root = Element("testsuites", {"name": title, **_counts(cases)})
    for group in groups:
        suite = SubElement(root, "testsuite", {"name": group.name, **_counts(group.cases), "errors": "0"})
        for case in group.cases:
            _add(suite, group.name, case)
        if group.output:
            SubElement(suite, "system-out").text = _printable(group.output)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failure) for case in cases)),
        "skipped": str(sum(bool(case.skipped) for case in cases)),
    }


def _add(suite: Element, group: str, case: Case) -> None:
    names = {"classname": group, "name": case.name} | ({"file": case.file} if case.file else {})
    element = SubElement(suite, "testcase", {key: _printable(value) for key, value in names.items()})
    if case.failure:
        SubElement(element, "failure", {"message": _printable(case.failure)}).text = _printable(case.detail)
    if case.skipped:
        SubElement(element, "skipped", {"message": _printable(case.skipped)})


def _printable(text: str) -> str:
    """Text without characters that XML 1.0 cannot hold."""
    return "".join(
        character if character in "\t\n" or (character >= " " and not "\ud800" <= character <= "\udfff") else "\ufffd"
        for character in text
    )
