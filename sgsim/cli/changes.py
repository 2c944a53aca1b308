"""`--change TIME=RULES`: rules that take over while the traffic runs.

Groups, prefix lists and interfaces in RULES replace those with the same id; all others stay. Several changes build on
each other in the order of their times.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from attrs import evolve

from sgsim.documents import load
from sgsim.documents.options import naming
from sgsim.documents.references import reference_notes, with_ids
from sgsim.errors import ConfigError
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory

OPTION: Final = "--change"

_SECONDS: Final = re.compile(r"\d+(\.\d+)?|\.\d+")
_RFC_3339: Final = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

_BILLION: Final = 1_000_000_000


def parse_changes(
    texts: Iterable[str], inventory: Inventory, finish: Callable[[Inventory], Inventory], vpc: str | None = None
) -> list[Change]:
    """Read changes and build what holds after each.

    Args:
        texts: `TIME=RULES`, in any order.
        inventory: What holds before the first.
        finish: What options do to an inventory after its documents are read.
        vpc: Keep only what belongs to this VPC, where RULES name any.

    Raises:
        SgsimError: If a time or a document is not right, or seconds and times of day are mixed.
    """
    timed = [(*_time(text), text) for text in texts]
    if len({is_relative for _, is_relative, _ in timed}) > 1:
        raise ConfigError(
            f"times of {OPTION} must be all seconds or all times of day, got {', '.join(text for *_, text in timed)}"
        )
    changes = []
    for time_ns, is_relative, text in sorted(timed, key=lambda item: item[0]):
        with naming(OPTION, text):
            inventory = finish(_changed(inventory, text.partition("=")[2], vpc))
        changes.append(Change(time_ns, inventory, is_relative, text))
    return changes


def _changed(inventory: Inventory, path: str, vpc: str | None) -> Inventory:
    if not path:
        raise ConfigError("change must be TIME=RULES, got no RULES")
    other = load(path)
    if vpc is not None and other.vpc_ids:
        other = other.in_vpc(vpc)
    # What a document says in vain is known only beside the others; what it says that nobody reads has a place.
    other = evolve(other, notes=tuple(note for note in other.notes if note.origin))
    changed = with_ids(inventory.replaced_by(other))
    new = tuple(note for note in reference_notes(changed) if note not in changed.notes)
    return evolve(changed, notes=changed.notes + new)


def _time(text: str) -> tuple[int, bool]:
    """Nanoseconds, and whether they count from the first packet."""
    time = text.partition("=")[0]
    if _SECONDS.fullmatch(time):
        return int(Decimal(time) * _BILLION), True
    found = _RFC_3339.fullmatch(time)
    if found is None:
        raise ConfigError(
            f"{OPTION} must be TIME=RULES with TIME in seconds from the first packet or as 2026-01-31T12:00:00Z, "
            f"got {text!r}"
        )
    whole, fraction, zone = found.groups()
    try:
        seconds = int(datetime.fromisoformat(whole.upper() + zone.upper()).timestamp())
    except ValueError as error:
        raise ConfigError(f"time of {OPTION} must exist, got {time!r}: {error}") from error
    return seconds * _BILLION + int(Decimal(fraction or 0) * _BILLION), False
