"""The fate of a flow is what an engine makes of its next packet."""

import random

import numpy as np
import pytest
from attrs import evolve
from builders import SECOND_NS, group, interface, inventory, network_acl, networks, packet, rule, vpc
from equivalence.random_setups import random_inventory, random_profile
from equivalence.random_traffic import Traffic, random_packets
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.batches import packets

from sgsim.conntrack.profile import AWS_NITRO
from sgsim.engine.options import EngineOptions
from sgsim.engine.reference_batches import ReferenceBatches
from sgsim.model.decision import Reason
from sgsim.model.protocol import ICMP_QUERIES, TcpFlags
from sgsim.model.states import Direction, Tracking
from sgsim.report.change_sections import FATES, TONES
from sgsim.rules.change import Change
from sgsim.rules.changed_items import changed_items
from sgsim.rules.inventory import Subnet
from sgsim.simulation.fate import Fate
from sgsim.simulation.fates import MOST_FLOWS, report_change
from sgsim.simulation.flow_fates import FlowFates, five_tuple_of

ALLOWED = {
    Fate.OUTLIVES_RULES: {Reason.ESTABLISHED}, Fate.BECOMES_TRACKED: {Reason.RULE},
    Fate.BECOMES_UNTRACKED: {Reason.UNTRACKED}, Fate.KEPT: {Reason.ESTABLISHED, Reason.NO_GROUPS},
    Fate.EXEMPT: {Reason.EXEMPT},
    Fate.STAYS_UNTRACKED: {Reason.UNTRACKED, Reason.NO_GROUPS},
}  # fmt: skip
"""What the next packet is allowed for, of fates in which it passes."""


def probe(flows, row, interface_id, *, is_reply=False):
    """The next packet of a flow, as its interface sees it."""
    five_tuple, opener = five_tuple_of(flows, row), Direction(int(flows.opener[row]))
    icmp_type = int(flows.icmp_type[row]) or None
    if is_reply:
        icmp_type = ICMP_QUERIES[five_tuple.protocol][icmp_type] if icmp_type else None
        five_tuple, opener = five_tuple.reply(), opener.opposite
    flags = TcpFlags.ACK if five_tuple.protocol == 6 else TcpFlags(0)
    code = None if icmp_type is None else 0
    return evolve(
        packet("udp 192.0.2.1:1 -> 192.0.2.2:2"), five_tuple=five_tuple, tcp_flags=flags, icmp_type=icmp_type,
        icmp_code=code, taken_at=interface_id, direction=opener,
    )  # fmt: skip


OPEN = ("all from 0.0.0.0/0", "all to 0.0.0.0/0", "all to ::/0", "all from ::/0")


def opened(known, *rules):
    """A network in which a group that most interfaces carry has some rules more."""
    own = tuple(rule(text, group_id="sg-2") for text in rules)
    groups = dict(known.groups)
    groups["sg-2"] = evolve(groups["sg-2"], rules=(*groups["sg-2"].rules, *own))
    return evolve(known, groups=groups)


def settled(seed):
    """An engine that a change is about to meet, that change, and the options."""
    rng = random.Random(seed)
    names = (
        "bypass", "open_rules", "open_own_protocol", "open_across_groups", "open_beside_narrow", "group_prefixes", "midstream", "midstream_untracked",
        "midstream_after_cut",
        "untrack_when_opened",
    )  # fmt: skip
    given_settings = random_profile(rng, AWS_NITRO)
    profile = AWS_NITRO
    for name in names:
        value = dict(given_settings.settings())[name].value
        profile = profile.given(name, getattr(value, "value", value))
    options = EngineOptions(profile=profile)
    before = evolve(random_inventory(rng), vpcs={}, subnets={})
    before = opened(before, *OPEN) if rng.random() < 0.6 else before
    engine = ReferenceBatches(evolve(before, instances={}), options)
    engine.filter(random_packets(seed, 400, Traffic(fragment_share=0, back_share=0, step_share=0, taken_at=(-1,))))
    after = evolve(random_inventory(rng), instances={})
    after = opened(after, *rng.choice([(), OPEN, ("udp all from 128.0.0.0/1", "udp all to 0.0.0.0/0")]))
    if rng.random() < 0.5:
        after = evolve(after, interfaces={key: before.interfaces[key] for key in before.interfaces})
    return engine, before, after, options


