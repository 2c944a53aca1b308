from report.summaries import SECOND_NS, summary

from sgsim.report.change_sections import FATES, MOST_CHANGES, MOST_FLOWS, MOST_RULES, change_sections
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.simulation.summary import ChangeReport, FateCount, FlowFate, RuleFate


def report(**fields):
    made = {
        "text": "2=b.json", "time_ns": 3 * SECOND_NS, "differences": ("group sg-web: 1 rule less",), "live": 3,
        "fates": (FateCount(fate="cut", flows=1, last_expiry_ns=9 * SECOND_NS),
                  FateCount(fate="kept", flows=2, last_expiry_ns=5 * SECOND_NS)),
        "rules": (rule("kept", 2), rule("cut", 1)), "flows": (flow(),),
    }  # fmt: skip
    return ChangeReport(**{**made, **fields})


def rule(fate, flows):
    return RuleFate(rule_id="sgr-1", group_id="sg-web", text="tcp 22 from 0.0.0.0/0", fate=fate, flows=flows)


def flow(**fields):
    made = {
        "flow": 7, "interface_id": "eni-a", "text": "tcp 203.0.113.1:46884 -> 10.0.0.5:22", "tracking": "untracked",
        "tcp_state": "established", "rule_id": "sgr-1", "fate": "cut", "last_seen_ns": 2 * SECOND_NS,
        "expires_at_ns": 9 * SECOND_NS,
    }  # fmt: skip
    return FlowFate(**{**made, **fields})


def text(*reports):
    return plain_text(text_lines(list(change_sections(summary(changes=reports)))))


def test_a_change_is_told():
    assert text(report()) == (
        "Change at +2.000 s\n"
        "  change      2=b.json\n"
        "  different   group sg-web: 1 rule less\n"
        "  live flows  3\n"
        "\n"
        "  Fate  Flows  Gone, if idle, by  What it means\n"
        f"  cut       1           +8.000 s  {FATES['cut']}\n"
        f"  kept      2           +4.000 s  {FATES['kept']}\n"
        "\n"
        "  Flows  Fate  Group   Rule that had admitted them\n"
        "      1  cut   sg-web  tcp 22 from 0.0.0.0/0\n"
        "\n"
        "  Flow  Fate  State        Gone, if idle, at  At     Opened as\n"
        "     7  cut   established           +8.000 s  eni-a  tcp 203.0.113.1:46884 -> 10.0.0.5:22\n"
    )


def test_settings_say_when_they_hold():
    told = text(report(settings={"capacity": 50_000, "udp_s": 30.0}))
    assert "capacity = 50,000 places; entries that are there stay" in told
    assert "udp = 30 s, for each flow from its next packet on" in told


def test_without_live_flows_nothing_is_cut():
    told = text(report(live=0, fates=(), rules=(), flows=()))
    assert "live flows  none, so nothing is cut" in told
    assert "Fate" not in told


def test_a_change_that_never_came_has_no_section():
    assert text(report(time_ns=None)) == ""


def test_long_lists_say_what_is_left():
    told = text(report(
        differences=tuple(f"group sg-{at}: new" for at in range(20)), rules=(rule("cut", 1),) * 20, rules_left=5,
        flows=(flow(),) * 30, flows_left=70,
    ))  # fmt: skip
    assert "and 12 more things" in told
    assert f"and {20 - MOST_RULES + 5} more rules" in told
    assert f"and {100 - MOST_FLOWS} more flows that do not go on as before" in told


def test_many_changes_are_not_all_told():
    told = text(*(report() for _ in range(MOST_CHANGES + 3)))
    assert MOST_CHANGES == told.count("Change at")
    assert "3 more changes; the JSON summary has them all." in told
