"""`sgsim check`: is this packet allowed, and by which rule."""

import click

from sgsim.analysis.explain import explain_packet
from sgsim.analysis.explanation import Explanation
from sgsim.cli.options import RuleOptions, rule_options
from sgsim.cli.packet_command import PacketCommand
from sgsim.model.shorthand import parse_packet

EXIT_OTHER_VERDICT = 1


@click.command("check", short_help="Say whether a packet is allowed, and by which rule", cls=PacketCommand)
@rule_options
@click.option("--expect", type=click.Choice(["allow", "deny"]), help="Exit with 1 if the verdict is another one.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("words", metavar="PACKET", nargs=-1, required=True)
@click.pass_context
def command(ctx: click.Context, given: RuleOptions, expect: str | None, form: str, words: tuple[str, ...]) -> None:
    """Say whether one packet is allowed, and by which rule.

    The packet is judged as the first of its flow, at each known interface that it touches: at its sender's outbound,
    then at its receiver's inbound.

    PACKET is written as in these lines, quoted, or with `to` for the arrow:

    \b
      "tcp 198.51.100.7:40000 -> 10.0.0.5:443"     a SYN; other flags may follow, such as SA
      "tcp 198.51.100.7 -> 10.0.0.5:443"           from source port 40000
      "udp [2001:db8::1]:53 -> [fd00::5]:4000"
      icmp 192.0.2.1 to 10.0.0.5 type 8 code 0
      47 192.0.2.1 to 10.0.0.5                     any protocol by its number

    The exit code is 0 for either verdict, but for --expect.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    parsed = parse_packet(" ".join(words))
    explanation = explain_packet(given.inventory(), parsed.packet, given.engine_options(), assumed=parsed.assumed)
    click.echo(_written(explanation, form), nl=False)
    if expect is not None and str(explanation.verdict) != expect:
        click.echo(f"sgsim: expected {expect}, got {explanation.verdict}", err=True)
        ctx.exit(EXIT_OTHER_VERDICT)


def _written(explanation: Explanation, form: str) -> str:
    if form == "json":
        from sgsim.report.explanation_json import check_json  # noqa: PLC0415  # only who wants JSON waits for it

        return check_json(explanation)
    from sgsim.report.check_text import check_text  # noqa: PLC0415  # as above

    return check_text(explanation)
