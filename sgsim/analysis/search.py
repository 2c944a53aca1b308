"""A packet with given properties that is allowed, or denied, or the proof that there is none.

The packets of a question are looked at all at once, for each pair of sender and receiver: every known interface, and
everybody else. A packet is allowed if the sender's groups let it out and the receiver's let it in, as far as either is
known; it is the first of its flow, so that tracking plays no part. What groups never filter is left out, as is what two
unknown ends say to each other.

Law: what is found is judged by the engine to be as it was asked for; if nothing is found, no packet would be.
"""

from collections.abc import Iterator

from attrs import define, evolve, field, frozen

from sgsim.analysis.document_notes import document_notes
from sgsim.analysis.groups_alone import search_note
from sgsim.analysis.openings import OpeningFinder, Openings
from sgsim.analysis.question import Question
from sgsim.analysis.witness import STAND_INS, nice_address, nice_service, opening_packet
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.errors import ConfigError, UnresolvedReferenceError
from sgsim.model.address import Family
from sgsim.model.decision import Verdict
from sgsim.model.interface import Interface
from sgsim.model.packet import Packet
from sgsim.model.protocol import Protocol
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.inventory import Inventory
from sgsim.rules.ranges import EMPTY, Ranges, difference, intersection, merged
from sgsim.rules.region import Region
from sgsim.rules.service import ALL_SERVICES, protocol_services
from sgsim.simulation.check import Answer, check_packet

MOST_SHOWN = 5
"""How many interfaces a message names."""

_NOT_OF = {
    Family.IPV4: (protocol_services(Protocol.ICMPV6),),
    Family.IPV6: (protocol_services(Protocol.ICMP),),
}
"""What does not occur in a family."""


@frozen
class Found:
    """The outcome of a search."""

    answer: Answer | None
    """A packet as it was asked for, as the engine judges it; None if there is none."""
    pairs: int
    """How many pairs of sender and receiver were looked at: all of them if there is none."""
    notes: tuple[str, ...] = ()
    """What was not looked at, in whole sentences."""


def search(
    inventory: Inventory, question: Question, verdict: Verdict, options: EngineOptions = DEFAULT_OPTIONS
) -> Found:
    """Find a packet of a question with a verdict, ALLOW or DENY.

    Raises:
        UnresolvedReferenceError: If the only ones hinge on peers whose addresses nobody gave.
        ConfigError: If no packet of the question meets a known interface.
    """
    return _Search(inventory, question, verdict, options).run()


@frozen
class _End:
    """One side of a pair: an interface, or everybody who has none."""

    interface: Interface | None
    addresses: AddressSet


