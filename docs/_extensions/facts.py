"""Tables and pictures that are made from the code's own data while the pages are built.

Each directive writes Markdown and lets the page's own parser read it.
"""

import enum
import importlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import click
import member_docs
import tcp_diagram
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from sgsim.analysis.finding import KINDS
from sgsim.analysis.lint_exposure import ADMIN_PORTS
from sgsim.cli.main import COMMANDS, commands
from sgsim.cli.options import _OWN_OPTIONS, rule_options, traffic_options
from sgsim.conntrack import tcp
from sgsim.conntrack.exempt import EXEMPT_SERVICES
from sgsim.conntrack.nitro import NITRO_V6_FAMILIES
from sgsim.conntrack.policies import ExemptList
from sgsim.conntrack.profile import DEFAULT_PROFILE, PROFILES, Profile
from sgsim.conntrack.tcp import TCP_TRANSITIONS, Beside, Segment
from sgsim.documents.nftables import LIMITS
from sgsim.model.decision import VERDICT_OF_REASON, Reason
from sgsim.model.protocol import protocol_name
from sgsim.model.standing import Setting
from sgsim.model.states import ConntrackDirection, TcpState

OBSERVER_DIFFERENCES: Final = Path(__file__).parents[2] / "tests" / "conformance" / "observers" / "differences.json"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def source_links(keys: str) -> str:
    """Keys of sources, each as a link to what it stands for."""
    return " ".join(f"[{key}](sources.md#{key})" for key in keys.split())


def value_text(value: object) -> str:
    """A setting's value as options take it."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"{value:g}\N{NO-BREAK SPACE}s"
        case enum.Enum():
            return f"`{value.value}`"
    raise TypeError(f"value must be of a kind that settings have, got {value!r}")


class Facts(SphinxDirective):
    """A directive that gives a page Markdown."""

    def run(self) -> list[nodes.Node]:
        """Parse what `markdown` gives."""
        return self.parse_text_to_nodes(self.markdown())

    def markdown(self) -> str:
        """What to put on the page."""
        raise NotImplementedError


class TcpDiagram(SphinxDirective):
    """`{tcp-diagram}`: the state diagram."""

    def run(self) -> list[nodes.Node]:
        """Draw it into the page, so that it takes the page's colours."""
        return [nodes.raw("", tcp_diagram.draw(), format="html")]


class TcpTransitions(Facts):
    """`{tcp-transitions} original|reply`: one half of the transition table, with the reason of each row."""

    required_arguments: ClassVar[int] = 1

    def markdown(self) -> str:
        """One row for each state."""
        direction = ConntrackDirection[self.arguments[0].upper()]
        segments = [segment for segment in Segment if segment is not Segment.NONE]
        rows = [
            [f"**{state.name}**", *(cell_text(cells.get(segment), state) for segment in segments), reason]
            for (state, cells), reason in zip(TCP_TRANSITIONS[direction].items(), row_reasons()[direction], strict=True)
        ]
        return table(["In state", *map(tcp_diagram.segment_name, segments), "Why"], rows)


def cell_text(cell: TcpState | Beside | None, state: TcpState) -> str:
    """One cell of the transition table."""
    if cell is None:
        return "·"
    if cell is state:
        return "="
    return cell.name if isinstance(cell, TcpState) else f"*{cell.value}*"


def row_reasons() -> dict[ConntrackDirection, list[str]]:
    """The comment above each row of the transition table."""
    reasons = member_docs.comments_above(tcp, r"_ST\.\w+: \{")
    original = len(TCP_TRANSITIONS[ConntrackDirection.ORIGINAL])
    return {ConntrackDirection.ORIGINAL: reasons[:original], ConntrackDirection.REPLY: reasons[original:]}


class TcpTimeouts(Facts):
    """`{tcp-timeouts}`: what each state means, and how long a flow may be silent in it."""

    def markdown(self) -> str:
        """One row for each state, one column for each profile."""
        docs = member_docs.member_docs(TcpState)
        rows = [
            [f"**{state.name}**", docs[state.name], *(value_text(p.tcp_s[state].value) for p in PROFILES.values())]
            for state in sorted(TcpState, key=list(TCP_TRANSITIONS[ConntrackDirection.ORIGINAL]).index)
        ]
        return table(["State", "What was seen last", *(f"`{name}`" for name in PROFILES)], rows)


