"""Baselines: findings that somebody has accepted, with a reason and until when.

Nobody else writes this form, so an unknown key is a slip.
"""

import re
from datetime import date
from pathlib import Path
from typing import Final

from attrs import frozen

from sgsim.documents.files import naming_file, read_roots
from sgsim.documents.node import Node

KEYS: Final = ("finding", "fingerprint", "reason", "owner", "expires", "about")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@frozen(kw_only=True)
class Acceptance:
    """A finding that is known and accepted."""

    finding: str
    """Its kind."""
    fingerprint: str
    reason: str
    owner: str = ""
    expires: date | None = None
    """The last day on which it is accepted; None for ever."""
    about: str = ""
    """What it is about, for readers."""


def read_baseline(path: str | Path) -> tuple[Acceptance, ...]:
    """Read a baseline.

    Raises:
        DocumentError: If it cannot be read, a key is unknown or a value of the wrong kind.
    """
    with naming_file(path):
        return tuple(_read(node) for root in read_roots(path) for node in _listed(root))


def _listed(root: Node) -> list[Node]:
    root.refuse_unknown(("accepted",))
    return list(root.items("accepted"))


def _read(node: Node) -> Acceptance:
    node.refuse_unknown(KEYS)
    return Acceptance(
        finding=node.text("finding"),
        fingerprint=node.text("fingerprint"),
        reason=node.text("reason"),
        owner=node.text_or_none("owner") or "",
        expires=_date(node),
        about=node.text_or_none("about") or "",
    )


def _date(node: Node) -> date | None:
    text = node.text_or_none("expires")
    if text is None:
        return None
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise node.need("expires").error(f"expires must be a day such as '2027-01-31', got {text!r}")
    return found


def write_baseline(accepted: tuple[Acceptance, ...]) -> str:
    """Write a baseline; every text stands in quotes, so that YAML reads what is written."""
    lines = ["accepted:" if accepted else "accepted: []"]
    for each in accepted:
        pairs = {
            "finding": each.finding,
            "fingerprint": each.fingerprint,
            "about": each.about,
            "reason": each.reason,
            "owner": each.owner,
            "expires": each.expires.isoformat() if each.expires is not None else "",
        }
        shown = [f"{name}: {_quoted(text)}" for name, text in pairs.items() if text]
        lines += [f"  - {shown[0]}", *(f"    {line}" for line in shown[1:])]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
