"""Findings beside those that somebody has accepted."""

from collections.abc import Sequence
from datetime import date

from attrs import evolve, frozen

from sgsim.analysis.finding import Finding
from sgsim.documents.baseline_doc import Acceptance


@frozen(kw_only=True)
class Accepted:
    """A finding that is in the baseline."""

    finding: Finding
    reason: str
    owner: str
    expires: str | None


@frozen(kw_only=True)
class Judged:
    """Findings after the baseline."""

    open: tuple[Finding, ...]
    """Those that nobody has accepted, or no longer."""
    accepted: tuple[Accepted, ...]
    gone: tuple[Acceptance, ...]
    """Members of the baseline that nothing is found for any more."""


def judge(findings: Sequence[Finding], baseline: Sequence[Acceptance], today: date) -> Judged:
    """Put aside what is accepted; what has expired comes back, and says so."""
    known = {(each.finding, each.fingerprint): each for each in baseline}
    left, accepted, met = [], [], set()
    for found in findings:
        acceptance = known.get((found.id, found.fingerprint))
        if acceptance is None:
            left.append(found)
            continue
        met.add((acceptance.finding, acceptance.fingerprint))
        expires = acceptance.expires
        if expires is not None and today > expires:
            told = f"{found.message} (accepted until {expires.isoformat()}: {acceptance.reason})"
            left.append(evolve(found, message=told))
        else:
            until = expires.isoformat() if expires is not None else None
            accepted.append(Accepted(finding=found, reason=acceptance.reason, owner=acceptance.owner, expires=until))
    gone = tuple(each for key, each in known.items() if key not in met)
    return Judged(open=tuple(left), accepted=tuple(accepted), gone=gone)


def accept_all(findings: Sequence[Finding], reason: str, expires: date | None = None) -> tuple[Acceptance, ...]:
    """A baseline of everything that is found now."""
    return tuple(
        Acceptance(
            finding=each.id,
            fingerprint=each.fingerprint,
            reason=reason,
            expires=expires,
            about=" ".join(part for part in (each.group_id, each.rule or each.message) if part),
        )
        for each in findings
    )
