"""What a user calls traffic, and the interfaces that files are bound to."""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.errors import ConfigError, SourceError
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.whole import ever_known
from sgsim.sources.base import NOT_BOUND, Source
from sgsim.sources.flow_log_problems import FlowLogProblems
from sgsim.sources.inner import Inner
from sgsim.sources.opening import is_log_file, open_file, open_sources

if TYPE_CHECKING:
    from sgsim.sources.flow_log_file import FlowLogFile
    from sgsim.sources.flow_log_format import FlowLogFormat


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
    logs: list[FlowLogFile] = []
    captures: list[Source] = []
    taken_at: list[int] = []
    for item in traffic:
        interface_id, path = _bound(item, interface_ids)
        path = _made(path, inventory, native=native)
        index = interface_ids.index(interface_id) if interface_id is not None else NOT_BOUND
        for each in _opened(path, problems, given, native=native):
            if is_log_file(each):
                logs.append(each)
                taken_at.append(index)
            else:
                captures.append(each)
                taken_at.extend([index] * len(each.files))
    if logs and captures:
        raise ConfigError(
            "traffic must be captures or flow logs, not both in one run, as they would tell the same packets twice, "
            f"got {captures[0].files[0]} (packets) and {logs[0].name} (a flow log)"
        )
    if logs:
        from sgsim.simulation.known_over_time import KnownOverTime  # noqa: PLC0415  # takes long, and is for logs alone
        from sgsim.sources.flow_log import FlowLogSource  # noqa: PLC0415  # as above

        known = KnownOverTime(interface_ids, inventory, options, changes, beside)
        later = known.later if changes else None
        return FlowLogSource(tuple(logs), known.at_first(), problems, later, native), taken_at
    return open_sources(captures), taken_at


def _format(log_format: str | None) -> "FlowLogFormat | None":
    if log_format is None:
        return None
    from sgsim.sources.flow_log_format import parse_format  # noqa: PLC0415  # as above

    try:
        return parse_format(log_format)
    except SourceError as error:
        error.add_note("--log-format")
        raise


def _opened(
    path: Any,  # noqa: ANN401  # takes what users have
    problems: FlowLogProblems,
    given: "FlowLogFormat | None",
    *,
    native: bool,
) -> "Iterator[Source | FlowLogFile]":
    """One input; of a folder every file below it that is traffic."""
    if not (isinstance(path, str | os.PathLike) and Path(path).is_dir()):
        yield open_file(path, problems, given=given, native=native)
        return
    from sgsim.sources.flow_log_file import files_below  # noqa: PLC0415  # as above

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
