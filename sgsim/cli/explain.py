"""`sgsim explain`: why, step by step; for a denial the nearest rule and the field that failed."""

import click

from sgsim.analysis.explain import explain_frame, explain_packet
from sgsim.analysis.explanation import Explanation
from sgsim.cli.options import RuleOptions, TrafficOptions, rule_options, traffic_options
from sgsim.cli.packet_command import PacketCommand
from sgsim.errors import ConfigError
from sgsim.model.shorthand import parse_packet


@click.command("explain", short_help="Tell the way of a packet, step by step", cls=PacketCommand)
@rule_options
@traffic_options
@click.option(
    "--packet",
    "frame",
    metavar="N",
    help="Explain packet N of TRAFFIC, as Wireshark counts, or the flow-log record in line N; FILE:N with several.",
)
@click.option("--profile-settings", is_flag=True, help="List every setting of the profile, and how well it is known.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("words", metavar="PACKET | TRAFFIC...", nargs=-1)
@click.pass_context
def command(
    ctx: click.Context,
    given: RuleOptions,
    recorded: TrafficOptions,
    frame: str | None,
    profile_settings: bool,
    form: str,
    words: tuple[str, ...],
) -> None:
    """Tell the whole way of a packet, step by step.

    \b
      sgsim explain -r RULES "tcp 198.51.100.7 -> 10.0.0.5:443"
          a packet that is the first of its flow, written as for `sgsim check`
      sgsim explain -r RULES --packet 812 capture.pcap
          a recorded packet; all before it are replayed, so that the table is as it was
      sgsim explain --profile aws-nitro
          every setting of a profile: its value, how well it is known, and where from

    For a denial by rules it names the nearest rules with the fields that fail, and the smallest rule that would allow
    the packet.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    is_alone = not words and frame is None and not given.rules
    if profile_settings or (is_alone and ctx.get_parameter_source("profile") is click.core.ParameterSource.COMMANDLINE):
        click.echo(_profile(given, form), nl=False)
        return
    if not words:
        what = (
            "PACKET must be given" if frame is None else "--packet must be followed by at least one capture or flow log"
        )
        raise ConfigError(f"{what}, got none")
    click.echo(_written(_explanation(given, recorded, frame, words), form), nl=False)


def _explanation(
    given: RuleOptions, recorded: TrafficOptions, frame: str | None, words: tuple[str, ...]
) -> Explanation:
    if frame is None:
        if recorded != TrafficOptions():
            options = " ".join(recorded.words())
            raise ConfigError(f"options of recorded traffic must go with --packet N, got {options}")
        parsed = parse_packet(" ".join(words))
        return explain_packet(given.inventory(), parsed.packet, given.engine_options(), assumed=parsed.assumed)
    inventory = given.inventory()
    changes = recorded.changes(given, inventory)
    return explain_frame(inventory, recorded.inputs(words), recorded.engine_options(given), frame, changes=changes)


def _profile(given: RuleOptions, form: str) -> str:
    from sgsim.report.profile_text import profile_json, profile_text  # noqa: PLC0415  # only for this question

    profile = given.engine_options().profile
    return profile_json(profile) if form == "json" else profile_text(profile)


def _written(explanation: Explanation, form: str) -> str:
    if form == "json":
        from sgsim.report.explanation_json import explanation_json  # noqa: PLC0415  # only who wants JSON waits for it

        return explanation_json(explanation)
    from sgsim.report.explanation import explanation_text  # noqa: PLC0415  # as above

    return explanation_text(explanation)
