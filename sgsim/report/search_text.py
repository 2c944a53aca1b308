"""What `sgsim search` prints."""

from collections.abc import Sequence
from typing import Any

from sgsim.analysis.explanation import Explanation
from sgsim.model.packet import Packet
from sgsim.report.analysis_json import SCHEMA_VERSION
from sgsim.report.check_text import check_text
from sgsim.report.decision_text import packet_text
from sgsim.report.explanation_json import check_document
from sgsim.report.units import counted, shell_line


def search_text(explanation: Explanation | None, pairs: int, action: str, options: Sequence[str] | None = None) -> str:
    """The packet with its rules, or that there is none; with options, the command that judges it again."""
    verb = {"allow": "allowed", "deny": "denied"}[action]
    if explanation is None or explanation.packet is None:
        looked = counted(pairs, "pair") + " of sender and receiver"
        return f"none: no such packet is {verb}, proved over {looked}\n"
    text = f"found: a packet that is {verb}\n\n{check_text(explanation)}"
    if options is None:
        return text
    return f"{text}\nTo judge it again:\n  {check_command(explanation.packet, options)}\n"


def check_command(packet: Packet, options: Sequence[str]) -> str:
    """The command that judges a packet."""
    return shell_line(["sgsim", "check", *options, packet_text(packet)])


def search_document(
    explanation: Explanation | None, pairs: int, action: str, profile: str, options: Sequence[str], version: str
) -> dict[str, Any]:
    """The same for programs; `sgsim/data/schemas/search.schema.json` says what is in it."""
    packet = None if explanation is None else explanation.packet
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": version,
        "profile": profile,
        "action": action,
        "found": packet is not None,
        "pairs": pairs,
        "check": None if explanation is None else check_document(explanation),
        "command": None if packet is None else check_command(packet, options),
    }
