"""What `sgsim.search` gives: a packet, or the proof that there is none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from attrs import evolve, frozen

from sgsim.analysis.explain import explain_packet
from sgsim.analysis.question import Wording
from sgsim.analysis.search import search as search_packets
from sgsim.errors import ConfigError
from sgsim.model.decision import Verdict
from sgsim.report.search_text import SearchReport, search_document, search_text
from sgsim.rules.inventory import Inventory
from sgsim.simulation.api import FilterOptions, filter_options, refuse_unknown

if TYPE_CHECKING:
    from sgsim.model.packet import Packet

ACTIONS = {"allow": Verdict.ALLOW, "deny": Verdict.DENY}


class SearchOptions(FilterOptions, total=False):
    """Which packets a search is about; what is left out may be anything. A text stands for a list of one."""

    sources: str | Sequence[str]
    not_sources: str | Sequence[str]
    destinations: str | Sequence[str]
    not_destinations: str | Sequence[str]
    """Ends: interfaces, instances, groups, prefix lists, addresses, blocks, or `any`."""
    protocols: str | Sequence[str]
    ports: str | Sequence[str]
    not_ports: str | Sequence[str]
    """Destination ports: `"22"`, `"1000-2000"`."""
    src_ports: str | Sequence[str]
    icmp_type: int
    icmp_code: int


@frozen(repr=False)
class Searched:
    """The outcome of a search; true if there is such a packet. In a console or a notebook it shows as its text."""

    facts: SearchReport
    """Everything that the text is made of."""

    def __bool__(self) -> bool:
        """Whether there is such a packet."""
        return self.packet is not None

    @property
    def packet(self) -> "Packet | None":
        """A packet that was looked for; None is the proof that there is none."""
        return self.facts.packet

    @property
    def pairs(self) -> int:
        """How many pairs of sender and receiver were looked at: all of them if there is none."""
        return self.facts.pairs

    @property
    def document(self) -> dict[str, Any]:
        """What `sgsim search --format json` prints, as plain values; without the command."""
        return search_document(self.facts)

    def __str__(self) -> str:
        """What `sgsim search` prints, without the command that judges the packet again."""
        return search_text(self.facts).rstrip("\n")

    __repr__ = __str__


def search(rules: Inventory, *, action: str = "allow", **options: Unpack[SearchOptions]) -> Searched:
    """Find a packet that is allowed, or denied, or prove that there is none.

    Every packet with the given properties is looked at. It is the first of its flow; network ACLs are left out.

    Args:
        rules: What `sgsim.load` gives.
        action: What happens to the packet: `allow` or `deny`.
        **options: Which packets, see `sgsim.report.searched.SearchOptions`; and profile, capacity and timeouts.

    Raises:
        ConfigError: If a part of the question is not right, or names what no document describes.
        UnresolvedReferenceError: If the answer hinges on a reference whose addresses nobody gave.
    """
    if action not in ACTIONS:
        raise ConfigError(f"action must be allow or deny, got {action!r}")
    words, given = _apart(options)
    engine_options = filter_options(**given)
    found = search_packets(rules, words.question(rules), ACTIONS[action], engine_options)
    explanation = None
    if found.answer is not None:
        explanation = explain_packet(evolve(rules, network_acls={}), found.answer.packet, engine_options)
    return Searched(
        SearchReport(
            action=action,
            explanation=explanation,
            pairs=found.pairs,
            notes=found.notes,
            profile=engine_options.profile.name,
        )
    )


def _apart(options: SearchOptions) -> tuple[Wording, FilterOptions]:
    """The words of the question, and what an engine takes."""
    refuse_unknown(options, SearchOptions)
    words: dict[str, Any] = {}
    given: FilterOptions = {}
    for name, value in options.items():
        if name in FilterOptions.__annotations__:
            given[name] = value  # type: ignore[literal-required]  # a name of both
        else:
            words[name] = (value,) if isinstance(value, str) else value
    return Wording(**words), given
