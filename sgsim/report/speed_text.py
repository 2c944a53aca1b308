"""How fast sgsim is on a machine, in words."""

from collections.abc import Iterator
from typing import Final

from sgsim import __version__
from sgsim.report.blocks import Column, Facts, Paragraph, Row, Section, Table
from sgsim.report.units import counted, number
from sgsim.simulation.speed import Speed, Spread

_MIB: Final = 1 << 20


def speed_sections(speed: Speed) -> list[Section]:
    """What ran on what, and its rates."""
    rounds = counted(speed.rounds, "round")
    note = (
        f"Medians of {rounds}. Whole replays are timed by the time that passes, all else by what one thread takes of the "
        "processor."
    )
    return [
        Section("Speed on this machine", [Facts(list(_facts(speed)))]),
        Section("Millions of packets per second", [_table(speed), Paragraph(note)]),
    ]


def _facts(speed: Speed) -> Iterator[tuple[str, str]]:
    machine = speed.machine
    yield "machine", f"{machine.system}, {counted(machine.processors, 'processor')}"
    yield "software", f"sgsim {__version__}, Python {machine.python}, numpy {machine.numpy}, numba {machine.numba}"
    size = f"{speed.capture_bytes / _MIB:,.0f} MiB"
    made = f"made from seed {speed.seed}; {number(speed.rules)} narrow rules"
    yield "traffic", f"{counted(speed.packets, 'packet')} in {counted(speed.flows, 'flow')}, {size}, {made}"
    yield "checked", f"both engines decide alike on the first {counted(speed.checked_packets, 'packet')}"
    how = "compiled, which is done once for each installation," if speed.was_compiled else "loaded"
    yield "compiled code", f"{how} in {speed.load_s:.2f} s"
    yield "compiled engine", f"{speed.compiled_to_reference:,.0f} times as fast as the reference engine"
    yield "table", f"{speed.bytes_per_flow:.0f} bytes per flow, with {counted(speed.live_flows, 'live flow')}"
    if speed.peak_bytes is not None:
        yield "memory", f"{speed.peak_bytes / _MIB:,.0f} MiB at most, up to the end of the replays"


def _table(speed: Speed) -> Table:
    columns = [
        Column("median", is_number=True),
        Column("from", is_number=True),
        Column("to", is_number=True),
        Column("what"),
    ]
    measures = (
        (speed.decode, "decode a capture"),
        (speed.judge, "judge what is decoded"),
        (speed.replay_one_thread, "replay, from capture to summary, one thread"),
        (speed.replay_two_threads, "the same, two threads"),
        (speed.hits, f"judge packets of {counted(speed.live_flows, 'live flow')}, in no order"),
        (speed.reference, "judge with the reference engine"),
    )
    return Table(columns, [Row((*_millions(spread), what)) for spread, what in measures])


def _millions(spread: Spread) -> tuple[str, str, str]:
    median, least, greatest = (_digits(rate / 1e6) for rate in (spread.median, spread.least, spread.greatest))
    return median, least, greatest


def _digits(value: float) -> str:
    """Three digits, so that a slow engine shows beside a fast one."""
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
