"""What was recorded at a receiver although its sender's interface denies it here was never sent."""

import pytest
from attrs import evolve
from builders import group, interface, inventory, packet

from sgsim.conntrack.profile import AWS_NITRO
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference import ReferenceEngine
from sgsim.model.decision import Verdict
from sgsim.model.states import Direction

SYN = "tcp 10.0.0.5:40000 -> 10.0.0.9:443 S"
SYN_ACK = "tcp 10.0.0.9:443 -> 10.0.0.5:40000 SA"


def engine(*egress, **options):
    known = inventory(
        group(*egress, group_id="sg-a"),
        group("tcp 443 from 10.0.0.0/24", group_id="sg-b"),
        interface("10.0.0.5", interface_id="eni-a", groups=("sg-a",)),
        interface("10.0.0.9", interface_id="eni-b", groups=("sg-b",)),
    )
    return ReferenceEngine(known, EngineOptions(**{"recorded": True, **options}))


def reasons(judging):
    """Both ends of an opening and of its answer, each recorded at its interface."""
    ways = (("eni-a", SYN), ("eni-b", SYN), ("eni-b", SYN_ACK), ("eni-a", SYN_ACK))
    return [str(judging.judge(packet(text, taken_at=at))[0].reason) for at, text in ways]


def test_what_its_sender_may_send_is_judged_at_both_ends():
    assert ["rule", "rule", "established", "established"] == reasons(engine("tcp 443 to 10.0.0.9/32"))


def test_what_its_sender_may_not_send_comes_nowhere():
    assert ["no_rule", "not_sent", "not_sent", "not_sent"] == reasons(engine())


@pytest.mark.parametrize("options", [{"as_recorded": True}, {"recorded": False}])
def test_it_is_judged_where_recordings_are_taken_as_they_are(options):
    assert reasons(engine(**options))[:3] == ["no_rule", "rule", "established"]


def test_the_receiver_and_the_way_are_named():
    judging = engine()
    judging.judge(packet(SYN, taken_at="eni-a"))
    (decision,) = judging.judge(packet(SYN, taken_at="eni-b"))
    assert ("eni-b", Direction.INGRESS) == (decision.interface_id, decision.direction)
    assert decision.verdict is Verdict.SKIP


def test_at_its_sender_it_is_denied_again_and_again():
    judging = engine()
    assert [str(judging.judge(packet(SYN, taken_at="eni-a"))[0].reason) for _ in range(3)] == ["no_rule"] * 3


@pytest.mark.parametrize("code", [0, 1])
def test_a_ping_that_its_sender_may_not_send_comes_nowhere(code):
    """Its type finds its flow, and its code where the profile has codes in the key."""
    judging = engine(profile=AWS_NITRO.given("icmp_code_in_key", value=True))
    ping = f"icmp 10.0.0.5 -> 10.0.0.9 type 8 code {code} id 7"
    assert [str(judging.judge(packet(ping, taken_at=at))[0].reason) for at in ("eni-a", "eni-b")] == [
        "no_rule",
        "not_sent",
    ]
    other = f"icmp 10.0.0.5 -> 10.0.0.9 type 8 code {1 - code} id 7"
    assert str(judging.judge(packet(other, taken_at="eni-b"))[0].reason) == "no_rule"


def test_what_a_sender_without_groups_lets_go_is_judged_at_its_receiver():
    """Its flow is still remembered as denied; but this packet came, as it was seen on its whole way."""
    judging = engine()
    assert [str(each.reason) for each in judging.judge(packet(SYN))] == ["no_rule"]
    open_sender = evolve(judging.inventory.interfaces["eni-a"], group_ids=())
    judging.change(evolve(judging.inventory, interfaces=judging.inventory.interfaces | {"eni-a": open_sender}), 0)
    assert [str(each.reason) for each in judging.judge(packet(SYN))] == ["no_groups", "rule"]


def test_a_sender_that_was_not_recorded_is_not_asked():
    assert str(engine().judge(packet(SYN, taken_at="eni-b"))[0].reason) == "rule"
