"""Each setting of a profile is shown to change an answer, in each value that it can have."""

from collections.abc import Callable

import pytest
from attrs import evolve
from builders import group, interface, inventory, packet, prefix_list
from engine.walking import HOST, HOST_V6, Walk, icmp_error, profile

from sgsim.conntrack.profile import AWS_NITRO, LINUX
from sgsim.conntrack.timeouts import NANOSECONDS
from sgsim.model.interface import TimeoutOverrides
from sgsim.model.packet import Fragment, Packet
from sgsim.model.states import Direction, TcpState
from sgsim.rules.inventory import Inventory

CLIENT, SERVER = "198.51.100.7:40000", f"{HOST}:443"
TRACKED = (
    "tcp 443 from 198.51.100.0/24",
    "udp 53 from 198.51.100.0/24",
    "icmp 8 from 198.51.100.0/24",
    "icmpv6 128 from ::/0",
    "47 from 198.51.100.0/24",
)
OPEN = ("all from 0.0.0.0/0", "all from ::/0", "all to 0.0.0.0/0", "all to ::/0")

WAY_TO: dict[TcpState, tuple[str, ...]] = {
    TcpState.SYN_SENT: (">S",),
    TcpState.SYN_SENT2: (">S", "<S"),
    TcpState.SYN_RECV: (">S", "<SA"),
    TcpState.ESTABLISHED: (">S", "<SA", ">A"),
    TcpState.FIN_WAIT: (">S", "<SA", ">A", ">FA"),
    TcpState.CLOSE_WAIT: (">S", "<SA", ">A", ">FA", "<A"),
    TcpState.LAST_ACK: (">S", "<SA", ">A", ">FA", "<FA"),
    TcpState.TIME_WAIT: (">S", "<SA", ">A", ">FA", "<FA", ">A"),
    TcpState.CLOSE: (">S", "<RA"),
}
"""Segments of the opener (`>`) and of the other side (`<`) that lead to each state."""


def segments(walk: Walk, way: tuple[str, ...], at_s: float = 0) -> list[str]:
    ends = {">": f"tcp {CLIENT} -> {SERVER}", "<": f"tcp {SERVER} -> {CLIENT}"}
    return [walk.say(f"{ends[step[0]]} {step[1:]}", at_s) for step in way]


def lives_for(walk: Walk, seconds: float) -> bool:
    """Whether the one flow, last seen at 0, is there until just before this time, and gone at it."""
    walk.wait_until(seconds - 1e-6)
    was_there = bool(walk.entries())
    walk.wait_until(seconds)
    return was_there and not walk.entries()


@pytest.mark.parametrize("state", TcpState)
@pytest.mark.parametrize("seconds", [61, 77])
def test_each_tcp_state_has_its_own_timeout(state, seconds):
    walk = Walk(*TRACKED, profile=AWS_NITRO.given(f"tcp_{state}_s", seconds))
    segments(walk, WAY_TO[state])
    assert [entry.tcp_state for entry in walk.entries()] == [state]
    assert lives_for(walk, seconds)


UDP = (f"udp {CLIENT} -> {HOST}:53", f"udp {HOST}:53 -> {CLIENT}")

TIMEOUTS: dict[str, tuple[tuple[float, float], tuple[str, ...]]] = {
    "udp_s": ((30, 60), UDP),
    "udp_stream_s": ((60, 180), (*UDP, UDP[0])),
    "icmp_s": ((30, 5), (f"icmp 198.51.100.7 -> {HOST} type 8 code 0",)),
    "icmpv6_s": ((30, 5), (f"icmpv6 2001:db8::99 -> {HOST_V6} type 128 code 0",)),
    "other_s": ((600, 5), (f"47 198.51.100.7 -> {HOST}",)),
}


@pytest.mark.parametrize("name", TIMEOUTS)
def test_each_protocol_has_its_own_timeout(name):
    values, texts = TIMEOUTS[name]
    for seconds in values:
        walk = Walk(*TRACKED, profile=AWS_NITRO.given(name, seconds))
        for text in texts:
            walk.say(text, 0)
        assert lives_for(walk, seconds)


def fragment(text: str, offset: int, at_s: float) -> Packet:
    return packet(text, fragment=Fragment(1, offset, more=offset == 0), time_ns=round(at_s * 1e9))


@pytest.mark.parametrize(
    ("name", "text"),
    [("fragment_s", UDP[0]), ("fragment_ipv6_s", f"icmpv6 2001:db8::99 -> {HOST_V6} type 128 code 0")],
)
@pytest.mark.parametrize("seconds", [10, 90])
def test_the_verdict_of_a_first_fragment_is_kept_as_long_as_the_profile_says(name, text, seconds):
    walk = Walk(*TRACKED, profile=AWS_NITRO.given(name, seconds))
    walk.say(fragment(text, 0, 0))
    assert walk.say(fragment(text, 1480, seconds - 1e-6)) == "allow fragment new"
    assert walk.say(fragment(text, 1480, seconds)) == "deny fragment invalid"


