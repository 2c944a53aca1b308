"""Verdicts and reasons."""

import pytest

from sgsim.model.decision import UNREADABLE_REASONS, VERDICT_OF_REASON, Reason, Verdict

REASONS = {
    Verdict.ALLOW: "rule established untracked related exempt no_groups presumed",
    Verdict.DENY: "no_rule table_full network_acl midstream cut invalid",
    Verdict.SKIP: "not_ip truncated malformed unsupported no_interface local not_sent no_data skip_data",
}


def test_every_reason_but_a_fragment_has_one_verdict():
    assert set(Reason) - {Reason.FRAGMENT} == set(VERDICT_OF_REASON)


@pytest.mark.parametrize("verdict", Verdict)
def test_reasons_have_the_verdict_of_the_table(verdict):
    assert set(REASONS[verdict].split()) == {str(reason) for reason, of in VERDICT_OF_REASON.items() if of is verdict}


def test_enums_are_written_in_lower_case():
    assert [str(verdict) for verdict in Verdict] == ["allow", "deny", "skip"]
    assert str(Reason.NO_RULE) == "no_rule"


def test_a_reason_fits_a_byte_and_zero_stands_for_none():
    assert all(0 < reason < 256 for reason in Reason)


def test_unreadable_packets_are_skipped():
    assert {Verdict.SKIP} == {VERDICT_OF_REASON[reason] for reason in UNREADABLE_REASONS}
