"""The table does, step by step, what a plain dictionary does: same entries, count, ends and pressure.

Each law is also broken on purpose, to show that this test would see it.
"""

from unittest import mock

import pytest
from builders import entry, rule_ref
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from plain_table import PlainFlow, PlainTable

from sgsim.conntrack import pressure as pressure_module
from sgsim.conntrack import table as table_module
from sgsim.conntrack.entry import ConntrackEntry, FlowEnd, TrackingCause
from sgsim.conntrack.pressure import TablePressure
from sgsim.conntrack.table import ConntrackTable, _Queue
from sgsim.conntrack.tcp import TcpFlow
from sgsim.errors import TimeOrderError
from sgsim.model.states import Direction, TcpState, Tracking

IN, OUT = Direction.INGRESS, Direction.EGRESS

REMEMBER = 3
TIMEOUTS_NS = st.integers(1, 12)

# What opens a flow, which way, the block that its peer is counted in, and its first state.
OPENINGS = [
    ("tcp 198.51.100.7:40000 -> 192.0.2.10:443", IN, "198.51.100.0/24", "tcp syn_sent"),
    ("tcp 198.51.100.9:40000 -> 192.0.2.10:443", IN, "198.51.100.0/24", "tcp syn_sent"),
    ("udp 192.0.2.10:5000 -> 203.0.113.9:53", OUT, "203.0.113.0/24", "udp unanswered"),
    ("icmpv6 2001:db8:0:1::7 -> 2001:db8::10 type 128 code 0", IN, "2001:db8:0:1::/64", "icmpv6 unanswered"),
    ("47 192.0.2.10 -> 203.0.113.9", OUT, "203.0.113.0/24", "47 unanswered"),
]


