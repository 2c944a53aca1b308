"""The way of one packet, step by step, as facts; `sgsim.report.text` puts them into words."""

import enum
from collections.abc import Mapping

from attrs import define, field, frozen


class Step(enum.Enum):
    """The steps at one interface, in their order; docs/the-way-of-a-packet.md tells each."""

    LOCATE = "locate"
    NETWORK_ACL_IN = "acl_in"
    GROUPS = "groups"
    EXEMPT = "exempt"
    EXPIRE = "expire"
    FRAGMENT = "fragment"
    RELATED = "related"
    TRACKED = "tracked"
    UNTRACKED = "untracked"
    RECORDED = "recorded"
    RULES = "rules"
    BYPASS = "bypass"
    OPENING = "opening"
    ROOM = "room"
    ENTER = "enter"
    NETWORK_ACL_OUT = "acl_out"


@frozen
class TraceStep:
    """One step: what was asked, what came out, and the facts behind it."""

    step: Step
    outcome: str
    """A word of the step's own, such as `none`, `tracked`, `admitted`."""
    facts: Mapping[str, object]
    """What the outcome rests on, by name."""


@define
class Trace:
    """All steps of one packet at one interface, in the order taken."""

    steps: list[TraceStep] = field(factory=list)

    def add(self, step: Step, outcome: str, **facts: object) -> None:
        """Note a step."""
        self.steps.append(TraceStep(step, outcome, facts))
