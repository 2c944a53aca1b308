"""One packet, as if it were the first that the network sees."""

from attrs import field, frozen

from sgsim.engine.options import DEFAULT_OPTIONS, EngineOptions
from sgsim.engine.reference import ReferenceEngine
from sgsim.errors import NoTrafficError
from sgsim.model.decision import Decision, Verdict
from sgsim.model.packet import Packet
from sgsim.model.trace import Trace
from sgsim.rules.inventory import Inventory


@frozen
class Answer:
    """What happens to one packet."""

    packet: Packet
    verdict: Verdict
    """ALLOW only if each interface on its way allows it."""
    decisions: tuple[Decision, ...]
    """One for each interface that judged it, in the order of its way."""
    traces: tuple[Trace, ...] = field(repr=False)
    """The steps behind each decision."""


def check_packet(inventory: Inventory, packet: Packet, options: EngineOptions = DEFAULT_OPTIONS) -> Answer:
    """Judge a packet with an empty table.

    Raises:
        NoTrafficError: If no known interface sends or receives it.
        UnresolvedReferenceError: If the verdict hinges on a reference whose addresses nobody gave.
    """
    return check_first(ReferenceEngine(inventory, options), packet)


def check_first(engine: ReferenceEngine, packet: Packet) -> Answer:
    """Judge a packet with an engine that has judged nothing yet; errors are those of `check_packet`."""
    answer = judge_packet(engine, packet)
    if answer.decisions[0].interface_id is None:
        raise NoTrafficError(_nowhere(engine.inventory, packet))
    return answer


def judge_packet(engine: ReferenceEngine, packet: Packet) -> Answer:
    """Judge a packet by what an engine remembers, and note the steps.

    Raises:
        UnresolvedReferenceError: If the verdict hinges on a reference whose addresses nobody gave.
    """
    traces: list[Trace] = []
    decisions = engine.judge(packet, traces)
    return Answer(packet, decisions[-1].verdict, tuple(decisions), tuple(traces))


def _nowhere(inventory: Inventory, packet: Packet) -> str:
    known = ", ".join(
        f"{interface.interface_id} ({', '.join(str(net.ip) for net in interface.addresses[:2])})"
        for interface in list(inventory.interfaces.values())[:5]
    )
    hint = "" if known else ": add --interface ADDRESS=GROUP"
    return f"packet must go to or come from a known interface, got {packet}; known are {known or 'none'}{hint}"
