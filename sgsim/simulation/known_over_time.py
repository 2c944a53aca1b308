"""The interfaces that records of flow logs may name, from one change of rules to the next."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.options import EngineOptions
from sgsim.model.interface import Interface
from sgsim.model.states import TcpState
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.rules.ownership import Ownership
from sgsim.simulation.timeline import options_after
from sgsim.sources.flow_log_binding import KnownInterfaces


@frozen
class KnownOverTime:
    """The interfaces as flow logs are bound to them, while changes come."""

    _ids: Sequence[str]
    """Every interface that is known at some time."""
    _inventory: Inventory
    _options: EngineOptions
    _changes: Sequence[Change]
    _beside: Inventory | None

    def at_first(self) -> KnownInterfaces:
        """What is known before the first change."""
        return self._known(self._inventory, self._options)

    def later(self, start_ns: int) -> list[tuple[int, KnownInterfaces]]:
        """What is known from each change on, in traffic that begins at `start_ns`."""
        options, found = self._options, []
        for change in sorted(self._changes, key=lambda change: change.at_ns(start_ns)):
            options = options_after(options, change)
            found.append((change.at_ns(start_ns), self._known(change.inventory, options)))
        return found

    def _known(self, inventory: Inventory, options: EngineOptions) -> KnownInterfaces:
        inventories = [inventory] if self._beside is None else [inventory, self._beside]
        known = {key: (each, where) for where in reversed(inventories) for key, each in where.interfaces.items()}
        usual = Timeouts.at(options.profile, option=options.timeouts)
        timeouts = [_timeouts(*known[key], options) if key in known else usual for key in self._ids] or [usual]
        return KnownInterfaces(
            tuple(self._ids),
            tuple(interface for interface, _ in known.values()),
            tuple(Ownership(each.interfaces.values()) for each in inventories),
            np.array([each.tcp_ns[TcpState.ESTABLISHED] for each in timeouts], np.int64),
            usual.tcp_ns[TcpState.SYN_SENT],
            usual.icmp_ns,
            options.client_port,
            options.spread,
        )


def _timeouts(interface: Interface, inventory: Inventory, options: EngineOptions) -> Timeouts:
    instance = inventory.instances.get(interface.instance_id or "")
    return Timeouts.at(
        options.profile,
        option=options.timeouts,
        interface=interface.timeouts,
        instance_type=instance.instance_type if instance else None,
    )
