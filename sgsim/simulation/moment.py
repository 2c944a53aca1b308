"""One packet of recorded traffic, with all that came before it done.

Law: the engine stands as it stood in a replay when the packet came: same options, same changes, same clock.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, frozen

from sgsim.conntrack.entry import FlowKey
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference import EndedFlow, ReferenceEngine
from sgsim.errors import ConfigError, SourceError, UnresolvedReferenceError
from sgsim.model.columns import PacketColumns, packets_of, select_rows
from sgsim.model.decision import Reason
from sgsim.model.packet import Packet
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory
from sgsim.simulation.given_twice import files_given_twice, notes_on_files_given_twice
from sgsim.simulation.inputs import open_traffic
from sgsim.simulation.timeline import Timeline
from sgsim.simulation.whole import ever_known
from sgsim.sources.base import has_records, is_recorded


@frozen(kw_only=True)
class Moment:
    """A packet that is about to be judged."""

    engine: ReferenceEngine
    """It has judged every packet before this one."""
    file: str
    number: int
    """Its place in the file, as Wireshark counts frames; the line of a flow-log record, whose lead it is."""
    time_ns: int
    start_ns: int
    """When the traffic began."""
    packet: Packet | None
    """None if it could not be read."""
    unreadable: Reason | None
    """Why it could not be read; None if it could."""
    is_record: bool
    """Whether the traffic is flow logs."""
    ended: Mapping[FlowKey, EndedFlow]
    """How each flow ended that is remembered no more; the last of each key."""
    notes: tuple[str, ...] = ()
    """What should be known of the files: such as are given twice."""


def replay_until(
    inventory: Inventory,
    traffic: Sequence[Any],
    options: EngineOptions,
    packet: str | int,
    *,
    changes: Sequence[Change] = (),
) -> Moment:
    """Replay traffic up to one packet.

    Args:
        inventory: Rules and interfaces.
        traffic: As `sgsim.simulation.driver.run` takes it.
        options: How the engine is to run.
        packet: Its number in the capture; `FILE:NUMBER` where there are several captures.
        changes: Changes of rules.

    Raises:
        ConfigError: If there is no such packet.
        SourceError: If the traffic cannot be read up to it.
        UnresolvedReferenceError: If a verdict before it hinges on a reference whose addresses nobody gave.
    """
    source, taken_at = open_traffic(traffic, inventory, options, changes=changes)
    options = evolve(options, recorded=options.recorded and is_recorded([source]))
    file, number = _frame(packet, source.files)
    notes = tuple(notes_on_files_given_twice(source, files_given_twice(source, taken_at)))
    ended: dict[FlowKey, EndedFlow] = {}
    engine = ReferenceEngine(inventory, options, lambda flow: ended.update({flow.entry.key: flow}))
    timeline = Timeline(list(changes), options)
    interface_ids = list(ever_known(inventory, changes).interfaces)
    seen, start_ns = 0, None
    try:
        for batch in source.batches(taken_at):
            start_ns = int(batch.time_ns[0]) if start_ns is None else start_ns
            for part in timeline.parts(batch, engine):
                row = _row_of(part, file, number)
                _judge_all(engine, part if row is None else select_rows(part, 0, row), source.files, interface_ids)
                if row is not None:
                    (last,) = packets_of(select_rows(part, row, row + 1), interface_ids)
                    return Moment(
                        engine=engine,
                        file=source.files[file],
                        number=number,
                        time_ns=int(part.time_ns[row]),
                        start_ns=start_ns,
                        packet=last,
                        unreadable=None if last is not None else Reason(int(part.skip[row])),
                        is_record=has_records(source),
                        ended=ended,
                        notes=notes,
                    )
                seen = max(seen, int(part.number[part.file == file].max(initial=0)))
    except SourceError as error:
        raise SourceError(f"packet must come before the input breaks off, got {number} of {seen}: {error}") from error
    raise ConfigError(f"packet must be 1..{seen}, the last of {source.files[file]}, got {number}")


def _judge_all(
    engine: ReferenceEngine, part: PacketColumns, files: Sequence[str], interface_ids: Sequence[str]
) -> None:
    for packet in packets_of(part, interface_ids):
        if packet is None:
            continue
        try:
            engine.judge(packet)
        except UnresolvedReferenceError as error:
            error.add_note(f"packet {packet.number} ({packet})")
            error.add_note(files[packet.file])
            raise


def _row_of(part: PacketColumns, file: int, number: int) -> int | None:
    rows = np.flatnonzero((part.number == number) & (part.file == file))
    return int(rows[0]) if len(rows) else None


def _frame(packet: str | int, files: Sequence[str]) -> tuple[int, int]:
    """Read `NUMBER` or `FILE:NUMBER`."""
    name, _, text = str(packet).rpartition(":")
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ConfigError(f"packet must be NUMBER or FILE:NUMBER, counted from 1, got {packet!r}")
    if not name and len(files) > 1:
        raise ConfigError(
            f"packet must be FILE:NUMBER with several captures, got {packet!r}; FILE is one of {_listed(files)}"
        )
    named = [index for index, file in enumerate(files) if name in {"", file, Path(file).name}]
    if len(named) > 1 and len({files[index] for index in named}) == 1:
        raise ConfigError(f"file of the packet must be given once, got {name!r} {len(named)} times")
    if len(named) != 1:
        raise ConfigError(f"file of the packet must be one of {_listed(files)}, got {name!r}")
    return named[0], int(text)


def _listed(files: Sequence[str]) -> str:
    return ", ".join(files)