class ProfileSettings(Facts):
    """`{profile-settings} NAME`: every setting of a profile, with `:unlike:` only those that differ from another."""

    required_arguments: ClassVar[int] = 1
    option_spec: ClassVar[OptionSpec] = {"unlike": directives.unchanged_required}

    def markdown(self) -> str:
        """One row for each setting."""
        other = self.options.get("unlike")
        known = dict(PROFILES[other].settings()) if other else {}
        rows = [
            [f"`{name}`", value_text(s.value), str(s.standing), source_links(s.source), remark(s), option_for(name)]
            for name, s in PROFILES[self.arguments[0]].settings()
            if known.get(name) != s
        ]
        return table(["Setting", "Value", "Standing", "Source", "Note", "Change it by"], rows)


def option_for(name: str) -> str:
    """The option that changes a setting: its own if it has one."""
    return f"`{_OWN_OPTIONS.get(name, f'--set {name}=…')}`"


def remark(setting: Setting[Any]) -> str:
    """A setting's note and bounds."""
    bounds = f"{setting.bounds[0]:g} to {setting.bounds[1]:g} s" if setting.bounds else ""
    return "; ".join(text for text in (bounds, setting.note) if text)


class Members(Facts):
    """`{members} MODULE.ENUM`: the members of an enum and what each means."""

    required_arguments: ClassVar[int] = 1

    def markdown(self) -> str:
        """One row for each member, as it is written outside Python."""
        module, _, name = self.arguments[0].rpartition(".")
        kind = getattr(importlib.import_module(module), name)
        return table(
            ["Name", "Meaning"],
            [[f"`{written(kind[member])}`", literal(text)] for member, text in member_docs.member_docs(kind).items()],
        )


def written(member: enum.Enum) -> str:
    """A member as options and tables write it."""
    return member.value if isinstance(member.value, str) else str(member)


def literal(text: str) -> str:
    """A docstring's sentence as Markdown."""
    return re.sub(r"\*", r"\\*", text)


class TrueOrFalse(Facts):
    """`{true-or-false}`: what the settings ask that are true or false."""

    def markdown(self) -> str:
        """One row for each setting."""
        docs = member_docs.member_docs(Profile)
        names = [name for name, setting in DEFAULT_PROFILE.settings() if isinstance(setting.value, bool)]
        return table(["Setting", "Asks"], [[f"`{name}`", docs[name]] for name in names])


class NitroFamilies(Facts):
    """`{nitro-families}`: which families of instance types forget after 350 s."""

    def markdown(self) -> str:
        """One line."""
        return ", ".join(f"`{family}`" for family in sorted(NITRO_V6_FAMILIES)) + "."


class Reasons(Facts):
    """`{reasons}`: every reason with its verdict."""

    def markdown(self) -> str:
        """One row for each reason."""
        docs = member_docs.member_docs(Reason)
        verdicts = {reason: str(verdict) for reason, verdict in VERDICT_OF_REASON.items()}
        rows = [[f"`{reason}`", verdicts.get(reason, "as its first"), docs[reason.name]] for reason in Reason]
        return table(["Reason", "Verdict", "Meaning"], rows)


class CommandOptions(Facts):
    """`{command-options} rules|traffic|COMMAND`: options that every command shares, or that only one has."""

    required_arguments: ClassVar[int] = 1

    def markdown(self) -> str:
        """One row for each option."""
        options = option_groups()[self.arguments[0]]
        context = click.Context(click.Command("any"))
        records = (option.get_help_record(context) for option in options if isinstance(option, click.Option))
        rows = [[f"`{names}`", literal(text)] for names, text in filter(None, records)]
        return table(["Option", "Meaning"], rows)


