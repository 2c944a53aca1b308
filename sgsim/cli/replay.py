"""`sgsim replay`: what happens to this traffic, and to the table."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from attrs import define

from sgsim.cli.declarations import ENGINE_OPTION, Number
from sgsim.cli.main import EXIT_BAD_INPUT, complain
from sgsim.cli.options import RuleOptions, TrafficOptions, rule_options, traffic_argument, traffic_options
from sgsim.cli.output_option import write_text
from sgsim.errors import ConfigError

if TYPE_CHECKING:
    from sgsim.engine.base import Engine
    from sgsim.model.columns import DecisionColumns, PacketColumns
    from sgsim.report.summary_asking import Asking
    from sgsim.simulation.summary import Summary

TABLE_ENDINGS: Final = (".jsonl", ".csv", ".parquet")
REPORT_ENDINGS: Final = (".json", ".html", ".md")
STDOUT: Final = "-"


@define
class Shower:
    """Prints the first decisions, one line each."""

    left: int
    to_stderr: bool

    def see(self, packets: "PacketColumns", decisions: "DecisionColumns", engine: "Engine") -> None:
        """Print what is left to print."""
        from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
        from sgsim.report.decision_lines import decision_lines  # noqa: PLC0415  # as above

        lines = list(decision_lines(packets, decisions, engine.interface_ids, engine.rules, self.left))
        self.left -= len(lines)
        write_lines(lines, to_stderr=self.to_stderr)


@click.command("replay", short_help="Play a capture or flow log through the groups")
@rule_options
@traffic_options
@ENGINE_OPTION
@click.option(
    "--threads", default="2", show_default=True, metavar="1|2",
    help="With 2 the compiled engine judges in one thread while another reads; the answers are the same.",
)  # fmt: skip
@click.option(
    "--decisions", multiple=True, metavar="FILE",
    help="Write one row for each packet and interface: .jsonl, .csv or .parquet; - is JSON lines to stdout. Repeatable.",
)  # fmt: skip
@click.option(
    "--flows", multiple=True, metavar="FILE", help="Write one row for each flow, in the same forms. Repeatable."
)
@click.option("--report", multiple=True, metavar="FILE", help="Write the summary: .html, .md or .json. Repeatable.")
@click.option(
    "--format", "form", default="text", show_default=True, metavar="text|json", help="How to print the summary."
)
@click.option("--quiet", "-q", is_flag=True, help="Print no summary.")
@click.option(
    "--show", type=Number("decisions", least=0, is_whole=True), default=0, metavar="N",
    help="Print the first N decisions, one line each.",
)  # fmt: skip
@click.option(
    "--write-allowed", metavar="FILE",
    help="Save the packets that are allowed to a capture (.pcap or .pcapng, also .gz), as they were.",
)  # fmt: skip
@click.option("--write-denied", metavar="FILE", help="The same for the packets that are denied.")
@traffic_argument
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    recorded: TrafficOptions,
    engine: str,
    threads: str,
    decisions: tuple[str, ...],
    flows: tuple[str, ...],
    report: tuple[str, ...],
    form: str,
    quiet: bool,
    show: int,
    write_allowed: str | None,
    write_denied: str | None,
    traffic: tuple[str, ...],
) -> None:
    """Replay captures or VPC flow logs through security groups.

    TRAFFIC is a pcap or pcapng file, a flow log (text, Parquet, JSON of CloudWatch Logs), also gzipped, a folder of
    them, or - for standard input; INTERFACE=FILE says at which interface it was taken. Several are merged by time. The
    exit code is 0 whatever the verdicts, and 2 for bad input.

    \b
    Examples:
      sgsim replay -r groups.json -r interfaces.json capture.pcap
      sgsim replay -r groups.json --interface 10.0.0.5=sg-web --capacity 50000 capture.pcap
      sgsim replay -r rules/ --change 3600=new.json --report report.html monday.pcap
      sgsim replay -r rules/ --decisions - capture.pcap | jq 'select(.verdict == "deny")'
      sgsim replay -r rules/ AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/01/31/
      sgsim replay -r rules/ --write-denied denied.pcap -q capture.pcap
      tcpdump -s 128 -w - | sgsim replay -r rules/ --show 20 -
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    _check_choice("--threads", threads, ("1", "2"))
    _check_choice("--format", form, ("text", "json"))
    _check_endings("--decisions", decisions, TABLE_ENDINGS, may_be_stdout=True)
    _check_endings("--flows", flows, TABLE_ENDINGS, may_be_stdout=True)
    _check_endings("--report", report, REPORT_ENDINGS)
    if [*decisions, *flows].count(STDOUT) > 1:
        raise ConfigError("standard output must be given to one table, got --decisions or --flows - twice")
    is_stdout_taken = STDOUT in {*decisions, *flows}

    from sgsim.report.summary_asking import Asking  # noqa: PLC0415  # numpy, which `sgsim --help` needs not

    _check_reports(report)
    shower = Shower(show, to_stderr=is_stdout_taken or form == "json")
    summary = _run(
        given, recorded, traffic, engine, int(threads), decisions, flows, shower, (write_allowed, write_denied)
    )
    asking = Asking([*given.words(), *recorded.words()], traffic)
    for path in report:
        _write_report(Path(path), summary, asking)
    if not quiet:
        _print_summary(summary, asking, form, to_stderr=is_stdout_taken)
    if summary.broken is not None:
        complain(summary.broken)
        ctx.exit(EXIT_BAD_INPUT)


