"""Packet sequences of the Linux, Open vSwitch, gVisor, pf and NPF suites, and what those suites expect.

Every scenario is covered by a test here, or left out with its reason.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import group, interface, inventory, packet
from engine.walking import Walk, icmp_error, profile

from sgsim.conntrack.profile import AWS_NITRO, LINUX, Profile
from sgsim.model.packet import Fragment, Packet
from sgsim.model.states import TcpState

Scenario = dict[str, Any]
BOTH = (AWS_NITRO, LINUX)

_WINDOWS = "it turns on sequence numbers and windows, which no profile models"
LEFT_OUT: dict[str, str] = {
    "gvisor-bad-rst-in-synsent": _WINDOWS,
    "gvisor-wscale-no-scale-full": _WINDOWS,
    "gvisor-wscale-scale-full": _WINDOWS,
    "gvisor-wscale-syn-larger": _WINDOWS,
    "ovs-ipv4-frag-overlap": "it reassembles; we carry the verdict of the first fragment to the later ones",
    "ovs-ipv6-frag-incomplete": "it reassembles; we judge the first fragment when it comes",
    "ovs-force-commit-direction": "no counterpart: security groups never flip the opener of an entry",
    "pf-truncated-icmp-error": "it is about reading a packet: tests/sources asks that a cut quote is survived",
}


def _scenarios() -> dict[str, Scenario]:
    """As the fixture `fixtures_path`, which cannot be asked while scenarios are collected."""
    default = Path(__file__).parents[2].parent / "shared" / "fixtures"
    path = Path(os.environ.get("SGSIM_FIXTURES") or default) / "conntrack_scenarios.json"
    found = json.loads(path.read_text())["scenarios"] if path.is_file() else []
    return {scenario["id"]: scenario for scenario in found}


SCENARIOS = _scenarios()

OPENER, OTHER = "192.0.2.10", "198.51.100.7"
TCP_STATES: dict[str, set[TcpState]] = {
    "connecting": {TcpState.SYN_SENT},
    "alive": {
        TcpState.SYN_SENT2,
        TcpState.SYN_RECV,
        TcpState.ESTABLISHED,
        TcpState.FIN_WAIT,
        TcpState.CLOSE_WAIT,
        TcpState.LAST_ACK,
    },
    "reset": {TcpState.CLOSE},
    "closed-by-responder": {TcpState.TIME_WAIT},
}
"""What gVisor's four results are in our states; it keeps who closed first, we keep that both did."""


def tcp_packet(step: Scenario) -> Packet:
    ends = (f"{OPENER}:40000", f"{OTHER}:80")
    src, dst = ends if step["dir"] == "orig" else reversed(ends)
    return packet(f"tcp {src} -> {dst}", flags=step["flags"])


def gvisor_states(scenario: Scenario, behaviour: Profile) -> None:
    walk = Walk("tcp 80 to 198.51.100.0/24", profile=behaviour)
    states = [walk.send(tcp_packet(step)).tcp_state for step in scenario["packets"]]
    for state, step in zip(states, scenario["packets"], strict=True):
        assert state in TCP_STATES[step["result"]]
    assert states[-1] in TCP_STATES[scenario["expected"]["final"]]


def all_valid(scenario: Scenario, behaviour: Profile) -> None:
    """Valid: it passes as part of the tracked flow."""
    assert scenario["expected"] == {"all_valid": True}
    walk = Walk("tcp 80 to 198.51.100.0/24", profile=behaviour)
    answers = [walk.say(tcp_packet(step)) for step in scenario["packets"]]
    assert answers == ["allow rule new"] + ["allow established established"] * (len(answers) - 1)


def challenge_ack(scenario: Scenario, behaviour: Profile) -> None:
    """A SYN on the tuple of a live connection changes nothing, and the ACK that comes back passes."""
    walk = Walk("tcp 80 to 198.51.100.0/24", profile=behaviour)
    answers = [walk.say(tcp_packet(step)) for step in scenario["packets"]]
    assert (scenario["packets"][-1]["verdict"], answers[-1]) == ("pass", "allow established established")
    assert [entry.tcp_state for entry in walk.entries()] == [TcpState.ESTABLISHED]


