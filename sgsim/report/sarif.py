"""Findings as SARIF 2.1.0, the form in which code hosts show the results of analysers.

Source: OASIS SARIF 2.1.0. Rule ids are the kinds of findings, which are stable; `partialFingerprints` keep a result the
same while other rules move around it.
"""

import json
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from sgsim import __version__
from sgsim.analysis.baseline import Judged
from sgsim.analysis.finding import KINDS, Finding

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LINE: Final = re.compile(r"line (\d+), column (\d+)")
_INDEX: Final = {kind.id: place for place, kind in enumerate(KINDS)}
_DRIVE: Final = re.compile(r"[A-Za-z]:(?=/)")
_SIDE: Final = re.compile(r"#(before|after)$")


def sarif_document(judged: Judged, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Findings as one run; those of the baseline are there too, suppressed. Notes on their figures are notifications."""
    results = [_result(each) for each in judged.open]
    for each in judged.accepted:
        suppression = {"kind": "external", "justification": each.reason}
        results.append({**_result(each.finding), "suppressions": [suppression]})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "sgsim", "version": __version__, "rules": [_rule(kind) for kind in KINDS]}},
                "columnKind": "unicodeCodePoints",
                **({"invocations": [_invocation(notes)]} if notes else {}),
                "results": results,
            }
        ],
    }


def sarif_json(judged: Judged, notes: Sequence[str] = ()) -> str:
    """Findings as one SARIF document."""
    return json.dumps(sarif_document(judged, notes), indent=2, ensure_ascii=False) + "\n"


def _invocation(notes: Sequence[str]) -> dict[str, Any]:
    told = [{"level": "note", "message": {"text": note}} for note in notes]
    return {"executionSuccessful": True, "toolExecutionNotifications": told}


def _rule(kind: Any) -> dict[str, Any]:  # noqa: ANN401  # a FindingKind
    return {
        "id": kind.id,
        "name": "".join(word.capitalize() for word in kind.id.split("-")),
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": kind.meaning},
        "help": {"text": kind.fix},
        "defaultConfiguration": {"level": str(kind.severity)},
    }


def _result(each: Finding) -> dict[str, Any]:
    about = " ".join(part for part in (each.group_id, each.rule) if part)
    text = f"{about}: {each.message}. {each.fix}" if about else f"{each.message}. {each.fix}"
    return {
        "ruleId": each.id,
        "ruleIndex": _INDEX[each.id],
        "level": each.severity,
        "message": {"text": text},
        "locations": [_location(each)],
        "partialFingerprints": {"sgsim/v1": each.fingerprint},
    }


def _location(each: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if each.file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": file_uri(each.file)}}
        line = line_in(each.place)
        if line is not None:
            physical["region"] = {"startLine": line[0], "startColumn": line[1]}
        location["physicalLocation"] = physical
    name = each.place if each.place and line_in(each.place) is None else each.rule_id or each.group_id
    if name:
        location["logicalLocations"] = [{"fullyQualifiedName": name}]
    return location


def line_in(place: str) -> tuple[int, int] | None:
    """Line and column, where the place is one."""
    found = _LINE.search(place)
    return (int(found[1]), int(found[2])) if found else None


def file_uri(name: str) -> str:
    """A file's name as a relative URI, or an absolute one; which side of a plan it is does not belong to it."""
    path = _SIDE.sub("", name).replace("\\", "/")
    drive = _DRIVE.match(path)
    if drive is not None:
        return f"file:///{drive[0]}{quote(path[2:])}"
    return ("file://" if PurePosixPath(path).is_absolute() else "") + quote(path)
