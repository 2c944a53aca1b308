"""What changes between two rule sets, exactly, for every packet that could open a flow.

Law: the differences are regions, found by algebra and not by trying packets; the order, splitting and merging of rules
make none. `diff(a, a)` is empty, and `diff(b, a)` is `diff(a, b)` with old and new exchanged.

Groups are compared as if each were an interface's only group; interfaces with all that they carry, which is what counts
in the network. What groups never filter is no difference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, evolve, field

from sgsim.analysis.difference import Compared, Difference, Kind, RulesDiff, Witness
from sgsim.analysis.document_notes import document_notes
from sgsim.analysis.groups_alone import diff_note
from sgsim.analysis.openings import ORDINARY_PORT, OpeningFinder, Openings, admitting_rules, impossible
from sgsim.analysis.pairing import Pair
from sgsim.analysis.sides import Sides
from sgsim.analysis.witness import witness_packet
from sgsim.conntrack.entry import TrackingCause
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.model.address import Family
from sgsim.model.interface import Interface
from sgsim.model.packet import Packet
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.region import Region
from sgsim.rules.region_cover import Product, cover
from sgsim.rules.region_smoothing import smoothed

ALONE = Interface(interface_id="an interface", addresses=("192.0.2.10", "2001:db8::10"))
"""Stands for an interface that carries one group and nothing else."""

_OF_TRACKING = frozenset({Kind.TRACKED, Kind.UNTRACKED})


def diff_rules(
    old: Inventory, new: Inventory, options: EngineOptions = DEFAULT_OPTIONS, mapping: Mapping[str, str] | None = None
) -> RulesDiff:
    """Compare two rule sets.

    Args:
        old: What was.
        new: What is to be.
        options: Whose behaviour to follow.
        mapping: Old groups, by id or name, and the new groups that they are, where neither id nor name tells.

    Raises:
        UnresolvedReferenceError: If no document describes a group of an interface.
        ConfigError: If the mapping is contradictory.
        RuleError: If it names a group that no document describes.
    """
    sides = Sides.of(old, new, mapping)
    return _Comparison(sides.old, sides.new, options, sides.ids).diff(sides)


@define
class _Comparison:
    old: Inventory
    new: Inventory
    options: EngineOptions
    ids: Mapping[str, str]
    """New group ids by old ones."""
    finders: tuple[OpeningFinder, OpeningFinder] = field(init=False)
    _old_names: dict[str, str] = field(init=False)
    """Old group ids by new ones."""
    _covers: dict[Region, tuple[Product, ...]] = field(init=False, factory=dict)
    _found: dict[tuple[int, int], "tuple[_Changed, ...]"] = field(init=False, factory=dict)
    """What differs between openings of both sides, by their identity: the finders keep them, and give them again."""

    @finders.default
    def _make_finders(self) -> tuple[OpeningFinder, OpeningFinder]:
        old, new = OpeningFinder(self.old, self.options), OpeningFinder(self.new, self.options)
        names = {new_id: old_id for old_id, new_id in self.ids.items()}
        unknown = old.unresolved() | {names.get(peer, peer) for peer in new.unresolved()}
        old.unknown, new.unknown = unknown, frozenset(self.ids.get(peer, peer) for peer in unknown)
        return old, new

    @_old_names.default
    def _find_old_names(self) -> dict[str, str]:
        return {new_id: old_id for old_id, new_id in self.ids.items()}

    def diff(self, sides: Sides) -> RulesDiff:
        return RulesDiff(
            groups=tuple(self._group(pair) for pair in sides.pairs),
            interfaces=tuple(self._interfaces()),
            unknown_peers=tuple(sorted(self.finders[0].unknown)),
            notes=(*sides.notes, *filter(None, [diff_note(self.old, self.new)])),
            document_notes=document_notes(self.old, self.new),
        )

    def _group(self, pair: Pair) -> Compared:
        old_id, new_id = (None if group is None else group.group_id for group in (pair.old, pair.new))
        carriers = [
            (key, interface)
            for inventory, group_id in ((self.new, new_id), (self.old, old_id))
            for key, interface in inventory.interfaces.items()
            if group_id in interface.group_ids
        ]
        sides = [None if each is None else evolve(ALONE, group_ids=(each,)) for each in (old_id, new_id)]
        return Compared(
            old_id=old_id,
            new_id=new_id,
            name=(pair.new or pair.old).name,  # type: ignore[union-attr]  # one side has it
            paired_by=pair.by,
            carried_by=tuple(dict.fromkeys(key for key, _ in carriers)),
            differences=self._differences(sides[0], sides[1], carriers=[interface for _, interface in carriers]),
        )

    def _interfaces(self) -> Iterator[Compared]:
        for key in {**self.old.interfaces, **self.new.interfaces}:
            old, new = self.old.interfaces.get(key), self.new.interfaces.get(key)
            yield Compared(
                old_id=key if old else None,
                new_id=key if new else None,
                group_ids=(new or old).group_ids,  # type: ignore[union-attr]  # one side has it
                differences=self._differences(old, new, key),
            )

    def _differences(
        self,
        old: Interface | None,
        new: Interface | None,
        at: str | None = None,
        carriers: Sequence[Interface] = (),
    ) -> tuple[Difference, ...]:
        """What differs at one interface, or at any that carries a group alone.

        Where a side has none, rules make the difference: nothing passes there but what is never filtered on the other.
        """
        sides = (old, new)
        found = [
            None if side is None else finder.openings(side) for finder, side in zip(self.finders, sides, strict=True)
        ]
        if found[0] == found[1]:
            return ()
        here = [side for side in sides if side is not None]
        return tuple(
            each
            for direction in Direction
            for each in self._of_direction(
                direction,
                *(
                    other.closed(direction) if of_side is None else of_side[direction]
                    for of_side, other in zip(found, reversed(self.finders), strict=True)
                ),
                sides=sides,
                never=Region() if at is None else impossible(here),
                at=at,
                carriers=carriers,
            )
        )

    def _of_direction(
        self,
        direction: Direction,
        old: Openings,
        new: Openings,
        *,
        sides: tuple[Interface | None, Interface | None],
        never: Region,
        at: str | None,
        carriers: Sequence[Interface],
    ) -> Iterator[Difference]:
        here = [side for side in reversed(sides) if side is not None]
        local = _local([*carriers, *here])
        key = id(old), id(new)
        if key not in self._found:
            renamed = self._renamed(new)
            self._found[key] = () if old == renamed else tuple(_regions(old, renamed))
        if not self._found[key]:
            return
        free = self.finders[0].exempt(direction) | self.finders[1].exempt(direction) | never
        for kind, peer, region in self._found[key]:
            met = region - never
            if not met:
                continue
            products = self._cover(met, free)
            for product in products:
                part = product.region() & met if len(products) > 1 else met
                packet = witness_packet(product, met, direction, local, ORDINARY_PORT)
                causes = self._causes(sides, packet, direction) if kind in _OF_TRACKING else (None, None)
                yield Difference(
                    kind=kind,
                    direction=direction,
                    product=product,
                    region=part,
                    peer=peer,
                    witness=None if packet is None else Witness(packet=packet, at=at, member_of=peer),
                    old_rules=self._rules(0, sides[0], direction, part, peer) if kind is not Kind.ALLOWED else (),
                    new_rules=(
                        self._rules(1, sides[1], direction, part, peer and self.ids.get(peer, peer))
                        if kind is not Kind.DENIED
                        else ()
                    ),
                    old_cause=causes[0],
                    new_cause=causes[1],
                )

    def _causes(
        self, sides: tuple[Interface | None, Interface | None], packet: Packet | None, direction: Direction
    ) -> tuple[TrackingCause | None, ...]:
        """Why each side tracks the flow of a packet, or does not."""
        if packet is None:
            return None, None
        header = Header.of(packet.five_tuple, direction, packet.icmp_type, packet.icmp_code)
        return tuple(
            finder.tracking_cause(side, header) if side is not None and side.group_ids else None
            for finder, side in zip(self.finders, sides, strict=True)
        )

    def _renamed(self, new: Openings) -> Openings:
        """What becomes of openings on the new side, with unknown peers under their old names."""
        if not new.unknown:
            return new
        return evolve(new, unknown={self._old_names.get(peer, peer): region for peer, region in new.unknown.items()})

    def _cover(self, region: Region, free: Region) -> tuple[Product, ...]:
        """Few products that say it, where what nobody can send or nothing filters may be in them too."""
        smooth = smoothed(region, free)
        if smooth not in self._covers:
            self._covers[smooth] = cover(smooth)
        return self._covers[smooth]

    def _rules(
        self, side: int, interface: Interface | None, direction: Direction, region: Region, peer: str | None
    ) -> tuple[RuleRef, ...]:
        """The rules of one side that admit any of a region; of an unknown peer, also those that name it."""
        if interface is None or not interface.group_ids:
            return ()
        rules = self.finders[side].matcher(interface).rules[direction]
        found = list(admitting_rules(rules, region))
        if peer is not None:
            found += [each for each in admitting_rules(rules, region, peer) if each not in found]
        return tuple(rule.ref for rule in found)


def _local(interfaces: Iterable[Interface]) -> dict[Family, list[int]]:
    """The first address of each interface, by family."""
    interfaces = list(interfaces)
    owned = {
        family: [ranges[0][0] for each in interfaces if (ranges := each.owned_ranges(family))] for family in Family
    }
    return {family: addresses for family, addresses in owned.items() if addresses}


_Changed = tuple[Kind, str | None, Region]
"""A kind of difference, the unknown peer whose members it is limited to, and where it is."""


def _regions(old: Openings, new: Openings) -> Iterator[_Changed]:
    """Everything that differs, first where peers are known, then for the members of each unknown one."""
    yield Kind.ALLOWED, None, new.allowed - old.allowed
    yield Kind.DENIED, None, old.allowed - new.allowed
    yield Kind.TRACKED, None, (old.free - new.free) & old.allowed & new.allowed
    yield Kind.UNTRACKED, None, (new.free - old.free) & old.allowed & new.allowed
    for peer in sorted({*old.unknown, *new.unknown}):
        of_old = old.unknown.get(peer, Region()) - old.allowed
        of_new = new.unknown.get(peer, Region()) - new.allowed
        yield Kind.ALLOWED, peer, of_new - old.allowed - of_old
        yield Kind.DENIED, peer, of_old - new.allowed - of_new
        yield Kind.TRACKED, peer, old.free & of_new
        yield Kind.UNTRACKED, peer, of_old & new.free
