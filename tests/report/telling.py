"""A walk that ends in an explanation."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen
from builders import packet
from engine.walking import Walk

from sgsim.analysis.explain import explain_next
from sgsim.analysis.explanation import Explanation
from sgsim.conntrack.entry import FlowKey
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.engine.reference import EndedFlow
from sgsim.model.packet import Packet
from sgsim.report.step_text import step_sentence
from sgsim.report.told import Told


@frozen(eq=False)
class Ended(Mapping[FlowKey, EndedFlow]):
    """How flows of a walk ended, those too that end while the last packet is judged."""

    walk: Walk

    def __getitem__(self, key: FlowKey) -> EndedFlow:
        return {flow.entry.key: flow for flow in self.walk.ended}[key]

    def __iter__(self) -> Iterator[FlowKey]:
        return (flow.entry.key for flow in self.walk.ended)

    def __len__(self) -> int:
        return len(self.walk.ended)


def explained(walk: Walk, what: str | Packet, at_s: float | None = None, **fields: Any) -> Explanation:
    """Send a packet and have its way told."""
    walk.now_s = walk.now_s if at_s is None else at_s
    sent = packet(what, time_ns=round(walk.now_s * NANOSECONDS), **fields) if isinstance(what, str) else what
    return explain_next(walk.engine, sent, Ended(walk))


def told(explanation: Explanation) -> dict[str, str]:
    """What is said of each step at the only interface, by step and outcome."""
    (stop,) = explanation.stops
    return {f"{step.step.value}: {step.outcome}": step_sentence(Told(stop, step, explanation)) for step in stop.steps}
