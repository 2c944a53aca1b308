import pytest
from builders import entry, packet

from sgsim.engine.memory import EndedFlows, FragmentKey, FragmentMemory, ended_most
from sgsim.model.decision import Decision, Reason, Verdict
from sgsim.model.packet import Fragment
from sgsim.model.states import Direction

ALLOWED, DENIED = Decision(Verdict.ALLOW, Reason.RULE), Decision(Verdict.DENY, Reason.NO_RULE)


def key(identification: int = 1) -> FragmentKey:
    made = packet("udp 198.51.100.7:1 -> 192.0.2.10:53", fragment=Fragment(identification, 0, more=True))
    return FragmentKey.of(made, Direction.INGRESS)


def test_a_first_fragment_is_recalled_until_its_time():
    memory = FragmentMemory()
    memory.remember(key(), ALLOWED, None, now_ns=100, keep_ns=30)
    assert memory.recall(key(), 129) == (ALLOWED, None)
    assert memory.recall(key(), 130) is None
    assert memory.recall(key(2), 100) is None


@pytest.mark.parametrize(
    ("text", "direction", "is_same"),
    [
        ("udp 198.51.100.7:9 -> 192.0.2.10:9", Direction.INGRESS, True),
        ("udp 198.51.100.7:1 -> 192.0.2.10:53", Direction.EGRESS, False),
        ("tcp 198.51.100.7:1 -> 192.0.2.10:53", Direction.INGRESS, False),
        ("udp 198.51.100.8:1 -> 192.0.2.10:53", Direction.INGRESS, False),
        ("udp 198.51.100.7:1 -> 192.0.2.11:53", Direction.INGRESS, False),
    ],
)
def test_a_datagram_is_told_by_its_direction_addresses_and_protocol(text, direction, is_same):
    other = FragmentKey.of(packet(text, fragment=Fragment(1, 8, more=False)), direction)
    assert (other == key()) is is_same


def test_a_datagram_of_ipv6_is_told_without_its_protocol():
    """The header of a later fragment may name another one, RFC 8200 section 4.5."""
    keys = {
        FragmentKey.of(packet(f"{name} [2001:db8::1]:1 -> [2001:db8::2]:2", fragment=Fragment(1, 0, more=True)), way)
        for name in ("udp", "tcp")
        for way in (Direction.INGRESS,)
    }
    assert len(keys) == 1


def test_families_do_not_share_datagrams():
    """Addresses as integers may be equal."""
    part = Fragment(1, 0, more=True)
    four = FragmentKey.of(packet("0 0.0.0.1 -> 0.0.0.2", fragment=part), Direction.INGRESS)
    six = FragmentKey.of(packet("0 ::1 -> ::2", fragment=part), Direction.INGRESS)
    assert four != six


def test_a_first_fragment_seen_again_is_kept_from_then_on():
    memory = FragmentMemory()
    memory.remember(key(), ALLOWED, None, now_ns=0, keep_ns=30)
    memory.remember(key(), DENIED, None, now_ns=20, keep_ns=30)
    memory.remember(key(2), ALLOWED, None, now_ns=30, keep_ns=30)
    assert memory.recall(key(), 49) == (DENIED, None)


def test_memory_is_freed_as_time_passes():
    memory = FragmentMemory()
    for identification in range(100):
        memory.remember(key(identification), ALLOWED, None, now_ns=10 * identification, keep_ns=30)
    assert len(memory._firsts) == len(memory._due) == 3


def test_ended_flows_are_forgotten_a_generation_at_a_time():
    """At least the last two are known, and at most four."""
    keys = [entry(f"udp 198.51.100.7:{port} -> 192.0.2.10:53").key for port in range(5)]
    ended = EndedFlows(most=2)
    for ended_key in keys[:4]:
        ended.add(ended_key)
    assert [ended_key in ended for ended_key in keys] == [True, True, True, True, False]
    ended.add(keys[4])
    assert [ended_key in ended for ended_key in keys] == [False, False, True, True, True]


def test_a_flow_that_ends_again_takes_no_second_place():
    keys = [entry(f"udp 198.51.100.7:{port} -> 192.0.2.10:53").key for port in range(2)]
    ended = EndedFlows(most=2)
    for ended_key in (keys[0], keys[0], keys[0], keys[1]):
        ended.add(ended_key)
    assert [ended_key in ended for ended_key in keys] == [True, True]
    assert ended._last == set()


def test_generations_of_ended_flows_fit_what_is_remembered_and_are_never_empty():
    assert [ended_most(remember) for remember in (0, 1, 2, 3, 5, 1000)] == [1, 1, 1, 1, 2, 500]