def option_groups() -> dict[str, list[click.Parameter]]:
    """The options of every command, those of recorded traffic, and what else each command has."""
    shared = {
        "rules": click.command("any")(rule_options(lambda given: given)).params,
        "traffic": click.command("any")(traffic_options(lambda recorded: recorded)).params,
    }
    known = {option for options in shared.values() for parameter in options for option in parameter.opts}
    groups = {}
    for name in COMMANDS:
        command = commands.get_command(click.Context(commands), name)
        own = command.params if command is not None else []
        groups[name] = [parameter for parameter in own if not known & set(parameter.opts)]
    return shared | groups


def options_as_code(text: str) -> str:
    """A text in which `--option` is code, and does not become a dash and a word."""
    return re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"`\g<0>`", text)


class LintFindings(Facts):
    """`{lint-findings}`: every kind of finding."""

    def markdown(self) -> str:
        """One row for each kind, the worst first."""
        rows = [
            [
                f"`{kind.id}`",
                str(kind.severity),
                options_as_code(literal(kind.meaning)),
                options_as_code(literal(kind.fix)),
                source_links(kind.source),
            ]
            for kind in KINDS
        ]
        return table(["Id", "Severity", "Means", "Fix", "Source"], rows)


class AdminPorts(Facts):
    """`{admin-ports}`: the ports that lint calls administration ports."""

    def markdown(self) -> str:
        """One line."""
        return ", ".join(f"{port} ({name})" for port, name in ADMIN_PORTS.items()) + "."


class ExemptServices(Facts):
    """`{exempt-services}`: what no security group filters."""

    def markdown(self) -> str:
        """One row for each service."""
        return table(
            ["Service", "Limited to", "`exempt_list`", "Standing", "Source"],
            [
                [
                    service.name,
                    _limits(service.protocol, service.port),
                    _lists(service.since),
                    str(service.standing),
                    source_links(service.source),
                ]
                for service in EXEMPT_SERVICES
            ],
        )


class ObserverDifferences(Facts):
    """`{observer-differences}`: where other observers of a capture say something else, and why."""

    def markdown(self) -> str:
        """The reasons, each with the flows that it explains."""
        listed = json.loads(OBSERVER_DIFFERENCES.read_text(encoding="utf-8"))
        rows = []
        for name, reason in listed["definitions"].items():
            found = [entry for entry in listed["differences"] if entry["why"] == name]
            captures = sorted({f"{entry['observer']}: {entry['file']}" for entry in found})
            rows.append([reason, str(len(found)), "<br>".join(captures)])
        return table(["Reason", "Flows", "Captures"], rows)


class NftablesLimits(Facts):
    """`{nftables-limits}`: in what exported rules are not AWS's filter."""

    def markdown(self) -> str:
        """One item for each."""
        return "\n".join(f"- {limit[0].upper()}{limit[1:]}." for limit in LIMITS)


def _limits(protocol: int | None, port: int | None) -> str:
    return " ".join(
        ([protocol_name(protocol)] if protocol is not None else []) + ([f"port {port}"] if port is not None else [])
    )


def _lists(since: ExemptList) -> str:
    """The values of `exempt_list` with which a service is exempt."""
    lists = tuple(ExemptList)
    return ", ".join(value_text(each) for each in lists[lists.index(since) :])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx the directives."""
    app.add_directive("tcp-diagram", TcpDiagram)
    app.add_directive("tcp-transitions", TcpTransitions)
    app.add_directive("tcp-timeouts", TcpTimeouts)
    app.add_directive("profile-settings", ProfileSettings)
    app.add_directive("members", Members)
    app.add_directive("reasons", Reasons)
    app.add_directive("command-options", CommandOptions)
    app.add_directive("true-or-false", TrueOrFalse)
    app.add_directive("nitro-families", NitroFamilies)
    app.add_directive("exempt-services", ExemptServices)
    app.add_directive("lint-findings", LintFindings)
    app.add_directive("admin-ports", AdminPorts)
    app.add_directive("nftables-limits", NftablesLimits)
    app.add_directive("observer-differences", ObserverDifferences)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