@define
class _Search:
    inventory: Inventory
    question: Question
    verdict: Verdict
    options: EngineOptions
    _finder: OpeningFinder = field(init=False)
    _admitted: dict[object, Region] = field(init=False, factory=dict)
    _hinging: set[str] = field(init=False, factory=set)

    @_finder.default
    def _make_finder(self) -> OpeningFinder:
        return OpeningFinder(self.inventory, self.options, self.question.src_port)

    def run(self) -> Found:
        pairs, packet = self._look(is_sure=True)
        if packet is not None:
            return Found(self._judged(packet), pairs, self._notes())
        if self._hinging:
            _, packet = self._look(is_sure=False)
            if packet is not None:
                names = ", ".join(sorted(self._hinging))
                raise UnresolvedReferenceError(
                    f"the answer hinges on {names}, whose addresses nobody gave, for packets such as {packet}: add a "
                    "document that has them, or --members GROUP=ADDRESS[,...], or --allow-unresolved to count them as "
                    "empty"
                )
        if not pairs:
            self._check_met()
        return Found(None, pairs, (*self._notes(), *document_notes(self.inventory)))

    def _check_met(self) -> None:
        """Refuse a question that no interface can answer: a proof about nobody proves nothing."""
        if not self.question.sources or not self.question.destinations:
            return  # a group without members: nobody is there, which is an answer
        known = ", ".join(list(self.inventory.interfaces)[:MOST_SHOWN]) or "none"
        more = len(self.inventory.interfaces) - MOST_SHOWN
        raise ConfigError(
            "question must have a known interface at one end, and another end than itself, got none; known are "
            f"{known}{f' and {more} more' if more > 0 else ''}: add a document that has it, or --interface ADDRESS=GROUP"
        )

    def _notes(self) -> tuple[str, ...]:
        return tuple(filter(None, [search_note(self.inventory)]))

    def _judged(self, packet: Packet) -> Answer:
        """What the engine says, by groups alone."""
        answer = check_packet(evolve(self.inventory, network_acls={}), packet, self.options)
        if answer.verdict is not self.verdict:
            raise AssertionError(f"the engine must judge {packet} to be {self.verdict}, got {answer.verdict}")
        return answer

    def _look(self, *, is_sure: bool) -> tuple[int, Packet | None]:
        """Look at all pairs until one has a packet; not sure means that unknown peers may be anybody."""
        count = 0
        destinations = [
            (end, self._at(end, Direction.INGRESS, is_sure)) for end in self._ends(self.question.destinations)
        ]
        for sender in self._ends(self.question.sources):
            sending = self._at(sender, Direction.EGRESS, is_sure)
            for receiver, receiving in destinations:
                if sender.interface is receiver.interface:  # itself, or two that nobody knows
                    continue
                count += 1
                packet = self._packet(sender, sending, receiver, receiving)
                if packet is not None:
                    return count, packet
        return count, None

    def _ends(self, wanted: AddressSet) -> list[_End]:
        """Everybody who has any of the addresses."""
        known = list(self.inventory.interfaces.values())
        owned = [AddressSet(*(merged(each.owned_ranges(family)) for family in Family)) for each in known]
        others = AddressSet(
            *(
                difference(wanted.ranges(family), merged(pair for one in owned for pair in one.ranges(family)))
                for family in Family
            )
        )
        ends = [_End(each, _common(addresses, wanted)) for each, addresses in zip(known, owned, strict=True)]
        return [end for end in (*ends, _End(None, others)) if end.addresses]

    def _at(self, end: _End, direction: Direction, is_sure: bool) -> Region | None:  # noqa: FBT001  # of two looks
        """What an end's groups admit in a direction, or may admit; None if it has none that are known."""
        if end.interface is None:
            return None
        found = self._finder.openings(end.interface)[direction]
        self._hinging |= found.unknown.keys()
        if is_sure is (self.verdict is Verdict.ALLOW) or not found.unknown:
            return found.allowed
        key = id(found)
        if key not in self._admitted:
            self._admitted[key] = _with_unknown(found)
        return self._admitted[key]

    def _packet(self, sender: _End, sending: Region | None, receiver: _End, receiving: Region | None) -> Packet | None:
        for family in Family:
            sources, destinations = sender.addresses.ranges(family), receiver.addresses.ranges(family)
            if not sources or not destinations:
                continue
            wanted = difference(self.question.services, _NOT_OF[family])
            for peers, out in _pieces(sending, self._finder.exempt(Direction.EGRESS), destinations, family):
                for own, into in _pieces(receiving, self._finder.exempt(Direction.INGRESS), sources, family):
                    passes = intersection(out.admitted, into.admitted)
                    services = (
                        intersection(wanted, passes) if self.verdict is Verdict.ALLOW else difference(wanted, passes)
                    )
                    services = difference(difference(services, out.exempt), into.exempt)
                    if services:
                        destination = nice_address((peers,), family, own[0] if own[0] == own[1] else -1)
                        source = nice_address((own,), family, destination)
                        service = nice_service(services, family)
                        return opening_packet(source, destination, family, service, self.question.src_port)
        return None


@frozen
class _Piece:
    """What holds for each address of an interval."""

    admitted: Ranges
    exempt: Ranges


_UNKNOWN_END = _Piece(ALL_SERVICES, EMPTY)


def _pieces(
    region: Region | None, exempt: Region, addresses: Ranges, family: Family
) -> list[tuple[tuple[int, int], _Piece]]:
    """Cut addresses where what is admitted, or exempt, changes; those that people know at first sight stand first."""
    pieces = _cut(region, exempt, addresses, family)
    return sorted(pieces, key=lambda piece: not any(piece[0][0] <= each <= piece[0][1] for each in STAND_INS[family]))


def _cut(
    region: Region | None, exempt: Region, addresses: Ranges, family: Family
) -> Iterator[tuple[tuple[int, int], _Piece]]:
    """The pieces in order; an end that is not known admits everything."""
    if region is None:
        yield from ((each, _UNKNOWN_END) for each in addresses)
        return
    for first, last in addresses:
        begin = first
        while begin <= last:
            end = min(last, region.same_until(begin, family), exempt.same_until(begin, family))
            yield (begin, end), _Piece(region.services(begin, family), exempt.services(begin, family))
            begin = end + 1


def _common(mine: AddressSet, theirs: AddressSet) -> AddressSet:
    return AddressSet(*(intersection(mine.ranges(family), theirs.ranges(family)) for family in Family))


def _with_unknown(found: Openings) -> Region:
    admitted = found.allowed
    for region in found.unknown.values():
        admitted |= region
    return admitted