def exempt_traffic(value: object) -> list[str]:
    return [Walk(profile=profile(exempt_traffic=value)).say(f"udp {HOST}:40000 -> 169.254.169.253:53")]


def timeout_change(value: object) -> list[str]:
    """An interface's timeout for established TCP goes from 1,000 s to 100 s, 50 s and 200 s after the last packet."""
    counts = []
    for at_s in (50, 200):
        walk = Walk(with_timeout(1000), profile=profile(timeout_change=value))
        walk.connect(CLIENT, SERVER)
        walk.change(with_timeout(100), at_s=at_s)
        counts.append(str(walk.count))
        walk.wait_until(max(at_s, 100))
        counts.append(str(walk.count))
    return counts


def with_timeout(seconds: float) -> Inventory:
    here = interface(HOST, timeouts=TimeoutOverrides(tcp_established_s=seconds))
    return inventory(group(*TRACKED), here)


def exempt_list(value: object) -> list[str]:
    walk = Walk(profile=profile(exempt_list=value))
    texts = (
        f"udp {HOST}:40000 -> 169.254.169.253:53",
        f"udp [{HOST_V6}]:40000 -> [fd00:ec2::253]:53",
        f"icmpv6 {HOST_V6} -> 2001:db8::99 type 135 code 0",
        f"tcp {HOST}:40000 -> 169.254.170.23:80",
    )
    return [walk.say(text).split()[1] for text in texts]


def group_prefixes(value: object) -> list[str]:
    """A member's own address, and one of a prefix that is delegated to it."""
    member = interface("198.51.100.7", "198.51.100.16/28", interface_id="eni-m", groups=["sg-m"])
    known = inventory(group("tcp 443 from sg-m"), group(group_id="sg-m"), interface(HOST), member)
    walk = Walk(known, profile=profile(group_prefixes=value))
    return [
        walk.say(f"tcp 198.51.100.{last}:40000 -> {SERVER} S", taken_at="eni-a", direction=Direction.INGRESS)
        for last in (7, 17)
    ]


def bypass(value: object) -> list[str]:
    walk = Walk(*OPEN, profile=profile(bypass=value))
    texts = (
        f"tcp {CLIENT} -> {SERVER} S",
        f"icmpv6 2001:db8::99 -> {HOST_V6} type 128 code 0",
        f"47 198.51.100.7 -> {HOST}",
        f"icmp 198.51.100.7 -> {HOST} type 8 code 0",
    )
    return [walk.say(text) for text in texts]


OPENING = f"tcp {CLIENT} -> {SERVER} S"


def open_rules(value: object) -> list[str]:
    """Two halves of all addresses, and a prefix list of all of them."""
    rules = group("tcp 443 from 0.0.0.0/1", "tcp 443 from 128.0.0.0/1", "tcp 80 from pl-all", "all to 0.0.0.0/0")
    known = inventory(rules, interface(HOST), prefix_list("pl-all", "0.0.0.0/0"))
    walk = Walk(known, profile=profile(open_rules=value))
    return [walk.say(OPENING), walk.say(f"tcp {CLIENT} -> {HOST}:80 S")]


def open_own_protocol(value: object) -> list[str]:
    rules = ("tcp 443 from 0.0.0.0/0", "tcp all to 0.0.0.0/0")
    return [Walk(*rules, profile=profile(open_own_protocol=value)).say(OPENING)]


def open_across_groups(value: object) -> list[str]:
    there, back = group("tcp 443 from 0.0.0.0/0"), group("all to 0.0.0.0/0", group_id="sg-out")
    known = inventory(there, back, interface(HOST, groups=["sg-web", "sg-out"]))
    return [Walk(known, profile=profile(open_across_groups=value)).say(OPENING)]


def open_beside_narrow(value: object) -> list[str]:
    rules = ("tcp 443 from 0.0.0.0/0", "tcp 443 from 198.51.100.7/32", "all to 0.0.0.0/0")
    return [Walk(*rules, profile=profile(open_beside_narrow=value)).say(OPENING)]


def untrack_when_opened(value: object) -> list[str]:
    walk = Walk(*TRACKED, profile=profile(untrack_when_opened=value))
    walk.connect(CLIENT, SERVER)
    walk.change(*OPEN)
    return [walk.say(f"tcp {CLIENT} -> {SERVER} A")]


