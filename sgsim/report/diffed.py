"""What `sgsim.diff` gives: a diff that reads itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

from attrs import frozen

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.difference import Compared
from sgsim.analysis.intended import intents_of, judge_intended
from sgsim.documents.intended_doc import read_intended
from sgsim.report.diff_json import diff_document
from sgsim.report.diff_report import DiffReport
from sgsim.report.diff_sections import diff_sections
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.rules.inventory import Inventory
from sgsim.simulation.api import FilterOptions, filter_options


@frozen(repr=False)
class Diffed:
    """What changes; true if anything does. In a console or a notebook it shows as its text."""

    facts: DiffReport
    """Everything that the text is made of."""

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.facts.diff)

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
    **options: Unpack[FilterOptions],
) -> Diffed:
    """Say what changes from one rule set to another, exactly, for every packet that could open a flow.

    Args:
        old: What was, as `sgsim.load` gives it.
        new: What is to be.
        mapping: Old groups, by id or name, and the new groups that they are, where neither id nor name tells.
        intended: A file of differences that are meant.
        **options: Whose behaviour to follow, see `sgsim.simulation.api.FilterOptions`.

    Raises:
        UnresolvedReferenceError: If no document describes a group of an interface.
        SgsimError: If the mapping or the file of what is intended is not right.
    """
    given = filter_options(**options)
    found = diff_rules(old, new, given, mapping)
    judged = None
    if intended is not None:
        intents = intents_of(read_intended(intended, old, new), old, new, found.unknown_peers)
        judged = judge_intended(found, intents)
    return Diffed(DiffReport(found, given.profile, judged))
