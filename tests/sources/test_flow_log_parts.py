"""Order, openers and events of records, each held to its law."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.errors import SourceError
from sgsim.model.columns import RECORD_DTYPES, RecordColumns, record_columns
from sgsim.model.line_columns import LINE_DTYPES, line_columns
from sgsim.model.protocol import CLIENT_PORT, Protocol
from sgsim.model.record_events import RANKS, REFRESH_NS, REFRESH_TCP_NS
from sgsim.model.record_roles import ANSWER, OPENER
from sgsim.model.spread import Spread
from sgsim.rules.ownership import Ownership
from sgsim.sources import flow_log_order
from sgsim.sources.flow_log_binding import KnownInterfaces
from sgsim.sources.flow_log_events import events_of, packets_of_events
from sgsim.sources.flow_log_openers import OpenerMemory, Roles
from sgsim.sources.flow_log_order import SLACK_NS, FiledLines, OrderedLines, time_order

SECOND_NS = 10**9
TCP_S, OPENING_S, ICMP_S = 350, 120, 30
KNOWN = KnownInterfaces(
    (), (), (Ownership(()),), np.array([TCP_S * SECOND_NS]), OPENING_S * SECOND_NS, ICMP_S * SECOND_NS
)
NO_FLAGS = 255


def records(*rows, **values):
    """Records as dictionaries; what is left out is of a TCP record of ten packets at interface 0."""
    usual = {
        "start_ns": 0, "end_ns": 0, "line": 1, "file": 0, "src_hi": 0, "src_lo": 1, "dst_hi": 0, "dst_lo": 2, "family": 4,
        "protocol": 6, "src_port": 40_000, "dst_port": 443, "flags": NO_FLAGS, "direction": 1, "taken_at": 0, "packets": 10,
        "bytes": 840, "logged": 1, "refused_by": 0, "skip": 0,
    }  # fmt: skip
    return record_columns([tuple((usual | values | row)[name] for name in RECORD_DTYPES) for row in rows])


def lines(*rows):
    """Lines as dictionaries of what order asks: start, line and file."""
    usual = dict.fromkeys(LINE_DTYPES, 0)
    made = [tuple({**usual, **row}[name] for name in LINE_DTYPES) for row in rows]
    return FiledLines(line_columns(made), np.array([row.get("file", 0) for row in rows], np.int32))


class TestOrder:
    """All lines come out, and in the order of time if none is later than the slack."""

    @given(
        files=st.lists(st.lists(st.integers(0, 3000), max_size=30), min_size=1, max_size=4),
        held=st.sampled_from([4, 1000]),
        passed_on=st.sampled_from([1, 5, 1000]),
        apart=st.sampled_from([1, flow_log_order.LEAST_APART]),
    )
    def test_nothing_is_lost_and_order_is_that_of_time(self, files, held, passed_on, apart):
        def opening(number, starts):
            rows = [{"start_ns": start * SECOND_NS, "line": line, "file": number} for line, start in enumerate(starts)]
            return lambda: iter([lines(*rows[begin : begin + 3]) for begin in range(0, len(rows), 3)])

        sources = [(None, opening(number, starts)) for number, starts in enumerate(files)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(flow_log_order, "LEAST_APART", apart)
            batches = list(OrderedLines(sources, most_held=held, least_passed_on=passed_on).batches())
        found = [
            (int(f), int(n), int(t))
            for b in batches
            for f, n, t in zip(b.file, b.lines.line, b.lines.start_ns, strict=True)
        ]
        expected = [(f, n, t * SECOND_NS) for f, starts in enumerate(files) for n, t in enumerate(starts)]
        assert Counter(expected) == Counter(found)
        times = [time for _, _, time in found]
        disorder = max((max(starts[: n + 1]) - starts[n] for starts in files for n in range(len(starts))), default=0)
        if held == 1000 and disorder * SECOND_NS <= SLACK_NS:
            assert times == sorted(times)

    def test_a_break_comes_after_all_lines(self):
        def broken():
            yield lines({"start_ns": 5})
            raise SourceError("cut")

        batches = OrderedLines([(None, broken), (None, lambda: iter([lines({"start_ns": 9})]))]).batches()
        assert [5, 9] == next(batches).lines.start_ns.tolist()
        with pytest.raises(SourceError, match="cut"):
            next(batches)

    def test_a_file_is_opened_when_its_time_comes(self):
        opened: list[tuple[str, int]] = []

        def opening(name, start):
            def batches():
                opened.append((name, start))
                yield lines({"start_ns": start})

            return batches

        late = 10**6 * SECOND_NS
        sources = [(late, opening("late", late)), (0, opening("early", 0))]
        batches = OrderedLines(sources).batches()
        assert [0, late] == [time for batch in batches for time in batch.lines.start_ns.tolist()]
        assert ["early", "late"] == [name for name, _ in opened]

    @given(
        times=st.lists(st.integers(0, 70_000) | st.just(10**12), max_size=40),
        scale=st.sampled_from([1, SECOND_NS]),
        has_rank=st.booleans(),
    )
    def test_short_keys_sort_as_long_ones_do(self, times, scale, has_rank):
        column = np.array(times, np.int64) * (scale if max(times, default=0) < 10**6 else 1)
        rank = np.arange(len(times), dtype=np.uint8)[::-1] % RANKS if has_rank else None
        order = time_order(column, rank)
        found = list(range(len(times))) if order is None else order.tolist()
        assert sorted(range(len(times)), key=lambda row: (column[row], rank[row] if rank is not None else 0)) == found


@pytest.mark.parametrize(("first", "role"), [(1024, ANSWER), (1025, OPENER)])
def test_where_ports_of_clients_begin_can_be_told(first, role):
    known = evolve(KNOWN, client_port=first)
    assert OpenerMemory().roles(records({"src_port": 443, "dst_port": 1024}), known).role.tolist() == [role]


class TestOpeners:
    """Roles are those of a plain loop, however records are cut into batches."""

    ROWS = st.lists(
        st.tuples(
            st.integers(0, 400),  # seconds since the record before
            st.integers(0, 60),  # length
            st.booleans(),  # which side sends
            st.sampled_from([(40_000, 443), (443, 40_000), (50_000, 60_000), (22, 25)]),
            st.sampled_from([int(Protocol.TCP), int(Protocol.ICMP)]),
        ),
        min_size=1,
        max_size=25,
    )

    @staticmethod
    def expected(rows):
        """The roles by a dictionary: opener's side, last second, and who has sent, of each flow."""
        flows: dict[tuple[int, int, int], dict[str, Any]] = {}
        for start, end, side, (low, high), protocol in rows:
            known = flows.get((low, high, protocol), {})
            idle = ICMP_S if protocol == Protocol.ICMP else TCP_S if known.get("answered") else OPENING_S
            is_first = not known or start - known["end"] >= idle
            if is_first:
                sender, receiver = (low, high) if side else (high, low)
                by_ports = protocol == Protocol.TCP and (sender >= CLIENT_PORT) != (receiver >= CLIENT_PORT)
                opener = (side if sender >= CLIENT_PORT else not side) if by_ports else side
                known = {"end": end, "opener": opener, "answered": False}
                flows[low, high, protocol] = known
            is_answer = side != known["opener"]
            begins = not known["answered"] if is_answer else is_first
            known["answered"] |= is_answer
            known["end"] = max(known["end"], end)
            yield ANSWER if is_answer else OPENER, begins and protocol == Protocol.TCP

    @given(rows=ROWS)
    @settings(max_examples=200)
    def test_they_are_those_of_a_plain_loop(self, rows):
        whole, flat = self._records(rows)
        roles = OpenerMemory().roles(whole, KNOWN)
        assert list(self.expected(flat)) == list(zip(roles.role.tolist(), roles.is_first.tolist(), strict=True))

    @given(rows=ROWS, cut=st.integers(1, 25))
    def test_where_batches_are_cut_changes_no_role(self, rows, cut):
        whole, _ = self._records(rows)
        together = OpenerMemory().roles(whole, KNOWN)
        memory = OpenerMemory()
        parts = [
            memory.roles(RecordColumns(*(column[begin : begin + cut] for column in whole)), KNOWN)
            for begin in range(0, len(rows), cut)
        ]
        for name in ("role", "is_first", "is_reopening"):
            expected = getattr(together, name).tolist()
            assert expected == [value for part in parts for value in getattr(part, name).tolist()]

    @staticmethod
    def _records(rows):
        now, made, flat = 1_700_000_000, [], []
        for gap, length, side, (low, high), protocol in rows:
            now += gap
            ports = (low, high) if side else (high, low)
            addresses = (1, 2) if side else (2, 1)
            made.append({
                "start_ns": now * SECOND_NS, "end_ns": (now + length) * SECOND_NS, "protocol": protocol,
                "src_lo": addresses[0], "dst_lo": addresses[1], "direction": 1 if side else 2,
                "src_port": ports[0], "dst_port": ports[1],
            })  # fmt: skip
            flat.append((now, now + length, side, (low, high), protocol))
        return records(*made), flat


