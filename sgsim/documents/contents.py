"""What one document says, before it is joined with others.

Most of it is an `Inventory` already; the rest makes sense only beside other documents, as entries of a prefix list
whose id stands elsewhere.
"""

from collections.abc import Mapping
from typing import NamedTuple

from attrs import evolve, field, frozen
from netaddr import IPNetwork

from sgsim.model.interface import Interface
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory, Note
from sgsim.rules.rule import Rule


class StaleReference(NamedTuple):
    """A reference that EC2 calls stale: every rule of this group and direction that names that group."""

    group_id: str
    direction: Direction
    referenced_group_id: str


@frozen(kw_only=True)
class Contents:
    """What one document says."""

    origin: str
    inventory: Inventory = field(factory=Inventory)
    rules: tuple[Rule, ...] = ()
    """From describe-security-group-rules: rules with their `sgr-` ids, without the rest of their groups."""
    owners: Mapping[str, str] = field(factory=dict)
    """From describe-security-group-rules: account of each group."""
    entries: tuple[IPNetwork, ...] | None = None
    """From get-managed-prefix-list-entries: entries of a prefix list that the document does not name."""
    attached: Mapping[str, Interface] = field(factory=dict)
    """From describe-instances: interfaces of instances; documents about interfaces know better."""
    stale: frozenset[StaleReference] = frozenset()
    """From describe-stale-security-groups."""

    def noting(self, notes: tuple[Note, ...]) -> "Contents":
        """The same with more notes."""
        return evolve(self, inventory=evolve(self.inventory, notes=self.inventory.notes + notes))
