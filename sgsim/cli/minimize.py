"""`sgsim minimize`: the fewest rules with the same meaning."""

from pathlib import Path
from typing import Final

import click

from sgsim.analysis.minimize import Minimized, minimize
from sgsim.cli.options import RuleOptions, rule_options
from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory

ENDINGS: Final = (".yaml", ".yml", ".json")


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
    if output is not None and Path(output).suffix not in ENDINGS:
        raise ConfigError(f"--output must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, got {output!r}")
    options = given.engine_options()
    found = minimize(given.inventory(), groups, options)
    if output is not None:
        _write(found, Path(output))
    if form == "json":
        from sgsim.report.minimize_text import minimize_json  # noqa: PLC0415  # one form, one import

        click.echo(minimize_json(found, options.profile.name), nl=False)
        return
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
    from sgsim.report.minimize_text import minimize_sections  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    write_lines(text_lines(minimize_sections(found)))


def _write(found: Minimized, path: Path) -> None:
    from sgsim.documents.aws_writer import write_describe  # noqa: PLC0415  # only who writes waits for it
    from sgsim.documents.yaml_writer import write_yaml  # noqa: PLC0415  # as above

    written = Inventory(groups={group.after.group_id: group.after for group in found.groups})
    text = write_describe(written) if path.suffix == ".json" else write_yaml(written)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(
            f"--output must be a file that can be written, got {str(path)!r}: {error.strerror}"
        ) from error
