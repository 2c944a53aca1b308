from typing import Any

from report.summaries import SECOND_NS, denied_group, first, summary, table_load, usage

from sgsim.report.summary_asking import Asking
from sgsim.report.summary_sections import sections
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.simulation.summary import CapacityStep, ChangeReport, FlowCounts, PacketCounts, ReasonCount


def text(asking=None, **fields) -> str:
    return plain_text(text_lines(sections(summary(**fields), asking)))


def words(**fields) -> str:
    return " ".join(text(**fields).split())


def test_a_small_summary():
    assert text() == (
        "Replayed\n"
        "  traffic   a.pcap\n"
        "  time      1970-01-01T00:00:01.000000Z to 1970-01-01T00:00:03.000000Z (2.000 s)\n"
        "  packets   1 read = 1 judged + 0 skipped\n"
        "  verdicts  0 allowed, 1 denied\n"
        "  flows     0 tracked, 0 untracked, 0 refused (denied at the first packet)\n"
        "  profile   aws-nitro: AWS security groups (2026-11)\n"
        "\n"
        "Verdicts\n"
        "        Reason   Packets  What it means\n"
        "  deny  no_rule        1  No rule of the interface's groups admits it in this direction.\n"
    )


def test_no_packets_at_all():
    assert "time" not in text(start_ns=None, end_ns=None, packets=PacketCounts(), reasons=())


def test_what_was_set():
    given = {"capacity": 50_000, "udp_s": 40.0, "cold_start": True, "fragments": "rules"}
    assert "set capacity = 50,000, udp_s = 40, cold_start = true, fragments = rules" in words(given=given)


def test_flows_of_other_kinds_only_where_there_are_any():
    flows = FlowCounts(tracked=3, untracked=2, refused=1, presumed=2, cut=1)
    assert (
        "3 tracked, 2 untracked, 1 refused (denied at the first packet); of these 2 presumed to be open before the "
        "recording, 1 cut by a change of rules"
    ) in words(flows=flows)


def test_changes():
    changes = (ChangeReport(text="2=b.json", time_ns=3 * SECOND_NS), ChangeReport(text="9=c.json", time_ns=None))
    assert "change 2=b.json: +2.000 s 9=c.json: never: the traffic ended before" in words(changes=changes)


def test_several_interfaces_have_decisions_each():
    packets = PacketCounts(read=1, evaluated=1, decisions=2, allowed=2)
    assert "2 allowed, 0 denied, at each interface on its way" in words(packets=packets)


def test_the_command_that_explains():
    asked = text(Asking(["-r", "my rules"], ["a.pcap"]))
    assert "    no_rule  sgsim explain -r 'my rules' --packet 1 a.pcap\n" in asked


def test_denied_groups():
    shown = text(denied=(denied_group(packets=1_000), denied_group(dst_port=None, protocol=47)), denied_groups=2)
    assert "     1,000  in   203.0.113.0/24  tcp 22  no_rule       #1 tcp 203.0.113.9" in shown.replace(
        "  1,000", "     1,000"
    )
    assert "203.0.113.0/24  gre" in shown or "203.0.113.0/24  47" in shown
    assert "more group" not in shown
    assert "Interface" not in shown  # of one it goes without saying


def test_denied_groups_that_are_left_out():
    groups = tuple(denied_group(dst_port=port) for port in range(12))
    assert "and 93 more groups of at most 1 packet each" in text(denied=groups, denied_groups=103)
    assert "and 1 more group of at most 1 packet\n" in text(denied=groups[:11], denied_groups=11)


def test_counts_that_may_be_too_high_say_so():
    shown = text(denied=(denied_group(packets=9, most_too_many=3),), denied_groups=1)
    assert "~9" in shown
    assert "approximate: a count may be too high by up to 3 packets" in shown


def test_a_table():
    shown = text(tables=(table_load(),), rules=(usage(3),))
    assert "  peak                           3 of 10 at +1.000 s (1970-01-01T00:00:02.000000Z)\n" in shown
    assert "  headroom                       7 places free at the peak, 70% of the capacity\n" in shown
    assert "  conntrack_allowance_available  8 at the end\n" in shown
    assert "  conntrack_allowance_exceeded   0 packets refused\n" in shown
    assert "time to full" not in shown
    assert "  by rule           3  tcp 443 from 0.0.0.0/0 (sg-web)\n" in shown


