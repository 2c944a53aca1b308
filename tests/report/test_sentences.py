import pytest

from sgsim.model.decision import Reason
from sgsim.report.sentences import SENTENCES, peaks_note, sentence_of


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_one_plain_sentence(reason):
    sentence = SENTENCES[reason]
    assert sentence_of(str(reason)) == sentence
    assert sentence.endswith(".")
    assert sentence[0].isupper()
    assert len(sentence) <= 69  # one line of the summary


def test_no_two_reasons_are_the_same():
    assert len(set(SENTENCES.values())) == len(Reason)


@pytest.mark.parametrize(
    ("tcp", "without", "begin"),
    [
        (0, 0, None),
        (100, 0, None),
        (1000, 9, None),
        (1000, 10, "10 of 1,000 TCP records do not"),
        (5, 5, "No TCP record"),
    ],
)
def test_a_note_on_peaks_where_flags_are_missing(tcp, without, begin):
    note = peaks_note(tcp, without)
    assert (note or "").startswith(begin or "")
    assert (note is None) == (begin is None)
