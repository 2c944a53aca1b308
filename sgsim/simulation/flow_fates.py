"""What an engine will make of the next packet of each flow after a change.

Many flows are looked at together: `flow_classes` finds those that rules, paths and network ACLs cannot tell apart, and
one of them is asked about. Read `_of_one` first: it takes the steps of `sgsim.engine.steps` in their order.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from attrs import define, evolve, field

from sgsim.conntrack.exempt import ExemptTraffic
from sgsim.conntrack.policies import Midstream, Unanswered
from sgsim.conntrack.tracking import choose_tracking
from sgsim.engine.options import EngineOptions
from sgsim.model.address import Family
from sgsim.model.columns import Column, FlowColumns
from sgsim.model.decision import Verdict
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.interface import Interface
from sgsim.model.protocol import ICMP_QUERIES, PORT_PROTOCOLS, Protocol
from sgsim.model.states import Direction, Tracking
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.ownership import Ownership
from sgsim.rules.paths import PathMap
from sgsim.rules.resolve import Resolver
from sgsim.rules.subnet_edge import SubnetEdge, subnet_edges
from sgsim.simulation.fate import Fate
from sgsim.simulation.flow_classes import Classes, address_gaps, cuts, port_gaps

_Ranges = Iterator[tuple[int, int]]


@define(eq=False)
class _Place:
    """What a change leaves at one interface."""

    interface: Interface
    matcher: RuleMatcher
    paths: PathMap
    edge: SubnetEdge | None
    _cuts: dict[tuple[Direction, Family], tuple[list[int], list[int]]] = field(factory=dict)

    def cuts(self, direction: Direction, family: Family) -> tuple[list[int], list[int]]:
        """Where addresses of peers, and where ports, begin to be something else to packets of one direction."""
        key = (direction, family)
        if key not in self._cuts:
            self._cuts[key] = (cuts(self._addresses(*key)), cuts(self._ports(direction)))
        return self._cuts[key]

    def _rules(self, direction: Direction) -> Iterator[ResolvedRule]:
        yield from self.matcher.rules[direction]
        if self.edge is not None:
            yield from (line.fits for line in self.edge.lines[direction])

    def _addresses(self, direction: Direction, family: Family) -> _Ranges:
        for rule in self._rules(direction):
            yield from rule.addresses.ranges(family) if rule.addresses is not None else ()
        yield from ((net.first, net.last) for net, _ in self.paths.ranked() if net.version == family)
        if self.edge is not None:
            yield from self.edge.inside.ranges(family)

    def _ports(self, direction: Direction) -> _Ranges:
        found = (rule.rule.ports for rule in self._rules(direction))
        return ((ports.first, ports.last) for ports in found if ports is not None)


@define(eq=False)
class FlowFates:
    """Fates of flows at one change."""

    flows: FlowColumns
    interface_ids: Sequence[str]
    """What the column `interface` counts."""
    before: Inventory
    after: Inventory
    options: EngineOptions
    _places: dict[str, _Place] = field(init=False, factory=dict)
    _resolver: Resolver = field(init=False)
    _ownership: Ownership = field(init=False)
    _edges: dict[str, SubnetEdge] = field(init=False)

    @_resolver.default
    def _make_resolver(self) -> Resolver:
        lenient = evolve(self.after, allow_unresolved=True)
        return Resolver(lenient, self.options.profile.group_prefixes.value)

    @_ownership.default
    def _make_ownership(self) -> Ownership:
        return Ownership(self.after.interfaces.values())

    @_edges.default
    def _make_edges(self) -> dict[str, SubnetEdge]:
        return subnet_edges(self.after)

    def columns(self) -> Column:
        """The fate of each flow, uint8 (flows,)."""
        fates = np.zeros(len(self.flows.flow), dtype=np.uint8)
        for rows in self._alike_places():
            classes = Classes(self._told_apart(rows))
            firsts = rows[classes.rows].tolist()
            fates[rows] = classes.spread(np.array([self._of_one(row) for row in firsts], dtype=np.uint8))
        has_own = np.isin(fates, (Fate.FORGOTTEN, Fate.LEFT_BEHIND), invert=True)
        fates[has_own & self._are_exempt()] = Fate.EXEMPT
        return fates

    def _alike_places(self) -> Iterator[Column]:
        """Rows of flows at one interface that the same lists of rules look at."""
        flows = self.flows
        parts = (flows.interface, flows.family, flows.opener, flows.tracking, flows.protocol == Protocol.TCP)
        if len(flows.flow):
            classes = Classes(parts)
            numbers = classes.spread(np.arange(len(classes.rows)))
            order = np.argsort(numbers, kind="stable")
            yield from np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)

    def _told_apart(self, rows: Column) -> Iterator[Column]:
        """What of flows at one interface makes a difference there, each as whole numbers."""
        flows, first = self.flows, rows[0]
        opener, family = Direction(int(flows.opener[first])), Family(int(flows.family[first]))
        place = self._place(self.interface_ids[flows.interface[first]])
        if place is None:
            yield np.zeros(len(rows), np.int64)
            return
        yield flows.protocol[rows]
        yield flows.packets_reply[rows] > 0
        (own_hi, own_lo), (peer_hi, peer_lo) = _sides(flows, rows, opener)
        yield from (own_hi, own_lo)
        has_ports = np.isin(flows.protocol[rows], list(PORT_PROTOCOLS))
        addresses, ports = place.cuts(opener, family)
        yield np.where(has_ports, port_gaps(ports, flows.dst_port[rows]), flows.icmp_type[rows])
        yield address_gaps(addresses, family, peer_hi, peer_lo)
        if place.edge is not None or _may_turn(flows, int(first)):
            addresses, ports = place.cuts(opener.opposite, family)
            yield np.where(has_ports, port_gaps(ports, flows.src_port[rows]), 0)
            yield address_gaps(addresses, family, peer_hi, peer_lo)

    def _place(self, interface_id: str) -> _Place | None:
        interface = self.after.interfaces.get(interface_id)
        if interface is None:
            return None
        if interface_id not in self._places:
            networks = [(rule, self._resolver.path_networks(rule)) for rule in self.after.paths]
            self._places[interface_id] = _Place(
                interface,
                RuleMatcher(interface, self._resolver, self.options.profile.openness),
                PathMap.of(networks, interface),
                self._edges.get(interface_id),
            )
        return self._places[interface_id]

    def _are_exempt(self) -> Column:
        """Whether groups never filter the peer's service, bool (flows,)."""
        flows = self.flows
        found = np.zeros(len(flows.flow), np.bool_)
        if not self.options.profile.exempt_traffic.value:
            return found
        is_out = flows.opener == Direction.EGRESS
        hi, lo = (np.where(is_out, *ends) for ends in ((flows.dst_hi, flows.src_hi), (flows.dst_lo, flows.src_lo)))
        port = np.where(is_out, flows.dst_port, flows.src_port)
        kinds: dict[tuple[Family, int | None, int | None, int], list[int]] = {}
        for (address, family), service in _exempt(self.after).services().items():
            key = (family, service.protocol, service.port, address >> 64)
            kinds.setdefault(key, []).append(address & ((1 << 64) - 1))
        for (family, protocol, service_port, upper), lower in kinds.items():
            is_it = np.isin(lo, np.array(lower, np.uint64)) & (hi == np.uint64(upper)) & (flows.family == family)
            if protocol is not None:
                is_it &= flows.protocol == protocol
            if service_port is not None:
                is_it &= np.isin(flows.protocol, list(PORT_PROTOCOLS)) & (port == service_port)
            found |= is_it
        return found

    def _of_one(self, row: int) -> Fate:
        """The fate of one flow; that its service may be exempt is asked for all at once."""
        flows, five_tuple = self.flows, five_tuple_of(self.flows, row)
        opener = Direction(int(flows.opener[row]))
        local = five_tuple if opener is Direction.EGRESS else five_tuple.reply()
        interface_id = self.interface_ids[flows.interface[row]]
        was, place = self.before.interfaces.get(interface_id), self._place(interface_id)
        if place is None:
            return Fate.LEFT_BEHIND
        if was is not None and was.table_id != place.interface.table_id:
            return Fate.FORGOTTEN
        owned_before = was is not None and _owns(was, local.src_addr, local.family)
        if owned_before and self._ownership.owner(local.src_addr, local.family) is not place.interface:
            return Fate.LEFT_BEHIND
        headers = _headers(five_tuple, opener, int(flows.icmp_type[row]))
        fate = self._by_rules(place, row, *headers)
        is_blocked = place.edge is not None and any(_denies(place.edge, header) for header in headers)
        return Fate.BLOCKED if is_blocked and fate is not Fate.CUT else fate

    def _by_rules(self, place: _Place, row: int, opening: Header, answer: Header) -> Fate:
        """The fate as far as groups decide it."""
        tracking = Tracking(int(self.flows.tracking[row]))
        if not place.interface.group_ids:
            return Fate.KEPT if tracking is Tracking.TRACKED else Fate.STAYS_UNTRACKED
        profile, is_open = self.options.profile, self._is_open(place, opening)
        is_admitted = is_open or place.matcher.first_admitting(opening) is not None
        if tracking is Tracking.UNTRACKED:
            turned = answer if _may_turn(self.flows, row) else None
            return self._of_untracked(place, opening, turned, is_admitted=is_admitted, is_open=is_open)
        if is_open and profile.untrack_when_opened.value:
            return Fate.BECOMES_UNTRACKED
        if is_admitted:
            return Fate.KEPT
        is_answered = self.flows.packets_reply[row] > 0
        is_judged = profile.unanswered.value is Unanswered.RULES and not is_answered
        return Fate.CUT if is_judged else Fate.OUTLIVES_RULES

    def _of_untracked(
        self, place: _Place, opening: Header, turned: Header | None, *, is_admitted: bool, is_open: bool
    ) -> Fate:
        """`turned` is what the other side would send, had it opened the flow; None if nobody would think so."""
        profile = self.options.profile
        picks_up = Midstream.PICKUP in {profile.midstream.value, profile.midstream_after_cut.value}
        # After a cut a segment in the middle is taken to be of whichever side open rules would leave untracked.
        is_turned = is_admitted and turned is not None and self._is_open(place, turned)
        if is_open or (is_turned and (picks_up or not profile.midstream_untracked.value)):
            return Fate.STAYS_UNTRACKED
        may_open = opening.protocol != Protocol.TCP or picks_up
        return Fate.BECOMES_TRACKED if is_admitted and may_open else Fate.CUT

    def _is_open(self, place: _Place, opening: Header) -> bool:
        """Whether rules would leave a flow untracked."""
        path = place.paths.label(opening.peer, opening.family)
        return choose_tracking(self.options.profile.bypass.value, place.matcher, opening, path).open_rule is not None


