"""Rules as classes and cross tables.

A unit is the rules of one set of groups in one direction: interfaces that carry the same groups in the same order share
theirs. Addresses fall into elementary intervals, cut wherever the peer of some rule begins or ends; intervals with the
same rules are one class. Services likewise. A cell of the cross table then has the first rule that admits both.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from attrs import define, evolve, field
from numpy.typing import NDArray

from sgsim.engine.lowering.open_cells import FIRST_SERVICE, NO_WAYS_BACK, WaysBack, cross, open_back, open_cells
from sgsim.kernels import match as kernel_match
from sgsim.kernels.arrays import Column, Rules
from sgsim.model.address import Family
from sgsim.model.decision import Verdict
from sgsim.model.protocol import ANY_PROTOCOL, ICMP_PROTOCOLS, Protocol
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.address_set import AddressSet
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.openness import LITERALLY, Openness
from sgsim.rules.rule import Rule
from sgsim.rules.subnet_edge import SubnetEdge

_SERVICES = kernel_match.SERVICE_PAGES * 256
_PAGE = 256
_WORD = (1 << 64) - 1


@define
class _Unit:
    """One unit while it is built."""

    service_class: NDArray[Any]
    """int64 (services,): the class of each service."""
    service_masks: NDArray[Any]
    """bool (rules, service classes): whether a rule admits a class."""
    cuts: dict[Family, list[int]]
    """Where each interval of addresses begins."""
    peer_class: dict[Family, NDArray[Any]]
    """int64 (intervals,): the class of each."""
    first: dict[Family, NDArray[Any]]
    """int32 (peer classes, service classes)."""
    open: dict[Family, NDArray[Any]]
    """int32 (peer classes, service classes)."""
    hinge: NDArray[Any]
    """int32 (families, service classes)."""
    hinge_rules: list[list[str]]
    """For each family and service class, the rules with an unknown peer that admit it."""
    open_back: NDArray[Any]
    """uint8 (2, 256)."""


@define
class LoweredRules:
    """The rules of all interfaces, as kernels take them."""

    rules: Rules
    units: dict[tuple[str, ...], int]
    """The unit for INGRESS of each set of groups; that for EGRESS follows."""
    edges: dict[str, int]
    """The unit for INGRESS of each subnet with a network ACL; that for EGRESS follows."""
    hinge_rules: list[list[str]]
    """For each position of `Rules.hinge`, the rules with an unknown peer."""


@define
class RuleNumbers:
    """Gives each rule its number, which stays the same over changes."""

    refs: list[RuleRef] = field(factory=list)
    _numbers: dict[RuleRef, int] = field(factory=dict)

    def of(self, ref: RuleRef) -> int:
        """The number of a rule."""
        if ref not in self._numbers:
            self._numbers[ref] = len(self.refs)
            self.refs.append(ref)
        return self._numbers[ref]


def lower_rules(
    matchers: Iterable[RuleMatcher], numbers: RuleNumbers, edges: Iterable[SubnetEdge] = ()
) -> LoweredRules:
    """Build the tables of all interfaces and of the edges of their subnets."""
    units: dict[tuple[str, ...], int] = {}
    built: list[_Unit] = []
    for matcher in matchers:
        if matcher.interface.group_ids in units:
            continue
        units[matcher.interface.group_ids] = len(built)
        built += [
            _unit(matcher.rules[way], matcher.openness, numbers, WaysBack.of(matcher, way))
            for way in (Direction.INGRESS, Direction.EGRESS)
        ]
    edge_units: dict[str, int] = {}
    for edge in edges:
        if edge.subnet_id not in edge_units:
            edge_units[edge.subnet_id] = len(built)
            built += [_edge_unit(edge, way, numbers) for way in (Direction.INGRESS, Direction.EGRESS)]
    hinge_rules = [names for unit in built for names in unit.hinge_rules]
    return LoweredRules(_joined(built), units, edge_units, hinge_rules)


def _edge_unit(edge: SubnetEdge, direction: Direction, numbers: RuleNumbers) -> _Unit:
    """The unit of a network ACL before a subnet: its cells name only entries that deny.

    Who is inside the subnet fits a line of its own before all others, which denies nothing.
    """
    lines = edge.lines[direction]
    star = lines[-1].fits  # about all traffic
    inside = evolve(star, addresses=edge.inside, ref=evolve(star.ref, rule_id="inside"))
    unit = _unit([inside, *(line.fits for line in lines)], LITERALLY, RuleNumbers(), NO_WAYS_BACK)
    denying = [-1 if line.entry.verdict is Verdict.ALLOW else numbers.of(line.fits.ref) for line in lines]
    of_position = np.array([-1, *denying, -1], dtype=np.int32)  # the last is that of a cell without a rule
    unit.first = {family: of_position[cells] for family, cells in unit.first.items()}
    return unit


def _unit(rules: Sequence[ResolvedRule], openness: Openness, numbers: RuleNumbers, ways_back: WaysBack) -> _Unit:
    indices = np.array([numbers.of(rule.ref) for rule in rules], dtype=np.int32)
    service_class, all_masks = _service_classes([*map(_service_range_of, rules), *ways_back.ranges.values()])
    service_masks, back_masks = (
        all_masks[: len(rules)],
        dict(zip(ways_back.ranges, all_masks[len(rules) :], strict=True)),
    )
    of_family = {family: _of_family(rules, service_masks, family) for family in Family}
    hinges = [_hinges(rules, masks) for masks in of_family.values()]
    unit = _Unit(
        service_class=service_class,
        service_masks=service_masks,
        cuts={},
        peer_class={},
        first={},
        open={},
        hinge=np.stack([flags for flags, _ in hinges]),
        hinge_rules=[names for _, each in hinges for names in each],
        open_back=np.zeros((2, 256), np.uint8),
    )
    for family, masks in of_family.items():
        cuts, classes, peer_masks = _peer_classes(rules, family)
        unit.cuts[family], unit.peer_class[family] = cuts, classes
        back = {group_id: mask for (group_id, of), mask in back_masks.items() if of is family}
        unit.first[family] = cross(indices, peer_masks, masks)
        unit.open[family] = open_cells(rules, openness, family, indices, peer_masks, masks, back)
        unit.open_back[int(family is Family.IPV6)] = open_back(rules, openness, family, service_class, masks)
    return unit


def _service_range_of(rule: ResolvedRule) -> list[tuple[int, int]]:
    return _service_range(rule.rule)


def _service_range(rule: Rule) -> list[tuple[int, int]]:
    """The services that a rule admits, as ranges of numbers, ends not included."""
    if rule.protocol == ANY_PROTOCOL:
        return [(0, _SERVICES)]
    without_ports = (kernel_match.PROTOCOL_FROM + rule.protocol, kernel_match.PROTOCOL_FROM + rule.protocol + 1)
    first = FIRST_SERVICE.get(Protocol(rule.protocol)) if rule.protocol in FIRST_SERVICE else None
    if rule.ports is not None and first is not None:
        ranges = [(first + rule.ports.first, first + rule.ports.last + 1)]
        return [*ranges, without_ports] if rule.ports.is_all else ranges
    if rule.icmp is not None and first is not None:
        if rule.icmp.icmp_type is None:
            return [(first, first + 65536), without_ports]
        begin = first + rule.icmp.icmp_type * 256
        if rule.icmp.icmp_code is None:
            return [(begin, begin + 256)]
        return [(begin + rule.icmp.icmp_code, begin + rule.icmp.icmp_code + 1)]
    return [without_ports]


def _of_family(rules: Sequence[ResolvedRule], masks: NDArray[Any], family: Family) -> NDArray[Any]:
    """Which rule admits which class in one family: ICMP is of IPv4 alone, ICMPv6 of IPv6 alone."""
    other = Protocol.ICMPV6 if family is Family.IPV4 else Protocol.ICMP
    is_ours = np.array([rule.rule.protocol != other for rule in rules], dtype=bool)
    ours: NDArray[Any] = np.logical_and(masks, is_ours.reshape(-1, 1))
    return ours


def header_of_service(service: int, direction: Direction, family: Family) -> Header:
    """A header that asks for a service by its number, from nobody in particular."""
    if service >= kernel_match.PROTOCOL_FROM:
        return Header(direction, family, 0, service - kernel_match.PROTOCOL_FROM, None)
    protocol, first = max(
        ((protocol, first) for protocol, first in FIRST_SERVICE.items() if first <= service), key=lambda pair: pair[1]
    )
    if protocol in ICMP_PROTOCOLS:
        return Header(direction, family, 0, protocol, None, *divmod(service - first, 256))
    return Header(direction, family, 0, protocol, service - first)


def _service_classes(ranges: Sequence[Sequence[tuple[int, int]]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Class of each service, and which of some sets of services, each of ranges, has which class in it."""
    cuts = sorted({0, *(edge for each in ranges for pair in each for edge in pair)} - {_SERVICES})
    masks = np.zeros((len(ranges), len(cuts)), dtype=bool)
    for row, each in enumerate(ranges):
        for begin, end in each:
            masks[row, np.searchsorted(cuts, begin) : np.searchsorted(cuts, end)] = True
    classes, masks = _merged(masks)
    return np.repeat(classes, np.diff([*cuts, _SERVICES])), masks


