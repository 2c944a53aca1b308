"""Every reason that an engine gives is reached, and its verdict and state are those that the reason stands for."""

from collections.abc import Callable

import pytest
from builders import group, interface, inventory, packet
from engine.walking import HOST, Walk, icmp_error, profile, words

from sgsim.conntrack.profile import LINUX
from sgsim.model.decision import VERDICT_OF_REASON, Reason
from sgsim.model.packet import Fragment

SYN = f"tcp 198.51.100.7:40000 -> {HOST}:443 S"
ACK = f"tcp 198.51.100.7:40000 -> {HOST}:443 A"
ANSWER = f"tcp {HOST}:443 -> 198.51.100.7:40000 SA"
TRACKED = ("tcp 443 from 198.51.100.0/24",)
OPEN = ("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0")


def fragments() -> str:
    walk = Walk(*TRACKED)
    walk.say(packet(SYN, fragment=Fragment(1, 0, more=True)))
    return walk.say(packet(SYN, fragment=Fragment(1, 1480, more=False)))


def established(text: str = ANSWER) -> str:
    walk = Walk(*TRACKED)
    walk.say(SYN)
    return walk.say(text)


def related() -> str:
    walk = Walk(*OPEN)
    walk.say(SYN)
    return walk.say(icmp_error(f"icmp 203.0.113.9 -> {HOST} type 3 code 4", ANSWER))


def cut() -> str:
    walk = Walk(*OPEN)
    walk.connect("198.51.100.7:40000", f"{HOST}:443")
    walk.change("all to 0.0.0.0/0")
    return walk.say(ACK)


def invalid() -> str:
    walk = Walk(*TRACKED, profile=profile(invalid="deny"))
    walk.say(SYN)
    return walk.say(ACK)


def invalid_by_rules() -> str:
    walk = Walk(*TRACKED, profile=profile(LINUX))
    walk.say(SYN)
    return walk.say(ACK)


def not_sent() -> str:
    walk = Walk(recorded=True)
    walk.say(SYN)
    return walk.say(ANSWER)


REACHED: list[tuple[Reason, str, Callable[[], str]]] = [
    (Reason.RULE, "allow rule new", lambda: Walk(*TRACKED).say(SYN)),
    (Reason.RULE, "allow rule invalid", invalid_by_rules),
    (
        Reason.RULE,
        "allow rule untracked",
        lambda: Walk("icmp all from 0.0.0.0/0").say(f"icmp 198.51.100.7 -> {HOST} type 0 code 0"),
    ),
    (Reason.ESTABLISHED, "allow established established", established),
    (Reason.ESTABLISHED, "allow established new", lambda: established(SYN)),
    (Reason.UNTRACKED, "allow untracked untracked", lambda: Walk(*OPEN).say(SYN)),
    (Reason.RELATED, "allow related related", related),
    (Reason.EXEMPT, "allow exempt exempt", lambda: Walk().say(f"udp {HOST}:40000 -> 169.254.169.253:53")),
    (Reason.NO_GROUPS, "allow no_groups exempt", lambda: Walk(inventory(interface(groups=()))).say(SYN)),
    (Reason.PRESUMED, "allow presumed established", lambda: Walk(*TRACKED, recorded=True).say(ANSWER)),
    (Reason.PRESUMED, "allow presumed untracked", lambda: Walk(*OPEN, recorded=True).say(ANSWER)),
    (Reason.FRAGMENT, "allow fragment new", fragments),
    (Reason.NO_RULE, "deny no_rule new", lambda: Walk().say(SYN)),
    (Reason.TABLE_FULL, "deny table_full new", lambda: Walk(*TRACKED, capacity=0).say(SYN)),
    (Reason.MIDSTREAM, "deny midstream invalid", lambda: Walk(*TRACKED).say(ACK)),
    (Reason.CUT, "deny cut invalid", cut),
    (Reason.INVALID, "deny invalid invalid", invalid),
    (
        Reason.NO_INTERFACE,
        "skip no_interface -",
        lambda: Walk(*TRACKED).say("tcp 198.51.100.7:40000 -> 198.51.100.8:443"),
    ),
    (
        Reason.LOCAL,
        "skip local -",
        lambda: Walk(inventory(group(*TRACKED), interface(HOST, "198.51.100.7"))).say(SYN),
    ),
    (Reason.NOT_SENT, "skip not_sent -", not_sent),
]

NOT_OF_THE_ENGINE = {
    Reason.NETWORK_ACL,  # rules of subnets, which no engine judges yet
    Reason.NOT_IP,  # sources give these: there is no packet
    Reason.TRUNCATED,
    Reason.MALFORMED,
    Reason.UNSUPPORTED,
    Reason.NO_DATA,
    Reason.SKIP_DATA,
}


@pytest.mark.parametrize(("reason", "answer", "reach"), REACHED, ids=[answer for _, answer, _ in REACHED])
def test_each_reason_comes_with_its_verdict_and_state(reason, answer, reach):
    assert reach() == answer
    if reason is not Reason.FRAGMENT:
        assert answer.startswith(f"{VERDICT_OF_REASON[reason]} {reason} ")


def test_every_reason_of_an_engine_is_reached():
    assert {reason for reason, _, _ in REACHED} == set(Reason) - NOT_OF_THE_ENGINE


def test_a_skipped_packet_has_no_state():
    decision = Walk().send("tcp 198.51.100.7:40000 -> 198.51.100.8:443")
    assert (words(decision), decision.state, decision.rule, decision.flow) == ("skip no_interface -", None, None, None)
