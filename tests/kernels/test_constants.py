"""What kernels repeat is what the reference has: numbers of enums, ports, limits, and room in packed words."""

import itertools

import numpy as np
import pytest

from sgsim.conntrack import exempt
from sgsim.conntrack.entry import FlowEnd, TrackingCause
from sgsim.conntrack.pressure import MOST_BINS, PEER_BITS
from sgsim.conntrack.tcp import Segment
from sgsim.engine.lowering import facts, memory, network
from sgsim.engine.options import DEFAULT_OPTIONS
from sgsim.kernels import (
    arrays,
    calendar,
    choices,
    forget,
    fragments,
    layout,
    locate,
    pressure,
    rule_layout,
    tcp,
)
from sgsim.model.address import Family
from sgsim.model.columns import DECISION_DTYPES, PACKET_DTYPES, QUOTED_DTYPES
from sgsim.model.decision import Reason, Verdict
from sgsim.model.path import PathLabel
from sgsim.model.states import ConntrackDirection, ConntrackState, Direction, TcpState, Tracking


def test_segments_of_the_rules_beside_the_table():
    assert (Segment.SYN, Segment.ACK, Segment.RST) == (tcp.SYN, tcp.ACK, tcp.RST)
    assert (Segment.SYN, Segment.SYN_ACK) == (choices.SYN, choices.SYN_ACK)


def test_ends_of_flows():
    expected = (
        FlowEnd.EXPIRED, FlowEnd.CLOSED, FlowEnd.CUT, FlowEnd.REPLACED, FlowEnd.FORGOTTEN, FlowEnd.MOVED,
    )  # fmt: skip
    assert expected == (forget.EXPIRED, forget.CLOSED, forget.CUT, forget.REPLACED, forget.DROPPED, forget.MOVED)
    assert set(FlowEnd) == {FlowEnd.LIVE, *expected}


def test_causes():
    names = ("PROTOCOL", "PATH", "OPENING_RULE", "RETURN_RULE", "DENIED")
    assert [TrackingCause[name] for name in names] == [getattr(choices, f"CAUSE_{name}") for name in names]
    assert TrackingCause.OPEN_RULES == forget.CAUSE_OPEN_RULES
    assert set(TrackingCause) == {TrackingCause.OPEN_RULES, *(TrackingCause[name] for name in names)}


def test_dhcp_ports():
    ports = exempt.DHCP_PORTS
    assert ports[Family.IPV4] == {locate.DHCP_SERVER, locate.DHCP_CLIENT}
    assert ports[Family.IPV6] == {locate.DHCPV6_CLIENT, locate.DHCPV6_SERVER}
    # Kernels ask for a range, so both must be neighbours.
    assert 1 == locate.DHCP_CLIENT - locate.DHCP_SERVER == locate.DHCPV6_SERVER - locate.DHCPV6_CLIENT


def test_peers_are_counted_by_the_same_blocks():
    assert Family.IPV4.bits - PEER_BITS[Family.IPV4] == pressure.IPV4_BLOCK_SHIFT
    assert 64 == PEER_BITS[Family.IPV6]  # the upper half of the address


def test_bins():
    assert MOST_BINS == pressure.MOST_BINS
    assert MOST_BINS % 2 == 0


def test_services_do_not_overlap():
    starts = (0, rule_layout.UDP_FROM, rule_layout.ICMP_FROM, rule_layout.ICMPV6_FROM, rule_layout.PROTOCOL_FROM)
    assert {65536} == {after - before for before, after in itertools.pairwise(starts)}
    assert rule_layout.PROTOCOL_FROM + 256 == rule_layout.SERVICES


def test_directions_and_replies():
    assert (1, 2) == (Direction.INGRESS, Direction.EGRESS)  # `INGRESS + bit`, and `INGRESS + EGRESS - direction`
    assert (0, 1) == (ConntrackDirection.ORIGINAL, ConntrackDirection.REPLY)  # `PACKETS_ORIGINAL + is_reply`
    assert layout.PACKETS_REPLY == layout.PACKETS_ORIGINAL + 1
    assert layout.BYTES_REPLY == layout.BYTES_ORIGINAL + 1


def test_verdicts_are_told_from_go_on_and_stop():
    from sgsim.kernels import steps  # noqa: PLC0415  # its other names would hide the rest

    assert min(Verdict) > steps.GO_ON > steps.STOP


@pytest.mark.parametrize(
    ("values", "bits"),
    [
        (TcpState, layout.TRACKING_AT - layout.TCP_STATE_AT),
        (Tracking, layout.OPENER_EGRESS_AT - layout.TRACKING_AT),
        (Segment, layout.LAST_REPLY_AT - layout.LAST_SEGMENT_AT),
        ([label.places for label in PathLabel], layout.AUTOMATIC_AT - layout.PLACES_AT),
        (TrackingCause, layout.BARRED_AT - layout.CAUSE_AT),
        (TcpState, 4),
        (Segment, 3),
        (ConntrackState, 8),
        (Reason, 5),
    ],
)
def test_packed_values_fit(values, bits):
    assert min(values) >= 0
    assert max(values) < 1 << bits


