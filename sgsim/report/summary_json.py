"""A summary for programs; `sgsim/data/schemas/replay-summary.schema.json` says what is in it.

Keys are those of `sgsim.simulation.summary`; times are nanoseconds since the epoch, and those that people look at also
RFC 3339 in UTC.
"""

import json
from typing import Any, Final

from attrs import asdict

from sgsim import __version__
from sgsim.report.change_sections import FATES
from sgsim.report.sentences import cause_sentence, sentence_of
from sgsim.report.summary_asking import Asking
from sgsim.report.table_sections import note_on_peaks
from sgsim.report.units import rfc3339
from sgsim.simulation.pressure_bins import PressureBins
from sgsim.simulation.summary import Summary

SCHEMA_VERSION: Final = 1


def summary_document(summary: Summary, asking: Asking | None = None) -> dict[str, Any]:
    """A summary as plain values."""
    document = {"schema_version": SCHEMA_VERSION, "tool": "sgsim", "version": __version__, **_plain(summary)}
    document |= {"start_time": _time(summary.start_ns), "end_time": _time(summary.end_ns)}
    for reason, count in zip(document["reasons"], summary.reasons, strict=True):
        reason["sentence"] = sentence_of(count.reason)
        reason["explain"] = (asking.explain(count.first, several=len(summary.files) > 1) or None) if asking else None
    if summary.records is not None:
        document["records"]["peaks_note"] = note_on_peaks(summary)
        _complete_agreement(document["records"]["agreement"], summary, asking)
    for change in document["changes"]:
        change["time"] = _time(change["time_ns"])
        for fate in change["fates"]:
            fate["sentence"] = FATES[fate["fate"]]
    for table in document["tables"]:
        table["peak_time"] = _time(table["peak_time_ns"])
    return document


def _plain(summary: Summary) -> dict[str, Any]:
    """Its fields as they are; `asdict` goes into tuples, but not into sequences of other kinds."""
    return asdict(summary, value_serializer=lambda _, __, value: tuple(value) if type(value) is PressureBins else value)


def _complete_agreement(document: dict[str, Any], summary: Summary, asking: Asking | None) -> None:
    """Add sentences and commands, as reasons have them."""
    assert summary.records is not None, "it is asked before"  # noqa: S101  # a law of the caller
    agreement, several = summary.records.agreement, len(summary.files) > 1
    for cause, cause_count in zip(document["causes"], agreement.causes, strict=True):
        cause["sentence"] = cause_sentence(cause_count.cause)
    for group, each in zip(document["disagreements"], agreement.disagreements, strict=True):
        group["explain"] = (asking.explain(each.first, several=several) or None) if asking else None


def summary_json(summary: Summary, asking: Asking | None = None) -> str:
    """A summary as one JSON document."""
    return json.dumps(summary_document(summary, asking), indent=2, ensure_ascii=False) + "\n"


def _time(time_ns: int | None) -> str | None:
    return None if time_ns is None else rfc3339(time_ns)