def _run(
    given: RuleOptions,
    recorded: TrafficOptions,
    traffic: Sequence[str],
    engine: str,
    threads: int,
    decisions: Sequence[str],
    flows: Sequence[str],
    shower: Shower,
    saved: tuple[str | None, str | None],
) -> "Summary":
    from sgsim.cli.terminal import keep_interruptible, progress  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
    from sgsim.simulation.driver import Wanted, run  # noqa: PLC0415  # as above

    inventory = given.inventory()
    options = recorded.engine_options(given)
    changes = recorded.changes(given, inventory)
    wanted = Wanted(
        decisions=decisions,
        flows=flows,
        stdout=sys.stdout.buffer,
        see=shower.see if shower.left else None,
        write_allowed=saved[0],
        write_denied=saved[1],
    )
    if decisions or flows:
        keep_interruptible()
    with progress() as shown:
        watch = None if shown is None else shown.show
        replay = run(
            inventory,
            recorded.inputs(traffic),
            options,
            engine=engine,
            wanted=wanted,
            changes=changes,
            watch=watch,
            threads=threads,
        )
    return replay.summary


def _print_summary(summary: "Summary", asking: "Asking", form: str, *, to_stderr: bool) -> None:
    from sgsim.cli.terminal import write_lines  # noqa: PLC0415  # numpy, which `sgsim --help` needs not
    from sgsim.report.summary_json import summary_json  # noqa: PLC0415  # as above
    from sgsim.report.summary_sections import sections  # noqa: PLC0415  # as above
    from sgsim.report.summary_text import text_lines  # noqa: PLC0415  # as above

    if form == "json":
        click.echo(summary_json(summary, asking), nl=False, err=to_stderr)
    else:
        write_lines(text_lines(sections(summary, asking)), to_stderr=to_stderr)


def _check_reports(paths: Sequence[str]) -> None:
    """Find out before the work whether the reports can be made."""
    if any(Path(path).suffix == ".html" for path in paths):
        from sgsim.report.html import check_extra  # noqa: PLC0415  # only HTML needs it

        check_extra()


def _write_report(path: Path, summary: "Summary", asking: "Asking") -> None:
    write_text(path, _report_text(path, summary, asking), "report")


def _report_text(path: Path, summary: "Summary", asking: "Asking") -> str:
    match path.suffix:
        case ".json":
            from sgsim.report.summary_json import summary_json  # noqa: PLC0415  # one form, one import

            return summary_json(summary, asking)
        case ".md":
            from sgsim.report.markdown import summary_markdown  # noqa: PLC0415  # as above

            return summary_markdown(summary, asking)
        case _:
            from sgsim.report.html import summary_html  # noqa: PLC0415  # as above

            return summary_html(summary, asking)


def _check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ConfigError(f"{option} must be one of {', '.join(choices)}, got {value!r}")


def _check_endings(option: str, paths: Sequence[str], endings: Sequence[str], *, may_be_stdout: bool = False) -> None:
    """Refuse before the work what could not be written after it."""
    for path in paths:
        if may_be_stdout and path == STDOUT:
            continue
        if Path(path).suffix not in endings:
            stdout = ", or be '-'" if may_be_stdout else ""
            raise ConfigError(f"{option} must end in {', '.join(endings[:-1])} or {endings[-1]}{stdout}, got {path!r}")