def udp_stream(value: object) -> list[str]:
    """An exchange in its first two seconds, or replies alone that go on for longer: which is a stream?"""
    streams = []
    for texts in (((0, UDP[0]), (1, UDP[1]), (2, UDP[0])), ((0, UDP[0]), (1, UDP[1]), (2.5, UDP[1]))):
        walk = Walk(*TRACKED, profile=profile(udp_stream=value))
        for at_s, text in texts:
            walk.say(text, at_s)
        streams += [str(entry.is_stream) for entry in walk.entries()]
    return streams


def related_icmp(value: object) -> list[str]:
    answers = []
    for rules in (("tcp 443 from 0.0.0.0/0", "tcp all to 0.0.0.0/0"), TRACKED):
        walk = Walk(*rules, profile=profile(related_icmp=value))
        walk.say(f"tcp {CLIENT} -> {SERVER} S")
        answers.append(walk.say(icmp_error(f"icmp 203.0.113.9 -> {HOST} type 3 code 4", f"tcp {SERVER} -> {CLIENT} A")))
    return answers


def midstream(value: object) -> list[str]:
    return [Walk(*TRACKED, profile=profile(midstream=value)).say(f"tcp {CLIENT} -> {SERVER} A")]


def midstream_untracked(value: object) -> list[str]:
    return [Walk(*OPEN, profile=profile(midstream_untracked=value)).say(f"tcp {CLIENT} -> {SERVER} A")]


def midstream_after_cut(value: object) -> list[str]:
    """The block of everyone narrowed to one that still holds the peer: its next segment, and a stray one."""
    walk = Walk(*OPEN, profile=profile(midstream_after_cut=value))
    walk.connect(CLIENT, SERVER)
    walk.change(*TRACKED)
    return [walk.say(f"tcp {CLIENT} -> {SERVER} A"), walk.say(f"tcp 198.51.100.8:40000 -> {SERVER} A")]


def full_untracked(value: object) -> list[str]:
    """One place, taken by a ping; then a new flow that is untracked."""
    walk = Walk(*OPEN, profile=profile(full_untracked=value), capacity=1)
    walk.say(f"icmp 198.51.100.7 -> {HOST} type 8 code 0")
    return [walk.say(f"tcp {CLIENT} -> {SERVER} S")]


def related_refresh(value: object) -> list[str]:
    """A flow whose answer comes after 40 s: with an error about it at 20 s, which a rule admits, and without."""
    walk = Walk(*TRACKED, "icmp 3 from 0.0.0.0/0", profile=profile(related_refresh=value))
    walk.say(UDP[0], 0)
    error = icmp_error(f"icmp 203.0.113.9 -> {HOST} type 3 code 4", UDP[1])
    walk.say(evolve(error, time_ns=20 * NANOSECONDS), 20)
    return [walk.say(UDP[1], 40)]


def invalid(value: object) -> list[str]:
    return segments(Walk(*TRACKED, profile=profile(invalid=value)), (">S", ">A"))[1:]


def syn_reopens(value: object) -> list[str]:
    """The rule goes while the connection is open: does its opener's SYN still pass?"""
    walk = Walk(*TRACKED, profile=profile(syn_reopens=value))
    walk.connect(CLIENT, SERVER)
    walk.change()
    return segments(walk, (">S", ">A"))


def unanswered(value: object) -> list[str]:
    return segments(Walk(*TRACKED, profile=profile(unanswered=value)), (">S", ">S"))[1:]


def fragments(value: object) -> list[str]:
    return [Walk(*OPEN, profile=profile(fragments=value)).say(fragment(UDP[0], 1480, 0))]


def late_refresh(value: object) -> list[str]:
    """CLOSE lasts ten seconds; does a straggler after nine prolong it?"""
    walk = Walk(*TRACKED, profile=profile(late_refresh=value))
    segments(walk, (*WAY_TO[TcpState.ESTABLISHED], "<RA"))
    return segments(walk, (">A",), 9) + segments(walk, (">A",), 11)


def ignored_refresh(value: object) -> list[str]:
    """SYN_RECV lasts sixty seconds; does another SYN of the opener, which moves nothing, prolong it?"""
    walk = Walk(*TRACKED, profile=profile(ignored_refresh=value))
    segments(walk, WAY_TO[TcpState.SYN_RECV])
    segments(walk, (">S",), 50)
    return segments(walk, (">A",), 70)


def icmp_code_in_key(value: object) -> list[str]:
    walk = Walk(*TRACKED, profile=profile(icmp_code_in_key=value))
    walk.say(f"icmp 198.51.100.7 -> {HOST} type 8 code 0 id 1")
    return [walk.say(f"icmp {HOST} -> 198.51.100.7 type 0 code 1 id 1")]


