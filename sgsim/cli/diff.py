"""`sgsim diff`: what changes between two rule sets."""

import click
from attrs import evolve

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.intended import intents_of, judge_intended
from sgsim.cli.options import RuleOptions, rule_options
from sgsim.documents.intended_doc import read_intended
from sgsim.errors import ConfigError
from sgsim.report.diff_report import DiffReport
from sgsim.rules.inventory import Inventory

EXIT_DIFFERENT = 1


@click.command("diff")
@rule_options
@click.option(
    "--map", "mapped", multiple=True, metavar="OLD=NEW",
    help="A group of OLD, by id or name, and the group of NEW that it is, where neither id nor name tells. Repeatable.",
)  # fmt: skip
@click.option(
    "--intended",
    metavar="FILE",
    help="Differences that are meant, in YAML: exit with 0 if nothing differs beyond them.",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.argument("old")
@click.argument("new", required=False)
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    mapped: tuple[str, ...],
    intended: str | None,
    form: str,
    old: str,
    new: str | None,
) -> None:
    """Say what changes from the rules in OLD to those in NEW: for every packet, not for some.

    OLD and NEW are files or directories, as for -r; what both share, such as the interfaces, is given by -r. A
    Terraform plan stands alone: it knows what is and what will be.

    \b
    Examples:
      sgsim diff old.json new.json
      sgsim diff -r interfaces.json groups.json groups-after.json
      sgsim diff plan.json
      sgsim diff --map sg-0123=aws_security_group.web live.json plan.json
      sgsim diff --intended intended.yaml old.json new.json

    Each difference is exact and has a packet as an example. The order of rules, and how they are split or merged, makes
    none. The exit code is 0 if nothing differs (with --intended, nothing else), 1 if anything does.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    mapping = _mapping(mapped)
    before, after = _sides(given, old, new)
    options = given.engine_options()
    diff = diff_rules(before, after, options, mapping)
    judged = None
    if intended is not None:
        intents = intents_of(read_intended(intended, before, after), before, after, diff.unknown_peers)
        judged = judge_intended(diff, intents)
    _print(DiffReport(diff, options.profile, judged), form)
    if bool(diff) if judged is None else not judged.holds:
        ctx.exit(EXIT_DIFFERENT)


def _sides(given: RuleOptions, old: str, new: str | None) -> tuple[Inventory, Inventory]:
    """Read both sides; of a Terraform plan alone, what is and what will be."""
    paths = (f"{old}#before", f"{old}#after") if new is None else (old, new)
    before, after = (evolve(given, rules=(*given.rules, path)).inventory() for path in paths)
    return before, after


def _mapping(texts: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for text in texts:
        old, separator, new = text.partition("=")
        if not separator or not old or not new or old in mapping:
            raise ConfigError(f"--map must be OLD=NEW with each group once, got {text!r}")
        mapping[old] = new
    return mapping


def _print(report: DiffReport, form: str) -> None:
    if form == "json":
        from sgsim.report.diff_json import diff_json  # noqa: PLC0415  # one form, one import

        click.echo(diff_json(report), nl=False)
        return
    from sgsim.report.diff_sections import diff_sections  # noqa: PLC0415  # as above

    if form == "markdown":
        from sgsim.report.markdown import markdown  # noqa: PLC0415  # as above

        click.echo(markdown("sgsim diff", diff_sections(report, is_table=True)), nl=False)
        return
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    write_lines(text_lines(diff_sections(report)))
