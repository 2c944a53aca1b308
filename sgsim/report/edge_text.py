"""Sentences for the steps at the edge of a subnet, and what would change them."""

from collections.abc import Callable, Mapping
from typing import Final

from sgsim.analysis.explanation import Stop
from sgsim.analysis.near_miss import smallest_rule
from sgsim.model.decision import Reason
from sgsim.model.rule_ref import RuleRef
from sgsim.model.states import Direction
from sgsim.model.trace import Step
from sgsim.report.decision_text import WAYS
from sgsim.report.told import Told
from sgsim.rules.header import Header

Sentence = Callable[[Told], str]


def _same_subnet(told: Told) -> str:
    acl, subnet = told.fact("network_acl", str), told.fact("subnet", str)
    return f"The peer is in the same subnet, {subnet}, so the packet never crosses its edge, where {acl} stands."


def _entry(told: Told) -> str:
    entry = told.fact("entry", RuleRef)
    return f"entry '{entry.text}' of {entry.group_id}, the network ACL of {told.fact('subnet', str)},"


def _let_in(told: Told) -> str:
    return f"The packet comes into the subnet: {_entry(told)} lets it in."


def _kept_out(told: Told) -> str:
    return (
        f"The packet comes into the subnet, and {_entry(told)} denies it. A network ACL has no memory: it judges answers "
        "and packets of known flows like all others. The groups never see this one."
    )


def _let_out(told: Told) -> str:
    return f"The packet leaves the subnet: {_entry(told)} lets it out."


def _kept_in(told: Told) -> str:
    return (
        f"The groups let it go, and the table keeps what they made of it. But {_entry(told)} denies it, so it does not "
        "leave the subnet."
    )


ACL_IN: Final[Mapping[str, Sentence]] = {"same subnet": _same_subnet, "allowed": _let_in, "denied": _kept_out}
ACL_OUT: Final[Mapping[str, Sentence]] = {"same subnet": _same_subnet, "allowed": _let_out, "denied": _kept_in}


def acl_remedy(stop: Stop) -> str:
    """What would have let a packet pass that a network ACL denies; empty if none does."""
    step = stop.step(Step.NETWORK_ACL_IN if stop.direction is Direction.INGRESS else Step.NETWORK_ACL_OUT)
    if stop.decision.reason is not Reason.NETWORK_ACL or step is None:
        return ""
    header, number, acl = step.facts["header"], step.facts["number"], step.facts["network_acl"]
    rule = smallest_rule(header, str(acl)) if isinstance(header, Header) else None
    if rule is None or not isinstance(number, int):
        return ""
    if number == 1:
        return f"Nothing comes before its entry 1, so that must go, or make room for one that allows {rule.text}."
    return (
        f"The smallest entry that would let it pass this edge: {WAYS[stop.direction]}, allow {rule.text}, with a number "
        f"below {number}."
    )


def answers_sentence(stop: Stop) -> str:
    """What becomes of answers to a packet that passes; empty unless a network ACL denies them."""
    denied_by = stop.answers_denied_by
    if denied_by is None:
        return ""
    return (
        f"Answers would be denied: '{denied_by.text}', {WAYS[denied_by.direction]} in {denied_by.group_id}. A network ACL has "
        "no memory, so it must allow the way back too."
    )
