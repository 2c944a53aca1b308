"""A fault in what decides about packets is caught by a vector; without one, all vectors hold."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from sgsim.conntrack import icmp, tcp, timeouts, tracking
from sgsim.conntrack.entry import ConntrackEntry
from sgsim.conntrack.exempt import ExemptTraffic
from sgsim.conntrack.policies import RelatedIcmp
from sgsim.conntrack.table import ConntrackTable
from sgsim.conntrack.tcp import TCP_TRANSITIONS, Segment
from sgsim.engine import interface_filter, steps
from sgsim.engine.memory import FragmentMemory
from sgsim.model.path import PathLabel
from sgsim.model.states import ConntrackDirection, TcpState
from sgsim.rules.match import ResolvedRule, RuleMatcher
from sgsim.rules.rule import IcmpMatch
from sgsim.testing.conformance import run_vectors
from sgsim.testing.vector_files import load_vectors

VECTORS = list(load_vectors().vectors)


def caught() -> set[str]:
    """The topics in which something is not as expected; an engine with a fault may also break a law of its own."""
    found = set()
    for vector in VECTORS:
        try:
            outcomes = run_vectors([vector])
        except (AssertionError, AttributeError, KeyError):
            found.add(vector.topic)
            continue
        found |= {outcome.vector.topic for outcome in outcomes if not outcome.passed}
    return found


def test_without_a_fault_nothing_is_caught():
    assert caught() == set()


CELLS = [
    (direction, state, segment) for direction, rows in TCP_TRANSITIONS.items() for state in rows for segment in Segment
]


def test_a_fault_in_any_cell_of_the_tcp_table(monkeypatch):
    """Each cell in turn names another state; only the vectors of its state and side are asked."""
    unnoticed = []
    for direction, state, segment in CELLS:
        row = TCP_TRANSITIONS[direction][state]
        wrong = next(other for other in TcpState if other not in {state, row.get(segment)})
        about = f"{state}-{'original' if direction is ConntrackDirection.ORIGINAL else 'reply'}"
        asked = [v for v in VECTORS if v.topic == "tcp-table" and v.vector_id.endswith(about.replace("_", "-"))]
        with monkeypatch.context() as patched:
            patched.setitem(row, segment, wrong)
            if all(outcome.passed for outcome in run_vectors(asked)):
                unnoticed.append(f"{about} {segment.name}")
    assert unnoticed == []


def always(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


def yes(*_, **__):
    return True


def no(*_, **__):
    return False


def one_later(function):
    return lambda seconds: function(seconds) + 1


FAULTS: dict[str, tuple[object, str, object, set[str]]] = {
    # What is wrong: where, which name, what stands in its place, topics that must notice.
    "the rule back is not looked at": (RuleMatcher, "is_open_back", yes, {"untracked"}),
    "nothing is ever left untracked": (RuleMatcher, "is_open_back", no, {"untracked", "rule-changes"}),
    "ICMP may be left untracked": (tracking, "PORT_PROTOCOLS", {1, 6, 17, 58}, {"untracked"}),
    "UDP may not be left untracked": (tracking, "PORT_PROTOCOLS", {6}, {"untracked"}),
    "no path is automatic": (PathLabel, "is_automatic", property(no), {"automatic-paths", "icmp"}),
    "a DynamoDB connection takes one place": (PathLabel, "places", property(always(1)), {"automatic-paths"}),
    "errors about any flow pass": (steps, "_quoted_flow", lambda at, _: next(iter(at.table), None), {"icmp"}),
    "no error passes": (steps, "_quoted_flow", always(None), {"icmp", "linux"}),
    "an error passes for tracked flows too": (
        steps,
        "RelatedIcmp",
        SimpleNamespace(ALWAYS=RelatedIcmp.AUTOMATIC_OR_UNTRACKED, AUTOMATIC_OR_UNTRACKED=None),
        {"icmp", "settings"},
    ),
    "timeouts are a nanosecond too long": (timeouts, "_ns", one_later(timeouts._ns), {"timeout-boundaries", "timeouts"}),
    "entries are gone only after their time": (
        ConntrackTable,
        "expire",
        lambda self, now_ns, expire=ConntrackTable.expire: expire(self, now_ns - 1),
        {"timeout-boundaries", "timeouts", "capacity"},
    ),
    "nothing expires": (ConntrackTable, "expire", always(0), {"timeout-boundaries", "timeouts", "capacity", "tcp"}),
    "only the opener restarts the timeout": (
        interface_filter.InterfaceFilter,
        "_restarts",
        lambda _, entry, __: not entry.answered,
        {"timeouts"},
    ),
    "every rule admits every peer": (ResolvedRule, "admits", lambda self, header: self.rule.admits_service(header), {"rules"}),
    "an ICMP rule ignores the code": (IcmpMatch, "admits", lambda self, icmp_type, _: self.icmp_type in {None, icmp_type}, {"rules"}),
    "the last place is never given": (
        ConntrackTable,
        "has_room",
        lambda self, places: self.capacity is None or self.count + places < self.capacity,
        {"capacity", "automatic-paths"},
    ),
    "there is always a place": (ConntrackTable, "has_room", yes, {"capacity", "evaluation", "stories"}),
    "nothing is exempt": (ExemptTraffic, "service", always(None), {"never-filtered"}),
    "answers open ICMP flows": (icmp, "ICMP_ANSWERS", {1: {}, 58: {}}, {"icmp"}),
    "no first fragment is remembered": (FragmentMemory, "recall", always(None), {"fragments", "timeout-boundaries"}),
    "a stream needs no reply": (interface_filter, "becomes_stream", yes, {"timeouts"}),
    "a SYN never begins an untracked flow anew": (steps, "_repeats_opening", yes, {"untracked"}),
    "changes of rules reach no tracked flow": (steps, "_opened_rules_untrack", no, {"rule-changes", "settings"}),
    "the sides of a flow are exchanged": (ConntrackEntry, "direction_of", always(ConntrackDirection.REPLY), {"tcp-table"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught(monkeypatch, fault):
    owner, name, wrong, topics = FAULTS[fault]
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, wrong)
        assert topics <= caught()


def reopenings() -> Iterator[tuple[ConntrackDirection, TcpState]]:
    for direction, rows in TCP_TRANSITIONS.items():
        for state, row in rows.items():
            if row.get(Segment.SYN) is tcp.Beside.REOPEN:
                yield direction, state


def test_a_five_tuple_that_is_never_opened_anew(monkeypatch):
    for direction, state in reopenings():
        with monkeypatch.context() as patched:
            patched.setitem(TCP_TRANSITIONS[direction][state], Segment.SYN, tcp.Beside.IGNORE)
            assert caught() >= {"tcp-table"}