@given(seed=st.integers(0, 100_000))
@settings(max_examples=60)
def test_a_fate_is_what_becomes_of_the_next_packet(seed):
    """decision(next packet) == what the fate says, for any rules before and after."""
    engine, before, after, options = settled(seed)
    flows, ids = engine.live_flows(), list(engine.interface_ids)
    fates = FlowFates(flows, ids, before, after, options).columns()
    engine.change(after, engine.now_ns)
    left = set(engine.live_flows().flow.tolist())
    # What is judged elsewhere comes last, for it may be of flows that are remembered there.
    for _, row in sorted((number == Fate.LEFT_BEHIND, row) for row, number in enumerate(fates.tolist())):
        fate, interface_id = Fate(int(fates[row])), ids[flows.interface[row]]
        if flows.tracking[row] == Tracking.REFUSED:
            continue
        if fate is Fate.FORGOTTEN or int(flows.flow[row]) not in left:
            assert fate is Fate.FORGOTTEN and int(flows.flow[row]) not in left  # noqa: PT018  # one says the other
            continue
        sent = probe(flows, row, interface_id)
        if fate is Fate.LEFT_BEHIND:
            decisions = engine._engine.judge(evolve(sent, taken_at=None))
            assert interface_id not in {each.interface_id for each in decisions}
            continue
        reasons = {
            each.reason
            for is_reply in ((False, True) if fate is Fate.BLOCKED else (False,))
            for each in engine._engine.judge(probe(flows, row, interface_id, is_reply=is_reply))
        }
        if fate is Fate.BLOCKED:
            assert Reason.NETWORK_ACL in reasons
        elif fate is Fate.CUT:
            assert reasons <= {Reason.CUT, Reason.NO_RULE, Reason.NETWORK_ACL}, reasons
        else:
            assert reasons <= ALLOWED[fate], (fate, reasons)


@given(seed=st.integers(0, 100_000))
@settings(max_examples=40)
def test_flows_of_one_class_have_the_fate_of_each_alone(seed):
    """fates(flows) == [fate(flow) for flow in flows]"""
    engine, before, after, options = settled(seed)
    flows, ids = engine.live_flows(), list(engine.interface_ids)
    together = FlowFates(flows, ids, before, after, options).columns()
    alone = [
        FlowFates(flows._make(column[row : row + 1] for column in flows), ids, before, after, options)._of_one(0)
        for row in range(len(flows.flow))
    ]
    is_exempt = together == Fate.EXEMPT
    assert np.where(is_exempt, Fate.EXEMPT, alone).tolist() == together.tolist()


def test_what_a_change_makes_exempt_passes_unfiltered():
    """The DNS server of a VPC that nobody had told of, and the router of a subnet; all else is tracked as before."""
    told = inventory(
        group(*RULES), interface(), vpc("192.0.2.0/24"),
        Subnet(subnet_id="subnet-1", networks=networks("192.0.2.128/25")),
    )  # fmt: skip
    report = reported(
        told, "udp 192.0.2.10:1 -> 192.0.2.2:53", "udp 192.0.2.10:1 -> 192.0.2.2:54", "tcp 192.0.2.10:1 -> 192.0.2.129:9 S",
        "udp 192.0.2.10:1 -> 192.0.2.3:53",
    )  # fmt: skip
    assert [("exempt", 2), ("kept", 2)] == [(each.fate, each.flows) for each in report.fates]


