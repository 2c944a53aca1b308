"""`sgsim usage`: which rules are hit, how often, when last; which never."""

import click

from sgsim.cli.declarations import ENGINE_OPTION
from sgsim.cli.main import EXIT_BAD_INPUT, complain
from sgsim.cli.options import RuleOptions, TrafficOptions, rule_options, traffic_argument, traffic_options


@click.command("usage", short_help="Count how much each rule is used")
@rule_options
@traffic_options
@ENGINE_OPTION
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@traffic_argument
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    recorded: TrafficOptions,
    engine: str,
    form: str,
    traffic: tuple[str, ...],
) -> None:
    """Count how much each rule is used.

    TRAFFIC is what `sgsim replay` takes. A hit is a packet that the rule itself let pass; it is unique if no other rule of
    the interface admits it. Every peer of a permission is a rule of its own.

    \b
    Examples:
      sgsim usage -r groups.json -r interfaces.json capture.pcap
      sgsim usage -r rules/ --format csv monday.pcap tuesday.pcap > usage.csv
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    from sgsim.analysis.usage import usage_of  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
    from sgsim.cli.terminal import progress, write_lines  # noqa: PLC0415  # as above
    from sgsim.report.analysis_json import analysis_json  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above
    from sgsim.report.usage_text import usage_csv, usage_sections  # noqa: PLC0415  # as above

    inventory = given.inventory()
    options, changes = recorded.engine_options(given), recorded.changes(given, inventory)
    with progress() as shown:
        watch = None if shown is None else shown.show
        found = usage_of(inventory, recorded.inputs(traffic), options, engine=engine, changes=changes, watch=watch)
    if form == "text":
        write_lines(text_lines(usage_sections(found)))
    else:
        click.echo(usage_csv(found) if form == "csv" else analysis_json(found), nl=False)
    if found.broken is not None:
        complain(found.broken)
        ctx.exit(EXIT_BAD_INPUT)
