"""What every engine offers to those who replay traffic: columns in, columns out.

Indices in columns count `interface_ids` and `rules`; both only ever grow.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from sgsim.conntrack.pressure import TablePressure
from sgsim.engine.options import EngineOptions
from sgsim.model.columns import DecisionColumns, FlowColumns, PacketColumns
from sgsim.model.rule_ref import RuleRef
from sgsim.rules.inventory import Inventory


@frozen
class EngineCounts:
    """What an engine counts beside its decisions."""

    late_packets: int = 0
    """Packets whose time was before the clock; they were judged at the clock."""
    largest_step_back_ns: int = 0
    """The most that one was before it."""
    forgotten_flows: int = 0
    """Flows beside the table that were dropped for want of memory."""
    assumed_empty: Mapping[str, int] | None = None
    """Denied packets that a rule might have admitted whose unknown peer counts as empty, by rule."""


class Engine(Protocol):
    """A filter for batches of packets."""

    @property
    def interface_ids(self) -> Sequence[str]:
        """What `interface` and `taken_at` columns count."""

    @property
    def rules(self) -> Sequence[RuleRef]:
        """What `rule` columns count."""

    @property
    def now_ns(self) -> int | None:
        """The clock, nanoseconds since the epoch; None before the first packet."""

    def filter(self, packets: PacketColumns) -> DecisionColumns:
        """Judge a batch, in order.

        Raises:
            UnresolvedReferenceError: If a verdict hinges on a reference whose addresses nobody gave; its notes name the
                packet.
        """

    def change(self, inventory: Inventory, time_ns: int, options: EngineOptions | None = None) -> None:
        """Let other rules, members, addresses or lists hold from `time_ns` on, which is not before the clock.

        `options` are taken over for their capacity and timeouts; None leaves these as they are.
        """

    def advance(self, time_ns: int) -> None:
        """Set the clock forward; what is due expires.

        Raises:
            TimeOrderError: If `time_ns` is before the clock.
        """

    def ended_flows(self) -> FlowColumns:
        """The flows that have ended since the last call, in the order of their ends."""

    def live_flows(self) -> FlowColumns:
        """The flows remembered now, in the order of their numbers."""

    def flow_kinds(self) -> Mapping[str, int]:
        """How many flows there have been, by the names of `FlowCounts`; those remembered now are counted as live."""

    def pressure(self) -> Mapping[str, TablePressure]:
        """The load on each table, by the id of its instance."""

    def counts(self) -> EngineCounts:
        """What was counted beside the decisions."""
