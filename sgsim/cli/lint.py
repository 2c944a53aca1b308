"""`sgsim lint`: what is redundant, unreachable, dangling, or open."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sgsim.cli.main import EXIT_BAD_INPUT, complain
from sgsim.cli.options import RuleOptions, TrafficOptions, recording_options, rule_options
from sgsim.cli.output_option import write_text
from sgsim.errors import ConfigError

if TYPE_CHECKING:
    from sgsim.analysis.baseline import Judged
    from sgsim.analysis.lint import Lint
    from sgsim.rules.inventory import Inventory
    from sgsim.simulation.summary import Summary

EXIT_FOUND: Final = 1
LEVELS: Final = ("error", "warning", "note", "never")


@click.command("lint", short_help="Find rules that are redundant, dangling or too open")
@rule_options
@recording_options
@click.option(
    "-t", "--traffic", multiple=True, metavar="TRAFFIC", help="Traffic that tells what tracking costs. Repeatable."
)
@click.option("--disable", multiple=True, metavar="ID", help="A kind of finding that is not wanted. Repeatable.")
@click.option(
    "--admin-ports", metavar="PORT[,PORT]", help="TCP ports that the Internet should not reach, in place of ours."
)
@click.option(
    "--fail-on", type=click.Choice(LEVELS), default="warning", show_default=True,
    help="Exit with 1 if anything is found that is as bad as this.",
)  # fmt: skip
@click.option("--baseline", metavar="FILE", help="Findings that are accepted, with reasons, in YAML.")
@click.option("--write-baseline", metavar="FILE", help="Write a baseline of all that is found now.")
@click.option(
    "--reason", default="accepted as it was found", metavar="TEXT", help="The reason in a baseline that is written."
)
@click.option("--today", metavar="DATE", help="The day that decides what has expired. [default: today]")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "sarif", "github"]),
    default="text",
    show_default=True,
)
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    recorded: TrafficOptions,
    traffic: tuple[str, ...],
    disable: tuple[str, ...],
    admin_ports: str | None,
    fail_on: str,
    baseline: str | None,
    write_baseline: str | None,
    reason: str,
    today: str | None,
    exit_zero: bool,
    form: str,
) -> None:
    """Find rules that are redundant, dangling, without effect, or open to the Internet.

    Each finding has a stable id, a severity, a place and a fix. The exit code is 1 if anything is found that is as bad as
    --fail-on and not in the baseline.

    \b
    Examples:
      sgsim lint -r groups.json -r interfaces.json
      sgsim lint -r plan.json --disable mergeable-rules --fail-on error
      sgsim lint -r rules/ --baseline accepted.yaml --format sarif > lint.sarif
      sgsim lint -r rules/ -t monday.pcap
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    from sgsim.analysis.baseline import judge  # noqa: PLC0415  # only who lints waits for it
    from sgsim.analysis.lint import lint  # noqa: PLC0415  # as above
    from sgsim.analysis.lint_exposure import ADMIN_PORTS  # noqa: PLC0415  # as above
    from sgsim.documents.baseline_doc import read_baseline  # noqa: PLC0415  # as above

    if not traffic:
        recorded.check_unused()
    inventory = given.inventory()
    found = lint(
        inventory,
        profile=given.engine_options().profile,
        disable=disable,
        admin_ports=_ports(admin_ports) if admin_ports is not None else ADMIN_PORTS,
        summary=_summary(given, recorded, inventory, traffic) if traffic else None,
    )
    accepted = read_baseline(baseline) if baseline is not None else ()
    judged = judge(found.findings, accepted, _day(today))
    if write_baseline is not None:
        _write(Path(write_baseline), found, reason)
    click.echo(_written(found, judged, form), nl=False) if form != "text" else _print(found, judged)
    if found.broken is not None:
        complain(found.broken)
        ctx.exit(EXIT_BAD_INPUT)
    levels = LEVELS[: LEVELS.index(fail_on) + 1] if fail_on != "never" else ()
    if not exit_zero and write_baseline is None and any(each.severity in levels for each in judged.open):
        ctx.exit(EXIT_FOUND)


def _summary(
    given: RuleOptions, recorded: TrafficOptions, inventory: "Inventory", traffic: tuple[str, ...]
) -> "Summary":
    from sgsim.simulation.driver import run  # noqa: PLC0415  # numpy is only for those who replay

    return run(inventory, recorded.inputs(traffic), recorded.engine_options(given)).summary


def _ports(text: str) -> list[int]:
    parts = text.split(",") if text else []
    if not all(part.isascii() and part.isdigit() and int(part) <= 65535 for part in parts):
        raise ConfigError(f"--admin-ports must be ports with commas between them, got {text!r}")
    return [int(part) for part in parts]


def _day(text: str | None) -> date:
    if text is None:
        return date.today()  # noqa: DTZ011  # a baseline expires by its reader's calendar
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--today must be a day such as 2027-01-31, got {text!r}") from error


def _write(path: Path, found: "Lint", reason: str) -> None:
    from sgsim.analysis.baseline import accept_all  # noqa: PLC0415  # only who writes one waits for it
    from sgsim.documents.baseline_doc import write_baseline  # noqa: PLC0415  # as above

    write_text(path, write_baseline(accept_all(found.findings, reason)), "--write-baseline")


def _written(found: "Lint", judged: "Judged", form: str) -> str:
    if form == "sarif":
        from sgsim.report.lint_text import note_on_places  # noqa: PLC0415  # one form, one import
        from sgsim.report.sarif import sarif_json  # noqa: PLC0415  # as above

        shown = (*judged.open, *(each.finding for each in judged.accepted))
        return sarif_json(judged, list(filter(None, [note_on_places(found, shown)])))
    if form == "github":
        from sgsim.cli.step_summary import add_to_step_summary  # noqa: PLC0415  # as above
        from sgsim.report.github import github_lines  # noqa: PLC0415  # as above
        from sgsim.report.lint_text import note_on_places  # noqa: PLC0415  # as above

        add_to_step_summary(lambda: _markdown(found, judged))
        return github_lines(judged.open, filter(None, [note_on_places(found, judged.open)]))
    if form == "markdown":
        return _markdown(found, judged)
    from sgsim.report.lint_json import lint_json  # noqa: PLC0415  # as above

    return lint_json(found, judged)


def _markdown(found: "Lint", judged: "Judged") -> str:
    from sgsim.report.lint_text import lint_sections  # noqa: PLC0415  # one form, one import
    from sgsim.report.markdown import markdown  # noqa: PLC0415  # as above

    return markdown("sgsim lint", lint_sections(found, judged, is_table=True, folder=Path.cwd()))


def _print(found: "Lint", judged: "Judged") -> None:
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # one form, one import
    from sgsim.report.lint_text import lint_sections  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    write_lines(text_lines(lint_sections(found, judged, folder=Path.cwd())))
