"""Every setting of a profile with its value, standing, source and note: read from the profile itself."""

import json
import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Any

from sgsim import __version__
from sgsim.conntrack.profile import Profile
from sgsim.model.standing import Setting, Standing
from sgsim.report.assumptions import assumption_about
from sgsim.report.decision_text import WIDTH

SCHEMA_VERSION = 1

_HEADS = ("setting", "value", "standing", "source")


def profile_text(profile: Profile) -> str:
    """A table of all settings."""
    return "\n".join(_lines(profile)) + "\n"


def profile_json(profile: Profile) -> str:
    """The same for programs; `sgsim/data/schemas/profile.schema.json` says what is in it."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "profile": profile.name,
        "title": profile.title,
        "dated": profile.dated,
        "settings": [_document(name, setting) for name, setting in profile.settings()],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _document(name: str, setting: Setting[Any]) -> dict[str, Any]:
    assumption = assumption_about(name) if setting.standing is Standing.ASSUMED else None
    return {
        "name": name,
        "value": _plain(setting.value),
        "standing": str(setting.standing),
        "sources": setting.source.split(),
        "note": setting.note,
        "bounds": None if setting.bounds is None else list(setting.bounds),
        "choices": _choices(setting),
        "if_wrong": assumption.if_wrong if assumption else "",
        "measure": assumption.measure if assumption else "",
    }


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _lines(profile: Profile) -> Iterator[str]:
    yield f"{profile.name}: {profile.title} (as of {profile.dated})"
    yield ""
    rows = [(name, _value(setting), str(setting.standing), setting.source) for name, setting in profile.settings()]
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    yield _row(_HEADS, widths)
    notes = [setting.note for _, setting in profile.settings()]
    for row, note in zip(rows, notes, strict=True):
        yield _row(row, widths)
        yield from textwrap.wrap(note, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
    yield ""
    yield "Times (..._s) are seconds of silence. What else a value can be stands in brackets; what is true can be false."
    yield "Any setting can be changed: --set NAME=VALUE."
    yield "Standing: documented (its owner says so), standard (an RFC says so), observed (measured or reported),"
    yield "assumed (nobody says; ours), given (set by an option). Sources are keys of docs/sources.md."
    if any(setting.standing is Standing.ASSUMED for _, setting in profile.settings()):
        yield "docs/assumptions.md says what changes if an assumed value is wrong, and how to measure it."


def _value(setting: Setting[Any]) -> str:
    value = _plain(setting.value)
    text = (
        str(value).lower() if isinstance(value, bool) else f"{value:.15g}" if isinstance(value, float) else str(value)
    )
    if setting.bounds is not None:
        return f"{text} ({setting.bounds[0]:g}..{setting.bounds[1]:g})"
    others = [choice for choice in _choices(setting) if choice != value]
    return f"{text} ({', '.join(map(str, others))})" if others and not isinstance(value, bool) else text


def _choices(setting: Setting[Any]) -> list[object]:
    """Every value of a choice; none of a time, which is a number."""
    if isinstance(setting.value, bool):
        return [True, False]
    return [member.value for member in type(setting.value)] if isinstance(setting.value, Enum) else []


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
