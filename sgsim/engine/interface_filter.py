"""What one interface knows, and the small verbs that the steps are written in."""

from collections.abc import Callable

from attrs import define, evolve, field

from sgsim.conntrack import tcp
from sgsim.conntrack.entry import ConntrackEntry, FlowEnd, FlowKey, TrackingCause
from sgsim.conntrack.exempt import ExemptService, ExemptTraffic
from sgsim.conntrack.icmp import query_direction
from sgsim.conntrack.policies import Midstream
from sgsim.conntrack.profile import Profile
from sgsim.conntrack.table import ConntrackTable
from sgsim.conntrack.tcp import ENDED_STATES, Effect, Segment, TcpFlow, TcpMove
from sgsim.conntrack.timeouts import NANOSECONDS, Timeouts
from sgsim.conntrack.tracking import TrackingChoice, choose_tracking
from sgsim.conntrack.udp import becomes_stream
from sgsim.engine.edge_steps import look_ahead, network_acl_in, network_acl_out
from sgsim.engine.memory import EndedFlows, FragmentKey, FragmentMemory
from sgsim.engine.options import EngineOptions
from sgsim.engine.passage import Passage
from sgsim.engine.steps import STEPS, refresh_quoted
from sgsim.model.address import Family
from sgsim.model.decision import VERDICT_OF_REASON, Decision, Reason, Verdict
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.interface import Interface
from sgsim.model.packet import Packet
from sgsim.model.path import PathLabel
from sgsim.model.protocol import PORT_PROTOCOLS, Protocol
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import ConntrackDirection, ConntrackState, Direction, TcpState, Tracking
from sgsim.model.trace import Trace
from sgsim.rules.header import Header
from sgsim.rules.match import RuleMatcher
from sgsim.rules.paths import PathMap
from sgsim.rules.subnet_edge import SubnetEdge

_OF_THE_FLOW = frozenset({Reason.ESTABLISHED, Reason.UNTRACKED, Reason.PRESUMED, Reason.RELATED, Reason.NOT_SENT})
"""Reasons whose rule is the one that admitted the flow."""