class TableMachine(RuleBasedStateMachine):
    """Drives the table and the model in step; narrow bins and small limits, so that every edge is near."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = [
            mock.patch.object(pressure_module, "MOST_BINS", 8),
            mock.patch.object(table_module, "STALE_MOST", 0),
        ]
        for patch in self.patches:
            patch.start()
        self.ends: list[tuple[int, FlowEnd, int]] = []
        self.table = ConntrackTable(remember=REMEMBER, on_end=lambda *end: self.ends.append((end[0].flow, *end[1:])))
        self.table.pressure.bin_ns = 2
        self.model = PlainTable(remember=REMEMBER)
        self.entries: dict[int, ConntrackEntry] = {}

    def teardown(self) -> None:
        for patch in self.patches:
            patch.stop()

    def pick(self, data: st.DataObject, *, tracked: bool = False) -> tuple[PlainFlow, ConntrackEntry]:
        flows = [flow for flow in self.model.flows.values() if flow.is_tracked or not tracked]
        chosen = data.draw(st.sampled_from(flows))
        return chosen, self.entries[chosen.flow]

    @rule(
        opening=st.sampled_from(OPENINGS),
        interface_id=st.sampled_from(["eni-a", "eni-b"]),
        tracking=st.sampled_from([Tracking.TRACKED, Tracking.TRACKED, Tracking.UNTRACKED, Tracking.REFUSED]),
        places=st.sampled_from([1, 1, 2]),
        timeout_ns=TIMEOUTS_NS,
        rule_id=st.sampled_from(["sgr-1", "sgr-2"]),
    )
    def packet(self, opening, interface_id, tracking, places, timeout_ns, rule_id) -> None:
        text, direction, peer, state = opening
        number = len(self.entries) + 1
        made = entry(
            text,
            flow=number,
            interface_id=interface_id,
            direction=direction,
            tracking=tracking,
            places=places,
            expires_at_ns=self.model.now_ns + timeout_ns,
            rule=rule_ref(rule_id),
        )
        if self.table.lookup(made.key) is not None:
            return
        if tracking is Tracking.TRACKED:
            assert self.model.has_room(places) == self.table.has_room(places)
            if not self.model.has_room(places):
                self.model.refuse()
                self.table.pressure.note_refused(self.model.now_ns)
                return
        self.entries[number] = made
        flow = PlainFlow(number, made.key, tracking, places, made.expires_at_ns, rule_id, peer, state)
        self.model.insert(flow)
        self.table.insert(made, self.model.now_ns)

    @precondition(lambda self: self.model.flows)
    @rule(data=st.data(), timeout_ns=TIMEOUTS_NS)
    def refresh(self, data, timeout_ns) -> None:
        flow, made = self.pick(data)
        now_ns, old_ns = self.model.now_ns, flow.expires_at_ns
        wish_ns = data.draw(st.sampled_from([old_ns - 1, old_ns, old_ns + 1, now_ns + timeout_ns]))
        flow.expires_at_ns = max(now_ns + 1, wish_ns)
        self.table.refresh(made, flow.expires_at_ns)

    @precondition(lambda self: self.model.flows)
    @rule(data=st.data())
    def advance(self, data) -> None:
        flow, made = self.pick(data)
        if made.tcp is not None:
            state = data.draw(st.sampled_from([TcpState.ESTABLISHED, TcpState.TIME_WAIT, TcpState.CLOSE]))
            flow.state = f"tcp {state}"
            self.table.advance(made, TcpFlow(state), answered=True, is_stream=False)
        else:
            word = data.draw(st.sampled_from(["unanswered", "answered", "stream"]))
            flow.state = f"{flow.state.split()[0]} {word}"
            self.table.advance(made, None, answered=word != "unanswered", is_stream=word == "stream")

    @precondition(lambda self: self.model.count)
    @rule(data=st.data())
    def untrack(self, data) -> None:
        flow, made = self.pick(data, tracked=True)
        self.model.untrack(flow)
        self.table.untrack(made, rule_ref("sgr-3"), 7, self.model.now_ns)
        assert (made.rule, made.judged_at_version) == (rule_ref("sgr-3"), 7)
        assert made.cause is TrackingCause.OPEN_RULES

    @precondition(lambda self: self.model.flows)
    @rule(data=st.data(), end=st.sampled_from([FlowEnd.CLOSED, FlowEnd.CUT, FlowEnd.REPLACED]))
    def forget(self, data, end) -> None:
        flow, made = self.pick(data)
        self.model.forget(flow, end)
        self.table.forget(made, end, self.model.now_ns)

    @rule(data=st.data(), beyond=st.integers(-1, 1))
    def wait(self, data, beyond) -> None:
        now_ns = self.model.now_ns
        due = [flow.expires_at_ns for flow in self.model.flows.values()]
        until_ns = data.draw(st.sampled_from(due)) + beyond if due else now_ns + 1 + beyond
        self.wait_until(max(now_ns, until_ns))

    @rule(step_ns=st.sampled_from([0, 1, 2, 3, 30, 1000]))
    def wait_long(self, step_ns) -> None:
        self.wait_until(self.model.now_ns + step_ns)

    def wait_until(self, now_ns: int) -> None:
        assert self.model.wait_until(now_ns) == self.table.expire(now_ns)

    @rule(beyond=st.none() | st.integers(-1, 3))
    def set_capacity(self, beyond) -> None:
        self.model.capacity = None if beyond is None else max(0, self.model.count + beyond)
        self.table.set_capacity(self.model.capacity)

    @invariant()
    def the_table_is_valid(self) -> None:
        self.table.check_valid()

    @invariant()
    def the_entries_are_the_same(self) -> None:
        flows = sorted(self.model.flows.values(), key=lambda flow: flow.flow)
        expected = [(flow.flow, flow.expires_at_ns, flow.tracking) for flow in flows]
        assert expected == [(each.flow, each.expires_at_ns, each.tracking) for each in self.table]
        assert len(expected) == len(self.table)
        for flow in flows:
            assert self.entries[flow.flow] is self.table.lookup(flow.key)  # type: ignore[arg-type]  # a FlowKey
        assert self.model.ends == self.ends
        assert self.table.forgotten == sum(end is FlowEnd.FORGOTTEN for _, end, _ in self.ends)

    @invariant()
    def the_pressure_is_the_same(self) -> None:
        actual, model = self.table.pressure, self.model
        kinds = [what for _, what, _ in model.happened]
        assert (model.count, model.count) == (actual.count, self.table.count)
        assert (kinds.count("refused"), kinds.count("inserted")) == (actual.exceeded, actual.inserted)
        assert model.peak == actual.peak()
        assert model.bins(actual.bin_ns) == actual.bins
        limit = model.capacity
        expected = (None, None) if limit is None else (max(0, limit - model.count), max(0, limit - model.peak.count))
        assert expected == (actual.available, actual.headroom)


TestTable = TableMachine.TestCase


class TestPlantedFaults:
    """One fault for each law; the machine above must see it."""

    @staticmethod
    def is_seen() -> None:
        search = settings(
            max_examples=400,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            report_multiple_bugs=False,
            phases=[Phase.generate],
        )
        with pytest.raises(AssertionError):
            run_state_machine_as_test(TableMachine, settings=search)

    def test_expiry_a_nanosecond_late(self, monkeypatch):
        right = ConntrackTable.expire
        monkeypatch.setattr(ConntrackTable, "expire", lambda self, now_ns: right(self, now_ns - 1))
        self.is_seen()

    def test_expiry_a_nanosecond_early(self, monkeypatch):
        right = ConntrackTable.expire

        def expire(self: ConntrackTable, now_ns: int) -> int:
            expired = right(self, now_ns + 1)
            self._now_ns = now_ns
            return expired

        monkeypatch.setattr(ConntrackTable, "expire", expire)
        self.is_seen()

    def test_an_expiry_told_at_the_clock_and_not_at_its_time(self, monkeypatch):
        right = ConntrackTable.forget

        def forget(self: ConntrackTable, made: ConntrackEntry, end: FlowEnd, now_ns: int) -> None:
            right(self, made, end, max(now_ns, self._now_ns or 0))

        monkeypatch.setattr(ConntrackTable, "forget", forget)
        self.is_seen()

    def test_a_time_brought_forward_that_nobody_waits_for(self, monkeypatch):
        def refresh(_self: ConntrackTable, made: ConntrackEntry, expires_at_ns: int) -> None:
            made.expires_at_ns = expires_at_ns

        monkeypatch.setattr(ConntrackTable, "refresh", refresh)
        self.is_seen()

    def test_a_time_put_off_that_is_not_waited_for(self, monkeypatch):
        def drop_all_but_held(self: _Queue, is_held):
            while self._heap and not (is_held(self._heap[0][2]) and self._heap[0][2].expires_at_ns == self._heap[0][0]):
                self._heap.pop(0)
            return self._heap[0] if self._heap else None

        monkeypatch.setattr(_Queue, "next_due", drop_all_but_held)
        self.is_seen()

    def test_a_tidied_queue_that_has_lost_an_entry(self, monkeypatch):
        right = _Queue.drop_stale

        def drop_stale(self: _Queue, is_held) -> None:
            right(self, is_held)
            self._heap.pop()

        monkeypatch.setattr(_Queue, "drop_stale", drop_stale)
        self.is_seen()

    def test_a_count_that_untracking_does_not_lower(self, monkeypatch):
        right = TablePressure.note_removed

        def note_removed(self: TablePressure, made: ConntrackEntry, end: FlowEnd | None, now_ns: int) -> None:
            if end is not None:
                right(self, made, end, now_ns)

        monkeypatch.setattr(TablePressure, "note_removed", note_removed)
        self.is_seen()

    def test_a_count_of_flows_and_not_of_places(self, monkeypatch):
        right = TablePressure._change

        def change(self: TablePressure, made: ConntrackEntry, places: int, current) -> None:
            right(self, made, max(-1, min(1, places)), current)

        monkeypatch.setattr(TablePressure, "_change", change)
        self.is_seen()

    @pytest.mark.parametrize("extra", [-1, 1])
    def test_a_capacity_that_is_one_off(self, monkeypatch, extra):
        def has_room(self: ConntrackTable, places: int) -> bool:
            return self.capacity is None or self.count + places <= self.capacity + extra

        monkeypatch.setattr(ConntrackTable, "has_room", has_room)
        self.is_seen()

    def test_a_capacity_that_two_places_exceed_by_one(self, monkeypatch):
        def has_room(self: ConntrackTable, _places: int) -> bool:
            return self.capacity is None or self.count < self.capacity

        monkeypatch.setattr(ConntrackTable, "has_room", has_room)
        self.is_seen()

    def test_a_memory_without_bound(self, monkeypatch):
        monkeypatch.setattr(ConntrackTable, "_keep_within_memory", lambda _self, _now_ns: None)
        self.is_seen()

    def test_a_memory_that_drops_the_next_to_expire_and_not_the_oldest(self, monkeypatch):
        def keep_within_memory(self: ConntrackTable, now_ns: int) -> None:
            if self._beside > self.remember:
                self.forgotten += 1
                next_to_expire = min(
                    (each for each in self if each.tracking is not Tracking.TRACKED),
                    key=lambda each: (each.expires_at_ns, each.flow),
                )
                self.forget(next_to_expire, FlowEnd.FORGOTTEN, now_ns)

        monkeypatch.setattr(ConntrackTable, "_keep_within_memory", keep_within_memory)
        self.is_seen()

    def test_an_entry_under_the_key_of_another_interface(self, monkeypatch):
        right = ConntrackTable.insert

        def insert(self: ConntrackTable, made: ConntrackEntry, now_ns: int) -> None:
            right(self, made, now_ns)
            if made.key.interface_id == "eni-b" and self._entries.get(made.key) is made:
                self._entries[made.key._replace(interface_id="eni-a")] = self._entries.pop(made.key)

        monkeypatch.setattr(ConntrackTable, "insert", insert)
        self.is_seen()

    def test_a_peak_at_the_last_time_and_not_at_the_first(self, monkeypatch):
        right = TablePressure.note_inserted

        def note_inserted(self: TablePressure, made: ConntrackEntry, now_ns: int) -> None:
            right(self, made, now_ns)
            if self.count == self.peak_count:
                self.peak_time_ns = now_ns

        monkeypatch.setattr(TablePressure, "note_inserted", note_inserted)
        self.is_seen()

    def test_a_state_at_the_peak_that_is_the_first_and_not_the_one_it_had(self, monkeypatch):
        monkeypatch.setattr(TablePressure, "note_state", lambda _self, _before, _made: None)
        self.is_seen()

    def test_merged_bins_that_forget_the_least(self, monkeypatch):
        right = pressure_module.Bin.absorb

        def absorb(self: pressure_module.Bin, later: pressure_module.Bin) -> None:
            least = self.least
            right(self, later)
            self.least = least

        monkeypatch.setattr(pressure_module.Bin, "absorb", absorb)
        self.is_seen()


class TestExpiry:
    @pytest.mark.parametrize(("wait_ns", "expected"), [(29, 1), (30, 0), (31, 0)])
    def test_an_entry_is_gone_at_its_very_time(self, wait_ns, expected):
        table = ConntrackTable()
        table.insert(entry(expires_at_ns=30), 0)
        table.expire(wait_ns)
        assert expected == table.count == len(table)

    def test_a_clock_that_goes_back_is_refused(self):
        table = ConntrackTable()
        table.expire(10)
        with pytest.raises(TimeOrderError) as refused:
            table.expire(9)
        assert str(refused.value) == "now_ns must be at least 10, got 9"

    def test_the_time_before_which_nothing_expires_is_that_of_the_entry_due_first(self):
        table = ConntrackTable()
        assert table.next_due_ns is None
        for number, expires_at_ns in enumerate((-30, -50, 20), start=1):
            table.insert(
                entry(f"udp 198.51.100.7:{number} -> 192.0.2.10:53", flow=number, expires_at_ns=expires_at_ns), -60
            )
        assert table.next_due_ns == -50

    def test_the_same_time_again_is_no_step_back(self):
        table = ConntrackTable()
        assert [table.expire(10), table.expire(10)] == [0, 0]

    def test_entries_are_forgotten_in_the_order_of_their_times_then_of_their_flows(self):
        ended: list[tuple[int, str, int]] = []
        table = ConntrackTable(on_end=lambda made, end, time_ns: ended.append((made.flow, str(end), time_ns)))
        for number, (tracking, expires_at_ns) in enumerate(
            [
                (Tracking.TRACKED, 20),
                (Tracking.UNTRACKED, 10),
                (Tracking.TRACKED, 10),
                (Tracking.REFUSED, 20),
            ],
            start=1,
        ):
            text = f"udp 198.51.100.7:{number} -> 192.0.2.10:53"
            table.insert(entry(text, flow=number, tracking=tracking, expires_at_ns=expires_at_ns), 0)
        assert table.expire(100) == 4
        assert ended == [(2, "expired", 10), (3, "expired", 10), (1, "expired", 20), (4, "expired", 20)]

    @pytest.mark.parametrize(
        ("state", "end"),
        [
            (TcpState.ESTABLISHED, FlowEnd.EXPIRED),
            (TcpState.TIME_WAIT, FlowEnd.CLOSED),
            (TcpState.CLOSE, FlowEnd.CLOSED),
        ],
    )
    def test_a_connection_that_was_over_has_closed_and_not_expired(self, state, end):
        ended = []
        table = ConntrackTable(on_end=lambda _, why, __: ended.append(why))
        table.insert(entry(tcp=TcpFlow(state)), 0)
        table.expire(2**62)
        assert ended == [end]
