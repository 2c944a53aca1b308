"""What differs between two rule sets: the nouns of `sgsim.analysis.diff`."""

import enum
from collections.abc import Iterator

from attrs import field, frozen

from sgsim.conntrack.entry import TrackingCause
from sgsim.model.packet import Packet
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.region import Region
from sgsim.rules.region_cover import Product


class Kind(enum.Enum):
    """How differently a packet fares that opens a flow."""

    ALLOWED = "newly_allowed"
    """The old rules deny it, the new ones allow it."""
    DENIED = "newly_denied"
    """The old rules allow it, the new ones deny it."""
    TRACKED = "now_tracked"
    """Both allow it; only under the new rules its flow takes a place in the table."""
    UNTRACKED = "now_untracked"
    """Both allow it; only under the old rules its flow takes a place in the table."""

    @property
    def opposite(self) -> "Kind":
        """What it is with old and new exchanged."""
        return _OPPOSITES[self]

    def __str__(self) -> str:
        """The name in outputs."""
        return self.value


_OPPOSITES = {
    Kind.ALLOWED: Kind.DENIED,
    Kind.DENIED: Kind.ALLOWED,
    Kind.TRACKED: Kind.UNTRACKED,
    Kind.UNTRACKED: Kind.TRACKED,
}


class Presence(enum.Enum):
    """On which sides something is described."""

    BOTH = "both"
    ADDED = "added"
    REMOVED = "removed"

    def __str__(self) -> str:
        """The name in outputs."""
        return self.value


@frozen(kw_only=True)
class Witness:
    """A packet that shows a difference."""

    packet: Packet
    at: str | None
    """The interface that judges it; None if it stands for any that carries the group alone."""
    member_of: str | None = None
    """The group or list, of unknown addresses, that its peer is taken to be in."""


@frozen(kw_only=True)
class Difference:
    """Packets of one direction that fare differently in the same way."""

    kind: Kind
    direction: Direction
    product: Product
    """Peers and services in a few words; what nobody can send or no group filters may be among them."""
    region: Region = field(repr=False)
    """Exactly the packets of the product that fare differently."""
    peer: str | None = None
    """Limited to members of this group or list, whose addresses nobody gave."""
    witness: Witness | None
    """None if the interface has no address of its family to meet the packet at."""
    old_rules: tuple[RuleRef, ...] = ()
    """Old rules that admit any of it."""
    new_rules: tuple[RuleRef, ...] = ()
    """New rules that admit any of it."""
    old_cause: TrackingCause | None = None
    """Why the witness's flow was tracked or not; None if tracking is not what differs, or nothing filtered it."""
    new_cause: TrackingCause | None = None
    """Why it is now."""


@frozen(kw_only=True)
class Compared:
    """A group, or an interface, on both sides."""

    old_id: str | None
    """None if only the new side has it."""
    new_id: str | None
    """None if only the old side has it."""
    name: str = ""
    paired_by: str = "id"
    """`id`, `name` or `map`."""
    group_ids: tuple[str, ...] = ()
    """Of an interface: the groups that it carries, on the new side where that has it."""
    carried_by: tuple[str, ...] = ()
    """Of a group: the interfaces that carry it on either side."""
    differences: tuple[Difference, ...] = ()

    @property
    def presence(self) -> Presence:
        """On which sides it is."""
        if self.old_id is None:
            return Presence.ADDED
        return Presence.REMOVED if self.new_id is None else Presence.BOTH

    @property
    def shown_id(self) -> str:
        """The id to call it by: the new one where there is one."""
        return self.new_id or self.old_id or ""

    @property
    def differs(self) -> bool:
        """Whether anything is not the same on both sides."""
        return bool(self.differences) or self.presence is not Presence.BOTH


@frozen(kw_only=True)
class RulesDiff:
    """All that differs between two inventories."""

    groups: tuple[Compared, ...]
    """Every group of either side."""
    interfaces: tuple[Compared, ...]
    """Every interface of either side."""
    unknown_peers: tuple[str, ...] = ()
    """Groups and lists without known addresses, which were compared by name."""
    notes: tuple[str, ...] = field(default=())
    """What was not compared, and what one side was taken to share with the other, in whole sentences."""
    document_notes: tuple[str, ...] = field(default=())
    """What the documents leave open and what was taken for it, in whole sentences."""

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return any(compared.differs for compared in (*self.groups, *self.interfaces))

    def differences(self) -> Iterator[tuple[Compared, Difference]]:
        """Every difference, groups first."""
        return (
            (compared, difference)
            for compared in (*self.groups, *self.interfaces)
            for difference in compared.differences
        )
