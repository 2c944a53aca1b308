"""Uses are counted as the engine's decisions say; a hit is unique if removing the rule would deny the packet."""

import pytest
from attrs import evolve
from builders import group, interface, inventory, rule
from simulation.batches import ListSource, packets

from sgsim.analysis.usage import usage_of
from sgsim.data import DEMO_CAPTURE, demo_path
from sgsim.documents import load
from sgsim.engine.options import EngineOptions
from sgsim.rules.change import Change
from sgsim.simulation.driver import Wanted, run

OPTIONS = EngineOptions(recorded=True)
FIRST = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"
ANSWER = "tcp 192.0.2.10:443 -> 198.51.100.7:40000 SA"
OTHER = "tcp 203.0.113.9:40001 -> 192.0.2.10:443 S"


def uses(known, *texts, changes=()):
    found = usage_of(known, [ListSource([packets(*texts)])], OPTIONS, changes=changes)
    return {use.text: use for use in found.rules}


def test_a_packet_of_a_tracked_flow_is_carried_and_no_hit():
    found = uses(inventory(group("tcp 443 from 198.51.100.0/24"), interface()), FIRST, ANSWER)[
        "tcp 443 from 198.51.100.0/24"
    ]
    assert (found.hits, found.unique_hits, found.carried_packets, found.carried_bytes, found.hit_bytes) == (
        1,
        1,
        2,
        200,
        100,
    )
    assert (found.first_hit_ns, found.last_hit_ns) == (1_000_000_000, 1_000_000_000)


def test_a_hit_that_another_rule_would_take_is_not_unique():
    known = inventory(
        group("tcp 443 from 198.51.100.0/24", "tcp 1-1000 from 198.51.0.0/16", "tcp 443 from 203.0.113.0/24"),
        interface(),
    )
    found = uses(known, FIRST, OTHER)
    assert [(use.hits, use.unique_hits) for use in found.values()] == [(1, 0), (0, 0), (1, 1)]


def test_an_answer_of_an_untracked_flow_counts_for_the_rule_that_its_opener_needs():
    """Were the answer asked for its own port, 40000, no rule would admit it."""
    known = inventory(group("tcp 443 from 0.0.0.0/0", "all to 0.0.0.0/0"), interface())
    found = uses(known, FIRST, ANSWER)
    assert (found["tcp 443 from 0.0.0.0/0"].hits, found["tcp 443 from 0.0.0.0/0"].unique_hits) == (2, 2)
    assert found["all traffic to 0.0.0.0/0"].hits == 0


def test_rules_of_interfaces_without_traffic_are_told_apart():
    known = inventory(
        group("tcp 443 from 0.0.0.0/0"),
        group("tcp 22 from 0.0.0.0/0", group_id="sg-db"),
        group("tcp 25 from 0.0.0.0/0", group_id="sg-nobody"),
        interface(),
        interface("192.0.2.11", groups=("sg-db",), interface_id="eni-b"),
    )
    found = uses(known, FIRST)
    assert {text: use.saw_traffic for text, use in found.items()} == {
        "tcp 443 from 0.0.0.0/0": True,
        "tcp 22 from 0.0.0.0/0": False,
    }


def test_a_change_decides_which_rules_would_have_admitted():
    before = inventory(group("tcp 443 from 198.51.100.0/24", "tcp 443 from 198.51.0.0/16"), interface())
    after = inventory(group("tcp 443 from 198.51.100.0/24"), interface())
    second = "tcp 198.51.100.7:40002 -> 192.0.2.10:443 S"
    change = Change(1_500_000_000 - 1_000_000_000, after, is_relative=True)
    found = uses(before, FIRST, second, changes=[change])["tcp 443 from 198.51.100.0/24"]
    assert (found.hits, found.unique_hits) == (2, 1)


def demo():
    return load(*(demo_path(name) for name in ("groups.json", "interfaces.json")))


def test_the_counts_are_those_of_a_replay():
    """usage(rules, traffic).hits == replay(rules, traffic).usage.hits, and both engines agree."""
    capture = str(demo_path(DEMO_CAPTURE))
    found = {
        use.rule_id: (use.hits, use.hit_bytes, use.last_hit_ns) for use in usage_of(demo(), [capture], OPTIONS).rules
    }
    replayed = run(demo(), [capture], OPTIONS, wanted=Wanted()).usage
    assert found == {use.rule_id: (use.hits, use.bytes, use.last_hit_ns) for use in replayed}
    assert usage_of(demo(), [capture], OPTIONS, engine="compiled") == usage_of(demo(), [capture], OPTIONS)


@pytest.mark.parametrize("index", range(4))
def test_without_a_rule_exactly_its_unique_hits_are_denied(index):
    """For TCP openings: denied(without rule) - denied(with rule) == unique hits of the rule."""
    rules = (
        "tcp 443 from 198.51.100.0/24",
        "tcp 1-1000 from 198.51.0.0/16",
        "tcp 440-450 from 203.0.113.0/24",
        "tcp 22 from 203.0.113.9/32",
    )
    known = inventory(group(*rules), interface())
    texts = [
        f"tcp {peer}:{4000 + port} -> 192.0.2.10:{port} S"
        for peer in ("198.51.100.7", "198.51.7.7", "203.0.113.9")
        for port in (22, 443, 999, 1001)
    ]
    use = uses(known, *texts)[rule(rules[index]).text]
    without = evolve(known, groups={"sg-web": group(*(text for text in rules if text != rules[index]))})
    denied = [run(each, [ListSource([packets(*texts)])], OPTIONS).summary.packets.denied for each in (known, without)]
    assert denied[1] - denied[0] == use.unique_hits


LOG = """\
2 123456789010 eni-a 198.51.100.7 192.0.2.10 40000 443 6 5 400 1000 1060 ACCEPT OK
2 123456789010 eni-a 192.0.2.10 198.51.100.7 443 40000 6 4 900 1000 1060 ACCEPT OK
2 123456789010 eni-a 203.0.113.9 192.0.2.10 40001 22 6 1 40 1001 1061 REJECT OK
2 123456789010 eni-a - - - - - - - 1100 1160 - NODATA
"""


def test_flow_logs_are_counted_record_by_record(tmp_path):
    path = tmp_path / "flows.log"
    path.write_text(LOG, encoding="utf-8")
    known = inventory(group("tcp 443 from 198.51.100.0/24", "tcp 443 from 198.51.0.0/16"), interface())
    found = usage_of(known, [str(path)], OPTIONS, engine="reference")
    replayed = run(known, [str(path)], OPTIONS, engine="reference").usage
    assert [(use.hits, use.hit_bytes, use.last_hit_ns) for use in found.rules] == [
        (use.hits, use.bytes, use.last_hit_ns) for use in replayed
    ]
    first, second = found.rules
    assert (first.hits, first.unique_hits, first.carried_packets, first.carried_bytes) == (1, 0, 2, 1300)
    assert second.hits == 0
