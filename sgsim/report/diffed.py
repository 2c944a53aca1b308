"""What `sgsim.diff` gives: a diff that reads itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from attrs import frozen

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.difference import Compared
from sgsim.analysis.intended import intents_of, judge_intended
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.documents.intended_doc import read_intended
from sgsim.report.diff_json import diff_document
from sgsim.report.diff_report import DiffReport
from sgsim.report.diff_sections import diff_sections
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory, check_inventory
from sgsim.simulation.api import TrafficOptions, inputs_of, traffic_options

if TYPE_CHECKING:
    from sgsim.analysis.traffic_difference import TrafficDiff


@frozen(repr=False)
class Diffed:
    """What changes; true if anything does. In a console or a notebook it shows as its text."""

    facts: DiffReport
    """Everything that the text is made of."""

    def __bool__(self) -> bool:
        """Whether anything differs, by the rules or for the traffic."""
        return bool(self.facts.diff) or bool(self.facts.traffic)

    @property
    def traffic(self) -> "TrafficDiff | None":
        """What becomes different for the traffic that was given."""
        return self.facts.traffic

    @property
    def groups(self) -> tuple[Compared, ...]:
        """Every group of either side, as if it were an interface's only one."""
        return self.facts.diff.groups

    @property
    def interfaces(self) -> tuple[Compared, ...]:
        """Every interface of either side, with all that it carries."""
        return self.facts.diff.interfaces

    @property
    def is_as_intended(self) -> bool:
        """Whether nothing differs beyond what was intended; without intent, whether nothing differs."""
        judged = self.facts.judged
        return not self if judged is None else judged.holds

    @property
    def document(self) -> dict[str, Any]:
        """What `sgsim diff --format json` prints, as plain values."""
        return diff_document(self.facts)

    def __str__(self) -> str:
        """What `sgsim diff` prints."""
        return plain_text(text_lines(diff_sections(self.facts))).rstrip("\n")

    __repr__ = __str__


def diff(
    old: Inventory,
    new: Inventory,
    *,
    mapping: Mapping[str, str] | None = None,
    intended: str | Path | None = None,
    traffic: object = None,
    at_s: float | None = None,
    engine: str = "auto",
    **options: Unpack[TrafficOptions],
) -> Diffed:
    """Say what changes from one rule set to another, exactly, for every packet that could open a flow.

    Args:
        old: What was, as `sgsim.load` gives it.
        new: What is to be.
        mapping: Old groups, by id or name, and the new groups that they are, where neither id nor name tells.
        intended: A file of differences that are meant.
        traffic: What to replay under both, as `sgsim.replay` takes it; None for nothing.
        at_s: Seconds after the first packet from which the new rules hold; None to compare whole runs.
        engine: As `sgsim.replay` takes it.
        **options: Profile, capacity, timeouts and how recordings are understood, see
            `sgsim.simulation.api.TrafficOptions`.

    Raises:
        UnresolvedReferenceError: If no document describes a group of an interface, or a verdict hinges on a reference
            whose addresses nobody gave.
        NoTrafficError: If no packet of the traffic touches a known interface.
        SgsimError: If the mapping, the file of what is intended or the traffic is not right.
    """
    check_inventory(old, "old")
    check_inventory(new, "new")
    given = traffic_options(**options)
    found = diff_rules(old, new, given, mapping)
    judged = None
    if intended is not None:
        intents = intents_of(read_intended(intended, old, new), old, new, found.unknown_peers)
        judged = judge_intended(found, intents)
    replayed = None
    if traffic is not None:
        from sgsim.analysis.traffic_diff import diff_traffic  # noqa: PLC0415  # numpy is only for those who replay

        change = None if at_s is None else Change(round(at_s * NANOSECONDS), new, is_relative=True)
        replayed = diff_traffic(old, new, inputs_of(traffic), given, engine=engine, at=change, mapping=mapping)
    return Diffed(DiffReport(found, given.profile, judged, replayed))
