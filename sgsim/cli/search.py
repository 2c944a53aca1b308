"""`sgsim search`: a packet with given properties that is allowed, or denied, or the proof that there is none."""

import json
from collections.abc import Callable
from typing import Any, Final

import click
from attrs import evolve

from sgsim.analysis.explain import explain_packet
from sgsim.analysis.question import Wording
from sgsim.analysis.search import search
from sgsim.cli.options import Command, RuleOptions, rule_options
from sgsim.model.decision import Verdict
from sgsim.report.search_text import SearchReport, search_document, search_text

EXIT_OTHER: Final = 1
ACTIONS: Final = {"allow": Verdict.ALLOW, "deny": Verdict.DENY}


def _split(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(","))


def _end(name: str, what: str) -> Callable[[Command], Command]:
    return click.option(
        f"--{name}",
        multiple=True,
        metavar="END[,...]",
        help=f"{what}: any, an address, a block, or the id of an interface, instance, group or prefix list. Repeatable.",
    )


@click.command("search", short_help="Find a packet that is allowed, or prove there is none")
@rule_options
@_end("from", "Who sends it")
@_end("from-not", "Who does not send it")
@_end("to", "Whom it is for")
@_end("to-not", "Whom it is not for")
@click.option(
    "--proto", multiple=True, metavar="PROTOCOL[,...]", help="tcp, udp, icmp, icmpv6 or a number. Repeatable."
)
@click.option("--dport", multiple=True, metavar="PORT[-PORT][,...]", help="Its destination port. Repeatable.")
@click.option("--dport-not", multiple=True, metavar="PORT[-PORT][,...]", help="Which that is not. Repeatable.")
@click.option("--sport", multiple=True, metavar="PORT[-PORT][,...]", help="Its source port, which no rule looks at.")
@click.option("--icmp-type", type=int, metavar="N", help="Its ICMP type.")
@click.option("--icmp-code", type=int, metavar="N", help="Its ICMP code.")
@click.option(
    "--action", type=click.Choice(list(ACTIONS)), default="allow", show_default=True, help="What happens to it."
)
@click.option("--expect", type=click.Choice(["none", "some"]), help="Exit with 1 if there is some, or none.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    given: RuleOptions,
    action: str,
    expect: str | None,
    form: str,
    **words: Any,  # noqa: ANN401  # the words of a question, by option
) -> None:
    """Find a packet that is allowed, or prove that there is none.

    Every packet with the given properties is looked at, from anybody to anybody where nothing else is said: the groups
    of a known sender must let it out, those of a known receiver must let it in. It is the first packet of its flow.

    \b
    Examples:
      sgsim search -r rules/ --to sg-db --dport 22
      sgsim search -r rules/ --to sg-db --from-not sg-web,10.9.0.0/16 --expect none
      sgsim search -r rules/ --from 198.51.100.7 --to eni-web --proto tcp --dport 443 --action deny

    The exit code is 0 whether there is one or not, but for --expect.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    inventory, options = given.inventory(), given.engine_options()
    found = search(inventory, _wording(words).question(inventory), ACTIONS[action], options)
    explanation = None
    if found.answer is not None:
        explanation = explain_packet(evolve(inventory, network_acls={}), found.answer.packet, options)
    report = SearchReport(
        action=action,
        explanation=explanation,
        pairs=found.pairs,
        notes=found.notes,
        profile=options.profile.name,
        options=given.words(),
    )
    if form == "json":
        click.echo(json.dumps(search_document(report), indent=2, ensure_ascii=False))
    else:
        click.echo(search_text(report), nl=False)
    got = "none" if explanation is None else "some"
    if expect not in {None, got}:
        click.echo(f"sgsim: expected {expect}, got {got}", err=True)
        ctx.exit(EXIT_OTHER)


def _wording(words: dict[str, Any]) -> Wording:
    return Wording(
        sources=_split(words["from"]),
        not_sources=_split(words["from_not"]),
        destinations=_split(words["to"]),
        not_destinations=_split(words["to_not"]),
        protocols=_split(words["proto"]),
        ports=_split(words["dport"]),
        not_ports=_split(words["dport_not"]),
        src_ports=_split(words["sport"]),
        icmp_type=words["icmp_type"],
        icmp_code=words["icmp_code"],
    )
