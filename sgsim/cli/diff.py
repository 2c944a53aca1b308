"""`sgsim diff`: what changes between two rule sets."""

import click
from attrs import evolve

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.difference import RulesDiff
from sgsim.cli.options import RuleOptions, rule_options
from sgsim.errors import ConfigError

EXIT_DIFFERENT = 1


@click.command("diff")
@rule_options
@click.option(
    "--map", "mapped", multiple=True, metavar="OLD=NEW",
    help="A group of OLD, by id or name, and the group of NEW that it is, where neither id nor name tells. Repeatable.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
@click.argument("old")
@click.argument("new")
@click.pass_context
def command(ctx: click.Context, given: RuleOptions, mapped: tuple[str, ...], form: str, old: str, new: str) -> None:
    """Say what changes from the rules in OLD to those in NEW: for every packet, not for some.

    OLD and NEW are files or directories, as for -r; what both share, such as the interfaces, is given by -r.

    \b
    Examples:
      sgsim diff old.json new.json
      sgsim diff -r interfaces.json groups.json groups-after.json
      sgsim diff --map sg-0123=aws_security_group.web live.json plan.yaml

    Each difference is exact and has a packet as an example. The order of rules, and how they are split or merged, makes
    none. The exit code is 0 if nothing differs, 1 if anything does.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    mapping = _mapping(mapped)
    sides = [evolve(given, rules=(*given.rules, side)).inventory() for side in (old, new)]
    options = given.engine_options()
    diff = diff_rules(*sides, options, mapping)
    _print(diff, given, form)
    if diff:
        ctx.exit(EXIT_DIFFERENT)


def _mapping(texts: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for text in texts:
        old, separator, new = text.partition("=")
        if not separator or not old or not new or old in mapping:
            raise ConfigError(f"--map must be OLD=NEW with each group once, got {text!r}")
        mapping[old] = new
    return mapping


def _print(diff: RulesDiff, given: RuleOptions, form: str) -> None:
    if form == "json":
        from sgsim.report.diff_json import diff_document, diff_json  # noqa: PLC0415  # one form, one import

        click.echo(diff_json(diff_document(diff, given.engine_options().profile)), nl=False)
        return
    from sgsim.report.diff_sections import diff_sections  # noqa: PLC0415  # as above

    if form == "markdown":
        from sgsim.report.markdown import markdown  # noqa: PLC0415  # as above

        click.echo(markdown("sgsim diff", diff_sections(diff, is_table=True)), nl=False)
        return
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    write_lines(text_lines(diff_sections(diff)))
