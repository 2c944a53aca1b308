import numpy as np
import pytest
from builders import rule_ref
from simulation.batches import SECOND_NS, decisions, packets

from sgsim.conntrack.entry import FlowEnd, TrackingCause
from sgsim.model.columns import FLOW_DTYPES, flow_columns
from sgsim.model.decision import Reason, Verdict
from sgsim.model.protocol import Protocol
from sgsim.model.states import ConntrackState, Direction, TcpState, Tracking
from sgsim.simulation.frames import DECISION_SCHEMA, FLOW_SCHEMA, decision_frame, flow_frame

WEB = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"


def rows(seen, judged):
    frame = decision_frame(seen, judged, ["eni-a"], [rule_ref()], ("a.pcap",))
    assert frame.schema == DECISION_SCHEMA
    return frame.to_dicts()


def test_a_whole_row():
    judged = decisions(
        Reason.RULE, state=ConntrackState.NEW, tcp_state=TcpState.SYN_SENT, opener=Direction.INGRESS, rule=0, flow=7
    )
    assert rows(packets(WEB), judged) == [
        {
            "packet": 1,
            "file": "a.pcap",
            "time_ns": SECOND_NS,
            "interface_id": "eni-a",
            "direction": "ingress",
            "protocol": 6,
            "src_addr": "198.51.100.7",
            "src_port": 40000,
            "dst_addr": "192.0.2.10",
            "dst_port": 443,
            "length_bytes": 100,
            "verdict": "allow",
            "reason": "rule",
            "state": "new",
            "tcp_state": "syn_sent",
            "opener": "ingress",
            "rule_id": "sgr-1",
            "group_id": "sg-web",
            "flow": 7,
        }
    ]


def test_what_could_not_be_read_has_nulls():
    (row,) = rows(packets("-"), decisions(Reason.NOT_IP, interface=-1, direction=0))
    known = {key for key, value in row.items() if value is not None}
    assert known == {"packet", "file", "time_ns", "length_bytes", "verdict", "reason"}


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        (WEB, (40000, 443)),
        ("udp 198.51.100.7:0 -> 192.0.2.10:53", (0, 53)),
        ("47 198.51.100.7 -> 192.0.2.10", (None, None)),
        ("icmp 198.51.100.7 -> 192.0.2.10 type 8 code 0", (1, None)),
        ("icmp 198.51.100.7 -> 192.0.2.10 type 0 code 0", (None, 1)),
        ("icmp 198.51.100.7 -> 192.0.2.10 type 3 code 4", (None, None)),
        ("icmpv6 2001:db8::1 -> 2001:db8::2 type 128 code 0", (1, None)),
        ("icmpv6 2001:db8::1 -> 2001:db8::2 type 129 code 0", (None, 1)),
        ("icmpv6 2001:db8::1 -> 2001:db8::2 type 8 code 0", (None, None)),
    ],
)
def test_ports_are_null_where_there_are_none(text, ports):
    (row,) = rows(packets(text), decisions(Reason.RULE))
    assert (row["src_port"], row["dst_port"]) == ports


def test_a_later_fragment_has_no_ports():
    (row,) = rows(packets(WEB, fragment_offset=1480), decisions(Reason.FRAGMENT))
    assert (row["src_port"], row["dst_port"], row["protocol"]) == (None, None, 6)


def test_a_packet_at_two_interfaces_has_two_rows():
    found = rows(
        packets("-", WEB), decisions(Reason.RULE, Reason.NO_RULE, row=1, verdict=[Verdict.ALLOW, Verdict.DENY])
    )
    assert [(row["packet"], row["verdict"]) for row in found] == [(2, "allow"), (2, "deny")]


def test_no_rows():
    assert rows(packets(), decisions()) == []


def flow(**fields):
    values = dict.fromkeys(FLOW_DTYPES, 0) | {"flow": 1, "family": 4, "opener": Direction.INGRESS, "rule": -1}
    return flow_columns([tuple((values | fields).values())])


def flow_row(**fields):
    frame = flow_frame(flow(**fields), ["eni-a"], [rule_ref()])
    assert frame.schema == FLOW_SCHEMA
    (row,) = frame.to_dicts()
    return row


def test_a_flow():
    row = flow_row(
        protocol=Protocol.TCP, src_lo=0xC6336407, dst_lo=0xC000020A, src_port=40000, dst_port=443, end=FlowEnd.CLOSED,
        tracking=Tracking.TRACKED, cause=TrackingCause.OPENING_RULE, is_presumed=1, rule=0, tcp_state=TcpState.CLOSE,
        packets_reply=3,
    )  # fmt: skip
    assert (row["src_addr"], row["src_port"], row["dst_addr"], row["dst_port"]) == (
        "198.51.100.7", 40000, "192.0.2.10", 443,
    )  # fmt: skip
    assert (row["end"], row["tracking"], row["cause"], row["is_presumed"]) == (
        "closed",
        "tracked",
        "opening_rule",
        True,
    )
    assert (row["rule_id"], row["tcp_state"], row["packets_reply"]) == ("sgr-1", "close", 3)


def test_a_denied_flow_has_no_rule():
    row = flow_row(protocol=Protocol.UDP, tracking=Tracking.REFUSED, cause=TrackingCause.DENIED)
    assert (row["rule_id"], row["group_id"], row["tcp_state"]) == (None, None, None)


def test_ports_of_flows():
    assert flow_row(protocol=Protocol.ICMP, src_port=77)["src_port"] == 77
    assert flow_row(protocol=Protocol.ICMP, src_port=77)["dst_port"] is None
    assert flow_row(protocol=47)["src_port"] is None


def test_large_batches_write_each_address_once():
    seen = packets(*[WEB] * 1000)
    judged = decisions(*[Reason.RULE] * 1000)
    frame = decision_frame(seen, judged, ["eni-a"], [], ("a",))
    assert frame["src_addr"].n_unique() == 1
    assert np.all(frame["packet"].to_numpy() == np.arange(1, 1001))
