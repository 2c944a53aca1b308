"""The reference engine: the specification, to be read.

It keeps the clock, finds the interfaces that a packet touches, and lets each judge it: the sender's as EGRESS, then, if
that allows it, the receiver's as INGRESS. What happens at one interface is in `sgsim.engine.steps`.

Law: the clock is the latest time seen and never goes back. At one instant first the table expires, then changes hold,
then packets come in input order.
"""

from collections.abc import Callable, Iterator
from itertools import count

from attrs import define, evolve, field, frozen

from sgsim.conntrack.entry import ConntrackEntry, FlowEnd
from sgsim.conntrack.exempt import ExemptTraffic
from sgsim.conntrack.policies import TimeoutChange
from sgsim.conntrack.profile import Profile
from sgsim.conntrack.table import ConntrackTable
from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.interface_filter import InterfaceFilter
from sgsim.engine.memory import EndedFlows, ended_most
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.errors import TimeOrderError, UnresolvedReferenceError
from sgsim.model.decision import Decision, Reason, Verdict
from sgsim.model.interface import Interface
from sgsim.model.packet import Packet
from sgsim.model.states import Direction, Tracking
from sgsim.model.trace import Step, Trace
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import RuleMatcher
from sgsim.rules.ownership import Ownership
from sgsim.rules.paths import PathMap
from sgsim.rules.resolve import Resolver
from sgsim.rules.subnet_edge import SubnetEdge, subnet_edges


@frozen
class EndedFlow:
    """A flow that is remembered no more, why, and since when."""

    entry: ConntrackEntry
    end: FlowEnd
    ended_at_ns: int


@define
class _View:
    """What follows from one inventory."""

    inventory: Inventory
    resolver: Resolver
    ownership: Ownership
    exempt: ExemptTraffic
    edges: dict[str, SubnetEdge]

    @classmethod
    def of(cls, inventory: Inventory, profile: Profile) -> "_View":
        exempt = ExemptTraffic.of(
            (vpc.networks for vpc in inventory.vpcs.values()),
            (network for subnet in inventory.subnets.values() for network in subnet.networks),
            profile.exempt_list.value,
        )
        return cls(
            inventory,
            Resolver(inventory, profile.group_prefixes.value),
            Ownership(inventory.interfaces.values()),
            exempt,
            subnet_edges(inventory),
        )


def _change_expiry(before: InterfaceFilter, after: InterfaceFilter, now_ns: int) -> None:
    """Let changed timeouts of an interface hold for its flows as if they had held at their last packets."""
    for entry in after.table:
        if entry.key.interface_id != after.interface.interface_id:
            continue
        longer_ns = after.timeout_ns(entry) - before.timeout_ns(entry)
        if longer_ns:
            after.table.refresh(entry, max(entry.expires_at_ns + longer_ns, now_ns))