def test_every_fate_occurs():
    seen = set()
    for seed in range(40):
        engine, before, after, options = settled(seed)
        flows = engine.live_flows()
        fates = FlowFates(flows, list(engine.interface_ids), before, after, options).columns()
        seen |= {Fate(each) for each in fates[flows.tracking != Tracking.REFUSED].tolist()}
    assert set(Fate) == seen


def test_every_fate_is_told():
    assert {str(fate) for fate in Fate} == set(FATES)
    assert set(TONES) <= set(FATES)


WEB = "tcp 198.51.100.7:{} -> 192.0.2.10:443 S"
SSH = "tcp 198.51.100.9:{} -> 192.0.2.10:22 S"
RULES = ("tcp 443 from 198.51.100.0/24", "tcp 22 from 0.0.0.0/0", "all to 0.0.0.0/0")


def reported(after, *texts, before=None, at_ns=5 * SECOND_NS):
    before = before or inventory(group(*RULES), interface())
    engine = ReferenceBatches(before, EngineOptions())
    engine.filter(packets(*texts))
    change = Change(at_ns, after, origin="a change", changed_items=changed_items(before, after))
    return report_change(
        change, at_ns, engine.live_flows(), (engine.interface_ids, engine.rules), before, EngineOptions()
    )


def test_flows_are_counted_by_fate_and_rule():
    report = reported(inventory(group(), interface()), WEB.format(1), WEB.format(2), SSH.format(3))
    assert [("cut", 1), ("outlives_rules", 2)] == [(each.fate, each.flows) for each in report.fates]
    assert [("tcp 443 from 198.51.100.0/24", "outlives_rules", 2), ("tcp 22 from 0.0.0.0/0", "cut", 1)] == [
        (each.text, each.fate, each.flows) for each in report.rules
    ]
    assert ["cut", "outlives_rules", "outlives_rules"] == [each.fate for each in report.flows]
    assert (3, ("group sg-web: 3 rules less",)) == (report.live, report.differences)


def test_flows_that_are_gone_by_then_are_left_out():
    after = inventory(group(), interface())
    report = reported(after, WEB.format(1), WEB.format(2), at_ns=SECOND_NS + 120 * SECOND_NS)
    assert (1, 1) == (report.live, len(report.flows))
    assert 2 * SECOND_NS + 120 * SECOND_NS == report.flows[0].expires_at_ns == report.fates[0].last_expiry_ns


def test_long_lists_are_cut_and_say_so():
    report = reported(inventory(group(), interface()), *(WEB.format(port) for port in range(1, MOST_FLOWS + 8)),
                      at_ns=115 * SECOND_NS)  # fmt: skip
    assert (MOST_FLOWS, 7) == (len(report.flows), report.flows_left)


def test_an_acl_blocks_answers_too():
    after = inventory(group(*RULES), interface(subnet_id="subnet-1"), network_acl("100 allow all from 0.0.0.0/0"))
    assert ["blocked"] == [each.fate for each in reported(after, WEB.format(1)).fates]


@pytest.mark.parametrize(
    ("rules", "fate"),
    [((), "outlives_rules"), (RULES, "kept"), (("all from 0.0.0.0/0", "all to 0.0.0.0/0"), "becomes_untracked")],
)
def test_what_a_tracked_flow_comes_to(rules, fate):
    assert [fate] == [each.fate for each in reported(inventory(group(*rules), interface()), WEB.format(1)).fates]


def test_an_address_that_moves_to_another_interface_leaves_its_flows_behind():
    after = inventory(group(*RULES), interface("192.0.2.11"), interface("192.0.2.10", interface_id="eni-b"))
    assert ["left_behind"] == [each.fate for each in reported(after, WEB.format(1)).fates]


def test_an_interface_on_another_instance_forgets():
    after = inventory(group(*RULES), interface(instance_id="i-9"))
    assert ["forgotten"] == [each.fate for each in reported(after, WEB.format(1)).fates]
