"""What `sgsim search` prints."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from sgsim import __version__
from sgsim.analysis.explanation import Explanation
from sgsim.model.packet import Packet
from sgsim.report.analysis_json import SCHEMA_VERSION
from sgsim.report.check_text import check_text
from sgsim.report.decision_text import packet_text
from sgsim.report.explanation_json import check_document
from sgsim.report.units import counted, shell_line


@frozen(kw_only=True)
class SearchReport:
    """All that a search has to say, before it takes a form."""

    action: str
    """`allow` or `deny`."""
    explanation: Explanation | None
    """How the packet fares that was found; None if there is none."""
    pairs: int
    notes: tuple[str, ...] = ()
    profile: str
    options: Sequence[str] | None = None
    """The options of a command line that asks for the packet again; None if there was none."""

    @property
    def packet(self) -> Packet | None:
        """What was found."""
        return None if self.explanation is None else self.explanation.packet

    @property
    def command(self) -> str | None:
        """The command that judges the packet."""
        if self.packet is None or self.options is None:
            return None
        return check_command(self.packet, self.options)


def search_text(report: SearchReport) -> str:
    """The packet with its rules and the command that judges it, or that there is none."""
    verb = {"allow": "allowed", "deny": "denied"}[report.action]
    notes = "".join(f"{note}\n" for note in report.notes)
    if report.explanation is None:
        looked = counted(report.pairs, "pair") + " of sender and receiver"
        return f"none: no such packet is {verb}, proved over {looked}\n{notes}"
    text = f"found: a packet that is {verb}\n{notes}\n{check_text(report.explanation)}"
    return text if report.command is None else f"{text}\nTo judge it again:\n  {report.command}\n"


def check_command(packet: Packet, options: Sequence[str]) -> str:
    """The command that judges a packet."""
    return shell_line(["sgsim", "check", *options, packet_text(packet)])


def search_document(report: SearchReport) -> dict[str, Any]:
    """The same for programs; `sgsim/data/schemas/search.schema.json` says what is in it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "profile": report.profile,
        "action": report.action,
        "found": report.packet is not None,
        "pairs": report.pairs,
        "notes": list(report.notes),
        "check": None if report.explanation is None else check_document(report.explanation),
        "command": report.command,
    }
