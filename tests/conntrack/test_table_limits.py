"""What a table takes: places for tracked flows, memory for the others, and the laws that `check_valid` holds it to."""

import pytest
from builders import SECOND_NS, entry, rule_ref

from sgsim.conntrack.entry import FlowEnd
from sgsim.conntrack.table import STALE_MOST, ConntrackTable
from sgsim.model.states import Tracking


class TestCapacity:
    def test_two_places_do_not_fit_at_capacity_minus_one(self):
        table = ConntrackTable(capacity=3)
        table.insert(entry(places=2), 0)
        assert (table.has_room(1), table.has_room(2)) == (True, False)

    def test_a_smaller_capacity_leaves_entries_and_takes_no_more(self):
        table = ConntrackTable(capacity=3)
        table.insert(entry(places=2), 0)
        table.set_capacity(1)
        table.check_valid()
        assert (table.count, table.has_room(1), table.pressure.available) == (2, False, 0)

    def test_a_new_table_tells_how_many_places_are_free(self):
        """Before anything is entered, all places are available, and all were free at the peak."""
        table = ConntrackTable(capacity=3)
        assert (table.pressure.available, table.pressure.headroom) == (3, 3)

    def test_a_table_without_capacity_has_always_room(self):
        assert ConntrackTable().has_room(10**9)

    def test_untracked_and_refused_flows_take_no_place(self):
        table = ConntrackTable(capacity=0)
        table.insert(entry(tracking=Tracking.UNTRACKED), 0)
        table.insert(entry(tracking=Tracking.REFUSED, interface_id="eni-b", flow=2), 0)
        assert (table.count, len(table)) == (0, 2)


class TestMemory:
    def test_forgetting_twice_is_forgetting_once(self):
        ended = []
        table = ConntrackTable(on_end=lambda *end: ended.append(end))
        made = entry()
        table.insert(made, 0)
        for _ in range(2):
            table.forget(made, FlowEnd.CLOSED, 0)
        assert (table.count, len(ended)) == (0, 1)

    def test_a_flow_that_replaced_a_forgotten_one_is_not_forgotten_for_it(self):
        table = ConntrackTable()
        old, new = entry(), entry(flow=2)
        table.insert(old, 0)
        table.forget(old, FlowEnd.REPLACED, 0)
        table.insert(new, 0)
        table.forget(old, FlowEnd.CLOSED, 0)
        assert [new] == list(table)

    def test_without_memory_an_untracked_flow_is_dropped_at_once(self):
        table = ConntrackTable(remember=0)
        table.insert(entry(tracking=Tracking.UNTRACKED), 0)
        assert (len(table), table.forgotten) == (0, 1)

    def test_each_flow_that_is_dropped_for_want_of_memory_is_counted_and_told_with_its_time(self):
        ended = []
        table = ConntrackTable(remember=1, on_end=lambda made, end, now_ns: ended.append((made.flow, end, now_ns)))
        flows = [entry(f"udp 198.51.100.7:{number} -> 192.0.2.10:53", flow=number) for number in range(1, 5)]
        for number, made in enumerate(flows):
            if number < 3:
                made.tracking = Tracking.UNTRACKED
            table.insert(made, 10 * number)
        table.untrack(flows[3], rule_ref(), 0, 40)
        assert ended == [(1, FlowEnd.FORGOTTEN, 10), (2, FlowEnd.FORGOTTEN, 20), (3, FlowEnd.FORGOTTEN, 40)]
        assert table.forgotten == 3

    def test_a_memory_that_is_full_is_within_its_bound(self):
        """As many flows are kept beside the table as the memory holds, and no more."""
        table = ConntrackTable(remember=1)
        for number in (1, 2):
            table.insert(entry(tracking=Tracking.UNTRACKED, interface_id=f"eni-{number}", flow=number), 0)
            table.check_valid()
            assert [made.flow for made in table] == [number]

    def test_a_time_that_is_set_for_a_forgotten_flow_does_no_harm(self):
        """A flow that is gone stays gone, whatever time it is given, also in a table without any other."""
        table = ConntrackTable()
        made = entry(expires_at_ns=20)
        table.insert(made, 0)
        table.forget(made, FlowEnd.CLOSED, 5)
        table.refresh(made, 10)
        assert (table.expire(30), len(table)) == (0, 0)

    def test_due_times_of_ended_flows_do_not_pile_up(self):
        table = ConntrackTable()
        for number in range(1, 5 * STALE_MOST):
            made = entry(flow=number, expires_at_ns=2**60)
            table.insert(made, number)
            table.forget(made, FlowEnd.CLOSED, number)
            assert len(table._queue) <= STALE_MOST + 2

    def test_due_times_that_go_to_and_fro_do_not_pile_up(self):
        table = ConntrackTable()
        made = entry(expires_at_ns=2**60)
        table.insert(made, 0)
        for step in range(5 * STALE_MOST):
            table.refresh(made, 2**60 - step % 2)
            assert len(table._queue) <= STALE_MOST + 2

    def test_ages_of_forgotten_flows_do_not_pile_up(self):
        table = ConntrackTable()
        for number in range(1, 5 * STALE_MOST):
            made = entry(flow=number, tracking=Tracking.UNTRACKED)
            table.insert(made, number)
            table.forget(made, FlowEnd.CLOSED, number)
            assert len(table._by_age) <= STALE_MOST + 2

    @pytest.mark.parametrize("count", range(5))
    def test_check_valid_sees_a_wrong_count(self, count):
        table = ConntrackTable(capacity=4)
        table.insert(entry(), 0)
        table.pressure.count = count
        if count == 1:
            table.check_valid()
            return
        with pytest.raises(AssertionError, match=r"^count must be the places of the tracked entries$"):
            table.check_valid()

    @pytest.mark.parametrize(
        ("name", "value", "law"),
        [
            ("capacity", 0, "count must not exceed the capacity"),
            ("_beside", 0, "every entry must be tracked or counted beside the table"),
            ("remember", 0, "no more flows than the memory holds may be kept beside the table"),
            ("_now_ns", SECOND_NS, "no entry may be past its time"),
            ("_now_ns", SECOND_NS + 1, "no entry may be past its time"),
        ],
    )
    def test_check_valid_names_the_law_that_is_broken(self, name, value, law):
        table = ConntrackTable()
        table.insert(entry(), 0)
        table.insert(entry(tracking=Tracking.UNTRACKED, interface_id="eni-b", flow=2), 0)
        table.expire(SECOND_NS - 1)
        table.check_valid()
        setattr(table, name, value)
        with pytest.raises(AssertionError, match=f"^{law}$"):
            table.check_valid()

    def test_check_valid_sees_an_entry_under_another_key(self):
        table = ConntrackTable()
        made = entry()
        table.insert(made, 0)
        made.key = made.key._replace(interface_id="eni-b")
        with pytest.raises(AssertionError, match=r"^every entry must be found under its own key$"):
            table.check_valid()
