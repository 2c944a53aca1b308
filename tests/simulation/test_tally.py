import numpy as np
from builders import rule_ref
from hypothesis import given
from hypothesis import strategies as st
from simulation.batches import SECOND_NS, decisions, packets

from sgsim.model.decision import Reason, Verdict
from sgsim.simulation.tally import InterfaceTally, ReasonTally, UsageTally, first_packet

WEB = "tcp 198.51.100.7:40000 -> 192.0.2.10:443 S"


def test_first_packet():
    seen = packets("-", WEB, number=[7, 9], file=[0, 1])
    assert first_packet(seen, 1, ("a", "b")).text == WEB
    assert (first_packet(seen, 1, ("a", "b")).file, first_packet(seen, 1, ("a", "b")).number) == ("b", 9)
    assert first_packet(seen, 0, ("a", "b")).text == ""


def test_read_is_evaluated_and_skipped():
    tally = ReasonTally(("a",))
    tally.add(packets(WEB, "-", WEB), decisions(Reason.RULE, Reason.NOT_IP, Reason.NO_RULE))
    counts = tally.packet_counts(late=0, largest_step_back_ns=0)
    assert (counts.read, counts.evaluated, counts.skipped) == (3, 2, 1)
    assert (counts.decisions, counts.allowed, counts.denied) == (3, 1, 1)


def test_a_packet_at_two_interfaces_is_evaluated_once():
    tally = ReasonTally(("a",))
    tally.add(packets(WEB), decisions(Reason.RULE, Reason.NO_RULE, row=0))
    counts = tally.packet_counts(late=0, largest_step_back_ns=0)
    assert (counts.read, counts.evaluated, counts.decisions) == (1, 1, 2)


def test_a_packet_that_is_judged_once_and_not_sent_on_is_evaluated():
    tally = ReasonTally(("a",))
    tally.add(packets(WEB), decisions(Reason.RULE, Reason.NOT_SENT, row=0))
    counts = tally.packet_counts(late=0, largest_step_back_ns=0)
    assert (counts.evaluated, counts.skipped) == (1, 0)


def test_the_first_of_each_reason_over_batches():
    tally = ReasonTally(("a",))
    tally.add(packets(WEB, WEB), decisions(Reason.RULE, Reason.NO_RULE))
    tally.add(packets(WEB, WEB, number=[3, 4]), decisions(Reason.NO_RULE, Reason.RULE))
    counts = tally.reason_counts()
    assert [(count.reason, count.verdict, count.decisions, count.bytes, count.first.number) for count in counts] == [
        ("rule", "allow", 2, 200, 1),
        ("no_rule", "deny", 2, 200, 2),
    ]


def test_fragments_have_mixed_verdicts():
    tally = ReasonTally(("a",))
    tally.add(packets(WEB, WEB), decisions(Reason.FRAGMENT, Reason.FRAGMENT, verdict=[Verdict.ALLOW, Verdict.DENY]))
    (count,) = tally.reason_counts()
    assert (count.verdict, tally.allowed, tally.denied) == ("mixed", 1, 1)


def test_only_packets_that_rules_judged_are_hits():
    tally = UsageTally()
    reasons = (Reason.RULE, Reason.ESTABLISHED, Reason.UNTRACKED, Reason.PRESUMED, Reason.NO_RULE, Reason.RELATED)
    tally.add(packets(*[WEB] * 6), decisions(*reasons, rule=[0, 0, 1, 0, -1, 0]))
    refs = [rule_ref("sgr-0"), rule_ref("sgr-1")]
    assert tally.of(refs) == {refs[0]: (2, 200, 4 * SECOND_NS), refs[1]: (1, 100, 3 * SECOND_NS)}


def test_the_last_hit_is_the_latest_also_of_late_packets():
    tally = UsageTally()
    tally.add(packets(WEB, time_ns=9), decisions(Reason.RULE, rule=0))
    tally.add(packets(WEB, time_ns=5), decisions(Reason.RULE, rule=0))
    assert tally.last_ns == {0: 9}


def test_interfaces():
    tally = InterfaceTally()
    tally.add(decisions(Reason.RULE, Reason.NO_RULE, Reason.NO_INTERFACE, Reason.RULE, interface=[0, 0, -1, 2]))
    assert tally.verdicts == {(0, Verdict.ALLOW): 1, (0, Verdict.DENY): 1, (2, Verdict.ALLOW): 1}


@given(
    st.lists(st.sampled_from([Reason.RULE, Reason.NO_RULE, Reason.NOT_IP, Reason.ESTABLISHED]), max_size=40), st.data()
)
def test_batches_do_not_matter(reasons, data):
    """Cutting the input anywhere gives the same counts."""
    whole, parts = ReasonTally(("a",)), ReasonTally(("a",))
    texts = ["-" if reason is Reason.NOT_IP else WEB for reason in reasons]
    cut = data.draw(st.integers(0, len(reasons)))
    seen, judged = packets(*texts), decisions(*reasons, rule=0)
    usage, cut_usage = UsageTally(), UsageTally()
    whole.add(seen, judged)
    usage.add(seen, judged)
    for begin, end in ((0, cut), (cut, len(reasons))):
        part = seen._replace(**{name: getattr(seen, name)[begin:end] for name in seen._fields if name != "quoted"})
        rows = judged._replace(**{name: getattr(judged, name)[begin:end] for name in judged._fields})
        rows = rows._replace(row=np.arange(end - begin))
        parts.add(part, rows)
        cut_usage.add(part, rows)
    assert whole.packet_counts(0, 0) == parts.packet_counts(0, 0)
    assert whole.reason_counts() == parts.reason_counts()
    assert (usage.hits, usage.bytes, usage.last_ns) == (cut_usage.hits, cut_usage.bytes, cut_usage.last_ns)