def decoded(step: Scenario) -> Packet:
    """A packet that the scenario gives by its fields."""
    fields = step["decoded"]
    name = {1: "icmp", 17: "udp"}[fields["proto"]]
    bracket = "[{}]" if ":" in fields["src"] else "{}"
    src, dst = (bracket.format(fields[end]) for end in ("src", "dst"))
    if "quotes" in fields:
        quoted = fields["quotes"]
        return icmp_error(
            f"icmp {src} -> {dst} type {fields['icmp_type']} code {fields['icmp_code']}",
            f"udp {quoted['src']}:{quoted['sport']} -> {quoted['dst']}:{quoted['dport']}",
        )
    part = fields.get("frag")
    fragment = Fragment(part["id"], part["offset"], more=part["more"]) if part else None
    return packet(f"{name} {src}:{fields.get('sport', 0)} -> {dst}:{fields.get('dport', 0)}", fragment=fragment)


def first_side(*rules: str, behaviour: Profile, addresses: tuple[str, ...] = ("10.1.1.1", "fc00::1")) -> Walk:
    """An interface in place of the switch's port 1."""
    return Walk(inventory(group(*rules), interface(*addresses)), profile=behaviour)


def opened(walk: Walk) -> list[str]:
    """The entries as their openers sent them."""
    return [str(entry.five_tuple) for entry in walk.entries()]


def udp_controller(scenario: Scenario, behaviour: Profile) -> None:
    walk = first_side("udp 2 to 10.1.1.2/32", behaviour=behaviour)
    answers = [walk.say(decoded(step)) for step in scenario["packets"]]
    assert [step["verdict"] for step in scenario["packets"]] == ["drop", "pass", "pass"]
    assert answers == ["deny no_rule new", "allow rule new", "allow established established"]


def udp_never_established(scenario: Scenario, behaviour: Profile) -> None:
    walk = first_side("udp 2 to 10.1.1.2/32", behaviour=behaviour)
    states = {str(walk.send(decoded(step)).state) for step in scenario["packets"]}
    assert states == {step["ct"] for step in scenario["packets"]} == {"new"}


def icmp6_ping_oneway(scenario: Scenario, behaviour: Profile) -> None:
    walk = first_side("icmpv6 128 to ::/0", behaviour=behaviour)
    assert [step["result"] for step in scenario["packets"]] == ["0 replies", "3 replies"]
    for _ in range(7):
        assert walk.say("icmpv6 fc00::2 -> fc00::1 type 128 code 0 id 1") == "deny no_rule new"
    for _ in range(3):
        walk.say("icmpv6 fc00::1 -> fc00::2 type 128 code 0 id 2")
        assert walk.say("icmpv6 fc00::2 -> fc00::1 type 129 code 0 id 2") == "allow established established"
    assert opened(walk) == ["icmpv6 fc00::1 -> fc00::2"]


def icmp_related_udp(scenario: Scenario, behaviour: Profile) -> None:
    assert scenario["expected"] == {"passed_related": 1}
    walk = first_side("udp 10000 to 10.1.1.2/32", behaviour=behaviour)
    sent = "udp 10.1.1.1:40000 -> 10.1.1.2:10000"
    walk.say(sent)
    assert walk.say(icmp_error("icmp 10.1.1.2 -> 10.1.1.1 type 3 code 3", sent)) == "allow related related"


def icmp_related_2(scenario: Scenario, behaviour: Profile) -> None:
    """The interface owns both inner addresses, as the switch's port 1 does."""
    walk = first_side("udp 5555 to 172.16.0.2/32", behaviour=behaviour, addresses=("172.16.0.1", "172.16.0.3"))
    unknown, opening, known = (decoded(step) for step in scenario["packets"])
    assert str(walk.send(unknown).verdict) == "deny"
    assert walk.entries() == []
    assert walk.say(opening) == "allow rule new"
    # The mid-path router 172.16.0.3 is a stranger now: only 172.16.0.1 is left to the interface.
    router = first_side("udp 5555 to 172.16.0.2/32", behaviour=behaviour, addresses=("172.16.0.1",))
    router.say(opening)
    assert router.say(known) == "allow related related"
    assert opened(router) == ["udp 172.16.0.1:41614 -> 172.16.0.2:5555"]


def http_oneway(scenario: Scenario, behaviour: Profile) -> None:
    walk = first_side("tcp 80 to 10.1.1.2/32", behaviour=behaviour)
    assert walk.connect("10.1.1.1:40000", "10.1.1.2:80")[1:] == ["allow established established"] * 2
    assert walk.say("tcp 10.1.1.2:40000 -> 10.1.1.1:80 S") == "deny no_rule new"
    assert len(walk.entries()) == scenario["expected"]["entries"]


def fragments_in_order(scenario: Scenario, behaviour: Profile) -> None:
    """Both pass a rule that names the port, although only the first fragment carries it."""
    walk = first_side("udp 2 to 0.0.0.0/0", behaviour=behaviour)
    assert [walk.say(decoded(step)) for step in scenario["packets"]] == ["allow rule new", "allow fragment new"]
    assert opened(walk) == ["udp 10.1.1.1:1 -> 10.1.1.2:2"]
    assert len(walk.entries()) == scenario["expected"].get("entries", scenario["expected"].get("entries_created"))


