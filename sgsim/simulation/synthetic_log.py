"""Synthetic traffic written as the flow log that AWS would have made of it."""

from pathlib import Path

from attrs import evolve

from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory
from sgsim.simulation.driver import Wanted, run
from sgsim.simulation.flow_log_writer import FlowLogWriter
from sgsim.simulation.none_passes import note_if_none_passes
from sgsim.sources.flow_log_format import DEFAULT_FORMAT, FlowLogFormat
from sgsim.sources.synthetic import Synthetic
from sgsim.sources.synthetic.writing import Written


def write_flow_log(
    traffic: Synthetic,
    inventory: Inventory | None,
    target: str | Path,
    options: EngineOptions,
    *,
    form: FlowLogFormat = DEFAULT_FORMAT,
    window_s: int = 60,
    is_zipped: bool = False,
) -> Written:
    """Judge traffic by the rules, and log each packet with its verdict.

    The table is empty at the beginning, and answers to what is denied are not logged, as nobody would have sent them.

    Args:
        traffic: What to log.
        inventory: Rules and interfaces; who has none cannot log.
        target: `.log`, `.txt` or `.parquet`; text also with `.gz`, or to standard output, `-`.
        options: How the engine is to run.
        form: The fields of a record.
        window_s: Within how many seconds packets are joined: 60 or 600.
        is_zipped: Whether standard output is gzipped.

    Raises:
        ConfigError: If there are no interfaces, or the file cannot be written.
        NoTrafficError: If no packet touches a known interface.
    """
    if inventory is None or not inventory.interfaces:
        raise ConfigError("flow log must be one of interfaces that rules name, got none: add -r RULES")
    writer = FlowLogWriter(Path(target), inventory, form, window_s, is_zipped)
    complete = False
    try:
        source = evolve(traffic.bound(inventory), is_recorded=True)
        wanted = Wanted(see=writer.see)
        summary = run(inventory, [source], evolve(options, recorded=True, cold_start=True), wanted=wanted).summary
        complete = True
    finally:
        writer.close(complete=complete)
    return Written(
        file=str(target),
        packets=summary.packets.read,
        records=writer.records,
        bytes=writer.ip_bytes,
        first_ns=summary.start_ns,
        last_ns=summary.end_ns,
        notes=tuple(filter(None, [note_if_none_passes(summary)])),
    )
