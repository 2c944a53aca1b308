"""Changes of rules as users plan them: put into the order of their times, and each made to what the one before left.

The law: at one instant nothing is changed twice. Two changes of one moment that say different things of the same group,
list or interface have no order that a reader could know, so they are refused, with both places.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from attrs import evolve, field, frozen

from sgsim.documents.references import reference_notes, with_ids
from sgsim.errors import ConfigError, SgsimError
from sgsim.model.interface import TimeoutOverrides
from sgsim.rules.change import Change
from sgsim.rules.changed_items import changed_items
from sgsim.rules.inventory import Inventory

TIME_FORMS: Final = "in seconds from the first packet or as 2026-01-31T12:00:00Z"

_SECONDS: Final = re.compile(r"\d+(\.\d+)?|\.\d+", re.ASCII)
_RFC_3339: Final = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

_BILLION: Final = 1_000_000_000

Edit = Callable[[Inventory], Inventory]
"""Makes one inventory of another."""


@frozen(kw_only=True)
class PlannedChange:
    """A change before it is known what it is made to."""

    time_ns: int
    is_relative: bool
    origin: str
    """How reports name it."""
    place: str
    """Where it stands, for errors."""
    edit: Edit
    touched: Mapping[tuple[str, str], object] = field(factory=dict)
    """What it says of each thing, by kind and id; None if it removes it."""
    capacity: int | None = None
    lifts_capacity: bool = False
    timeouts: TimeoutOverrides = field(factory=TimeoutOverrides)


def read_time(text: str, what: str = "time") -> tuple[int, bool] | None:
    """Read a time of a change.

    Returns:
        Nanoseconds, and whether they count from the first packet, else from the epoch; None if it is no time.

    Raises:
        ConfigError: If there is no such time.
    """
    if _SECONDS.fullmatch(text):
        return int(Decimal(text) * _BILLION), True
    found = _RFC_3339.fullmatch(text)
    if found is None:
        return None
    whole, fraction, zone = found.groups()
    try:
        seconds = int(datetime.fromisoformat(whole.upper() + zone.upper()).timestamp())
    except ValueError as error:
        raise ConfigError(f"{what} must exist, got {text!r}: {error}") from error
    return seconds * _BILLION + int(Decimal(fraction or 0) * _BILLION), False


def made_in_order(
    planned: Iterable[PlannedChange], inventory: Inventory, finish: Edit = lambda inventory: inventory
) -> list[Change]:
    """Make each change to what the ones before it left.

    Args:
        planned: In any order.
        inventory: What holds before the first.
        finish: What options do to every inventory after its documents are read.

    Raises:
        SgsimError: If seconds and times of day are mixed, changes of one instant overlap, or one cannot be made.
    """
    ordered = sorted(planned, key=lambda change: change.time_ns)
    if len({change.is_relative for change in ordered}) > 1:
        listed = ", ".join(change.origin for change in ordered)
        raise ConfigError(f"times of changes must be all seconds or all times of day, got {listed}")
    _check_overlaps(ordered)
    made = []
    for change in ordered:
        before = inventory
        try:
            inventory = finish(_noted(with_ids(change.edit(before))))
        except SgsimError as error:
            if change.place not in getattr(error, "__notes__", ()):
                error.add_note(change.place)
            raise
        made.append(
            Change(
                change.time_ns,
                inventory,
                change.is_relative,
                change.origin,
                change.capacity,
                change.timeouts,
                changed_items(before, inventory),
                change.lifts_capacity,
            )
        )
    return made


def replacing(other: Inventory) -> tuple[Edit, Mapping[tuple[str, str], object]]:
    """A change by which what a document names replaces what has the same id; and what it touches."""
    # What a document says in vain is known only beside the others; what it says that nobody reads has a place.
    other = evolve(other, notes=tuple(note for note in other.notes if note.origin))
    kinds: dict[str, Mapping[str, object]] = {
        "group": other.groups, "prefix list": other.prefix_lists, "interface": other.interfaces,
        "instance": other.instances, "subnet": other.subnets, "network ACL": other.network_acls,
    }  # fmt: skip
    touched = {
        (kind, key): evolve(item, origin="") if hasattr(item, "origin") else item  # type: ignore[misc]  # all are attrs
        for kind, items in kinds.items()
        for key, item in items.items()
    }
    return lambda inventory: inventory.replaced_by(other), touched


def _noted(inventory: Inventory) -> Inventory:
    """The inventory with notes on what is referred to in vain now."""
    new = tuple(note for note in reference_notes(inventory) if note not in inventory.notes)
    return evolve(inventory, notes=inventory.notes + new)


def _check_overlaps(ordered: Iterable[PlannedChange]) -> None:
    said: dict[tuple[int, object], tuple[object, PlannedChange]] = {}
    for change in ordered:
        things = dict(change.touched)
        if change.capacity is not None or change.lifts_capacity:
            things["option", "capacity"] = change.capacity
        if change.timeouts != TimeoutOverrides():
            things["option", "timeouts"] = change.timeouts
        for thing, content in things.items():
            other, first = said.setdefault((change.time_ns, thing), (content, change))
            if first is not change and other != content:
                kind, key = thing
                error = ConfigError(
                    f"changes at one instant must not say different things of one {kind}, got {key} in {first.origin} "
                    f"and in {change.origin}: make them one change, or give them different times"
                )
                error.add_note(change.place)
                raise error
