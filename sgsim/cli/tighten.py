"""`sgsim tighten`: the narrowest rules that still carry this traffic."""

from pathlib import Path

import click

from sgsim.cli.declarations import ENGINE_OPTION, Number
from sgsim.cli.main import EXIT_BAD_INPUT, complain
from sgsim.cli.options import RuleOptions, TrafficOptions, recording_options, rule_options, traffic_argument
from sgsim.cli.output_option import check_rule_ending, write_rules
from sgsim.errors import ConfigError


@click.command("tighten", short_help="Find the narrowest rules that carry this traffic")
@rule_options
@recording_options
@click.option(
    "--prefix4",
    type=Number("bits", least=0, is_whole=True),
    default=32,
    show_default=True,
    metavar="N",
    help="Widen IPv4 peers to blocks of this length.",
)
@click.option(
    "--prefix6",
    type=Number("bits", least=0, is_whole=True),
    default=128,
    show_default=True,
    metavar="N",
    help="Widen IPv6 peers to blocks of this length.",
)
@click.option(
    "--port-gap",
    type=Number("ports", least=0, is_whole=True),
    default=0,
    show_default=True,
    metavar="N",
    help="Join ports with at most this many unseen ones between them.",
)
@click.option(
    "--ephemeral",
    type=Number("ports", least=0, is_whole=True),
    default=4,
    show_default=True,
    metavar="N",
    help="From this many ports above 32767 on a rule keeps all of them; 0 never.",
)
@click.option(
    "--most",
    type=Number("rules", least=1, is_whole=True),
    default=10,
    show_default=True,
    metavar="N",
    help="How many rules may take the place of one.",
)
@click.option(
    "--least",
    type=Number("flows", least=1, is_whole=True),
    default=1,
    show_default=True,
    metavar="N",
    help="Leave out peers and services of fewer flows.",
)
@click.option(
    "--hold-out",
    type=Number("the time", least=0),
    default=0.2,
    show_default=True,
    metavar="SHARE",
    help="Do not learn from this share at the end; check on it instead.",
)
@ENGINE_OPTION
@click.option("-o", "--output", metavar="FILE", help="Write the new rules: .yaml or .json.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "aws-cli"]),
    default="text",
    show_default=True,
    help="aws-cli: commands that apply the change.",
)
@traffic_argument
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    recorded: TrafficOptions,
    prefix4: int,
    prefix6: int,
    port_gap: int,
    ephemeral: int,
    most: int,
    least: int,
    hold_out: float,
    engine: str,
    output: str | None,
    form: str,
    traffic: tuple[str, ...],
) -> None:
    """Find the narrowest rules that carry this traffic.

    Every new rule lies inside an old one. A replay proves that nothing of what was learned from is denied; what would be
    denied of the part that was held out is told. TRAFFIC is what `sgsim replay` takes; it is read several times.

    \b
    Examples:
      sgsim tighten -r groups.json -r interfaces.json monday.pcap
      sgsim tighten -r rules/ --prefix4 24 --port-gap 10 -o tight.yaml monday.pcap
      sgsim tighten -r rules/ --hold-out 0 --format aws-cli monday.pcap > apply.sh
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    if "-" in traffic:
        raise ConfigError("traffic must be files, because it is read several times, got '-'")
    if hold_out >= 1:
        raise ConfigError(f"--hold-out must be less than 1, got {hold_out:g}")
    check_rule_ending(output)
    from sgsim.analysis.narrowing import Knobs  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
    from sgsim.analysis.tighten import tighten_rules  # noqa: PLC0415  # as above
    from sgsim.cli.terminal import progress  # noqa: PLC0415  # as above

    knobs = Knobs(prefix4=prefix4, prefix6=prefix6, port_gap=port_gap, ephemeral=ephemeral, most=most, least=least)
    inventory = given.inventory()
    options = recorded.engine_options(given)
    with progress() as shown:
        watch = None if shown is None else shown.show
        found = tighten_rules(
            inventory,
            recorded.inputs(traffic),
            options,
            knobs=knobs,
            hold_out=hold_out,
            engine=engine,
            watch=watch,
        )
    if output is not None:
        write_rules(Path(output), found.inventory)
    if form == "json":
        from sgsim.report.tighten_json import tighten_json  # noqa: PLC0415  # one form, one import

        click.echo(tighten_json(found), nl=False)
    elif form == "aws-cli":
        from sgsim.report.tighten_text import apply_script  # noqa: PLC0415  # as above

        click.echo(apply_script(inventory, found.inventory), nl=False)
    else:
        from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
        from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above
        from sgsim.report.tighten_text import tighten_sections  # noqa: PLC0415  # as above

        write_lines(text_lines(tighten_sections(found)))
    if found.broken is not None:
        complain(found.broken)
        ctx.exit(EXIT_BAD_INPUT)
