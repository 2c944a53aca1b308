from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from simulation.batches import decisions, packets

from sgsim.model.decision import Reason
from sgsim.model.states import Direction
from sgsim.simulation.denied import DeniedTally


def probe(port: int, src: str = "203.0.113.9:50000") -> str:
    return f"tcp {src} -> 192.0.2.10:{port} S"


def tallied(*texts: str, most_groups: int = 65_536, **columns) -> DeniedTally:
    tally = DeniedTally(("a",), most_groups)
    tally.add(packets(*texts), decisions(*[Reason.NO_RULE] * len(texts), **columns))
    return tally


def test_peers_are_counted_by_blocks():
    tally = tallied(probe(22), probe(22, "203.0.113.77:9"), probe(22, "203.0.112.77:9"))
    assert [(group.peer, group.packets) for group in tally.largest(9, ["eni-a"])] == [
        ("203.0.113.0/24", 2),
        ("203.0.112.0/24", 1),
    ]


def test_ipv6_blocks():
    tally = tallied(*(f"udp [2001:db8:0:{net}::1]:53 -> [2001:db8:1::1]:53" for net in (1, 1, 2)))
    assert [group.peer for group in tally.largest(9, ["eni-a"])] == ["2001:db8:0:1::/64", "2001:db8:0:2::/64"]


def test_the_peer_of_what_goes_out_is_the_destination():
    (group,) = tallied("udp 192.0.2.10:5353 -> 203.0.113.9:53", direction=Direction.EGRESS).largest(9, ["eni-a"])
    assert (group.direction, group.peer, group.dst_port) == ("egress", "203.0.113.0/24", 53)


def test_protocols_without_ports_have_none():
    (group,) = tallied("icmp 203.0.113.9 -> 192.0.2.10 type 8 code 0").largest(9, ["eni-a"])
    assert (group.protocol, group.dst_port) == (1, None)


def test_only_denied_packets_count():
    tally = DeniedTally(("a",))
    tally.add(packets(probe(22), probe(22), "-"), decisions(Reason.RULE, Reason.NO_RULE, Reason.NOT_IP))
    (group,) = tally.largest(9, ["eni-a"])
    assert (group.packets, group.bytes, group.first.number, group.reason) == (1, 100, 2, "no_rule")


def test_the_first_packet_and_reason_of_a_group():
    tally = DeniedTally(("a",))
    tally.add(packets(probe(22), probe(22)), decisions(Reason.TABLE_FULL, Reason.MIDSTREAM))
    (group,) = tally.largest(9, ["eni-a"])
    assert (group.first.number, group.reason) == (1, "table_full")


def test_largest_first_then_by_key():
    tally = tallied(*[probe(port) for port in (80, 22, 443, 443)])
    assert [group.dst_port for group in tally.largest(9, ["eni-a"])] == [443, 22, 80]
    assert [group.dst_port for group in tally.largest(1, ["eni-a"])] == [443]
    assert tally.count == 3


def test_exact_while_there_are_few():
    assert all(group.most_too_many == 0 for group in tallied(*map(probe, range(1, 9))).largest(9, ["eni-a"]))


def test_the_smallest_makes_way():
    tally = tallied(probe(1), probe(1), probe(2), probe(3), most_groups=2)
    assert [(group.dst_port, group.packets, group.most_too_many) for group in tally.largest(9, ["eni-a"])] == [
        (1, 2, 0),
        (3, 2, 1),
    ]


@given(
    st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=12), max_size=12),
    st.integers(1, 6),
)
def test_counts_are_never_too_low_and_no_higher_than_said(batches, most_groups):
    """Space-Saving: true <= count <= true + most_too_many, counts sum to all, and what is frequent is there."""
    tally, true = DeniedTally(("a",), most_groups), Counter[int]()
    for ports in batches:
        tally.add(packets(*map(probe, ports)), decisions(*[Reason.NO_RULE] * len(ports)))
        true.update(ports)
    groups = {group.dst_port or 0: group for group in tally.largest(99, ["eni-a"])}
    assert len(groups) == tally.count <= most_groups
    for port, group in groups.items():
        assert true[port] <= group.packets <= true[port] + group.most_too_many
    assert sum(group.packets for group in groups.values()) == true.total()
    for port, count in true.items():
        assert port in groups or count <= true.total() / most_groups