@define(kw_only=True)
class InterfaceFilter:
    """One interface: its rules of the moment, its timeouts, its table and what it remembers beside that."""

    interface: Interface
    options: EngineOptions
    table: ConntrackTable
    matcher: RuleMatcher
    paths: PathMap
    timeouts: Timeouts
    exempt_traffic: ExemptTraffic
    version: int
    """Counts the changes of rules, members, lists and addresses."""
    start_ns: int
    """When the traffic began."""
    next_flow: Callable[[], int]
    """Gives each flow its number."""
    ended: EndedFlows
    """Shared by all interfaces."""
    edge: SubnetEdge | None = None
    """Of its subnet, if a network ACL is known there."""
    fragments: FragmentMemory = field(factory=FragmentMemory)

    @property
    def profile(self) -> Profile:
        """The behaviour set."""
        return self.options.profile

    def judge(self, packet: Packet, direction: Direction, now_ns: int, trace: Trace | None = None) -> Decision:
        """Send a packet through the steps.

        Args:
            packet: What passes.
            direction: Which way it passes this interface.
            now_ns: The clock; the table has expired what is due.
            trace: Where to note the steps, None for nowhere.
        """
        passage = Passage.of(packet, direction, now_ns, self._key_of(packet, direction), trace)
        passage.entry = self.table.lookup(passage.key)
        decision = network_acl_in(self, passage) or self._send_through(passage)
        if passage.deleted is not None:
            self.table.forget(passage.deleted, FlowEnd.CLOSED, now_ns)
        decision = self._remember_denial(passage, decision)
        self._remember_first_fragment(passage, decision)
        return decision

    def _send_through(self, passage: Passage) -> Decision:
        """Let the groups judge a packet, and then, if it leaves the subnet, the network ACL."""
        look_ahead(self, passage)
        for step in STEPS:
            decision = step(self, passage)
            if decision is not None:
                network_acl_out(self, passage, decision)
                refresh_quoted(self, passage, decision)
                return decision
        raise AssertionError("the last step must answer")

    def refuse(self, packet: Packet, direction: Direction, now_ns: int) -> None:
        """Remember that a packet was denied before it came here, so that what answers it was never sent."""
        passage = Passage.of(packet, direction, now_ns, self._key_of(packet, direction), None)
        entry = self.table.lookup(passage.key)
        if entry is not None and entry.tracking is Tracking.REFUSED:
            self.continue_refused(passage, entry)
        if self._makes_refusal(passage):
            self._insert_refused(passage)

    def continue_refused(self, passage: Passage, entry: ConntrackEntry) -> bool:
        """Move a refused flow by a packet of it; False if the packet opens another, so that this one is forgotten."""
        direction = entry.direction_of(passage.direction)
        move = self.move(entry, direction, passage.segment)
        answers_nothing = direction is ConntrackDirection.REPLY and passage.segment is Segment.SYN
        if move.effect is not Effect.REOPENED and not answers_nothing:
            self.progress(passage, entry, direction, move)
            return True
        is_over = entry.tcp_state in ENDED_STATES
        self.table.forget(entry, FlowEnd.CLOSED if is_over else FlowEnd.REPLACED, passage.now_ns)
        return False

    def answer(
        self, passage: Passage, reason: Reason, state: ConntrackState | None, entry: ConntrackEntry | None = None
    ) -> Decision:
        """Decide: the verdict is that of the reason, the flow that of the entry.

        What groups let go may still be kept from leaving the subnet: then the network ACL has the last word.
        """
        verdict = VERDICT_OF_REASON[reason]
        rule = passage.rule.ref if passage.rule else None
        if entry is not None and reason in _OF_THE_FLOW:
            rule = entry.rule
        barred_by = passage.barred_by if verdict is Verdict.ALLOW else None
        if barred_by is not None:
            verdict, rule = Verdict.DENY, barred_by
        if reason is not Reason.RELATED:
            self.count(passage, entry, verdict)
            self._mark_barred(passage, entry, barred_by, reason)
        if barred_by is not None:
            reason = Reason.NETWORK_ACL
        elif verdict is Verdict.DENY and passage.was_cut:
            reason, state = Reason.CUT, ConntrackState.INVALID
        return Decision(
            verdict,
            reason,
            state,
            rule,
            self.interface.interface_id,
            passage.direction,
            entry.tcp_state if entry else None,
            entry.opener if entry else None,
            entry.flow if entry else None,
        )

    def _mark_barred(
        self, passage: Passage, entry: ConntrackEntry | None, barred_by: RuleRef | None, reason: Reason
    ) -> None:
        """Note on a flow that was opened from here whether its opener's packets leave the subnet."""
        if entry is None or passage.direction is not Direction.EGRESS or VERDICT_OF_REASON[reason] is not Verdict.ALLOW:
            return
        if entry.direction_of(passage.direction) is ConntrackDirection.ORIGINAL:
            entry.is_barred = barred_by is not None

    def count(self, passage: Passage, entry: ConntrackEntry | None, verdict: Verdict) -> None:
        """Count a packet on its flow."""
        if entry is None:
            return
        direction = entry.direction_of(passage.direction)
        entry.packets[direction] += 1
        entry.bytes[direction] += passage.packet.length_bytes
        entry.allowed += verdict is Verdict.ALLOW
        entry.denied += verdict is Verdict.DENY
        entry.last_seen_ns = passage.now_ns

    def key(
        self, five_tuple: FiveTuple, direction: Direction, icmp_type: int | None, icmp_code: int | None
    ) -> FlowKey | None:
        """The key of a packet's flow at this interface; None for an ICMP message that makes none."""
        with_code = self.profile.icmp_code_in_key.value
        return FlowKey.of(self.interface.interface_id, five_tuple, direction, icmp_type, icmp_code, with_code=with_code)

    def _key_of(self, packet: Packet, direction: Direction) -> FlowKey | None:
        if packet.is_later_fragment:
            return None
        return self.key(packet.five_tuple, direction, packet.icmp_type, packet.icmp_code)

    def exempt_service(self, passage: Passage) -> ExemptService | None:
        """The service that the packet belongs to, where the profile has such."""
        if not self.profile.exempt_traffic.value:
            return None
        return self.exempt_traffic.service(passage.packet, passage.direction)

    def opening_header(self, key: FlowKey, opener: Direction) -> Header:
        """The header of the packet that opens, or would have opened, a flow."""
        five_tuple = key.five_tuple if opener is Direction.EGRESS else key.five_tuple.reply()
        icmp_type, icmp_code = (key.query.query_type, 0) if key.query else (None, None)
        return Header.of(five_tuple, opener, icmp_type, icmp_code)

    def choose_tracking(self, key: FlowKey, opener: Direction) -> TrackingChoice:
        """How today's rules would have a flow remembered."""
        path = self.paths.label(key.five_tuple.dst_addr, key.five_tuple.family)
        return choose_tracking(self.profile.bypass.value, self.matcher, self.opening_header(key, opener), path)

    def opener(self, passage: Passage) -> Direction:
        """Which way the packet went that opened a flow of which nothing is remembered."""
        told = _told_opener(passage)
        if told is not None or passage.key is None:
            return told or passage.direction
        if passage.segment is not None:
            open_ways = [way for way in Direction if self.choose_tracking(passage.key, way).open_rule is not None]
            if len(open_ways) == 1:
                return open_ways[0]
        by_ports = self._opener_by_ports(passage) if self.may_presume(passage) else None
        return by_ports or passage.direction

    def _opener_by_ports(self, passage: Passage) -> Direction | None:
        """Who opened the flow, if one port is a client's and the other is not (assumed)."""
        five_tuple, first = passage.packet.five_tuple, self.options.client_port
        if five_tuple.protocol not in PORT_PROTOCOLS:
            return None
        is_client, is_server = five_tuple.src_port >= first, five_tuple.dst_port < first
        if is_client is not is_server:
            return None
        return passage.direction if is_client else passage.direction.opposite

    def may_presume(self, passage: Passage) -> bool:
        """Whether the packet's flow, of which nothing is remembered, may have been open before the recording began."""
        was_seen = passage.as_new or passage.refused is not None
        return (
            passage.key is not None
            and not was_seen
            and not self.options.cold_start
            and self.profile.midstream.value is Midstream.DENY
            and self._is_early(passage.key, passage.now_ns)
            and passage.key not in self.ended
        )

    def _is_early(self, key: FlowKey, now_ns: int) -> bool:
        """Whether a flow that was open before the recording began may still be."""
        return self.options.recorded and now_ns - self.start_ns < self.timeouts.longest_ns(key.five_tuple.protocol)

    def note_ended(self, entry: ConntrackEntry, now_ns: int) -> None:
        """Keep an ended flow from being presumed open."""
        if self._is_early(entry.key, now_ns):
            self.ended.add(entry.key)

    def has_room(self, passage: Passage) -> bool:
        """Whether the table has the places that the packet's flow would take."""
        return self.table.has_room(self._path_of(passage).places)

    def deny_for_room(self, passage: Passage) -> Decision:
        """Deny a packet that finds no place, and count it as AWS does."""
        self.table.pressure.note_refused(passage.now_ns)
        return self.answer(passage, Reason.TABLE_FULL, ConntrackState.NEW)

    def _path_of(self, passage: Passage) -> PathLabel:
        return self.paths.label(passage.header.peer, passage.header.family)

    def enter(self, passage: Passage, choice: TrackingChoice, *, presumed: bool = False) -> ConntrackEntry:
        """Remember the packet's flow, tracked or untracked as chosen."""
        if passage.refused is not None:
            self.table.forget(passage.refused, FlowEnd.REPLACED, passage.now_ns)
            passage.refused = None
        tracking = Tracking.TRACKED if choice.open_rule is None else Tracking.UNTRACKED
        entry = self._new_entry(passage, tracking, choice.cause)
        entry.rule = passage.rule.ref if passage.rule else None
        entry.is_presumed = presumed
        entry.tcp = self._first_tcp(passage, entry, presumed=presumed)
        entry.expires_at_ns = passage.now_ns + self.timeout_ns(entry)
        self.table.insert(entry, passage.now_ns)
        return entry

    def _new_entry(self, passage: Passage, tracking: Tracking, cause: TrackingCause) -> ConntrackEntry:
        assert passage.key is not None, "only packets with a key make a flow"  # noqa: S101  # a law of the steps
        opener = passage.opener or passage.direction
        path = self._path_of(passage)
        return ConntrackEntry(
            flow=self.next_flow(),
            key=passage.key,
            opener=opener,
            tracking=tracking,
            cause=cause,
            rule=None,
            opened_at_ns=passage.now_ns,
            last_seen_ns=passage.now_ns,
            expires_at_ns=passage.now_ns,
            judged_at_version=self.version,
            path=path,
            places=path.places if tracking is Tracking.TRACKED else 0,
            answered=opener is not passage.direction,
        )

    def _first_tcp(self, passage: Passage, entry: ConntrackEntry, *, presumed: bool) -> TcpFlow | None:
        """The state of a flow after the first packet that we see of it."""
        if passage.segment is None:
            return None
        if presumed:
            entry.tcp = TcpFlow(TcpState.ESTABLISHED)
            return self.move(entry, entry.direction_of(passage.direction), passage.segment).flow
        return TcpFlow(tcp.FIRST_STATES[passage.segment], last_segment=passage.segment)

    def move(self, entry: ConntrackEntry, direction: ConntrackDirection, segment: Segment | None) -> TcpMove:
        """What a packet does to its flow's state."""
        if entry.tcp is None or segment is None:
            return TcpMove(Effect.MOVED, entry.tcp)
        table = tcp.transitions(syn_reopens=self.profile.syn_reopens.value)
        if self.profile.linux_tcp_rules.value:
            return tcp.linux_move(entry.tcp, direction, segment, table, answered=entry.answered)
        return tcp.move(entry.tcp, direction, segment, table)

    def progress(self, passage: Passage, entry: ConntrackEntry, direction: ConntrackDirection, move: TcpMove) -> None:
        """Move a flow by a packet of it, and restart its timeout where that is due."""
        age_ns = passage.now_ns - entry.opened_at_ns
        is_stream = entry.is_stream or (
            entry.key.five_tuple.protocol == Protocol.UDP
            and becomes_stream(self.profile.udp_stream.value, direction, age_ns, answered=entry.answered)
        )
        has_moved = entry.tcp is None or (move.flow is not None and move.flow.state is not entry.tcp.state)
        answered = entry.answered or direction is ConntrackDirection.REPLY
        self.table.advance(entry, move.flow, answered=answered, is_stream=is_stream)
        if move.renews and (has_moved or self.restarts(entry, move.effect)):
            self.table.refresh(entry, passage.now_ns + self.timeout_ns(entry))

    def restarts(self, entry: ConntrackEntry, effect: Effect) -> bool:
        """Whether a segment that leaves the state as it is restarts the timeout."""
        if entry.tcp_state in ENDED_STATES and not self.profile.late_refresh.value:
            return False
        return effect in {Effect.MOVED, Effect.DELETED} or self.profile.ignored_refresh.value

    def timeout_ns(self, entry: ConntrackEntry) -> int:
        """How long a flow may now be silent."""
        if entry.tcp is not None:
            return self.timeouts.tcp_ns[entry.tcp.state]
        match entry.key.five_tuple.protocol:
            case Protocol.UDP:
                return self.timeouts.udp_stream_ns if entry.is_stream else self.timeouts.udp_ns
            case Protocol.ICMP:
                return self.timeouts.icmp_ns
            case Protocol.ICMPV6:
                return self.timeouts.icmpv6_ns
        return self.timeouts.other_ns

    def _remember_denial(self, passage: Passage, decision: Decision) -> Decision:
        """Recorded traffic: remember that what opens a flow was denied."""
        if decision.verdict is not Verdict.DENY or decision.reason is Reason.FRAGMENT:
            return decision
        if not self.interface.group_ids or passage.is_barred(decision):
            return decision
        refused = passage.refused
        if refused is None and self._makes_refusal(passage):
            refused = self._insert_refused(passage)
        if refused is None:
            return decision
        self.count(passage, refused, decision.verdict)
        return evolve(decision, tcp_state=refused.tcp_state, opener=refused.opener, flow=refused.flow)

    def _makes_refusal(self, passage: Passage) -> bool:
        """Whether a denied packet may have opened a flow, of which nothing is remembered."""
        if not self.options.recorded or passage.key is None or self.table.lookup(passage.key) is not None:
            return False
        opener = _told_opener(passage) or self._opener_by_ports(passage) or passage.direction
        return opener is passage.direction

    def _insert_refused(self, passage: Passage) -> ConntrackEntry:
        passage.opener = passage.direction
        entry = self._new_entry(passage, Tracking.REFUSED, TrackingCause.DENIED)
        if passage.segment is not None:
            entry.tcp = TcpFlow(tcp.FIRST_STATES[passage.segment], last_segment=passage.segment)
        entry.expires_at_ns = passage.now_ns + self.timeout_ns(entry)
        self.table.insert(entry, passage.now_ns)
        return entry

    def _remember_first_fragment(self, passage: Passage, decision: Decision) -> None:
        fragment = passage.packet.fragment
        if fragment is None or fragment.is_later or not fragment.more:
            return
        is_ipv4 = passage.packet.five_tuple.family is Family.IPV4
        keep_s = (self.profile.fragment_s if is_ipv4 else self.profile.fragment_ipv6_s).value
        entry = self.table.lookup(passage.key)
        is_stopped = decision.reason is Reason.NETWORK_ACL and not passage.is_barred(decision)
        if is_stopped and entry is not None and entry.tracking is not Tracking.REFUSED:
            entry = None  # it never reached the groups, and so neither will the rest of the datagram
        key = FragmentKey.of(passage.packet, passage.direction)
        self.fragments.remember(key, decision, entry, passage.now_ns, round(keep_s * NANOSECONDS))


def _told_opener(passage: Passage) -> Direction | None:
    """Who opened the flow, where the packet itself tells."""
    if passage.segment is Segment.SYN:
        return passage.direction
    if passage.segment is Segment.SYN_ACK:
        return passage.direction.opposite
    role = query_direction(passage.packet.five_tuple.protocol, passage.packet.icmp_type)
    if role is None:
        return None
    return passage.direction if role is ConntrackDirection.ORIGINAL else passage.direction.opposite
