"""`sgsim diff`: what changes between two rule sets."""

import gc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.intended import intents_of, judge_intended
from sgsim.cli.declarations import ENGINE_OPTION
from sgsim.cli.main import EXIT_BAD_INPUT, complain
from sgsim.cli.options import RuleOptions, TrafficOptions, recording_options, rule_options
from sgsim.documents.changes import TIME_FORMS, read_time
from sgsim.documents.intended_doc import read_intended
from sgsim.documents.options import naming
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.report.diff_report import DiffReport
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory

if TYPE_CHECKING:
    from sgsim.analysis.traffic_difference import TrafficDiff

EXIT_DIFFERENT = 1


@click.command("diff", short_help="Say what a change of rules changes, exactly")
@rule_options
@recording_options
@click.option(
    "--map", "mapped", multiple=True, metavar="OLD=NEW",
    help="A group of OLD, by id or name, and the group of NEW that it is, where neither id nor name tells. Repeatable.",
)  # fmt: skip
@click.option(
    "--intended",
    metavar="FILE",
    help="Differences that are meant, in YAML: exit with 0 if nothing differs beyond them.",
)
@click.option(
    "-t", "--traffic", multiple=True, metavar="TRAFFIC",
    help="Replay this under both, as sgsim replay takes it: what it would lose or gain, and what the tables hold. "
    "Repeatable.",
)  # fmt: skip
@click.option(
    "--at", metavar="TIME",
    help="When the new rules begin to hold, in seconds after the first packet or as 2026-01-31T12:00:00Z; without it "
    "whole runs are compared.",
)  # fmt: skip
@ENGINE_OPTION
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown", "github"]), default="text", show_default=True
)
@click.argument("old")
@click.argument("new", required=False)
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    recorded: TrafficOptions,
    mapped: tuple[str, ...],
    intended: str | None,
    traffic: tuple[str, ...],
    at: str | None,
    engine: str,
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
      sgsim diff -r interfaces.json -t monday.pcap --at 3600 old.json new.json

    Each difference is exact and has a packet as an example. The order of rules, and how they are split or merged, makes
    none. The exit code is 0 if nothing differs (with --intended, nothing else), 1 if anything does.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    mapping = _mapping(mapped)
    if not traffic:
        recorded.check_unused()
    options = given.engine_options()
    gc.disable()  # reading and comparing make a million small tuples and no cycles: a seventh of the time
    before, after = _sides(given, old, new)
    _check_mapping(mapping, before, after)
    diff = diff_rules(before, after, options, mapping)
    gc.enable()
    judged = None
    if intended is not None:
        intents = intents_of(read_intended(intended, before, after), before, after, diff.unknown_peers)
        judged = judge_intended(diff, intents)
    replayed = None
    if traffic:
        inputs = recorded.inputs(traffic)
        replayed = _replay(before, after, inputs, recorded.engine_options(given), engine, at, mapping)
    elif at is not None:
        raise ConfigError(f"--at must go with -t TRAFFIC, got --at {at} alone")
    _print(DiffReport(diff, options.profile, judged, replayed), form, before, after)
    if replayed is not None and replayed.broken is not None:
        complain(replayed.broken)
        ctx.exit(EXIT_BAD_INPUT)
    if (bool(diff) if judged is None else not judged.holds) or (judged is None and bool(replayed)):
        ctx.exit(EXIT_DIFFERENT)


def _replay(
    before: Inventory,
    after: Inventory,
    traffic: Sequence[Any],
    options: EngineOptions,
    engine: str,
    at: str | None,
    mapping: Mapping[str, str],
) -> "TrafficDiff":
    change = None
    if at is not None:
        read = read_time(at, "time of --at")
        if read is None:
            raise ConfigError(f"--at must be {TIME_FORMS}, got {at!r}")
        change = Change(read[0], after, read[1], f"--at {at}")
    from sgsim.analysis.traffic_diff import diff_traffic  # noqa: PLC0415  # numpy is only for those who replay

    return diff_traffic(before, after, traffic, options, engine=engine, at=change, mapping=mapping)


def _sides(given: RuleOptions, old: str, new: str | None) -> tuple[Inventory, Inventory]:
    """Read both sides; of a Terraform plan alone, what is and what will be."""
    return given.sides(f"{old}#before", f"{old}#after") if new is None else given.sides(old, new)


def _mapping(texts: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for text in texts:
        old, separator, new = text.partition("=")
        if not separator or not old or not new or old in mapping:
            raise ConfigError(f"--map must be OLD=NEW with each group once, got {text!r}")
        mapping[old] = new
    return mapping


def _check_mapping(mapping: Mapping[str, str], before: Inventory, after: Inventory) -> None:
    for old, new in mapping.items():
        with naming("--map", f"{old}={new}"):
            before.find_group(old)
            after.find_group(new)


def _print(report: DiffReport, form: str, before: Inventory, after: Inventory) -> None:
    if form == "json":
        from sgsim.report.diff_json import diff_json  # noqa: PLC0415  # one form, one import

        click.echo(diff_json(report), nl=False)
        return
    if form == "github":
        from sgsim.cli.step_summary import add_to_step_summary  # noqa: PLC0415  # as above
        from sgsim.report.github import github_diff  # noqa: PLC0415  # as above

        add_to_step_summary(lambda: _markdown(report))
        click.echo(github_diff(report, before, after), nl=False)
        return
    if form == "markdown":
        click.echo(_markdown(report), nl=False)
        return
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # as above
    from sgsim.report.diff_sections import diff_sections  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    write_lines(text_lines(diff_sections(report)))


def _markdown(report: DiffReport) -> str:
    from sgsim.report.diff_sections import diff_sections  # noqa: PLC0415  # one form, one import
    from sgsim.report.markdown import markdown  # noqa: PLC0415  # as above

    return markdown("sgsim diff", diff_sections(report, is_table=True))
