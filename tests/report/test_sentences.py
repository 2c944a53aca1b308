import pytest

from sgsim.model.decision import Reason
from sgsim.report.sentences import SENTENCES, sentence_of


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_one_plain_sentence(reason):
    sentence = SENTENCES[reason]
    assert sentence_of(str(reason)) == sentence
    assert sentence.endswith(".")
    assert sentence[0].isupper()
    assert len(sentence) <= 69  # one line of the summary


def test_no_two_reasons_are_the_same():
    assert len(set(SENTENCES.values())) == len(Reason)
