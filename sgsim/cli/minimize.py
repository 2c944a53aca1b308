"""`sgsim minimize`: the fewest rules with the same meaning."""

from pathlib import Path

import click

from sgsim.analysis.minimize import minimize
from sgsim.cli.options import RuleOptions, rule_options
from sgsim.cli.output_option import check_rule_ending, write_rules
from sgsim.rules.inventory import Inventory


@click.command("minimize", short_help="Find fewer rules that mean the same")
@rule_options
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="Only this group, by id or name. Repeatable.")
@click.option(
    "-o", "--output", metavar="FILE",
    help="Write the groups with fewer rules: .yaml is sgsim's own form, .json that of describe-security-groups.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(given: RuleOptions, groups: tuple[str, ...], output: str | None, form: str) -> None:
    """Find fewer rules that mean the same.

    Rules that others imply go; ports and blocks that touch are joined. References stay references, and no rule is made
    that would change which flows are tracked. That the meaning is the same is proved each time, as sgsim diff does it.

    \b
    Examples:
      sgsim minimize -r groups.json
      sgsim minimize -r groups.json --group sg-web -o smaller.json

    The exit code is 0 whether there are fewer or not.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    check_rule_ending(output)
    options = given.engine_options()
    found = minimize(given.inventory(), groups, options)
    if output is not None:
        write_rules(Path(output), Inventory(groups={each.after.group_id: each.after for each in found.groups}))
    if form == "json":
        from sgsim.report.minimize_text import minimize_json  # noqa: PLC0415  # one form, one import

        click.echo(minimize_json(found, options.profile.name), nl=False)
        return
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
    from sgsim.report.minimize_text import minimize_sections  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    write_lines(text_lines(minimize_sections(found)))
