"""What `sgsim.explain` gives: an explanation that reads itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Unpack

from attrs import frozen

from sgsim.analysis.explain import explain_frame, explain_packet
from sgsim.analysis.explanation import Explanation
from sgsim.errors import ConfigError
from sgsim.model.decision import Decision, Verdict
from sgsim.model.packet import Packet
from sgsim.model.shorthand import parse_packet
from sgsim.report.explanation import explanation_text
from sgsim.report.explanation_json import explanation_document
from sgsim.rules.change import Change
from sgsim.rules.inventory import Inventory, check_inventory
from sgsim.simulation.api import (
    FilterOptions,
    TrafficOptions,
    changes_of,
    filter_options,
    inputs_of,
    packet_at,
    traffic_options,
)


@frozen(repr=False)
class Explained:
    """An explanation; in a console or a notebook it shows as its text."""

    facts: Explanation
    """Everything that the text is made of."""

    @property
    def verdict(self) -> Verdict:
        """What becomes of the packet."""
        return self.facts.verdict

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """One for each interface that judged it, in the order of its way."""
        return self.facts.decisions

    @property
    def document(self) -> dict[str, Any]:
        """What `sgsim explain --format json` prints, as plain values."""
        return explanation_document(self.facts)

    def __str__(self) -> str:
        """What `sgsim explain` prints."""
        return explanation_text(self.facts).rstrip("\n")

    __repr__ = __str__


def explain(
    rules: Inventory, packet: str | Packet, *, interface: str | None = None, **options: Unpack[FilterOptions]
) -> Explained:
    """Tell the way of a packet that meets an empty table, step by step.

    Args:
        rules: What `sgsim.load` gives.
        packet: As on the command line, or a `Packet`.
        interface: Judge it at this interface alone; None for each that it touches.
        **options: Profile, capacity and timeouts, see `sgsim.simulation.api.FilterOptions`.

    Raises:
        NoTrafficError: If no known interface sends or receives it.
        UnresolvedReferenceError: If the verdict hinges on a reference whose addresses nobody gave.
    """
    assumed = parse_packet(packet).assumed if isinstance(packet, str) else ()
    placed = packet_at(rules, packet, interface)
    return Explained(explain_packet(rules, placed, filter_options(**options), assumed=assumed))


def explain_recorded(
    rules: Inventory,
    traffic: object,
    packet: int | str,
    *,
    changes: str | Path | Iterable[Change] = (),
    **options: Unpack[TrafficOptions],
) -> Explained:
    """Tell the way of a recorded packet, past the table as it stood when it came.

    Args:
        rules: What `sgsim.load` gives.
        traffic: As `sgsim.replay` takes it.
        packet: Its number, as Wireshark counts, or the line of a flow log; `"FILE:NUMBER"` where there are several files.
        changes: Rules that take over while the traffic runs; or the path of a YAML timeline.
        **options: As `sgsim.replay` takes them, see `sgsim.simulation.api.TrafficOptions`.

    Raises:
        ConfigError: If there is no such packet.
        SourceError: If the traffic cannot be read up to it.
        UnresolvedReferenceError: If a verdict up to it hinges on a reference whose addresses nobody gave.
    """
    check_inventory(rules)
    if isinstance(packet, bool) or not isinstance(packet, int | str):
        raise ConfigError(f"packet must be a number or FILE:NUMBER, got {packet!r}")
    facts = explain_frame(
        rules, inputs_of(traffic), traffic_options(**options), packet, changes=changes_of(changes, rules)
    )
    return Explained(facts)
