"""`sgsim sweep`: which capacity and timeouts this traffic needs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from sgsim.cli.declarations import ENGINE_OPTION, Number
from sgsim.cli.main import EXIT_BAD_INPUT, complain
from sgsim.cli.options import RuleOptions, TrafficOptions, recording_options, rule_options, traffic_argument
from sgsim.errors import ConfigError

LARGE_BYTES: Final = 10_000_000
"""Traffic from here on is replayed by several processes unless told otherwise."""


@click.command("sweep", short_help="Find which capacity and timeouts traffic needs")
@rule_options
@recording_options
@click.option(
    "--timeouts", metavar="S[,S]", help="Idle timeouts of established TCP to try. [default: 60,350,3600,86400,432000]"
)
@click.option(
    "--capacities", metavar="N[,N]", help="Capacities to try. [default: some below the least that refuses nothing]"
)
@click.option("--no-advice", is_flag=True, help="Do not try what opening the way back of rules would save.")
@click.option(
    "--jobs", type=Number("processes", least=1, is_whole=True), metavar="N",
    help="How many replays run at the same time. [default: one for each processor, if the traffic is large]",
)  # fmt: skip
@ENGINE_OPTION
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@traffic_argument
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    recorded: TrafficOptions,
    timeouts: str | None,
    capacities: str | None,
    no_advice: bool,
    jobs: int | None,
    engine: str,
    form: str,
    traffic: tuple[str, ...],
) -> None:
    """Find which capacity and timeouts this traffic needs.

    Replays the traffic at each of several capacities and timeouts, tells the fewest places that refuse nothing (and shows
    that one less refuses), what Nitro v6's 350 s would cut, and what opening rules would leave untracked. TRAFFIC is what
    `sgsim replay` takes; it is read many times.

    \b
    Examples:
      sgsim sweep -r groups.json -r interfaces.json capture.pcap
      sgsim sweep -r rules/ --timeouts 60,350,3600 --capacities 1000,5000 monday.pcap
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    if "-" in traffic:
        raise ConfigError("traffic must be files, because it is read many times, got '-'")
    from sgsim.analysis.sweep import TIMEOUTS_S, sweep_points  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
    from sgsim.report.analysis_json import analysis_json  # noqa: PLC0415  # as above
    from sgsim.report.sweep_text import note_on_capacity, sweep_sections  # noqa: PLC0415  # as above

    found = sweep_points(
        given.inventory(),
        recorded.inputs(traffic),
        recorded.engine_options(given),
        timeouts_s=_numbers("--timeouts", timeouts) if timeouts is not None else TIMEOUTS_S,
        capacities=[int(each) for each in _numbers("--capacities", capacities, whole=True)]
        if capacities is not None
        else (),
        advise=not no_advice,
        engine=engine,
        jobs=_jobs(traffic) if jobs is None else jobs,
    )
    if form == "json":
        click.echo(analysis_json(found, peaks_note=note_on_capacity(found)), nl=False)
    else:
        from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # one form, one import
        from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

        write_lines(text_lines(sweep_sections(found)))
    if found.broken is not None:
        complain(found.broken)
        ctx.exit(EXIT_BAD_INPUT)


def _jobs(traffic: Sequence[str]) -> int:
    """One for each processor, unless the traffic is so small that starting them takes longer."""
    sizes = (Path(each).stat().st_size for each in traffic if Path(each).is_file())
    return os.cpu_count() or 1 if sum(sizes) >= LARGE_BYTES else 1


def _numbers(option: str, text: str, *, whole: bool = False) -> list[float]:
    """Read numbers with commas between them, the same once, in order."""
    kind = "whole numbers" if whole else "numbers"
    try:
        found = [int(part) if whole else float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{option} must be {kind} of at least 1 with commas between them, got {text!r}") from error
    if not all(1 <= each < float("inf") for each in found):
        raise ConfigError(f"{option} must be {kind} of at least 1 with commas between them, got {text!r}")
    return sorted(set(found))
