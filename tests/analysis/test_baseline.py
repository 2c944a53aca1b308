"""What is accepted is put aside until the day on which it expires."""

from datetime import date, timedelta

import pytest
from builders import group, inventory

from sgsim.analysis.baseline import accept_all, judge
from sgsim.analysis.lint import lint
from sgsim.documents.baseline_doc import read_baseline, write_baseline
from sgsim.errors import SgsimError

DAY = date(2027, 1, 31)
FOUND = lint(inventory(group("tcp 1 from 10.0.0.0/8", "tcp 1 from 10.0.0.0/8", "tcp 2 from pl-1"))).findings


@pytest.mark.parametrize(("today", "is_open"), [(DAY, False), (DAY + timedelta(days=1), True)])
def test_an_acceptance_holds_through_its_last_day(today, is_open):
    judged = judge(FOUND, accept_all(FOUND, "known", DAY), today)
    assert len(judged.open) == (len(FOUND) if is_open else 0)
    assert len(judged.accepted) == (0 if is_open else len(FOUND))
    assert all(each.message.endswith("(accepted until 2027-01-31: known)") for each in judged.open)


def test_what_is_no_longer_found_is_told():
    judged = judge(FOUND[1:], accept_all(FOUND, "known"), DAY)
    assert [each.fingerprint for each in judged.gone] == [FOUND[0].fingerprint]
    assert judged.open == ()


def test_a_baseline_is_read_as_it_is_written(tmp_path):
    accepted = accept_all(FOUND, "it's 'known': yes", DAY)
    path = tmp_path / "accepted.yaml"
    path.write_text(write_baseline(accepted), encoding="utf-8")
    assert read_baseline(path) == accepted
    path.write_text(write_baseline(()), encoding="utf-8")
    assert read_baseline(path) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accepted: [{finding: x, fingerprint: y}]", "line 1, column 12: accepted[0] must have reason, got only finding, fingerprint"),
        ("accepted: [{finding: x, fingerprint: y, reason: z, expires: 'soon'}]", "line 1, column 61: expires must be a day such as '2027-01-31', got 'soon'"),
        ("accepted: [{finding: x, fingerprint: y, reason: z, until: '2027-01-01'}]", "line 1, column 52: key must be one of finding, fingerprint, reason, owner, expires, about, got 'until'"),
        ("excepted: []", "line 1, column 1: key must be one of accepted, got 'excepted'"),
    ],
)  # fmt: skip
def test_a_slip_in_a_baseline_is_refused(tmp_path, text, message):
    path = tmp_path / "accepted.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SgsimError) as refusal:
        read_baseline(path)
    assert str(refusal.value) == f"{path}, {message}"
