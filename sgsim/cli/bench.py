"""`sgsim bench`: how fast sgsim is on this machine."""

import sys

import click

from sgsim.cli.declarations import Number
from sgsim.errors import ConfigError

MOST_FLOWS = 1 << 28


@click.command("bench")
@click.option(
    "--packets", type=Number("packets", least=1000, is_whole=True), default=1_000_000, show_default=True, metavar="N",
    help="About how many packets are made, decoded, judged and replayed.",
)  # fmt: skip
@click.option(
    "--flows", type=Number("flows", least=1, is_whole=True), default=1_000_000, show_default=True, metavar="N",
    help="How many flows are live when hits on them are timed; each takes some 100 bytes of memory.",
)  # fmt: skip
@click.option(
    "--rounds", type=Number("rounds", least=1, is_whole=True), default=3, show_default=True, metavar="N",
    help="How often each is timed.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(packets: int, flows: int, rounds: int, form: str) -> None:
    """Measure how fast sgsim is on this machine.

    Traffic is made from a seed. Both engines must decide alike on its first packets before anything is timed: decoding,
    judging, whole replays with one thread and with two, the reference engine, and packets of very many live flows.

    \b
    Examples:
      sgsim bench
      sgsim bench --packets 10000000 --flows 10000000
      sgsim bench --format json > speed.json
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    if flows > MOST_FLOWS:
        raise ConfigError(f"--flows must be at most {MOST_FLOWS:,}, got {flows:,}")
    from sgsim.simulation.speed import measure_speed  # noqa: PLC0415  # numpy is only for those who measure

    found = measure_speed(packets=packets, live_flows=flows, rounds=rounds, tell=_tell if sys.stderr.isatty() else None)
    if form == "json":
        from sgsim.report.analysis_json import analysis_json  # noqa: PLC0415  # only who wants JSON waits for it

        click.echo(analysis_json(found), nl=False)
    else:
        from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
        from sgsim.report.speed_text import speed_sections  # noqa: PLC0415  # as above
        from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

        write_lines(text_lines(speed_sections(found)))


def _tell(what: str) -> None:
    click.echo(f"sgsim: {what}", err=True)
