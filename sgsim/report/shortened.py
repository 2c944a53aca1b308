"""What `sgsim.minimize` gives: fewer rules, which read themselves."""

from collections.abc import Iterable
from typing import Any, Unpack

from attrs import frozen

from sgsim.analysis.minimize import Minimized, MinimizedGroup
from sgsim.analysis.minimize import minimize as minimize_rules
from sgsim.report.minimize_text import minimize_document, minimize_sections
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.rules.inventory import Inventory
from sgsim.simulation.api import FilterOptions, filter_options


@frozen(repr=False)
class Shortened:
    """Rules before and after; true if there are fewer. In a console or a notebook it shows as its text."""

    facts: Minimized
    """Everything that the text is made of."""
    profile: str

    def __bool__(self) -> bool:
        """Whether any rule can go."""
        return self.saved > 0

    @property
    def saved(self) -> int:
        """How many rules fewer there are."""
        return self.facts.saved

    @property
    def groups(self) -> tuple[MinimizedGroup, ...]:
        """Each group before and after."""
        return self.facts.groups

    @property
    def inventory(self) -> Inventory:
        """Everything with the rules after."""
        return self.facts.inventory

    @property
    def document(self) -> dict[str, Any]:
        """What `sgsim minimize --format json` prints, as plain values."""
        return minimize_document(self.facts, self.profile)

    def __str__(self) -> str:
        """What `sgsim minimize` prints."""
        return plain_text(text_lines(minimize_sections(self.facts))).rstrip("\n")

    __repr__ = __str__


def minimize(rules: Inventory, *, groups: str | Iterable[str] = (), **options: Unpack[FilterOptions]) -> Shortened:
    """Find fewer rules that mean the same, and prove that they do.

    Args:
        rules: What `sgsim.load` gives.
        groups: Ids or names of groups; none for all.
        **options: Profile, capacity and timeouts, see `sgsim.simulation.api.FilterOptions`.

    Raises:
        RuleError: If a group is not known.
        UnresolvedReferenceError: If no document describes a group of an interface.
    """
    given = filter_options(**options)
    chosen = [groups] if isinstance(groups, str) else list(groups)
    return Shortened(minimize_rules(rules, chosen, given), given.profile.name)