def test_bits_of_the_state_word_do_not_overlap():
    flags = ("OPENER_EGRESS", "ANSWERED", "STREAM", "PRESUMED", "BY_FIN", "LAST_REPLY", "CHALLENGE", "SIMULTANEOUS",
             "AUTOMATIC", "BARRED", "EARLY")  # fmt: skip
    wide = {"TCP_STATE": 4, "TRACKING": 2, "LAST_SEGMENT": 3, "PLACES": 2, "CAUSE": 4, "VERSION": 38}
    words = [((1 << wide.get(name, 1)) - 1) << getattr(layout, f"{name}_AT") for name in (*flags, *wide)]
    assert sum(words) == (1 << 64) - 1


def test_ended_flags_do_not_touch_the_fields_of_a_key():
    assert [1 << 56, 1 << 57, 1 << 58] == [layout.KEY_IPV6, layout.KEY_QUERY, layout.KEY_QUERY_EGRESS]


def _positions(first, last):
    """The constants from one to another, in the order of the file."""
    names = [name for name, value in vars(layout).items() if name.isupper() and isinstance(value, int)]
    return [getattr(layout, name) for name in names[names.index(first) : names.index(last) + 1]]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("KEY_ADDRESSES", "OPENED", layout.ENTRY_WORDS),
        ("NOW", "EARLY_MASK", layout.CLOCK_WORDS),
        ("COUNT", "IN_USE", layout.TABLE_WORDS),
        ("BIN_LEAST", "BIN_USED", layout.BIN_WORDS),
        ("IF_TABLE", "IF_EDGE", layout.IF_WORDS),
        ("UNTRACK_WHEN_OPENED", "RELATED_REFRESH", layout.OPTION_WORDS),
        ("DONE", "UNRESOLVED", 8),
    ],
)
def test_positions_fill_their_row(first, last, words):
    assert list(range(words)) == sorted(_positions(first, last))


def test_rows_have_room():
    assert max(TcpState) < layout.UDP_TIMEOUT
    assert layout.UDP_LONGEST + 1 == layout.TIMEOUT_WORDS
    assert layout.LAST_SEEN < layout.EXTRA_WORDS
    assert layout.ENTRY_WORDS + layout.EXTRA_WORDS + 4 == layout.OUT_END
    assert layout.OUT_ENDED_AT + 1 == layout.FLOW_WORDS
    assert max(TcpState) < 16
    assert fragments._AT_ENTRY_FLOW + 1 == layout.FRAGMENT_WORDS
    assert memory._DEPARTED_WORDS == pressure._DEPARTED_WORDS


def test_cells_that_name_no_state_are_no_states():
    cells = {layout.CELL_IGNORE, layout.CELL_REOPEN}
    assert cells.isdisjoint(map(int, TcpState))
    assert layout.CELL_INVALID not in set(TcpState)
    assert max(TcpState) < layout.CELL_IGNORE < layout.CELL_REOPEN  # kernels ask `>= CELL_IGNORE`


def test_the_calendar_spans_all_times():
    """Ticks of times 64 bits apart differ in fewer bits than the rounds have."""
    assert 64 - calendar.TICK_SHIFT <= calendar.ROUNDS * 8
    assert 256 == calendar.SLOTS


def test_a_century_past_the_latest_time_is_a_time():
    assert (1 << 62) + network.LONGEST_NS < (1 << 63)


@pytest.mark.parametrize(
    ("group", "dtypes"),
    [
        (arrays.Rules, arrays.RULES_DTYPES),
        (arrays.Network, arrays.NETWORK_DTYPES),
        (arrays.Facts, arrays.FACTS_DTYPES),
        (arrays.Memory, arrays.MEMORY_DTYPES),
        (arrays.Items, arrays.ITEMS_DTYPES),
        (arrays.Packets, PACKET_DTYPES | {f"quoted_{name}": dtype for name, dtype in QUOTED_DTYPES.items()}),
    ],
)
def test_groups_are_in_the_order_of_their_types(group, dtypes):
    assert group._fields == tuple(dtypes)


def test_lowered_arrays_have_the_types_that_kernels_take():
    lowered = facts.lower_facts(DEFAULT_OPTIONS, allow_unresolved=True, record_flows=True)
    keeper = memory.MemoryKeeper(record_flows=True)
    keeper.add_tables([None])
    for values, dtypes in ((lowered, arrays.FACTS_DTYPES), (keeper.memory, arrays.MEMORY_DTYPES)):
        for name, dtype in dtypes.items():
            column = getattr(values, name)
            assert (np.dtype(dtype), 1, True) == (column.dtype, column.ndim, column.flags.c_contiguous), name


def test_decisions_have_one_array_for_each_column():
    assert tuple(DECISION_DTYPES) == ("row", "interface", "direction", "verdict", "reason", "state", "tcp_state",
                                      "opener", "rule", "flow")  # fmt: skip
