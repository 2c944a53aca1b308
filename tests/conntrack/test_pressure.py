"""Least, greatest and last count of each bin, and the peak, are exact however many bins were merged."""

import random

import pytest
from builders import SECOND_NS, entry, rule_ref
from hypothesis import given
from hypothesis import strategies as st
from plain_table import plain_bins

from sgsim.conntrack import pressure as pressure_module
from sgsim.conntrack.entry import ConntrackEntry, FlowEnd
from sgsim.conntrack.pressure import FIRST_BIN_NS, MOST_BINS, Bin, TablePressure, peer_block, state_name
from sgsim.conntrack.tcp import TcpFlow
from sgsim.model.states import Direction, TcpState

START_NS = 1_700_000_000 * SECOND_NS


def drive(pressure: TablePressure, steps: list[tuple[int, str]]) -> list[tuple[int, str, int]]:
    """Let things happen, each so many ns after the one before; what happened, with the count after it."""
    held: list[ConntrackEntry] = []
    now_ns, happened = START_NS, []
    for wait_ns, wish in steps:
        now_ns += wait_ns
        what = wish if held or wish in {"inserted", "refused"} else "inserted"
        if what == "refused":
            pressure.note_refused(now_ns)
        elif what == "inserted":
            held.append(entry())
            pressure.note_inserted(held[-1], now_ns)
        else:
            end = {"expired": FlowEnd.EXPIRED, "closed": FlowEnd.REPLACED, "untracked": None}[what]
            pressure.note_removed(held.pop(), end, now_ns)
        happened.append((now_ns, what, len(held)))
    return happened


waits_ns = st.one_of(st.sampled_from([0, 1, 9, 10, 11]), st.integers(0, 10_000))
kinds = st.sampled_from(["inserted", "inserted", "expired", "closed", "untracked", "refused"])


@given(st.lists(st.tuples(waits_ns, kinds), max_size=60))
def test_merged_bins_are_those_that_a_look_at_all_events_gives(steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pressure_module, "MOST_BINS", 4)
        pressure = TablePressure(None, bin_ns=10)
        happened = drive(pressure, steps)
    assert plain_bins(happened, pressure.bin_ns) == pressure.bins
    assert len(pressure.bins) <= 4
    if happened:
        span_ns = happened[-1][0] - happened[0][0]
        assert span_ns < 4 * pressure.bin_ns
        assert pressure.bin_ns == 10 or span_ns >= 2 * pressure.bin_ns


def test_more_events_than_bins_of_the_real_size():
    choice = random.Random(4096)  # a seed, not a secret
    words = ["inserted", "inserted", "expired", "closed", "refused"]
    steps = [(choice.randrange(0, 40_000_000), choice.choice(words)) for _ in range(6_000)]
    pressure = TablePressure(None)
    happened = drive(pressure, steps)
    assert MOST_BINS // 4 < len(pressure.bins) <= MOST_BINS
    in_bins = [each for _, each in pressure.bins]
    assert sum(what == "inserted" for _, what, _ in happened) == sum(each.inserted for each in in_bins)
    assert max(count for _, _, count in happened) == max(each.greatest for each in in_bins) == pressure.peak_count
    assert plain_bins(happened, pressure.bin_ns) == pressure.bins


def test_a_long_silence_merges_as_often_as_it_must():
    pressure = TablePressure(None)
    happened = drive(pressure, [(0, "inserted"), (10**18, "expired")])
    assert plain_bins(happened, pressure.bin_ns) == pressure.bins
    assert len(pressure.bins) == 2


@pytest.mark.parametrize(("wait_ns", "merges"), [(-1, 24), (0, 25)])
def test_bins_are_as_narrow_as_they_may_be_to_the_nanosecond_also_after_months(wait_ns, merges):
    pressure = TablePressure(None)
    drive(pressure, [(0, "inserted"), (MOST_BINS * (FIRST_BIN_NS << 24) + wait_ns, "expired")])
    assert FIRST_BIN_NS << merges == pressure.bin_ns


def test_bins_begin_a_millisecond_wide_at_the_first_event():
    pressure = TablePressure(None)
    drive(pressure, [(0, "inserted"), (999_999, "inserted"), (1, "expired")])
    assert pressure.start_ns == START_NS
    assert pressure.bins == [
        (START_NS, Bin(0, 2, 2, inserted=2)),
        (START_NS + 1_000_000, Bin(1, 2, 1, expired=1)),
    ]


def test_nothing_happened():
    pressure = TablePressure(3)
    assert (pressure.bins, pressure.start_ns, pressure.time_to_full_ns) == ([], None, None)
    assert (pressure.peak().count, pressure.peak().time_ns) == (0, None)
    assert (pressure.available, pressure.headroom) == (3, 3)


