"""`sgsim test`: rule tests and invariants written in YAML."""

from typing import Final

import click
from attrs import evolve

from sgsim.analysis.document_notes import document_notes
from sgsim.analysis.groups_alone import invariant_note
from sgsim.analysis.invariant import Claim, Expectation, Invariant, run_expectation, run_invariant
from sgsim.analysis.question import Wording
from sgsim.cli.options import RuleOptions, rule_options
from sgsim.documents.rule_tests import InvariantTest, PacketTest, TestFile, read_tests
from sgsim.errors import ConfigError
from sgsim.model.decision import Verdict
from sgsim.report.rule_tests import FileResult, tests_json, tests_junit, tests_text

EXIT_FAILED: Final = 1


@click.command("test", short_help="Run tests of rules written in YAML")
@rule_options
@click.option("--all", "show_all", is_flag=True, help="Name the tests that passed, too.")
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.pass_context
def command(ctx: click.Context, given: RuleOptions, show_all: bool, form: str, files: tuple[str, ...]) -> None:
    """Run the tests in FILE: packets whose verdict is known, and invariants that hold for all packets.

    \b
      rules: [groups.json, interfaces.json]
      allow: ["tcp 198.51.100.7 -> 10.0.1.5:443"]
      deny:  ["tcp 198.51.100.7 -> 10.0.1.5:22"]
      invariants:
        - {name: only the office has SSH, never: {proto: tcp, dport: 22, from_not: 203.0.113.0/24}}

    Rules come from the file, from its folder, and from -r. The exit code is 0 if every test passed, else 1.
    """  # noqa: D301  # click wants the character, to leave the lines as they are
    results = [_run(given, read_tests(path)) for path in files]
    if form == "json":
        click.echo(tests_json(results, given.engine_options().profile.name), nl=False)
    elif form == "junit":
        click.echo(tests_junit(results), nl=False)
    else:
        click.echo(tests_text(results, show_all=show_all), nl=False)
    if not all(outcome.passed for result in results for outcome in result.outcomes):
        ctx.exit(EXIT_FAILED)


def _run(given: RuleOptions, found: TestFile) -> FileResult:
    if not given.rules and not found.rules:
        raise ConfigError(f"rules must be given by -r or by the file's own list, got none for {found.path}")
    given = evolve(given, rules=(*given.rules, *found.rules))
    inventory, options = given.inventory(), given.engine_options()
    outcomes = [run_expectation(inventory, _expectation(test), options) for test in found.packets]
    outcomes += (run_invariant(inventory, _invariant(test), options) for test in found.invariants)
    notes = (*filter(None, [invariant_note(inventory)]), *document_notes(inventory)) if found.invariants else ()
    return FileResult(found.path, given.words(), outcomes, notes)


def _expectation(test: PacketTest) -> Expectation:
    return Expectation(
        name=test.name,
        text=test.packet,
        verdict=Verdict.ALLOW if test.verdict == "allow" else Verdict.DENY,
        state=test.state,
        rule=test.rule,
        place=test.place,
    )


def _invariant(test: InvariantTest) -> Invariant:
    lists = test.lists
    return Invariant(
        name=test.name,
        claim=Claim(test.claim),
        wording=Wording(
            sources=lists.get("from", ()),
            not_sources=lists.get("from_not", ()),
            destinations=lists.get("to", ()),
            not_destinations=lists.get("to_not", ()),
            protocols=lists.get("proto", ()),
            ports=lists.get("dport", ()),
            not_ports=lists.get("dport_not", ()),
            src_ports=lists.get("sport", ()),
            icmp_type=test.numbers.get("icmp_type"),
            icmp_code=test.numbers.get("icmp_code"),
        ),
        place=test.place,
    )