def five_tuple_of(flows: FlowColumns, row: int) -> FiveTuple:
    """What the opener of a flow sends."""
    return FiveTuple(
        int(flows.src_hi[row]) << 64 | int(flows.src_lo[row]),
        int(flows.src_port[row]),
        int(flows.dst_hi[row]) << 64 | int(flows.dst_lo[row]),
        int(flows.dst_port[row]),
        int(flows.protocol[row]),
        Family(int(flows.family[row])),
    )


def _may_turn(flows: FlowColumns, row: int) -> bool:
    """Whether a flow may be taken for one that its other side has opened."""
    return bool(flows.tracking[row] == Tracking.UNTRACKED and flows.protocol[row] == Protocol.TCP)


def _sides(flows: FlowColumns, rows: Column, opener: Direction) -> tuple[tuple[Column, Column], tuple[Column, Column]]:
    """The addresses of the interface and of its peer, upper and lower halves."""
    src, dst = (flows.src_hi[rows], flows.src_lo[rows]), (flows.dst_hi[rows], flows.dst_lo[rows])
    return (src, dst) if opener is Direction.EGRESS else (dst, src)


def _exempt(inventory: Inventory) -> ExemptTraffic:
    return ExemptTraffic.of(
        (vpc.networks for vpc in inventory.vpcs.values()),
        (network for subnet in inventory.subnets.values() for network in subnet.networks),
    )


def _owns(interface: Interface, address: int, family: Family) -> bool:
    return any(first <= address <= last for first, last in interface.owned_ranges(family))


def _denies(edge: SubnetEdge, header: Header) -> bool:
    return not edge.is_inside(header) and edge.deciding(header).entry.verdict is Verdict.DENY


def _headers(five_tuple: FiveTuple, opener: Direction, icmp_type: int) -> tuple[Header, Header]:
    """The headers of the packet that opens a flow, and of its answer."""
    answer_type = ICMP_QUERIES.get(five_tuple.protocol, {}).get(icmp_type)
    types = (None, None) if answer_type is None else (icmp_type, answer_type)
    codes = tuple(None if each is None else 0 for each in types)
    return (
        Header.of(five_tuple, opener, types[0], codes[0]),
        Header.of(five_tuple.reply(), opener.opposite, types[1], codes[1]),
    )
