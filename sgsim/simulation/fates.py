"""What a change of rules means for the flows that are live when it comes.

Law: the fate of a flow is what an engine makes of its next packet, in either direction, if no other change comes before
it. A flow that sends nothing more is gone when its timeout runs out, whatever its fate. Source: `[aws-ct]`,
`[aws-contain]`.
"""

import enum
from collections.abc import Sequence
from typing import Final

import numpy as np
from attrs import define, evolve, field

from sgsim.conntrack.policies import Midstream, Unanswered
from sgsim.conntrack.tracking import choose_tracking
from sgsim.engine.base import Engine
from sgsim.engine.options import EngineOptions
from sgsim.model.address import Family
from sgsim.model.columns import Column, FlowColumns
from sgsim.model.decision import Verdict
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.interface import Interface
from sgsim.model.protocol import ICMP_QUERIES, PORT_PROTOCOLS, Protocol
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction, TcpState, Tracking
from sgsim.rules.change import Change
from sgsim.rules.header import Header
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import RuleMatcher
from sgsim.rules.ownership import Ownership
from sgsim.rules.paths import PathMap
from sgsim.rules.resolve import Resolver
from sgsim.rules.rule import Cidr
from sgsim.rules.subnet_edge import SubnetEdge, subnet_edges
from sgsim.simulation.summary import ChangeReport, FateCount, FlowFate, RuleFate
from sgsim.simulation.timeline import Look

MOST_RULES: Final = 100
MOST_FLOWS: Final = 100


class Fate(enum.IntEnum):
    """What becomes of a live flow, the gravest first."""

    FORGOTTEN = 1
    """Its interface has come to another instance, whose table knows nothing of it."""
    CUT = 2
    """Nothing lets it pass any more: the open rules that left it untracked are gone, and its packets cannot open a flow
    that a rule admits; or, where rules judge until the first answer, none admits it."""
    BLOCKED = 3
    """A network ACL denies its packets, in one direction at least."""
    LEFT_BEHIND = 4
    """Its interface or its address is gone from where it is remembered."""
    OUTLIVES_RULES = 5
    """No rule admits it any more, but it is tracked: it goes on until it is silent for its timeout."""
    BECOMES_TRACKED = 6
    """It was untracked, and its next packet makes an entry."""
    BECOMES_UNTRACKED = 7
    """It was tracked, and gives up its entry at its next packet; the next change that closes a rule can cut it."""
    KEPT = 8
    """It is tracked, and rules admit it still."""
    STAYS_UNTRACKED = 9
    """Open rules admit it still."""

    def __str__(self) -> str:
        """Lower case, as in every output."""
        return self.name.lower()


_FATES: Final = max(Fate) + 1

UNTOUCHED: Final = frozenset({Fate.KEPT, Fate.STAYS_UNTRACKED})
"""Fates of flows that go on as they were."""


def looking(engine: Engine, before: Inventory) -> Look:
    """Tell of each change what it means for the flows that an engine remembers."""
    holds = [before]

    def look(change: Change, time_ns: int, options: EngineOptions) -> ChangeReport:
        names = (engine.interface_ids, engine.rules)
        report = report_change(change, time_ns, engine.live_flows(), names, holds[-1], options)
        holds[:] = [change.inventory]
        return report

    return look


def report_change(
    change: Change,
    time_ns: int,
    flows: FlowColumns,
    names: tuple[Sequence[str], Sequence[RuleRef]],
    before: Inventory,
    options: EngineOptions,
) -> ChangeReport:
    """Tell the fate of every live flow.

    Args:
        change: What is about to be made.
        time_ns: When.
        flows: The flows that live now; those that are gone by then are left out.
        names: What the columns `interface` and `rule` count.
        before: What holds until then.
        options: How the engine runs then.
    """
    rows = np.flatnonzero((flows.expires_at_ns > time_ns) & (flows.tracking != Tracking.REFUSED))
    flows = FlowColumns(*(column[rows] for column in flows))
    fates = _Fates(flows, names[0], names[1], before, change.inventory, options).columns()
    by_rule = _by_rule(flows, fates, names[1])
    touched = np.flatnonzero(~np.isin(fates, list(UNTOUCHED)))
    shown = touched[np.lexsort((flows.flow[touched], fates[touched]))][:MOST_FLOWS]
    return ChangeReport(
        text=change.origin,
        time_ns=time_ns,
        differences=tuple(each.text for each in change.changed_items or ()),
        settings=_settings(change),
        live=len(rows),
        fates=tuple(_count(fate, flows, fates) for fate in Fate if (fates == fate).any()),
        rules=by_rule[:MOST_RULES],
        rules_left=max(0, len(by_rule) - MOST_RULES),
        flows=tuple(_flow(row, flows, Fate(int(fates[row])), names) for row in shown.tolist()),
        flows_left=len(touched) - len(shown),
    )


