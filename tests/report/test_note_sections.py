"""Notes at the end of an answer."""

import pytest

from sgsim.report.note_sections import MOST_NOTES, note_section
from sgsim.report.summary_text import plain_text, text_lines


def text(*args):
    return plain_text(text_lines(list(note_section(*args))))


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        ("no VPC CIDR is given", "No VPC CIDR is given."),
        ("a.log is given twice; its records count twice", "a.log is given twice; its records count twice."),
        ("a.json: one thing is left open.", "a.json: one thing is left open."),
    ],
)
def test_notes_are_sentences(note, sentence):
    assert text([note]) == f"Notes\n  {sentence}\n"


def test_of_many_notes_those_that_are_left_out_are_counted():
    assert text(["x"] * MOST_NOTES).splitlines() == ["Notes", *["  X."] * MOST_NOTES]
    assert text(["x"] * (MOST_NOTES + 2)).splitlines()[-1] == "  And 2 more notes."


def test_a_break_of_the_input_comes_first_and_nothing_makes_no_section():
    assert text(["x"], "a.pcap, packet 2") == "Notes\n  The input broke off: a.pcap, packet 2\n  X.\n"
    assert text([]) == ""
