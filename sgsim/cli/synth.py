"""`sgsim synth`: seeded traffic to a capture or flow log."""

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from attrs import evolve

from sgsim.cli.declarations import Number
from sgsim.cli.options import RuleOptions, rule_options
from sgsim.errors import ConfigError

if TYPE_CHECKING:
    from sgsim.sources.synthetic import Synthetic

STDOUT: Final = "-"
_FORMS: Final = ("pcap", "pcap.gz", "log", "log.gz")
_SHORTCUTS: Final = ("rate", "flows", "clients", "servers", "port", "arrival")
"""Settings with options of their own."""
_SECONDS: Final = re.compile(r"[0-9]{1,11}")


@click.command("synth", short_help="Make traffic from a seed")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    help="Where to: .pcap, a flow log (.log .txt .parquet), also .gz; - is standard output.",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(_FORMS),
    help="What standard output is to be, as -o - has no ending. [default: pcap]",
)
@click.option("--list", "is_list", is_flag=True, help="List the scenarios, or with SCENARIO its settings.")
@click.option(
    "--seed", type=Number("the seed", least=0, is_whole=True), metavar="N",
    help="The same seed and settings give the same bytes. [default: 1]",
)  # fmt: skip
@click.option(
    "--duration", metavar="TIME", help="How long, such as 10min; seconds without a unit. [default: the scenario's]"
)
@click.option(
    "--start",
    metavar="TIME",
    help="When it begins: seconds since the epoch, or as 2026-01-31T12:00:00Z. [default: 2026-01-01]",
)
@click.option("--at", metavar="INTERFACE", help="The interface at hand. [default: the first of the rules]")
@click.option("--rate", metavar="N", help="New flows per second.")
@click.option("--flows", metavar="N", help="Standing flows.")
@click.option(
    "--clients", metavar="ADDRESS,...", help="Who opens flows: addresses, blocks, interfaces, groups, or all."
)
@click.option("--servers", metavar="ADDRESS,...", help="Who is called, in the same forms.")
@click.option("--port", metavar="PORTS", help="Ports of the servers, such as 443, 80,443 or 1-1024.")
@click.option("--arrival", metavar="KIND", help="When flows begin: poisson, uniform or burst.")
@click.option(
    "--with", "others", multiple=True, metavar="NAME=VALUE",
    help="Any other setting, such as response_bytes='lognormal 8000 1.2'. Repeatable.",
)  # fmt: skip
@click.option("--unit", default="ns", show_default=True, metavar="ns|us", help="Unit of the times in a capture.")
@click.option(
    "--snaplen", type=Number("bytes", least=1, is_whole=True), default=128, show_default=True, metavar="N",
    help="The most bytes of a frame that are written.",
)  # fmt: skip
@click.option(
    "--window", type=Number("seconds", least=60, is_whole=True), default=60, show_default=True, metavar="60|600",
    help="Seconds within which a flow log joins packets.",
)  # fmt: skip
@click.option(
    "--log-format", default="default", show_default=True, metavar="FORMAT",
    help="Fields of a flow log, as AWS has them: '${version} ${srcaddr} ...'.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing of what was written.")
