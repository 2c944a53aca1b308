"""What a user calls traffic, and the interfaces that files are bound to."""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, frozen

from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.errors import ConfigError, SourceError
from sgsim.model.interface import Interface
from sgsim.model.states import TcpState
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.rules.ownership import Ownership
from sgsim.simulation.timeline import options_after
from sgsim.simulation.whole import ever_known
from sgsim.sources.base import NOT_BOUND, Source
from sgsim.sources.flow_log import FlowLogSource
from sgsim.sources.flow_log_binding import KnownInterfaces
from sgsim.sources.flow_log_file import FlowLogFile, files_below
from sgsim.sources.flow_log_format import FlowLogFormat, parse_format
from sgsim.sources.flow_log_problems import FlowLogProblems
from sgsim.sources.inner import Inner
from sgsim.sources.opening import open_file, open_sources


def open_traffic(
    traffic: Sequence[Any],
    inventory: Inventory,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    changes: Sequence[Change] = (),
    beside: Inventory | None = None,
    native: bool = False,
) -> tuple[Source, list[int]]:
    """Open the inputs, and find the interface that each file is bound to, by its index in `ever_known`.

    Args:
        traffic: Captures, flow logs, folders of them, streams, scapy packets or sources.
        inventory: Whose interfaces the traffic is of.
        options: How the engine is to run.
        changes: What takes over while the traffic runs, and may bring interfaces.
        beside: Another inventory that the same traffic is judged by; it may know more interfaces.
        native: Whether compiled code reads captures and flow logs.

    Raises:
        ConfigError: If there is no input, one is bound to an interface that is not known, or captures and flow logs are
            mixed.
        SourceError: If an input cannot be read.
    """
    if not traffic:
        raise ConfigError("traffic must be at least one capture or flow log, got none")
    interface_ids = list(ever_known(inventory, changes, beside).interfaces)
    given = _format(options.log_format)
    problems = FlowLogProblems()
    opened: list[Source | FlowLogFile] = []
    taken_at: list[int] = []
    for item in traffic:
        interface_id, path = _bound(item, interface_ids)
        path = _made(path, inventory, native=native)
        index = interface_ids.index(interface_id) if interface_id is not None else NOT_BOUND
        for each in _opened(path, problems, given, native=native):
            opened.append(each)
            taken_at.extend([index] * (1 if isinstance(each, FlowLogFile) else len(each.files)))
    logs = [each for each in opened if isinstance(each, FlowLogFile)]
    captures = [each for each in opened if not isinstance(each, FlowLogFile)]
    if logs and captures:
        raise ConfigError(
            "traffic must be captures or flow logs, not both in one run, as they would tell the same packets twice, "
            f"got {captures[0].files[0]} (packets) and {logs[0].name} (a flow log)"
        )
    if logs:
        known = KnownOverTime(interface_ids, inventory, options, changes, beside)
        later = known.later if changes else None
        return FlowLogSource(tuple(logs), known.at_first(), problems, later, native), taken_at
    return open_sources(captures), taken_at


def _format(log_format: str | None) -> FlowLogFormat | None:
    if log_format is None:
        return None
    try:
        return parse_format(log_format)
    except SourceError as error:
        error.add_note("--log-format")
        raise


def _opened(
    path: Any,  # noqa: ANN401  # takes what users have
    problems: FlowLogProblems,
    given: FlowLogFormat | None,
    *,
    native: bool,
) -> Iterator[Source | FlowLogFile]:
    """One input; of a folder every file below it that is traffic."""
    if not (isinstance(path, str | os.PathLike) and Path(path).is_dir()):
        yield open_file(path, problems, given=given, native=native)
        return
    found = False
    for file in files_below(Path(path)):
        try:
            yield open_file(str(file), problems, given=given, native=native)
        except SourceError as error:
            if getattr(error.__cause__, "errno", None) is not None:  # what the system does not give may be anything
                raise
            problems.passed_over.append(str(file))
        else:
            found = True
    if not found:
        raise SourceError(f"folder must hold captures or flow logs, got none in {os.fspath(path)!r}")


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


def _made(item: Any, inventory: Inventory, *, native: bool) -> Any:  # noqa: ANN401  # takes what users have
    """Make a source of what is only described, such as synthetic traffic."""
    return item.bound(inventory, native=native) if hasattr(item, "bound") else item


def _bound(item: Any, interface_ids: Collection[str]) -> tuple[str | None, Any]:  # noqa: ANN401  # takes what users have
    """Read `INTERFACE=PATH`; a file of exactly that name wins."""
    if isinstance(item, Inner):
        interface_id, inner = _bound(item.item, interface_ids)
        return interface_id, evolve(item, item=inner)
    if not isinstance(item, str) or "=" not in item or Path(item).exists():
        return None, item
    interface_id, _, path = item.partition("=")
    if interface_id not in interface_ids:
        known = ", ".join(interface_ids) or "none"
        raise ConfigError(f"interface of {item!r} must be a known one, got {interface_id!r}; known are {known}")
    return interface_id, path