class TestMetrics:
    def test_refused_packets_are_awss_exceeded(self):
        pressure = TablePressure(1)
        drive(pressure, [(0, "inserted"), (5, "refused"), (7, "refused")])
        assert (pressure.exceeded, pressure.available, pressure.headroom) == (2, 0, 0)
        assert (pressure.first_refused_ns, pressure.time_to_full_ns) == (START_NS + 5, 5)

    def test_headroom_is_what_was_free_at_the_peak_and_available_what_is_now(self):
        pressure = TablePressure(10)
        drive(pressure, [(0, "inserted"), (1, "inserted"), (1, "expired")])
        assert (pressure.headroom, pressure.available) == (8, 9)

    def test_without_a_limit_there_is_neither(self):
        assert (TablePressure(None).headroom, TablePressure(None).available) == (None, None)

    def test_neither_is_ever_below_nothing(self):
        pressure = TablePressure(1)
        drive(pressure, [(0, "inserted"), (0, "inserted")])
        assert (pressure.headroom, pressure.available) == (0, 0)


class TestPeak:
    def test_it_is_when_the_count_was_first_reached(self):
        pressure = TablePressure(None)
        drive(pressure, [(0, "inserted"), (5, "expired"), (5, "inserted")])
        assert (pressure.peak_count, pressure.peak_time_ns) == (1, START_NS)

    def test_entries_are_told_by_rule_peer_and_state_of_that_moment(self):
        pressure = TablePressure(None)
        web = entry(rule=rule_ref("sgr-web"), tcp=TcpFlow(TcpState.ESTABLISHED))
        dns = entry("udp 192.0.2.10:5000 -> 203.0.113.9:53", direction=Direction.EGRESS, rule=rule_ref("sgr-dns"))
        dynamo = entry("tcp 192.0.2.10:1 -> 198.51.100.200:443", direction=Direction.EGRESS, rule=None, places=2)
        for made in (web, dns, dynamo):
            pressure.note_inserted(made, START_NS)
        web.tcp = TcpFlow(TcpState.CLOSE)
        pressure.note_state("tcp established", web)
        peak = pressure.peak()
        assert (peak.count, peak.by_rule) == (4, {"": 2, "sgr-dns": 1, "sgr-web": 1})
        assert peak.by_peer == {"198.51.100.0/24": 3, "203.0.113.0/24": 1}
        assert peak.by_state == {"tcp syn_sent": 2, "tcp established": 1, "udp unanswered": 1}

    def test_tallies_are_sorted_by_count_then_by_name(self):
        pressure = TablePressure(None)
        for name, places in (("sgr-c", 1), ("sgr-a", 1), ("sgr-b", 2)):
            pressure.note_inserted(entry(rule=rule_ref(name), places=places), START_NS)
        assert list(pressure.peak().by_rule.items()) == [("sgr-b", 2), ("sgr-a", 1), ("sgr-c", 1)]

    def test_tallies_keep_no_names_without_entries(self):
        pressure = TablePressure(None)
        pressure.note_inserted(entry(), START_NS)
        for number in range(100):
            made = entry(rule=rule_ref(f"sgr-{number}"))
            pressure.note_inserted(made, START_NS)
            pressure.note_removed(made, FlowEnd.CLOSED, START_NS)
        assert len(pressure._by_rule.at_peak) + len(pressure._by_rule.since) <= 4


def test_what_another_engine_has_counted_is_told_in_the_same_words():
    pressure = TablePressure(7)
    happened = drive(pressure, [(0, "inserted"), (5, "inserted"), (5, "expired"), (1, "refused")])
    tallies = (pressure._by_rule, pressure._by_peer, pressure._by_state)
    rule, peer, state = (tally.at_peak for tally in tallies)
    start_ns, bins = pressure.start_ns, pressure._bins
    counts = {"capacity": 7, "count": 1, "exceeded": 1, "peak_count": 2, "peak_time_ns": START_NS + 5}
    other = TablePressure.restored(by_rule=rule, by_peer=peer, by_state=state, start_ns=start_ns, bins=bins, **counts)
    assert pressure.peak() == other.peak()
    assert plain_bins(happened, other.bin_ns) == other.bins
    assert (pressure.available, pressure.headroom) == (other.available, other.headroom)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "direction", "block"),
        [
            ("tcp 198.51.100.7:1 -> 192.0.2.10:2", Direction.INGRESS, "198.51.100.0/24"),
            ("tcp 192.0.2.10:1 -> 198.51.100.7:2", Direction.EGRESS, "198.51.100.0/24"),
            ("udp [2001:db8:1:2:3::4]:1 -> [2001:db8::10]:2", Direction.INGRESS, "2001:db8:1:2::/64"),
        ],
    )
    def test_peers_are_counted_by_block(self, text, direction, block):
        assert block == peer_block(entry(text, direction=direction))

    @pytest.mark.parametrize(
        ("text", "fields", "name"),
        [
            ("tcp 198.51.100.7:1 -> 192.0.2.10:2", {"tcp": TcpFlow(TcpState.FIN_WAIT)}, "tcp fin_wait"),
            ("udp 198.51.100.7:1 -> 192.0.2.10:2", {}, "udp unanswered"),
            ("udp 198.51.100.7:1 -> 192.0.2.10:2", {"answered": True}, "udp answered"),
            ("udp 198.51.100.7:1 -> 192.0.2.10:2", {"answered": True, "is_stream": True}, "udp stream"),
            ("47 198.51.100.7 -> 192.0.2.10", {}, "47 unanswered"),
        ],
    )
    def test_states_are_counted_by_protocol(self, text, fields, name):
        assert name == state_name(entry(text, **fields))