def _peer_classes(rules: Sequence[ResolvedRule], family: Family) -> tuple[list[int], NDArray[Any], NDArray[Any]]:
    """Begin of each interval of addresses, its class, and which rule admits which class."""
    ranges = [(rule.addresses or AddressSet()).ranges(family) for rule in rules]
    edges = {0, *(edge for each in ranges for first, last in each for edge in (first, last + 1))}
    cuts = sorted(edges - {1 << family.bits})
    positions = {cut: position for position, cut in enumerate(cuts)} | {1 << family.bits: len(cuts)}
    masks = np.zeros((len(rules), len(cuts)), dtype=bool)
    for row, each in enumerate(ranges):
        for first, last in each:
            masks[row, positions[first] : positions[last + 1]] = True
    classes, masks = _merged(masks)
    return cuts, classes, masks


def _merged(masks: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give equal columns one class, numbered as they appear; and the column of each class."""
    packed = np.packbits(masks, axis=0) if len(masks) else np.zeros((1, masks.shape[1]), dtype=np.uint8)
    numbers: dict[bytes, int] = {}
    classes = np.array([numbers.setdefault(column.tobytes(), len(numbers)) for column in packed.T], dtype=np.int64)
    firsts = np.unique(classes, return_index=True)[1]
    return classes, masks[:, firsts]


def _hinges(rules: Sequence[ResolvedRule], masks: NDArray[Any]) -> tuple[NDArray[Any], list[list[str]]]:
    unknown = [row for row, rule in enumerate(rules) if rule.addresses is None]
    names = [[rules[row].ref.rule_id for row in unknown if masks[row, column]] for column in range(masks.shape[1])]
    return np.array([bool(each) for each in names], dtype=np.int32), names


def _joined(units: Sequence[_Unit]) -> Rules:
    """Put all units into common arrays."""
    pages = _Pages()
    roots = [_trie(unit.cuts[Family.IPV4], unit.peer_class[Family.IPV4], pages) for unit in units]
    services = _Pages()
    service_pages = [
        services.add(unit.service_class[begin : begin + _PAGE])
        for unit in units
        for begin in range(0, _SERVICES, _PAGE)
    ]
    wide_cuts = [cut for unit in units for cut in unit.cuts[Family.IPV6]]
    wide_class = [unit.peer_class[Family.IPV6] for unit in units]
    cells = [unit.first[family] for unit in units for family in Family]
    return Rules(
        service_pages=np.array(service_pages, dtype=np.int32),
        services=services.array(),
        peer_roots=np.array(roots, dtype=np.int32),
        peers=pages.array(),
        wide_from=_starts([len(classes) for classes in wide_class]),
        wide_hi=np.array([cut >> 64 for cut in wide_cuts], dtype=np.uint64),
        wide_lo=np.array([cut & _WORD for cut in wide_cuts], dtype=np.uint64),
        wide_class=_flat(wide_class, np.int32),
        cells_from=_starts([cell.size for cell in cells])[:-1],
        service_classes=np.array([unit.service_masks.shape[1] for unit in units], dtype=np.int64),
        first=_flat(cells, np.int32),
        open=_flat([unit.open[family] for unit in units for family in Family], np.int32),
        hinge_from=_starts([size for unit in units for size in (unit.hinge.shape[1],) * 2])[:-1],
        hinge=_flat([unit.hinge for unit in units], np.int32),
        hinged=np.zeros(sum(unit.hinge.size for unit in units), dtype=np.int64),
        open_back=_flat([unit.open_back for unit in units], np.uint8),
    )


def _starts(sizes: Sequence[int]) -> Column:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _flat(arrays: Sequence[NDArray[Any]], dtype: type) -> Column:
    return np.concatenate([array.reshape(-1) for array in arrays] or [np.zeros(0)]).astype(dtype)


@define
class _Pages:
    """Pages of 256 numbers, equal ones stored once."""

    _numbers: dict[bytes, int] = field(factory=dict)
    _pages: list[NDArray[Any]] = field(factory=list)

    def add(self, page: NDArray[Any]) -> int:
        """The number of a page."""
        page = page.astype(np.int32)
        key = page.tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._pages)
            self._pages.append(page)
        return self._numbers[key]

    def array(self) -> Column:
        """All pages, one after the other."""
        return np.concatenate(self._pages or [np.zeros(_PAGE, dtype=np.int32)])


def _trie(cuts: Sequence[int], classes: NDArray[Any], pages: _Pages) -> int:
    """Build the trie of a unit's IPv4 addresses, byte by byte; give its first page."""
    starts = np.array(cuts, dtype=np.int64)
    return _trie_page(starts, classes, 0, 24, pages)


def _trie_page(starts: NDArray[Any], classes: NDArray[Any], base: int, shift: int, pages: _Pages) -> int:
    """The page for the addresses from `base` on whose next byte stands at `shift`."""
    begins = base + (np.arange(_PAGE, dtype=np.int64) << shift)
    at = np.searchsorted(starts, begins, side="right") - 1
    ends_at = np.searchsorted(starts, begins + (1 << shift) - 1, side="right") - 1
    page = classes[at].astype(np.int64)
    for byte in np.flatnonzero(at != ends_at).tolist():
        inside = classes[at[byte] : ends_at[byte] + 1]
        if (inside != inside[0]).any():
            page[byte] = ~_trie_page(starts, classes, int(begins[byte]), shift - 8, pages)
    return pages.add(page)