def linux_tcp_rules(value: object) -> list[str]:
    """R1: does an RST of the opener end a flow that nobody has answered at once?"""
    walk = Walk(*TRACKED, profile=profile(linux_tcp_rules=value))
    segments(walk, (">S", ">R"))
    return [str(walk.count)]


POLICIES: dict[Callable[[object], list[str]], dict[object, list[str]]] = {
    exempt_traffic: {True: ["allow exempt exempt"], False: ["deny no_rule new"]},
    timeout_change: {"next-packet": ["1"] * 4, "at-once": ["1", "0", "0", "0"]},
    exempt_list: {
        "named": ["exempt", *["no_rule"] * 3],
        "implied": [*["exempt"] * 3, "no_rule"],
        "wide": ["exempt"] * 4,
    },
    group_prefixes: {True: ["allow rule new"] * 2, False: ["allow rule new", "deny no_rule new"]},
    bypass: {
        "none": ["allow rule new"] * 4,
        "tcp-udp": ["allow untracked untracked", *["allow rule new"] * 3],
        "tcp-udp-icmpv6": [*["allow untracked untracked"] * 2, *["allow rule new"] * 2],
        "all-but-icmp": ["allow untracked untracked", "allow rule new", "allow untracked untracked", "allow rule new"],
    },
    open_rules: {
        "literal": ["allow rule new"] * 2,
        "listed": ["allow rule new", "allow untracked untracked"],
        "covered": ["allow untracked untracked"] * 2,
    },
    open_own_protocol: {True: ["allow untracked untracked"], False: ["allow rule new"]},
    open_across_groups: {True: ["allow untracked untracked"], False: ["allow rule new"]},
    open_beside_narrow: {True: ["allow untracked untracked"], False: ["allow rule new"]},
    untrack_when_opened: {True: ["allow untracked untracked"], False: ["allow established established"]},
    udp_stream: {"second-request": ["True", "False"], "answered-and-old": ["False", "True"]},
    related_icmp: {
        "never": ["deny no_rule untracked"] * 2,
        "automatic-or-untracked": ["allow related related", "deny no_rule untracked"],
        "always": ["allow related related"] * 2,
    },
    midstream: {"deny": ["deny midstream invalid"], "pickup": ["allow rule new"]},
    midstream_untracked: {True: ["deny midstream invalid"], False: ["allow untracked untracked"]},
    midstream_after_cut: {
        "deny": ["deny cut invalid", "deny midstream invalid"],
        "pickup": ["allow rule new", "deny midstream invalid"],
    },
    full_untracked: {True: ["deny table_full new"], False: ["allow untracked untracked"]},
    related_refresh: {True: ["allow established established"], False: ["deny no_rule new"]},
    invalid: {
        "pass": ["allow established new"],
        "rules": ["allow rule invalid"],
        "deny": ["deny invalid invalid"],
    },
    syn_reopens: {
        True: ["deny no_rule new", "deny no_rule new"],
        False: ["allow established established"] * 2,
    },
    unanswered: {"established": ["allow established new"], "rules": ["allow rule new"]},
    fragments: {"deny": ["deny fragment invalid"], "rules": ["allow fragment untracked"]},
    late_refresh: {
        True: ["allow established established"] * 2,
        False: ["allow established established", "deny midstream invalid"],
    },
    ignored_refresh: {True: ["allow established established"], False: ["deny midstream invalid"]},
    icmp_code_in_key: {True: ["deny no_rule untracked"], False: ["allow established established"]},
    linux_tcp_rules: {True: ["0"], False: ["1"]},
}

CASES = [(ask, value, answers) for ask, by_value in POLICIES.items() for value, answers in by_value.items()]


@pytest.mark.parametrize(("ask", "value", "answers"), CASES, ids=[f"{ask.__name__}-{value}" for ask, value, _ in CASES])
def test_each_policy_changes_an_answer(ask, value, answers):
    assert ask(value) == answers


@pytest.mark.parametrize("ask", POLICIES, ids=lambda ask: ask.__name__)
def test_every_value_of_a_policy_is_shown(ask):
    setting = dict(AWS_NITRO.settings())[ask.__name__].value
    kind = (True, False) if isinstance(setting, bool) else [member.value for member in type(setting)]
    assert set(POLICIES[ask]) == set(kind)


def test_every_setting_is_shown():
    shown = {f"tcp_{state}_s" for state in TcpState} | set(TIMEOUTS) | {"fragment_s", "fragment_ipv6_s"}
    assert shown | {ask.__name__ for ask in POLICIES} == {name for name, _ in LINUX.settings()}
