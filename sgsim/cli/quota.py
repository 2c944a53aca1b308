"""`sgsim quota`: what is over AWS's quotas, and how much room is left."""

from collections.abc import Callable
from typing import Any, Final

import click

from sgsim.cli.declarations import Number
from sgsim.cli.options import RuleOptions, document_options
from sgsim.errors import ConfigError

EXIT_OVER: Final = 1

Command = Callable[..., Any]


def _limit(name: str, default: int, help_text: str) -> Callable[[Command], Command]:
    kind = Number(name, least=1, is_whole=True)
    return click.option(f"--{name}", type=kind, default=default, show_default=True, metavar="N", help=help_text)


@click.command("quota", short_help="Count what AWS's quotas limit")
@document_options
@_limit("rules-per-group", 60, "Rules of one direction and family in a group.")
@_limit("groups-per-interface", 5, "Groups on an interface.")
@_limit("product", 1000, "What rules per group times groups per interface may come to.")
@_limit("entries-per-list", 1000, "What MaxEntries of a prefix list may be.")
@_limit("groups", 2500, "Groups in a Region.")
@click.option("--weight", multiple=True, metavar="LIST=N", help="What a prefix list counts. Repeatable.")
@click.option("--all", "show_all", is_flag=True, help="List all that is within its limit.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also if something is over its limit.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    rules_per_group: int,
    groups_per_interface: int,
    product: int,
    entries_per_list: int,
    groups: int,
    weight: tuple[str, ...],
    show_all: bool,
    exit_zero: bool,
    form: str,
) -> None:
    """Count what AWS's quotas limit.

    Rules count by direction and by family. A reference to a group counts once in both families, a prefix list with its
    MaxEntries or, if AWS keeps it, its weight. The exit code is 1 if something is over its limit.

    \b
    Examples:
      sgsim quota -r groups.json -r prefix-lists.json
      sgsim quota -r plan.json --rules-per-group 100 --groups-per-interface 10
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    from sgsim.analysis.quota import Limits, quota  # noqa: PLC0415  # only who counts waits for it

    limits = Limits(
        rules_per_group=rules_per_group,
        groups_per_interface=groups_per_interface,
        product=product,
        entries_per_list=entries_per_list,
        groups=groups,
    )
    found = quota(given.inventory(), limits, dict(map(_weight, weight)))
    if form == "json":
        from sgsim.report.analysis_json import analysis_json  # noqa: PLC0415  # only who wants JSON waits for it

        click.echo(analysis_json(found), nl=False)
    else:
        from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
        from sgsim.report.quota_text import quota_sections  # noqa: PLC0415  # as above
        from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

        write_lines(text_lines(quota_sections(found, show_all=show_all)))
    if found.over and not exit_zero:
        ctx.exit(EXIT_OVER)


def _weight(text: str) -> tuple[str, int]:
    name, _, count = text.rpartition("=")
    if not name or not (count.isascii() and count.isdigit()):
        raise ConfigError(f"--weight must be LIST=N with N a whole number, got {text!r}")
    return name, int(count)