def _settings(change: Change) -> dict[str, float]:
    given = {
        "capacity": change.capacity,
        "tcp_established_s": change.timeouts.tcp_established_s,
        "udp_s": change.timeouts.udp_s,
        "udp_stream_s": change.timeouts.udp_stream_s,
    }
    return {name: value for name, value in given.items() if value is not None}


def _count(fate: Fate, flows: FlowColumns, fates: Column) -> FateCount:
    of_fate = fates == fate
    return FateCount(fate=str(fate), flows=int(of_fate.sum()), last_expiry_ns=int(flows.expires_at_ns[of_fate].max()))


def _by_rule(flows: FlowColumns, fates: Column, rules: Sequence[RuleRef]) -> tuple[RuleFate, ...]:
    pairs, counts = np.unique((flows.rule.astype(np.int64) + 1) * _FATES + fates, return_counts=True)
    made = [
        _rule_fate(rules[rule - 1] if rule else None, Fate(fate), count)
        for (rule, fate), count in zip((divmod(pair, _FATES) for pair in pairs.tolist()), counts.tolist(), strict=True)
    ]
    return tuple(sorted(made, key=lambda item: (-item.flows, item.rule_id or "", item.fate)))


def _rule_fate(rule: RuleRef | None, fate: Fate, flows: int) -> RuleFate:
    return RuleFate(
        rule_id=rule.rule_id if rule else None,
        group_id=rule.group_id if rule else None,
        text=rule.text if rule else "",
        fate=str(fate),
        flows=flows,
    )


def _flow(row: int, flows: FlowColumns, fate: Fate, names: tuple[Sequence[str], Sequence[RuleRef]]) -> FlowFate:
    tcp_state, rule = int(flows.tcp_state[row]), int(flows.rule[row])
    return FlowFate(
        flow=int(flows.flow[row]),
        interface_id=names[0][flows.interface[row]],
        text=str(_five_tuple(flows, row)),
        tracking=str(Tracking(int(flows.tracking[row]))),
        tcp_state=str(TcpState(tcp_state)) if tcp_state else None,
        rule_id=names[1][rule].rule_id if rule >= 0 else None,
        fate=str(fate),
        last_seen_ns=int(flows.last_seen_ns[row]),
        expires_at_ns=int(flows.expires_at_ns[row]),
    )


def _five_tuple(flows: FlowColumns, row: int) -> FiveTuple:
    return FiveTuple(
        int(flows.src_hi[row]) << 64 | int(flows.src_lo[row]),
        int(flows.src_port[row]),
        int(flows.dst_hi[row]) << 64 | int(flows.dst_lo[row]),
        int(flows.dst_port[row]),
        int(flows.protocol[row]),
        Family(int(flows.family[row])),
    )


@define
class _Place:
    """What a change leaves at one interface."""

    interface: Interface
    matcher: RuleMatcher
    paths: PathMap
    edge: SubnetEdge | None
    same_rules: frozenset[RuleRef]
    """Rules that name a block of addresses; a flow that one of them had admitted is admitted still."""

    @property
    def asks_for_peers(self) -> bool:
        """Whether more than the rules decides, so that each peer must be looked at."""
        return self.edge is not None or bool(self.paths.ranked())


