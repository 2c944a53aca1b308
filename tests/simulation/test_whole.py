"""Sender and receiver in one run, and what comes of it by interface, instance and group."""

import pytest
from builders import group, interface, inventory
from simulation.batches import SECOND_NS, ListSource, packets

from sgsim.engine.options import EngineOptions
from sgsim.rules.change import Change
from sgsim.rules.inventory import Instance
from sgsim.simulation.driver import Wanted, run

WEB = group("tcp 443 from 0.0.0.0/0", "tcp 5432 to sg-db", name="web")
DB = group("tcp 5432 from sg-web", group_id="sg-db")
TWO_TIERS = inventory(
    WEB, DB,
    interface("192.0.2.10", interface_id="eni-a", instance_id="i-web"),
    interface("192.0.2.11", interface_id="eni-b", instance_id="i-web"),
    interface("192.0.2.20", interface_id="eni-c", groups=("sg-db",)),
    Instance(instance_id="i-web", capacity=1),
)  # fmt: skip
QUERY = "tcp 192.0.2.10:40000 -> 192.0.2.20:5432 S"
OTHER_QUERY = "tcp 192.0.2.11:40000 -> 192.0.2.20:5432 S"
ANSWER = "tcp 192.0.2.20:5432 -> 192.0.2.10:40000 SA"


def replayed(*texts, known=TWO_TIERS, cold_start=False, **how):
    options = EngineOptions(recorded=True, cold_start=cold_start)
    return run(known, [ListSource([packets(*texts)])], options, wanted=Wanted(in_memory=True), **how)


def test_sender_and_receiver_judge_in_one_run():
    replay = replayed(QUERY, ANSWER)
    decisions = replay.decisions
    assert ["eni-a", "eni-c", "eni-c", "eni-a"] == decisions["interface_id"].to_list()
    assert ["rule", "rule", "established", "established"] == decisions["reason"].to_list()
    assert {"eni-a", "eni-c"} == set(replay.flows["interface_id"])


def test_instances_add_up_their_interfaces_and_share_a_table():
    summary = replayed(QUERY, ANSWER, OTHER_QUERY).summary
    web, lone = summary.instances
    assert ("i-web", ("eni-a", "eni-b"), 2, 1, 1, 1, 1) == (
        web.instance_id, web.interfaces, web.allowed, web.denied, web.peak, web.capacity, web.refused,
    )  # fmt: skip
    assert ("eni-c", 2, None) == (lone.instance_id, lone.allowed, lone.capacity)


def test_a_peak_is_shown_beside_the_capacity_of_its_time():
    changes = [Change(at_ns, TWO_TIERS, is_relative=True, capacity=n) for at_ns, n in ((0, 9), (2 * SECOND_NS, 1))]
    summary = replayed(QUERY, ANSWER, OTHER_QUERY, changes=changes).summary
    shown = [(each.instance_id, each.peak, each.capacity, each.refused) for each in summary.instances]
    assert shown == [("i-web", 1, 9, 1), ("eni-c", 1, 9, 0)]


def test_groups_add_up_the_interfaces_that_carry_them():
    web, db = replayed(QUERY, ANSWER, OTHER_QUERY).summary.groups
    assert ("sg-web", "web", 2, 2, 1) == (web.group_id, web.name, web.interfaces, web.allowed, web.denied)
    assert (2, 1, 1) == (web.rules, web.rules_hit, web.hits)
    assert ("sg-db", 1, 1, 1) == (db.group_id, db.interfaces, db.rules, db.rules_hit)


def test_counts_of_instances_are_those_of_the_interfaces():
    """sum(instances) == sum(interfaces), for each verdict."""
    summary = replayed(QUERY, ANSWER, OTHER_QUERY, QUERY.replace("5432", "22")).summary
    for name in ("allowed", "denied", "skipped"):
        of_interfaces = sum(getattr(each, name) for each in summary.interfaces)
        assert of_interfaces == sum(getattr(each, name) for each in summary.instances)


def test_an_interface_that_a_change_brings_has_its_groups():
    brought = inventory(WEB, DB, *TWO_TIERS.interfaces.values(), interface("192.0.2.30", interface_id="eni-d"))
    change = Change(2 * SECOND_NS, brought)
    summary = replayed(QUERY, "tcp 198.51.100.7:1 -> 192.0.2.30:443 S", changes=[change]).summary
    (new,) = [each for each in summary.interfaces if each.interface_id == "eni-d"]
    assert ("sg-web",) == new.groups


CLIENT = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 {}"


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_an_address_that_moves_is_judged_by_its_owner_of_the_moment(engine):
    """The flow stays behind at the old owner; the new one knows nothing of it, and a new flow begins there."""
    rules = group("tcp 443 from 198.51.100.0/24")
    before = inventory(
        rules,
        interface("192.0.2.10", interface_id="eni-a", instance_id="i-1"),
        interface("192.0.2.99", interface_id="eni-b", instance_id="i-2"),
    )
    after = inventory(
        rules,
        interface("192.0.2.98", interface_id="eni-a", instance_id="i-1"),
        interface("192.0.2.10", "192.0.2.99", interface_id="eni-b", instance_id="i-2"),
    )
    texts = [CLIENT.format(flags) for flags in ("S", "A", "A", "S")]
    change = Change(3 * SECOND_NS, after)
    replay = replayed(*texts, known=before, changes=[change], engine=engine, cold_start=True)
    assert [("eni-a", "rule"), ("eni-a", "established"), ("eni-b", "midstream"), ("eni-b", "rule")] == list(
        zip(replay.decisions["interface_id"], replay.decisions["reason"], strict=True)
    )
    tracked = replay.flows.filter(replay.flows["tracking"] == "tracked")
    assert [("eni-a", "live"), ("eni-b", "live")] == sorted(zip(tracked["interface_id"], tracked["end"], strict=True))
    assert {"i-1": 1, "i-2": 1} == {load.instance_id: load.count for load in replay.pressure}
    assert ["left_behind"] == [fate.fate for fate in replay.changes[0].fates]