def test_a_full_table():
    load = table_load(
        peak=10, headroom=0, time_to_full_ns=90 * SECOND_NS, conntrack_allowance_available=0,
        conntrack_allowance_exceeded=1,
    )  # fmt: skip
    shown = text(tables=(load,))
    assert "headroom                       0 places free at the peak\n" in shown
    assert "time to full                   90.000 s from the first entry to the first packet refused\n" in shown
    assert "conntrack_allowance_exceeded   1 packet refused\n" in shown


def test_a_table_without_a_capacity_has_no_headroom():
    load = table_load(capacity=None, headroom=None, conntrack_allowance_available=None)
    shown = text(tables=(load,))
    assert "capacity  none given, so nothing is refused: add --capacity N\n" in shown
    assert "headroom" not in shown
    assert "conntrack_allowance" not in shown


def test_a_capacity_that_a_change_set():
    steps = (CapacityStep(from_ns=None, capacity=10), CapacityStep(from_ns=3 * SECOND_NS, capacity=2))
    shown = text(tables=(table_load(capacity=2, capacity_at_peak=10, capacities=steps),))
    assert "peak                           3 of 10 at +1.000 s" in shown
    assert "capacity                       10, 2 from +2.000 s on\n" in shown
    assert "headroom                       7 places free at the peak, 70% of the capacity\n" in shown


def test_when_rules_held_is_told_where_a_change_brought_or_took_one():
    rules = (usage(held_from_ns=3 * SECOND_NS), usage(held_until_ns=2 * SECOND_NS), usage())
    shown = text(rules=rules)
    assert "  Held            Group   Rule\n" in shown
    assert "  from +2.000 s   sg-web  tcp 443" in shown
    assert "  until +1.000 s  sg-web  tcp 443" in shown
    assert "  throughout      sg-web  tcp 443" in shown
    assert "Held" not in text(rules=(usage(), usage(hits=1)))


def test_a_table_that_stayed_empty():
    empty: dict[str, Any] = {
        "peak": 0,
        "peak_time_ns": None,
        "peak_by_rule": {},
        "peak_by_peer": {},
        "peak_by_state": {},
    }
    shown = text(tables=(table_load(**empty),))
    assert "  No flow was ever entered in the table.\n" in shown
    assert "conntrack_allowance_available" in shown


def test_many_rules_at_the_peak_are_summed_up():
    load = table_load(peak_by_peer={f"203.0.{block}.0/24": 8 - block for block in range(7)})
    assert "5  2 others" in words(tables=(load,)).replace("5 2 others", "5  2 others")


def test_rules():
    rules = (usage(3, description="HTTPS"), usage(rule_id="sgr-1", text="udp 53 from ::/0"))
    shown = text(rules=rules)
    assert '     3    300  +1.000 s  sg-web  tcp 443 from 0.0.0.0/0  "HTTPS"\n' in shown
    assert "Rules never hit\n  Group   Rule\n  sg-web  sgr-1: udp 53 from ::/0\n" in shown


def test_many_rules():
    shown = text(rules=(*(usage(5) for _ in range(22)), *(usage() for _ in range(21))))
    assert "and 2 more rules with fewer hits" in shown
    assert "and 1 more rule\n" in shown


def test_notes():
    shown = words(
        packets=PacketCounts(read=3, evaluated=3, late=2, largest_step_back_ns=2_000_000),
        assumed_empty={"sg-1:ingress:tcp:443:sg-2": 1},
        notes=("groups.json: unknown members are ignored",),
        broken="a.pcap, packet 4: cut",
    )
    assert "The input could not be read to its end; this is what came before: a.pcap, packet 4: cut" in shown
    assert "2 packets were earlier than one before, by up to 2 ms, and judged at their predecessor's time." in shown
    assert "1 denied packet might have been admitted by sg-1:ingress:tcp:443:sg-2" in shown
    assert "groups.json: unknown members are ignored." in shown


def test_mixed_verdicts_of_fragments():
    fragments = ReasonCount(reason="fragment", verdict="mixed", decisions=2, bytes=99, first=first())
    assert "  mixed  fragment        2  " in text(reasons=(fragments,))
