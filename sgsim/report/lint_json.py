"""What lint found, for programs; `sgsim/data/schemas/lint.schema.json` says what is in it."""

from attrs import frozen

from sgsim.analysis.baseline import Accepted, Judged
from sgsim.analysis.finding import Finding
from sgsim.analysis.lint import Lint
from sgsim.report.analysis_json import analysis_json
from sgsim.report.lint_text import note_on_places


@frozen(kw_only=True)
class LintDocument:
    """What is written."""

    profile: str
    groups: int
    rules: int
    interfaces: int
    findings: tuple[Finding, ...]
    """The worst first; without those that are accepted."""
    accepted: tuple[Accepted, ...]
    """Findings that are in the baseline."""
    no_longer_found: tuple[str, ...]
    """Fingerprints of the baseline that nothing is found for any more."""
    broken: str | None
    notes: tuple[str, ...]
    """What the documents leave open and what was taken for it; with traffic also what should be known of its files."""


def lint_json(lint: Lint, judged: Judged) -> str:
    """What was found, as one JSON document."""
    findings = (*judged.open, *(each.finding for each in judged.accepted))
    return analysis_json(
        LintDocument(
            profile=lint.profile,
            groups=lint.groups,
            rules=lint.rules,
            interfaces=lint.interfaces,
            findings=judged.open,
            accepted=judged.accepted,
            no_longer_found=tuple(each.fingerprint for each in judged.gone),
            broken=lint.broken,
            notes=lint.notes,
        ),
        peaks_note=note_on_places(lint, findings),
    )
