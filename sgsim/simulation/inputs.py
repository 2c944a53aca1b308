"""What a user calls traffic, and the interfaces that files are bound to."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve

from sgsim.conntrack.timeouts import Timeouts
from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.errors import ConfigError, SourceError
from sgsim.model.states import TcpState
from sgsim.rules.inventory import Inventory
from sgsim.rules.ownership import Ownership
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
    native: bool = False,
) -> tuple[Source, list[int]]:
    """Open the inputs, and find the interface that each file is bound to, by its index in the inventory.

    Args:
        traffic: Captures, flow logs, folders of them, streams, scapy packets or sources.
        inventory: Whose interfaces the traffic is of.
        options: How the engine is to run.
        native: Whether compiled code reads captures and flow logs.

    Raises:
        ConfigError: If there is no input, one is bound to an interface that is not known, or captures and flow logs are
            mixed.
        SourceError: If an input cannot be read.
    """
    if not traffic:
        raise ConfigError("traffic must be at least one capture or flow log, got none")
    interface_ids = list(inventory.interfaces)
    given = _format(options.log_format)
    problems = FlowLogProblems()
    opened: list[Source | FlowLogFile] = []
    taken_at: list[int] = []
    for item in traffic:
        interface_id, path = _bound(item, inventory)
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
        return FlowLogSource(tuple(logs), known_interfaces(inventory, options), problems), taken_at
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
        except SourceError:
            problems.passed_over.append(str(file))
        else:
            found = True
    if not found:
        raise SourceError(f"folder must hold captures or flow logs, got none in {os.fspath(path)!r}")


def known_interfaces(inventory: Inventory, options: EngineOptions) -> KnownInterfaces:
    """The interfaces as flow logs are bound to them, with the timeouts that hold there."""
    interfaces = tuple(inventory.interfaces.values())
    timeouts = [
        Timeouts.at(
            options.profile,
            option=options.timeouts,
            interface=interface.timeouts,
            instance_type=instance.instance_type if instance else None,
        )
        for interface in interfaces
        for instance in (inventory.instances.get(interface.instance_id or ""),)
    ] or [Timeouts.at(options.profile, option=options.timeouts)]
    return KnownInterfaces(
        interfaces,
        Ownership(interfaces),
        np.array([each.tcp_ns[TcpState.ESTABLISHED] for each in timeouts], np.int64),
        timeouts[0].tcp_ns[TcpState.SYN_SENT],
        timeouts[0].icmp_ns,
        options.client_port,
    )


def _made(item: Any, inventory: Inventory, *, native: bool) -> Any:  # noqa: ANN401  # takes what users have
    """Make a source of what is only described, such as synthetic traffic."""
    return item.bound(inventory, native=native) if hasattr(item, "bound") else item


def _bound(item: Any, inventory: Inventory) -> tuple[str | None, Any]:  # noqa: ANN401  # takes what users have
    """Read `INTERFACE=PATH`; a file of exactly that name wins."""
    if isinstance(item, Inner):
        interface_id, inner = _bound(item.item, inventory)
        return interface_id, evolve(item, item=inner)
    if not isinstance(item, str) or "=" not in item or Path(item).exists():
        return None, item
    interface_id, _, path = item.partition("=")
    if interface_id not in inventory.interfaces:
        known = ", ".join(inventory.interfaces) or "none"
        raise ConfigError(f"interface of {item!r} must be a known one, got {interface_id!r}; known are {known}")
    return interface_id, path
