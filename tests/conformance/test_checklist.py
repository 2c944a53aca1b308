"""Nothing that decides about packets is without a vector: what is missing is named."""

from collections.abc import Callable

import pytest
from attrs import evolve, fields
from builders import group, interface, inventory
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import ARP, Ether
from sources.capture_builders import ETHER, RAW, pcap

from sgsim.conntrack import tcp
from sgsim.conntrack.exempt import EXEMPT_SERVICES
from sgsim.conntrack.policies import Policy
from sgsim.conntrack.profile import PROFILES, Profile
from sgsim.conntrack.tcp import FIRST_STATES, TCP_TRANSITIONS, Segment
from sgsim.engine.interface_filter import InterfaceFilter
from sgsim.engine.options import EngineOptions
from sgsim.errors import ConfigError
from sgsim.model.decision import VERDICT_OF_REASON, Reason, Verdict
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.path import PathLabel
from sgsim.rules.openness import OpenRules
from sgsim.simulation.driver import run
from sgsim.testing.conformance import run_vectors
from sgsim.testing.vector_files import load_vectors
from sgsim.testing.vectors import Vector

SUITE = load_vectors()
VECTORS = list(SUITE.vectors)


@pytest.fixture(scope="module")
def seen() -> dict[str, set[object]]:
    """What the reference engine asked its facts about while it ran all vectors."""
    found: dict[str, set[object]] = {"cells": set(), "first": set(), "services": set(), "paths": set()}
    patch = pytest.MonkeyPatch()
    move, first, service = tcp.move, InterfaceFilter._first_tcp, InterfaceFilter.exempt_service
    path = InterfaceFilter._path_of

    def note_move(flow, direction, segment, table):
        found["cells"].add((direction, flow.state, segment))
        return move(flow, direction, segment, table)

    def note_first(self, passage, entry, *, presumed):
        found["first"].add(passage.segment)
        return first(self, passage, entry, presumed=presumed)

    def note_service(self, passage):
        found["services"].add(service(self, passage))
        return service(self, passage)

    def note_path(self, passage):
        found["paths"].add(path(self, passage))
        return path(self, passage)

    with patch.context() as patched:
        patched.setattr(tcp, "move", note_move)
        patched.setattr(InterfaceFilter, "_first_tcp", note_first)
        patched.setattr(InterfaceFilter, "exempt_service", note_service)
        patched.setattr(InterfaceFilter, "_path_of", note_path)
        assert all(outcome.passed for outcome in run_vectors(VECTORS))
    return found


def test_every_cell_of_the_tcp_table(seen):
    cells = {
        (direction, state, segment)
        for direction, rows in TCP_TRANSITIONS.items()
        for state in rows
        for segment in Segment
    }
    missing = cells - seen["cells"]
    assert sorted(f"{direction.name} {state} {segment.name}" for direction, state, segment in missing) == []


def test_every_segment_as_the_first_of_a_flow(seen):
    assert sorted(segment.name for segment in set(FIRST_STATES) - seen["first"]) == []


def test_every_exempt_service(seen):
    assert sorted(service.name for service in set(EXEMPT_SERVICES) - seen["services"]) == []


def test_every_path(seen):
    assert sorted(str(label) for label in set(PathLabel) - seen["paths"]) == []


def test_every_reason_of_allow_and_deny():
    answers = [answer for vector in VECTORS for step in vector.steps for answer in step.answers]
    reached = {(answer.verdict, answer.reason) for answer in answers}
    needed = {
        (str(verdict), str(reason)) for reason, verdict in VERDICT_OF_REASON.items() if verdict is not Verdict.SKIP
    }
    needed |= {(verdict, "fragment") for verdict in ("allow", "deny")}
    assert sorted(needed - reached) == []


SYN = IP(src="198.51.100.7", dst="192.0.2.10") / TCP(sport=40000, dport=443, flags="S")
ANSWER = IP(src="192.0.2.10", dst="198.51.100.7") / TCP(sport=443, dport=40000, flags="SA")

RECORD = "2 123456789010 eni-a 198.51.100.7 192.0.2.10 40000 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
WITHOUT_RECORD = "2 123456789010 eni-a - - - - - - - 1431280876 1431280934 -"


def log(status: str) -> bytes:
    """A flow log with one record and one without."""
    return f"{RECORD}\n{WITHOUT_RECORD} {status}\n".encode()


