"""What readers of documents have noted is told with the answers that say nothing of it otherwise."""

from attrs import evolve
from builders import group, interface, inventory

from sgsim.analysis.diff import diff_rules
from sgsim.analysis.document_notes import document_notes
from sgsim.analysis.lint import lint
from sgsim.analysis.question import Wording
from sgsim.analysis.search import search
from sgsim.documents.scalars import HOST_BITS
from sgsim.model.decision import Verdict
from sgsim.rules.inventory import Note

SENTENCE = "a.json: interfaces are left out: eni-a."
KNOWN = evolve(
    inventory(group("tcp 22 from 10.0.0.0/8"), interface()),
    notes=(
        Note("interfaces are left out: eni-a", origin="a.json", kind="left out"),
        Note("bits: 10.0.0.1/8", origin="a.json", kind=HOST_BITS),
        Note("references are unknown"),
    ),
)


def test_notes_of_documents_are_sentences_each_told_once():
    assert document_notes(KNOWN, KNOWN) == (SENTENCE, "a.json: bits: 10.0.0.1/8.")


def test_kinds_that_are_told_otherwise_are_left_out():
    assert document_notes(KNOWN, without=(HOST_BITS,)) == lint(KNOWN).notes == (SENTENCE,)


def test_a_diff_and_a_proof_of_none_tell_them():
    assert SENTENCE in diff_rules(KNOWN, KNOWN).document_notes
    question = Wording(sources=("192.0.2.10",), destinations=("10.0.0.5",), ports=("80",)).question(KNOWN)
    assert SENTENCE in search(KNOWN, question, Verdict.ALLOW).notes