@click.argument("scenario", metavar="SCENARIO", required=False)
@rule_options
def command(
    given: RuleOptions,
    output: str | None,
    kind: str | None,
    is_list: bool,
    seed: int | None,
    duration: str | None,
    start: str | None,
    at: str | None,
    others: tuple[str, ...],
    unit: str,
    snaplen: int,
    window: int,
    log_format: str,
    form: str,
    quiet: bool,
    scenario: str | None,
    **shortcuts: str | None,
) -> None:
    """Make traffic from a seed: web clients, pools, scans, floods, and mixes of them.

    SCENARIO is one of `sgsim synth --list`, or a YAML file that mixes several. With -r it is bound to the interfaces of
    the rules, without to 10.0.0.5. The traffic does not react: it is what it would be without a filter.

    \b
    Examples:
      sgsim synth --list
      sgsim synth web -o web.pcap
      sgsim synth syn-flood -r rules/ --rate 50k --seed 7 -o flood.pcap.gz
      sgsim synth vpc -r rules/ --duration 1h -o flows.log.gz
      sgsim synth mix.yaml -r rules/ -o - | sgsim replay -r rules/ --cold-start -
      sgsim synth vpc -r rules/ -o - --as log | sgsim replay -r rules/ --cold-start -
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    if is_list:
        click.echo(_listed(scenario, form), nl=False)
        return
    if scenario is None:
        raise ConfigError("SCENARIO must be one of sgsim synth --list, or a YAML file, got none")
    if output is None:
        raise ConfigError("output must be given as -o FILE, got none")
    kind = _kind(output, kind, log_format)
    settings = {name: value for name in _SHORTCUTS if (value := shortcuts.get(name)) is not None} | _others(others)
    traffic = _traffic(scenario, seed, duration, settings)
    traffic = evolve(traffic, interface=at)
    if start is not None:
        traffic = evolve(traffic, start_ns=_start_ns(start))
    inventory = given.inventory() if given.rules else None
    is_zipped = kind.endswith(".gz")
    if kind.removesuffix(".gz") in {"log", "txt", "parquet"}:
        from sgsim.simulation.synthetic_log import write_flow_log  # noqa: PLC0415  # as above
        from sgsim.sources.flow_log_format import parse_format  # noqa: PLC0415  # as above

        told, asked = parse_format(log_format), given.engine_options()
        written = write_flow_log(traffic, inventory, output, asked, form=told, window_s=window, is_zipped=is_zipped)
    else:
        from sgsim.sources.synthetic.writing import write_capture  # noqa: PLC0415  # as above

        written = write_capture(traffic.bound(inventory), output, unit=unit, snap_bytes=snaplen, is_zipped=is_zipped)
        if inventory is not None and not quiet:
            from sgsim.simulation.none_passes import note_on_beginning  # noqa: PLC0415  # as above

            note = note_on_beginning(traffic, inventory, given.engine_options())
            written = evolve(written, notes=tuple(filter(None, [note])))
    if not quiet:
        from sgsim.report.written import written_json, written_text  # noqa: PLC0415  # as above

        click.echo((written_json if form == "json" else written_text)(traffic, written), nl=False, err=output == STDOUT)


def _traffic(scenario: str, seed: int | None, duration: str | None, settings: dict[str, object]) -> "Synthetic":
    from sgsim.sources.synthetic.scenarios import SCENARIOS  # noqa: PLC0415  # numpy, which `sgsim --help` needs not

    if Path(scenario).suffix in {".yaml", ".yml"}:
        from sgsim.simulation.traffic_mix import load_mix  # noqa: PLC0415  # as above

        if settings:
            raise ConfigError(f"settings of a mix must stand in its file, got {', '.join(settings)}")
        return load_mix(scenario, seed=seed, duration=duration)
    from sgsim.sources import synthetic  # noqa: PLC0415  # as above

    if scenario not in SCENARIOS:
        raise ConfigError(f"SCENARIO must be one of {', '.join(SCENARIOS)}, or a YAML file, got {scenario!r}")
    return synthetic.scenario(scenario, seed=1 if seed is None else seed, duration=duration, **settings)  # type: ignore[arg-type]  # settings are checked one by one


def _kind(output: str, kind: str | None, log_format: str) -> str:
    """The ending that says what to write: that of the file, or what standard output is to be."""
    if output != STDOUT:
        if kind is not None:
            raise ConfigError(f"--as must be for standard output, -o -; the ending of a file tells it, got {output!r}")
        return Path(output.lower().removesuffix(".gz")).suffix[1:] + (".gz" if output.lower().endswith(".gz") else "")
    if kind is None and log_format != "default":
        raise ConfigError("--log-format must be for a flow log, got -o - without --as log, which is a capture")
    return kind or _FORMS[0]


def _listed(scenario: str | None, form: str) -> str:
    from sgsim.report.scenarios import scenario_text, scenarios_json, scenarios_text  # noqa: PLC0415  # as above

    if form == "json":
        return scenarios_json(scenario)
    return scenarios_text() if scenario is None else scenario_text(scenario)


def _others(texts: tuple[str, ...]) -> dict[str, object]:
    settings: dict[str, object] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not value:
            raise ConfigError(f"--with must be NAME=VALUE, got {text!r}")
        settings[name] = value
    return settings


def _start_ns(text: str) -> int:
    if _SECONDS.fullmatch(text):
        return int(text) * 10**9
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ConfigError(f"--start must be seconds since the epoch or such as 2026-01-31T12:00:00Z, got {text!r}")
    return int(moment.timestamp()) * 10**9
