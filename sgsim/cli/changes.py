"""`--change TIME=RULES` and `--timeline FILE`: what takes over while the traffic runs.

Groups, prefix lists and interfaces in RULES replace those with the same id; all others stay. Several changes build on
each other in the order of their times.
"""

from collections.abc import Callable, Iterable
from typing import Final

from sgsim.documents import load
from sgsim.documents.changes import TIME_FORMS, PlannedChange, made_in_order, read_time, replacing
from sgsim.documents.options import naming
from sgsim.documents.timeline import read_timeline
from sgsim.errors import ConfigError
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory

OPTION: Final = "--change"


def parse_changes(
    texts: Iterable[str],
    inventory: Inventory,
    finish: Callable[[Inventory], Inventory],
    vpc: str | None = None,
    timelines: Iterable[str] = (),
) -> list[Change]:
    """Read changes and build what holds after each.

    Args:
        texts: `TIME=RULES`, in any order.
        inventory: What holds before the first.
        finish: What options do to an inventory after its documents are read.
        vpc: Keep only what belongs to this VPC, where RULES name any.
        timelines: Files of changes.

    Raises:
        SgsimError: If a time or a document is not right, or changes contradict each other.
    """
    planned = [_planned(text, vpc) for text in texts]
    for path in timelines:
        planned += read_timeline(path, vpc)
    return made_in_order(planned, inventory, finish)


def _planned(text: str, vpc: str | None) -> PlannedChange:
    time, _, path = text.partition("=")
    read = read_time(time, f"time of {OPTION}")
    if read is None:
        raise ConfigError(f"{OPTION} must be TIME=RULES with TIME {TIME_FORMS}, got {text!r}")
    time_ns, is_relative = read
    with naming(OPTION, text):
        if not path:
            raise ConfigError("change must be TIME=RULES, got no RULES")
        other = load(path)
        if vpc is not None and other.vpc_ids:
            other = other.in_vpc(vpc)
    edit, touched = replacing(other)
    return PlannedChange(
        time_ns=time_ns, is_relative=is_relative, origin=text, place=f"{OPTION} {text}", edit=edit, touched=touched
    )