class TestEvents:
    """What stands for a record says no more than the record."""

    @given(
        length=st.integers(0, 700),
        packets=st.integers(1, 50),
        protocol=st.sampled_from([6, 17, 1, 47]),
        flags=st.sampled_from([NO_FLAGS, 0, 1, 2, 3, 4, 7, 18, 19]),
        is_first=st.booleans(),
    )
    def test_each_record(self, length, packets, protocol, flags, is_first):
        record = records({"end_ns": length * SECOND_NS, "packets": packets, "protocol": protocol, "flags": flags})
        roles = Roles(np.array([OPENER], "u1"), np.ones(1, "u1"), np.array([is_first]), np.zeros(1, bool))
        events = events_of(record, roles)
        times = events.time_ns.tolist()
        assert events.is_lead.tolist() == [True] + [False] * (len(times) - 1)
        assert times[0] == 0
        assert max(times) <= length * SECOND_NS
        must_close = protocol == 6 and flags not in {NO_FLAGS, 0, 2, 18}
        assert len(times) <= packets + must_close
        apart = REFRESH_TCP_NS if protocol == 6 else REFRESH_NS
        if packets > 30:
            gaps = np.diff([*sorted(times), length * SECOND_NS])
            assert max(gaps, default=0) <= apart + SECOND_NS
        lengths = packets_of_events(record, events).length_bytes
        assert (840, 840) == (lengths[0], lengths.sum())

    @pytest.mark.parametrize(
        ("flags", "packets", "expected"),
        [
            (2, 1, [2]), (18, 1, [18]), (0, 1, [16]), (1, 1, [17]), (4, 1, [20]),
            (2, 5, [2, 16, 16]), (2, 2, [2, 16]), (18, 5, [18, 16]), (3, 5, [2, 16, 17, 16]), (19, 5, [18, 17, 16]), (3, 1, [2, 17]),
            (3, 3, [2, 16, 17]), (19, 2, [18, 17]), (1, 5, [16, 17, 16]), (1, 2, [16, 17]), (5, 5, [16, 20]),
            (4, 5, [16, 20]), (0, 5, [16, 16]),
        ],
    )  # fmt: skip
    def test_flags_of_tcp(self, flags, packets, expected):
        record = records({"end_ns": 20 * SECOND_NS, "packets": packets, "flags": flags})
        roles = Roles(np.zeros(1, "u1"), np.ones(1, "u1"), np.zeros(1, bool), np.zeros(1, bool))
        assert expected == events_of(record, roles).tcp_flags.tolist()

    @pytest.mark.parametrize(("spread", "times"), [(Spread.EVEN, [0, 40, 80, 120]), (Spread.ENDS, [0, 120])])
    def test_where_the_packets_of_a_record_lie(self, spread, times):
        record = records({"end_ns": 120 * SECOND_NS, "packets": 50, "flags": 0})
        roles = Roles(np.zeros(1, "u1"), np.ones(1, "u1"), np.zeros(1, bool), np.zeros(1, bool))
        events = events_of(record, roles, spread)
        assert times == [time_ns // SECOND_NS for time_ns in events.time_ns.tolist()]
        assert packets_of_events(record, events).length_bytes.sum() == 840

    def test_a_skipped_record_is_one_row(self):
        record = records({"skip": 22, "end_ns": 60 * SECOND_NS})
        roles = Roles(np.zeros(1, "u1"), np.ones(1, "u1"), np.zeros(1, bool), np.zeros(1, bool))
        assert [0] == events_of(record, roles).time_ns.tolist()
