import pytest
from report.summaries import summary, table_load

from sgsim.report.summary_json import summary_document
from sgsim.report.summary_sections import sections
from sgsim.report.summary_text import plain_text, text_lines
from sgsim.report.whole_sections import MOST_INSTANCES, MOST_INTERFACES, MOST_TABLES, shown_tables
from sgsim.simulation.agreement_summary import Agreement, RecordSummary, Weight
from sgsim.simulation.summary import GroupCount, InstanceCount, InterfaceCount

MANY = 200


def text(**fields):
    return plain_text(text_lines(sections(summary(**fields))))


def interfaces(count):
    return tuple(
        InterfaceCount(
            interface_id=f"eni-{at}", instance_id=f"i-{at}", groups=("sg-web",), allowed=1, denied=at, skipped=0
        )
        for at in range(count)
    )


def instances(count):
    return tuple(
        InstanceCount(instance_id=f"i-{at}", interfaces=(f"eni-{at}",), allowed=1, denied=at, skipped=0, peak=at,
                      capacity=None, refused=0)
        for at in range(count)
    )  # fmt: skip


def groups(count):
    return tuple(
        GroupCount(group_id=f"sg-{at}", name="web" if at else "", interfaces=3, allowed=5, denied=at, skipped=0, rules=4,
                   rules_hit=2, hits=7, bytes=70)
        for at in range(count)
    )  # fmt: skip


def test_a_few_interfaces_stand_in_their_order():
    shown = text(interfaces=interfaces(3))
    assert shown.index("eni-0") < shown.index("eni-1") < shown.index("eni-2")
    assert "more interface" not in shown


def test_of_many_interfaces_those_with_most_denials_are_shown_and_the_rest_is_counted():
    shown = text(interfaces=interfaces(MANY))
    assert "eni-199 on i-199" in shown
    assert "eni-0 on" not in shown
    left = MANY - MOST_INTERFACES
    assert f"and {left} more interfaces: {left} allowed, {sum(range(left)):,} denied" in shown


def test_of_many_instances_too():
    shown = text(instances=instances(MANY))
    left = MANY - MOST_INSTANCES
    assert f"and {left} more instances: {left} allowed, {sum(range(left)):,} denied" in shown


def test_one_interface_goes_without_groups_and_instances():
    shown = text(interfaces=interfaces(1), instances=instances(1), groups=groups(1))
    assert "By group" not in shown
    assert "By instance" not in shown


def test_groups_tell_their_rules():
    shown = text(interfaces=interfaces(2), groups=groups(2))
    assert "3        5       1        0     2 of 4     7  sg-1 (web)" in shown


def test_of_many_tables_the_gravest_are_shown_in_full():
    tables = [table_load(instance_id=f"i-{at:03d}", peak=at % 7, conntrack_allowance_exceeded=0) for at in range(MANY)]
    tables[150] = table_load(instance_id="i-full", conntrack_allowance_exceeded=3)
    shown = shown_tables(summary(tables=tuple(tables)))
    assert MOST_TABLES == len(shown)
    assert "i-full" in {table.instance_id for table in shown}
    written = text(tables=tuple(tables))
    assert MOST_TABLES == written.count("Connection tracking of")
    assert f"{MANY - MOST_TABLES} tables with peaks of at most 6 places and 0 packets refused in all" in written


def test_a_summary_of_many_interfaces_stays_short():
    tables = tuple(table_load(instance_id=f"i-{at:03d}") for at in range(MANY))
    shown = text(interfaces=interfaces(MANY), instances=instances(MANY), groups=groups(MANY), tables=tables)
    assert len(shown.splitlines()) < 200


NOTE = "No TCP record tells its tcp-flags"


@pytest.mark.parametrize("count", [1, 2])
def test_peaks_of_a_log_without_flags_are_said_to_be_bounds_once(count):
    """Beside the first peaks that are shown: those by instance, or those of the only table."""
    records = RecordSummary(
        agreement=Agreement(
            compared=Weight(0, 0, 0), agreed=Weight(0, 0, 0), cells=(), causes=(), disagreements=(),
            disagreement_groups=0, not_compared={},
        ),
        tcp=9,
        tcp_without_flags=9,
    )  # fmt: skip
    tables = tuple(table_load(instance_id=f"i-{at}") for at in range(count))
    fields = {"instances": instances(count), "tables": tables, "records": records}
    found = text(**fields)
    assert (found.count(NOTE), found.count("at most 3 of 10 at")) == (1, count)
    title = "By instance" if count > 1 else "Connection tracking of i-0"
    assert f"{title}\n  {NOTE}" in found
    assert NOTE in summary_document(summary(**fields))["records"]["peaks_note"]
    assert NOTE not in text(**fields | {"tables": (table_load(peak=0, peak_time_ns=None),)})
