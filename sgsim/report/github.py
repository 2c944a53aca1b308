"""Findings as workflow commands, which GitHub shows beside the lines of a pull request."""

from collections.abc import Iterable
from typing import Final

from sgsim.analysis.finding import KIND_OF, Finding
from sgsim.report.sarif import line_of

_COMMANDS: Final = {"error": "error", "warning": "warning", "note": "notice"}


def github_lines(findings: Iterable[Finding]) -> str:
    """One line for each finding."""
    return "".join(f"{_line(each)}\n" for each in findings)


def _line(each: Finding) -> str:
    properties = {"title": f"{KIND_OF[each.id].title} [{each.id}]"}
    if each.file:
        properties = {"file": each.file.partition("#")[0], **properties}
        line = line_of(each)
        if line is not None:
            properties |= {"line": str(line[0]), "col": str(line[1])}
    about = " ".join(part for part in (each.group_id, each.rule) if part)
    place = f" ({each.place})" if each.place and line_of(each) is None else ""
    head = f"{about}{place}: " if about or place else ""
    message = f"{head}{each.message}. {each.fix}"
    written = ",".join(f"{name}={_property(text)}" for name, text in properties.items())
    return f"::{_COMMANDS[each.severity]} {written}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