@define
class ReferenceEngine:
    """Judges packets one by one.

    `on_flow_end` is called with each flow when it ends; flows that live on at the end of the input are not among them.
    """

    inventory: Inventory
    options: EngineOptions = DEFAULT_OPTIONS
    on_flow_end: Callable[[EndedFlow], None] | None = None
    now_ns: int | None = field(init=False, default=None)
    """The clock: the latest time seen, nanoseconds since the epoch; None before the first packet."""
    late_packets: int = field(init=False, default=0)
    """Packets whose time was before the clock."""
    largest_step_back_ns: int = field(init=False, default=0)
    """The most that one was before it."""
    tables: dict[str, ConntrackTable] = field(init=False, factory=dict)
    """One for each instance whose interfaces have judged a packet, by the id of the instance."""
    judging: set[str] = field(init=False, factory=set)
    """Instances that have judged a packet themselves; an interface may have come to another since."""
    _filters: dict[str, InterfaceFilter] = field(init=False, factory=dict)
    _unknown: dict[str, UnresolvedReferenceError] = field(init=False, factory=dict)
    """Interfaces with a group that nobody describes: an error once a packet comes there."""
    _view: _View = field(init=False)
    _version: int = field(init=False, default=0)
    _start_ns: int | None = field(init=False, default=None)
    _ended: EndedFlows = field(init=False)
    _ending: list[EndedFlow] | None = field(init=False, default=None)
    """Flows that expire just now; None outside of expiry."""
    _numbers: Iterator[int] = field(init=False, factory=lambda: count(1))

    @_ended.default
    def _remember_ended(self) -> EndedFlows:
        return EndedFlows(ended_most(self.options.remember))

    @_view.default
    def _first_view(self) -> _View:
        return _View.of(self.inventory, self.options.profile)

    def judge(self, packet: Packet, traces: list[Trace] | None = None) -> list[Decision]:
        """Judge a packet at each interface that it touches.

        Args:
            packet: What is sent; where it is earlier than the clock, it is judged at the clock.
            traces: Where to note the steps, one `Trace` for each decision; None for nowhere.

        Returns:
            One decision for each interface, in the order of the packet's way; one that names no interface if it touches
            none.

        Raises:
            UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave.
        """
        now_ns = self._tick(packet.time_ns)
        expired = self._expire(now_ns)
        self._start_ns = now_ns if self._start_ns is None else self._start_ns
        stops = self._stops(packet)
        if not stops:
            return [self._skip(packet, Reason.NO_INTERFACE, None, traces)]
        if len(stops) == 2 and stops[0][0] is stops[1][0]:
            return [self._skip(packet, Reason.LOCAL, stops[0][0], traces)]
        decisions = []
        for index, (interface, direction) in enumerate(stops):
            at = self._filter(interface)
            refused = self._refused_by_sender(packet, direction)
            if refused is not None:
                at.refuse(packet, direction, now_ns)
                return [self._not_sent(refused, interface, direction, traces)]
            trace = Trace() if traces is not None else None
            if trace is not None:
                number = expired.get(interface.table_id, 0)
                trace.add(
                    Step.EXPIRE, "expired" if number else "none due", number=number, count=at.table.count,
                    capacity=at.table.capacity,
                )  # fmt: skip
            decisions.append(at.judge(packet, direction, now_ns, trace))
            if traces is not None and trace is not None:
                traces.append(trace)
            if decisions[-1].verdict is not Verdict.ALLOW:
                self._refuse_after(packet, decisions[-1], stops[index + 1 :], now_ns)
                break
        return decisions

    def change(self, inventory: Inventory, time_ns: int, options: EngineOptions | None = None) -> None:
        """Let other rules, members, addresses or lists hold from `time_ns` on.

        Args:
            inventory: What holds then, in full.
            time_ns: When.
            options: Taken over for their capacity and timeouts; None leaves these as they are. When they hold for flows
                that are remembered is up to the profile's `timeout_change`.

        Raises:
            TimeOrderError: If `time_ns` is before the clock.
        """
        self.advance(time_ns)
        if options is not None:
            self.options = self.options.changed_to(options)
        self.inventory, self._view = inventory, _View.of(inventory, self.options.profile)
        self._version += 1
        self._unknown.clear()
        for interface_id, interface in inventory.interfaces.items():
            at = self._filters.get(interface_id)
            if at is None:
                continue
            fresh = self._make_filter(interface, self._table(interface.table_id))
            if fresh.table is not at.table:
                self._forget_flows(at, time_ns)
            elif self.options.profile.timeout_change.value is TimeoutChange.AT_ONCE:
                _change_expiry(at, fresh, time_ns)
            fresh.matcher.assumed_empty.update(at.matcher.assumed_empty)
            self._filters[interface_id] = evolve(fresh, fragments=at.fragments)
        for table_id, table in self.tables.items():
            table.set_capacity(self._capacity_of(table_id))
        self._expire(time_ns)

    def _forget_flows(self, at: InterfaceFilter, now_ns: int) -> None:
        """Forget what an interface remembers in the table of the instance that it leaves."""
        for entry in at.table:
            if entry.key.interface_id == at.interface.interface_id:
                at.table.forget(entry, FlowEnd.MOVED, now_ns)

    def advance(self, time_ns: int) -> None:
        """Set the clock forward; what is due expires.

        Raises:
            TimeOrderError: If `time_ns` is before the clock.
        """
        if self.now_ns is not None and time_ns < self.now_ns:
            raise TimeOrderError(f"time_ns must be at least the clock's {self.now_ns}, got {time_ns}")
        self._tick(time_ns)
        self._expire(time_ns)

    def entries(self) -> Iterator[ConntrackEntry]:
        """Every flow remembered now, by table and in the order of their flows."""
        if self.now_ns is not None:
            self.advance(self.now_ns)
        return (entry for table in self.tables.values() for entry in table)

    def filter_at(self, interface_id: str) -> InterfaceFilter | None:
        """What one interface knows; None if no packet has passed it."""
        return self._filters.get(interface_id)

    def _tick(self, time_ns: int) -> int:
        """Read a packet's time; the clock never goes back."""
        if self.now_ns is None:
            self.now_ns = time_ns
        if time_ns < self.now_ns:
            self.late_packets += 1
            self.largest_step_back_ns = max(self.largest_step_back_ns, self.now_ns - time_ns)
        self.now_ns = max(self.now_ns, time_ns)
        return self.now_ns

    def _expire(self, now_ns: int) -> dict[str, int]:
        """Expire what is due in all tables, in the order of time and flow; give how much in each, by its id."""
        due = {
            table_id: table
            for table_id, table in self.tables.items()
            if table.next_due_ns is not None and table.next_due_ns <= now_ns
        }
        self._ending = []
        expired = {table_id: table.expire(now_ns) for table_id, table in due.items()}
        ending, self._ending = self._ending, None
        for ended in sorted(ending, key=lambda ended: (ended.ended_at_ns, ended.entry.flow)):
            self._tell_flow_end(ended)
        return expired

    def _stops(self, packet: Packet) -> list[tuple[Interface, Direction]]:
        """The interfaces that a packet touches, in the order of its way."""
        five_tuple = packet.five_tuple
        sender = self._view.ownership.owner(five_tuple.src_addr, five_tuple.family)
        receiver = self._view.ownership.owner(five_tuple.dst_addr, five_tuple.family)
        stops = [(sender, Direction.EGRESS), (receiver, Direction.INGRESS)]
        known = [(interface, direction) for interface, direction in stops if interface is not None]
        if packet.taken_at is None:
            return known
        here = self._view.inventory.interfaces.get(packet.taken_at)
        if here is None:
            return []
        at_here = [(interface, direction) for interface, direction in known if interface is here]
        if at_here or packet.direction is None:
            return at_here
        return [(here, packet.direction)]

    def _refused_by_sender(self, packet: Packet, direction: Direction) -> ConntrackEntry | None:
        """The flow of a packet that was recorded at its receiver, if its sender's interface has denied its opening."""
        is_asked = self.options.recorded and not self.options.as_recorded and not packet.is_later_fragment
        if packet.taken_at is None or direction is not Direction.INGRESS or not is_asked:
            return None
        five_tuple = packet.five_tuple
        sender = self._view.ownership.owner(five_tuple.src_addr, five_tuple.family)
        at = self._filters.get(sender.interface_id) if sender is not None else None
        if at is None:
            return None
        entry = at.table.lookup(at.key(five_tuple, Direction.EGRESS, packet.icmp_type, packet.icmp_code))
        is_refused = entry is not None and entry.tracking is Tracking.REFUSED and entry.opener is Direction.EGRESS
        return entry if is_refused else None

    def _not_sent(
        self, refused: ConntrackEntry, here: Interface, direction: Direction, traces: list[Trace] | None
    ) -> Decision:
        """Skip what nobody would have sent."""
        if traces is not None:
            trace = Trace()
            trace.add(Step.RECORDED, "sender denied", entry=refused)
            traces.append(trace)
        return Decision(Verdict.SKIP, Reason.NOT_SENT, interface_id=here.interface_id, direction=direction)

    def _skip(
        self,
        packet: Packet,
        reason: Reason,
        interface: Interface | None,
        traces: list[Trace] | None,
    ) -> Decision:
        if traces is not None:
            trace = Trace()
            trace.add(Step.LOCATE, str(reason), five_tuple=packet.five_tuple, interface=interface)
            traces.append(trace)
        return Decision(Verdict.SKIP, reason, interface_id=interface.interface_id if interface else None)

    def _refuse_after(
        self, packet: Packet, decision: Decision, later: list[tuple[Interface, Direction]], now_ns: int
    ) -> None:
        """What was denied on its way never comes to the next interface; what answers it there was never sent."""
        if decision.verdict is Verdict.DENY and not packet.is_later_fragment:
            for interface, direction in later:
                self._filter(interface).refuse(packet, direction, now_ns)

    def _filter(self, interface: Interface) -> InterfaceFilter:
        interface_id = interface.interface_id
        if interface_id not in self._filters:
            self._filters[interface_id] = self._make_filter(interface, self._table(interface.table_id))
        if interface_id in self._unknown:
            raise self._unknown[interface_id]
        self.judging.add(interface.table_id)
        return self._filters[interface_id]

    def _make_filter(self, interface: Interface, table: ConntrackTable) -> InterfaceFilter:
        view, profile = self._view, self.options.profile
        networks = [(rule, view.resolver.path_networks(rule)) for rule in view.inventory.paths]
        instance = view.inventory.instances.get(interface.instance_id or "")
        return InterfaceFilter(
            interface=interface,
            options=self.options,
            table=table,
            matcher=self._matcher(interface),
            paths=PathMap.of(networks, interface),
            timeouts=Timeouts.at(
                profile,
                option=self.options.timeouts,
                interface=interface.timeouts,
                instance_type=instance.instance_type if instance else None,
            ),
            exempt_traffic=view.exempt,
            edge=view.edges.get(interface.interface_id),
            version=self._version,
            start_ns=self._start_ns or 0,
            next_flow=lambda: next(self._numbers),
            ended=self._ended,
        )

    def _matcher(self, interface: Interface) -> RuleMatcher:
        """The rules of an interface; none of one with a group that nobody describes, as no packet is judged there."""
        try:
            return RuleMatcher(interface, self._view.resolver, self.options.profile.openness)
        except UnresolvedReferenceError as error:
            self._unknown[interface.interface_id] = error
            return RuleMatcher(evolve(interface, group_ids=()), self._view.resolver)

    def _table(self, table_id: str) -> ConntrackTable:
        if table_id not in self.tables:
            self.tables[table_id] = ConntrackTable(
                self._capacity_of(table_id), self.options.remember, self._note_flow_end
            )
        return self.tables[table_id]

    def _capacity_of(self, table_id: str) -> int | None:
        return self.options.capacity_of(self._view.inventory.instances.get(table_id))

    def _note_flow_end(self, entry: ConntrackEntry, end: FlowEnd, now_ns: int) -> None:
        ended = EndedFlow(entry, end, now_ns)
        if self._ending is not None:
            self._ending.append(ended)
        else:
            self._tell_flow_end(ended)

    def _tell_flow_end(self, ended: EndedFlow) -> None:
        at = self._filters.get(ended.entry.key.interface_id)
        if at is not None and ended.end is not FlowEnd.FORGOTTEN:
            at.note_ended(ended.entry, ended.ended_at_ns)
        if self.on_flow_end is not None:
            self.on_flow_end(ended)
