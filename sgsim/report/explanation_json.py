"""Explanations for programs; `sgsim/data/schemas/check.schema.json` and `explain.schema.json` say what is in them.

Every sentence of the text form is there too, beside the facts that it is made of.
"""

import json
from enum import Enum
from typing import Any, Final

from sgsim import __version__
from sgsim.analysis.explanation import Explanation, Stop
from sgsim.analysis.near_miss import FieldMiss, NearMiss
from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.conntrack.tracking import TrackingChoice
from sgsim.model.address import format_address
from sgsim.model.five_tuple import FiveTuple
from sgsim.model.rule_ref import RuleRef
from sgsim.model.trace import TraceStep
from sgsim.report.check_text import flow_tracking
from sgsim.report.decision_text import miss_text
from sgsim.report.explanation import near_direction, nowhere_sentence, remedy_sentence, where_sentence
from sgsim.report.sentences import SENTENCES
from sgsim.report.step_text import STEP_NUMBERS, step_sentence
from sgsim.report.told import Told
from sgsim.rules.header import Header
from sgsim.rules.match import ResolvedRule

SCHEMA_VERSION: Final = 1

Document = dict[str, Any]


def check_json(explanation: Explanation) -> str:
    """What `sgsim check --format json` prints."""
    return _written(check_document(explanation))


def explanation_json(explanation: Explanation) -> str:
    """What `sgsim explain --format json` prints."""
    return _written(explanation_document(explanation))


def _written(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def check_document(explanation: Explanation) -> Document:
    """The answer as plain values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "sgsim",
        "version": __version__,
        "profile": explanation.profile.name,
        "packet": None if explanation.packet is None else str(explanation.packet),
        "assumed": list(explanation.assumed),
        "verdict": str(explanation.verdict),
        "reason": str(explanation.decisions[-1].reason),
        "not_reached": explanation.not_reached,
        "notes": list(explanation.notes),
        "decisions": [_decision(stop, explanation) for stop in explanation.stops],
    }


def explanation_document(explanation: Explanation) -> Document:
    """The whole way as plain values."""
    document = check_document(explanation)
    for decision, stop in zip(document["decisions"], explanation.stops, strict=True):
        decision["where"] = where_sentence(stop, explanation)
        decision["steps"] = [_step(step, stop, explanation) for step in stop.steps]
        decision["flow_after"] = _entry(stop.flow, stop.now_ns) if stop.flow is not None else None
        decision["table_after"] = {"count": stop.table.count, "capacity": stop.table.capacity}
    frame = explanation.frame
    document["frame"] = None
    if frame is not None:
        document["notes"] += frame.notes
        document["frame"] = {
            "file": frame.file,
            "number": frame.number,
            "after_s": frame.after_ns / NANOSECONDS,
            "late_s": frame.late_ns / NANOSECONDS,
        }
    document["not_judged"] = None if explanation.stops else nowhere_sentence(explanation)
    return document


def _decision(stop: Stop, explanation: Explanation) -> Document:
    decision = stop.decision
    others = [rule for rule in stop.admitting if rule != decision.rule]
    return {
        "interface_id": stop.interface.interface_id,
        "direction": str(stop.direction),
        "groups": list(stop.interface.group_ids),
        "verdict": str(decision.verdict),
        "reason": str(decision.reason),
        "sentence": SENTENCES[decision.reason],
        "state": _name(decision.state),
        "tcp_state": _name(decision.tcp_state),
        "opener": _name(decision.opener),
        "rule": None if decision.rule is None else _rule(decision.rule, explanation),
        "other_rules": [_rule(rule, explanation) for rule in others],
        "tracking": flow_tracking(stop) or None,
        "nearest": [_near_miss(near, stop, explanation) for near in stop.near_misses],
        "smallest_rule": None if stop.smallest_rule is None else _rule(stop.smallest_rule.ref(), explanation),
        "answers_denied_by": None if stop.answers_denied_by is None else _rule(stop.answers_denied_by, explanation),
        "remedy": remedy_sentence(stop) or None,
    }


def _name(value: Enum | None) -> str | None:
    return None if value is None else str(value)


def _rule(rule: RuleRef, explanation: Explanation) -> Document:
    return {
        "rule_id": rule.rule_id,
        "group_id": rule.group_id,
        "group_name": explanation.group_names.get(rule.group_id),
        "direction": str(rule.direction),
        "text": rule.text,
        "description": rule.description,
    }


def _near_miss(near: NearMiss, stop: Stop, explanation: Explanation) -> Document:
    return {"rule": _rule(near.rule, explanation), "misses": [_miss(miss, stop) for miss in near.misses]}


def _miss(miss: FieldMiss, stop: Stop) -> Document:
    return {
        "field": str(miss.field),
        "packet": miss.packet,
        "rule": miss.rule,
        "sentence": miss_text(miss, near_direction(stop)),
    }


def _step(step: TraceStep, stop: Stop, explanation: Explanation) -> Document:
    facts = {name: _plain(fact, stop, explanation) for name, fact in step.facts.items() if name != "matcher"}
    return {
        "step": step.step.value,
        "number": STEP_NUMBERS[step.step],
        "outcome": step.outcome,
        "sentence": step_sentence(Told(stop, step, explanation)),
        "facts": facts,
    }


def _plain(fact: object, stop: Stop, explanation: Explanation) -> object:  # noqa: PLR0911  # one for each kind of fact
    """A fact as JSON has it."""
    match fact:
        case bool() | None:
            return fact
        case ResolvedRule():
            return _rule(fact.ref, explanation)
        case RuleRef():
            return _rule(fact, explanation)
        case ConntrackEntry():
            return _entry(fact, stop.now_ns)
        case TrackingChoice():
            rule = None if fact.open_rule is None else _rule(fact.open_rule.ref, explanation)
            return {"cause": str(fact.cause), "open_rule": rule}
        case Header():
            return _header(fact)
        case FiveTuple():
            return str(fact)
        case Enum():
            return fact.name.lower() if isinstance(fact, int) else str(fact.value)
        case int() | float() | str():
            return fact
    return str(fact)


def _header(header: Header) -> Document:
    return {
        "direction": str(header.direction),
        "peer": format_address(header.peer, header.family),
        "protocol": header.protocol,
        "port": header.port,
        "icmp_type": header.icmp_type,
        "icmp_code": header.icmp_code,
    }


def _entry(entry: ConntrackEntry, now_ns: int) -> Document:
    return {
        "flow": entry.flow,
        "five_tuple": str(entry.five_tuple),
        "opener": str(entry.opener),
        "tracking": str(entry.tracking),
        "cause": str(entry.cause),
        "rule_id": None if entry.rule is None else entry.rule.rule_id,
        "tcp_state": _name(entry.tcp_state),
        "answered": entry.answered,
        "presumed": entry.is_presumed,
        "places": entry.places,
        "remaining_s": (entry.expires_at_ns - now_ns) / NANOSECONDS,
    }
