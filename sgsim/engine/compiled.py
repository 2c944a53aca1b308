"""The compiled engine: the decisions of the reference engine, by kernels.

It holds no rule of filtering itself. It lowers rules and options to arrays, calls kernels with batches, makes room when
they ask, and reads their arrays back as the columns and counts that the `Engine` protocol names.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np
from attrs import define, field

from sgsim.conntrack.exempt import ExemptTraffic
from sgsim.conntrack.policies import TimeoutChange
from sgsim.conntrack.pressure import TablePressure
from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.base import EngineCounts
from sgsim.engine.decision_rows import DecisionPool
from sgsim.engine.lowering.facts import lower_facts
from sgsim.engine.lowering.flows import flow_columns_of, flow_kinds_of, live_flows_of, queues_of
from sgsim.engine.lowering.memory import MemoryKeeper
from sgsim.engine.lowering.network import lower_network
from sgsim.engine.lowering.pressure import raise_pressures
from sgsim.engine.lowering.rules import LoweredRules, RuleLowering
from sgsim.engine.lowering.services import header_of_service
from sgsim.engine.options import EngineOptions
from sgsim.errors import TimeOrderError, UnresolvedReferenceError
from sgsim.kernels import layout
from sgsim.kernels.addresses import addresses, gathered
from sgsim.kernels.arrays import FACTS_DTYPES, FACTS_LENGTHS, ITEMS_DTYPES, ITEMS_LENGTHS, Column, Items, Network
from sgsim.kernels.entry_points import advance, change_expiry, filter_batch, forget_queued
from sgsim.model.address import Family
from sgsim.model.columns import DecisionColumns, FlowColumns, PacketColumns, packet_at
from sgsim.model.interface import Interface
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.rules.inventory import Inventory
from sgsim.rules.match import RuleMatcher, unresolved_error
from sgsim.rules.ownership import Ownership
from sgsim.rules.paths import PathMap
from sgsim.rules.resolve import Resolver
from sgsim.rules.subnet_edge import subnet_edges


@define
class CompiledEngine:
    """Judges batches with kernels."""

    inventory: Inventory
    options: EngineOptions
    record_flows: bool = True
    """Whether `ended_flows` and `live_flows` are asked for; each flow then takes 64 bytes more."""
    foreseen: Sequence[Interface] = ()
    """Interfaces that `interface_ids` is to begin with; those that are not in the inventory come by a change."""
    interface_ids: list[str] = field(init=False, factory=list)
    _rules: RuleLowering = field(init=False, factory=RuleLowering)
    _keeper: MemoryKeeper = field(init=False)
    _lowered: LoweredRules = field(init=False)
    _network: Network = field(init=False)
    _matchers: dict[str, RuleMatcher] = field(init=False, factory=dict)
    _known: dict[str, Interface] = field(init=False, factory=dict)
    """Every interface as it was last described; flows of one that a change has removed go on to expire."""
    _silences: dict[str, Timeouts] = field(init=False, factory=dict)
    _unknown: dict[str, UnresolvedReferenceError] = field(init=False, factory=dict)
    _tables: dict[str, int] = field(init=False, factory=dict)
    _hinged: Counter[str] = field(init=False, factory=Counter)
    _ended: list[FlowColumns] = field(init=False, factory=list)
    _pool: DecisionPool = field(init=False, factory=DecisionPool)
    _items: Column = field(init=False)
    """`Items`, for kernels alone."""
    _items_place: int = field(init=False)
    """Where those are."""
    _fixed: tuple[Column, ...] = field(init=False)
    """Lists of addresses of the network, the rules and the facts, which only a change changes."""
    _fixed_places: tuple[int, ...] = field(init=False)
    """Where those are."""

    def __attrs_post_init__(self) -> None:
        """Begin with an empty table."""
        self._keeper = MemoryKeeper(record_flows=self.record_flows)
        items = Items(*(np.zeros(ITEMS_LENGTHS[name], dtype) for name, dtype in ITEMS_DTYPES.items()))
        self._items, _ = gathered(items, ITEMS_DTYPES, ITEMS_LENGTHS)
        self._items_place = self._items.ctypes.data
        for each in self.foreseen:
            self.interface_ids.append(each.interface_id)
            self._known[each.interface_id], self._silences[each.interface_id] = each, self._timeouts(each)
        self._lower(self.inventory)

    @property
    def rules(self) -> list[RuleRef]:
        """What `rule` columns count."""
        return self._rules.refs

    @property
    def now_ns(self) -> int | None:
        """The clock, nanoseconds since the epoch; None before the first packet."""
        clock = self._keeper.memory.clock
        return int(clock[layout.NOW]) if clock[layout.HAS_BASE] else None

    @property
    def table_bytes(self) -> int:
        """Bytes of the entries in use, of the index that finds them and of the records of new ones, of all instances."""
        memory = self._keeper.memory
        return (int(memory.clock[layout.POOL_USED]) * layout.ENTRY_WORDS + len(memory.index)) * 8 + memory.early.nbytes

    def filter(self, packets: PacketColumns) -> DecisionColumns:
        """Judge a batch, in order; nobody may write into what it gives."""
        rows = len(packets.time_ns)
        out = self._pool.take(2 * rows)
        columns = addresses((*packets[:-1], *packets.quoted))
        fixed = (*self._fixed_places, columns.ctypes.data, out.place, self._items_place)
        row = at = 0
        while True:
            need, row, at = filter_batch(self._keeper.addresses.ctypes.data, *[*fixed, rows, row, at])
            if need == layout.DONE:
                return out.first(at)
            if need == layout.UNRESOLVED:
                self._raise_unresolved(packets, row)
            self._make_room(need)

    def change(self, inventory: Inventory, time_ns: int, options: EngineOptions | None = None) -> None:
        """Let other rules, members, addresses or lists, capacity and timeouts hold from `time_ns` on.

        Raises:
            TimeOrderError: If `time_ns` is before the clock.
        """
        self.advance(time_ns)
        self._collect_hinged()
        for interface in inventory.interfaces.values():
            self._forget_if_moved(interface)
        self.inventory = inventory
        if options is not None:
            self.options = self.options.changed_to(options)
        self._keeper.memory.clock[layout.VERSION] += 1
        before, silences = self._network, dict(self._silences)
        self._lower(inventory)
        if self.options.profile.timeout_change.value is TimeoutChange.AT_ONCE:
            self._change_expiry(before, silences)
            self.advance(time_ns)

    def advance(self, time_ns: int) -> None:
        """Set the clock forward; what is due expires.

        Raises:
            TimeOrderError: If `time_ns` is before the clock.
        """
        if self.now_ns is not None and time_ns < self.now_ns:
            raise TimeOrderError(f"time_ns must be at least the clock's {self.now_ns}, got {time_ns}")
        network, _, facts = self._fixed_places
        while True:
            need = advance(*[self._keeper.addresses.ctypes.data, network, facts, time_ns])
            if need == layout.DONE:
                return
            self._make_room(need)

    def _forget_if_moved(self, interface: Interface) -> None:
        """Forget what an interface remembers in the table of an instance that it has left."""
        was = self._known.get(interface.interface_id)
        if was is None or was.table_id == interface.table_id:
            return
        network, _, facts = self._fixed_places
        for queued in queues_of(self._keeper.memory, self.interface_ids.index(interface.interface_id)):
            self._keeper.queue(queued)
            while True:
                if forget_queued(*[self._keeper.addresses.ctypes.data, network, facts]) == layout.DONE:
                    break
                self._make_room(layout.GROW_ENDED)

    def _change_expiry(self, before: Network, silences: Mapping[str, Timeouts]) -> None:
        """Let changed timeouts hold for flows as if they had held at their last packets."""
        old = addresses(before)
        network, _, facts = self._fixed_places
        for number, interface_id in enumerate(self.interface_ids):
            if silences.get(interface_id, self._silences[interface_id]) != self._silences[interface_id]:
                places = [self._keeper.addresses.ctypes.data, old.ctypes.data, network, facts]
                change_expiry(*[*places, number])

    def ended_flows(self) -> FlowColumns:
        """The flows that have ended since the last call, in the order of their ends."""
        self._flush_flows()
        parts, self._ended = self._ended, []
        if not parts:
            return flow_columns_of(np.zeros((0, layout.FLOW_WORDS), dtype=np.int64))
        return FlowColumns(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def live_flows(self) -> FlowColumns:
        """The flows remembered now, in the order of their numbers."""
        now_ns = self.now_ns or 0
        if self.now_ns is not None:
            self.advance(now_ns)
        return live_flows_of(self._keeper.memory, now_ns)

    def flow_kinds(self) -> Mapping[str, int]:
        """How many flows there have been, by kind; those remembered now are counted as live."""
        if self.now_ns is not None:
            self.advance(self.now_ns)
        return flow_kinds_of(self._keeper.memory)

    def pressure(self) -> Mapping[str, TablePressure]:
        """The load on each table, by the id of its instance."""
        memory = self._keeper.memory
        in_use = {
            table_id: number
            for table_id, number in self._tables.items()
            if memory.tables[number * layout.TABLE_WORDS + layout.IN_USE]
        }
        return raise_pressures(self._keeper, self._network, in_use, [ref.rule_id for ref in self._rules.refs])

    def counts(self) -> EngineCounts:
        """What was counted beside the decisions."""
        self._collect_hinged()
        clock = self._keeper.memory.clock
        tables = self._keeper.memory.tables.reshape(-1, layout.TABLE_WORDS)
        return EngineCounts(
            int(clock[layout.LATE]),
            int(clock[layout.STEP_BACK]),
            int(tables[:, layout.FORGOTTEN].sum()),
            dict(self._hinged),
        )

    def _lower(self, inventory: Inventory) -> None:
        """Turn rules, addresses and options into arrays."""
        resolver = Resolver(inventory, self.options.profile.group_prefixes.value)
        Ownership(inventory.interfaces.values())
        self.interface_ids += [key for key in inventory.interfaces if key not in self.interface_ids]
        for each in inventory.interfaces.values():
            self._known[each.interface_id], self._silences[each.interface_id] = each, self._timeouts(each)
        interfaces = [self._known[key] for key in self.interface_ids]
        self._matchers, self._unknown = {}, {}
        for each in inventory.interfaces.values():
            self._match(each, resolver)
        edges = subnet_edges(inventory)
        self._lowered = self._rules.lower(self._matchers.values(), edges.values())
        had_tables = len(self._tables)
        for each in interfaces:
            self._tables.setdefault(each.table_id, len(self._tables))
        self._keeper.add_tables([self._capacity_of(table_id) for table_id in self._tables])
        self._keeper.add_rules(had_tables, max(1, len(self._rules.refs)))
        labelled = [(rule, resolver.path_networks(rule)) for rule in inventory.paths]
        self._network = lower_network(
            interfaces,
            inventory.interfaces.keys(),
            self._tables,
            self._lowered.units,
            {key: self._lowered.edges[edge.subnet_id] for key, edge in edges.items()},
            [PathMap.of(labelled, each) for each in interfaces],
            [self._silences[key] for key in self.interface_ids],
            ExemptTraffic.of(
                (vpc.networks for vpc in inventory.vpcs.values()),
                (network for subnet in inventory.subnets.values() for network in subnet.networks),
                self.options.profile.exempt_list.value,
            ),
        )
        self._keeper.memory.clock[layout.HAS_EDGES] |= bool(edges)
        facts = lower_facts(self.options, allow_unresolved=inventory.allow_unresolved, record_flows=self.record_flows)
        self._fixed = (
            addresses(self._network), addresses(self._lowered.rules), gathered(facts, FACTS_DTYPES, FACTS_LENGTHS)[0],
        )  # fmt: skip
        self._fixed_places = tuple(each.ctypes.data for each in self._fixed)

    def _match(self, interface: Interface, resolver: Resolver) -> None:
        """Resolve the rules of an interface; one with an unknown group is an error only when a packet comes there."""
        try:
            matcher = RuleMatcher(interface, resolver, self.options.profile.openness)
        except UnresolvedReferenceError as error:
            self._unknown[interface.interface_id] = error
        else:
            self._matchers[interface.interface_id] = matcher

    def _timeouts(self, interface: Interface) -> Timeouts:
        instance = self.inventory.instances.get(interface.instance_id or "")
        return Timeouts.at(
            self.options.profile,
            option=self.options.timeouts,
            interface=interface.timeouts,
            instance_type=instance.instance_type if instance else None,
        )

    def _capacity_of(self, table_id: str) -> int | None:
        return self.options.capacity_of(self.inventory.instances.get(table_id))

    def _make_room(self, need: int) -> None:
        if need == layout.GROW_ENDED:
            self._flush_flows()
        self._keeper.make_room(need)

    def _flush_flows(self) -> None:
        """Take over the flows that kernels have written."""
        clock, out = self._keeper.memory.clock, self._keeper.memory.flows_out
        rows = int(clock[layout.FLOWS_OUT])
        if rows:
            self._ended.append(flow_columns_of(out[: rows * layout.FLOW_WORDS].reshape(rows, -1)))
            clock[layout.FLOWS_OUT] = 0

    def _collect_hinged(self) -> None:
        """Count, by rule, the look-ups in which only a rule with an unknown peer might have admitted a packet."""
        hinged = self._lowered.rules.hinged
        for position in np.flatnonzero(hinged).tolist():
            for rule_id in self._lowered.hinge_rules[position]:
                self._hinged[rule_id] += int(hinged[position])
        hinged[:] = 0

    def _raise_unresolved(self, packets: PacketColumns, row: int) -> NoReturn:
        """Say which reference the packet hinges on, as the reference engine does."""
        packet, clock = packet_at(packets, row), self._keeper.memory.clock
        interface_id = self.interface_ids[clock[layout.HINGE_INTERFACE]]
        error = self._unknown.get(interface_id)
        if error is None:
            family, direction = Family(clock[layout.HINGE_FAMILY]), Direction(clock[layout.HINGE_DIRECTION])
            header = header_of_service(int(clock[layout.HINGE_SERVICE]), direction, family)
            error = unresolved_error(next(self._matchers[interface_id].hinging(header)))
        if packet is not None:
            error.add_note(f"packet {packet.number} ({packet})")
        raise error