INPUTS: dict[Reason, Callable[[], bytes]] = {
    Reason.NOT_IP: lambda: pcap(bytes(ETHER / SYN), bytes(ETHER / ARP(hwsrc="02:00:00:00:00:01"))),
    Reason.TRUNCATED: lambda: pcap(bytes(SYN), bytes(SYN)[:30], link_type=RAW, wire_bytes=40),
    Reason.MALFORMED: lambda: pcap(bytes(SYN), b"\x55" + bytes(SYN)[1:], link_type=RAW),
    Reason.UNSUPPORTED: lambda: pcap(
        bytes(ETHER / SYN), bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x88E5) / bytes(60))
    ),
    Reason.NO_INTERFACE: lambda: pcap(bytes(SYN), bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP()), link_type=RAW),
    Reason.LOCAL: lambda: pcap(bytes(SYN), bytes(IP(src="192.0.2.10", dst="192.0.2.11") / TCP()), link_type=RAW),
    Reason.NOT_SENT: lambda: pcap(bytes(SYN), bytes(ANSWER), link_type=RAW),
    Reason.NO_DATA: lambda: log("NODATA"),
    Reason.SKIP_DATA: lambda: log("SKIPDATA"),
}
"""For each reason of SKIP a capture or a flow log in which it occurs."""


def test_every_reason_of_skip_has_an_input():
    skips = {reason for reason, verdict in VERDICT_OF_REASON.items() if verdict is Verdict.SKIP}
    assert sorted(map(str, skips - set(INPUTS))) == []


@pytest.mark.parametrize("reason", INPUTS, ids=str)
def test_the_input_has_the_reason(tmp_path, reason):
    rules = inventory(group("tcp 22 from 0.0.0.0/0"), interface("192.0.2.10", "192.0.2.11"))
    path = tmp_path / "traffic"
    path.write_bytes(INPUTS[reason]())
    summary = run(rules, [path], EngineOptions(recorded=True), engine="reference").summary
    assert str(reason) in {count.reason for count in summary.reasons}


def values_of(name: str, value: object) -> list[object]:
    """Every value that a setting of a profile can have; of a time those that profiles give it."""
    if isinstance(value, bool):
        return [True, False]
    if isinstance(value, Policy | OpenRules):
        return list(type(value))
    return sorted({dict(profile.settings())[name].value for profile in PROFILES.values()})


def test_every_setting_of_every_profile_in_each_of_its_values():
    needed = {
        (name, value)
        for profile in PROFILES.values()
        for name, setting in profile.settings()
        for value in values_of(name, setting.value)
    }
    hinged = {
        (name, dict(vector.options.profile.settings())[name].value) for vector in VECTORS for name in vector.hinges_on
    }
    assert sorted(f"{name}={value}" for name, value in needed - hinged) == []


def others(profile: Profile, name: str) -> list[Profile]:
    """The profile with every other value of a setting; of a time with the next shorter and longer ones."""
    value = dict(profile.settings())[name].value
    if isinstance(value, bool | Policy | OpenRules):
        return [
            profile.given(name, getattr(other, "value", other))
            for other in values_of(name, value)
            if other is not value
        ]
    made = []
    for other in (value - 0.001, value + 0.001):
        try:
            made.append(profile.given(name, other))
        except ConfigError:  # beyond the bounds that AWS sets
            continue
    return made


HINGED = [(vector, name) for vector in VECTORS for name in vector.hinges_on]


def test_every_vector_that_hinges_on_a_setting_fails_with_any_other_value():
    """A vector that passes whatever the setting shows nothing of it."""
    idle = []
    for vector, name in HINGED:
        for profile in others(vector.options.profile, name):
            other: Vector = evolve(vector, options=evolve(vector.options, profile=profile))
            (outcome,) = run_vectors([other])
            if outcome.passed:
                idle.append(f"{vector.name}: {name}={dict(profile.settings())[name].value}")
    assert idle == []


def test_every_statement_is_proved_or_has_its_reason_why_not():
    proofs = SUITE.proofs()
    assert [key for key, statement in SUITE.statements.items() if bool(proofs[key]) is bool(statement.not_shown)] == []


BESIDE_THE_PROFILE = [
    option.name
    for option in fields(EngineOptions)
    if option.name not in {"profile", "log_format", "spread", "is_unlimited"}
]
"""Every option of an engine; the form of flow logs is none of a filter, and only a change lifts a limit."""


def test_every_option_beside_the_profile():
    used = {
        name
        for vector in VECTORS
        for name in BESIDE_THE_PROFILE
        if getattr(vector.options, name) != getattr(EngineOptions(), name)
    }
    assert used == set(BESIDE_THE_PROFILE)


def test_every_timeout_that_may_be_set_beside_the_profile():
    used = {
        field.name
        for vector in VECTORS
        for field in fields(TimeoutOverrides)
        if getattr(vector.options.timeouts, field.name) is not None
    }
    assert used == {field.name for field in fields(TimeoutOverrides)}


def test_every_vector_with_timeouts_of_its_own_fails_without_any_of_them():
    """A timeout that is set and changes nothing shows nothing."""
    idle = []
    for vector in VECTORS:
        for field in fields(TimeoutOverrides):
            if getattr(vector.options.timeouts, field.name) is None:
                continue
            timeouts = evolve(vector.options.timeouts, **{field.name: None})
            (outcome,) = run_vectors([evolve(vector, options=evolve(vector.options, timeouts=timeouts))])
            if outcome.passed:
                idle.append(f"{vector.name}: {field.name}")
    assert idle == []
