"""Every outcome of every step has its sentence, and each is true of the case that it is told of."""

import ast
import inspect

import pytest
from attrs import fields
from engine.walking import Walk
from report.step_cases import CASES, HTTPS, SYN, walked
from report.telling import explained, told

from sgsim.conntrack.entry import ConntrackEntry, TrackingCause
from sgsim.conntrack.tcp import Effect
from sgsim.conntrack.tracking import TrackingChoice
from sgsim.engine import reference, steps
from sgsim.model.rule_ref import RuleRef
from sgsim.model.trace import Step
from sgsim.report.step_text import STEP_SENTENCES
from sgsim.report.told import Told
from sgsim.rules.match import ResolvedRule, RuleMatcher

EDGE_STEPS = (Step.NETWORK_ACL_IN, Step.NETWORK_ACL_OUT)


@pytest.mark.parametrize("case", CASES, ids=[f"{number} {case.step}" for number, case in enumerate(CASES)])
def test_each_outcome_is_told_truly(case):
    assert told(walked(case))[case.step] == case.sentence


def test_each_fact_that_a_step_tells_is_as_it_was_looked_at(golden):
    """The way of each case, and all that is known of the step that it is about."""
    lines = []
    for number, case in enumerate(CASES):
        (stop,) = walked(case).stops
        lines.append(f"{number} {' > '.join(f'{step.step.value}: {step.outcome}' for step in stop.steps)}")
        for step in stop.steps:
            if f"{step.step.value}: {step.outcome}" == case.step:
                lines += [f"    {name} = {fact_text(fact)}" for name, fact in step.facts.items()]
    golden("step-facts.txt", "\n".join(lines) + "\n")


def fact_text(fact: object) -> str:
    """Enough of a fact to tell it from any other."""
    if isinstance(fact, RuleMatcher):
        return f"the rules of {fact.interface.interface_id}"
    if isinstance(fact, ResolvedRule):
        return fact.ref.rule_id
    if isinstance(fact, RuleRef):
        return fact.rule_id
    if isinstance(fact, TrackingChoice):
        return f"{fact.cause} by {fact_text(fact.open_rule)}"
    if isinstance(fact, ConntrackEntry):
        known = ("key", "rule")
        rest = {each.name: getattr(fact, each.name) for each in fields(ConntrackEntry) if each.name not in known}
        return f"{fact.five_tuple} by {fact_text(fact.rule)}, {rest}"
    return f"{fact} ({type(fact).__name__})"


def noted_in(module) -> set[tuple[str, str]]:
    """Every step and outcome that the source of a module notes as plain words."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]
    notes = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in {"note", "add"}]
    return {
        (ast.unparse(note.args[0]).removeprefix("Step."), str(word.value))
        for note in notes
        if len(note.args) == 2 and ast.unparse(note.args[0]).startswith("Step.")
        for word in ast.walk(note.args[1])
        if isinstance(word, ast.Constant)
    }


def test_every_outcome_that_the_engine_notes_has_its_sentence():
    noted = noted_in(steps) | noted_in(reference)
    assert len(noted) > 20, "the engine must be read as it notes its steps"
    noted |= {(step.name, outcome) for step in EDGE_STEPS for outcome in ("allowed", "denied", "same subnet")}
    noted |= {(Step.TRACKED.name, effect.value) for effect in Effect}
    noted |= {(Step.BYPASS.name, str(cause)) for cause in TrackingCause if cause is not TrackingCause.DENIED}
    worded = {(step.name, outcome) for step, outcomes in STEP_SENTENCES.items() for outcome in outcomes}
    assert noted - worded == set()
    assert worded - noted == set()


def test_every_sentence_is_tried():
    worded = {f"{step.value}: {outcome}" for step, outcomes in STEP_SENTENCES.items() for outcome in outcomes}
    assert {case.step for case in CASES} == worded


def test_a_fact_of_another_kind_is_an_error():
    explanation = explained(Walk(HTTPS), SYN)
    (stop,) = explanation.stops
    expire = next(step for step in stop.steps if step.step is Step.EXPIRE)
    with pytest.raises(TypeError, match="fact 'count' of step expire must be str, got 0"):
        Told(stop, expire, explanation).fact("count", str)