def fragments_reversed(scenario: Scenario, behaviour: Profile) -> None:
    """The entry is that of the datagram; the fragment that came too early is left to `profile.fragments`."""
    walk = first_side("udp 2 to ::/0", behaviour=behaviour)
    assert [walk.say(decoded(step)) for step in scenario["packets"]] == ["deny fragment invalid", "allow rule new"]
    assert opened(walk) == ["udp [fc00::1]:1 -> [fc00::2]:2"]
    assert len(walk.entries()) == scenario["expected"]["entries"]


def inner_match(scenario: Scenario, behaviour: Profile) -> None:
    """Rules block all but outgoing echo requests."""
    walk = Walk(inventory(group("icmp 8 to 0.0.0.0/0"), interface("192.0.2.2")), profile=behaviour)
    assert walk.say("icmp 192.0.2.2 -> 198.51.100.2 type 8 code 0 id 7") == "allow rule new"
    error = icmp_error(
        "icmp 192.0.2.2 -> 198.51.100.3 type 3 code 1", "icmp 198.51.100.2 -> 192.0.2.2 type 0 code 0 id 7"
    )
    assert (scenario["expected"]["second_packet"], str(walk.send(error).verdict)) == ("block", "deny")


def collected(scenario: Scenario, behaviour: Profile) -> None:
    """Entries of UDP that were silent for 30 s are gone, those that were not are left."""
    for counts in scenario["packets"]:
        walk = Walk("udp 53 to 0.0.0.0/0", profile=behaviour)
        for number in range(counts["expired"]):
            walk.say(f"udp {OPENER}:{1000 + number} -> {OTHER}:53", 0)
        for number in range(counts["active"]):
            walk.say(f"udp {OPENER}:{2000 + number} -> {OTHER}:53", 20)
        walk.wait_until(30)
        assert walk.count == counts["left"]


RELATED_ALWAYS = (profile(related_icmp="always"), LINUX)

COVERED: dict[str, tuple[Callable[[Scenario, Profile], None], tuple[Profile, ...]]] = {
    "gvisor-connection-refused": (gvisor_states, BOTH),
    "gvisor-reset-in-synrcvd-by-originator": (gvisor_states, BOTH),
    "gvisor-simultaneous-open-retransmit": (gvisor_states, BOTH),
    "gvisor-closed-by-responder": (gvisor_states, BOTH),
    "ovs-udp-controller": (udp_controller, BOTH),
    "ovs-icmp6-ping-oneway": (icmp6_ping_oneway, BOTH),
    "ovs-udp-never-established-without-reply": (udp_never_established, BOTH),
    "ovs-icmp-related-udp": (icmp_related_udp, RELATED_ALWAYS),
    "ovs-icmp-related-2": (icmp_related_2, RELATED_ALWAYS),
    "ovs-http-oneway": (http_oneway, BOTH),
    "ovs-ipv4-frag-orig-match": (fragments_in_order, BOTH),
    "ovs-ipv4-frag-inorder": (fragments_in_order, BOTH),
    "ovs-ipv6-frag-out-of-order": (fragments_reversed, BOTH),
    "ovs-ipv6-frag-ext1-ooo": (fragments_reversed, BOTH),
    "ovs-ipv6-frag-ext2-ooo": (fragments_reversed, BOTH),
    "npf-out-of-order-ack": (all_valid, BOTH),
    "npf-fin-exchange-retransmit": (all_valid, (AWS_NITRO,)),  # a FIN without ACK is invalid to Linux
    "npf-gc-counts": (collected, BOTH),
    "pf-icmp-error-inner-match": (inner_match, RELATED_ALWAYS),
    "pf-challenge-ack": (challenge_ack, BOTH),
}

CASES = [
    (name, behaviour) for name, (_, behaviours) in COVERED.items() for behaviour in behaviours if name in SCENARIOS
]


@pytest.mark.usefixtures("fixtures_path")
def test_every_scenario_is_covered_or_left_out_with_a_reason():
    assert set(COVERED) | set(LEFT_OUT) == set(SCENARIOS)
    assert not set(COVERED) & set(LEFT_OUT)


@pytest.mark.parametrize(("name", "behaviour"), CASES, ids=[f"{name}-{behaviour.name}" for name, behaviour in CASES])
def test_the_scenario_holds(name, behaviour):
    hold, _ = COVERED[name]
    hold(SCENARIOS[name], behaviour)
