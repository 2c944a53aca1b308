"""Narrower rules, for programs; `sgsim/data/schemas/tighten.schema.json` says what is in it."""

from attrs import fields, frozen

from sgsim.analysis.tighten import Replacement, Replayed, Tightening
from sgsim.report.analysis_json import analysis_json
from sgsim.report.tighten_text import note_on_peaks


@frozen(kw_only=True)
class TighteningDocument:
    """What is written: all but the rules as objects, which `--output` writes."""

    profile: str
    files: tuple[str, ...]
    unit: str
    learned_until_ns: int | None
    """From this time on the traffic was held out; null if all of it was learned from."""
    rules_before: int
    rules_after: int
    peak_before: int
    peak_after: int
    replacements: tuple[Replacement, ...]
    learned: Replayed
    held_out: Replayed | None
    tcp: int
    tcp_without_flags: int
    notes: tuple[str, ...]
    broken: str | None


def tighten_json(found: Tightening) -> str:
    """What was found, as one JSON document."""
    names = [attribute.name for attribute in fields(TighteningDocument)]
    document = TighteningDocument(**{name: getattr(found, name) for name in names})
    return analysis_json(document, peaks_note=note_on_peaks(found))