@define
class _Fates:
    """Fates of flows, found for many at a time where the peer does not matter."""

    flows: FlowColumns
    interface_ids: Sequence[str]
    rules: Sequence[RuleRef]
    before: Inventory
    after: Inventory
    options: EngineOptions
    _places: dict[str, _Place] = field(init=False, factory=dict)
    _resolver: Resolver = field(init=False)
    _ownership: Ownership = field(init=False)
    _edges: dict[str, SubnetEdge] = field(init=False)
    _known: dict[tuple[object, ...], Fate] = field(init=False, factory=dict)

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
        for rows in self._alike():
            place = self._place(self.interface_ids[self.flows.interface[rows[0]]])
            first = self._fate(place, int(rows[0]))
            if place is None or self._is_same_for_all(place, int(rows[0]), first):
                fates[rows] = first
            else:
                firsts, of_row = self._by_peer(rows, with_port=place.edge is not None or self._asks_for_port(rows[0]))
                fates[rows] = np.array([self._fate(place, row) for row in firsts.tolist()], dtype=np.uint8)[of_row]
        return fates

    def _asks_for_port(self, row: int) -> bool:
        """Whether the port of the opener matters to groups: after a cut it may be taken for that of a service."""
        return bool(self.flows.tracking[row] == Tracking.UNTRACKED and self.flows.protocol[row] == Protocol.TCP)

    def _by_peer(self, rows: Column, *, with_port: bool) -> tuple[Column, Column]:
        """One of alike rows for each peer, and with its port where that matters; and which of them each row is like."""
        flows = self.flows
        is_egress = flows.opener[rows[0]] == Direction.EGRESS
        hi, lo = (flows.dst_hi, flows.dst_lo) if is_egress else (flows.src_hi, flows.src_lo)
        port = flows.src_port[rows].astype(np.uint64) * np.uint64(with_port)
        if flows.family[rows[0]] == Family.IPV4:
            _, firsts, of_row = np.unique(lo[rows] | port << np.uint64(32), return_index=True, return_inverse=True)
        else:
            keys = np.stack([hi[rows], lo[rows], port])
            _, firsts, of_row = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        return rows[firsts], of_row.reshape(-1)

    def _alike(self) -> Sequence[Column]:
        """Rows of flows that differ in nothing but the peer and its port."""
        flows = self.flows
        is_egress = flows.opener == Direction.EGRESS
        service = np.where(np.isin(flows.protocol, list(PORT_PROTOCOLS)), flows.dst_port, flows.icmp_type)
        keys = [
            flows.interface, flows.tracking, flows.opener, flows.family, flows.protocol, service, flows.rule,
            np.where(is_egress, flows.src_hi, flows.dst_hi), np.where(is_egress, flows.src_lo, flows.dst_lo),
            flows.packets_reply > 0,
        ]  # fmt: skip
        order = np.lexsort(keys[::-1])
        if not len(order):
            return []
        differs = np.zeros(len(order), dtype=bool)
        for column in keys:
            differs[1:] |= column[order][1:] != column[order][:-1]
        return np.split(order, np.flatnonzero(differs))

    def _is_same_for_all(self, place: _Place, row: int, fate: Fate) -> bool:
        """Whether alike flows have the fate of one of them: a rule that is still there admits all their peers."""
        if self.flows.tracking[row] == Tracking.UNTRACKED and fate is not Fate.STAYS_UNTRACKED:
            return False
        if place.asks_for_peers or not place.interface.group_ids:
            return not place.asks_for_peers
        rule = int(self.flows.rule[row])
        return rule >= 0 and self.rules[rule] in place.same_rules

    def _place(self, interface_id: str) -> _Place | None:
        interface = self.after.interfaces.get(interface_id)
        if interface is None:
            return None
        if interface_id not in self._places:
            matcher = RuleMatcher(interface, self._resolver, self.options.profile.openness)
            networks = [(rule, self._resolver.path_networks(rule)) for rule in self.after.paths]
            own = (rule for rules in matcher.rules.values() for rule in rules if isinstance(rule.rule.peer, Cidr))
            self._places[interface_id] = _Place(
                interface,
                matcher,
                PathMap.of(networks, interface),
                self._edges.get(interface_id),
                frozenset(rule.ref for rule in own),
            )
        return self._places[interface_id]

    def _fate(self, place: _Place | None, row: int) -> Fate:
        flows, five_tuple = self.flows, _five_tuple(self.flows, row)
        opener = Direction(int(flows.opener[row]))
        local = five_tuple if opener is Direction.EGRESS else five_tuple.reply()
        interface_id = self.interface_ids[flows.interface[row]]
        was = self.before.interfaces.get(interface_id)
        if place is None:
            return Fate.LEFT_BEHIND
        if was is not None and was.table_id != place.interface.table_id:
            return Fate.FORGOTTEN
        owned_before = was is not None and _owns(was, local.src_addr, local.family)
        if owned_before and self._ownership.owner(local.src_addr, local.family) is not place.interface:
            return Fate.LEFT_BEHIND
        tracking = Tracking(int(flows.tracking[row]))
        headers = _headers(five_tuple, opener, int(flows.icmp_type[row]))
        turned = headers[1] if tracking is Tracking.UNTRACKED and five_tuple.protocol == Protocol.TCP else None
        key = (id(place), tracking, headers[0], turned, bool(flows.packets_reply[row] > 0))
        if key not in self._known:
            self._known[key] = self._by_rules(place, *key[1:])
        fate = self._known[key]
        is_blocked = place.edge is not None and any(_denies(place.edge, header) for header in headers)
        return Fate.BLOCKED if is_blocked and fate is not Fate.CUT else fate

    def _by_rules(
        self,
        place: _Place,
        tracking: Tracking,
        opening: Header,
        turned: Header | None,
        is_answered: bool,  # noqa: FBT001  # a fact
    ) -> Fate:
        """The fate as far as groups decide it; `turned` is what the other side would send, had it opened the flow."""
        if not place.interface.group_ids:
            return Fate.KEPT if tracking is Tracking.TRACKED else Fate.STAYS_UNTRACKED
        profile, is_open = self.options.profile, self._is_open(place, opening)
        is_admitted = is_open or place.matcher.first_admitting(opening) is not None
        if tracking is Tracking.UNTRACKED:
            return self._of_untracked(place, opening, turned, is_admitted=is_admitted, is_open=is_open)
        if is_open and profile.untrack_when_opened.value:
            return Fate.BECOMES_UNTRACKED
        if is_admitted:
            return Fate.KEPT
        is_judged = profile.unanswered.value is Unanswered.RULES and not is_answered
        return Fate.CUT if is_judged else Fate.OUTLIVES_RULES

    def _of_untracked(
        self, place: _Place, opening: Header, turned: Header | None, *, is_admitted: bool, is_open: bool
    ) -> Fate:
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
